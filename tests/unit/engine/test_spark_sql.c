#include "engine/spark_sql.h"

#include "engine/sql.h"

#include "fixture.h"

static const struct vv_str names[] = {{"x", 1}, {"y", 1}, {"s", 1}, {"b", 1}, {"day", 3},
    {"timestamp", 9}, {"Mixed Case", 10}, {"q\"`", 3}, {"st", 2}, {"regime", 6}};
static const struct vv_spark_columns columns = {.names = names, .len = VV_COUNT(names)};

static varve_status translate(struct vv_op *op, const char *expression, struct vv_str *out)
{
    return vv_spark_sql_translate(op, vv_str_of(expression), &columns, &op->arena, out);
}

/* What an expression is for the one row of the table "row": "true", "false", "NULL", a value. */
static struct vv_str value_of(struct fixture *fixture, const char *expression)
{
    struct vv_str sql = VV_STR_NONE;
    if (!CHECK_OK(&fixture->op, translate(&fixture->op, expression, &sql)))
        return VV_STR_NONE;
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&query, "SELECT coalesce((%.*s)::VARCHAR, 'NULL') FROM \"row\"", VV_ARG(sql));
    return text(fixture, vv_buf_str(&query).ptr);
}

static bool row_make(struct fixture *fixture)
{
    return run(fixture,
        "CREATE TEMP TABLE \"row\" AS SELECT 7::INTEGER AS x, NULL::INTEGER AS y, 'it''s' AS "
        "s, "
        "true AS b, DATE '2025-01-30' AS \"day\", TIMESTAMPTZ '2025-01-30 10:00:00+00' AS "
        "\"timestamp\", 1 AS \"Mixed Case\", 2 AS \"q\"\"`\", {'f': {'g h': 5}} AS st, "
        "'neutral_low' AS regime");
}

