#include "cli/arrow_view.h"

#include <math.h>

#include "arrays.h"
#include "harness/test.h"

/* A row of a column as text and as JSON; "NULL" for the text of a NULL. */
static void check_cell(struct arrays *column, int64_t row, const char *as_text,
    const char *as_json)
{
    struct vv_type type;
    varve_error err;
    struct vv_text text = {0};
    if (!CHECK(vv_type_read(&column->schema, &type, &err) == VARVE_OK))
        return;
    struct vv_cell cell = {&type, &column->array, row};
    vv_cell_add_json(cell, (struct vv_json_style){0}, &text);
    CHECK_STR(vv_text_chars(&text), as_json);
    vv_text_clear(&text);
    if (vv_cell_resolve(&cell))
        vv_cell_add_text(cell, &text);
    else
        vv_text_adds(&text, "NULL");
    CHECK_STR(vv_text_chars(&text), as_text);
    vv_text_done(&text);
    vv_type_done(&type);
}

static void check_number(const char *format, const void *values, const char *expected)
{
    struct arrays column;
    arrays_column(&column, format, "x", 1, NULL, values, NULL);
    check_cell(&column, 0, expected, expected);
}

TEST(arrow_view, integers_of_all_widths_keep_their_sign)
{
    check_number("c", (int8_t[]){-128}, "-128");
    check_number("C", (uint8_t[]){255}, "255");
    check_number("s", (int16_t[]){-2}, "-2");
    check_number("S", (uint16_t[]){65535}, "65535");
    check_number("i", (int32_t[]){INT32_MIN}, "-2147483648");
    check_number("I", (uint32_t[]){UINT32_MAX}, "4294967295");
    check_number("l", (int64_t[]){INT64_MIN}, "-9223372036854775808");
    check_number("L", (uint64_t[]){UINT64_MAX}, "18446744073709551615");
    check_number("f", (float[]){1.1F}, "1.1");
    check_number("g", (double[]){-0.5}, "-0.5");
    check_number("d:4,2,32", (int32_t[]){-1250}, "-12.50");
    check_number("d:18,3,64", (int64_t[]){1}, "0.001");
    check_number("d:38,2", (int64_t[]){-105, -1}, "-1.05");
}

TEST(arrow_view, booleans_and_validity_are_bits_behind_the_offset)
{
    struct arrays column;
    static const uint8_t valid[] = {0xff, 0x01};
    static const uint8_t values[] = {0x00, 0x03};
    arrays_column(&column, "b", "x", 4, valid, values, NULL);
    column.array.offset = 7;
    check_cell(&column, 0, "false", "false");
    check_cell(&column, 1, "true", "true");
    check_cell(&column, 2, "NULL", "null");
}

TEST(arrow_view, texts_of_all_layouts)
{
    struct arrays column;
    static const int32_t offsets[] = {0, 2, 2, 5};
    static const int64_t large[] = {0, 2, 2, 5};
    static const uint8_t second_is_null[] = {0x05};
    arrays_column(&column, "u", "x", 3, NULL, offsets, "ab\"c\n");
    check_cell(&column, 0, "ab", "\"ab\"");
    check_cell(&column, 1, "", "\"\"");
    check_cell(&column, 2, "\"c\n", "\"\\\"c\\n\"");
    arrays_column(&column, "U", "x", 3, second_is_null, large, "abcde");
    check_cell(&column, 1, "NULL", "null");
    check_cell(&column, 2, "cde", "\"cde\"");
    column.array.offset = 1;
    check_cell(&column, 0, "NULL", "null");
    check_cell(&column, 1, "cde", "\"cde\"");
    arrays_column(&column, "z", "x", 3, NULL, offsets, "ab\0\1\2");
    check_cell(&column, 2, "AAEC", "\"AAEC\"");
    arrays_column(&column, "w:2", "x", 2, NULL, "abcd", NULL);
    check_cell(&column, 1, "Y2Q=", "\"Y2Q=\"");
}

TEST(arrow_view, string_views_are_inside_or_in_a_buffer)
{
    struct arrays column;
    unsigned char views[32] = {5, 0, 0, 0, 's', 'h', 'o', 'r', 't'};
    const int32_t far[] = {13, 0, 0, 2};
    memcpy(views + 16, far, sizeof(far));
    arrays_column(&column, "vu", "x", 2, NULL, views, "__a longer text");
    check_cell(&column, 0, "short", "\"short\"");
    check_cell(&column, 1, "a longer text", "\"a longer text\"");
}

TEST(arrow_view, times_of_all_units)
{
    struct arrays column;
    arrays_column(&column, "tdD", "x", 1, NULL, (int32_t[]){20118}, NULL);
    check_cell(&column, 0, "2025-01-30", "\"2025-01-30\"");
    arrays_column(&column, "tsu:UTC", "x", 2, NULL, (int64_t[]){0, INT64_MAX}, NULL);
    check_cell(&column, 0, "1970-01-01T00:00:00.000000Z", "\"1970-01-01T00:00:00.000000Z\"");
    check_cell(&column, 1, "infinity", "\"infinity\"");
    arrays_column(&column, "tsm:", "x", 1, NULL, (int64_t[]){-1}, NULL);
    check_cell(&column, 0, "1969-12-31T23:59:59.999000", "\"1969-12-31T23:59:59.999000\"");
    arrays_column(&column, "ttu", "x", 1, NULL, (int64_t[]){3723000001}, NULL);
    check_cell(&column, 0, "01:02:03.000001", "\"01:02:03.000001\"");
    arrays_column(&column, "tDm", "x", 1, NULL, (int64_t[]){-1500}, NULL);
    check_cell(&column, 0, "PT-1.5S", "\"PT-1.5S\"");
    struct {
        int32_t months, days;
        int64_t ns;
    } intervals[] = {{14, 3, 500000000}, {0, 0, 0}};
    arrays_column(&column, "tin", "x", 2, NULL, intervals, NULL);
    check_cell(&column, 0, "P1Y2M3DT0.5S", "\"P1Y2M3DT0.5S\"");
    check_cell(&column, 1, "PT0S", "\"PT0S\"");
}

