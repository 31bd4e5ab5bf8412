#include <nanoarrow/nanoarrow.h>

#include "batch_fixture.h"

/* A stream of the rows of a query, as another library would hand it over. */
static bool stream_open(struct batch_fixture *fixture, const char *sql,
    struct ArrowArrayStream *out)
{
    struct vv_session *session = NULL;
    if (!CHECK_OK(&fixture->op, vv_session_open(&fixture->op, fixture->engine, &session)))
        return false;
    bool opened = CHECK_OK(&fixture->op,
        vv_session_stream(&fixture->op, &session, vv_str_of(sql), false, NULL, 0, out));
    vv_session_close(&session);
    return opened;
}

static varve_status read_sql(struct batch_fixture *fixture, const char *sql)
{
    struct ArrowArrayStream stream = {.release = NULL};
    if (!stream_open(fixture, sql, &stream))
        return VARVE_EFAILED;
    struct vv_input input = {.format = VV_INPUT_ARROW, .stream = &stream, .fd = -1};
    varve_status status = batch_read(fixture, &input, 1);
    CHECK(stream.release == NULL);
    return status;
}

/* {type of the column, SQL of the input's value, what it becomes}; NULL: the row is rejected. */
static const struct {
    const char *type;
    const char *sql;
    const char *value;
} cases[] = {
    /* the same type */
    {"string", "'x'", "x"},
    {"string", "''", ""},
    {"long", "7::BIGINT", "7"},
    {"double", "'nan'::DOUBLE", "nan"},
    {"boolean", "true", "true"},
    {"binary", "'\\x00\\xFF'::BLOB", "\\x00\\xFF"},
    {"date", "DATE '2025-01-30'", "2025-01-30"},
    {"decimal(10,2)", "1.25::DECIMAL(10,2)", "1.25"},
    {"timestamp", "TIMESTAMPTZ '2025-01-30 10:00:00+01'", "2025-01-30 09:00:00+00"},
    {"timestamp_ntz", "TIMESTAMP '2025-01-30 10:00:00'", "2025-01-30 10:00:00"},
    /* wider and narrower integers */
    {"long", "(-7)::TINYINT", "-7"},
    {"long", "18446744073709551615::UBIGINT", NULL},
    {"integer", "2147483647::BIGINT", "2147483647"},
    {"integer", "2147483648::BIGINT", NULL},
    {"byte", "128::SMALLINT", NULL},
    {"short", "65535::USMALLINT", NULL},
    /* numbers of another kind */
    {"integer", "2.0::DOUBLE", "2"},
    {"integer", "2.5::DOUBLE", NULL},
    {"integer", "'nan'::DOUBLE", NULL},
    {"long", "1e19::DOUBLE", NULL},
    {"double", "9007199254740992::BIGINT", "9007199254740992.0"},
    {"double", "9007199254740993::BIGINT", NULL},
    {"double", "0.5::FLOAT", "0.5"},
    {"float", "0.1::DOUBLE", "0.1"},
    {"float", "1e300::DOUBLE", NULL},
    {"double", "0.1::DECIMAL(3,1)", "0.1"},
    {"decimal(5,2)", "1.5::DECIMAL(10,4)", "1.50"},
    {"decimal(5,2)", "1.005::DECIMAL(10,4)", NULL},
    {"decimal(5,2)", "1000::INTEGER", NULL},
    {"decimal(5,2)", "0.1::DOUBLE", "0.10"},
    {"decimal(5,2)", "0.125::DOUBLE", NULL},
    {"long", "1.00::DECIMAL(10,2)", "1"},
    {"long", "1.01::DECIMAL(10,2)", NULL},
    /* time */
    {"timestamp", "TIMESTAMP '2025-01-30 10:00:00'", "2025-01-30 10:00:00+00"},
    {"timestamp", "TIMESTAMP_S '2025-01-30 10:00:00'", "2025-01-30 10:00:00+00"},
    {"timestamp", "TIMESTAMP_MS '1960-01-30 10:00:00.001'", "1960-01-30 10:00:00.001+00"},
    {"timestamp", "TIMESTAMP_NS '2025-01-30 10:00:00.123456'", "2025-01-30 10:00:00.123456+00"},
    {"timestamp", "TIMESTAMP_NS '2025-01-30 10:00:00.123456001'", NULL},
    {"timestamp_ntz", "TIMESTAMP_NS '1960-01-30 10:00:00.000001'",
        "1960-01-30 10:00:00.000001"},
    {"timestamp_ntz", "TIMESTAMPTZ '2025-01-30 10:00:00+01'", "2025-01-30 09:00:00"},
    {"timestamp", "DATE '2025-01-30'", "2025-01-30 00:00:00+00"},
    {"date", "TIMESTAMP '2025-01-30 00:00:00'", "2025-01-30"},
    {"date", "TIMESTAMP '2025-01-30 00:00:01'", NULL},
    {"date", "TIMESTAMPTZ '2025-01-30 00:00:00+00'", "2025-01-30"},
    {"date", "TIMESTAMPTZ '2025-01-30 00:00:00+01'", NULL},
    {"date", "TIMESTAMP_NS '1969-12-31 00:00:00'", "1969-12-31"},
    {"date", "TIMESTAMP_NS '1969-12-31 00:00:00.000000001'", NULL},
    {"timestamp_ntz", "make_timestamp(253402300800000000)", NULL},
    {"date", "DATE '10000-01-01'", NULL},
    {"date", "DATE '0001-01-01 (BC)'", NULL},
    /* texts, as in CSV; dictionaries are texts */
    {"double", "'1.5'", "1.5"},
    {"integer", "'1.5'", NULL},
    {"timestamp", "'2025-01-30T10:00:00Z'", "2025-01-30 10:00:00+00"},
    {"string", "'b'::ENUM('a', 'b')", "b"},
    {"boolean", "'true'::ENUM('false', 'true')", "true"},
    /* NULL of any type */
    {"string", "NULL::VARCHAR", "NULL"},
    {"double", "NULL::INTEGER", "NULL"},
    {"array<integer>", "NULL::VARCHAR", "NULL"},
    {"struct<a: int>", "NULL::VARCHAR", "NULL"},
    /* nested */
    {"array<integer>", "[1, NULL]::INTEGER[]", "[1, NULL]"},
    {"array<integer>", "[1, 2]::BIGINT[]", "[1, 2]"},
    {"array<integer>", "[1, 3000000000]::BIGINT[]", NULL},
    {"array<integer>", "[1.5]::DOUBLE[]", NULL},
    {"struct<a: int, b: string>", "{'a': 1::INTEGER, 'b': 'x'}", "{'a': 1, 'b': x}"},
    {"struct<a: int, b: string>", "{'b': 'x', 'a': 1::BIGINT}", "{'a': 1, 'b': x}"},
    {"map<string, integer>", "MAP {'k': 1::INTEGER}", "{k=1}"},
    {"array<integer>", "'[1]'", NULL},
};

