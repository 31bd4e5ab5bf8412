#include "cli/csv_row.h"

#include "harness/test.h"

TEST(csv_row, values_are_texts_under_the_names_of_the_header)
{
    static const struct row {
        const char *record, *json, *part; /* json NULL: refused with `part` */
    } rows[] = {
        {"1,x,2.5", "{\"a\":\"1\",\"b c\":\"x\",\"d\":\"2.5\"}", NULL},
        {"1,x,2.5\r", "{\"a\":\"1\",\"b c\":\"x\",\"d\":\"2.5\"}", NULL},
        {",,", "{}", NULL},
        {"\"\",,1", "{\"a\":\"\",\"d\":\"1\"}", NULL},
        {"\"say \"\"no\"\"\",\"1,2\n3\", 4 ",
            "{\"a\":\"say \\\"no\\\"\",\"b c\":\"1,2\\u000a3\",\"d\":\" 4 \"}", NULL},
        {" \"q\" ,5'\"6,\\", "{\"a\":\"q\",\"b c\":\"5'\\\"6\",\"d\":\"\\\\\"}", NULL},
        {"1,  \"q,3", "{\"a\":\"1\",\"b c\":\"  \\\"q\",\"d\":\"3\"}", NULL},
        {"1,2", NULL, "2 fields, the header has 3"},
        {"1,2,3,4", NULL, "4 fields, the header has 3"},
        {"1,\"2\"x,3", NULL, "field 2 has text behind a closing quote"},
        {"1,2,\"3", NULL, "field 3 has a quote that is never closed"},
        {"1,2,\"3\"\"", NULL, "never closed"},
        {"1,2,3\r4,5,6\r", NULL, "field 3 has a CR without quotes"},
        {"1,x\ry,3", NULL, "a CR without quotes"},
        {"1,\"x\ry\",3", "{\"a\":\"1\",\"b c\":\"x\\u000dy\",\"d\":\"3\"}", NULL},
    };
    struct vv_csv_names names = {0};
    varve_error err;
    CHECK_INT(vv_csv_names_read(&names,
                  "\xef\xbb\xbf"
                  "a,\"b c\",d\r",
                  12, &err),
        VARVE_OK);
    for (size_t i = 0; i < VV_COUNT(rows); i++) {
        struct vv_text json VV_CLEANUP(vv_text_done) = {0};
        varve_status status =
            vv_csv_row_write(&names, rows[i].record, strlen(rows[i].record), &json, &err);
        CHECK_INT(status, rows[i].json ? VARVE_OK : VARVE_EINVALID);
        if (rows[i].json)
            CHECK_STR(vv_text_chars(&json), rows[i].json);
        else if (!CHECK(strstr(err.message, rows[i].part) != NULL))
            CHECK_STR((const char *)err.message, rows[i].part);
    }
    vv_csv_names_done(&names);
}

TEST(csv_row, a_header_is_written_again_without_a_column)
{
    static const struct header {
        const char *record, *except, *written;
    } headers[] = {
        {"a,table,b\r", "table", "a,b"},
        {"a,table,b", NULL, "a,table,b"},
        {"\xef\xbb\xbf\"table\",\"b \"\"c\"\"\", d", "table", "\"b \"\"c\"\"\", d"},
        {"Table,tables", "table", "Table,tables"},
    };
    for (size_t i = 0; i < VV_COUNT(headers); i++) {
        struct vv_text text VV_CLEANUP(vv_text_done) = {0};
        vv_csv_header_write(headers[i].record, strlen(headers[i].record), headers[i].except,
            &text);
        CHECK_STR(vv_text_chars(&text), headers[i].written);
    }
    struct vv_csv_names names = {0};
    varve_error err;
    CHECK_INT(vv_csv_names_read(&names, "a,\"table\"", 9, &err), VARVE_OK);
    CHECK(vv_csv_names_has(&names, "table") && !vv_csv_names_has(&names, "A"));
    vv_csv_names_done(&names);
}

TEST(csv_row, a_header_has_a_name_for_each_column_once)
{
    static const struct header {
        const char *record, *part;
    } headers[] = {
        {"", "column 1 has no name"},
        {"a,,b", "column 2 has no name"},
        {"a,b,A", "column \"A\" is in the header twice"},
        {"a,\"b", "never closed"},
        {"a,\"b\"c", "behind a closing quote"},
        {"a,b\r1,2\r", "a CR without quotes"},
        {"a\rb", "a CR without quotes"},
    };
    for (size_t i = 0; i < VV_COUNT(headers); i++) {
        struct vv_csv_names names = {0};
        varve_error err;
        CHECK_INT(vv_csv_names_read(&names, headers[i].record, strlen(headers[i].record), &err),
            VARVE_EINVALID);
        if (!CHECK(strstr(err.message, headers[i].part) != NULL))
            CHECK_STR((const char *)err.message, headers[i].part);
        CHECK_INT(names.len, 0);
    }
}
