#include "fixture.h"

TEST(statement, kinds)
{
    static const struct {
        const char *sql;
        enum vv_statement_kind kind;
        size_t statements;
    } cases[] = {
        {"SELECT 1", VV_STATEMENT_SELECT, 1},
        {"FROM t", VV_STATEMENT_SELECT, 1},
        {"VALUES (1)", VV_STATEMENT_SELECT, 1},
        {"DESCRIBE t", VV_STATEMENT_SELECT, 1},
        {"SHOW TABLES", VV_STATEMENT_SELECT, 1},
        {"WITH a AS (SELECT 1) FROM a", VV_STATEMENT_SELECT, 1},
        {"SELECT nofun(x) FROM nowhere", VV_STATEMENT_SELECT, 1},
        {"SELECT * FROM t AT (VERSION => 3)", VV_STATEMENT_SELECT, 1},
        {"SELECT ';' ; -- end", VV_STATEMENT_SELECT, 1},
        {"SELECT 1; SELECT 2", VV_STATEMENT_SELECT, 2},
        {"SELECT 1; DROP TABLE t", VV_STATEMENT_OTHER, 2},
        {"EXPLAIN SELECT 1", VV_STATEMENT_EXPLAIN, 1},
        {"explain analyze select 1", VV_STATEMENT_EXPLAIN, 1},
        {"/* a /* b */ */ EXPLAIN -- c\n SELECT 1", VV_STATEMENT_EXPLAIN, 1},
        {"EXPLAIN (FORMAT json) SELECT 1", VV_STATEMENT_EXPLAIN, 1},
        {"EXPLAIN (SELECT 1)", VV_STATEMENT_EXPLAIN, 1},
        {"EXPLAIN ANALYZE DELETE FROM t", VV_STATEMENT_OTHER, 1},
        {"EXPLAIN ANALYZE WITH x AS (SELECT 1) INSERT INTO t FROM x", VV_STATEMENT_OTHER, 1},
        {"WITH x AS (SELECT 1) INSERT INTO t FROM x", VV_STATEMENT_OTHER, 1},
        {"INSERT INTO t VALUES (1)", VV_STATEMENT_OTHER, 1},
        {"COPY (SELECT 1) TO 'x'", VV_STATEMENT_OTHER, 1},
        {"ATTACH 'x'", VV_STATEMENT_OTHER, 1},
        {"SET threads = 1", VV_STATEMENT_OTHER, 1},
        {"CREATE TABLE explain AS SELECT 1", VV_STATEMENT_OTHER, 1},
    };
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        enum vv_statement_kind kind = VV_STATEMENT_OTHER;
        size_t statements = 0;
        bool ok = CHECK_OK(&fixture.op, vv_session_parse(&fixture.op, fixture.session,
                                            vv_str_of(cases[index].sql), &kind, &statements));
        ok = CHECK_INT(kind, cases[index].kind) && ok;
        ok = CHECK_INT(statements, cases[index].statements) && ok;
        if (!ok)
            printf("# %s\n", cases[index].sql);
    }
}

TEST(statement, what_is_no_sql_is_usage)
{
    static const struct vv_str cases[] = {
        {"", 0},
        {" ", 1},
        {"-- nothing", 10},
        {"SELEC 1", 7},
        {"SELECT 'a", 9},
        {"SELECT 1 FROM (", 15},
        {"SELECT 1\0; DROP TABLE t", 23},
        {"EXPLAIN", 7},
    };
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++) {
        enum vv_statement_kind kind;
        size_t len;
        struct vv_str *names;
        CHECK_FAILS(&fixture.op,
            vv_session_parse(&fixture.op, fixture.session, cases[index], &kind, &len),
            VARVE_EUSAGE);
        CHECK_FAILS(&fixture.op,
            vv_session_table_names(&fixture.op, fixture.session, cases[index],
                &fixture.op.arena, &names, &len),
            VARVE_EUSAGE);
    }
}

