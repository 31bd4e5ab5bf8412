#include "engine/arrow_in.h"

#include <math.h>

#include "arrow_build.h"

#define ROWS 3

/* The second of three values is NULL, but where a case brings its own bits. */
static const uint8_t validity[] = {0x05};

/* A column of three values. */
struct column_case {
    const char *format;
    const void *buffers[4];
    int64_t buffers_len;
    const char *type;   /* of DuckDB */
    const char *values; /* list(x)::VARCHAR */
};

static const int8_t int8s[] = {-128, 0, 127};
static const uint8_t uint8s[] = {0, 1, 255};
static const int16_t int16s[] = {INT16_MIN, 0, INT16_MAX};
static const uint16_t uint16s[] = {0, 1, UINT16_MAX};
static const int32_t int32s[] = {INT32_MIN, 0, INT32_MAX};
static const uint32_t uint32s[] = {0, 1, UINT32_MAX};
static const int64_t int64s[] = {INT64_MIN, 0, INT64_MAX};
static const uint64_t uint64s[] = {0, 1, UINT64_MAX};
static const float floats[] = {-1.5F, 0, 0.1F};
static const double doubles[] = {-0.0, 0, 1e300};
static const uint8_t bools[] = {0x04};
static const int32_t text_offsets[] = {0, 3, 3, 19};
static const int64_t wide_offsets[] = {0, 3, 3, 19};
static const char text_bytes[] = "a\xc3\xa9more than twelve";
static const int32_t days[] = {-1, 0, 20118};
static const int64_t day_ms[] = {-1, 0, INT64_C(20118) * 86400000 + 5};
static const int64_t seconds[] = {-1, 0, 1738231200};
static const int64_t millis[] = {-1, 0, INT64_C(1738231200001)};
static const int64_t micros[] = {-1, 0, INT64_C(1738231200000001)};
static const int64_t nanos[] = {-1, 0, INT64_C(1738231200000000001)};
static const int32_t decimals32[] = {-12345, 0, 99999};
static const int64_t decimals64[] = {-12345, 0, 99999};
static const int64_t decimals128[] = {-12345, -1, 0, 0, 99999, 0};
static const uint64_t decimals_wide[] = {
    UINT64_C(0x098a223fffffffff), 0x4b3b4ca85a86c47a, 0, 0, 1, 0}; /* 10^38 - 1 */
static const struct vv_arrow_view views[] = {
    {.len = 3, .value.inlined = "a\xc3\xa9"},
    {.len = 0},
    {.len = 16, .value.away = {.prefix = "more", .buffer = 0, .offset = 3}},
};
static const int64_t view_sizes[] = {19};

