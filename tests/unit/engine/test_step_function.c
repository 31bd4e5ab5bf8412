#include "engine/engine.h"

#include "fixture.h"

/* Where what is in force is another than by counting. */
static int64_t differences(struct fixture *fixture, const char *instants, const char *times)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(4096);
    vv_buf_addf(&sql,
        "WITH times AS MATERIALIZED (SELECT make_timestamptz(t) AS t FROM (%s)) "
        "SELECT count(*) FROM (SELECT v, varve_step(v, (SELECT list(t ORDER BY t) FROM times)) "
        "AS s FROM (SELECT make_timestamptz(v) AS v FROM (%s))) AS x WHERE s IS DISTINCT FROM "
        "(SELECT nullif(count(*), 0) FROM times WHERE t <= x.v)",
        times, instants);
    return number(fixture, vv_arena_str(&fixture->op.arena, vv_buf_str(&sql)).ptr);
}

TEST(step_function, finds_the_last_time_that_is_not_after_the_instant)
{
    FIXTURE(fixture);
    CHECK_INT(differences(&fixture, "SELECT i - 7 AS v FROM range(5000) AS r(i)",
                  "SELECT i * 9 AS t FROM range(500) AS r(i)"),
        0);
    CHECK_INT(differences(&fixture,
                  "SELECT CAST(hash(i) % 6000 AS BIGINT) - 500 AS v FROM range(9000) AS r(i)",
                  "SELECT CAST(hash(i) % 5000 AS BIGINT) AS t FROM range(700) AS r(i)"),
        0);
    CHECK_INT(differences(&fixture, "SELECT i // 3 AS v FROM range(60) AS r(i)",
                  "SELECT i // 5 + 4 AS t FROM range(40) AS r(i)"),
        0);
    CHECK_INT(differences(&fixture, "SELECT i - 2 AS v FROM range(5) AS r(i)", "SELECT 0 AS t"),
        0);
}

TEST(step_function, goes_by_the_list_of_each_row)
{
    FIXTURE(fixture);
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (SELECT i, varve_step(make_timestamptz(i), "
                  "list_transform(range(i % 4), lambda x: make_timestamptz(x * 10))) AS s "
                  "FROM range(4000) AS r(i)) WHERE s IS DISTINCT FROM "
                  "nullif(least(i % 4, i // 10 + 1), 0)"),
        0);
}

TEST(step_function, knows_the_ends_of_time)
{
    FIXTURE(fixture);
    CHECK_INT(number(&fixture, "SELECT count(*) FROM (SELECT ['-infinity', '2025-01-01', "
                               "'infinity']::TIMESTAMPTZ[] "
                               "AS l) WHERE varve_step('-infinity'::TIMESTAMPTZ, l) = 1 AND "
                               "varve_step('2025-01-02'::TIMESTAMPTZ, l) = 2 AND "
                               "varve_step('infinity'::TIMESTAMPTZ, l) = 3"),
        1);
}

TEST(step_function, knows_no_place_of_null_and_none_among_no_times)
{
    FIXTURE(fixture);
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (SELECT unnest([NULL, '2025-01-01'])::TIMESTAMPTZ AS "
                  "v) "
                  "WHERE varve_step(v, []) IS NULL AND varve_step(v, NULL) IS NULL AND "
                  "(v IS NOT NULL OR varve_step(v, ['2025-01-01'::TIMESTAMPTZ]) IS NULL)"),
        2);
}
