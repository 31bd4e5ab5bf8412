/*
 * What a condition comes to for a file: by cases, and against the engine's own answer for rows
 * that nobody chose.
 */
#include "table/read/predicate.h"

#include <stdio.h>

#include "delta/value.h"
#include "harness/prop.h"
#include "table/read/candidates.h"

struct fixture {
    struct vv_op op;
    struct vv_engine *engine;
    struct vv_session *session;
    struct vv_metadata metadata;
    struct vv_snapshot snapshot;
    struct vv_str partition;
    struct vv_pair property;
    struct vv_rules rules;
};

static bool start(struct fixture *fixture)
{
    struct vv_op *op = &fixture->op;
    struct vv_engine_options options = {.threads = 1};
    *fixture = (struct fixture){.partition = VV_STR("date"),
        .property = {VV_STR(VV_PROPERTY_PARTITION_FROM), VV_STR("date=ts")}};
    vv_op_init(op, NULL, VV_OP_BYTES_DEFAULT);
    fixture->metadata = (struct vv_metadata){.configuration = {&fixture->property, 1},
        .partition_columns = &fixture->partition,
        .partition_columns_len = 1};
    fixture->snapshot.metadata = &fixture->metadata;
    return CHECK_OK(op, vv_engine_open(op, &options, &fixture->engine)) &&
           CHECK_OK(op, vv_session_open(op, fixture->engine, &fixture->session)) &&
           CHECK_OK(op, vv_schema_parse_ddl(op, &op->arena,
                            VV_STR("n int, x double, s string, ts timestamp, m decimal(10,2), "
                                   "b boolean, "
                                   "date date, o struct<n: int>"),
                            &fixture->snapshot.schema)) &&
           CHECK_OK(op,
               vv_rules_read(op, &op->arena, &fixture->snapshot, false, &fixture->rules));
}

static void finish(struct fixture *fixture)
{
    vv_session_close(&fixture->session);
    vv_engine_close(&fixture->engine);
    vv_op_done(&fixture->op);
}

static enum vv_match match(struct fixture *fixture, const char *condition,
    const struct vv_file *file)
{
    struct vv_predicate *predicate = NULL;
    enum vv_match found = VV_MATCH_SOME;
    struct vv_op *op = &fixture->op;
    if (CHECK_OK(op, vv_predicate_read(op, fixture->session, &fixture->snapshot,
                         &fixture->rules, "the condition", vv_str_of(condition), &predicate)))
        CHECK_OK(op, vv_predicate_match(op, predicate, file, &found));
    return found;
}

/* n from 10 to 20 in 5 rows; x up to 5 but for NaN; s; ts on 2025-01-30; m; b; all of one date. */
#define STATS                                                                                 \
    "{\"numRecords\":5,\"minValues\":{\"n\":10,\"x\":-1.5,\"s\":\"f\",\"m\":1.00,"            \
    "\"ts\":\"2025-01-30T10:00:00.000Z\"},\"maxValues\":{\"n\":20,\"x\":5.0,\"s\":\"k\","     \
    "\"m\":1.00,\"ts\":\"2025-01-30T12:00:00.000Z\"},\"nullCount\":{\"n\":0,\"x\":0,\"s\":2," \
    "\"m\":0,\"ts\":0,\"b\":5,\"o\":{\"n\":0}}}"

#define NONE VV_MATCH_NONE
#define SOME VV_MATCH_SOME
#define ALL VV_MATCH_ALL

