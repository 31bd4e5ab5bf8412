/*
 * Files as other writers leave them, read through the log: what is in the answer must depend on
 * the rows alone, not on how a file came to hold them.
 */
#include "nan_parquet.h"
#include "table_fixture.h"

/* Plants a file and the commit that adds it: partition values as JSON members, more members. */
static bool plant(struct table_fixture *fixture, const char *key, const char *select_sql,
    const char *partition, const char *more)
{
    int64_t bytes = table_foreign_file(fixture, key, select_sql);
    struct vv_str line = vv_arena_format(&fixture->op.arena,
        "{\"add\":{\"path\":\"%s\",\"partitionValues\":{%s},\"size\":%" PRId64
        ",\"modificationTime\":5,\"dataChange\":true%s}}\n",
        key, partition, bytes, more);
    return bytes >= 0 && table_foreign_commit(fixture, line.ptr);
}

/* One text made of the rows of the latest version. */
static struct vv_str answer(struct table_fixture *fixture, const char *aggregate,
    const char *where)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_op *op = &fixture->op;
    struct vv_str select = vv_arena_format(&op->arena, "SELECT %s FROM ", aggregate);
    bool has_row = false;
    if (!CHECK_OK(op, vv_session_open(op, fixture->engine, &session)) ||
        !CHECK_OK(op, vv_table_refresh(op, fixture->table)) ||
        !table_query(fixture, fixture->table->snapshot, select.ptr, where, session, &rows) ||
        !CHECK_OK(op, vv_rows_next(op, rows, &has_row)) || !CHECK(has_row))
        return VV_STR_NONE;
    return vv_arena_str(&op->arena, vv_rows_text(rows, 0));
}

TEST(scan_sql, loses_no_nan_to_a_comparison)
{
    /* Bounds that leave NaN out, in the Parquet file as well as in the log. */
    static const char stats[] =
        ",\"stats\":\"{\\\"numRecords\\\":2,\\\"maxValues\\\":{\\\"x\\\":1.0}}\"";
    static const char *const tags[] = {"", ",\"tags\":{\"varve.noNaN\":\"[\\\"y\\\"]\"}"};
    for (size_t i = 0; i < VV_COUNT(tags); i++) {
        struct table_fixture fixture;
        char more[256];
        (void)snprintf(more, sizeof(more), "%s%s", stats, tags[i]);
        REQUIRE(table_fixture_open(&fixture, NULL,
            &(struct table_words){.schema = "k long, x double, y float"}));
        struct vv_str line = vv_arena_format(&fixture.op.arena,
            "{\"add\":{\"path\":\"f.parquet\",\"partitionValues\":{},\"size\":%zu,"
            "\"modificationTime\":5,\"dataChange\":true%s}}\n",
            sizeof(nan_parquet), more);
        struct vv_str bytes = {(const char *)nan_parquet, sizeof(nan_parquet)};
        REQUIRE(table_foreign_bytes(&fixture, "f.parquet", bytes));
        REQUIRE(table_foreign_commit(&fixture, line.ptr));
        CHECK_STR(answer(&fixture, "string_agg(k, ' ' ORDER BY k)::VARCHAR", "WHERE x > 5"),
            "2");
        CHECK_STR(answer(&fixture, "max(x)::VARCHAR", ""), "nan");
        CHECK_STR(answer(&fixture, "string_agg(k, ' ' ORDER BY k)::VARCHAR", "WHERE y > 1"),
            "2");
        table_fixture_close(&fixture);
    }
}

TEST(scan_sql, widens_types_and_fills_columns_that_a_file_lacks)
{
    struct table_fixture fixture;
    REQUIRE(table_fixture_open(&fixture, NULL,
        &(struct table_words){.schema = "k long, n long, d double, later string"}));
    REQUIRE(plant(&fixture, "old.parquet",
        "SELECT 1::BIGINT AS k, 7::INTEGER AS n, 1.5::FLOAT AS d", "", ""));
    REQUIRE(plant(&fixture, "new.parquet",
        "SELECT 'z' AS later, 9::BIGINT AS n, 2.5::DOUBLE AS d, 2::BIGINT AS k, 3 AS dropped",
        "", ""));
    CHECK_STR(
        answer(&fixture,
            "string_agg(concat_ws('/', k, n, d, coalesce(later, 'NULL')), ' ' ORDER BY k)", ""),
        "1/7/1.5/NULL 2/9/2.5/z");
    table_fixture_close(&fixture);
}

struct partition_case {
    const char *type, *first, *second, *shown; /* values as JSON; the rows' texts */
};