static const struct column_case column_cases[] = {
    {"c", {validity, int8s}, 2, "TINYINT", "[-128, NULL, 127]"},
    {"C", {validity, uint8s}, 2, "UTINYINT", "[0, NULL, 255]"},
    {"s", {validity, int16s}, 2, "SMALLINT", "[-32768, NULL, 32767]"},
    {"S", {validity, uint16s}, 2, "USMALLINT", "[0, NULL, 65535]"},
    {"i", {validity, int32s}, 2, "INTEGER", "[-2147483648, NULL, 2147483647]"},
    {"I", {validity, uint32s}, 2, "UINTEGER", "[0, NULL, 4294967295]"},
    {"l", {validity, int64s}, 2, "BIGINT", "[-9223372036854775808, NULL, 9223372036854775807]"},
    {"L", {validity, uint64s}, 2, "UBIGINT", "[0, NULL, 18446744073709551615]"},
    {"l", {NULL, uint64s}, 2, "BIGINT", "[0, 1, -1]"},
    {"f", {validity, floats}, 2, "FLOAT", "[-1.5, NULL, 0.1]"},
    {"g", {validity, doubles}, 2, "DOUBLE", "[-0.0, NULL, 1e+300]"},
    {"b", {validity, bools}, 2, "BOOLEAN", "[false, NULL, true]"},
    {"n", {NULL}, 0, "VARCHAR", "[NULL, NULL, NULL]"},
    {"u", {validity, text_offsets, text_bytes}, 3, "VARCHAR", "[aé, NULL, more than twelve]"},
    {"U", {validity, wide_offsets, text_bytes}, 3, "VARCHAR", "[aé, NULL, more than twelve]"},
    {"u", {NULL, text_offsets, text_bytes}, 3, "VARCHAR", "[aé, '', more than twelve]"},
    {"vu", {validity, views, text_bytes, view_sizes}, 4, "VARCHAR",
        "[aé, NULL, more than twelve]"},
    {"z", {validity, text_offsets, text_bytes}, 3, "BLOB",
        "[a\\xC3\\xA9, NULL, more than twelve]"},
    {"Z", {validity, wide_offsets, text_bytes}, 3, "BLOB",
        "[a\\xC3\\xA9, NULL, more than twelve]"},
    {"vz", {validity, views, text_bytes, view_sizes}, 4, "BLOB",
        "[a\\xC3\\xA9, NULL, more than twelve]"},
    {"w:2",
        {validity, "ab\0\0\xff"
                   "e"},
        2, "BLOB", "[ab, NULL, \\xFFe]"},
    {"tdD", {validity, days}, 2, "DATE", "[1969-12-31, NULL, 2025-01-30]"},
    {"tdm", {validity, day_ms}, 2, "DATE", "[1969-12-31, NULL, 2025-01-30]"},
    {"tss:", {validity, seconds}, 2, "TIMESTAMP",
        "['1969-12-31 23:59:59', NULL, '2025-01-30 10:00:00']"},
    {"tsm:", {validity, millis}, 2, "TIMESTAMP",
        "['1969-12-31 23:59:59.999', NULL, '2025-01-30 10:00:00.001']"},
    {"tsu:", {validity, micros}, 2, "TIMESTAMP",
        "['1969-12-31 23:59:59.999999', NULL, '2025-01-30 10:00:00.000001']"},
    {"tsn:", {validity, nanos}, 2, "TIMESTAMP_NS",
        "['1969-12-31 23:59:59.999999999', NULL, '2025-01-30 10:00:00.000000001']"},
    {"tss:UTC", {validity, seconds}, 2, "TIMESTAMP WITH TIME ZONE",
        "['1969-12-31 23:59:59+00', NULL, '2025-01-30 10:00:00+00']"},
    {"tsm:+02:00", {validity, millis}, 2, "TIMESTAMP WITH TIME ZONE",
        "['1969-12-31 23:59:59.999+00', NULL, '2025-01-30 10:00:00.001+00']"},
    {"tsu:America/New_York", {validity, micros}, 2, "TIMESTAMP WITH TIME ZONE",
        "['1969-12-31 23:59:59.999999+00', NULL, '2025-01-30 10:00:00.000001+00']"},
    {"tsn:UTC", {validity, nanos}, 2, "STRUCT(\"at\" TIMESTAMP WITH TIME ZONE, ns SMALLINT)",
        "[{'at': '1969-12-31 23:59:59.999999+00', 'ns': 999}, NULL, "
        "{'at': '2025-01-30 10:00:00+00', 'ns': 1}]"},
    {"d:5,2", {validity, decimals128}, 2, "DECIMAL(5,2)", "[-123.45, NULL, 999.99]"},
    {"d:5,0,32", {validity, decimals32}, 2, "DECIMAL(5,0)", "[-12345, NULL, 99999]"},
    {"d:18,4,64", {validity, decimals64}, 2, "DECIMAL(18,4)", "[-1.2345, NULL, 9.9999]"},
    {"d:38,0", {validity, decimals_wide}, 2, "DECIMAL(38,0)",
        "[99999999999999999999999999999999999999, NULL, 1]"},
};

static struct ArrowArray *case_array(struct vv_arena *arena, const struct column_case *column)
{
    return array_new(arena, ROWS, column->buffers_len, column->buffers, 0, NULL);
}

