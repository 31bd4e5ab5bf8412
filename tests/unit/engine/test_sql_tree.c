/* What a user's statement is and reads, and its text with other tables in it. */
#include "engine/sql_tree.h"

#include "fixture.h"

static bool read_sql(struct fixture *fixture, const char *sql, struct vv_sql_statement *out)
{
    return CHECK_OK(&fixture->op,
        vv_sql_read(&fixture->op, fixture->session, vv_str_of(sql), out));
}

TEST(sql_tree, kinds)
{
    static const struct {
        const char *sql;
        enum vv_statement_kind kind;
    } cases[] = {
        {"SELECT 1", VV_STATEMENT_SELECT},
        {"FROM t", VV_STATEMENT_SELECT},
        {"VALUES (1)", VV_STATEMENT_SELECT},
        {"DESCRIBE t", VV_STATEMENT_SELECT},
        {"WITH a AS (SELECT 1) FROM a", VV_STATEMENT_SELECT},
        {"SELECT nofun(x) FROM nowhere", VV_STATEMENT_SELECT},
        {"SELECT * FROM t AT (VERSION => 3)", VV_STATEMENT_SELECT},
        {"EXPLAIN SELECT 1", VV_STATEMENT_EXPLAIN},
        {"explain analyze select 1", VV_STATEMENT_EXPLAIN},
        {"/* a /* b */ */ EXPLAIN -- c\n SELECT 1", VV_STATEMENT_EXPLAIN},
        {"EXPLAIN (FORMAT json) SELECT 1", VV_STATEMENT_EXPLAIN},
        {"EXPLAIN (SELECT 1)", VV_STATEMENT_EXPLAIN},
    };
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_sql_statement statement = {0};
        if (!read_sql(&fixture, cases[i].sql, &statement) ||
            !CHECK_INT(statement.kind, cases[i].kind))
            printf("# %s\n", cases[i].sql);
    }
}

TEST(sql_tree, what_may_not_run_is_usage)
{
    static const char *const cases[] = {
        "",
        "-- nothing",
        "SELEC 1",
        "SELECT 'a",
        "EXPLAIN",
        "SELECT 1; SELECT 2",
        "EXPLAIN ANALYZE DELETE FROM t",
        "EXPLAIN ANALYZE WITH x AS (SELECT 1) INSERT INTO t FROM x",
        "WITH x AS (SELECT 1) INSERT INTO t FROM x",
        "INSERT INTO t VALUES (1)",
        "COPY (SELECT 1) TO 'x'",
        "ATTACH 'x'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "SET threads = 1",
        "CREATE TABLE explain AS SELECT 1",
        "SHOW TABLES",
        "FROM read_csv('/etc/passwd')",
        "SELECT (SELECT count(*) FROM read_text('/etc/passwd'))",
        "WITH a AS (FROM glob('/*')) FROM a",
        "FROM t JOIN LATERAL (FROM read_blob(t.path)) ON true",
        "FROM READ_PARQUET('x')",
        "FROM parquet_metadata('x')",
        "FROM query('SELECT 1')",
        "FROM query_table('t')",
        "FROM duckdb_settings()",
        "FROM duckdb_secrets()",
        "SELECT '\xFF'",
    };
    FIXTURE(fixture);
    struct vv_sql_statement with_nul;
    CHECK_FAILS(&fixture.op,
        vv_sql_read(&fixture.op, fixture.session,
            (struct vv_str){"SELECT 1\0; DROP TABLE t", 23}, &with_nul),
        VARVE_EUSAGE);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_sql_statement statement;
        if (!CHECK_FAILS(&fixture.op,
                vv_sql_read(&fixture.op, fixture.session, vv_str_of(cases[i]), &statement),
                VARVE_EUSAGE))
            printf("# %s\n", cases[i]);
    }
}

static struct vv_str names_of(struct fixture *fixture, const char *sql)
{
    struct vv_sql_statement statement = {0};
    struct vv_str joined = VV_STR("");
    if (!read_sql(fixture, sql, &statement))
        return VV_STR_NONE;
    for (size_t i = 0; i < statement.tables_len; i++)
        joined = vv_arena_format(&fixture->op.arena, "%.*s[%.*s%s%.*s%s]", VV_ARG(joined),
            VV_ARG(statement.tables[i].schema), statement.tables[i].schema.len > 0 ? "." : "",
            VV_ARG(statement.tables[i].name), statement.tables[i].at != NULL ? "@" : "");
    return joined;
}