static const struct {
    const char *expression;
    const char *value;
} value_cases[] = {
    /* NULL is neither true nor false */
    {"x = 7", "true"},
    {"`timestamp` + INTERVAL 5 MINUTES > TIMESTAMP '2025-01-30 10:04:59Z'", "true"},
    {"`timestamp` - interval '-1' hour < TIMESTAMP '2025-01-30 11:00:00Z'", "false"},
    {"INTERVAL 90 SECONDS < INTERVAL 2 MINUTE", "true"},
    {"x == 8", "false"},
    /* what generated columns are made of */
    {"date_trunc('HOUR', `timestamp` + INTERVAL 5 MINUTES) = `timestamp`", "true"},
    {"date_format(`timestamp`, 'yyyy-MM-dd HH')", "2025-01-30 10"},
    {"substring(s, 2, 1)", "t"},
    {"substr(s, 2)", "t's"},
    {"y = 1", "NULL"},
    {"y <> 1", "NULL"},
    {"y IS NULL", "true"},
    {"y IS NOT NULL", "false"},
    {"y <=> NULL", "true"},
    {"x <=> NULL", "false"},
    {"NOT y > 1", "NULL"},
    {"y > 1 OR x > 1", "true"},
    {"y > 1 AND x > 1", "NULL"},
    {"y > 1 AND x < 1", "false"},
    {"x IN (1, 7)", "true"},
    {"x NOT IN (1, 2)", "true"},
    {"x IN (1, NULL)", "NULL"},
    {"x NOT IN (7, NULL)", "false"},
    {"regime IN ('a', 'b', 'c', 'd', 'e', 'f', 'neutral_low')", "true"},
    {"regime NOT IN ('a', 'b', 'c', 'd', 'e', 'f', 'neutral_low')", "false"},
    {"regime NOT IN ('a') AND regime IN (\"neutral_low\")", "true"},
    {"regime IN ('a', NULL) OR regime IN ('b', 'a' || 'b')", "NULL"},
    {"y IN ('1', '2', '3', '4', '5', '6', '7')", "NULL"},
    {"x IN ('1', '2', '3', '4', '5', '6', '7')", "true"},
    {"x IN ('1', 2, '3', '4', '5', '6', '7') AND day IN ('2025-01-29', '2025-01-30')", "true"},
    {"s IN ('a', 'it\\'s') AND x + 1 IN ('7', '8') AND st.f.`g h` IN ('4', '5')", "true"},
    {"x IS DISTINCT FROM y", "true"},
    {"b IS TRUE AND NOT (b IS FALSE)", "true"},
    {"(y > 1) IS NOT TRUE", "true"},
    /* precedence is Spark's */
    {"1 + 2 * 3", "7"},
    {"(1 + 2) * 3", "9"},
    {"10 - 3 - 2", "5"},
    {"2 - -3", "5"},
    {"NOT x = 8 AND b", "true"},
    {"! b OR true", "true"},
    {"false AND true OR true", "true"},
    {"true OR true AND false", "true"},
    {"NOT b = false", "true"},
    {"x BETWEEN 1 AND 7 AND b", "true"},
    {"x NOT BETWEEN 1 AND 6", "true"},
    {"x > 1 = true", "true"},
    {"'a' || 'b' = 'ab'", "true"},
    /* division is never whole, and by zero it is NULL */
    {"x / 2", "3.5"},
    {"1 / 2 = 0.5", "true"},
    {"x / 0", "NULL"},
    {"x % 0", "NULL"},
    {"x % 4", "3"},
    {"-7 % 4", "-3"},
    {"0.5e0 / 0.0 IS NULL", "true"},
    /* literals */
    {"s = 'it\\'s'", "true"},
    {"s = \"it's\"", "true"},
    {"'a\\tb\\n\\\\' = concat('a', '\t', 'b', '\n', '\\\\')", "true"},
    {"length('\\'')", "1"},
    {"'it''s'", NULL},
    {"10L = 10 AND 1.5D = 1.5 AND .5 < 5e-1D + 1", "true"},
    {"true AND NOT FALSE AND NULL IS NULL", "true"},
    {"day = DATE '2025-01-30' AND day > '2025-01-29'", "true"},
    {"timestamp >= TIMESTAMP '2025-01-30 10:00:00'", "true"},
    /* names */
    {"X = 7 AND `x` = 7", "true"},
    {"`mixed case` = 1 AND `q\"``` = 2", "true"},
    {"st.f.`g h` = 5 AND ST.F.`G H` = 5", "true"},
    {"date(timestamp) = day", "true"},
    /* patterns */
    {"s LIKE 'it%'", "true"},
    {"s NOT LIKE '_'", "true"},
    {"'a_b' LIKE 'a\\_b' AND NOT 'axb' LIKE 'a\\_b'", "true"},
    {"'a%b' LIKE 'a!%b' ESCAPE '!'", "true"},
    {"s RLIKE '^it' AND s REGEXP 't.s$' AND NOT s RLIKE '^t'", "true"},
    /* CASE, IF, CAST, functions */
    {"CASE WHEN y > 1 THEN 'a' WHEN b THEN 'b' ELSE 'c' END", "b"},
    {"CASE x WHEN 1 THEN 'a' WHEN 7 THEN 'b' END", "b"},
    {"CASE WHEN false THEN 1 END", "NULL"},
    {"if(y IS NULL, 1, 2)", "1"},
    {"CAST('1.5' AS DOUBLE) = 1.5", "true"},
    {"CAST('x' AS DOUBLE)", "NULL"},
    {"coalesce(y, x)", "7"},
    {"nvl(y, 3) + nvl(x, 100) + ifnull(x, 100) + ifnull(y, 4) + nullif(x, 8)", "28"},
    {"abs(-3) + ceil(1.2D) + floor(1.8D)", "6.0"},
    {"upper('a') || lower('B') || trim('  c ')", "Abc"},
    {"greatest(1, y, 3) + least(5, 2)", "5"},
    {"isnan(CAST('NaN' AS DOUBLE)) AND NOT isnan(y)", "true"},
    {"CAST('NaN' AS DOUBLE) = CAST('NaN' AS DOUBLE)", "true"},
    {"year(day) * 10000 + month(day) * 100 + day(day)", "20250130"},
    {"startswith(s, 'it') AND endswith(s, 's') AND contains(s, '\\'')", "true"},
};