static const struct {
    const char *condition;
    enum vv_match ours, theirs; /* of Varve's own file, of another writer's */
} cases[] = {
    {"n = 15", SOME, SOME},
    {"n = 21", NONE, NONE},
    {"21 = n", NONE, NONE},
    {"n < 10", NONE, NONE},
    {"n <= 10", SOME, SOME},
    {"n <= 20", ALL, SOME},
    {"n < 20", SOME, SOME},
    {"20 >= n", ALL, SOME},
    {"n > 20", NONE, NONE},
    {"n >= 10", ALL, SOME},
    {"10 < n", SOME, SOME},
    {"n <> 9", ALL, SOME},
    {"n <> 12", SOME, SOME},
    {"n = 21 OR n = 9", NONE, NONE},
    {"n = 15 AND n > 30", NONE, NONE},
    {"NOT (n > 30)", ALL, SOME},
    {"NOT (n > 15)", SOME, SOME},
    {"n BETWEEN 0 AND 30", ALL, SOME},
    {"n BETWEEN 21 AND 30", NONE, NONE},
    {"n NOT BETWEEN 0 AND 30", NONE, NONE},
    {"n IN (1, 2, 3)", NONE, NONE},
    {"n IN (1, 15)", SOME, SOME},
    {"n NOT IN (1, 2)", ALL, SOME},
    {"n NOT IN (1, NULL)", NONE, NONE},
    {"n IN (1, NULL)", NONE, NONE},
    /* Compared in one type, which is not that of each beside the column: what is alike is decided. */
    {"n IN (1, 2e0)", SOME, SOME},
    {"n NOT IN ('9.6', 1.5)", SOME, SOME},
    {"n BETWEEN '21' AND 30.5", SOME, SOME},
    {"n BETWEEN 21 AND 30.5", NONE, NONE},
    {"s IN ('z', 1)", SOME, SOME},
    {"s IN ('z', NULL)", NONE, NONE},
    {"s BETWEEN 1 AND 'a'", SOME, SOME},
    {"s IN ('z', n)", SOME, SOME},
    {"'zz' BETWEEN s AND n", SOME, SOME},
    {"21 IN (n, 2e0)", SOME, SOME},
    {"21 BETWEEN n AND n", NONE, NONE},
    {"x IN (-9, -8.5, -7e0)", NONE, NONE},
    {"n = NULL", NONE, NONE},
    {"n IS NULL", NONE, NONE},
    {"n IS NOT NULL", ALL, SOME},
    {"s IS NULL", SOME, SOME},
    {"s IS NOT NULL", SOME, SOME},
    {"b IS NULL", ALL, SOME},
    {"b = true", NONE, NONE},
    {"b", SOME, SOME},
    {"s < 'a'", NONE, NONE},
    {"s <= 'k'", SOME, SOME}, /* two are NULL */
    {"s IS NOT DISTINCT FROM 'z'", NONE, NONE},
    {"s IS DISTINCT FROM 'z'", ALL, SOME},
    {"n IS DISTINCT FROM NULL", ALL, SOME},
    {"x > 5", SOME, SOME}, /* there may be a NaN */
    {"x < -2", NONE, NONE},
    {"x >= -1.5", ALL, SOME},
    {"x = 'NaN'", SOME, SOME},
    {"m = 1", ALL, SOME},
    {"m = 1.00", ALL, SOME},
    {"m > 1.001", SOME, SOME}, /* no value of the column's type */
    {"m > 1.01", NONE, NONE},
    {"n < 9.5", SOME, SOME},
    {"n < 9.0", NONE, NONE},
    {"n = '9'", NONE, NONE},
    {"n < 9::DOUBLE", SOME, SOME}, /* undecided */
    {"n < 9e0", SOME, SOME},       /* likewise: it is no decimal */
    {"ts < '2025-01-30'", NONE, NONE},
    {"ts < TIMESTAMPTZ '2025-01-30 10:00:00+00'", NONE, SOME}, /* minima of some are late */
    {"ts < TIMESTAMPTZ '2025-01-30 09:59:58+00'", NONE, NONE},
    {"ts < DATE '2025-01-30'", NONE, NONE},
    {"ts >= DATE '2025-01-29' + INTERVAL 1 DAY", ALL, SOME},
    {"ts > now() - INTERVAL 1 DAY", NONE, NONE},
    {"ts < now()", ALL, SOME},
    {"ts BETWEEN '2025-02-01' AND now()", NONE,
        NONE}, /* the text is a time of the column's type */
    {"ts IN ('2025-02-01', TIMESTAMPTZ '2025-02-02', NULL)", NONE, NONE},
    {"ts BETWEEN '2025-02-01' AND DATE '2025-02-02'", SOME, SOME},
    {"ts IN ('2025-02-01', TIMESTAMPTZ '2025-02-02', DATE '2025-02-03')", SOME, SOME},
    {"date = '2025-01-30'", ALL, ALL},
    {"date = DATE '2025-01-30'", ALL, ALL},
    {"date < current_date - 7", ALL, ALL},
    {"date <> '2025-01-30'", NONE, NONE},
    {"date = '2025-01-30' AND n = 15", SOME, SOME},
    {"date = '2025-01-29' OR n = 9", NONE, NONE},
    {"t.date = '2025-01-30'", ALL, ALL},
    {"DATE = '2025-01-30'", ALL, ALL},
    {"date = 'soon'", SOME, SOME}, /* refused when it is computed */
    {"o.n = 15", SOME, SOME},
    {"true", ALL, ALL},
    {"1 = 2", NONE, NONE},
    {"NULL", NONE, NONE},
    {"false OR n < 10", NONE, NONE},
    {"random() < 2", SOME, SOME},
    {"n > random()", SOME, SOME},
    {"n + 0 = 21", SOME, SOME},
    {"n < n", SOME, SOME},
    {"s LIKE 'z%'", SOME, SOME},
    {"n = (SELECT 21)", SOME, SOME},
    {"n IN (SELECT 21)", SOME, SOME},
    {"(n = 21) = true", SOME, SOME},
    {"CASE WHEN n = 21 THEN true END", SOME, SOME},
};