static bool values_are(struct fixture *fixture, const char *table, const char *type,
    const char *values)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(10000);
    vv_buf_addf(&sql, "SELECT any_value(typeof(x)) FROM \"%s\"", table);
    bool ok = type == NULL || CHECK_STR(text(fixture, vv_buf_str(&sql).ptr), type);
    vv_buf_clear(&sql);
    vv_buf_addf(&sql, "SELECT list(x ORDER BY _row)::VARCHAR FROM \"%s\"", table);
    return CHECK_STR(text(fixture, vv_buf_str(&sql).ptr), values) && ok;
}

TEST(arrow_in, every_type)
{
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(column_cases); index++) {
        const struct column_case *column = &column_cases[index];
        char table[16];
        snprintf(table, sizeof(table), "t%zu", index);
        bool ok = CHECK_OK(&fixture.op,
            column_load(&fixture, table,
                schema_new(&fixture.op.arena, column->format, "x", 0, NULL),
                case_array(&fixture.op.arena, column)));
        if (!ok || !values_are(&fixture, table, column->type, column->values))
            printf("# case %zu, format %s\n", index, column->format);
    }
}

/* The same rows, but reached through the offset of the column, of the record batch, of both. */
TEST(arrow_in, sliced_arrays_of_every_type)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    const void *const no_validity[] = {NULL};
    for (size_t index = 0; index < VV_COUNT(column_cases); index++) {
        const struct column_case *column = &column_cases[index];
        struct ArrowSchema *type = schema_new(arena, column->format, "x", 0, NULL);
        struct ArrowArray *plain = case_array(arena, column);
        REQUIRE_OK(&fixture.op, column_load(&fixture, "whole", type, plain));

        struct ArrowArray *sliced = case_array(arena, column);
        sliced->offset = 1;
        sliced->length = 2;
        struct ArrowArray *inner = case_array(arena, column);
        struct ArrowArray *batches[] = {
            array_new(arena, 2, 1, no_validity, 1, &sliced),
            array_new(arena, 2, 1, no_validity, 1, &inner),
            array_new(arena, 1, 1, no_validity, 1, &sliced),
        };
        batches[1]->offset = 1;
        batches[2]->offset = 1;
        struct feed feed;
        feed_init(&feed, schema_new(arena, "+s", "", 1, &type), batches, VV_COUNT(batches));
        REQUIRE_OK(&fixture.op, feed_load(&fixture, &feed, "sliced"));
        CHECK_INT(feed.array_releases, 3);
        bool ok =
            CHECK_STR(text(&fixture, "SELECT list(_row ORDER BY _row)::VARCHAR FROM sliced"),
                "[1, 2, 3, 4, 5]");
        ok = CHECK_INT(number(&fixture,
                           "SELECT count(*) FROM sliced s JOIN whole w ON w._row = "
                           "[2, 3, 2, 3, 3][s._row] AND w.x IS NOT DISTINCT FROM s.x"),
                 5) &&
             ok;
        if (!ok)
            printf("# case %zu, format %s\n", index, column->format);
        REQUIRE(run(&fixture, "DROP TABLE whole; DROP TABLE sliced"));
    }
}

/* list<struct<a: int32, s: utf8>> with a NULL list, an empty one, NULL structs and fields. */
static struct ArrowArray *nested_array(struct vv_arena *arena, struct ArrowSchema **out_schema)
{
    static const int32_t offsets[] = {0, 2, 2, 2, 5};
    static const uint8_t lists_valid[] = {0x0d};
    static const uint8_t structs_valid[] = {0x1d};
    static const int32_t numbers[] = {10, 11, 12, 13, 14};
    static const uint8_t numbers_valid[] = {0x1b};
    static const int32_t texts[] = {0, 1, 2, 3, 4, 5};
    struct ArrowSchema *fields[] = {
        schema_new(arena, "i", "a", 0, NULL), schema_new(arena, "u", "s", 0, NULL)};
    struct ArrowSchema *element = schema_new(arena, "+s", "item", 2, fields);
    *out_schema = schema_new(arena, "+l", "x", 1, &element);
    struct ArrowArray *columns[] = {
        array_new(arena, 5, 2, (const void *[]){numbers_valid, numbers}, 0, NULL),
        array_new(arena, 5, 3, (const void *[]){NULL, texts, "vwxyz"}, 0, NULL)};
    struct ArrowArray *structs =
        array_new(arena, 5, 1, (const void *[]){structs_valid}, 2, columns);
    return array_new(arena, 4, 2, (const void *[]){lists_valid, offsets}, 1, &structs);
}

