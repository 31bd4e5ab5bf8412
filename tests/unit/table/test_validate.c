#include "table/batch/validate.h"

#include "batch_fixture.h"

#define HEADER "timestamp,symbol,confidence,count\n"
#define TIME "2025-01-30T10:00:00Z"
#define GOOD TIME ",SPY,0.5,1\n"

/* Rows of the market table of the fixture, and the lines that tell what is wrong with them. */
static const struct {
    enum vv_input_format format;
    const char *content;
    const char *detail;
} bad[] = {
    /* types */
    {VV_INPUT_CSV, HEADER TIME ",SPY,x,1\n",
        "row 1 (line 2): confidence = 'x' does not fit type double"},
    {VV_INPUT_CSV, HEADER TIME ",SPY,\"\",1\n",
        "row 1 (line 2): count = 1, confidence = NULL breaks count_implies_confidence (count "
        "IS "
        "NULL OR confidence IS NOT NULL)"},
    {VV_INPUT_CSV, HEADER TIME ",SPY,0.5,1.5\n",
        "row 1 (line 2): count = '1.5' does not fit type integer"},
    {VV_INPUT_CSV, HEADER GOOD "yesterday,SPY,0.5,1\n",
        "row 2 (line 3): timestamp = 'yesterday' does not fit type timestamp"},
    {VV_INPUT_CSV, HEADER "2025-01-30T10:00:00.1234567Z,SPY,,\n",
        "row 1 (line 2): timestamp = 2025-01-30T10:00:00.1234567Z has digits below a "
        "microsecond, "
        "which would be lost (--truncate-time cuts them)"},
    {VV_INPUT_CSV, HEADER "9999-12-31T23:00:00-02:00,SPY,,\n",
        "row 1 (line 2): timestamp = 9999-12-31T23:00:00-02:00 is not in the years 0001 to "
        "9999"},
    {VV_INPUT_CSV, "ingested_at," HEADER "later," GOOD,
        "row 1 (line 2): ingested_at = 'later' does not fit type timestamp"},
    /* NULL */
    {VV_INPUT_CSV, HEADER ",SPY,0.5,1\n",
        "row 1 (line 2): timestamp must not be NULL, it is part of the key"},
    {VV_INPUT_CSV, HEADER TIME ",,0.5,1\n",
        "row 1 (line 2): symbol must not be NULL, it is part of the key"},
    {VV_INPUT_NDJSON, "{\"timestamp\":\"" TIME "\"}\n",
        "row 1 (line 1): symbol must not be NULL, it is part of the key"},
    {VV_INPUT_NDJSON, "{}\n",
        "row 1 (line 1): timestamp must not be NULL, it is part of the key\n"
        "row 1 (line 1): symbol must not be NULL, it is part of the key"},
    /* partition */
    {VV_INPUT_CSV, "date," HEADER "2025-01-31," GOOD,
        "row 1 (line 2): date = 2025-01-31 is not the UTC date of timestamp, 2025-01-30"},
    {VV_INPUT_CSV,
        "date," HEADER "2025-01-31,2025-01-30T23:30:00-01:00,SPY,,\n"
        "2025-01-30,2025-01-30T23:30:00-01:00,SPY,,\n",
        "row 2 (line 3): date = 2025-01-30 is not the UTC date of timestamp, 2025-01-31"},
    /* constraints */
    {VV_INPUT_CSV, HEADER TIME ",SPY,1.5,1\n",
        "row 1 (line 2): confidence = 1.5 breaks confidence_range "
        "(confidence IS NULL OR (confidence >= 0 AND confidence <= 1))"},
    {VV_INPUT_CSV, HEADER TIME ",SPY,NaN,1\n",
        "row 1 (line 2): confidence = NaN breaks confidence_range "
        "(confidence IS NULL OR (confidence >= 0 AND confidence <= 1))"},
    {VV_INPUT_CSV, HEADER TIME ",SPY,,7\n",
        "row 1 (line 2): count = 7, confidence = NULL breaks count_implies_confidence "
        "(count IS NULL OR confidence IS NOT NULL)"},
    /* A value of the wrong type breaks no constraint besides. */
    {VV_INPUT_CSV, HEADER TIME ",SPY,abc,7\n",
        "row 1 (line 2): confidence = 'abc' does not fit type double"},
    /* several in a row, several rows, blank lines between */
    {VV_INPUT_CSV, HEADER "x,,y,z\n\n" GOOD TIME ",SPY,2,1\n",
        "row 1 (line 2): timestamp = 'x' does not fit type timestamp\n"
        "row 1 (line 2): symbol must not be NULL, it is part of the key\n"
        "row 1 (line 2): confidence = 'y' does not fit type double\n"
        "row 1 (line 2): count = 'z' does not fit type integer\n"
        "row 3 (line 5): confidence = 2 breaks confidence_range "
        "(confidence IS NULL OR (confidence >= 0 AND confidence <= 1))"},
    /* a bad row that dedupe would have dropped */
    {VV_INPUT_CSV, "ingested_at," HEADER "2025-01-01," TIME ",SPY,7,\n2025-01-02," GOOD,
        "row 1 (line 2): confidence = 7 breaks confidence_range "
        "(confidence IS NULL OR (confidence >= 0 AND confidence <= 1))"},
    /* what NDJSON brings besides */
    {VV_INPUT_NDJSON, "{\"timestamp\":\"" TIME "\",\"symbol\":\"SPY\",\"wind\":[1,2]}\n",
        "row 1 (line 1): wind = [1,2] is in no column of the table"},
    {VV_INPUT_NDJSON, "{\"timestamp\":\"" TIME "\",\"symbol\":\"SPY\",\"confidnece\":1}\n",
        "row 1 (line 1): confidnece = 1 is in no column of the table; did you mean "
        "confidence?"},
    {VV_INPUT_NDJSON, "\n{\"timestamp\":\"" TIME "\",\"symbol\":\"SPY\",\"SYMBOL\":\"QQQ\"}\n",
        "row 1 (line 2): symbol is in the line twice: "
        "{\"timestamp\":\"" TIME "\",\"symbol\":\"SPY\",\"SYMBOL\":\"QQQ\"}"},
    {VV_INPUT_NDJSON, "{\"table\":\"signals\",\"timestamp\":\"" TIME "\",\"symbol\":\"SPY\"}\n",
        "row 1 (line 1): table = signals names another table"},
    /* what a terminal must not get */
    {VV_INPUT_NDJSON,
        "{\"timestamp\":\"\\u001b[31m\\n\\u0085\\t\",\"symbol\":\"SPY\",\"date\":\"2025-01-"
        "30\"}\n",
        "row 1 (line 1): timestamp = '\\x1B[31m\\n\\x85\\t' does not fit type timestamp"},
    {VV_INPUT_CSV,
        HEADER TIME
        ",SPY,"
        "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
        "01234567890123456789012345678901234567890123456789012345678901234567890123,1\n",
        "row 1 (line 2): confidence = '"
        "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
        "0123456789012345678901234567890123456789012345678901234567890123456789...' "
        "does not fit type double"},
};