TEST(predicate, says_none_and_all_where_they_are_proven)
{
    struct fixture fixture;
    struct vv_pair partition = {VV_STR("date"), VV_STR("2025-01-30")};
    REQUIRE(start(&fixture));
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_file file = {
            .key = VV_STR("f"), .partition_values = {&partition, 1}, .stats = VV_STR(STATS)};
        bool is_fine = CHECK_INT(match(&fixture, cases[i].condition, &file), cases[i].theirs);
        file.by_varve = true;
        is_fine =
            CHECK_INT(match(&fixture, cases[i].condition, &file), cases[i].ours) && is_fine;
        if (!is_fine)
            printf("# %s\n", cases[i].condition);
    }
    finish(&fixture);
}

TEST(predicate, goes_by_the_date_of_files_that_obey_it)
{
    struct fixture fixture;
    struct vv_pair partition = {VV_STR("date"), VV_STR("2025-01-30")};
    struct vv_pair tag = {VV_STR(VV_TAG_UNDATED), VV_STR("true")};
    struct vv_file file = {
        .key = VV_STR("f"), .partition_values = {&partition, 1}, .by_varve = true};
    REQUIRE(start(&fixture));
    CHECK_INT(match(&fixture, "ts < '2025-01-30'", &file), NONE);
    CHECK_INT(match(&fixture, "ts >= '2025-01-31'", &file), NONE);
    CHECK_INT(match(&fixture, "ts < '2025-01-30T00:00:00.000001Z'", &file), SOME);
    CHECK_INT(match(&fixture, "n > 5", &file), SOME);
    file.tags = (struct vv_pairs){&tag, 1};
    CHECK_INT(match(&fixture, "ts < '2025-01-30'", &file), SOME);
    file.tags = (struct vv_pairs){0};
    file.by_varve = false;
    CHECK_INT(match(&fixture, "ts < '2025-01-30'", &file), SOME);
    partition.value = VV_STR_NONE;
    CHECK_INT(match(&fixture, "date IS NULL", &file), ALL);
    CHECK_INT(match(&fixture, "date > '2025-01-01'", &file), NONE);
    finish(&fixture);
}

TEST(predicate, is_one_condition_over_the_table_alone)
{
    static const char *const texts[] = {"", "n = ", "n = 1) ORDER BY (n", "n = 1; DROP TABLE x",
        "n = $1", "n IN (SELECT n FROM other)", "n IN (SELECT * FROM read_csv('/etc/passwd'))",
        "n = 1 GROUP BY n"};
    struct fixture fixture;
    struct vv_predicate *predicate = NULL;
    REQUIRE(start(&fixture));
    for (size_t i = 0; i < VV_COUNT(texts); i++)
        CHECK_FAILS(&fixture.op,
            vv_predicate_read(&fixture.op, fixture.session, &fixture.snapshot, &fixture.rules,
                "the condition", vv_str_of(texts[i]), &predicate),
            VARVE_EUSAGE);
    finish(&fixture);
}

/* --- Any rows, any condition. --- */

static void add_operand(struct prop *prop, struct vv_buf *sql)
{
    static const char *const columns[] = {"n", "x", "s", "n", "x"};
    static const char *const values[] = {"-1", "0", "1", "2", "3", "2.5", "NULL", "'NaN'"};
    static const char *const comparisons[] = {
        "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"};
    size_t column = prop_choose(prop, VV_COUNT(columns));
    bool is_text = column == 2;
    const char *value = values[prop_choose(prop, VV_COUNT(values) - (column % 3 == 1 ? 0 : 1))];
    if (prop_chance(prop, 15)) {
        vv_buf_addf(sql, "%s IS %sNULL", columns[column], prop_chance(prop, 50) ? "NOT " : "");
        return;
    }
    if (prop_chance(prop, 15)) {
        vv_buf_addf(sql, is_text ? "%s %s ('1', '%s')" : "%s %s (1, %s)", columns[column],
            prop_chance(prop, 50) ? "NOT IN" : "IN", value);
        return;
    }
    vv_buf_addf(sql, is_text ? "%s %s '%s'" : "%s %s %s", columns[column],
        comparisons[prop_choose(prop, VV_COUNT(comparisons))], value);
}

