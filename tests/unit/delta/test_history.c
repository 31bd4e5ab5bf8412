#include "log_fixture.h"

#define AT(ms) ((ms)*INT64_C(1000))
#define VARVE_LINE(ms) \
    "{\"commitInfo\":{\"timestamp\":" ms ",\"engineInfo\":\"Varve/0.1.0\"}}\n"
#define ICT_LINE(ms) "{\"commitInfo\":{\"inCommitTimestamp\":" ms ",\"timestamp\":3}}\n"

/* One commit of a table: what it says, and the time of its file. */
struct commit {
    const char *text;
    int64_t file_ms;
    int64_t expected_ms;
};

static bool put_commits(struct fixture *fixture, const struct commit *commits, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!put_commit_at(fixture, (int64_t)i, commits[i].text, commits[i].file_ms))
            return false;
    return true;
}

/* The history from each version on and the version at each time say the same. */
static void check_times(const struct commit *commits, size_t len)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_commits(&f, commits, len));
    for (size_t from = 0; from < len; from++) {
        for (size_t limit = 0; limit <= len; limit++) {
            struct vv_history_entry *entries = NULL;
            size_t entries_len = 0;
            REQUIRE_OK(op, vv_log_history(op, &f.log, (int64_t)from, limit, &op->arena,
                               &entries, &entries_len));
            CHECK_INT(entries_len, limit == 0 || limit > from + 1 ? from + 1 : limit);
            for (size_t i = 0; i < entries_len; i++) {
                CHECK_INT(entries[i].version, from - i);
                CHECK_INT(entries[i].timestamp_ms, commits[from - i].expected_ms);
            }
        }
    }
    for (size_t limit = 1; limit <= len; limit++) {
        struct vv_history_entry *entries = NULL;
        size_t entries_len = 0;
        REQUIRE_OK(op, vv_log_history_latest(op, &f.log, (int64_t)len - 1, limit, &op->arena,
                           &entries, &entries_len));
        CHECK_INT(entries_len, limit);
        for (size_t i = 0; i < entries_len; i++) {
            CHECK_INT(entries[i].version, len - 1 - i);
            CHECK_INT(entries[i].timestamp_ms, commits[len - 1 - i].expected_ms);
        }
    }
    for (size_t i = 0; i < len; i++) {
        int64_t version = -2;
        int64_t expected = (int64_t)i;
        while ((size_t)expected + 1 < len &&
               commits[expected + 1].expected_ms <= commits[i].expected_ms)
            expected++;
        int64_t time_us = AT(commits[i].expected_ms);
        REQUIRE_OK(op, vv_log_version_at(op, &f.log, time_us, &version));
        CHECK_INT(version, expected);
        REQUIRE_OK(op, vv_log_version_at(op, &f.log, time_us + 999, &version));
        CHECK_INT(version, expected);
        if (i > 0 && commits[i - 1].expected_ms < commits[i].expected_ms) {
            REQUIRE_OK(op, vv_log_version_at(op, &f.log, time_us - 1, &version));
            CHECK_INT(version, i - 1);
        }
    }
}

TEST(history, foreign_commits_have_the_time_of_their_file)
{
    static const struct commit commits[] = {{FOREIGN_LINE, 100, 100}, {FOREIGN_LINE, 200, 200},
        {ADD_LINE("a"), 300, 300}, {FOREIGN_LINE, 400, 400}};
    check_times(commits, VV_COUNT(commits));
}

TEST(history, file_times_are_made_to_rise)
{
    static const struct commit commits[] = {{FOREIGN_LINE, 100, 100}, {FOREIGN_LINE, 100, 101},
        {FOREIGN_LINE, 50, 102}, {FOREIGN_LINE, 102, 103}, {FOREIGN_LINE, 500, 500},
        {FOREIGN_LINE, 400, 501}};
    check_times(commits, VV_COUNT(commits));
}

TEST(history, commits_of_varve_and_in_commit_timestamps_speak_for_themselves)
{
    static const struct commit commits[] = {{VARVE_LINE("100"), 9000, 100},
        {VARVE_LINE("200"), 9000, 200}, {ICT_LINE("300"), 9000, 300},
        {VARVE_LINE("400"), 1, 400}};
    check_times(commits, VV_COUNT(commits));
}

#define BEGIN(configuration) PROTOCOL_LINE METADATA_LINE_WITH(configuration)
#define ICT_SINCE(version)                         \
    "\"delta.enableInCommitTimestamps\":\"true\"," \
    "\"delta.inCommitTimestampEnablementVersion\":\"" version "\""

