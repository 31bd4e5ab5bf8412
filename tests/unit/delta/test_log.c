#include "delta/last_checkpoint.h"
#include "delta/log_name.h"
#include "delta/log_probe.h"
#include "log_fixture.h"

TEST(log, reads_names_of_commits_and_checkpoints_and_passes_over_all_others)
{
    static const struct {
        const char *name;
        enum vv_log_name_kind kind;
        int64_t version;
        uint32_t part, parts;
        bool is_v2;
    } cases[] = {
        {"00000000000000000000.json", VV_LOG_NAME_COMMIT, 0, 0, 0, false},
        {"00009007199254740991.json", VV_LOG_NAME_COMMIT, VV_VERSION_MAX, 0, 0, false},
        {"00009007199254740992.json", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"00009007199254740992.checkpoint.parquet", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"09223372036854775807.json", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"09223372036854775808.json", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"99999999999999999999.json", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"00000000000000000007.json", VV_LOG_NAME_COMMIT, 7, 0, 0, false},
        {"0000000000000000007.json", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"000000000000000000007.json", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"00000000000000000007.json.tmp", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {".00000000000000000007.json", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {".00000000000000000007.json.crc", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"00000000000000000007.crc", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"00000000000000000007.00000000000000000009.compacted.json", VV_LOG_NAME_OTHER, 0, 0, 0,
            false},
        {"00000000000000000007.6374b053-df23-479b-b2cf-c9c550132b49.json", VV_LOG_NAME_OTHER, 0,
            0, 0, false},
        {"00000000000000000007.checkpoint.parquet", VV_LOG_NAME_CHECKPOINT, 7, 1, 1, false},
        {"00000000000000000007.checkpoint.0000000001.0000000001.parquet",
            VV_LOG_NAME_CHECKPOINT, 7, 1, 1, false},
        {"00000000000000000007.checkpoint.0000000002.0000000003.parquet",
            VV_LOG_NAME_CHECKPOINT, 7, 2, 3, false},
        {"00000000000000000007.checkpoint.0000000004.0000000003.parquet", VV_LOG_NAME_OTHER, 0,
            0, 0, false},
        {"00000000000000000007.checkpoint.0000000000.0000000003.parquet", VV_LOG_NAME_OTHER, 0,
            0, 0, false},
        {"00000000000000000007.checkpoint.9999999999.9999999999.parquet", VV_LOG_NAME_OTHER, 0,
            0, 0, false},
        {"00000000000000000007.checkpoint.6374b053-df23-479b-b2cf-c9c550132b49.json",
            VV_LOG_NAME_CHECKPOINT, 7, 1, 1, true},
        {"00000000000000000007.checkpoint.6374b053-df23-479b-b2cf-c9c550132b49.parquet",
            VV_LOG_NAME_CHECKPOINT, 7, 1, 1, true},
        {"00000000000000000007.checkpoint.6374b053-df23-479b-b2cf-c9c550132b4.json",
            VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"00000000000000000001.checkpoint.0000000001.0000000001.bb24cbdd-d5df-475d-8c91-"
         "9a557d9457e7.parquet",
            VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"00000000000000000007.checkpoint.", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"_last_checkpoint", VV_LOG_NAME_OTHER, 0, 0, 0, false},
        {"", VV_LOG_NAME_OTHER, 0, 0, 0, false},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_log_name name = vv_log_name_parse(vv_str_of(cases[i].name));
        printf("# %s\n", cases[i].name);
        CHECK_INT(name.kind, cases[i].kind);
        CHECK_INT(name.version, cases[i].version);
        CHECK_INT(name.part, cases[i].part);
        CHECK_INT(name.parts, cases[i].parts);
        CHECK_INT(name.is_v2, cases[i].is_v2);
    }
}

TEST(log, names_of_commits_go_both_ways)
{
    struct vv_arena arena = VV_ARENA_INIT(4096);
    struct vv_str key = vv_log_commit_key(&arena, 42);
    CHECK_STR(key, "_delta_log/00000000000000000042.json");
    CHECK_INT(vv_log_commit_version(vv_log_name_of_key(key)), 42);
    CHECK_INT(vv_log_commit_version(VV_STR("_last_checkpoint")), VV_NO_VERSION);
    vv_arena_done(&arena);
}

static bool checksum_of(struct vv_op *op, const char *json, char out[33])
{
    const struct vv_json *object = NULL;
    return CHECK_OK(op, vv_json_parse(op, &op->arena, vv_str_of(json), &object)) &&
           CHECK_OK(op, vv_last_checkpoint_checksum(op, object, out));
}

TEST(log, checksum_of_the_hint_is_the_protocols)
{
    struct vv_op op;
    char hex[33];
    char same[33];
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    REQUIRE(checksum_of(&op,
        "{\"k0\":\"'v 0'\", \"checksum\": \"adsaskfljadfkjadfkj\", \"k1\":{\"k2\": 2, \"k3\":"
        " [\"v3\", [1, 2], {\"k4\": \"v4\", \"k5\": [\"v5\", \"v6\", \"v7\"]}]}}",
        hex));
    CHECK_STR(hex, "6a92d155a59bf2eecbd4b4ec7fd1f875");
    /* The order of members does not count. */
    REQUIRE(checksum_of(&op, "{\"b\":null,\"a\":[true,1.50,{}]}", hex));
    REQUIRE(checksum_of(&op, "{\"a\":[true,1.50],\"b\":null,\"checksum\":1}", same));
    CHECK_STR(hex, same);
    REQUIRE(checksum_of(&op, "{\"a\":[true,1.5],\"b\":null}", same));
    CHECK(strcmp(hex, same) != 0);
    vv_op_done(&op);
}

static int64_t hint_of(struct fixture *fixture, const char *text)
{
    int64_t version = -2;
    struct vv_op *op = &fixture->op;
    CHECK_OK(op,
        vv_store_put(op, fixture->store, VV_STR(VV_LAST_CHECKPOINT_KEY), vv_str_of(text)));
    CHECK_OK(op, vv_last_checkpoint_read(op, fixture->store, &version));
    return version;
}

TEST(log, hint_is_believed_only_where_it_holds)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    int64_t version = -2;
    REQUIRE(fixture_init(&f));
    CHECK_OK(&f.op, vv_last_checkpoint_read(&f.op, f.store, &version));
    CHECK_INT(version, VV_NO_VERSION);
    CHECK_INT(hint_of(&f, "{\"version\":10,\"size\":3}"), 10);
    CHECK_INT(hint_of(&f, ""), VV_NO_VERSION);
    CHECK_INT(hint_of(&f, "{\"version\":1"), VV_NO_VERSION);
    CHECK_INT(hint_of(&f, "[10]"), VV_NO_VERSION);
    CHECK_INT(hint_of(&f, "{\"version\":-3}"), VV_NO_VERSION);
    CHECK_INT(hint_of(&f, "{\"version\":\"x\"}"), VV_NO_VERSION);
    CHECK_INT(hint_of(&f, "{\"version\":9007199254740991}"), VV_VERSION_MAX);
    CHECK_INT(hint_of(&f, "{\"version\":9007199254740992}"), VV_NO_VERSION);
    CHECK_INT(hint_of(&f, "{\"version\":9223372036854775807}"), VV_NO_VERSION);
    struct vv_str large = vv_arena_format(&f.op.arena, "{\"version\":10,%1100000s}", "\"x\":1");
    CHECK_INT(hint_of(&f, large.ptr), VV_NO_VERSION);
    /* md5 of `"size"=3,"version"=10` */
    CHECK_INT(hint_of(&f, "{\"version\":10,\"size\":3,\"checksum\":"
                          "\"f12a6b8ee6f3a96be4f5f4a7c0b7a7d8\"}"),
        VV_NO_VERSION);
    f.plan = (struct vv_fault_plan){.kind = VV_FAULT_REFUSE, .at = 1};
    CHECK_OK(&f.op, vv_last_checkpoint_read(&f.op, f.store, &version));
    CHECK_INT(version, VV_NO_VERSION);
}

TEST(log, hint_with_a_checksum_that_holds_is_used)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    char hex[33];
    char text[128];
    REQUIRE(fixture_init(&f));
    REQUIRE(checksum_of(&f.op, "{\"version\":10,\"size\":3}", hex));
    (void)snprintf(text, sizeof(text), "{\"version\":10,\"size\":3,\"checksum\":\"%s\"}", hex);
    CHECK_INT(hint_of(&f, text), 10);
}

