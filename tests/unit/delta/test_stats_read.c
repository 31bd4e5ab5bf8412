#include "delta/stats.h"

#include <math.h>

#include "base/time.h"
#include "harness/prop.h"
#include "harness/test.h"

/* Reads the statistics of one column. */
struct read {
    struct vv_op op;
    struct vv_schema schema;
    struct vv_metadata metadata;
    struct vv_file file;
    struct vv_file_stats stats;
    struct vv_bounds column;
};

static void read_done(struct read *read)
{
    vv_op_done(&read->op);
}

static void read_start(struct read *read, const char *ddl, const char *stats)
{
    *read = (struct read){0};
    vv_op_init(&read->op, NULL, VV_OP_BYTES_DEFAULT);
    read->file.stats = vv_str_of(stats);
    CHECK_OK(&read->op,
        vv_schema_parse_ddl(&read->op, &read->op.arena, vv_str_of(ddl), &read->schema));
}

static void read_run(struct read *read)
{
    static const int32_t first = 0;
    struct vv_stats_columns columns = {&read->schema, &read->metadata, &first, 1};

    CHECK_OK(&read->op,
        vv_stats_read(&read->op, &read->op.arena, &read->file, &columns, &read->stats));
    if (read->stats.columns)
        read->column = read->stats.columns[0];
}

#define A32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define MIN_US (60 * VV_US_PER_S)

/* `min` and `max` are JSON; "" in the place of the text of a value: unknown. */
struct bound_case {
    const char *ddl;
    const char *min, *max;
    bool by_varve;
    const char *read_min, *read_max;
};

static void check_bound(const struct vv_value *value, const struct vv_type *type,
    const char *expected, const char *input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);

    vv_partition_format(value, type, &text);
    if (!CHECK_STR(vv_buf_str(&text), expected))
        CHECK_STR(input, "");
}

static void check_cases(const struct bound_case *cases, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        VV_CLEANUP(read_done) struct read read;
        VV_CLEANUP(vv_buf_done) struct vv_buf stats = VV_BUF_INIT(VV_BUF_MAX);

        vv_buf_addf(&stats,
            "{\"numRecords\":5,\"minValues\":{\"a\":%s},\"maxValues\":{\"a\":%s},"
            "\"nullCount\":{\"a\":2}}",
            cases[i].min, cases[i].max);
        read_start(&read, cases[i].ddl, vv_buf_str(&stats).ptr);
        read.file.by_varve = cases[i].by_varve;
        read_run(&read);
        CHECK_INT(read.stats.rows, 5);
        CHECK_INT(read.column.null_count, 2);
        check_bound(&read.column.min, &read.schema.fields[0].type, cases[i].read_min,
            cases[i].min);
        check_bound(&read.column.max, &read.schema.fields[0].type, cases[i].read_max,
            cases[i].max);
    }
}