TEST(validate, tells_row_line_column_value_and_rule)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    for (size_t index = 0; index < VV_COUNT(bad); index++) {
        batch_read_text(&fixture, bad[index].format, bad[index].content);
        CHECK_STATUS(&fixture.op, VARVE_EINVALID);
        CHECK_STR(fixture.op.error.detail, bad[index].detail);
        vv_forgive(&fixture.op);
    }
    batch_fixture_close(&fixture);
}

TEST(validate, message_counts_and_names_the_first)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    CHECK_FAILS(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_CSV,
            HEADER GOOD TIME ",QQQ,1.5,1\n" GOOD TIME ",IWM,-1,1\n"),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.message,
        "2 of 4 rows rejected, nothing written: row 2 (line 3): confidence = 1.5 breaks "
        "confidence_range (confidence IS NULL OR (confidence >= 0 AND confidence <= 1))");
    vv_forgive(&fixture.op);
    CHECK_FAILS(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_CSV,
            "timestamp,symbol,confidnece\n" TIME ",SPY,1\n"),
        VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message,
              "the table has no column \"confidnece\"; did you mean confidence? Else take it "
              "out, or have it added (varve alter add-column, or --evolve of an upsert)") !=
          NULL);
    batch_fixture_close(&fixture);
}

TEST(validate, list_ends_after_twenty_rows_with_a_count)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    VV_CLEANUP(vv_buf_done) struct vv_buf content = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_buf_done) struct vv_buf detail = VV_BUF_INIT(1 << 20);
    vv_buf_adds(&content, HEADER);
    for (int row = 1; row <= 57; row++)
        vv_buf_addf(&content, "%s,S%d,%s,1\n", TIME, row, row % 2 == 0 ? "0.5" : "bad");
    for (int row = 1; row < 40; row += 2)
        vv_buf_addf(&detail, "row %d (line %d): confidence = 'bad' does not fit type double\n",
            row, row + 1);
    vv_buf_adds(&detail, "and 9 more");
    CHECK_FAILS(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, vv_buf_str(&content).ptr),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.detail, vv_buf_str(&detail).ptr);
    CHECK(vv_str_starts(vv_str_of(fixture.op.error.message), VV_STR("29 of 57 rows rejected")));
    batch_fixture_close(&fixture);
}

