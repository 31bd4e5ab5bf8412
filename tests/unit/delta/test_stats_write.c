#include "delta/stats.h"

#include "delta/clustering.h"
#include "delta/stats_names.h"

#include "harness/prop.h"
#include "harness/test.h"

/* One column of a table and what the file says of it. */
struct column {
    const char *ddl; /* "a string" */
    const char *min, *max;
    int64_t null_count;
    bool has_nan;
};

struct written {
    struct vv_schema schema;
    struct vv_parquet_written parquet;
};

static struct written build(struct vv_op *op, const struct column *columns, size_t len)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf ddl = VV_BUF_INIT(VV_BUF_MAX);
    struct written out = {.parquet = {.rows = 3}};
    struct vv_column_stats *stats = vv_new(&op->arena, struct vv_column_stats, len + 1);

    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&ddl, "%s%s", i > 0 ? "," : "", columns[i].ddl);
    CHECK_OK(op, vv_schema_parse_ddl(op, &op->arena, vv_buf_str(&ddl), &out.schema));
    for (size_t i = 0; i < out.schema.fields_len && i < len; i++) {
        stats[i] = (struct vv_column_stats){
            .name = out.schema.fields[i].name,
            .path = &out.schema.fields[i].name,
            .path_len = 1,
            .has_bounds = columns[i].min != NULL,
            .min = vv_str_of(columns[i].min),
            .max = vv_str_of(columns[i].max),
            .min_exact = true,
            .max_exact = true,
            .null_count = columns[i].null_count,
            .has_nan = columns[i].has_nan,
            .nan_known = vv_type_is_float(&out.schema.fields[i].type),
        };
    }
    out.parquet.columns = stats;
    out.parquet.columns_len = len;
    return out;
}

static const struct vv_metadata no_properties;

static struct vv_str written_json(struct vv_op *op, const struct written *file,
    const struct vv_metadata *metadata, struct vv_str *out_no_nan)
{
    struct vv_str json = VV_STR("");

    const struct vv_snapshot snapshot = {.metadata = metadata, .schema = file->schema};

    CHECK_OK(op, vv_stats_write(op, &snapshot, &file->parquet, &op->arena, &json, out_no_nan));
    return json;
}

TEST(stats_write, every_type_has_its_form)
{
    static const struct column columns[] = {
        {"s string", "a\"b", "z\xc3\xbcrich", 1, false},
        {"l long", "-9223372036854775808", "9223372036854775807", 0, false},
        {"b byte", "-1", "2", 0, false},
        {"f float", "-0.0", "0.1", 0, false},
        {"g double", "-1.5", "1e+300", 0, false},
        {"n double", "1.0", "2.0", 0, true},
        {"o double", "-inf", "7.25", 0, false},
        {"t boolean", "0", "1", 0, false},
        {"x binary", "00", "FF", 0, false},
        {"d date", "1969-12-31", "2025-01-30", 0, false},
        {"e date", "infinity", "0044-03-15 (BC)", 0, false},
        {"u timestamp", "2021-09-08 11:11:11+00", "2021-09-08 11:11:11.123+00", 0, false},
        {"v timestamp", "1969-12-31 23:59:59.999999+00", "2021-09-08 11:11:11.123456+00", 0,
            false},
        {"w timestamp_ntz", "2021-09-08 11:11:11", "2021-09-08 11:11:11.000001", 0, false},
        {"c decimal(38,18)", "-0.500000000000000000", "99999999999999999999.999999999999999999",
            0, false},
        {"y long", NULL, NULL, 3, false},
        {"z long", "1", "1", -1, false},
    };
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str no_nan = VV_STR_NONE;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct written file = build(&op, columns, VV_COUNT(columns));
    CHECK_STR(written_json(&op, &file, &no_properties, &no_nan),
        "{\"numRecords\":3,\"minValues\":{\"s\":\"a\\\"b\",\"l\":-9223372036854775808,\"b\":-1,"
        "\"f\":-0.0,\"g\":-1.5,\"d\":\"1969-12-31\","
        "\"u\":\"2021-09-08T11:11:11.000Z\",\"v\":\"1969-12-31T23:59:59.999999Z\","
        "\"w\":\"2021-09-08T11:11:11.000\",\"c\":-0.500000000000000000,\"z\":1},"
        "\"maxValues\":{\"s\":\"z\xc3\xbcrich\",\"l\":9223372036854775807,\"b\":2,"
        "\"f\":0.10000000149011612,\"g\":1e300,\"o\":7.25,\"d\":\"2025-01-30\","
        "\"u\":\"2021-09-08T11:11:11.123Z\",\"v\":\"2021-09-08T11:11:11.123456Z\","
        "\"w\":\"2021-09-08T11:11:11.000001\","
        "\"c\":99999999999999999999.999999999999999999,\"z\":1},"
        "\"nullCount\":{\"s\":1,\"l\":0,\"b\":0,\"f\":0,\"g\":0,\"n\":0,\"o\":0,\"t\":0,\"x\":"
        "0,"
        "\"d\":0,\"e\":0,\"u\":0,\"v\":0,\"w\":0,\"c\":0,\"y\":3}}");
    CHECK_STR(no_nan, "[\"f\",\"g\",\"o\"]");
}

