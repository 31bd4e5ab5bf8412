/*
 * Typed rows: what Arrow says goes in and comes out as it was, and means the same as text.
 */
#include "../engine/arrow_build.h"
#include "harness/prop.h"
#include "ingest/spool_row.h"

#define ARRIVAL "arrival"

static void array_done(struct ArrowArray *array)
{
    if (array->release != NULL)
        array->release(array);
}

static void schema_done(struct ArrowSchema *schema)
{
    if (schema->release != NULL)
        schema->release(schema);
}

static void stream_done(struct ArrowArrayStream *stream)
{
    if (stream->release != NULL)
        stream->release(stream);
}

/* A schema of a stream as payload and as type. */
static bool schema_take(struct vv_op *op, struct ArrowArrayStream *stream,
    struct vv_arrow_type *type, struct vv_str *payload)
{
    VV_CLEANUP(schema_done) struct ArrowSchema schema = {.release = NULL};
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    if (!CHECK_INT(stream->get_schema(stream, &schema), 0) ||
        !CHECK_OK(op, vv_arrow_type_read(op, &schema, type)) ||
        !CHECK_OK(op, vv_row_schema_write(op, &schema, &buf)))
        return false;
    *payload = vv_arena_str(&op->arena, vv_buf_str(&buf));
    return true;
}

/* All rows of a stream, each encoded and put into a batch. */
static bool through(struct vv_op *op, struct ArrowArrayStream *stream,
    struct vv_row_batch **batch)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf row = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_arrow_type type;
    struct vv_str payload;
    int64_t rows = 0;
    if (!schema_take(op, stream, &type, &payload) ||
        !CHECK_OK(op, vv_row_batch_new(op, payload, ARRIVAL, batch)))
        return false;
    for (;;) {
        VV_CLEANUP(array_done) struct ArrowArray array = {.release = NULL};
        if (!CHECK_INT(stream->get_next(stream, &array), 0))
            return false;
        if (array.release == NULL)
            return true;
        if (!CHECK_OK(op, vv_arrow_check(op, &type, &array)))
            return false;
        for (int64_t i = 0; i < array.length; i++) {
            vv_buf_clear(&row);
            vv_row_encode(&type, &array, i, &row);
            if (!CHECK_OK(op, vv_row_batch_add(op, *batch, vv_buf_str(&row), 100 + ++rows)))
                return false;
        }
    }
}

/* What a SELECT yields, through the spool's form, is in table b; as it was, in table a. */
static bool round_trip(struct fixture *fixture, const char *select)
{
    struct vv_op *op = &fixture->op;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(stream_done) struct ArrowArrayStream stream = {.release = NULL};
    VV_CLEANUP(stream_done) struct ArrowArrayStream again = {.release = NULL};
    VV_CLEANUP(vv_row_batch_free) struct vv_row_batch *batch = NULL;
    const struct vv_load_target target = {.table = VV_STR("b"), .row_column = VV_STR("row")};
    if (!run(fixture, "DROP TABLE IF EXISTS a; DROP TABLE IF EXISTS b"))
        return false;
    vv_buf_addf(&sql, "CREATE TEMP TABLE a AS SELECT row_number() OVER () AS row, * FROM (%s)",
        select);
    if (!run(fixture, vv_buf_str(&sql).ptr) ||
        !CHECK_OK(op, vv_session_open(op, fixture->engine, &session)) ||
        !CHECK_OK(op,
            vv_session_stream(op, &session, vv_str_of(select), false, NULL, 0, &stream)) ||
        !through(op, &stream, &batch))
        return false;
    vv_row_batch_stream(&batch, &again);
    return CHECK_OK(op, vv_session_load_arrow(op, fixture->session, &again, &target, NULL));
}