TEST(sql_tree, tables)
{
    static const struct {
        const char *sql;
        const char *names;
    } cases[] = {
        {"SELECT 1", ""},
        {"SELECT * FROM a JOIN \"b c\" USING (x) WHERE y IN (SELECT z FROM d)", "[a][b c][d]"},
        {"SELECT * FROM s.t", "[s.t]"},
        {"FROM a, A, a AS b", "[a][A][a]"},
        {"SELECT * FROM a AT (VERSION => 3), a", "[a@][a]"},
        {"WITH a AS (FROM b) FROM a, c", "[b][c]"},
        /* a definition reads the table that its name hides */
        {"WITH a AS (FROM a) FROM a", "[a]"},
        {"WITH a AS (FROM b), b AS (FROM a) FROM b", "[b]"},
        {"WITH a AS (SELECT 1) FROM main.a", "[main.a]"},
        {"WITH A AS (SELECT 1) FROM a", ""},
        {"WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r, g) FROM r", "[g]"},
        {"SELECT (WITH q AS (FROM a) SELECT 1 FROM q) UNION SELECT * FROM q", "[a][q]"},
        {"FROM (WITH z AS (FROM zz) FROM z), z", "[zz][z]"},
        {"FROM range(3), t", "[t]"},
        {"FROM 'file.parquet'", "[file.parquet]"},
        {"SELECT list_transform([1], x -> x + 1), '[from t]' FROM \"from\"", "[from]"},
        {"DESCRIBE m", "[m]"},
        {"EXPLAIN ANALYZE SELECT 1 FROM k", "[k]"},
        {"FROM table_changes('t', 1, $x) c JOIN u USING (k), Table_Files('v')",
            "[table_changes][u][table_files]"},
        {"FROM t ASOF JOIN u USING (x) LEFT JOIN LATERAL (FROM v) ON true", "[t][u][v]"},
    };
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        if (!CHECK_STR(names_of(&fixture, cases[i].sql), cases[i].names))
            printf("# %s\n", cases[i].sql);
}

TEST(sql_tree, parameters_are_named_once)
{
    FIXTURE(fixture);
    struct vv_sql_statement statement = {0};
    REQUIRE(read_sql(&fixture, "SELECT $a, $B, $b FROM t AT (VERSION => $v)", &statement));
    CHECK_INT(statement.params_len, 3);
}

/* Every table with an AT becomes "view", and what is left of the text is as it was. */
static struct vv_str replaced(struct fixture *fixture, const char *sql)
{
    struct vv_sql_statement statement = {0};
    struct vv_str views[8] = {{0}};
    struct vv_str out = VV_STR_NONE;
    if (!read_sql(fixture, sql, &statement) || statement.tables_len > VV_COUNT(views))
        return out;
    for (size_t i = 0; i < statement.tables_len; i++)
        if (statement.tables[i].at != NULL || statement.tables[i].arguments != NULL)
            views[i] = VV_STR("v@1");
    CHECK_OK(&fixture->op,
        vv_sql_replace_tables(&fixture->op, fixture->session, &statement, views, &out));
    return out;
}

