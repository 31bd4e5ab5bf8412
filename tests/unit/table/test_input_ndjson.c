#include <unistd.h>

#include "base/json_write.h"
#include "batch_fixture.h"
#include "harness/prop.h"
#include "table/input/batch_input.h"

static const struct batch_spec texts = {.schema = "k long, a string, b double", .key = "k"};

#define READ "SELECT _row, c0, c1, c2 FROM batch ORDER BY _row"

/* The same lines in a file that is so long that they are read as values. */
static const char *make_long(struct batch_fixture *fixture, const char *content)
{
    size_t len = strlen(content);
    size_t blank = (size_t)VV_INPUT_SMALL_BYTES_MAX;
    char *longer = vv_new(&fixture->op.arena, char, len + blank + 2);
    if (longer == NULL)
        return content; /* the tests see that nothing was read as values */
    memcpy(longer, content, len);
    memset(longer + len, '\n', blank + 1);
    longer[len + blank + 1] = '\0';
    return longer;
}

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
    {"{\"b\":-Infinity,\"k\":1,\"a\":NaN}\n{\"b\":NaN,\"k\":2,\"a\":[1,NaN]}\n",
        "1|1|NULL|-inf\n2|2|[1,null]|nan\n"},
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
    for (size_t index = 0; index < 2 * VV_COUNT(good); index++) {
        const char *content = good[index / 2].content;
        if (index % 2 == 1)
            content = make_long(&fixture, content);
        if (!CHECK_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON, content)) ||
            !CHECK_STR(batch_query(&fixture, READ), good[index / 2].rows))
            CHECK_STR(good[index / 2].content, index % 2 == 1 ? "fails as values" : "fails");
    }
    batch_fixture_close(&fixture);
}

static const struct {
    const char *content;
    const char *message;
} bad[] = {
    {"{\"k\":1}\n{\"k\":\n", "row 2 (line 2): not JSON at byte 5 of 5"},
    {"{\"k\":1}\n\n[1]\n", "row 2 (line 3): a row has to be one JSON object a line"},
    {"7\n", "row 1 (line 1): a row has to be one JSON object a line"},
    {"{\"k\":1}{\"k\":2}\n", "row 1 (line 1): not JSON at byte"},
    {"{\"k\":1,}\n", "row 1 (line 1): not JSON at byte"},
    {"{\"k\":NaN}\n", "row 1 (line 1): k must not be NULL"},
    {"{\"k\":1,\"b\":nan}\n", "row 1 (line 1): not JSON: nan"},
    {"{\"k\":1,\"b\":NAN}\n", "row 1 (line 1): not JSON: NAN"},
    {"{\"k\":1,\"b\":-NaN}\n", "row 1 (line 1): not JSON: -NaN"},
    {"{\"k\":1,\"b\":inf}\n", "row 1 (line 1): not JSON: inf"},
    {"{\"k\":1,\"a\":[nan]}\n", "row 1 (line 1): not JSON: nan"},
    {"{\"k\":1,\"a\":[nan,1]}\n", "row 1 (line 1): not JSON: nan"},
    {"[NaN]\n", "row 1 (line 1): a row has to be one JSON object a line, and this is an array"},
    {"NaN\n", "row 1 (line 1): a row has to be one JSON object a line"},
    {"{\"k\":1,\"a\":Infinity}\n",
        "row 1 (line 1): a has an infinite float, where type string has to be"},
    {"{\"k\":1,\"a\":[nan,\"U1BZ\"]}\n",
        "row 1 (line 1): a has bytes, where type string has to be"},
    {"{\"k\":1,\"x\":NaN}\n", "row 1 (line 1): x = NULL is in no column of the table"},
    {"{\"k\":1,\"x\":[nan,\"U1BZ\"]}\n", "x = U1BZ is in no column of the table"},
    {"{\"k\":1,\"a\":NaN,\"A\":NaN}\n", "row 1 (line 1): a is in the line twice: {"},
    {"{\"a\":\"\xFF\",\"k\":1}\n", "row 1 (line 1): not JSON at byte"},
    {"{\"k\":1,\"table\":\"gimes\"}\n", "row 1 (line 1): table = gimes names another table"},
    {"{\"k\":1,\"table\":\"\"}\n", "table = '' names another table"},
    {"{\"k\":1,\"table\":null}\n", "table = NULL names another table"},
    {"{\"k\":1,\"table\":[1]}\n", "table = [1] names another table"},
    {"{\"k\":1,\"Table\":\"regimes\"}\n", "Table = regimes is in no column of the table"},
    {"{\"k\":1,\"a\":\"x\",\"a\":\"x\"}\n",
        "row 1 (line 1): a is in the line twice: {\"k\":1,"},
    {"{\"k\":1,\"a\":null,\"A\":null}\n", "row 1 (line 1): a is in the line twice: {"},
    {"{\"k\":1}\n\n \n{\"a\":1}\n", "row 2 (line 4): k must not be NULL"},
    {"\n{\"k\":{}}\n", "row 1 (line 2): k = '{}' does not fit type long"},
    {"{\"k\":[1]}\n", "k = '[1]' does not fit type long"},
    {"{\"k\":true}\n", "k = 'true' does not fit type long"},
};