TEST(stats_read, bounds_hold_or_are_unknown)
{
    static const struct bound_case cases[] = {
        {"a long", "-9223372036854775808", "9223372036854775807", false, "-9223372036854775808",
            "9223372036854775807"},
        {"a long", "1.0", "\"2\"", false, "", ""},
        {"a long", "null", "[3]", false, "", ""},
        {"a long", "9223372036854775808", "1e3", false, "", ""},
        {"a integer", "5", "3", false, "", ""}, /* upside down: neither is to be believed */
        {"a boolean", "false", "true", false, "", ""},
        {"a binary", "\"a\"", "\"b\"", false, "", ""},
        {"a double", "-1.5", "2", false, "-1.5", "2.0"},
        {"a double", "0.0", "-0.0", false, "-0.0", "0.0"},
        {"a double", "\"NaN\"", "\"Infinity\"", false, "", ""},
        {"a double", "1e999", "\"1\"", false, "", ""},
        {"a float", "0.1", "0.1", false, "0.1", "0.1"},
        {"a float", "1e39", "1e39", false, "", ""},
        {"a date", "\"1969-12-31\"", "\"2025-01-30\"", false, "1969-12-31", "2025-01-30"},
        {"a date", "\"2025-01-30T00:00:00Z\"", "7", false, "", ""},
        {"a decimal(10,2)", "-1.5", "12345678.90", false, "-1.50", "12345678.90"},
        {"a decimal(10,2)", "\"1\"", "true", false, "", ""},
        {"a decimal(16,2)", "1.5", "2.5", false, "", ""},
        {"a decimal(38,18)", "1.5", "99999999999999999999.999999999999999999", true,
            "1.500000000000000000", "99999999999999999999.999999999999999999"},
        {"a string", "\"a\"", "\"z\"", false, "a", "z"},
        {"a string", "7", "{}", false, "", ""},
        {"a string", "\"" A32 "\"", "\"" A32 "\"", false, A32, ""},
        {"a string", "\"" A32 "\"", "\"" A32 "\"", true, A32, A32},
        {"a string", "\"a\"", "\"" A32 "b\"", false, "a", ""},
        {"a string", "\"a\"", "\"" A32 "\\u007f\"", false, "a", A32 "\x7f"},
        {"a string", "\"a\"", "\"" A32 "\xf4\x8f\xbf\xbf\"", false, "a",
            A32 "\xf4\x8f\xbf\xbf"},
        {"a array<int>", "1", "2", false, "", ""},
        {"a struct<x int>", "{\"x\":1}", "{\"x\":2}", false, "", ""},
    };

    check_cases(cases, VV_COUNT(cases));
}

TEST(stats_read, maxima_of_timestamps_are_widened)
{
    static const struct bound_case cases[] = {
        {"a timestamp", "\"2021-09-08T11:11:11.123Z\"", "\"2021-09-08T11:11:11.123Z\"", false,
            "2021-09-08T11:11:10.123000Z", "2021-09-08T11:11:11.123999Z"},
        /* Varve's too: nobody can tell who wrote a file's statistics anew. */
        {"a timestamp", "\"2021-09-08T11:11:11.123456Z\"", "\"2021-09-08T11:11:11.123456Z\"",
            true, "2021-09-08T11:11:11.123456Z", "2021-09-08T11:11:11.124455Z"},
        {"a timestamp", "\"2021-09-08T03:11:11.000-08:00\"",
            "\"2021-09-08T12:04:39.000+00:53:28\"", false, "2021-09-08T11:11:10.000000Z",
            "2021-09-08T11:11:11.000999Z"},
        {"a timestamp", "\"1969-12-31T23:58:00.000Z\"", "\"1969-12-31T23:58:00.000Z\"", false,
            "1969-12-31T23:56:59.000000Z", "1969-12-31T23:59:00.000999Z"},
        {"a timestamp", "\"1969-12-31T23:58:00.000Z\"", "\"1969-12-31T23:58:00.000Z\"", true,
            "1969-12-31T23:58:00.000000Z", "1969-12-31T23:58:00.000999Z"},
        {"a timestamp", "\"2021-09-08T11:11:11.123\"", "\"2021-09-08 11:11:11\"", false, "",
            ""},
        {"a timestamp", "1631099471123", "\"soon\"", false, "", ""},
        {"a timestamp_ntz", "\"2021-09-08T11:11:11.123\"", "\"2021-09-08T11:11:11.123\"", false,
            "2021-09-08 11:11:10.123000", "2021-09-08 11:11:11.123999"},
        {"a timestamp_ntz", "\"2021-09-08T11:11:11.123Z\"", "\"2021-09-08T11:11:11+01:00\"",
            false, "2021-09-08 11:11:10.123000", ""},
        {"a timestamp_ntz", "\"2021-09-08\"", "\"2021-09-08\"", false, "2021-09-07 23:59:59",
            "2021-09-08 00:00:00.000999"},
    };

    check_cases(cases, VV_COUNT(cases));
}