static bool find(struct fixture *fixture, int64_t version, struct vv_log_segment *out)
{
    struct vv_op *op = &fixture->op;
    return CHECK_OK(op, vv_log_find(op, &fixture->log, version, INT64_MAX, &op->arena, out));
}

static bool find_fails(struct fixture *fixture, int64_t version, varve_status expected,
    const char *words)
{
    struct vv_log_segment segment;
    struct vv_op *op = &fixture->op;
    varve_status status =
        vv_log_find(op, &fixture->log, version, INT64_MAX, &op->arena, &segment);
    bool has_words = strstr(op->error.message, words) != NULL;
    printf("# %s\n", op->error.message);
    return CHECK_FAILS(op, status, expected) && CHECK(has_words);
}

static bool put_commits(struct fixture *fixture, int64_t from, int64_t to)
{
    for (int64_t version = from; version <= to; version++)
        if (!put_commit(fixture, version, ADD_LINE("a")))
            return false;
    return true;
}

TEST(log, folder_without_commits_is_no_table)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    REQUIRE(fixture_init(&f));
    CHECK(find_fails(&f, VV_NO_VERSION, VARVE_ENOTFOUND, "not a Delta table"));
    REQUIRE(put_log_file(&f, "00000000000000000000.crc", "{}", NOW_MS));
    CHECK(find_fails(&f, VV_NO_VERSION, VARVE_ENOTFOUND, "not a Delta table"));
}

