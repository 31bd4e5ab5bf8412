#include "engine/engine.h"

#include "fixture.h"

/* Rows of either answer that the other lacks, of `rows` (s, ts, pnl) and `before` (s, pnl). */
static int64_t differences(struct fixture *fixture, const char *rows, const char *before)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(8192);
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE perf AS %s; CREATE OR REPLACE TEMP TABLE older AS %s; "
        "CREATE OR REPLACE TEMP TABLE ours AS SELECT s, m.ts AS ts, m.change AS change, "
        "m.drawdown AS drawdown FROM (SELECT s, unnest(varve_moves(list({'ts': ts, 'pnl': "
        "pnl}) "
        "FILTER (inside), max(pnl) FILTER (NOT inside))) AS m FROM (SELECT s, ts, pnl, true AS "
        "inside FROM perf UNION ALL SELECT s, NULL, pnl, false FROM older) GROUP BY s); "
        "CREATE OR REPLACE TEMP TABLE theirs AS SELECT s, ts, change, drawdown FROM (SELECT *, "
        "pnl - lag(pnl) OVER w AS change, pnl - max(CASE WHEN inside THEN pnl END) OVER w AS "
        "drawdown FROM (SELECT s, ts, pnl, true AS inside FROM perf UNION ALL SELECT s, "
        "make_timestamptz(-1), pnl, false FROM older) WINDOW w AS (PARTITION BY s ORDER BY ts, "
        "pnl ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) WHERE inside",
        rows, before);
    if (!run(fixture, vv_arena_str(&fixture->op.arena, vv_buf_str(&sql)).ptr))
        return -1;
    return number(fixture, "SELECT count(*) FROM ((FROM ours EXCEPT ALL FROM theirs) UNION ALL "
                           "(FROM theirs EXCEPT ALL FROM ours))");
}

#define ROWS "make_timestamptz(CAST(t AS BIGINT)) AS ts, CAST(p AS DOUBLE) / 7 AS pnl "
#define NOTHING "SELECT 'a' AS s, 1.0::DOUBLE AS pnl WHERE false"

TEST(moves_function, says_what_windows_say)
{
    FIXTURE(fixture);
    CHECK_INT(differences(&fixture,
                  "SELECT s, " ROWS "FROM (SELECT 'a' AS s, i AS t, hash(i) % 1000 AS p FROM "
                  "range(5000) AS r(i))",
                  NOTHING),
        0);
    CHECK_INT(differences(&fixture,
                  "SELECT s, " ROWS "FROM (SELECT hash(i) % 17 AS s, hash(i + 7) % 900 AS t, "
                  "hash(i + 3) % 50 AS p FROM range(40000) AS r(i))",
                  "SELECT i AS s, CAST(i AS DOUBLE) AS pnl FROM range(3, 25) AS r(i)"),
        0);
    CHECK_INT(differences(&fixture,
                  "SELECT s, " ROWS "FROM (SELECT nullif(i % 3, 1) AS s, 5000 - i AS t, i AS p "
                  "FROM range(5000) AS r(i))",
                  "SELECT NULL::BIGINT AS s, -4.0::DOUBLE AS pnl"),
        0);
    CHECK_INT(number(&fixture, "SELECT count(*) FROM ours WHERE change IS NULL"), 2);
    CHECK_INT(differences(&fixture,
                  "SELECT i AS s, make_timestamptz(i) AS ts, CAST(i AS DOUBLE) AS pnl FROM "
                  "range(3000) AS r(i)",
                  "SELECT i AS s, CAST(7 AS DOUBLE) AS pnl FROM range(1000, 5000) AS r(i)"),
        0);
}

TEST(moves_function, gives_nothing_for_no_rows)
{
    FIXTURE(fixture);
    CHECK_INT(differences(&fixture,
                  "SELECT 'a' AS s, make_timestamptz(0) AS ts, 1.0::DOUBLE AS pnl WHERE false",
                  "SELECT 'a' AS s, 1.0::DOUBLE AS pnl"),
        0);
    CHECK_INT(number(&fixture,
                  "SELECT len(varve_moves([], 1.0)) + len(varve_moves(NULL, NULL))"),
        0);
}