TEST(spark_sql, values)
{
    FIXTURE(fixture);
    REQUIRE(row_make(&fixture));
    for (size_t index = 0; index < VV_COUNT(value_cases); index++) {
        struct vv_str sql = VV_STR_NONE;
        if (value_cases[index].value == NULL) /* strings side by side */
            CHECK_FAILS(&fixture.op,
                translate(&fixture.op, value_cases[index].expression, &sql),
                VARVE_EUNSUPPORTED);
        else if (!CHECK_STR(value_of(&fixture, value_cases[index].expression),
                     value_cases[index].value))
            printf("# %s\n", value_cases[index].expression);
    }
}

/* How an engine runs an expression over the rows. */
static struct vv_str plan_of(struct fixture *fixture, const char *expression)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str sql = VV_STR_NONE;
    bool has_row = false;
    vv_buf_adds(&query, "EXPLAIN SELECT ");
    if (!CHECK_OK(&fixture->op, translate(&fixture->op, expression, &sql)))
        return VV_STR_NONE;
    vv_buf_addf(&query, "%.*s FROM \"row\"", VV_ARG(sql));
    if (!CHECK_OK(&fixture->op,
            vv_session_query(&fixture->op, fixture->session, vv_buf_str(&query), &rows)) ||
        !CHECK_OK(&fixture->op, vv_rows_next(&fixture->op, rows, &has_row)) || !CHECK(has_row))
        return VV_STR_NONE;
    return vv_arena_str(&fixture->op.arena, vv_rows_text(rows, 1));
}

TEST(spark_sql, a_list_of_texts_is_no_join_which_would_lose_the_order_of_the_rows)
{
    FIXTURE(fixture);
    REQUIRE(row_make(&fixture));
    static const char *const expressions[] = {
        "regime IS NULL OR regime IN ('1', '2', '3', '4', '5', '6', '7', '8')",
        "s NOT IN ('1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14')"};
    for (size_t index = 0; index < VV_COUNT(expressions); index++) {
        struct vv_str plan = plan_of(&fixture, expressions[index]);
        CHECK(memmem(plan.ptr, plan.len, "PROJECTION", 10) != NULL);
        CHECK(memmem(plan.ptr, plan.len, "JOIN", 4) == NULL);
    }
}

/* The constraints of the three market tables, with a value that passes and one that does not. */
TEST(spark_sql, the_constraints_of_the_market_tables)
{
#define REGIMES \
    "'bullish_low','bullish_high','bearish_low','bearish_high','neutral_low','neutral_high'"
    static const struct {
        const char *expression;
        const char *type;
        const char *good[3];
        const char *bad[3];
    } cases[] = {
        {"v IS NULL OR v IN (" REGIMES ")", "VARCHAR", {"NULL", "'bearish_low'"},
            {"'sideways'", "''"}},
        {"v IS NULL OR v IN ('up','down','flat')", "VARCHAR", {"NULL", "'up'"}, {"'UP'"}},
        {"v IN ('ml_entry','rule_entry','futures_confirm')", "VARCHAR", {"'ml_entry'"},
            {"NULL", "'other'"}},
        {"v IS NULL OR (v >= 0 AND v <= 1)", "DOUBLE", {"NULL", "0", "1"},
            {"-0.001", "1.5", "'nan'"}},
        {"v IS NULL OR (v >= 0 AND v <= 1.7976931348623157E308)", "DOUBLE",
            {"NULL", "17.5", "1.7976931348623157E308"}, {"-1", "'nan'", "'inf'"}},
        {"v IS NULL OR acted_upon", "TIMESTAMPTZ", {"NULL"}, {"'2025-01-30 10:00:00+00'"}},
    };
    static const struct vv_str constraint_names[] = {{"v", 1}, {"acted_upon", 10}};
    const struct vv_spark_columns constraint_columns = {.names = constraint_names, .len = 2};
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        struct vv_str sql = VV_STR_NONE;
        REQUIRE_OK(&fixture.op,
            vv_spark_sql_translate(&fixture.op, vv_str_of(cases[index].expression),
                &constraint_columns, &fixture.op.arena, &sql));
        for (int at = 0; at < 6; at++) {
            const char *value = at < 3 ? cases[index].good[at] : cases[index].bad[at - 3];
            if (value == NULL)
                continue;
            VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
            vv_buf_addf(&query,
                "SELECT count(*) FROM (SELECT %s::%s AS v, false AS acted_upon) WHERE (%.*s) "
                "IS "
                "TRUE",
                value, cases[index].type, VV_ARG(sql));
            if (!CHECK_INT(number(&fixture, vv_buf_str(&query).ptr), at < 3 ? 1 : 0))
                printf("# %s for %s\n", cases[index].expression, value);
        }
    }
}