TEST(stats_write, a_table_without_floats_has_no_mark)
{
    static const struct column columns[] = {{"a long", "1", "2", 0, false}};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str no_nan = VV_STR("?");

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct written file = build(&op, columns, 1);
    written_json(&op, &file, &no_properties, &no_nan);
    CHECK_STR(no_nan, "");
}

#define A8 "aaaaaaaa"
#define A32 A8 A8 A8 A8
#define LAST "\xf4\x8f\xbf\xbf" /* U+10FFFF */
#define LAST8 LAST LAST LAST LAST LAST LAST LAST LAST
#define LAST32 LAST8 LAST8 LAST8 LAST8
#define E_ACUTE "\xc3\xa9"

TEST(stats_write, long_texts_are_cut_and_a_cut_maximum_stays_above)
{
    static const struct {
        const char *text;
        const char *min;
        const char *max; /* NULL: none */
    } cases[] = {
        {A32, A32, A32},
        {A32 "b", A32, A32 "\x7f"},
        {A32 "\x7e", A32, A32 "\x7f"},
        {A32 "\x7f", A32, A32 LAST},
        {A32 E_ACUTE "tail", A32, A32 LAST},
        {A8 A8 A8 "aaaaaaa" E_ACUTE, A8 A8 A8 "aaaaaaa" E_ACUTE, A8 A8 A8 "aaaaaaa" E_ACUTE},
        {A8 A8 A8 "aaaaaaa" E_ACUTE "bc", A8 A8 A8 "aaaaaaa" E_ACUTE,
            A8 A8 A8 "aaaaaaa" E_ACUTE "\x7f"},
        {A32 LAST, A32, A32 LAST},
        {A32 LAST LAST "b", A32, A32 LAST LAST "\x7f"},
        {LAST32 "b", LAST32, LAST32 "\x7f"},
        {LAST32 LAST32, LAST32, LAST32 LAST32},
        {LAST32 LAST32 "b", LAST32, NULL},
        {LAST32 LAST32 LAST, LAST32, LAST32 LAST32 LAST},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct column column = {"a string", cases[i].text, cases[i].text, 0, false};
        struct vv_str no_nan;
        const struct vv_json *json = NULL;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct written file = build(&op, &column, 1);
        struct vv_str text = written_json(&op, &file, &no_properties, &no_nan);
        CHECK_OK(&op, vv_json_parse(&op, &op.arena, text, &json));
        CHECK_STR(vv_json_text(vv_json_get(vv_json_get(json, "minValues"), "a")), cases[i].min);
        CHECK_STR(vv_json_text(vv_json_get(vv_json_get(json, "maxValues"), "a")), cases[i].max);
    }
}