TEST(arrow_in, nested_lists_and_structs)
{
    FIXTURE(fixture);
    struct ArrowSchema *schema = NULL;
    struct ArrowArray *array = nested_array(&fixture.op.arena, &schema);
    REQUIRE_OK(&fixture.op, column_load(&fixture, "t", schema, array));
    values_are(&fixture, "t", "STRUCT(a INTEGER, s VARCHAR)[]",
        "[[{'a': 10, 's': v}, NULL], NULL, [], [{'a': NULL, 's': x}, {'a': 13, 's': y}, "
        "{'a': 14, 's': z}]]");
    /* A field of a NULL struct is NULL, whatever lies below. */
    CHECK_INT(number(&fixture, "SELECT count(*) FROM t WHERE x[2].a = 11"), 0);

    array = nested_array(&fixture.op.arena, &schema);
    array->offset = 2;
    array->length = 2;
    REQUIRE_OK(&fixture.op, column_load(&fixture, "tail", schema, array));
    values_are(&fixture, "tail", NULL,
        "[[], [{'a': NULL, 's': x}, {'a': 13, 's': y}, {'a': 14, 's': z}]]");

    array = nested_array(&fixture.op.arena, &schema);
    array->children[0]->offset = 1;
    array->children[0]->length = 4;
    array->children[0]->null_count = -1;
    array->length = 3;
    REQUIRE_OK(&fixture.op, column_load(&fixture, "shifted", schema, array));
    values_are(&fixture, "shifted", NULL, "[[NULL, {'a': NULL, 's': x}], NULL, []]");
}

TEST(arrow_in, lists_of_other_kinds)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    static const int64_t offsets[] = {0, 1, 1, 3};
    struct ArrowSchema *element = schema_new(arena, "c", "item", 0, NULL);
    struct ArrowArray *bytes = array_new(arena, 3, 2, (const void *[]){NULL, int8s}, 0, NULL);
    REQUIRE_OK(&fixture.op,
        column_load(&fixture, "large", schema_new(arena, "+L", "x", 1, &element),
            array_new(arena, 3, 2, (const void *[]){validity, offsets}, 1, &bytes)));
    values_are(&fixture, "large", "TINYINT[]", "[[-128], NULL, [0, 127]]");

    static const int16_t pairs[] = {1, 2, 3, 4, 5, 6, 7, 8};
    element = schema_new(arena, "s", "item", 0, NULL);
    struct ArrowArray *shorts = array_new(arena, 8, 2, (const void *[]){NULL, pairs}, 0, NULL);
    struct ArrowArray *fixed = array_new(arena, 3, 1, (const void *[]){validity}, 1, &shorts);
    REQUIRE_OK(&fixture.op,
        column_load(&fixture, "fixed", schema_new(arena, "+w:2", "x", 1, &element), fixed));
    values_are(&fixture, "fixed", "SMALLINT[]", "[[1, 2], NULL, [5, 6]]");
    fixed->offset = 1;
    REQUIRE_OK(&fixture.op,
        column_load(&fixture, "fixed2", schema_new(arena, "+w:2", "x", 1, &element), fixed));
    values_are(&fixture, "fixed2", NULL, "[NULL, [5, 6], NULL]");
}

TEST(arrow_in, maps)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    static const int32_t offsets[] = {0, 2, 2, 3};
    static const int32_t keys[] = {0, 1, 2, 3};
    struct ArrowSchema *fields[] = {
        schema_new(arena, "u", "key", 0, NULL), schema_new(arena, "i", "value", 0, NULL)};
    struct ArrowSchema *entry = schema_new(arena, "+s", "entries", 2, fields);
    struct ArrowArray *columns[] = {
        array_new(arena, 3, 3, (const void *[]){NULL, keys, "abc"}, 0, NULL),
        array_new(arena, 3, 2, (const void *[]){validity, int32s}, 0, NULL)};
    struct ArrowArray *entries = array_new(arena, 3, 1, (const void *[]){NULL}, 2, columns);
    REQUIRE_OK(&fixture.op,
        column_load(&fixture, "t", schema_new(arena, "+m", "x", 1, &entry),
            array_new(arena, 3, 2, (const void *[]){validity, offsets}, 1, &entries)));
    values_are(&fixture, "t", "MAP(VARCHAR, INTEGER)",
        "[{a=-2147483648, b=NULL}, NULL, {c=2147483647}]");
}