TEST_SECONDS(input_arrow, values_convert_where_nothing_is_lost, 300)
{
    struct batch_fixture fixture;
    const struct batch_spec first = {.schema = "v long"};
    REQUIRE(batch_fixture_open(&fixture, &first));
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        struct vv_op *op = &fixture.op;
        const struct batch_spec spec = {
            .schema = vv_arena_format(&op->arena, "k long, v %s", cases[index].type).ptr};
        REQUIRE(batch_fixture_table(&fixture, &spec));
        struct vv_str sql = vv_arena_format(&op->arena,
            "SELECT 1::BIGINT AS k, (%s) AS v UNION ALL SELECT 2, NULL", cases[index].sql);
        varve_status status = read_sql(&fixture, sql.ptr);
        if (!CHECK_INT(status, cases[index].value ? VARVE_OK : VARVE_EINVALID))
            CHECK_STR(cases[index].sql, op->failed ? op->error.message : "");
        if (status != VARVE_OK)
            CHECK(strstr(op->error.message, "row 1: v = ") != NULL);
        vv_forgive(op);
        if (status != VARVE_OK || cases[index].value == NULL)
            continue;
        struct vv_str expected = vv_arena_format(&op->arena, "%s\nNULL\n", cases[index].value);
        CHECK_STR(batch_query(&fixture, "SELECT c1 FROM batch ORDER BY _row"), expected);
    }
    batch_fixture_close(&fixture);
}

/* DuckDB has them, no table does. */
TEST(input_arrow, infinite_times_are_refused)
{
    static const char *const infinities[] = {"TIMESTAMPTZ 'infinity'", "TIMESTAMP '-infinity'",
        "DATE 'infinity'", "DATE '-infinity'"};
    static const char *const types[] = {"timestamp", "timestamp_ntz", "date"};
    struct batch_fixture fixture;
    const struct batch_spec first = {.schema = "v long"};
    REQUIRE(batch_fixture_open(&fixture, &first));
    for (size_t index = 0; index < VV_COUNT(infinities) * VV_COUNT(types); index++) {
        struct vv_op *op = &fixture.op;
        const struct batch_spec spec = {
            .schema = vv_arena_format(&op->arena, "v %s", types[index % VV_COUNT(types)]).ptr};
        REQUIRE(batch_fixture_table(&fixture, &spec));
        struct vv_str sql =
            vv_arena_format(&op->arena, "SELECT %s AS v", infinities[index / VV_COUNT(types)]);
        CHECK_FAILS(op, read_sql(&fixture, sql.ptr), VARVE_EINVALID);
        CHECK(strstr(op->error.message, "out of range") != NULL);
    }
    batch_fixture_close(&fixture);
}