TEST(stats_write, any_text_lies_within_its_bounds)
{
    struct prop prop = prop_start();

    for (int i = 0; i < 4000; i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        char bytes[400];
        struct vv_str no_nan;
        const struct vv_json *json = NULL;
        struct column column = {"a string", "", "", 0, false};

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct written file = build(&op, &column, 1);
        struct vv_str text = prop_utf8(&prop, bytes, sizeof(bytes));
        file.parquet.columns[0].min = text;
        file.parquet.columns[0].max = text;
        CHECK_OK(&op, vv_json_parse(&op, &op.arena,
                          written_json(&op, &file, &no_properties, &no_nan), &json));
        struct vv_str min = vv_json_text(vv_json_get(vv_json_get(json, "minValues"), "a"));
        struct vv_str max = vv_json_text(vv_json_get(vv_json_get(json, "maxValues"), "a"));
        CHECK(min.ptr && vv_str_cmp(min, text) <= 0);
        CHECK(!max.ptr || vv_str_cmp(max, text) >= 0);
        CHECK(max.len <= (size_t)64 * 4);
    }
}

TEST(stats_write, texts_that_are_not_utf8_have_no_bounds)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct column column = {"a string", "\xff", "\xff", 0, false};
    struct vv_str no_nan;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct written file = build(&op, &column, 1);
    CHECK_STR(written_json(&op, &file, &no_properties, &no_nan),
        "{\"numRecords\":3,\"minValues\":{},\"maxValues\":{},\"nullCount\":{\"a\":0}}");
}

/* a; s.x, s.y (y an array); `b.c`; d (partition); e */
static struct written nested_file(struct vv_op *op)
{
    static const struct vv_str names[] = {{"a", 1}, {"s", 1}, {"x", 1}, {"b.c", 3}, {"e", 1}};
    static const struct vv_str in_s[][2] = {{{"s", 1}, {"x", 1}}, {{"s", 1}, {"y", 1}}};
    static const struct vv_str in_y[] = {{"s", 1}, {"y", 1}, {"element", 7}};
    struct written out = {.parquet = {.rows = 2}};
    struct vv_column_stats *stats = vv_new(&op->arena, struct vv_column_stats, 5);
    const struct vv_str *paths[] = {&names[0], in_s[0], in_y, &names[3], &names[4]};
    static const size_t lens[] = {1, 2, 3, 1, 1};

    CHECK_OK(op,
        vv_schema_parse_ddl(op, &op->arena,
            VV_STR("a long, s struct<x long, y array<long>>, `b.c` long, d date, e long"),
            &out.schema));
    for (size_t i = 0; i < 5; i++)
        stats[i] = (struct vv_column_stats){.path = paths[i],
            .path_len = lens[i],
            .has_bounds = true,
            .min = VV_STR("1"),
            .max = VV_STR("2"),
            .null_count = 0};
    out.parquet.columns = stats;
    out.parquet.columns_len = 5;
    return out;
}