TEST(stats_read, what_is_unreadable_is_unknown)
{
    static const char *const texts[] = {NULL, "", "{", "[]", "3", "null", "{\"minValues\":3}",
        "{\"numRecords\":-1,\"nullCount\":{\"a\":-2}}", "{\"numRecords\":\"5\"}",
        "{\"numRecords\":1.5,\"minValues\":[1],\"maxValues\":\"x\",\"nullCount\":7}",
        "{\"numRecords\":5,\"maxValues\":{\"a\":NaN}}", "{}"};

    for (size_t i = 0; i < VV_COUNT(texts); i++) {
        VV_CLEANUP(read_done) struct read read;

        read_start(&read, "a long", texts[i]);
        read_run(&read);
        CHECK_INT(read.stats.rows, -1);
        CHECK(read.stats.tight);
        CHECK_INT(read.column.min.kind, VV_VALUE_NONE);
        CHECK_INT(read.column.max.kind, VV_VALUE_NONE);
        CHECK_INT(read.column.null_count, -1);
        int64_t rows = 0;
        CHECK_OK(&read.op, vv_stats_rows(&read.op, &read.file, &rows));
        CHECK_INT(rows, -1);
        CHECK(!read.op.failed);
    }
}

TEST(stats_read, null_counts_that_cannot_be_are_unknown)
{
    static const struct {
        const char *stats;
        int64_t null_count;
    } cases[] = {
        {"{\"numRecords\":5,\"nullCount\":{\"a\":5}}", 5},
        {"{\"numRecords\":5,\"nullCount\":{\"a\":6}}", -1},
        {"{\"nullCount\":{\"a\":6}}", 6},
        {"{\"numRecords\":5,\"nullCount\":{\"a\":{\"x\":0}}}", -1},
        {"{\"numRecords\":5,\"tightBounds\":false,\"nullCount\":{\"a\":3}}", -1},
        {"{\"numRecords\":5,\"tightBounds\":false,\"nullCount\":{\"a\":0}}", 0},
        {"{\"numRecords\":5,\"tightBounds\":false,\"nullCount\":{\"a\":5}}", 5},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(read_done) struct read read;

        read_start(&read, "a long", cases[i].stats);
        read_run(&read);
        CHECK_INT(read.column.null_count, cases[i].null_count);
    }
}

TEST(stats_read, a_float_maximum_holds_nan_only_with_the_mark)
{
    static const struct {
        const char *ddl;
        const char *tag;
        bool holds;
    } cases[] = {
        {"a long", NULL, true},
        {"a double", NULL, false},
        {"a double", "[\"b\"]", false},
        {"a double", "[\"b\",\"a\"]", true},
        {"a float", "[\"a\"]", true},
        {"a float", "\"a\"", false},
        {"a float", "[", false},
        {"a float", "{\"a\":\"a\"}", false},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(read_done) struct read read;
        struct vv_pair tag = {VV_STR(VV_TAG_NO_NAN), vv_str_of(cases[i].tag)};

        read_start(&read, cases[i].ddl, "{\"maxValues\":{\"a\":1}}");
        read.file.tags = (struct vv_pairs){&tag, 1};
        read_run(&read);
        CHECK_INT(read.column.max_holds_nan, cases[i].holds);
        CHECK(read.column.max.kind != VV_VALUE_NONE);
    }
}

TEST(stats_read, widened_floats_have_no_bounds)
{
    VV_CLEANUP(read_done) struct read read;
    struct vv_field field;

    read_start(&read, "a double", "{\"minValues\":{\"a\":0.1},\"maxValues\":{\"a\":0.1}}");
    field = read.schema.fields[0];
    CHECK_OK(&read.op,
        vv_json_parse(&read.op, &read.op.arena,
            VV_STR("{\"delta.typeChanges\":[{\"fromType\":\"float\",\"toType\":\"double\"}]}"),
            &field.metadata));
    read.schema.fields = &field;
    read_run(&read);
    CHECK_INT(read.column.min.kind, VV_VALUE_NONE);
    CHECK_INT(read.column.max.kind, VV_VALUE_NONE);
}