TEST(history, in_commit_timestamps_count_where_the_table_says_so)
{
    static const struct commit not [] = {{ICT_LINE("9000") BEGIN(""), 100, 100},
        {ICT_LINE("10"), 200, 200}, {VARVE_LINE("300"), 301, 300}, {FOREIGN_LINE, 400, 400}};
    static const struct commit later[] = {{ICT_LINE("9000") BEGIN(ICT_SINCE("2")), 100, 100},
        {ICT_LINE("10"), 200, 200}, {ICT_LINE("250"), 300, 250}, {ICT_LINE("350"), 400, 350}};
    static const struct commit no_times[] = {
        {ICT_LINE("-9223372036854775807") BEGIN(ICT_SINCE("0")), 100, 100},
        {FOREIGN_LINE, 200, 200}, {ICT_LINE("9223372036854775807"), 300, 300},
        {FOREIGN_LINE, 300, 301}};
    check_times(not, VV_COUNT(not ));
    check_times(later, VV_COUNT(later));
    check_times(no_times, VV_COUNT(no_times));
}

TEST(history, foreign_commits_of_a_copied_table_are_held_below_what_follows)
{
    static const struct commit commits[] = {{FOREIGN_LINE, 9000, 98}, {FOREIGN_LINE, 9000, 99},
        {VARVE_LINE("100"), 9000, 100}, {FOREIGN_LINE, 9000, 198}, {FOREIGN_LINE, 9001, 199},
        {VARVE_LINE("200"), 9000, 200}, {VARVE_LINE("201"), 9000, 201},
        {FOREIGN_LINE, 9000, 9000}};
    check_times(commits, VV_COUNT(commits));
}

TEST(history, more_commits_than_milliseconds_share_a_time)
{
    static const struct commit commits[] = {{VARVE_LINE("100"), 100, 100},
        {FOREIGN_LINE, 100, 100}, {FOREIGN_LINE, 100, 100}, {FOREIGN_LINE, 100, 101},
        {VARVE_LINE("102"), 102, 102}, {FOREIGN_LINE, 90, 103}};
    check_times(commits, VV_COUNT(commits));
}

TEST(history, runs_of_many_kinds_agree)
{
    static const struct commit commits[] = {{FOREIGN_LINE, 10, 10}, {FOREIGN_LINE, 5, 11},
        {FOREIGN_LINE, 12, 12}, {VARVE_LINE("20"), 20, 20}, {FOREIGN_LINE, 15, 21},
        {FOREIGN_LINE, 25, 25}, {ICT_LINE("40"), 41, 40}, {FOREIGN_LINE, 41, 41},
        {FOREIGN_LINE, 60, 59}, {VARVE_LINE("60"), 60, 60}, {FOREIGN_LINE, 61, 61},
        {FOREIGN_LINE, 61, 62}};
    check_times(commits, VV_COUNT(commits));
}

TEST(history, times_before_1970_are_rounded_down)
{
    static const struct commit commits[] = {
        {VARVE_LINE("-10"), 1, -10}, {VARVE_LINE("-5"), 1, -5}, {VARVE_LINE("0"), 1, 0}};
    check_times(commits, VV_COUNT(commits));
}

TEST(history, hands_out_what_the_commits_say)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    REQUIRE(fixture_init(&f));
    REQUIRE(put_commit(&f, 0, PROTOCOL_LINE METADATA_LINE));
    REQUIRE(put_commit(&f, 1,
        ADD_LINE("a \\\"commitInfo\\\"") "{\"commitInfo\":{\"timestamp\":7,\"operation\":"
                                         "\"DELETE\","
                                         "\"operationMetrics\":{\"n\":\"1\"}}}\n"));
    REQUIRE_OK(op, vv_log_history(op, &f.log, VV_NO_VERSION, 0, &op->arena, &entries, &len));
    REQUIRE(len == 2);
    CHECK_INT(entries[0].version, 1);
    REQUIRE(entries[0].info != NULL);
    CHECK_STR(entries[0].info->operation, "DELETE");
    CHECK(entries[0].info->metrics != NULL);
    CHECK(entries[1].info == NULL);
}

TEST(history, limit_reads_no_more_commits_than_it_shows)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    REQUIRE(fixture_init(&f));
    for (int64_t version = 0; version < 100; version++)
        REQUIRE(put_commit_at(&f, version, FOREIGN_LINE, 1000 + 1000 * version));
    f.plan.calls = 0;
    REQUIRE_OK(op, vv_log_history(op, &f.log, VV_NO_VERSION, 10, &op->arena, &entries, &len));
    CHECK_INT(len, 10);
    CHECK_INT(f.plan.calls, 11); /* one listing, ten commits */
    CHECK_INT(entries[9].timestamp_ms, 1000 + 1000 * 90);
}

/* One millisecond after the other, as a log that was written or copied at once. */
TEST(history, newest_commits_are_asked_for_by_name)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    REQUIRE(fixture_init(&f));
    for (int64_t version = 0; version < 1000; version++)
        REQUIRE(put_commit_at(&f, version, FOREIGN_LINE, 1000 + version));
    f.plan.calls = 0;
    REQUIRE_OK(op, vv_log_history_latest(op, &f.log, 999, 10, &op->arena, &entries, &len));
    CHECK_INT(len, 10);
    CHECK_INT(entries[0].version, 999);
    CHECK_INT(entries[9].timestamp_ms, 1000 + 990);
    CHECK_INT(f.plan.calls, 110 + 10); /* times of files, and ten commits */
}