TEST(input_ndjson, tells_what_is_wrong_and_in_which_line)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    for (size_t index = 0; index < 2 * VV_COUNT(bad); index++) {
        const char *content = bad[index / 2].content;
        if (index % 2 == 1)
            content = make_long(&fixture, content);
        batch_read_text(&fixture, VV_INPUT_NDJSON, content);
        CHECK_STATUS(&fixture.op, VARVE_EINVALID);
        if (!CHECK(strstr(fixture.op.error.message, bad[index / 2].message) != NULL))
            CHECK_STR(fixture.op.error.message, bad[index / 2].message);
        vv_forgive(&fixture.op);
    }
    batch_fixture_close(&fixture);
}

static const struct batch_spec all_types = {
    .schema = "k long, s string, l long, i integer, h short, y byte, d double, b boolean, "
              "day date, t timestamp, n timestamp_ntz",
    .key = "k",
    .order_by = "t"};
static const char *const columns[] = {"s", "l", "i", "h", "y", "d", "b", "day", "t", "n"};

static const char *const any_values[] = {"null", "true", "false", "0", "-0", "1", "-128", "128",
    "32767", "-32769", "2147483647", "-2147483649", "9223372036854775807",
    "-9223372036854775808", "9223372036854775808", "1.0", "1e2", "0.1", "-0.0", "1.7e308",
    "1e400", "4.9e-324", "123456789012345678901234567890", "14.9344", "\"\"", "\"x\"", "\"1\"",
    "\" 1\"", "\"1.5\"", "\"NaN\"", "\"true\"", "\"True\"", "\"0\"", "[]", "{}", "[1]",
    "\"\\u0000\"", "\"\\ud83d\\ude00 and more than twelve bytes\"", "\"2025-01-30\"",
    "\"2025-02-30\"", "\"2025-1-30\"", "\"0001-01-01\"", "\"9999-12-31\"", "\"10000-01-01\"",
    "\"2025-01-30T10:00\"", "\"2025-01-30T10:00Z\"", "\"2025-01-30T10:00:00\"",
    "\"2025-01-30 10:00:00\"", "\"2025-01-30T10:00:00Z\"", "\"2025-01-30T10:00:00z\"",
    "\"2025-01-30T10:00:00+00:00\"", "\"2025-01-30T10:00:00-00:00\"",
    "\"2025-01-30T10:00:00+02:00\"", "\"2025-01-30T10:00:00.5Z\"",
    "\"2025-01-30T10:00:00.123456Z\"", "\"2025-01-30T10:00:00.1234567Z\"",
    "\"2025-01-30T10:00:00.1234560Z\"", "\"2025-01-30T10:00:00.123456\"",
    "\"2025-01-30T10:00:00.Z\"", "\"2025-01-30T23:59:60Z\"", "\"2025-01-30T24:00:00Z\"",
    "\"0001-01-01T00:00:00Z\"", "\"9999-12-31T23:59:59.999999Z\"",
    "\"9999-12-31T23:59:59.9999999Z\"", "\"0000-12-31T23:59:59Z\"",
    "\"1969-12-31T23:59:59.999999+00:00\"", "\"2025-01-30T10:00:00Z \""};