static const struct {
    const char *type;
    const char *sql;
} never[] = {
    {"string", "1::BIGINT"},
    {"string", "true"},
    {"long", "true"},
    {"long", "DATE '2025-01-30'"},
    {"boolean", "1::INTEGER"},
    {"timestamp", "1738231200::BIGINT"},
    {"double", "[1.0]"},
    {"array<integer>", "1::INTEGER"},
    {"binary", "1::INTEGER"},
    {"date", "1::INTEGER"},
};

TEST(input_arrow, column_of_a_type_that_never_converts_is_told)
{
    struct batch_fixture fixture;
    const struct batch_spec first = {.schema = "v long"};
    REQUIRE(batch_fixture_open(&fixture, &first));
    for (size_t index = 0; index < VV_COUNT(never); index++) {
        struct vv_op *op = &fixture.op;
        const struct batch_spec spec = {
            .schema = vv_arena_format(&op->arena, "k long, v %s", never[index].type).ptr};
        REQUIRE(batch_fixture_table(&fixture, &spec));
        struct vv_str sql = vv_arena_format(&op->arena, "SELECT (%s) AS v", never[index].sql);
        if (!CHECK_FAILS(op, read_sql(&fixture, sql.ptr), VARVE_EINVALID))
            CHECK_STR(never[index].sql, never[index].type);
        CHECK(strstr(op->error.message, "<arrow>: column \"v\" is ") != NULL);
    }
    batch_fixture_close(&fixture);
}

TEST(input_arrow, columns_are_matched_by_name)
{
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &batch_market));
    CHECK_OK(&fixture.op,
        read_sql(&fixture, "SELECT 'A' AS \"SYMBOL\", 0.5 AS confidence, "
                           "TIMESTAMPTZ '2025-01-30 10:00:00+00' AS \"Timestamp\""));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_bad) FROM batch"),
        "1|false|2025-01-30 10:00:00+00|A|0.5|NULL|2025-01-30|2025-01-30 10:00:00+00\n");
    CHECK_FAILS(&fixture.op, read_sql(&fixture, "SELECT 'A' AS symbol, 1 AS \"x\"\"; --\""),
        VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message, "the table has no column \"x\"; --\"") != NULL);
    CHECK_FAILS(&fixture.op, read_sql(&fixture, "SELECT 'A' AS symbol"), VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message, "column \"timestamp\" is absent") != NULL);
    CHECK_FAILS(&fixture.op,
        read_sql(&fixture,
            "SELECT 'A' AS symbol, 'x' AS timestamp UNION ALL SELECT NULL, '2025-01-30'"),
        VARVE_EINVALID);
    CHECK_STR(fixture.op.error.detail, "row 1: timestamp = 'x' does not fit type timestamp\n"
                                       "row 2: symbol must not be NULL, it is part of the key");
    batch_fixture_close(&fixture);
}

TEST(input_arrow, zone_and_truncation_hold_for_typed_times_too)
{
    const struct batch_spec spec = {.schema = "a timestamp, b timestamp_ntz, c timestamp"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    fixture.options.input_tz = VV_STR("America/New_York");
    fixture.options.truncate_time = true;
    CHECK_OK(&fixture.op,
        read_sql(&fixture, "SELECT TIMESTAMP '2025-01-30 10:00:00' AS a, TIMESTAMP '2025-01-30 "
                           "10:00:00' AS b, "
                           "TIMESTAMP_NS '1960-01-30 10:00:00.123456999' AS c"));
    CHECK_STR(batch_query(&fixture, "SELECT * EXCLUDE (_row, _own, _bad, _twice) FROM batch"),
        "2025-01-30 15:00:00+00|2025-01-30 10:00:00|1960-01-30 15:00:00.123456+00\n");
    batch_fixture_close(&fixture);
}

/* DuckDB has no nanoseconds with a zone, other libraries do: the schema is made to say so. */
static struct ArrowArrayStream inner;

static int zoned_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    (void)stream;
    int status = inner.get_schema(&inner, out);
    if (status == 0)
        status = ArrowSchemaSetFormat(out->children[0], "tsn:Europe/Zurich");
    return status;
}

