#include "engine/engine.h"

#include "fixture.h"

TEST(curve_function, interleaves_the_bits_of_its_numbers)
{
    FIXTURE(fixture);
    CHECK_INT(number(&fixture, "SELECT varve_curve(2, 2, 1)"), 9);       /* 10, 01: 1001 */
    CHECK_INT(number(&fixture, "SELECT varve_curve(3, 5)"), 5);          /* as it is */
    CHECK_INT(number(&fixture, "SELECT varve_curve(2, 3, 0, 1)"), 0x25); /* 11, 00, 01 */
    CHECK_INT(number(&fixture, "SELECT varve_curve(1, 1, 0, 0, 0, 0, 1)"), 0x21);
    CHECK_INT(number(&fixture, "SELECT varve_curve(0, 7, 7)"), 0);
    CHECK_INT(number(&fixture, "SELECT varve_curve(10, 1023, 1023)"), (1 << 20) - 1);
    CHECK_INT(number(&fixture, "SELECT (varve_curve(2, NULL, 1) IS NULL)::INTEGER"), 1);
}

/* As the sum of its bits, for many numbers at once. */
TEST(curve_function, is_the_sum_of_shifted_bits)
{
    FIXTURE(fixture);
    CHECK_INT(number(&fixture,
                  "SELECT count(*) FROM (SELECT hash(i, 1)::UHUGEINT % 1024 AS a, "
                  "hash(i, 2)::UHUGEINT % 1024 AS b FROM range(5000) AS t(i)) WHERE "
                  "varve_curve(10, a::BIGINT, b::BIGINT) <> list_sum(list_transform(range(10), "
                  "lambda k: (((a::BIGINT >> k) & 1) << (2 * k + 1)) + "
                  "(((b::BIGINT >> k) & 1) << (2 * k))))"),
        0);
}

TEST(curve_function, refuses_more_numbers_than_it_has_room_for)
{
    FIXTURE(fixture);
    CHECK_FAILS(&fixture.op,
        vv_session_exec(&fixture.op, fixture.session,
            VV_STR("SELECT varve_curve(1, 1, 1, 1, 1, 1, 1, 1, 1, 1)")),
        VARVE_EFAILED);
}