static struct vv_str names_of(struct fixture *fixture, const char *sql)
{
    struct vv_str *names = NULL;
    size_t len = 0;
    if (!CHECK_OK(&fixture->op, vv_session_table_names(&fixture->op, fixture->session,
                                    vv_str_of(sql), &fixture->op.arena, &names, &len)))
        return VV_STR_NONE;
    struct vv_str joined = VV_STR("");
    for (size_t index = 0; index < len; index++)
        joined = vv_arena_format(&fixture->op.arena, "%.*s[%.*s]", VV_ARG(joined),
            VV_ARG(names[index]));
    return joined;
}

TEST(statement, table_names)
{
    static const struct {
        const char *sql;
        const char *names;
    } cases[] = {
        {"SELECT 1", ""},
        {"SELECT * FROM a JOIN \"b c\" USING (x) WHERE y IN (SELECT z FROM d)", "[a][b c][d]"},
        {"SELECT * FROM s.t", "[s.t]"},
        {"FROM a, A, a AS b", "[a]"},
        {"SELECT * FROM a AT (VERSION => 3)", "[a]"},
        {"WITH a AS (FROM b) FROM a, c", "[b][c]"},
        /* a definition reads the table that its name hides */
        {"WITH a AS (FROM a) FROM a", "[a]"},
        {"WITH a AS (FROM b), b AS (FROM a) FROM b", "[b]"},
        {"WITH a AS (SELECT 1) FROM main.a", "[main.a]"},
        {"WITH A AS (SELECT 1) FROM a", ""},
        {"WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r, g) FROM r", "[g]"},
        {"SELECT (WITH q AS (FROM a) SELECT 1 FROM q) UNION SELECT * FROM q", "[a][q]"},
        {"FROM (WITH z AS (FROM zz) FROM z), z", "[zz][z]"},
        {"FROM read_csv('x'), t", "[t]"},
        {"FROM 'file.parquet'", "[file.parquet]"},
        {"SELECT list_transform([1], x -> x + 1), '[from t]' FROM \"from\"", "[from]"},
        {"SELECT 1 FROM a; SELECT 2 FROM b", "[a][b]"},
        {"DESCRIBE m", "[m]"},
        {"EXPLAIN ANALYZE SELECT 1 FROM k", "[k]"},
        {"FROM t ASOF JOIN u USING (x) LEFT JOIN LATERAL (FROM v) ON true", "[t][u][v]"},
    };
    FIXTURE(fixture);
    for (size_t index = 0; index < VV_COUNT(cases); index++)
        if (!CHECK_STR(names_of(&fixture, cases[index].sql), cases[index].names))
            printf("# %s\n", cases[index].sql);
}

TEST(statement, only_selects_have_table_names)
{
    FIXTURE(fixture);
    struct vv_str *names = NULL;
    size_t len = 0;
    CHECK_FAILS(&fixture.op,
        vv_session_table_names(&fixture.op, fixture.session, VV_STR("DELETE FROM t"),
            &fixture.op.arena, &names, &len),
        VARVE_EUSAGE);
}

TEST(statement, deep_and_wide_statements_end)
{
    FIXTURE(fixture);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(1 << 24);
    vv_buf_adds(&sql, "SELECT * FROM t WHERE i IN (");
    for (int index = 0; index < 20000; index++)
        vv_buf_addf(&sql, "%d, ", index);
    vv_buf_adds(&sql, "0)");
    CHECK_STR(names_of(&fixture, vv_buf_str(&sql).ptr), "[t]");
    vv_buf_clear(&sql);
    vv_buf_adds(&sql, "SELECT ");
    for (int index = 0; index < 500; index++)
        vv_buf_adds(&sql, "(1 + ");
    vv_buf_adds(&sql, "1");
    for (int index = 0; index < 500; index++)
        vv_buf_adds(&sql, ")");
    enum vv_statement_kind kind;
    size_t len;
    CHECK_FAILS(&fixture.op,
        vv_session_parse(&fixture.op, fixture.session, vv_buf_str(&sql), &kind, &len),
        VARVE_EUSAGE);
}
