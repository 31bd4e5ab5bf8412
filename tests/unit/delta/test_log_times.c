#include "delta/log_times.h"

#include "delta/log_fixture.h"

#define DAY INT64_C(86400000)
#define NONE VV_NO_TIME

struct row {
    int64_t file_ms, said_ms;
    bool has_in_commit_ms;
    int64_t due_ms;
};

static void check_plan(const char *name, const struct row *rows, size_t len, size_t wrong,
    size_t unordered)
{
    struct vv_log_time items[8];
    struct vv_log_times times = {.items = items, .len = len, .now_ms = 10 * DAY};
    REQUIRE(len <= VV_COUNT(items));
    for (size_t i = 0; i < len; i++)
        items[i] = (struct vv_log_time){.version = (int64_t)i,
            .file_ms = rows[i].file_ms,
            .said_ms = rows[i].said_ms,
            .has_in_commit_ms = rows[i].has_in_commit_ms};
    vv_log_times_plan(&times);
    if (!CHECK_INT(times.wrong, wrong) || !CHECK_INT(times.unordered, unordered))
        fprintf(stderr, "%s\n", name);
    for (size_t i = 0; i < len; i++)
        if (!CHECK_INT(items[i].due_ms, rows[i].due_ms))
            fprintf(stderr, "%s, version %zu\n", name, i);
}

TEST(log_times, are_those_that_the_commits_tell)
{
    static const struct row right[] = {
        {1000, 1000, false, 1000}, {61500, 1500, false, 61500}, {62000, NONE, false, 62000}};
    static const struct row copied[] = {{9 * DAY, DAY, false, DAY},
        {9 * DAY, 2 * DAY, false, 2 * DAY}, {9 * DAY, 3 * DAY, false, 3 * DAY}};
    static const struct row too_early[] = {{0, DAY, false, DAY}};
    check_plan("right", right, VV_COUNT(right), 0, 0);
    check_plan("copied", copied, VV_COUNT(copied), 3, 0);
    check_plan("too early", too_early, VV_COUNT(too_early), 1, 0);
}

TEST(log_times, rise_with_each_version)
{
    static const struct row equal[] = {{1000, 1000, false, 1000}, {1000, 1000, false, 1001},
        {1000, NONE, false, 1002}, {1003, 1003, false, 1003}};
    static const struct row said_backwards[] = {
        {9 * DAY, 2 * DAY, false, DAY - 1}, {9 * DAY, DAY, false, DAY}};
    check_plan("equal", equal, VV_COUNT(equal), 0, 2);
    check_plan("backwards", said_backwards, VV_COUNT(said_backwards), 2, 0);
}

TEST(log_times, of_a_commit_that_says_nothing_stay_below_what_the_next_says)
{
    static const struct row copied[] = {{9 * DAY, DAY, false, DAY},
        {9 * DAY, NONE, false, 2 * DAY - 1}, {9 * DAY, 2 * DAY, false, 2 * DAY}};
    static const struct row alone[] = {{5, NONE, false, 5}, {7, NONE, false, 7}};
    check_plan("copied", copied, VV_COUNT(copied), 3, 0);
    check_plan("alone", alone, VV_COUNT(alone), 0, 0);
}

TEST(log_times, of_a_commit_whose_clock_was_wrong_are_those_of_its_neighbours)
{
    static const struct row ahead[] = {{DAY, DAY, false, DAY},
        {2 * DAY, 9 * DAY, false, 2 * DAY}, {3 * DAY, 3 * DAY, false, 3 * DAY},
        {4 * DAY, 4 * DAY, false, 4 * DAY}};
    static const struct row behind[] = {{DAY, DAY, false, DAY},
        {2 * DAY, 2 * DAY, false, 2 * DAY}, {3 * DAY, 7, false, 3 * DAY},
        {4 * DAY, 4 * DAY, false, 4 * DAY}};
    static const struct row second[] = {{DAY, DAY, false, DAY}, {2 * DAY, 7, false, 2 * DAY},
        {3 * DAY, 3 * DAY, false, 3 * DAY}};
    static const struct row last_but_one[] = {{DAY, DAY, false, DAY},
        {2 * DAY, 9 * DAY, false, 2 * DAY}, {3 * DAY, 3 * DAY, false, 3 * DAY}};
    static const struct row future[] = {
        {DAY, DAY, false, DAY}, {2 * DAY, 40000 * DAY, false, 2 * DAY}};
    static const struct row copied[] = {{9 * DAY, DAY, false, DAY},
        {9 * DAY, 8 * DAY, false, 3 * DAY - 1}, {9 * DAY, 3 * DAY, false, 3 * DAY},
        {9 * DAY, 7, false, 5 * DAY - 1}, {9 * DAY, 5 * DAY, false, 5 * DAY}};
    static const struct row spoiled[] = {{DAY, DAY, false, DAY},
        {9000 * DAY, 9000 * DAY, false, 3 * DAY - 1},
        {9000 * DAY + 1, 3 * DAY, false, 3 * DAY}};
    check_plan("ahead", ahead, VV_COUNT(ahead), 0, 0);
    check_plan("behind", behind, VV_COUNT(behind), 0, 0);
    check_plan("second", second, VV_COUNT(second), 0, 0);
    check_plan("last but one", last_but_one, VV_COUNT(last_but_one), 0, 0);
    check_plan("future", future, VV_COUNT(future), 0, 0);
    check_plan("copied", copied, VV_COUNT(copied), 5, 0);
    check_plan("spoiled", spoiled, VV_COUNT(spoiled), 2, 0);
}

TEST(log_times, of_commits_with_in_commit_timestamps_do_not_matter)
{
    static const struct row rows[] = {
        {9 * DAY, DAY, true, 9 * DAY}, {8 * DAY, 2 * DAY, true, 8 * DAY}};
    check_plan("in commit", rows, VV_COUNT(rows), 0, 0);
}

/* Else they would be wrong for ever: there is nothing to set. */
TEST(log_times, behind_one_with_an_in_commit_timestamp_are_right_where_they_can_be)
{
    static const struct row found[] = {
        {9 * DAY, DAY, true, 9 * DAY}, {8 * DAY, 2 * DAY, false, 9 * DAY + 1}};
    static const struct row set[] = {
        {9 * DAY, DAY, true, 9 * DAY}, {9 * DAY + 1, 2 * DAY, false, 9 * DAY + 1}};
    check_plan("found", found, VV_COUNT(found), 1, 0);
    check_plan("set", set, VV_COUNT(set), 0, 0);
}

TEST(log_times, are_read_from_the_log_and_cannot_be_set_everywhere)
{
    VV_CLEANUP(fixture_done) struct fixture fixture;
    struct vv_log_times times = {0};
    size_t fixed = 0;
    REQUIRE(fixture_init(&fixture) && put_first_commit(&fixture));
    struct vv_op *op = &fixture.op;
    REQUIRE_OK(op, vv_log_times_read(op, &fixture.log, &op->arena, &times));
    CHECK_INT(times.len, 1);
    CHECK_INT(times.wrong, 1);
    CHECK_INT(times.items[0].said_ms, 7);
    CHECK_FAILS(op, vv_log_times_fix(op, &fixture.log, &times, &fixed), VARVE_EUNSUPPORTED);
    CHECK_INT(fixed, 0);
}