/* Of 300 rows, a quarter of whose values are NULL. */
static const char *const columns[] = {
    "i % 2 = 0",
    "CAST(i - 128 AS TINYINT)",
    "CAST(i AS UTINYINT)",
    "CAST((i - 128) * 200 AS SMALLINT)",
    "CAST(i * 200 AS USMALLINT)",
    "CAST((i - 128) * 10000000 AS INTEGER)",
    "CAST(i * 10000000 AS UINTEGER)",
    "CAST((i - 128) AS BIGINT) * 70000000000000000",
    "CAST(i AS UBIGINT) * 70000000000000000",
    "CAST(i / 7 AS FLOAT)",
    "CAST(i AS DOUBLE) / 7 - 10",
    "CASE i % 4 WHEN 0 THEN 'nan' WHEN 1 THEN 'inf' WHEN 2 THEN '-0.0' ELSE '-inf' END::DOUBLE",
    "repeat('x\u00e9', CAST(i AS INTEGER))",
    "''",
    "CAST(repeat('\\x00\\xFF', CAST(i AS INTEGER)) AS BLOB)",
    "CAST(i / 7 - 10 AS DECIMAL(4, 1))",
    "CAST(i / 7 - 10 AS DECIMAL(9, 5))",
    "CAST(i / 7 - 10 AS DECIMAL(18, 9))",
    "CAST(i / 7 - 10 AS DECIMAL(38, 20))",
    "DATE '1970-01-01' + CAST((i - 128) * 999 AS INTEGER)",
    "make_timestamp(CAST((i - 128) * 99999999999999 AS BIGINT))",
    "CAST(make_timestamp(CAST(i * 99999999999999 AS BIGINT)) AS TIMESTAMPTZ)",
    "CAST(make_timestamp(CAST(i * 99999999999 AS BIGINT)) AS TIMESTAMP_S)",
    "CAST(make_timestamp(CAST(i * 99999999999 AS BIGINT)) AS TIMESTAMP_MS)",
    "make_timestamp_ns(CAST((i - 128) * 9999999999999999 AS BIGINT))",
    "[i, NULL, i + 1]",
    "CASE i % 3 WHEN 0 THEN [] WHEN 1 THEN [['a'], NULL, [NULL]] ELSE [['b', 'c'], []] END",
    "{'a': i, 'b': CASE WHEN i % 3 = 0 THEN NULL ELSE {'c': CAST(i AS VARCHAR)} END}",
    "map {'k' || i: i, 'l': NULL}",
    "[{'m': map {i: [true, NULL]}}]",
    "CASE i % 3 WHEN 0 THEN 'red' ELSE 'blue' END::ENUM ('red', 'blue')",
    "NULL",
};

TEST(spool_row, every_type_comes_back_as_it_was)
{
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(columns); i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf select = VV_BUF_INIT(VV_BUF_MAX);
        vv_buf_addf(&select,
            "SELECT CASE WHEN hash(i) %% 4 = 0 THEN NULL ELSE %s END AS x, i AS y "
            "FROM range(256) r(i)",
            columns[i]);
        if (!round_trip(&fixture, vv_buf_str(&select).ptr) ||
            !CHECK_INT(number(&fixture, "SELECT count(*) FROM b"), 256) ||
            !CHECK_INT(number(&fixture, "SELECT count(*) FROM a JOIN b USING (row) WHERE "
                                        "a.x::VARCHAR IS NOT DISTINCT FROM b.x::VARCHAR AND "
                                        "a.y = b.y AND b.arrival = 100 + row"),
                256))
            CHECK_STR(columns[i], "comes back");
    }
}

TEST(spool_row, all_types_side_by_side_come_back)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf select = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&select, "SELECT ");
    for (size_t i = 0; i < VV_COUNT(columns); i++)
        vv_buf_addf(&select, "%sCASE WHEN hash(i, %zu) %% 4 = 0 THEN NULL ELSE %s END AS x%zu",
            i > 0 ? ", " : "", i, columns[i], i);
    vv_buf_adds(&select, " FROM range(256) r(i)");
    REQUIRE(round_trip(&fixture, vv_buf_str(&select).ptr));
    for (size_t i = 0; i < VV_COUNT(columns); i++) {
        struct vv_str sql = vv_arena_format(&fixture.op.arena,
            "SELECT count(*) FROM a JOIN b USING (row) WHERE "
            "a.x%zu::VARCHAR IS NOT DISTINCT FROM b.x%zu::VARCHAR",
            i, i);
        if (!CHECK_INT(number(&fixture, sql.ptr), 256))
            CHECK_STR(columns[i], "comes back");
    }
}

