#include <unistd.h>

#include "base/json_write.h"
#include "batch_fixture.h"
#include "harness/prop.h"

static const struct batch_spec texts = {.schema = "k long, a string, b double", .key = "k"};

#define READ "SELECT _row, c0, c1, c2 FROM batch ORDER BY _row"

static const struct {
    const char *content;
    const char *rows;
} good[] = {
    {"", ""},
    {"\n\n  \n", ""},
    {"{\"k\":1,\"a\":\"x\",\"b\":0.5}", "1|1|x|0.5\n"},
    {"{\"k\":1,\"a\":\"x\",\"b\":0.5}\n", "1|1|x|0.5\n"},
    {"{\"k\":1}\r\n\r\n{\"k\":2}\r\n", "1|1|NULL|NULL\n2|2|NULL|NULL\n"},
    {"\xEF\xBB\xBF{\"k\":1}\n", "1|1|NULL|NULL\n"},
    {"  {\"K\" : \"1\" , \"B\":\"NaN\"} \n", "1|1|NULL|nan\n"},
    {"{\"b\":\"-Infinity\",\"k\":1}\n", "1|1|NULL|-inf\n"},
    {"{\"a\":null,\"k\":1,\"b\":null}\n", "1|1|NULL|NULL\n"},
    {"{\"a\":\"\",\"k\":1}\n", "1|1||NULL\n"},
    {"{\"a\":\"\\u00e9\\n\\\"\\ud83d\\ude00\",\"k\":1}\n",
        "1|1|\xC3\xA9\n\"\xF0\x9F\x98\x80|NULL\n"},
    {"{\"a\":1.50,\"k\":1,\"b\":1e3}\n", "1|1|1.50|1000.0\n"},
    {"{\"a\":true,\"k\":1}\n", "1|1|true|NULL\n"},
    {"{\"table\":\"regimes\",\"k\":1}\n", "1|1|NULL|NULL\n"},
    {"{\"table\":\"lake/regimes\",\"k\":1}\n", "1|1|NULL|NULL\n"},
    {"{\"k\":1}\n{\"a\":\"x\",\"k\":2}\n{\"b\":1,\"k\":3}\n",
        "1|1|NULL|NULL\n2|2|x|NULL\n3|3|NULL|1.0\n"},
};

TEST(input_ndjson, reads_a_row_a_line)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    for (size_t index = 0; index < VV_COUNT(good); index++) {
        if (!CHECK_OK(&fixture.op,
                batch_read_text(&fixture, VV_INPUT_NDJSON, good[index].content)) ||
            !CHECK_STR(batch_query(&fixture, READ), good[index].rows))
            CHECK_STR(good[index].content, "fails");
    }
    batch_fixture_close(&fixture);
}

static const struct {
    const char *content;
    const char *message;
} bad[] = {
    {"{\"k\":1}\n{\"k\":\n", "rows.ndjson: line 2"},
    {"{\"k\":1}\n\n[1]\n", "rows.ndjson: line 3: a row has to be one JSON object a line"},
    {"7\n", "line 1: a row has to be one JSON object a line"},
    {"{\"k\":1}{\"k\":2}\n", "rows.ndjson: line 1"},
    {"{\"k\":1,}\n", "rows.ndjson: line 1"},
    {"{\"k\":NaN}\n", "rows.ndjson: line 1"},
    {"{\"a\":\"\xFF\",\"k\":1}\n", "rows.ndjson: line 1"},
    {"{\"k\":1,\"table\":\"gimes\"}\n", "row 1 (line 1): table = gimes names another table"},
    {"{\"k\":1,\"table\":\"\"}\n", "table = '' names another table"},
    {"{\"k\":1,\"table\":null}\n", "table = NULL names another table"},
    {"{\"k\":1,\"table\":[1]}\n", "table = [1] names another table"},
    {"{\"k\":1,\"Table\":\"regimes\"}\n", "Table = regimes is in no column of the table"},
    {"{\"k\":1,\"a\":\"x\",\"a\":\"x\"}\n", "a = x is in the line twice"},
    {"{\"k\":1,\"a\":null,\"A\":null}\n", "a = NULL is in the line twice"},
    {"{\"k\":1}\n\n \n{\"a\":1}\n", "row 2 (line 4): k must not be NULL"},
    {"\n{\"k\":{}}\n", "row 1 (line 2): k = '{}' does not fit type long"},
    {"{\"k\":[1]}\n", "k = '[1]' does not fit type long"},
    {"{\"k\":true}\n", "k = 'true' does not fit type long"},
};