/* Indexes of every width into texts, and into structs. */
TEST(arrow_in, dictionaries)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    static const int8_t narrow[] = {2, 99, 0};
    static const int16_t short_indexes[] = {2, -1, 0};
    static const int32_t int_indexes[] = {2, 7, 0};
    static const int64_t long_indexes[] = {2, INT64_MIN, 0};
    static const struct {
        const char *format;
        const void *indexes;
    } cases[] = {{"c", narrow}, {"C", narrow}, {"s", short_indexes}, {"S", short_indexes},
        {"i", int_indexes}, {"I", int_indexes}, {"l", long_indexes}, {"L", long_indexes}};
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        char table[16];
        snprintf(table, sizeof(table), "t%zu", index);
        struct ArrowSchema *schema = schema_new(arena, cases[index].format, "x", 0, NULL);
        schema->dictionary = schema_new(arena, "u", NULL, 0, NULL);
        struct ArrowArray *array =
            array_new(arena, 3, 2, (const void *[]){validity, cases[index].indexes}, 0, NULL);
        array->dictionary =
            array_new(arena, 3, 3, (const void *[]){NULL, text_offsets, text_bytes}, 0, NULL);
        REQUIRE_OK(&fixture.op, column_load(&fixture, table, schema, array));
        values_are(&fixture, table, "VARCHAR", "[more than twelve, NULL, aé]");
    }
    struct ArrowSchema *field = schema_new(arena, "i", "a", 0, NULL);
    struct ArrowSchema *schema = schema_new(arena, "i", "x", 0, NULL);
    schema->dictionary = schema_new(arena, "+s", NULL, 1, &field);
    struct ArrowArray *column = array_new(arena, 3, 2, (const void *[]){NULL, int32s}, 0, NULL);
    struct ArrowArray *array =
        array_new(arena, 3, 2, (const void *[]){validity, int_indexes}, 0, NULL);
    array->dictionary = array_new(arena, 3, 1, (const void *[]){NULL}, 1, &column);
    REQUIRE_OK(&fixture.op, column_load(&fixture, "s", schema, array));
    values_are(&fixture, "s", "STRUCT(a INTEGER)",
        "[{'a': 2147483647}, NULL, {'a': -2147483648}]");
    CHECK_INT(number(&fixture, "SELECT count(x.a) FROM s"), 2);
}

/* Each value of such a dictionary is put behind those that are in the chunk already. */
TEST(arrow_in, dictionaries_of_lists)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    static const int32_t offsets[] = {0, 1, 1, 3};
    static const int8_t indexes[] = {2, 0, 2, 1};
    struct ArrowSchema *element = schema_new(arena, "c", "item", 0, NULL);
    struct ArrowSchema *schema = schema_new(arena, "c", "x", 0, NULL);
    schema->dictionary = schema_new(arena, "+l", NULL, 1, &element);
    struct ArrowArray *bytes = array_new(arena, 3, 2, (const void *[]){NULL, int8s}, 0, NULL);
    struct ArrowArray *array = array_new(arena, 4, 2, (const void *[]){NULL, indexes}, 0, NULL);
    array->dictionary = array_new(arena, 3, 2, (const void *[]){NULL, offsets}, 1, &bytes);
    REQUIRE_OK(&fixture.op, column_load(&fixture, "t", schema, array));
    values_are(&fixture, "t", "TINYINT[]", "[[0, 127], [-128], [0, 127], []]");
}