TEST(stats_write, properties_choose_the_columns)
{
    static const struct {
        const char *name;
        const char *value;
        const char *min_values;
    } cases[] = {
        {"x", "y", "{\"a\":1,\"s\":{\"x\":1},\"b.c\":1,\"e\":1}"},
        {"delta.dataSkippingNumIndexedCols", "-1",
            "{\"a\":1,\"s\":{\"x\":1},\"b.c\":1,\"e\":1}"},
        {"delta.dataSkippingNumIndexedCols", "0", "{}"},
        {"delta.dataSkippingNumIndexedCols", "1", "{\"a\":1}"},
        {"delta.dataSkippingNumIndexedCols", "2", "{\"a\":1,\"s\":{\"x\":1}}"},
        /* The array is one leaf, though it has no bounds; the partition column is none. */
        {"delta.dataSkippingNumIndexedCols", "3", "{\"a\":1,\"s\":{\"x\":1}}"},
        {"delta.dataSkippingNumIndexedCols", "5",
            "{\"a\":1,\"s\":{\"x\":1},\"b.c\":1,\"e\":1}"},
        {"delta.dataSkippingNumIndexedCols", "many",
            "{\"a\":1,\"s\":{\"x\":1},\"b.c\":1,\"e\":1}"},
        {"delta.dataSkippingStatsColumns", "e, A", "{\"a\":1,\"e\":1}"},
        {"delta.dataSkippingStatsColumns", "s", "{\"s\":{\"x\":1}}"},
        {"delta.dataSkippingStatsColumns", "s.x,d", "{\"s\":{\"x\":1}}"},
        {"delta.dataSkippingStatsColumns", "`s`.`x`", "{\"s\":{\"x\":1}}"},
        {"delta.dataSkippingStatsColumns", "`b.c`", "{\"b.c\":1}"},
        {"delta.dataSkippingStatsColumns", "b.c", "{}"},
        {"delta.dataSkippingStatsColumns", "s.x.z", "{}"},
        {"delta.dataSkippingStatsColumns", "", "{}"},
        {"delta.dataSkippingStatsColumns", ",`,..,e", "{}"},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        static const struct vv_str partition[] = {{"d", 1}};
        struct vv_pair pair = {vv_str_of(cases[i].name), vv_str_of(cases[i].value)};
        struct vv_metadata metadata = {.configuration = {&pair, 1},
            .partition_columns = partition,
            .partition_columns_len = 1};
        const struct vv_json *json = NULL;
        struct vv_str no_nan;
        struct vv_str min_values = VV_STR("");

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct written file = nested_file(&op);
        CHECK_OK(&op,
            vv_json_parse(&op, &op.arena, written_json(&op, &file, &metadata, &no_nan), &json));
        CHECK_OK(&op,
            vv_json_write_value(&op, vv_json_get(json, "minValues"), &op.arena, &min_values));
        if (!CHECK_STR(min_values, cases[i].min_values))
            CHECK_STR(cases[i].value, "");
    }
}

TEST(stats_write, columns_that_the_table_is_clustered_by_are_always_there)
{
    static const struct {
        const char *configuration;
        const char *min_values;
    } cases[] = {
        {"{\"clusteringColumns\":[[\"e\"]],\"domainName\":\"delta.clustering\"}",
            "{\"a\":1,\"e\":1}"},
        {"{\"clusteringColumns\":[\"e\"]}", "{\"a\":1,\"e\":1}"}, /* as the protocol has it */
        {"{\"clusteringColumns\":[[\"s\",\"x\"],[\"b.c\"]]}",
            "{\"a\":1,\"s\":{\"x\":1},\"b.c\":1}"},
        /* A struct alone is no leaf, and what nobody understands names no column. */
        {"{\"clusteringColumns\":[[\"s\"],[],[\"nope\"],[\"e\",\"x\"],7]}", "{\"a\":1}"},
        {"{\"clusteringColumns\":7}", "{\"a\":1}"},
        {"{", "{\"a\":1}"},
    };
    static const struct {
        struct vv_pair pair;
    } properties[] = {
        {{{"delta.dataSkippingNumIndexedCols", 32}, {"1", 1}}},
        {{{"delta.dataSkippingStatsColumns", 30}, {"a", 1}}},
    };

    for (size_t i = 0; i < VV_COUNT(cases) * VV_COUNT(properties); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_pair pair = properties[i % VV_COUNT(properties)].pair;
        struct vv_metadata metadata = {.configuration = {&pair, 1}};
        const char *configuration = cases[i / VV_COUNT(properties)].configuration;
        const struct vv_domain domain = {
            .domain = VV_STR(VV_CLUSTERING_DOMAIN), .configuration = vv_str_of(configuration)};
        const struct vv_domain *domains[] = {&domain};
        const struct vv_json *json = NULL;
        struct vv_str no_nan;
        struct vv_str text = VV_STR("");
        struct vv_str min_values = VV_STR("");

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        struct written file = nested_file(&op);
        const struct vv_snapshot snapshot = {
            .metadata = &metadata, .schema = file.schema, .domains = domains, .domains_len = 1};
        CHECK_OK(&op, vv_stats_write(&op, &snapshot, &file.parquet, &op.arena, &text, &no_nan));
        CHECK_OK(&op, vv_json_parse(&op, &op.arena, text, &json));
        CHECK_OK(&op,
            vv_json_write_value(&op, vv_json_get(json, "minValues"), &op.arena, &min_values));
        if (!CHECK_STR(min_values, cases[i / VV_COUNT(properties)].min_values))
            CHECK_STR(vv_str_of(configuration), "");
    }
}