/* Whatever a value is, the long way and the short one make the same of it, faults too. */
TEST(input_ndjson, values_and_texts_come_to_the_same)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &all_types));
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
    fixture.options.reject_rows = true;
    int64_t rows = 0;
    for (size_t value = 0; value < VV_COUNT(any_values); value++)
        for (size_t column = 0; column < VV_COUNT(columns); column++)
            vv_buf_addf(&content, "{\"k\":%d,\"%s\":%s}\n", (int)++rows, columns[column],
                any_values[value]);
    for (int row = 0; row < 3000; row++) /* so that those in doubt are few among the others */
        vv_buf_addf(&content, "{\"k\":%d,\"d\":0.25,\"s\":\"plain\"}\n", (int)++rows);
    REQUIRE_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_NDJSON, vv_buf_str(&content).ptr));
    struct vv_str as_texts = batch_query(&fixture, "SELECT * FROM batch ORDER BY _row");
    struct vv_str faults = vv_arena_str(&fixture.op.arena, fixture.batch.rejects);
    int64_t rejected = fixture.batch.rows_rejected;
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON,
                                make_long(&fixture, vv_buf_str(&content).ptr)));
    size_t inputs_len = 0;
    const struct vv_batch_input *input = vv_batch_inputs(fixture.source, &inputs_len);
    CHECK(input->has_cells);
    CHECK(input->odd_len > 0 && (int64_t)input->odd_len < rows / 2);
    CHECK_STR(batch_query(&fixture, "SELECT * FROM batch ORDER BY _row"), as_texts);
    CHECK_INT(fixture.batch.rows_rejected, rejected);
    CHECK(rejected > 100);
    CHECK_STR(fixture.batch.rejects, faults);
    batch_fixture_close(&fixture);
}

static const struct vv_check small[] = {
    {FIXTURE_TEXT("small"), FIXTURE_TEXT("b < 1"), FIXTURE_TEXT("\"b\" < 1")}};

/* A row of values that breaks a rule is told as it stands in its line, in the order of the lines. */
TEST(input_ndjson, values_that_break_a_rule_are_told_as_they_were_written)
{
    const struct batch_spec spec = {.schema = "k long, a string, b double",
        .key = "k",
        .checks = small,
        .checks_len = VV_COUNT(small)};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    fixture.options.reject_rows = true;
    const char *content =
        make_long(&fixture, "{\"k\":1,\"b\":0.50}\n{\"k\":2,\"b\":1.50}\n{\"k\":3,\"b\":\"x\"}"
                            "\n{\"k\":4,\"b\":2.50}\n"
                            "{\"k\":4,\"b\":\"0.75\"}\n{\"k\":4,\"b\":0.25}\n");
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON, content));
    CHECK_INT(fixture.batch.rows_in, 6);
    CHECK_INT(fixture.batch.rows_rejected, 3);
    CHECK_INT(fixture.batch.rows_duplicate, 1);
    CHECK_STR(batch_query(&fixture, READ), "1|1|NULL|0.5\n6|4|NULL|0.25\n");
    CHECK_STR(fixture.batch.rejects,
        "{\"row\":2,\"line\":2,\"source\":\"rows.ndjson\",\"values\":{\"k\":\"2\",\"b\":\"1."
        "50\"},"
        "\"reasons\":[{\"column\":\"b\",\"value\":\"1.50\",\"rule\":\"breaks small (b < "
        "1)\"}]}\n"
        "{\"row\":3,\"line\":3,\"source\":\"rows.ndjson\",\"values\":{\"k\":\"3\",\"b\":\"x\"},"
        "\"reasons\":[{\"column\":\"b\",\"value\":\"x\",\"rule\":\"does not fit type "
        "double\"}]}\n"
        "{\"row\":4,\"line\":4,\"source\":\"rows.ndjson\",\"values\":{\"k\":\"4\",\"b\":\"2."
        "50\"},"
        "\"reasons\":[{\"column\":\"b\",\"value\":\"2.50\",\"rule\":\"breaks small (b < "
        "1)\"}]}\n");
    batch_fixture_close(&fixture);
}

static const struct batch_spec ordered = {
    .schema = "k long, j string, o long, b double", .key = "k,j", .order_by = "o"};

/*
 * Of rows in memory nothing is copied: those that others of their key beat are left out of a view.
 * What is left is what there is of the same rows as texts, also when they are judged again.
 */