TEST(validate, good_rows_of_every_shape_pass)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    REQUIRE_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_CSV,
            "date," HEADER "2025-01-30," GOOD "," TIME ",QQQ,,\n"
            "2025-01-31,2025-01-30T23:30:00-01:00,SPY,0,\n,0001-01-01,SPY,1,2\n"));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch ORDER BY _row"),
        "1|false|2025-01-30 10:00:00+00|SPY|0.5|1|2025-01-30|2025-01-30 10:00:00+00\n"
        "2|false|2025-01-30 10:00:00+00|QQQ|NULL|NULL|2025-01-30|2025-01-30 10:00:00+00\n"
        "3|false|2025-01-31 00:30:00+00|SPY|0.0|NULL|2025-01-31|2025-01-30 10:00:00+00\n"
        "4|false|0001-01-01 00:00:00+00|SPY|1.0|2|0001-01-01|2025-01-30 10:00:00+00\n");
    batch_fixture_close(&fixture);
}

/* Names that end a quote, are keywords of SQL, or look like names of the statement's own. */
TEST(validate, column_names_are_only_names)
{
    static const struct vv_check checks[] = {
        {FIXTURE_TEXT("it's"), FIXTURE_TEXT("x'y > 0"),
            FIXTURE_TEXT("\"a\"\"b\" IS NOT NULL AND \"x'y\" > 0")},
        {FIXTURE_TEXT("own"), FIXTURE_TEXT("vv_c0 <> 'q'"),
            FIXTURE_TEXT("coalesce(\"vv_c0\" <> 'q' AND \"VV_row\" <> 'q', true)")}};
    const struct batch_spec spec = {
        .schema =
            "`a\"b` string not null, `x'y` long, `vv_c0` string, `vv__` string, `_row` long, "
            "`c0` string, `select` boolean, `VV_row` string",
        .key = "a\"b",
        .checks = checks,
        .checks_len = 2,
    };
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    REQUIRE_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_CSV,
            "\"A\"\"B\",x'y,vv_c0,vv__,_ROW,c0,SELECT,vv_row\n'';--,1,p,q,9,r,true,s\n"));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch"),
        "1|false|'';--|1|p|q|9|r|true|s\n");
    REQUIRE_OK(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_NDJSON,
            "{\"a\\\"b\":\"k\",\"x'y\":2,\"vv_c0\":\"p\",\"_row\":3,\"select\":false}\n"));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch"),
        "1|false|k|2|p|NULL|3|NULL|false|NULL\n");
    CHECK_FAILS(&fixture.op,
        batch_read_text(&fixture, VV_INPUT_CSV, "\"a\"\"b\",x'y,select\nk,0,\n'\"k,,maybe\n"),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.detail,
        "row 1 (line 2): x'y = 0 breaks it's (x'y > 0)\n"
        "row 2 (line 3): select = 'maybe' does not fit type boolean");
    batch_fixture_close(&fixture);
}