TEST(history, newest_commits_that_were_cleaned_up_in_part_are_listed)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    REQUIRE(fixture_init(&f));
    for (int64_t version = 40; version < 50; version++)
        REQUIRE(put_commit_at(&f, version, FOREIGN_LINE, 1000 + version));
    REQUIRE_OK(op, vv_log_history_latest(op, &f.log, 49, 30, &op->arena, &entries, &len));
    CHECK_INT(len, 10);
    CHECK_INT(entries[9].version, 40);
}

TEST(history, search_by_time_in_a_log_of_varve_reads_few_commits)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    int64_t version = 0;
    REQUIRE(fixture_init(&f));
    for (int64_t i = 0; i < 1000; i++) {
        struct vv_str text = vv_arena_format(&op->arena,
            "{\"commitInfo\":{\"timestamp\":%" PRId64 ",\"engineInfo\":\"Varve/0.1.0\"}}\n",
            1000 + 10 * i);
        REQUIRE(put_commit_at(&f, i, text.ptr, 1));
    }
    f.plan.calls = 0;
    REQUIRE_OK(op, vv_log_version_at(op, &f.log, AT(1000 + 10 * 377 + 9), &version));
    CHECK_INT(version, 377);
    CHECK(f.plan.calls <= 12);
}

static bool fails_with(struct fixture *fixture, varve_status status, varve_status expected,
    const char *words)
{
    bool has_words = strstr(fixture->op.error.message, words) != NULL;
    printf("# %s\n", fixture->op.error.message);
    return CHECK_FAILS(&fixture->op, status, expected) && CHECK(has_words);
}

TEST(history, names_the_range_where_there_is_nothing)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    int64_t version = 0;
    REQUIRE(fixture_init(&f));
    fails_with(&f, vv_log_version_at(op, &f.log, 0, &version), VARVE_ENOTFOUND,
        "not a Delta table");
    fails_with(&f, vv_log_history(op, &f.log, VV_NO_VERSION, 0, &op->arena, &entries, &len),
        VARVE_ENOTFOUND, "not a Delta table");
    REQUIRE(put_commit_at(&f, 0, FOREIGN_LINE, 1000) &&
            put_commit_at(&f, 1, FOREIGN_LINE, 2000));
    fails_with(&f, vv_log_version_at(op, &f.log, AT(1000) - 1, &version), VARVE_ENOTFOUND,
        "1970-01-01T00:00:01.000Z");
    fails_with(&f, vv_log_version_at(op, &f.log, -1, &version), VARVE_ENOTFOUND, "version 1");
    fails_with(&f, vv_log_history(op, &f.log, 2, 0, &op->arena, &entries, &len),
        VARVE_ENOTFOUND, "commits 0 to 1 are there");
    REQUIRE_OK(op, vv_log_version_at(op, &f.log, INT64_MAX, &version));
    CHECK_INT(version, 1);
}

TEST(history, time_does_not_lead_to_versions_that_cannot_be_put_together)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_op *op = &f.op;
    int64_t version = 0;
    REQUIRE(fixture_init(&f));
    for (int64_t i = 5; i <= 9; i++)
        REQUIRE(put_commit_at(&f, i, FOREIGN_LINE, i * 1000));
    REQUIRE(put_log_file(&f, "00000000000000000007.checkpoint.parquet", "-", NOW_MS));
    fails_with(&f, vv_log_version_at(op, &f.log, AT(6500), &version), VARVE_ENOTFOUND,
        "version 7, the first");
    REQUIRE_OK(op, vv_log_version_at(op, &f.log, AT(7500), &version));
    CHECK_INT(version, 7);
    /* A checkpoint whose commit is gone still is the latest version. */
    REQUIRE(put_log_file(&f, "00000000000000000010.checkpoint.parquet", "-", NOW_MS));
    REQUIRE_OK(op, vv_log_version_at(op, &f.log, AT(9500), &version));
    CHECK_INT(version, 10);
}

TEST(history, empty_or_torn_commit_is_corrupt_and_named)
{
    static const char *const torn[] = {"", "{\"commitInfo\":{\"timestamp\":1}}\n{\"add\":{"};
    for (size_t i = 0; i < VV_COUNT(torn); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        struct vv_op *op = &f.op;
        struct vv_history_entry *entries = NULL;
        size_t len = 0;
        REQUIRE(fixture_init(&f) && put_first_commit(&f) && put_commit(&f, 1, torn[i]));
        fails_with(&f, vv_log_history(op, &f.log, VV_NO_VERSION, 0, &op->arena, &entries, &len),
            VARVE_ECORRUPT, "00000000000000000001.json");
    }
}