TEST(sql_tree, replaces_tables_where_they_stand)
{
    static const struct {
        const char *sql;
        const char *expected;
    } cases[] = {
        {"SELECT x FROM t", "SELECT x FROM t"},
        {"SELECT x FROM t AT (VERSION => 3)", "SELECT x FROM temp.main.\"v@1\" AS \"t\""},
        {"SELECT a.x FROM t AS a AT (VERSION => 3) WHERE a.x = 't'",
            "SELECT a.x FROM temp.main.\"v@1\" AS a WHERE a.x = 't'"},
        {"FROM t JOIN \"t\" AT (TIMESTAMP => now() - (INTERVAL 1 DAY)) AS b ON true", NULL},
        {"WITH c AS (FROM t AT (VERSION => 1)) FROM c, (SELECT * FROM t AT (VERSION => 2)) d",
            "WITH c AS (FROM temp.main.\"v@1\" AS \"t\") FROM c, (SELECT * FROM "
            "temp.main.\"v@1\" AS \"t\") d"},
        {"SELECT x,? FROM t AT (VERSION => ?) WHERE y=?LIMIT?",
            "SELECT x, $varve_parameter_1  FROM temp.main.\"v@1\" AS \"t\" WHERE y= "
            "$varve_parameter_3 LIMIT $varve_parameter_4 "},
        {"SELECT x FROM t AT (VERSION => $1) WHERE y=$2",
            "SELECT x FROM temp.main.\"v@1\" AS \"t\" WHERE y= $varve_parameter_2"},
        {"FROM table_history('t', f(')')) AS h, t JOIN Table_Files ('u') USING (k)",
            "FROM temp.main.\"v@1\" AS h, t JOIN temp.main.\"v@1\" AS \"table_files\" USING "
            "(k)"},
        {"FROM table_history('t') AS h(a, b) WHERE a > $a",
            "FROM temp.main.\"v@1\" AS h(a, b) WHERE a > $a"},
        {"EXPLAIN SELECT 't AT (VERSION => 1)' FROM t /* t */ AT (VERSION => 1)", NULL},
    };
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_sql_statement after = {0};
        if (cases[i].expected != NULL) {
            if (!CHECK_STR(replaced(&fixture, cases[i].sql), cases[i].expected))
                printf("# %s\n", cases[i].sql);
            continue;
        }
        struct vv_sql_statement before = {0};
        if (vv_sql_read(&fixture.op, fixture.session, vv_str_of(cases[i].sql), &before) !=
            VARVE_OK) {
            vv_forgive(&fixture.op); /* DuckDB wants the alias first */
            continue;
        }
        struct vv_str sql = replaced(&fixture, cases[i].sql);
        if (!CHECK(sql.ptr != NULL))
            printf("# %s\n", cases[i].sql);
        CHECK_OK(&fixture.op, vv_sql_read(&fixture.op, fixture.session, sql, &after));
        for (size_t t = 0; t < after.tables_len; t++)
            CHECK(after.tables[t].at == NULL);
    }
}

TEST(sql_tree, conditions_are_one_condition_over_columns)
{
    static const char *const good[] = {"a = 1", "a = 1 -- end", "a IN (1, 2) AND (b OR c)",
        "list_contains([1], x)", "'x) ORDER BY (' = y"};
    static const char *const bad[] = {"", "1) ORDER BY (2", "a = (SELECT max(x) FROM t)",
        "EXISTS (FROM read_text('/etc/passwd'))", "a = $1", "1) UNION (SELECT 1", "a = 1; b",
        "a) LIMIT (1"};
    FIXTURE(fixture);
    struct vv_sql_statement statement;
    for (size_t i = 0; i < VV_COUNT(good); i++)
        CHECK_OK(&fixture.op, vv_sql_read_condition(&fixture.op, fixture.session, "--where",
                                  vv_str_of(good[i]), &statement));
    for (size_t i = 0; i < VV_COUNT(bad); i++)
        if (!CHECK_FAILS(&fixture.op,
                vv_sql_read_condition(&fixture.op, fixture.session, "--where",
                    vv_str_of(bad[i]), &statement),
                VARVE_EUSAGE))
            printf("# %s\n", bad[i]);
    static const char *const rows[] = {"row(1, 'a')", "(1, (2))"};
    for (size_t i = 0; i < VV_COUNT(rows); i++) {
        REQUIRE(vv_sql_read_condition(&fixture.op, fixture.session, "the value",
                    vv_str_of(rows[i]), &statement) == VARVE_EUSAGE);
        CHECK(strstr(fixture.op.error.message, "a row, whose values have no names") != NULL);
        vv_forgive(&fixture.op);
    }
}

static struct vv_str with_nulls(struct fixture *fixture, const char *sql)
{
    struct vv_str out = VV_STR_NONE;
    CHECK_OK(&fixture->op,
        vv_sql_keep_nulls(&fixture->op, fixture->session, vv_str_of(sql), &out));
    return out;
}

#define KEPT(x) "(CASE WHEN " x " IS NULL THEN NULL ELSE " x " END)"