static void add_condition(struct prop *prop, int depth, struct vv_buf *sql)
{
    size_t kind = depth == 0 ? 3 : prop_choose(prop, 5);
    if (kind >= 3) {
        add_operand(prop, sql);
        return;
    }
    vv_buf_adds(sql, kind == 0 ? "NOT (" : "(");
    add_condition(prop, depth - 1, sql);
    if (kind > 0) {
        vv_buf_adds(sql, kind == 1 ? " AND " : " OR ");
        add_condition(prop, depth - 1, sql);
    }
    vv_buf_addc(sql, ')');
}

/* Few rows with few values, so that files are often all NULL, all equal, all below. */
static void add_rows(struct prop *prop, struct vv_buf *sql)
{
    static const char *const ns[] = {"NULL", "0", "1", "2", "3"};
    static const char *const xs[] = {"NULL", "-0.0", "0.0", "1.5", "2.5", "'NaN'"};
    static const char *const ss[] = {"NULL", "'0'", "'1'", "'2'", "'x'"};
    size_t first = prop_choose(prop, VV_COUNT(ns));
    size_t spread = 1 + prop_choose(prop, 3);
    vv_buf_adds(sql, "(VALUES ");
    for (size_t row = 0, rows = 1 + prop_choose(prop, 3); row < rows; row++) {
        size_t at[3];
        for (size_t i = 0; i < 3; i++)
            at[i] = first + prop_choose(prop, spread);
        vv_buf_addf(sql, "%s(%s::INTEGER, %s::DOUBLE, %s::VARCHAR)", row > 0 ? ", " : "",
            ns[at[0] % VV_COUNT(ns)], xs[at[1] % VV_COUNT(xs)], ss[at[2] % VV_COUNT(ss)]);
    }
    vv_buf_adds(sql, ") AS t(n, x, s)");
}

static struct vv_str one_text(struct fixture *fixture, const struct vv_buf *sql)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    struct vv_op *op = &fixture->op;
    if (!CHECK_OK(op, vv_session_query(op, fixture->session, vv_buf_str(sql), &rows)) ||
        !CHECK_OK(op, vv_rows_next(op, rows, &has_row)) || !CHECK(has_row))
        return VV_STR_NONE;
    return vv_arena_str(&op->arena, vv_rows_text(rows, 0));
}

/* As a writer leaves them: NaN is in no bound. */
static struct vv_str stats_of(struct fixture *fixture, struct vv_str rows)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
    vv_buf_addf(&sql,
        "SELECT json_object('numRecords', count(*), "
        "'minValues', json_object('n', min(n), 'x', min(x) FILTER (NOT isnan(x)), 's', "
        "min(s)), "
        "'maxValues', json_object('n', max(n), 'x', max(x) FILTER (NOT isnan(x)), 's', "
        "max(s)), "
        "'nullCount', json_object('n', count(*) FILTER (n IS NULL), 'x', "
        "count(*) FILTER (x IS NULL), 's', count(*) FILTER (s IS NULL)))::VARCHAR FROM %.*s",
        VV_ARG(rows));
    return one_text(fixture, &sql);
}

TEST_SECONDS(predicate, is_never_wrong_about_any_rows, 180)
{
    struct fixture fixture;
    struct prop prop = prop_start();
    int64_t none = 0;
    int64_t all = 0;
    REQUIRE(start(&fixture));
    for (int i = 0; i < 1000; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf rows = VV_BUF_INIT(1 << 16);
        VV_CLEANUP(vv_buf_done) struct vv_buf condition = VV_BUF_INIT(1 << 16);
        VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 16);
        int64_t left = 0;
        add_rows(&prop, &rows);
        add_condition(&prop, 3, &condition);
        struct vv_file file = {.key = VV_STR("f"),
            .stats = stats_of(&fixture, vv_buf_str(&rows)),
            .by_varve = true};
        enum vv_match found = match(&fixture, vv_buf_str(&condition).ptr, &file);
        if (found == SOME)
            continue;
        none += found == NONE;
        all += found == ALL;
        vv_buf_addf(&sql, "SELECT count(*) FROM %.*s WHERE (%.*s) IS %s TRUE",
            VV_ARG(vv_buf_str(&rows)), VV_ARG(vv_buf_str(&condition)),
            found == ALL ? "NOT" : "");
        REQUIRE_OK(&fixture.op,
            vv_session_int64(&fixture.op, fixture.session, vv_buf_str(&sql), &left));
        if (!CHECK_INT(left, 0))
            printf("# %s\n# %s\n", vv_buf_str(&rows).ptr, vv_buf_str(&condition).ptr);
    }
    /* It says something often enough for the answers to mean something. */
    CHECK(none > 150);
    CHECK(all > 30);
    finish(&fixture);
}