TEST(stats_write, a_list_of_columns_is_written_as_it_is_read)
{
    static const struct {
        const char *text, *written;
    } cases[] = {
        {"a, s.x ,B_2", "a,s.x,B_2"},
        {"`a`.`b.c`, `d,e`", "a.`b.c`,`d,e`"},
        {"`ti``ck`, gr\xc3\xb6\xc3\x9f"
         "e",
            "`ti``ck`,`gr\xc3\xb6\xc3\x9f"
            "e`"},
        {"a b, ``", "`a b`,``"},
        {"", ""},
    };

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 20);
        VV_CLEANUP(vv_buf_done) struct vv_buf again = VV_BUF_INIT(1 << 20);
        const struct vv_name_path *paths = NULL;
        size_t len = 0;

        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_OK(&op, vv_stats_names_read(&op, vv_str_of(cases[i].text), &paths, &len));
        vv_stats_names_write(paths, len, &text);
        CHECK_STR(vv_buf_str(&text), cases[i].written);
        CHECK_OK(&op, vv_stats_names_read(&op, vv_buf_str(&text), &paths, &len));
        vv_stats_names_write(paths, len, &again);
        CHECK_STR(vv_buf_str(&again), cases[i].written);
    }
}

TEST(stats_write, thirty_two_leaves_by_default)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct column columns[40];
    struct vv_str no_nan;
    const struct vv_json *json = NULL;

    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (int i = 0; i < 40; i++)
        columns[i] =
            (struct column){vv_arena_format(&op.arena, "c%d long", i).ptr, "1", "2", 0, false};
    struct written file = build(&op, columns, 40);
    CHECK_OK(&op, vv_json_parse(&op, &op.arena,
                      written_json(&op, &file, &no_properties, &no_nan), &json));
    CHECK_INT(vv_json_len(vv_json_get(json, "minValues")), 32);
    CHECK_INT(vv_json_len(vv_json_get(json, "nullCount")), 32);
    CHECK(vv_json_get(vv_json_get(json, "maxValues"), "c31") != NULL);
}

TEST(stats_write, loosens_the_bounds_of_a_file_that_loses_rows)
{
    static const struct {
        const char *stats, *loose;
    } cases[] = {
        {"{\"numRecords\":7,\"minValues\":{\"m\":1.10,\"d\":{\"x\":\"\\u0001\"}},"
         "\"nullCount\":{\"m\":2}}",
            "{\"numRecords\":7,\"minValues\":{\"m\":1.10,\"d\":{\"x\":\"\\u0001\"}},"
            "\"nullCount\":{\"m\":2},\"tightBounds\":false}"},
        {"{\"tightBounds\":true,\"other\":[1]}",
            "{\"numRecords\":7,\"other\":[1],\"tightBounds\":false}"},
        {NULL, "{\"numRecords\":7,\"tightBounds\":false}"},
        {"broken", "{\"numRecords\":7,\"tightBounds\":false}"},
        {"[1]", "{\"numRecords\":7,\"tightBounds\":false}"},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct vv_str loose;
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        REQUIRE_OK(&op, vv_stats_loosen(&op, &op.arena, vv_str_of(cases[i].stats), 7, &loose));
        CHECK_STR(loose, cases[i].loose);
    }
}
