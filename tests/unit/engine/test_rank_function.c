#include "engine/engine.h"

#include "fixture.h"

/* How many of some bounds are not above each value, by the function and by counting. */
static int64_t differences(struct fixture *fixture, const char *values, const char *bounds)
{
    static const char key[] =
        "create_sort_key(%s, 'ASC NULLS LAST', 0::BIGINT, 'ASC NULLS LAST')";
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(4096);
    char of_value[96];
    char of_bound[96];
    (void)snprintf(of_value, sizeof(of_value), key, "v");
    (void)snprintf(of_bound, sizeof(of_bound), key, "b");
    vv_buf_addf(&sql,
        "WITH bounds AS MATERIALIZED (%s), all_bounds AS MATERIALIZED (SELECT list(%s ORDER BY "
        "b) "
        "AS l FROM bounds) SELECT count(*) FROM (SELECT v, varve_rank(%s, l) AS r FROM (%s), "
        "all_bounds) AS x WHERE r IS DISTINCT FROM (SELECT count(*) FROM bounds WHERE b <= "
        "x.v)",
        bounds, of_bound, of_value, values);
    return number(fixture, vv_arena_str(&fixture->op.arena, vv_buf_str(&sql)).ptr);
}

TEST(rank_function, counts_the_bounds_that_are_not_above)
{
    FIXTURE(fixture);
    CHECK_INT(differences(&fixture, "SELECT i - 7 AS v FROM range(5000) AS t(i)",
                  "SELECT i * 9 AS b FROM range(500) AS t(i)"),
        0);
    CHECK_INT(differences(&fixture,
                  "SELECT CAST(i % 2 = 1 AS BOOLEAN) AS v FROM range(10) AS t(i)",
                  "SELECT unnest([false, true]) AS b"),
        0);
    CHECK_INT(differences(&fixture,
                  "SELECT unnest(['', 'a', 'ab', 'abc', 'b', 'é', 'abcdefghijklmnopqrstuvw', "
                  "'abcdefghijklmnopqrstuvwx', 'abcdefghijklmnopqrstuvwz']) AS v",
                  "SELECT unnest(['a', 'ab', 'abcdefghijklmnopqrstuvwx', 'c']) AS b"),
        0);
    CHECK_INT(differences(&fixture,
                  "SELECT unnest(['-inf', '-1.5', '-0.0', '0', '2', 'inf', 'nan'])::DOUBLE AS "
                  "v",
                  "SELECT unnest(['-2', '0', '1e300', 'nan'])::DOUBLE AS b"),
        0);
}

/* A place is looked for near that of the row before. */
TEST(rank_function, finds_places_in_any_order_and_in_lists_of_any_row)
{
    static const char *const orders[] = {
        "i", "600 - i", "i % 7 * 80", "i // 9 % 50 * 11", "(hash(i) % 600)::BIGINT"};
    FIXTURE(fixture);
    for (size_t i = 0; i < VV_COUNT(orders); i++) {
        char values[96];
        (void)snprintf(values, sizeof(values), "SELECT %s - 30 AS v FROM range(5000) AS t(i)",
            orders[i]);
        if (!CHECK_INT(differences(&fixture, values,
                           "SELECT i * 3 AS b FROM range(150) AS t(i)"),
                0))
            printf("# %s\n", orders[i]);
    }
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (SELECT chr(96 + (hash(i) % 8)::INTEGER)::BLOB AS k, "
                  "[['b', 'd'], [], ['a', 'c', 'e'], ['d']][i % 4 + 1]::BLOB[] AS l "
                  "FROM range(3000) AS t(i)) WHERE varve_rank(k, l) IS DISTINCT FROM "
                  "len(list_filter(l, lambda b: b <= k))"),
        0);
}

TEST(rank_function, knows_no_place_of_null_and_none_among_no_bounds)
{
    FIXTURE(fixture);
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (SELECT varve_rank(NULL::BLOB, ['a'::BLOB]) AS a, "
                  "varve_rank('a'::BLOB, NULL::BLOB[]) AS b, "
                  "varve_rank('a'::BLOB, []::BLOB[]) AS c, "
                  "varve_rank('a'::BLOB, [NULL::BLOB]) AS d) "
                  "WHERE a IS NULL AND b IS NULL AND c = 0 AND d IS NULL"),
        1);
}