TEST(log, finds_the_latest_and_any_version_by_commits)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment;
    REQUIRE(fixture_init(&f) && put_commits(&f, 0, 12));
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.version, 12);
    CHECK_INT(segment.commits_len, 13);
    CHECK_INT(segment.checkpoint.version, VV_NO_VERSION);
    REQUIRE(find(&f, 5, &segment));
    CHECK_INT(segment.version, 5);
    CHECK_INT(segment.commits_len, 6);
    CHECK_INT(segment.commits[5].version, 5);
    CHECK_INT(segment.commits[5].modified_us, (NOW_MS - 1000 + 5) * 1000);
    CHECK(find_fails(&f, 13, VARVE_ENOTFOUND, "versions 0 to 12 are there"));
    CHECK(find_fails(&f, VV_VERSION_MAX, VARVE_ENOTFOUND, "versions 0 to 12 are there"));
    CHECK(find_fails(&f, INT64_MAX, VARVE_ENOTFOUND, "versions 0 to 12 are there"));
}

/* Nothing can be counted beyond it, so that it can be no version of a table. */
TEST(log, passes_over_what_is_at_the_end_of_all_numbers)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment;
    REQUIRE(fixture_init(&f) && put_commits(&f, 0, 2));
    REQUIRE(put_commit(&f, INT64_MAX, ADD_LINE("b")));
    REQUIRE(put_log_file(&f, "09223372036854775807.checkpoint.parquet", "-", NOW_MS));
    CHECK_INT(hint_of(&f, "{\"version\":9223372036854775807}"), VV_NO_VERSION);
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.version, 2);
    CHECK_INT(segment.checkpoint.version, VV_NO_VERSION);
}

TEST(log, starts_at_the_newest_complete_checkpoint)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment;
    REQUIRE(fixture_init(&f) && put_commits(&f, 0, 25));
    REQUIRE(put_log_file(&f, "00000000000000000010.checkpoint.parquet", "-", NOW_MS));
    REQUIRE(put_log_file(&f, "00000000000000000020.checkpoint.0000000001.0000000002.parquet",
        "-", NOW_MS));
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.checkpoint.version, 10); /* a part of 20 is missing */
    CHECK_INT(segment.commits_len, 15);
    REQUIRE(put_log_file(&f, "00000000000000000020.checkpoint.0000000002.0000000002.parquet",
        "-", NOW_MS));
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.checkpoint.version, 20);
    CHECK_INT(segment.checkpoint.parts, 2);
    CHECK(vv_str_ends(segment.checkpoint.keys[1], VV_STR("0000000002.0000000002.parquet")));
    CHECK_INT(segment.commits_len, 5);
    CHECK_INT(segment.commits[0].version, 21);
    REQUIRE(find(&f, 20, &segment));
    CHECK_INT(segment.commits_len, 0);
    REQUIRE(find(&f, 19, &segment));
    CHECK_INT(segment.checkpoint.version, 10);
    CHECK_OK(&f.op, vv_log_find(&f.op, &f.log, 25, 19, &f.op.arena, &segment));
    CHECK_INT(segment.checkpoint.version, 10);
    CHECK_OK(&f.op, vv_log_find(&f.op, &f.log, 25, 9, &f.op.arena, &segment));
    CHECK_INT(segment.checkpoint.version, VV_NO_VERSION);
}