TEST(sql_tree, columns_that_are_compared_with_nulls_beside_or)
{
    static const struct {
        const char *sql;
        const char *expected; /* NULL: it stays */
    } cases[] = {
        {"SELECT k FROM t WHERE x IS DISTINCT FROM 5 OR x = 7",
            "SELECT k FROM t WHERE " KEPT("x") " IS DISTINCT FROM 5 OR x = 7"},
        {"EXPLAIN SELECT k FROM t WHERE y OR (7 is not distinct from t /* u */ . \"x\")",
            "EXPLAIN SELECT k FROM t WHERE y OR (7 is not distinct from " KEPT("t /* u */ . "
                                                                               "\"x\"") ")"},
        {"SELECT k FROM t WHERE NOT (x + 0 IS NOT DISTINCT FROM $1) OR x = ?",
            "SELECT k FROM t WHERE NOT (" KEPT("x") " + 0 IS NOT DISTINCT FROM $1) OR x = ?"},
        {"SELECT k, (SELECT 1, 2 FROM t WHERE x IS DISTINCT FROM 5 OR y)",
            "SELECT k, \"(SELECT 1, 2 FROM t WHERE ((x IS DISTINCT FROM 5) OR y))\": (SELECT "
            "1, 2 "
            "FROM t WHERE " KEPT("x") " IS DISTINCT FROM 5 OR y)"},
        {"SELECT k FROM (SELECT k, x IS DISTINCT FROM 5 AS d, x FROM t) WHERE d OR x = 7",
            "SELECT k FROM (SELECT k, " KEPT("x") " IS DISTINCT FROM 5 AS d, x FROM t) WHERE d "
                                                  "OR x = 7"},
        /* holds together with the rest: of a join this is how it is found */
        {"SELECT 1 FROM a JOIN b ON a.x IS NOT DISTINCT FROM b.x AND (a.y OR b.y)", NULL},
        {"SELECT k FROM t WHERE x IS DISTINCT FROM 5 AND (x = 6 OR x = 7)", NULL},
        /* keeps the name that it gives the column */
        {"FROM (SELECT DISTINCT ON (y, z) f(1, 2), x IS DISTINCT FROM $p, 3 FROM t WHERE x = 5 "
         "OR y)",
            "FROM (SELECT DISTINCT ON (y, z) f(1, 2), \"(x IS DISTINCT FROM $p)\": " KEPT(
                "x") " IS "
                     "DISTINCT FROM $p, 3 FROM t WHERE x = 5 OR y)"},
        {"EXPLAIN FROM t SELECT ALL /* , */ NOT [(x IS DISTINCT FROM 5 OR t.select)] ORDER BY "
         "y + 1",
            "EXPLAIN FROM t SELECT ALL /* , */ \"(NOT main.list_value(((x IS DISTINCT FROM 5) "
            "OR "
            "t.\"\"select\"\")))\": NOT [(" KEPT("x") " IS DISTINCT FROM 5 OR t.select)] ORDER "
                                                      "BY y + 1"},
        /* is the same in several places */
        {"SELECT x IS DISTINCT FROM 5 AS d FROM t WHERE y OR z GROUP BY x IS DISTINCT FROM 5 "
         "HAVING x IS DISTINCT FROM 5 ORDER BY x IS DISTINCT FROM 5",
            "SELECT " KEPT("x") " IS DISTINCT FROM 5 AS d FROM t WHERE y OR z GROUP BY " KEPT(
                "x") " IS DISTINCT FROM 5 HAVING " KEPT("x") " IS DISTINCT FROM 5 ORDER "
                                                             "BY " KEPT("x") " IS DISTINCT "
                                                                             "FROM 5"},
        {"SELECT t.x % 2 IS DISTINCT FROM 1 AS d FROM t WHERE x % 2 = 1 OR y GROUP BY X % 2, x "
         "% 3",
            "SELECT " KEPT("t.x") " % 2 IS DISTINCT FROM 1 AS d FROM t WHERE x % 2 = 1 OR y "
                                  "GROUP BY " KEPT("X") " % 2, x % 3"},
        {"SELECT x IS DISTINCT FROM 5 AS d FROM t UNION SELECT y OR z ORDER BY x IS DISTINCT "
         "FROM 5",
            "SELECT " KEPT("x") " IS DISTINCT FROM 5 AS d FROM t UNION SELECT y OR z ORDER "
                                "BY " KEPT("x") " IS DISTINCT FROM 5"},
        /* no filter comes down to it; no filter is made of it */
        {"SELECT COLUMNS('x') + 1, COLUMNS('x') + 1 IS DISTINCT FROM 5 OR y FROM t", NULL},
        {"SELECT x IS DISTINCT FROM DATE '2025-01-01', k FROM t WHERE y OR z ORDER BY k LIMIT "
         "1",
            NULL},
        {"SELECT list_transform(l, lambda v: v IS DISTINCT FROM 5 OR v = 7) FROM t", NULL},
        {"SELECT k FROM t WHERE x IS DISTINCT FROM 5", NULL},
        {"SELECT 'x IS DISTINCT FROM 5 OR' FROM t", NULL},
    };
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        if (!CHECK_STR(with_nulls(&fixture, cases[i].sql),
                cases[i].expected != NULL ? cases[i].expected : cases[i].sql))
            printf("# %s\n", cases[i].sql);
}