TEST(input_ndjson, of_values_in_memory_the_same_rows_stay)
{
    struct prop prop = prop_start();
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &ordered));
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
    for (int row = 1; row <= 9000; row++) {
        vv_buf_addf(&content, "{\"k\":%d,\"j\":\"%s\",\"b\":%d", (int)prop_choose(&prop, 3000),
            prop_chance(&prop, 50) ? "a" : "longer than is in place", row);
        if (prop_chance(&prop, 90))
            vv_buf_addf(&content, ",\"o\":%d", (int)prop_choose(&prop, 3));
        vv_buf_adds(&content, "}\n");
    }
    REQUIRE_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_NDJSON, vv_buf_str(&content).ptr));
    CHECK(fixture.batch.few != NULL);
    struct vv_str as_texts = batch_query(&fixture, "SELECT * FROM batch ORDER BY _row");
    int64_t duplicates = fixture.batch.rows_duplicate;
    CHECK(duplicates > 3000);
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON,
                                make_long(&fixture, vv_buf_str(&content).ptr)));
    for (int judged = 0; judged < 2; judged++) {
        CHECK(fixture.work->batch.is_view);
        CHECK_INT(fixture.batch.rows_duplicate, duplicates);
        CHECK_INT(fixture.batch.rows, 9000 - duplicates);
        CHECK_STR(batch_query(&fixture, "SELECT * FROM batch ORDER BY _row"), as_texts);
        REQUIRE_OK(&fixture.op,
            vv_batch_prepare(&fixture.op, fixture.work, fixture.source, &fixture.table,
                &fixture.rules, &fixture.options, &fixture.batch));
    }
    CHECK(vv_work_clear(fixture.work)); /* no table was made, and it can be used again */
    batch_fixture_close(&fixture);
}

/* So many rows that they would take more memory than they may go to a table. */
TEST(input_ndjson, values_that_memory_has_no_room_for_go_to_a_table)
{
    const struct vv_engine_options options = {.threads = 1, .memory_bytes = (size_t)48 << 20};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    struct vv_engine *engine = fixture.engine;
    struct vv_work *work = fixture.work;
    REQUIRE_OK(&fixture.op, vv_engine_open(&fixture.op, &options, &fixture.engine));
    REQUIRE_OK(&fixture.op, vv_work_open(&fixture.op, fixture.engine, &fixture.work));
    fixture.table.engine = fixture.engine;
    fixture.session = fixture.work->session;
    int64_t most = vv_engine_spare_bytes(fixture.engine) / (16 * 6);
    for (int64_t rows = most; rows <= most + 1; rows++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
        for (int64_t row = 1; row <= rows; row++)
            vv_buf_addf(&content, "{\"k\":%" PRId64 "}\n", row / 2);
        REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON,
                                    make_long(&fixture, vv_buf_str(&content).ptr)));
        CHECK_INT(fixture.work->batch.is_view, rows <= most);
        CHECK_INT(fixture.batch.rows_duplicate, rows - rows / 2 - 1);
        CHECK_STR(batch_query(&fixture, "SELECT count(*) = max(c0) + 1 FROM batch"), "true\n");
    }
    vv_work_close(&work);
    vv_engine_close(&engine);
    batch_fixture_close(&fixture);
}

/* Lines of which most are in doubt are not read twice for nothing. */
TEST(input_ndjson, many_lines_in_doubt_are_all_read_as_texts)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &texts));
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(VV_BUF_MAX);
    for (int row = 1; row <= 5000; row++)
        vv_buf_addf(&content, "{\"k\":%d,\"b\":\"0.5\"}\n", row);
    REQUIRE_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_NDJSON,
                                make_long(&fixture, vv_buf_str(&content).ptr)));
    size_t inputs_len = 0;
    CHECK(!vv_batch_inputs(fixture.source, &inputs_len)->has_cells);
    CHECK_INT(fixture.batch.rows, 5000);
    CHECK_STR(batch_query(&fixture, "SELECT count(*) FROM batch WHERE c2 = 0.5"), "5000\n");
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
    REQUIRE_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_NDJSON, vv_buf_str(&content).ptr));
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
    REQUIRE_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_NDJSON, vv_buf_str(&content).ptr));
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
        REQUIRE_OK(&fixture.op,
            batch_read_text(&fixture, VV_INPUT_NDJSON, vv_buf_str(&content).ptr));
        CHECK_INT(fixture.batch.rows, counts[index]);
        CHECK_STR(batch_query(&fixture, "SELECT count(*) FROM batch WHERE _row <> c0"), "0\n");
    }
    batch_fixture_close(&fixture);
}