TEST(arrow_view, nan_is_text_or_null_in_json)
{
    struct arrays column;
    arrays_column(&column, "g", "x", 2, NULL, (double[]){(double)NAN, -(double)INFINITY}, NULL);
    check_cell(&column, 0, "NaN", "null");
    check_cell(&column, 1, "-Infinity", "null");
    struct vv_type type;
    varve_error err;
    struct vv_text text = {0};
    REQUIRE(vv_type_read(&column.schema, &type, &err) == VARVE_OK);
    vv_cell_add_json((struct vv_cell){&type, &column.array, 1},
        (struct vv_json_style){.nan_as_text = true}, &text);
    CHECK_STR(vv_text_chars(&text), "\"-Infinity\"");
    vv_text_done(&text);
    vv_type_done(&type);
}

TEST(arrow_view, nested_values_are_json)
{
    struct arrays list, item, row, name, map, entry, key, value;
    arrays_column(&item, "i", "item", 3, (const uint8_t[]){0x05}, (int32_t[]){1, 2, 3}, NULL);
    arrays_column(&list, "+l", "l", 2, NULL, (int32_t[]){0, 2, 3}, NULL);
    arrays_add(&list, &item);
    check_cell(&list, 0, "[1,null]", "[1,null]");
    check_cell(&list, 1, "[3]", "[3]");
    arrays_column(&name, "u", "na\"me", 3, NULL, (int32_t[]){0, 1, 2, 3}, "xyz");
    arrays_column(&row, "+s", "s", 2, NULL, NULL, NULL);
    arrays_add(&row, &name);
    row.array.offset = 1; /* members are found from the parent's offset */
    check_cell(&row, 1, "{\"na\\\"me\":\"z\"}", "{\"na\\\"me\":\"z\"}");
    arrays_column(&key, "i", "key", 2, NULL, (int32_t[]){7, 8}, NULL);
    arrays_column(&value, "g", "value", 2, NULL, (double[]){0.5, 1}, NULL);
    arrays_column(&entry, "+s", "entries", 2, NULL, NULL, NULL);
    arrays_add(&entry, &key);
    arrays_add(&entry, &value);
    arrays_column(&map, "+m", "m", 1, NULL, (int32_t[]){0, 2}, NULL);
    arrays_add(&map, &entry);
    check_cell(&map, 0, "{\"7\":0.5,\"8\":1.0}", "{\"7\":0.5,\"8\":1.0}");
}

TEST(arrow_view, fixed_lists_and_list_views)
{
    struct arrays list, item;
    arrays_column(&item, "c", "item", 4, NULL, (int8_t[]){1, 2, 3, 4}, NULL);
    arrays_column(&list, "+w:2", "l", 2, NULL, NULL, NULL);
    arrays_add(&list, &item);
    check_cell(&list, 1, "[3,4]", "[3,4]");
    arrays_column(&list, "+vl", "l", 2, NULL, (int32_t[]){2, 0}, (int32_t[]){1, 3});
    arrays_add(&list, &item);
    check_cell(&list, 0, "[3]", "[3]");
    check_cell(&list, 1, "[1,2,3]", "[1,2,3]");
}

TEST(arrow_view, dictionaries_and_unions_are_followed)
{
    struct arrays column, words, either, number, text;
    arrays_column(&words, "u", "", 2, NULL, (int32_t[]){0, 2, 4}, "upon");
    arrays_column(&column, "C", "x", 3, (const uint8_t[]){0x03}, (uint8_t[]){1, 0, 9}, NULL);
    column.schema.dictionary = &words.schema;
    column.array.dictionary = &words.array;
    check_cell(&column, 0, "on", "\"on\"");
    check_cell(&column, 1, "up", "\"up\"");
    check_cell(&column, 2, "NULL", "null");
    arrays_column(&number, "i", "num", 2, NULL, (int32_t[]){5, 6}, NULL);
    arrays_column(&text, "u", "str", 2, NULL, (int32_t[]){0, 1, 2}, "ab");
    arrays_column(&either, "+us:0,1", "u", 2, NULL, NULL, NULL);
    either.buffers[0] = (int8_t[]){1, 0};
    either.array.n_buffers = 1;
    arrays_add(&either, &number);
    arrays_add(&either, &text);
    check_cell(&either, 0, "a", "\"a\"");
    check_cell(&either, 1, "6", "6");
}

TEST(arrow_view, formats_that_no_query_gives_are_refused)
{
    static const char *const formats[] = {"", "e", "x", "tsx:", "tsu", "d:38", "d:38,2x",
        "d:38,2,64,1", "d:,2", "d:76,2,256", "w:", "w:2x", "+r", "+ud:", "+ud:1000"};
    for (size_t i = 0; i < VV_COUNT(formats); i++) {
        struct arrays column, child;
        struct vv_type type;
        varve_error err;
        arrays_column(&column, formats[i], "strange", 0, NULL, NULL, NULL);
        arrays_column(&child, "i", "child", 0, NULL, NULL, NULL);
        arrays_add(&column, &child);
        CHECK_INT(vv_type_read(&column.schema, &type, &err), VARVE_EUNSUPPORTED);
        CHECK(strstr(err.message, "'strange'") != NULL);
    }
}