/* Everything that DuckDB itself gives out, in more rows than a chunk holds, comes back the same. */
TEST(arrow_in, what_the_engine_gives_out_comes_back)
{
    FIXTURE(fixture);
    REQUIRE(run(&fixture,
        "CREATE TABLE source AS SELECT i, (i % 100)::TINYINT AS i8, i::SMALLINT AS i16, "
        "i::UINTEGER AS u32, i::UBIGINT AS u64, i / 7::FLOAT AS f, i / 3.0::DOUBLE AS d, "
        "i % 2 = 0 AS b, CASE WHEN i % 5 = 0 THEN NULL ELSE 'text number ' || i END AS s, "
        "('b' || i)::BLOB AS z, DATE '2025-01-01' + i::INTEGER AS day, "
        "TIMESTAMP '2025-01-01 00:00:00.000001' + INTERVAL (i) SECOND AS n, "
        "TIMESTAMPTZ '2025-01-01 00:00:00.5+00' + INTERVAL (i) SECOND AS t, "
        "(TIMESTAMP '2025-01-01' + INTERVAL (i) SECOND)::TIMESTAMP_S AS ts, "
        "(TIMESTAMP '2025-01-01' + INTERVAL (i) SECOND)::TIMESTAMP_MS AS tm, "
        "TIMESTAMP_NS '2025-01-01 00:00:00.123456789' AS tn, i::DECIMAL(4, 0) AS d4, "
        "i::DECIMAL(9, 3) AS d9, i::DECIMAL(18, 3) AS d18, -i::DECIMAL(38, 10) AS d38, "
        "CASE WHEN i % 3 = 0 THEN NULL ELSE [i, NULL, i + 1] END AS l, [[i], [], NULL] AS ll, "
        "CASE WHEN i % 4 = 0 THEN NULL ELSE {'a': i, 'b': {'c': 'x' || i}} END AS st, "
        "[{'q': i, 'r': [i]}] AS ls, MAP {i: 'v' || i} AS m, [i, i]::INTEGER[2] AS fixed, "
        "['red', 'green', NULL][1 + i % 3]::ENUM ('red', 'green') AS e "
        "FROM range(5000) r(i)"));
    struct vv_session *reader = NULL;
    struct ArrowArrayStream stream;
    REQUIRE_OK(&fixture.op, vv_session_open(&fixture.op, fixture.engine, &reader));
    REQUIRE_OK(&fixture.op, vv_session_stream(&fixture.op, &reader,
                                VV_STR("FROM source ORDER BY i"), false, NULL, 0, &stream));
    const struct vv_load_target target = {
        .table = VV_STR("back"), .row_column = VV_STR("_row")};
    REQUIRE_OK(&fixture.op,
        vv_session_load_arrow(&fixture.op, fixture.session, &stream, &target, NULL));
    CHECK(stream.release == NULL);
    CHECK_INT(number(&fixture, "SELECT count(*) FROM back WHERE _row = i + 1"), 5000);
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (SELECT * EXCLUDE (_row, e), e::VARCHAR AS e, fixed AS "
                  "same FROM back EXCEPT ALL SELECT * EXCLUDE (e), e::VARCHAR, "
                  "fixed::INTEGER[] "
                  "FROM source)"),
        0);
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (DESCRIBE source) s JOIN (DESCRIBE back) b USING "
                  "(column_name) WHERE s.column_type <> b.column_type AND column_name NOT IN "
                  "('e', 'ts', 'tm', 'fixed')"),
        0);
}

TEST(arrow_in, batches_of_no_rows_and_no_columns)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    const void *const no_validity[] = {NULL};
    struct feed feed;
    struct ArrowArray *empty = array_new(arena, 0, 1, no_validity, 0, NULL);
    feed_init(&feed, schema_new(arena, "+s", "", 0, NULL), &empty, 1);
    REQUIRE_OK(&fixture.op, feed_load(&fixture, &feed, "none"));
    CHECK_INT(number(&fixture, "SELECT count(*) FROM none"), 0);
    /* Empty arrays may come without any buffer. */
    for (size_t index = 0; index < VV_COUNT(column_cases); index++) {
        struct ArrowArray *array = array_new(arena, 0, column_cases[index].buffers_len,
            (const void *[]){NULL, NULL, NULL, NULL}, 0, NULL);
        if (!CHECK_OK(&fixture.op,
                column_load(&fixture, "t",
                    schema_new(arena, column_cases[index].format, "x", 0, NULL), array)))
            printf("# format %s\n", column_cases[index].format);
        REQUIRE(run(&fixture, "DROP TABLE t"));
    }
}