/* What DuckDB does not give out: dictionaries, views, 64-bit offsets, slices. */
TEST(spool_row, other_forms_of_a_value_come_back_plain)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    static const uint8_t valid[] = {0x0B}; /* rows 0, 1, 3 */
    static const int8_t indexes[] = {1, 0, 1, 1};
    static const int32_t offsets[] = {0, 3, 5};
    static const int64_t wide_offsets[] = {0, 1, 1, 2, 5};
    static const struct vv_arrow_view views[] = {
        {.len = 1, .value.inlined = "a"},
        {.len = 0},
        {.len = 3, .value.inlined = "xyz"},
        {.len = 14, .value.away = {.prefix = "long", .buffer = 0, .offset = 2}},
    };
    static const int64_t sizes[] = {16};
    const void *const no_validity[] = {NULL};

    struct ArrowSchema *words = schema_new(arena, "u", "", 0, NULL);
    struct ArrowSchema *dictionary = schema_new(arena, "c", "d", 0, NULL);
    dictionary->dictionary = words;
    struct ArrowArray *dictionary_values =
        array_new(arena, 4, 2, (const void *const[]){valid, indexes}, 0, NULL);
    dictionary_values->dictionary =
        array_new(arena, 2, 3, (const void *const[]){NULL, offsets, "redup"}, 0, NULL);
    struct ArrowArray *wide =
        array_new(arena, 4, 3, (const void *const[]){NULL, wide_offsets, "abcde"}, 0, NULL);
    struct ArrowArray *view = array_new(arena, 4, 4,
        (const void *const[]){NULL, views, "--a longer text.", sizes}, 0, NULL);
    struct ArrowSchema *fields[] = {dictionary, schema_new(arena, "U", "w", 0, NULL),
        schema_new(arena, "vu", "v", 0, NULL)};
    struct ArrowArray *rows = array_new(arena, 4, 1, no_validity, 3,
        (struct ArrowArray *[]){dictionary_values, wide, view});
    rows->offset = 1;
    rows->length = 3;
    struct feed feed;
    feed_init(&feed, schema_new(arena, "+s", "", 3, fields), &rows, 1);
    VV_CLEANUP(vv_row_batch_free) struct vv_row_batch *batch = NULL;
    VV_CLEANUP(stream_done) struct ArrowArrayStream again = {.release = NULL};
    REQUIRE(through(&fixture.op, &feed.stream, &batch));
    vv_row_batch_stream(&batch, &again);
    const struct vv_load_target target = {.table = VV_STR("b"), .row_column = VV_STR("row")};
    REQUIRE_OK(&fixture.op,
        vv_session_load_arrow(&fixture.op, fixture.session, &again, &target, NULL));
    CHECK_STR(text(&fixture, "SELECT string_agg(concat_ws('|', row, coalesce(d, '-'), w, v), "
                             "' ' ORDER BY row) FROM b"),
        "1|red|| 2|-|b|xyz 3|up|cde|a longer text.");
}

TEST(spool_row, lists_of_fixed_length_come_back_and_are_filled_below_a_null)
{
    FIXTURE(fixture);
    REQUIRE(round_trip(&fixture,
        "SELECT {'a': CAST([1, NULL] AS INTEGER[2]), 'b': 'x'} AS x UNION ALL SELECT NULL "
        "UNION ALL SELECT {'a': NULL, 'b': 'y'} UNION ALL "
        "SELECT {'a': CAST([3, 4] AS INTEGER[2]), 'b': NULL}"));
    CHECK_STR(text(&fixture, "SELECT string_agg(coalesce(x::VARCHAR, '-'), ' ' ORDER BY row) "
                             "FROM b"),
        "{'a': [1, NULL], 'b': x} - {'a': NULL, 'b': y} {'a': [3, 4], 'b': NULL}");
}

/* ---- As JSON ------------------------------------------------------------------------------ */

static struct vv_str json_of(struct fixture *fixture, const char *select)
{
    struct vv_op *op = &fixture->op;
    VV_CLEANUP(vv_buf_done) struct vv_buf row = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(stream_done) struct ArrowArrayStream stream = {.release = NULL};
    VV_CLEANUP(array_done) struct ArrowArray array = {.release = NULL};
    struct vv_row_schema schema;
    struct vv_arrow_type type;
    struct vv_str payload;
    if (!CHECK_OK(op, vv_session_open(op, fixture->engine, &session)) ||
        !CHECK_OK(op,
            vv_session_stream(op, &session, vv_str_of(select), false, NULL, 0, &stream)) ||
        !schema_take(op, &stream, &type, &payload) ||
        !CHECK_INT(stream.get_next(&stream, &array), 0) || !CHECK_INT(array.length, 1) ||
        !CHECK_OK(op, vv_row_schema_read(op, payload, &schema)))
        return VV_STR_NONE;
    vv_row_encode(&type, &array, 0, &row);
    if (!CHECK_OK(op, vv_row_json(op, &schema, vv_buf_str(&row), &json)))
        return VV_STR_NONE;
    return vv_arena_str(&op->arena, vv_buf_str(&json));
}