TEST(log, prefers_one_file_to_parts_and_parts_to_a_uuid)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment;
    REQUIRE(fixture_init(&f) && put_commits(&f, 0, 3));
    REQUIRE(put_log_file(&f,
        "00000000000000000002.checkpoint.6374b053-df23-479b-b2cf-c9c550132b49.json", "-",
        NOW_MS));
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK(segment.checkpoint.is_v2);
    REQUIRE(put_log_file(&f, "00000000000000000002.checkpoint.0000000001.0000000002.parquet",
        "-", NOW_MS));
    REQUIRE(put_log_file(&f, "00000000000000000002.checkpoint.0000000001.0000000003.parquet",
        "-", NOW_MS));
    REQUIRE(put_log_file(&f, "00000000000000000002.checkpoint.0000000002.0000000002.parquet",
        "-", NOW_MS));
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK(!segment.checkpoint.is_v2);
    CHECK_INT(segment.checkpoint.parts, 2);
    REQUIRE(put_log_file(&f, "00000000000000000002.checkpoint.parquet", "-", NOW_MS));
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.checkpoint.parts, 1);
}

/* 30 versions, checkpoints at 10 and 20, all before 10 cleaned up. */
static bool put_cleaned_log(struct fixture *fixture)
{
    return put_commits(fixture, 10, 30) &&
           put_log_file(fixture, "00000000000000000010.checkpoint.parquet", "-", NOW_MS) &&
           put_log_file(fixture, "00000000000000000020.checkpoint.parquet", "-", NOW_MS);
}

TEST(log, names_the_range_that_clean_up_left)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment;
    REQUIRE(fixture_init(&f) && put_cleaned_log(&f));
    CHECK(find_fails(&f, 9, VARVE_ENOTFOUND, "versions 10 to 30 are there"));
    CHECK(find_fails(&f, 31, VARVE_ENOTFOUND, "versions 10 to 30 are there"));
    REQUIRE(find(&f, 10, &segment));
    CHECK_INT(segment.commits_len, 0);
}

TEST(log, hint_may_be_stale_too_new_or_about_a_lost_file)
{
    static const struct {
        const char *hint;
        int64_t version, checkpoint;
    } cases[] = {
        {"{\"version\":20,\"size\":1}", VV_NO_VERSION, 20}, /* right */
        {"{\"version\":10,\"size\":1}", VV_NO_VERSION, 20}, /* stale */
        {"{\"version\":20,\"size\":1}", 15, 10},            /* newer than what is asked for */
        {"{\"version\":12,\"size\":1}", 15, 10}, /* its file is gone, a newer one is too new */
        {"{\"version\":25,\"size\":1}", VV_NO_VERSION, 20}, /* its file is gone */
        {"{\"version\":99,\"size\":1}", VV_NO_VERSION, 20}, /* of another life of the table */
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        struct vv_log_segment segment = {0};
        printf("# %s\n", cases[i].hint);
        REQUIRE(fixture_init(&f) && put_cleaned_log(&f));
        REQUIRE(put_log_file(&f, "_last_checkpoint", cases[i].hint, NOW_MS));
        REQUIRE(find(&f, cases[i].version, &segment));
        CHECK_INT(segment.checkpoint.version, cases[i].checkpoint);
        CHECK_INT(segment.version, cases[i].version < 0 ? 30 : cases[i].version);
    }
}

TEST(log, version_above_the_latest_names_the_range_despite_a_hint)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    REQUIRE(fixture_init(&f) && put_cleaned_log(&f));
    REQUIRE(put_log_file(&f, "_last_checkpoint", "{\"version\":20}", NOW_MS));
    CHECK(find_fails(&f, 31, VARVE_ENOTFOUND, "versions 10 to 30 are there"));
}

TEST(log, gap_is_corrupt_and_named)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment;
    REQUIRE(fixture_init(&f) && put_commits(&f, 0, 3) && put_commits(&f, 5, 8));
    CHECK(find_fails(&f, VV_NO_VERSION, VARVE_ECORRUPT, "00000000000000000004.json"));
    REQUIRE(find(&f, 3, &segment));
    CHECK(find_fails(&f, 4, VARVE_ECORRUPT, "00000000000000000004.json"));
    REQUIRE(put_log_file(&f, "00000000000000000006.checkpoint.parquet", "-", NOW_MS));
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.commits_len, 2);
}

TEST(log, first_commit_missing_is_corrupt)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    REQUIRE(fixture_init(&f) && put_commits(&f, 1, 3));
    CHECK(find_fails(&f, VV_NO_VERSION, VARVE_ECORRUPT, "00000000000000000000.json"));
}