static const struct partition_case partition_cases[] = {
    {"string", "\"a b'c/ü\"", "null", "a b'c/ü|NULL"},
    {"string", "\"same\"", "\"same\"", "same|same"},
    {"string", "\"\"", "\"x\"", "NULL|x"},
    {"long", "\"-9223372036854775808\"", "\"9223372036854775807\"",
        "-9223372036854775808|9223372036854775807"},
    {"int", "\"7\"", "null", "7|NULL"},
    {"short", "\"-32768\"", "\"1\"", "-32768|1"},
    {"byte", "\"127\"", "\"-128\"", "127|-128"},
    {"boolean", "\"true\"", "\"false\"", "true|false"},
    {"date", "\"2025-01-30\"", "\"1969-12-31\"", "2025-01-30|1969-12-31"},
    {"timestamp", "\"2025-01-30 10:00:00\"", "\"2025-01-30T10:00:00.123456Z\"",
        "2025-01-30 10:00:00+00|2025-01-30 10:00:00.123456+00"},
    {"double", "\"NaN\"", "\"-1.5E-7\"", "nan|-1.5e-07"},
    {"float", "\"0.1\"", "null", "0.1|NULL"},
    {"decimal(10,2)", "\"1.5\"", "\"-0.01\"", "1.50|-0.01"},
};

TEST_SECONDS(scan_sql, takes_partition_values_from_the_log, 180)
{
    struct vv_engine_options options = {.threads = 1};
    struct vv_engine *engine = NULL;
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE_OK(&op, vv_engine_open(&op, &options, &engine));
    for (size_t i = 0; i < VV_COUNT(partition_cases); i++) {
        const struct partition_case *item = &partition_cases[i];
        struct table_fixture fixture;
        char schema[64];
        const char *const values[] = {item->first, item->second};
        (void)snprintf(schema, sizeof(schema), "k long, p %s", item->type);
        REQUIRE(table_fixture_open(&fixture, engine,
            &(struct table_words){.schema = schema, .partition_by = "p"}));
        for (size_t n = 0; n < 2; n++) {
            /* The folder says something else: it must not count. */
            const char *key = n == 0 ? "p=wrong/0.parquet" : "p=wrong/1.parquet";
            char partition[64];
            (void)snprintf(partition, sizeof(partition), "\"p\":%s", values[n]);
            REQUIRE(plant(&fixture, key,
                n == 0 ? "SELECT 0::BIGINT AS k" : "SELECT 1::BIGINT AS k", partition, ""));
        }
        CHECK_STR(answer(&fixture, "string_agg(coalesce(p::VARCHAR, 'NULL'), '|' ORDER BY k)",
                      ""),
            item->shown);
        CHECK_STR(answer(&fixture, "count(*)::VARCHAR", "WHERE p IS NOT DISTINCT FROM p"), "2");
        table_fixture_close(&fixture);
    }
    vv_engine_close(&engine);
    vv_op_done(&op);
}

TEST(scan_sql, keeps_names_of_users_apart_from_its_own)
{
    struct table_fixture fixture;
    REQUIRE(table_fixture_open(&fixture, NULL,
        &(struct table_words){.schema = "file_index long, _file long, c0 long, `a\"b'` long, "
                                        "file_row_number long, filename long, p long",
            .partition_by = "p"}));
    REQUIRE(plant(&fixture, "a.parquet",
        "SELECT 1::BIGINT AS file_index, 2::BIGINT AS _file, 3::BIGINT AS c0, 4::BIGINT AS "
        "\"a\"\"b'\", 5::BIGINT AS file_row_number, 6::BIGINT AS filename",
        "\"p\":\"7\"", ""));
    REQUIRE(plant(&fixture, "b.parquet",
        "SELECT 11::BIGINT AS file_index, 12::BIGINT AS _file, 13::BIGINT AS c0, 14::BIGINT AS "
        "\"a\"\"b'\", 15::BIGINT AS file_row_number, 16::BIGINT AS filename",
        "\"p\":\"17\"", ""));
    CHECK_STR(answer(&fixture,
                  "string_agg(concat_ws(' ', file_index, _file, c0, \"a\"\"b'\", "
                  "file_row_number, filename, p), '|' ORDER BY p)",
                  ""),
        "1 2 3 4 5 6 7|11 12 13 14 15 16 17");
    table_fixture_close(&fixture);
}

TEST(scan_sql, has_the_columns_of_a_table_without_files)
{
    struct table_fixture fixture;
    REQUIRE(table_fixture_open(&fixture, NULL,
        &(struct table_words){.schema = "k long, x decimal(10,2)"}));
    CHECK_STR(answer(&fixture, "concat(count(*), typeof(any_value(x)))", ""), "0DECIMAL(10,2)");
    table_fixture_close(&fixture);
}

/* It marks the rows 0 and 5, and says of how many it does. */
#define DV_0_5_SAID(rows)                                                                      \
    ",\"deletionVector\":{\"storageType\":\"i\",\"pathOrInlineDv\":\""                         \
    "^Bg9^0rr910000000000iXQKl0rr91000315c8Xg000f5\",\"sizeInBytes\":36,\"cardinality\":" rows \
    "}"