static int zoned_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    (void)stream;
    return inner.get_next(&inner, out);
}

static const char *zoned_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return inner.get_last_error(&inner);
}

static void zoned_release(struct ArrowArrayStream *stream)
{
    inner.release(&inner);
    stream->release = NULL;
}

static varve_status read_zoned(struct batch_fixture *fixture, const char *sql)
{
    if (!stream_open(fixture, sql, &inner))
        return VARVE_EFAILED;
    struct ArrowArrayStream stream = {.get_schema = zoned_schema,
        .get_next = zoned_next,
        .get_last_error = zoned_error,
        .release = zoned_release};
    struct vv_input input = {.format = VV_INPUT_ARROW, .stream = &stream, .fd = -1};
    varve_status status = batch_read(fixture, &input, 1);
    CHECK(stream.release == NULL);
    return status;
}

TEST(input_arrow, nanoseconds_with_a_zone_are_not_cut_in_silence)
{
    const struct batch_spec spec = {.schema = "a timestamp"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    const char *fine =
        "SELECT TIMESTAMP_NS '1960-01-30 10:00:00.123456000' AS a UNION ALL SELECT NULL";
    const char *finer = "SELECT TIMESTAMP_NS '1960-01-30 10:00:00.123456001' AS a";
    CHECK_OK(&fixture.op, read_zoned(&fixture, fine));
    CHECK_STR(batch_query(&fixture, "SELECT c0 FROM batch ORDER BY _row"),
        "1960-01-30 10:00:00.123456+00\nNULL\n");
    CHECK_FAILS(&fixture.op, read_zoned(&fixture, finer), VARVE_EINVALID);
    CHECK(strstr(fixture.op.error.message, "has digits below a microsecond") != NULL);
    fixture.options.truncate_time = true;
    CHECK_OK(&fixture.op, read_zoned(&fixture, finer));
    CHECK_STR(batch_query(&fixture, "SELECT c0 FROM batch"), "1960-01-30 10:00:00.123456+00\n");
    batch_fixture_close(&fixture);
}

TEST(input_arrow, row_numbers_hold_in_long_streams)
{
    const struct batch_spec spec = {.schema = "k long", .key = "k"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    const int counts[] = {2047, 2048, 2049, 122879, 122880, 122881};
    for (size_t index = 0; index < VV_COUNT(counts); index++) {
        struct vv_str sql = vv_arena_format(&fixture.op.arena,
            "SELECT range AS k FROM range(1, %d)", counts[index] + 1);
        REQUIRE_OK(&fixture.op, read_sql(&fixture, sql.ptr));
        CHECK_INT(fixture.batch.rows, counts[index]);
        CHECK_STR(batch_query(&fixture, "SELECT count(*) FROM batch WHERE _row <> c0"), "0\n");
    }
    batch_fixture_close(&fixture);
}

/* A stream is given back, whatever fails, and however many there are. */
TEST(input_arrow, streams_are_released_on_every_failure)
{
    const struct batch_spec spec = {.schema = "k long", .key = "k"};
    struct batch_fixture fixture;
    REQUIRE(batch_fixture_open(&fixture, &spec));
    for (int failing = 0; failing < 3; failing++) {
        struct ArrowArrayStream streams[2];
        REQUIRE(stream_open(&fixture, "SELECT 1::BIGINT AS k", &streams[0]));
        REQUIRE(stream_open(&fixture, "SELECT 2::BIGINT AS k", &streams[1]));
        struct vv_input inputs[3] = {
            {.format = VV_INPUT_ARROW, .stream = &streams[0], .fd = -1},
            {.format = VV_INPUT_CSV, .path = vv_str_of(test_path("nowhere.csv")), .fd = -1},
            {.format = VV_INPUT_ARROW, .stream = &streams[1], .fd = -1},
        };
        struct vv_input absent = inputs[1];
        inputs[1] = inputs[failing];
        inputs[failing] = absent;
        CHECK_FAILS(&fixture.op, batch_read(&fixture, inputs, 3), VARVE_ENOTFOUND);
        CHECK(streams[0].release == NULL);
        CHECK(streams[1].release == NULL);
    }
    struct ArrowArrayStream stream;
    REQUIRE(stream_open(&fixture, "SELECT 1::BIGINT AS k", &stream));
    struct vv_input input = {.format = VV_INPUT_ARROW, .stream = &stream, .fd = -1};
    fixture.options.input_tz = VV_STR("Nowhere");
    CHECK_FAILS(&fixture.op, batch_read(&fixture, &input, 1), VARVE_EUSAGE);
    CHECK(stream.release == NULL);
    batch_fixture_close(&fixture);
}