/* An expression that cannot be computed is not TRUE, and no failure of the statement. */
TEST(validate, check_that_fails_to_compute_rejects_the_row)
{
    static const struct vv_check checks[] = {
        {FIXTURE_TEXT("number"), FIXTURE_TEXT("CAST(v AS INT) > 0"),
            FIXTURE_TEXT("CAST(\"v\" AS INTEGER) > 0")},
        {FIXTURE_TEXT("never_null"), FIXTURE_TEXT("v <> 'x'"), FIXTURE_TEXT("\"v\" <> 'x'")}};
    const struct batch_spec spec = {
        .schema = "k long, v string", .checks = checks, .checks_len = 2};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    CHECK_FAILS(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "k,v\n1,5\n2,five\n3,\n"),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.detail,
        "row 2 (line 3): v = five breaks number (CAST(v AS INT) > 0)\n"
        "row 3 (line 4): v = NULL breaks number (CAST(v AS INT) > 0)\n"
        "row 3 (line 4): v = NULL breaks never_null (v <> 'x')");
    batch_fixture_close(&fixture);
}

TEST(validate, parts_that_must_not_be_null_are_looked_at)
{
    const struct batch_spec spec = {
        .schema = "v struct<a: int not null, b: array<struct<c: string not null>>>"};
    static const struct {
        const char *line;
        varve_status status;
    } cases[] = {
        {"{\"v\":null}\n", VARVE_OK},
        {"{\"v\":{\"a\":1}}\n", VARVE_OK},
        {"{\"v\":{\"a\":1,\"b\":[]}}\n", VARVE_OK},
        {"{\"v\":{\"a\":1,\"b\":[{\"c\":\"x\"},null]}}\n", VARVE_OK},
        {"{\"v\":{\"a\":null,\"b\":[]}}\n", VARVE_EINVALID},
        {"{\"v\":{}}\n", VARVE_EINVALID},
        {"{\"v\":{\"a\":1,\"b\":[{\"c\":\"x\"},{\"c\":null}]}}\n", VARVE_EINVALID},
    };
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        varve_status status = batch_read_text(&fixture, VV_INPUT_NDJSON, cases[index].line);
        if (!CHECK_INT(status, cases[index].status))
            CHECK_STR(cases[index].line, fixture.op.failed ? fixture.op.error.message : "");
        if (status != VARVE_OK)
            CHECK(strstr(fixture.op.error.message, "holds NULL where its type has none") !=
                  NULL);
        vv_forgive(&fixture.op);
    }
    batch_fixture_close(&fixture);
}

TEST(validate, empty_text_in_a_partition_column_is_null)
{
    const struct batch_spec nullable = {.schema = "p string, v string", .partition_by = "p"};
    const struct batch_spec required = {
        .schema = "p string not null, v string", .partition_by = "p"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &nullable));
    CHECK_OK(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "p,v\n\"\",\"\"\n"));
    CHECK_STR(batch_query(&fixture, "SELECT c0, c1 FROM batch"), "NULL|\n");
    REQUIRE(batch_fixture_table(&fixture, &required));
    CHECK_FAILS(&fixture.op, batch_read_text(&fixture, VV_INPUT_CSV, "p,v\n\"\",\"\"\n"),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.detail,
        "row 1 (line 2): p must not be NULL, and an empty text in a partition column is "
        "NULL");
    batch_fixture_close(&fixture);
}