/* Values that a type has room for and DuckDB or the type's declaration has not. */
TEST(arrow_in, values_out_of_range)
{
    static const int64_t far[] = {0, 0, INT64_MAX};
    static const int64_t near_end[] = {0, 0, INT64_C(9223372036854775)};
    static const int32_t last_day[] = {0, 0, INT32_MAX};
    static const int32_t first_day[] = {0, 0, INT32_MIN};
    static const int64_t too_many_digits[] = {0, 0, 0, 0, 100000, 0};
    static const int64_t least[] = {0, 0, 0, 0, 0, INT64_MIN};
    static const struct {
        const char *format;
        const void *values;
    } cases[] = {{"tss:", far}, {"tss:UTC", near_end}, {"tsm:", far}, {"tsu:UTC", far},
        {"tsn:", far}, {"tdD", last_day}, {"tdD", first_day}, {"tdm", far},
        {"d:5,2", too_many_digits}, {"d:38,0", least}};
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        char table[16];
        snprintf(table, sizeof(table), "t%zu", index);
        if (!CHECK_FAILS(&fixture.op,
                column_load(&fixture, table,
                    schema_new(&fixture.op.arena, cases[index].format, "x", 0, NULL),
                    array_new(&fixture.op.arena, 3, 2,
                        (const void *[]){validity, cases[index].values}, 0, NULL)),
                VARVE_EINVALID))
            printf("# format %s\n", cases[index].format);
    }
}

TEST(arrow_in, failing_streams)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    struct feed feed;
    struct ArrowSchema *column = schema_new(arena, "i", "x", 0, NULL);
    struct ArrowSchema *schema = schema_new(arena, "+s", "", 1, &column);

    feed_init(&feed, schema, NULL, 0);
    feed.schema_error = EINVAL;
    CHECK_FAILS(&fixture.op, feed_load(&fixture, &feed, "a"), VARVE_EUSAGE);
    CHECK_INT(feed.stream_releases, 1);

    feed_init(&feed, schema, NULL, 0);
    feed.next_error = EIO;
    feed.reason = "the other end hung up";
    CHECK_INT(feed_load(&fixture, &feed, "b"), VARVE_EIO);
    CHECK(strstr(fixture.op.error.message, "the other end hung up") != NULL);
    vv_forgive(&fixture.op);
    CHECK_INT(feed.stream_releases, 1);
    CHECK_INT(feed.schema_releases, 1);

    CHECK_FAILS(&fixture.op, feed_load(&fixture, &feed, "c"), VARVE_EINVALID);
    CHECK_INT(feed.stream_releases, 1);
}

TEST(arrow_in, column_names_are_checked)
{
    FIXTURE(fixture);
    struct vv_arena *arena = &fixture.op.arena;
    static const struct {
        const char *names[2];
        varve_status status;
    } cases[] = {
        {{"a", "b"}, VARVE_OK},
        {{"a\"); DROP TABLE x; --", "it's"}, VARVE_OK},
        {{"a", "A"}, VARVE_EINVALID},
        {{"a", ""}, VARVE_EINVALID},
        {{"a", NULL}, VARVE_EINVALID},
        {{"_ROW", "a"}, VARVE_EINVALID},
        {{"a", "\xff"}, VARVE_EINVALID},
    };
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        struct ArrowSchema *columns[] = {schema_new(arena, "i", cases[index].names[0], 0, NULL),
            schema_new(arena, "u", cases[index].names[1], 0, NULL)};
        struct feed feed;
        feed_init(&feed, schema_new(arena, "+s", "", 2, columns), NULL, 0);
        char table[16];
        snprintf(table, sizeof(table), "t%zu", index);
        varve_status status = feed_load(&fixture, &feed, table);
        if (!CHECK_INT(status, cases[index].status))
            printf("# %s\n", fixture.op.error.message);
        vv_forgive(&fixture.op);
    }
}