#define DV_0_5 DV_0_5_SAID("2")

TEST(scan_sql, leaves_out_what_deletion_vectors_took_away)
{
    static const struct {
        const char *second; /* partition of the second file: the same, or another */
        const char *of_b;
    } cases[] = {{"\"p\":\"b\"", "10 11 12"}, {"\"p\":\"a\"", ""}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct table_fixture fixture;
        REQUIRE(table_fixture_open(&fixture, NULL,
            &(struct table_words){
                .schema = "k long, p string, x double", .partition_by = "p"}));
        REQUIRE(plant(&fixture, "1.parquet",
            "SELECT i AS k, NULL::DOUBLE AS x FROM range(6) AS t(i)", "\"p\":\"a\"", DV_0_5));
        REQUIRE(plant(&fixture, "2.parquet",
            "SELECT i + 10 AS k, NULL::DOUBLE AS x FROM range(3) AS t(i)", cases[i].second,
            ""));
        CHECK_STR(answer(&fixture, "string_agg(k, ' ' ORDER BY k::VARCHAR)", ""),
            "1 10 11 12 2 3 4");
        CHECK_STR(answer(&fixture, "count(*)::VARCHAR", ""), "7");
        CHECK_STR(answer(&fixture, "string_agg(k, ' ' ORDER BY k)", "WHERE k < 2"), "1");
        CHECK_STR(answer(&fixture, "string_agg(k, ' ' ORDER BY k)", "WHERE p = 'b'"),
            vv_str_of(cases[i].of_b));
        CHECK_STR(answer(&fixture, "count(*)::VARCHAR", "WHERE x IS NULL AND p = 'a'"),
            i == 0 ? "4" : "7");
        table_fixture_close(&fixture);
    }
}

TEST(scan_sql, reads_no_row_of_a_file_whose_deletion_vector_is_broken)
{
    struct table_fixture fixture;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    REQUIRE(table_fixture_open(&fixture, NULL, &(struct table_words){.schema = "k long"}));
    REQUIRE(plant(&fixture, "1.parquet", "SELECT i AS k FROM range(6) AS t(i)", "",
        ",\"stats\":\"{\\\"numRecords\\\":6}\"" DV_0_5_SAID("3")));
    struct vv_op *op = &fixture.op;
    REQUIRE_OK(op, vv_table_refresh(op, fixture.table));
    struct vv_scan_source source = {.store = fixture.table->store,
        .engine = fixture.engine,
        .snapshot = fixture.table->snapshot,
        .files = fixture.table->snapshot->files,
        .files_len = fixture.table->snapshot->files_len};
    CHECK_INT(vv_scan_sql(op, &source, &sql), VARVE_ECORRUPT);
    CHECK(strstr(op->error.message, "deletion vector of file 1.parquet") != NULL);
    vv_forgive(op);
    table_fixture_close(&fixture);
}

/* What the planner takes the rows of a scan to be; it joins by that. */
static const char *plan_of(struct table_fixture *fixture)
{
    struct vv_str plan = table_text(fixture, "EXPLAIN SELECT k FROM ", 1);
    return plan.ptr != NULL ? plan.ptr : "";
}

TEST(scan_sql, tells_the_engine_how_many_rows_there_are)
{
    static const char one[] = "SELECT 1::BIGINT AS k";
    static const char stats[] = ",\"stats\":\"{\\\"numRecords\\\":4000}\"";
    struct table_fixture fixture;
    REQUIRE(table_fixture_open(&fixture, NULL, &(struct table_words){.schema = "k long"}));
    REQUIRE(plant(&fixture, "a.parquet", one, "", stats));
    CHECK(strstr(plan_of(&fixture), "~4,000 rows") != NULL);
    REQUIRE(plant(&fixture, "b.parquet", one, "", stats));
    CHECK(strstr(plan_of(&fixture), "~8,000 rows") != NULL);
    table_fixture_close(&fixture);
}

TEST(scan_sql, reads_files_of_which_nobody_says_how_many_rows_they_have)
{
    static const char *const stats[] = {"", "0", "-3", "\\\"x\\\"", "9223372036854775807"};
    for (size_t i = 0; i < VV_COUNT(stats); i++) {
        struct table_fixture fixture;
        char more[128] = "";
        if (*stats[i] != '\0')
            (void)snprintf(more, sizeof(more), ",\"stats\":\"{\\\"numRecords\\\":%s}\"",
                stats[i]);
        REQUIRE(table_fixture_open(&fixture, NULL, &(struct table_words){.schema = "k long"}));
        REQUIRE(plant(&fixture, "a.parquet", "SELECT 7::BIGINT AS k", "", more));
        REQUIRE(plant(&fixture, "b.parquet", "SELECT 8::BIGINT AS k", "", more));
        CHECK_STR(answer(&fixture, "sum(k)::VARCHAR", ""), "15");
        table_fixture_close(&fixture);
    }
}