/* ---- Asking for names ---------------------------------------------------------------------------- */

static void count_listings(void *data, const char *call, struct vv_str key)
{
    (void)key;
    *(int *)data += strcmp(call, "list") == 0;
}

/* 30 versions and two checkpoints as above, on a store that had better not be asked to list. */
static bool probing_init(struct fixture *fixture, int *listings, const char *hint)
{
    *listings = 0;
    if (!fixture_init(fixture) || !put_cleaned_log(fixture) ||
        !put_log_file(fixture, "_last_checkpoint", hint, NOW_MS))
        return false;
    fixture->store->lists_whole = true;
    fixture->plan.before = count_listings;
    fixture->plan.before_data = listings;
    return true;
}

TEST(log, is_not_listed_where_names_can_be_asked_for)
{
    static const struct {
        const char *hint;
        int64_t version, checkpoint, last;
    } cases[] = {
        {"{\"version\":20}", VV_NO_VERSION, 20, 30}, /* the hint's checkpoint and the tail */
        {"{\"version\":10}", VV_NO_VERSION, 10, 30}, /* stale: a longer tail */
        {"{\"version\":20}", 30, 20, 30},            /* the nearest below */
        {"{\"version\":20}", 20, 20, 20}, {"{\"version\":20}", 19, 10, 19},
        {"{}", 15, 10, 15}, /* no hint is needed for that */
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(fixture_done) struct fixture f;
        struct vv_log_segment segment = {0};
        int listings = 0;
        printf("# case %zu\n", i);
        REQUIRE(probing_init(&f, &listings, cases[i].hint));
        REQUIRE(find(&f, cases[i].version, &segment));
        CHECK_INT(segment.checkpoint.version, cases[i].checkpoint);
        CHECK_INT(segment.version, cases[i].last);
        REQUIRE(CHECK_INT(segment.commits_len, cases[i].last - cases[i].checkpoint));
        for (size_t k = 0; k < segment.commits_len; k++)
            CHECK_INT(segment.commits[k].version, cases[i].checkpoint + 1 + (int64_t)k);
        CHECK_INT(listings, 0);
    }
}

TEST(log, is_listed_where_names_leave_a_doubt)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment = {0};
    int listings = 0;
    REQUIRE(probing_init(&f, &listings, "{\"version\":25}")); /* its file is gone */
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.checkpoint.version, 20);
    CHECK_INT(listings, 2); /* from the hint on, and whole */
    /* What is not there is told by the range that is. */
    CHECK(find_fails(&f, 31, VARVE_ENOTFOUND, "versions 10 to 30 are there"));
    CHECK(find_fails(&f, 9, VARVE_ENOTFOUND, "versions 10 to 30 are there"));
}

TEST(log, gap_behind_the_last_commit_is_noticed_without_a_listing)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment = {0};
    int listings = 0;
    REQUIRE(probing_init(&f, &listings, "{\"version\":20}"));
    REQUIRE(put_commits(&f, 33, 34));
    CHECK(find_fails(&f, VV_NO_VERSION, VARVE_ECORRUPT, "00000000000000000031.json"));
    CHECK(find_fails(&f, 34, VARVE_ECORRUPT, "00000000000000000031.json"));
    REQUIRE(find(&f, 30, &segment));
    CHECK_INT(segment.commits_len, 10);
}

TEST(log, gap_of_many_commits_is_noticed_without_a_listing)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    int listings = 0;
    int64_t behind = 30 + VV_LOG_GAP_MAX + 1;
    REQUIRE(probing_init(&f, &listings, "{\"version\":20}"));
    REQUIRE(put_commits(&f, behind, behind));
    CHECK(find_fails(&f, VV_NO_VERSION, VARVE_ECORRUPT, "00000000000000000031.json"));
}

TEST(log, cleaned_up_behind_the_hint_is_listed)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_segment segment = {0};
    REQUIRE(fixture_init(&f) && put_commits(&f, 25, 30));
    REQUIRE(put_log_file(&f, "00000000000000000010.checkpoint.parquet", "-", NOW_MS));
    REQUIRE(put_log_file(&f, "00000000000000000025.checkpoint.parquet", "-", NOW_MS));
    REQUIRE(put_log_file(&f, "_last_checkpoint", "{\"version\":10}", NOW_MS));
    f.store->lists_whole = true;
    REQUIRE(find(&f, VV_NO_VERSION, &segment));
    CHECK_INT(segment.version, 30);
    CHECK_INT(segment.checkpoint.version, 25);
}