TEST(input_ndjson, tells_what_is_wrong_and_in_which_line)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    for (size_t index = 0; index < VV_COUNT(bad); index++) {
        batch_read_text(&fixture, VV_INPUT_NDJSON, bad[index].content);
        CHECK_STATUS(&fixture.op, VARVE_EINVALID);
        if (!CHECK(strstr(fixture.op.error.message, bad[index].message) != NULL))
            CHECK_STR(fixture.op.error.message, bad[index].message);
        vv_forgive(&fixture.op);
    }
    batch_fixture_close(&fixture);
}

/* A table may have a column of that name: then it is one like others. */
TEST(input_ndjson, column_named_table_is_a_column)
{
    const struct batch_spec spec = {.schema = "k long, table string"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    CHECK_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_NDJSON, "{\"k\":1,\"table\":\"anything\"}\n"));
    CHECK_STR(batch_query(&fixture, "SELECT c1 FROM batch"), "anything\n");
    batch_fixture_close(&fixture);
}

/* What the line says is what the table gets, whatever the text is. */
TEST(input_ndjson, texts_come_through_unchanged)
{
    struct prop prop = prop_start();
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str values[2500];
    for (size_t row = 0; row < VV_COUNT(values); row++) {
        char text[200];
        struct vv_json_writer writer = VV_JSON_WRITER_INIT(&content);
        values[row] = vv_arena_str(&fixture.op.arena, prop_utf8(&prop, text, sizeof(text)));
        vv_jw_object(&writer);
        vv_jw_key_int(&writer, "k", (int64_t)row);
        vv_jw_key_string(&writer, "a", values[row]);
        vv_jw_end(&writer);
        vv_buf_adds(&content, prop_chance(&prop, 10) ? "\n\n" : "\n");
    }
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON, content.ptr));
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    REQUIRE_OK(&fixture.op,
        vv_session_query(&fixture.op, fixture.session,
            batch_sql(&fixture, "SELECT _row, c0, c1 FROM batch ORDER BY c0"), &rows));
    for (size_t row = 0; row < VV_COUNT(values); row++) {
        bool has_row = false;
        REQUIRE_OK(&fixture.op, vv_rows_next(&fixture.op, rows, &has_row));
        REQUIRE(has_row);
        CHECK_INT(vv_rows_int64(rows, 0), row + 1);
        CHECK_STR(vv_rows_text(rows, 2), values[row]);
    }
    vv_rows_close(&rows);
    batch_fixture_close(&fixture);
}

/* Lines longer than the piece that is read at once, and shorter ones beside them. */
TEST(input_ndjson, lines_of_all_lengths_are_put_together)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
    const size_t lengths[] = {0, 1, 1 << 20, 3, (1 << 20) - 18, (1 << 20) - 17, 3 << 20, 5};
    for (size_t row = 0; row < VV_COUNT(lengths); row++) {
        vv_buf_addf(&content, "{\"k\":%zu,\"a\":\"", row);
        for (size_t at = 0; at < lengths[row]; at++)
            vv_buf_addc(&content, 'x');
        vv_buf_adds(&content, "\"}\n");
    }
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON, content.ptr));
    CHECK_STR(batch_query(&fixture, "SELECT length(c1) FROM batch ORDER BY c0"),
        "0\n1\n1048576\n3\n1048558\n1048559\n3145728\n5\n");
    batch_fixture_close(&fixture);
}

TEST(input_ndjson, row_numbers_hold_in_large_files)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    const int counts[] = {2047, 2048, 2049, 122879, 122880, 122881};
    for (size_t index = 0; index < VV_COUNT(counts); index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
        for (int row = 1; row <= counts[index]; row++)
            vv_buf_addf(&content, "{\"k\":%d}\n", row);
        REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON, content.ptr));
        CHECK_INT(fixture.batch.rows, counts[index]);
        CHECK_STR(batch_query(&fixture, "SELECT count(*) FROM batch WHERE _row <> c0"), "0\n");
    }
    batch_fixture_close(&fixture);
}