TEST(spark_sql, what_is_not_understood_is_refused)
{
    static const char *const expressions[] = {"", " ", "(", ")", "()", "x =", "= x", "x x",
        "x y = 1", "x IN ()", "x IN (SELECT 1)", "(SELECT 1)", "EXISTS (SELECT 1)", "SELECT 1",
        "x; DROP", "x = 1; SELECT 2", "x = 1 -- comment", "x /* c */ = 1", "x = 'a", "x = \"a",
        "`x = 1", "nofun(x)", "read_csv('f')", "sum(x)", "count(*)", "x OVER ()",
        "getenv('HOME')", "current_timestamp()", "now()", "rand()", "uuid()", "x::INTEGER",
        "x[0]", "x -> y", "transform(x, e -> e)", "CAST(x AS INT)", "CAST(x AS STRING)",
        "CAST(x AS STRUCT<a:INT>)", "interval 1 day", "interval", "interval x minutes",
        "interval 1.5 hours", "interval 1L hours", "interval 1000001 hours", "interval 1",
        "x BETWEEN 1", "x IS", "x IS NOT", "CASE END", "CASE WHEN x END", "$1", "?", ":p", "@v",
        "x & y", "x | y", "x ^ y", "~x", "x ** 2", "1.2.3", "0x1F", "1e", "12abc", "abs()",
        "abs(1, 2)", "abs(1", "x LIKE", "x NOT", "x ILIKE 'a'", "'\\u0041'", "x.1", "x.", "* ",
        "x AND", "NOT", "if(x, 1)", "date_trunc(s, day)", "date_trunc('eon', day)",
        "date_format(day, 'yyyyy')", "date_format(day, 'MMM')", "date_format(day, '%')",
        "date_format(day, s)", "substring(s, -1, 2)", "substring(s, 0, 2)", "substring(s, x)",
        "substring(s)", "current_date()", "\xff", "x = \xc3\xa9"};
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    for (size_t index = 0; index < VV_COUNT(expressions); index++) {
        struct vv_str sql = VV_STR("untouched");
        if (!CHECK_FAILS(&op, translate(&op, expressions[index], &sql), VARVE_EUNSUPPORTED))
            printf("# %s -> %.*s\n", expressions[index], VV_ARG(sql));
        CHECK_STR(sql, "untouched");
    }
}

TEST(spark_sql, a_refusal_names_what_it_is_about)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_str sql;
    CHECK_INT(translate(&op, "x > 1 AND read_text('/etc/passwd') = 'a'", &sql),
        VARVE_EUNSUPPORTED);
    CHECK(strstr(op.error.message, "read_text") != NULL);
    vv_forgive(&op);
    CHECK_INT(translate(&op, "x > missing", &sql), VARVE_EINVALID);
    CHECK(strstr(op.error.message, "missing") != NULL);
    vv_forgive(&op);
}