TEST(sql_tree, columns_without_a_name_are_compared_with_no_null_beside_or)
{
    static const char *const refused[] = {
        "SELECT k FROM t WHERE COLUMNS('x') IS DISTINCT FROM 5 OR y",
        "SELECT 1 FROM (SELECT COLUMNS('x') IS DISTINCT FROM 5 OR y FROM t)",
        "WITH q AS (SELECT COLUMNS('x') IS DISTINCT FROM 5 OR y FROM t) FROM q UNION FROM q",
    };
    FIXTURE(fixture);
    struct vv_str unused;
    for (size_t i = 0; i < VV_COUNT(refused); i++)
        if (!CHECK_FAILS(&fixture.op,
                vv_sql_keep_nulls(&fixture.op, fixture.session, vv_str_of(refused[i]), &unused),
                VARVE_EUSAGE))
            printf("# %s\n", refused[i]);
}

TEST(sql_tree, deep_and_wide_statements_end)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 24);
    vv_buf_adds(&sql, "SELECT * FROM t WHERE i IN (");
    for (int i = 0; i < 20000; i++)
        vv_buf_addf(&sql, "%d, ", i);
    vv_buf_adds(&sql, "0)");
    CHECK_STR(names_of(&fixture, vv_buf_str(&sql).ptr), "[t]");
    vv_buf_clear(&sql);
    vv_buf_adds(&sql, "SELECT ");
    for (int i = 0; i < 5000; i++)
        vv_buf_adds(&sql, "(1 + ");
    vv_buf_adds(&sql, "1");
    for (int i = 0; i < 5000; i++)
        vv_buf_adds(&sql, ")");
    struct vv_sql_statement statement;
    CHECK_FAILS(&fixture.op,
        vv_sql_read(&fixture.op, fixture.session, vv_buf_str(&sql), &statement), VARVE_EUSAGE);
}

static void check_place(struct fixture *fixture, const char *sql, const char *expected)
{
    struct vv_sql_statement statement = {0};
    struct vv_op *op = &fixture->op;
    if (!read_sql(fixture, sql, &statement) || !CHECK(statement.tables_len > 0))
        return;
    vv_fail(op, VARVE_EUSAGE, "something is wrong with this table");
    vv_sql_point(op, &statement, statement.tables[0].node);
    CHECK_STR(op->error.detail, expected);
    vv_sql_point(op, &statement, statement.tables[0].node); /* once is enough */
    CHECK_STR(op->error.detail, expected);
    vv_forgive(op);
    vv_fail(op, VARVE_EINTERRUPTED, "interrupted"); /* not for what stands there */
    vv_sql_point(op, &statement, statement.tables[0].node);
    CHECK_STR(op->error.detail, "");
    vv_forgive(op);
}

TEST(sql_tree, points_at_a_place)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 20);
    VV_CLEANUP(vv_buf_done) struct vv_buf expected = VV_BUF_INIT(1 << 20);
    check_place(&fixture, "FROM t", "LINE 1: FROM t\n             ^");
    check_place(&fixture, "EXPLAIN\n\tSELECT '\xC3\xA9'\tFROM t\nWHERE x",
        "LINE 2:  SELECT '\xC3\xA9' FROM t\n                         ^");
    /* A long line: some of what is in front, in whole characters, and not all that is behind. */
    vv_buf_adds(&sql, "SELECT '");
    vv_buf_adds(&expected, "LINE 1: ...");
    for (int i = 0; i < 100; i++) {
        vv_buf_adds(&sql, "\xC3\xA9");
        vv_buf_adds(&expected, i < 26 ? "\xC3\xA9" : "");
    }
    vv_buf_adds(&sql, "' FROM t AT (VERSION => 1)");
    for (int i = 0; i < 100; i++)
        vv_buf_adds(&sql, ", u");
    /* 100 bytes in all, 59 of them in front of the place. */
    vv_buf_adds(&expected, "' FROM t AT (VERSION => 1), u, u, u, u, u, u, u,\n");
    vv_buf_addf(&expected, "%*s^", 8 + 3 + 26 + 7, "");
    check_place(&fixture, vv_buf_str(&sql).ptr, vv_buf_str(&expected).ptr);
}
