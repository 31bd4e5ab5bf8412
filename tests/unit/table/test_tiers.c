#include "table/maintain/tiers.h"

#include "harness/test.h"

#define KIB INT64_C(1024)
#define MIB (KIB * 1024)

static const struct vv_tier_rule rule = {.files = 4, .target_bytes = 100 * 1000 * 1000};

TEST(tiers, files_of_about_one_size_lie_in_one_tier)
{
    static const struct {
        int64_t bytes;
        int tier;
    } cases[] = {{0, 0}, {1, 0}, {64 * KIB - 1, 0}, {64 * KIB, 1}, {256 * KIB - 1, 1},
        {256 * KIB, 2}, {MIB, 3}, {16 * MIB, 5}, {49999999, 5}, {50000000, VV_TIER_FULL},
        {INT64_MAX, VV_TIER_FULL}};
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_INT(vv_tier_of(&rule, cases[i].bytes), cases[i].tier);
    const struct vv_tier_rule endless = {.files = 1000, .target_bytes = INT64_MAX};
    CHECK_INT(vv_tier_of(&endless, INT64_MAX / 2 - 1), 5);
}

TEST(tiers, a_file_is_made_of_enough_files_or_of_enough_bytes)
{
    const int64_t small[] = {10, 10, 10, 10, 10};
    const int64_t large[] = {40000000, 40000000, 40000000, 40000000};
    CHECK_INT(vv_tier_take(&rule, small, 0), 0);
    CHECK_INT(vv_tier_take(&rule, small, 3), 0);
    CHECK_INT(vv_tier_take(&rule, small, 4), 4);
    CHECK_INT(vv_tier_take(&rule, small, 5), 5);
    CHECK_INT(vv_tier_take(&rule, large, 2), 0); /* they fit, and are too few */
    CHECK_INT(vv_tier_take(&rule, large, 3), 2); /* the third one would be too much */
}

/*
 * The model: a partition to which files of one size come for ever. No more files than the tiers
 * have room for, and each row written again no more often than there are tiers.
 */
TEST(tiers, neither_files_nor_rewriting_grow_with_what_is_written)
{
    enum {
        ROUNDS = 20000,
        ROOM = 64
    };
    static int64_t files[ROOM];
    size_t len = 0;
    size_t most = 0;
    int64_t full = 0;
    int64_t rewritten = 0;
    const int64_t flush = 100 * KIB;
    const int64_t written = flush * ROUNDS;
    for (int round = 0; round < ROUNDS; round++) {
        files[len++] = flush;
        for (int tier = 0; tier <= 6; tier++) {
            int64_t picked[ROOM];
            size_t places[ROOM];
            size_t picked_len = 0;
            for (size_t i = 0; i < len; i++)
                if (vv_tier_of(&rule, files[i]) == tier) {
                    places[picked_len] = i;
                    picked[picked_len++] = files[i];
                }
            size_t taken = vv_tier_take(&rule, picked, picked_len);
            if (taken == 0)
                continue;
            int64_t sum = 0;
            for (size_t i = 0; i < taken; i++)
                sum += picked[i];
            for (size_t i = taken; i > 0; i--)
                files[places[i - 1]] = files[--len];
            rewritten += sum;
            if (vv_tier_of(&rule, sum) == VV_TIER_FULL)
                full++;
            else
                files[len++] = sum;
        }
        most = len > most ? len : most;
        REQUIRE(len < ROOM - 1);
    }
    CHECK(full > 15);
    CHECK(most <= 3 * 6);
    CHECK(rewritten <= 6 * written);
    CHECK(rewritten >= 3 * written); /* the model works at all */
}

TEST(tiers, a_file_that_has_lost_a_third_of_its_rows_is_worth_writing)
{
    CHECK(!vv_tier_is_hollow(100, 0));
    CHECK(!vv_tier_is_hollow(100, 29));
    CHECK(vv_tier_is_hollow(100, 30));
    CHECK(vv_tier_is_hollow(3, 1));
    CHECK(vv_tier_is_hollow(0, 1));
    CHECK(!vv_tier_is_hollow(-1, 50)); /* nobody knows */
    CHECK(vv_tier_is_hollow(INT64_MAX, INT64_MAX));
}