TEST(stats_read, columns_are_found_by_their_physical_name)
{
    VV_CLEANUP(read_done) struct read read;
    struct vv_field field;

    read_start(&read, "a long",
        "{\"minValues\":{\"a\":1,\"col-1\":2},\"maxValues\":{\"a\":9}}");
    field = read.schema.fields[0];
    field.physical_name = VV_STR("col-1");
    read.schema.fields = &field;
    read_run(&read);
    CHECK_INT(read.column.min.integer, 2);
    CHECK_INT(read.column.max.kind, VV_VALUE_NONE);
}

TEST(stats_read, partition_values_are_both_bounds)
{
    static const struct {
        const char *ddl;
        const char *value; /* NULL: null */
        bool is_there;
        enum vv_value_kind kind;
        int64_t null_count;
    } cases[] = {
        {"A date", "2025-01-30", true, VV_VALUE_INT, 0},
        {"A date", NULL, true, VV_VALUE_NULL, 5},
        {"A date", "", true, VV_VALUE_NULL, 5},
        {"A date", "soon", true, VV_VALUE_NONE, -1},
        {"A date", NULL, false, VV_VALUE_NONE, -1},
        {"A double", "NaN", true, VV_VALUE_DOUBLE, 0},
    };
    static const struct vv_str names[] = {{"a", 1}};

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(read_done) struct read read;
        struct vv_pair pair = {VV_STR("A"), vv_str_of(cases[i].value)};

        read_start(&read, cases[i].ddl,
            "{\"numRecords\":5,\"minValues\":{\"A\":\"1970-01-01\"}}");
        read.metadata.partition_columns = names;
        read.metadata.partition_columns_len = 1;
        read.file.partition_values = (struct vv_pairs){&pair, cases[i].is_there ? 1 : 0};
        read_run(&read);
        CHECK_INT(read.column.min.kind, cases[i].kind);
        CHECK_INT(read.column.max.kind, cases[i].kind);
        CHECK_INT(read.column.null_count, cases[i].null_count);
        CHECK_INT(read.column.max_holds_nan, cases[i].kind != VV_VALUE_NONE);
    }
}

TEST(stats_read, values_outlive_the_statistics)
{
    VV_CLEANUP(read_done) struct read read;
    char text[] = "{\"minValues\":{\"a\":\"low\"},\"maxValues\":{\"a\":\"up\"}}";

    read_start(&read, "a string", text);
    read_run(&read);
    memset(text, 'x', sizeof(text) - 1);
    CHECK_STR(read.column.min.text, "low");
    CHECK_STR(read.column.max.text, "up");
}

TEST(stats_read, no_bytes_can_make_it_fail)
{
    static const char *const pieces[] = {"{", "}",
        "\"numRecords\":", "\"minValues\":", "\"maxValues\":", "\"nullCount\":", "\"a\":", "1",
        "-0.0", "\"x\"", "null", ",", "[", "]", "true", "1e400",
        "\"2021-01-01T00:00:00.000Z\""};
    static const char *const types[] = {"a long", "a double", "a string", "a timestamp",
        "a decimal(10,2)", "a date", "a boolean"};
    struct prop prop = prop_start();

    for (int i = 0; i < 20000; i++) {
        VV_CLEANUP(read_done) struct read read;
        VV_CLEANUP(vv_buf_done) struct vv_buf stats = VV_BUF_INIT(VV_BUF_MAX);

        vv_buf_adds(&stats, "{\"maxValues\":{\"a\":");
        for (size_t len = prop_choose(&prop, 8); len > 0; len--)
            vv_buf_adds(&stats, pieces[prop_choose(&prop, VV_COUNT(pieces))]);
        vv_buf_adds(&stats, prop_chance(&prop, 70) ? "}}" : "");
        read_start(&read, types[prop_choose(&prop, VV_COUNT(types))], vv_buf_str(&stats).ptr);
        read_run(&read);
        CHECK(!read.op.failed);
    }
}