static const struct {
    const char *value;
    const char *json;
} texts[] = {
    {"true", "true"},
    {"CAST(-7 AS TINYINT)", "-7"},
    {"CAST(200 AS UTINYINT)", "200"},
    {"CAST(-9223372036854775808 AS BIGINT)", "-9223372036854775808"},
    {"CAST(18446744073709551615 AS UBIGINT)", "18446744073709551615"},
    {"CAST(0.1 AS FLOAT)", "0.10000000149011612"},
    {"CAST(0.1 AS DOUBLE)", "0.1"},
    {"'nan'::DOUBLE", "\"NaN\""},
    {"'-inf'::FLOAT", "\"-Infinity\""},
    {"'a\"b'", "\"a\\\"b\""},
    {"CAST('ab\\xFF' AS BLOB)", "\"YWL/\""},
    {"CAST('abcd' AS BLOB)", "\"YWJjZA==\""},
    {"CAST('' AS BLOB)", "\"\""},
    {"CAST(-0.05 AS DECIMAL(4, 2))", "\"-0.05\""},
    {"CAST(12 AS DECIMAL(4, 0))", "\"12\""},
    {"CAST('-99999999999999999999999999999999999999' AS DECIMAL(38, 0))",
        "\"-99999999999999999999999999999999999999\""},
    {"CAST('0.00000000000000000001' AS DECIMAL(38, 20))", "\"0.00000000000000000001\""},
    {"DATE '1969-12-31'", "\"1969-12-31\""},
    {"DATE '9999-12-31'", "\"9999-12-31\""},
    {"DATE '10000-01-01'", "\"day 2932897 of 1970\""},
    {"TIMESTAMP '1969-12-31 23:59:59.999999'", "\"1969-12-31T23:59:59.999999\""},
    {"TIMESTAMPTZ '2025-01-30 10:00:00.000001+00'", "\"2025-01-30T10:00:00.000001Z\""},
    {"TIMESTAMP_S '2025-01-30 10:00:00'", "\"2025-01-30T10:00:00.000000\""},
    {"TIMESTAMP_NS '1969-12-31 23:59:59.999999999'", "\"1969-12-31T23:59:59.999999999\""},
    {"TIMESTAMPTZ '12025-01-30 10:00:00+00'", "\"317307751200000000 us since 1970\""},
    {"[1, NULL, 3]", "[1,null,3]"},
    {"{'a': 1, 'b': NULL, 'c': {'d': 'x'}}", "{\"a\":1,\"c\":{\"d\":\"x\"}}"},
    {"map {'k': [1], 'l': NULL}", "{\"k\":[1],\"l\":null}"},
    {"map {DATE '2025-01-30': 1}", "{\"2025-01-30\":1}"},
    {"map {7: {'a': true}}", "{\"7\":{\"a\":true}}"},
};

TEST(spool_row, a_row_as_text)
{
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(texts); i++) {
        struct vv_str select = vv_arena_format(&fixture.op.arena,
            "SELECT %s AS x, NULL::INTEGER AS y, 'z' AS z", texts[i].value);
        struct vv_str expected =
            vv_arena_format(&fixture.op.arena, "{\"x\":%s,\"z\":\"z\"}", texts[i].json);
        CHECK_STR(json_of(&fixture, select.ptr), expected);
    }
}

/* ---- What is none ------------------------------------------------------------------------- */

static bool payload_of(struct vv_op *op, const char *format, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    struct ArrowSchema *field = schema_new(&op->arena, format, "x", 0, NULL);
    struct ArrowSchema *root = schema_new(&op->arena, "+s", "", 1, &field);
    if (!CHECK_OK(op, vv_row_schema_write(op, root, &buf)))
        return false;
    *out = vv_arena_str(&op->arena, vv_buf_str(&buf));
    return true;
}