TEST(spark_sql, the_time_is_what_the_caller_says)
{
    static const struct {
        const char *expression;
        const char *value; /* NULL: nothing that depends on the time */
    } cases[] = {{"current_timestamp()", "2025-01-30 10:00:00+00"},
        {"NOW()", "2025-01-30 10:00:00+00"}, {"current_timestamp", "2025-01-30 10:00:00+00"},
        {"current_date()", "2025-01-30"}, {"localtimestamp()", "2025-01-30 10:00:00"},
        {"concat('now()', 'a')", NULL}};
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        struct vv_spark_clock clock = {.us = VV_STR("1738231200000000")};
        const struct vv_spark_columns no_columns = {.clock = &clock};
        struct vv_str sql = VV_STR_NONE;
        REQUIRE_OK(&fixture.op,
            vv_spark_sql_translate(&fixture.op, vv_str_of(cases[index].expression), &no_columns,
                &fixture.op.arena, &sql));
        CHECK_INT(clock.is_asked, cases[index].value != NULL);
        VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
        vv_buf_addf(&query, "SELECT (%.*s)::VARCHAR", VV_ARG(sql));
        CHECK_STR(text(&fixture, vv_buf_str(&query).ptr),
            cases[index].value != NULL ? cases[index].value : "now()a");
    }
    struct vv_spark_clock clock = {.us = VV_STR("0")};
    const struct vv_spark_columns no_columns = {.clock = &clock};
    struct vv_str sql;
    CHECK_INT(vv_spark_sql_translate(&fixture.op, VV_STR("uuid()"), &no_columns,
                  &fixture.op.arena, &sql),
        VARVE_EUNSUPPORTED);
    CHECK(strstr(fixture.op.error.message, "uuid") != NULL);
    vv_forgive(&fixture.op);
}

TEST(spark_sql, names_and_strings_cannot_break_out)
{
    static const struct vv_str hostile[] = {{"a\"; DROP TABLE row; --", 22}};
    const struct vv_spark_columns hostile_columns = {.names = hostile, .len = 1};
    FIXTURE(fixture);
    struct vv_str sql = VV_STR_NONE;
    REQUIRE_OK(&fixture.op,
        vv_spark_sql_translate(&fixture.op, VV_STR("`a\"; DROP TABLE row; --` = 1"),
            &hostile_columns, &fixture.op.arena, &sql));
    CHECK(strstr(sql.ptr, "\"a\"\"; DROP TABLE row; --\"") != NULL);
    REQUIRE(row_make(&fixture));
    CHECK_STR(value_of(&fixture, "\"'); DROP TABLE row; --\""), "'); DROP TABLE row; --");
    CHECK_INT(number(&fixture, "SELECT count(*) FROM \"row\""), 1);
}

/* Depth, chains and length end in an answer that DuckDB can read, or in a refusal. */
TEST(spark_sql, size_is_limited)
{
    static const struct {
        const char *before, *repeated, *after;
        uint32_t good, bad;
    } cases[] = {
        {"", "(", "x", 0, 100},
        {"x = 7", " OR x = 1", "", 2000, 100000},
        {"x", " + 1", " > 0", 500, 501},
        {"x", " * 1", " > 0", 500, 501},
        {"", "NOT ", "b", 40, 1000},
        {"", "- ", "x", 40, 1000},
        {"x", " IS NULL", "", 100, 1000},
        {"", "abs(", "x", 0, 1000},
        {"st", ".f", "", 1, 100000},
    };
    FIXTURE(fixture);
    REQUIRE(row_make(&fixture));
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        for (int is_bad = 0; is_bad < 2; is_bad++) {
            VV_CLEANUP(vv_buf_done) struct vv_buf expression = VV_BUF_INIT(1 << 24);
            uint32_t times = is_bad ? cases[index].bad : cases[index].good;
            vv_buf_adds(&expression, cases[index].before);
            for (uint32_t turn = 0; turn < times; turn++)
                vv_buf_adds(&expression, cases[index].repeated);
            vv_buf_adds(&expression, cases[index].after);
            struct vv_str sql;
            if (!is_bad)
                CHECK(value_of(&fixture, vv_buf_str(&expression).ptr).ptr != NULL);
            else if (!CHECK_FAILS(&fixture.op,
                         translate(&fixture.op, vv_buf_str(&expression).ptr, &sql),
                         VARVE_EUNSUPPORTED))
                printf("# %s\n", cases[index].repeated);
        }
    }
}