TEST(spool_row, a_schema_that_is_none_is_corrupt)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"", 0},
        {"\2\0\0\0\0", 5},                                /* another version */
        {"\1\1\0\0\0", 5},                                /* a column that is not there */
        {"\1\0\0\0\0x", 6},                               /* more behind the end */
        {"\1\1\0\0\0\1\0?\1\0\0\0x\0\0\0\0", 17},         /* no format */
        {"\1\1\0\0\0\1\0U\1\0\0\0x\0\0\0\0", 17},         /* one that is not written */
        {"\1\1\0\0\0\1\0l\1\0\0\0\0\0\0\0\0", 17},        /* NUL in a name */
        {"\1\1\0\0\0\1\0l\377\377\377\377x\0\0\0\0", 17}, /* a name without an end */
        {"\1\1\0\0\0\1\0l\1\0\0\0x\377\377\377\377", 17}, /* children without an end */
        {"\1\1\0\0\0\4\0w:-1\1\0\0\0x\0\0\0\0", 20},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_row_schema schema;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_FAILS(&op,
            vv_row_schema_read(&op, (struct vv_str){cases[i].bytes, cases[i].len}, &schema),
            VARVE_ECORRUPT);
    struct vv_str good;
    REQUIRE(payload_of(&op, "l", &good));
    CHECK_STR(good, ((struct vv_str){"\1\1\0\0\0\1\0l\1\0\0\0x\0\0\0\0", 17}));
}

TEST(spool_row, a_schema_too_large_to_be_filled_is_refused)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct ArrowSchema *field = schema_new(&op.arena, "w:2000000", "x", 0, NULL);
    struct ArrowSchema *root = schema_new(&op.arena, "+s", "", 1, &field);
    CHECK_FAILS(&op, vv_row_schema_write(&op, root, &buf), VARVE_EUNSUPPORTED);
}

TEST(spool_row, a_row_that_is_none_is_corrupt)
{
    static const struct {
        const char *format;
        const char *bytes;
        size_t len;
    } cases[] = {
        {"l", "", 0}, {"l", "\1\0\0\0\0\0\0\0", 8},               /* a byte short */
        {"l", "\1\0\0\0\0\0\0\0\0\0", 10},                        /* a byte long */
        {"u", "\1", 1},                                           /* no count */
        {"u", "\1\2x", 3},                                        /* a text a byte short */
        {"u", "\1\377\377\377\377\377\377\377\377\377\177x", 12}, /* a count beyond all */
        {"n", "\1", 1},                                           /* a value of no type */
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_row_batch_free) struct vv_row_batch *batch = NULL;
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
        struct vv_str payload = VV_STR_NONE;
        struct vv_row_schema schema;
        const struct vv_str row = {cases[i].bytes, cases[i].len};
        REQUIRE(payload_of(&op, cases[i].format, &payload));
        REQUIRE_OK(&op, vv_row_batch_new(&op, payload, ARRIVAL, &batch));
        REQUIRE_OK(&op, vv_row_schema_read(&op, payload, &schema));
        CHECK_FAILS(&op, vv_row_batch_add(&op, batch, row, 1), VARVE_ECORRUPT);
        CHECK_FAILS(&op, vv_row_json(&op, &schema, row, &json), VARVE_ECORRUPT);
    }
}

/* A row cut anywhere is none, since a row fills its payload. */
TEST(spool_row, a_row_is_whole_or_corrupt)
{
    FIXTURE(fixture);
    struct vv_op *op = &fixture.op;
    VV_CLEANUP(vv_buf_done) struct vv_buf row = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(stream_done) struct ArrowArrayStream stream = {.release = NULL};
    VV_CLEANUP(array_done) struct ArrowArray array = {.release = NULL};
    struct vv_row_schema schema;
    struct vv_arrow_type type;
    struct vv_str payload;
    REQUIRE_OK(op, vv_session_open(op, fixture.engine, &session));
    REQUIRE_OK(op, vv_session_stream(op, &session,
                       VV_STR("SELECT [{'a': 'text', 'b': map {'k': 1.5::DOUBLE}}] AS x, "
                              "true AS y, 'z' AS z"),
                       false, NULL, 0, &stream));
    REQUIRE(schema_take(op, &stream, &type, &payload));
    REQUIRE(CHECK_INT(stream.get_next(&stream, &array), 0));
    vv_row_encode(&type, &array, 0, &row);
    REQUIRE_OK(op, vv_row_schema_read(op, payload, &schema));
    for (size_t len = 0; len < row.len; len++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
        CHECK_FAILS(op, vv_row_json(op, &schema, vv_str_first(vv_buf_str(&row), len), &json),
            VARVE_ECORRUPT);
    }
}
