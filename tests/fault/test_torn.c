/*
 * Each file of a log that is cut at each of its bytes: a commit, a checkpoint, the hint, the checksum, a
 * file of the ledger. What is a cache is done without; of the rest the table is what it was, or a
 * failure names the file. Never another state, never another history. The same of a checkpoint that lost
 * a bit in each of its bytes.
 */
#include "../unit/table/table_fixture.h"
#include "base/time.h"
#include "harness/state_text.h"
#include "table/maintain/checkpoint.h"

#define STATES_BYTES_MAX (1 << 20)
#define FLIP_STEP 23

static char warned[4096]; /* the last that was logged */

static void note_warning(void *data, int level, const char *event, const char *fields)
{
    (void)data;
    if (level >= VV_LOG_WARN)
        (void)snprintf(warned, sizeof(warned), "%s %s", event, fields);
}

static const struct vv_pair properties[] = {
    {{"delta.logRetentionDuration", 26}, {"interval 1 days", 15}},
    {{"delta.checkpointInterval", 24}, {"1000", 4}}};
static const struct table_words words = {.schema = "k bigint not null, v string",
    .key = "k",
    .properties = properties,
    .properties_len = 2};

static bool put(struct table_fixture *fixture, int64_t key)
{
    struct vv_upsert_result result;
    char row[64];
    (void)snprintf(row, sizeof(row), "{\"k\":%" PRId64 ",\"v\":\"x\"}\n", key);
    return table_upsert(fixture, row, &result) && CHECK_INT(result.inserted, 1);
}

static bool checkpoint(struct table_fixture *fixture)
{
    struct vv_log_cleaned cleaned;
    int64_t version = 0;
    return CHECK_OK(&fixture->op,
        vv_table_checkpoint(&fixture->op, fixture->table, &version, &cleaned));
}

/* Versions 0 to 4 with a checkpoint of 2; `cleaned`: which the log begins at, five days later. */
static bool open_log(struct table_fixture *fixture, bool cleaned)
{
    const struct vv_store_options options = {.create = true};
    struct vv_store *plain = NULL;
    if (!table_fixture_begin(fixture, NULL))
        return false;
    fixture->clock.env.log = note_warning;
    if (!CHECK_OK(&fixture->op,
            vv_store_open(&fixture->op, vv_str_of(test_path("lake")), &options, &plain)) ||
        !table_fixture_make(fixture, &words, plain) || !put(fixture, 1) || !put(fixture, 2) ||
        !checkpoint(fixture) || !put(fixture, 3))
        return false;
    if (cleaned)
        test_clock_add(&fixture->clock, 5 * VV_US_PER_DAY);
    return put(fixture, 4) && (!cleaned || checkpoint(fixture));
}

/* The newest state as text; NULL after a failure, which is in *out_code and *out_message. */
static struct vv_str state_of(struct table_fixture *fixture, varve_status *out_code,
    struct vv_str *out_message)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(STATES_BYTES_MAX);
    vv_op_init(&op, &fixture->clock.env, VV_OP_BYTES_DEFAULT);
    *out_code = vv_snapshot_load(&op, &fixture->table->log, VV_NO_VERSION, &snapshot);
    if (*out_code != VARVE_OK) {
        *out_message = vv_arena_str(&fixture->op.arena, vv_str_of(op.error.message));
        vv_forgive(&op);
        return VV_STR_NONE;
    }
    state_text(snapshot, false, &op.arena, &text);
    return vv_arena_str(&fixture->op.arena, vv_buf_str(&text));
}

struct counts {
    size_t same, refused, shorter;
};

/* Cut at the end of a line a commit is a whole one, with less in it: nothing in it says otherwise. */
static bool is_line_end(struct vv_str whole, size_t len)
{
    return len > 0 && (whole.ptr[len - 1] == '\n' || whole.ptr[len] == '\n');
}

static void cut_at(struct table_fixture *fixture, const char *path, const char *name,
    struct vv_str whole, size_t len, struct vv_str right, struct counts *counts)
{
    varve_status code = VARVE_OK;
    struct vv_str message = VV_STR("");
    REQUIRE(test_file_write(path, (struct vv_str){whole.ptr, len}));
    warned[0] = '\0';
    struct vv_str found = state_of(fixture, &code, &message);
    bool is_fine = true;
    if (code != VARVE_OK)
        is_fine = (int)CHECK_INT(code, VARVE_ECORRUPT) &
                  CHECK(strstr(message.ptr, name) != NULL || strstr(warned, name) != NULL);
    else if (!vv_str_eq(found, right))
        is_fine =
            CHECK(vv_str_ends(vv_str_of(name), VV_STR(".json")) && is_line_end(whole, len));
    if (!is_fine)
        printf("# %s cut at %zu of %zu: %s\n", name, len, whole.len, message.ptr);
    counts->refused += code != VARVE_OK;
    counts->same += code == VARVE_OK && vv_str_eq(found, right);
    counts->shorter += code == VARVE_OK && !vv_str_eq(found, right);
}

/* Of a long file not each byte in its midst, unless all are asked for. */
static size_t step_at(size_t len, size_t all)
{
    bool is_end = len < 64 || len + 512 > all;
    return all < 4096 || is_end || getenv("VARVE_FAULT_ALL") != NULL ? 1 : 16;
}

/* A file below the table's folder cut at each byte; it is whole again afterwards. */
static struct counts cut_everywhere(struct table_fixture *fixture, const char *file,
    struct vv_str right)
{
    struct counts counts = {0, 0, 0};
    const char *slash = strrchr(file, '/');
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/t/%s", test_path("lake"), file);
    struct vv_str whole = test_file_read(path);
    CHECK(whole.len > 0);
    for (size_t len = 0; len < whole.len; len += step_at(len, whole.len))
        cut_at(fixture, path, slash + 1, whole, len, right, &counts);
    CHECK(test_file_write(path, whole));
    printf("# %s: %zu bytes, %zu the same, %zu refused, %zu shorter\n", file, whole.len,
        counts.same, counts.refused, counts.shorter);
    return counts;
}

/* A checkpoint with a bit of one byte turned, of many; it is whole again afterwards. */
static struct counts flip_everywhere(struct table_fixture *fixture, const char *file,
    struct vv_str right)
{
    struct counts counts = {0, 0, 0};
    VV_CLEANUP(vv_buf_done) struct vv_buf copy = VV_BUF_INIT(STATES_BYTES_MAX);
    const char *name = strrchr(file, '/') + 1;
    char path[4096];
    (void)snprintf(path, sizeof(path), "%s/t/%s", test_path("lake"), file);
    struct vv_str whole = test_file_read(path);
    size_t quiet = 0;
    vv_buf_add(&copy, whole);
    CHECK(whole.len > 0 && vv_buf_ok(&copy));
    const size_t step = getenv("VARVE_FAULT_ALL") != NULL ? 1 : FLIP_STEP;
    for (size_t at = 0; at < copy.len; at += step) {
        varve_status code = VARVE_OK;
        struct vv_str message = VV_STR("");
        copy.private_ptr[at] ^= 1;
        CHECK(test_file_write(path, vv_buf_str(&copy)));
        copy.private_ptr[at] ^= 1;
        warned[0] = '\0';
        struct vv_str found = state_of(fixture, &code, &message);
        bool is_same = code == VARVE_OK && vv_str_eq(found, right);
        quiet += is_same && strstr(warned, name) == NULL;
        counts.same += is_same;
        counts.refused += code != VARVE_OK;
        counts.shorter += code == VARVE_OK && !is_same;
        if ((code == VARVE_OK && !is_same) ||
            (code != VARVE_OK && !CHECK(strstr(message.ptr, name) != NULL)))
            printf("# %s, byte %zu of %zu: %s\n", name, at, whole.len, message.ptr);
    }
    CHECK(quiet <= 1); /* in the name of its mark */
    CHECK(test_file_write(path, whole));
    printf("# %s: a bit of %zu bytes, %zu the same, %zu refused, %zu another state\n", file,
        whole.len, counts.same, counts.refused, counts.shorter);
    return counts;
}

static bool move(const char *from, const char *to)
{
    char old[4096];
    char new[4096];
    (void)snprintf(old, sizeof(old), "%s/t/%s", test_path("lake"), from);
    (void)snprintf(new, sizeof(new), "%s/%s", test_dir(), to);
    return CHECK_INT(rename(old, new), 0);
}

#define LOG(name) "_delta_log/" name
#define COMMIT(version) LOG("0000000000000000000" #version ".json")
#define LEDGER "_varve/ledger/00000000000000000000-00000000000000000001.vl"
#define CHECKPOINT(version) LOG("0000000000000000000" #version ".checkpoint.parquet")

TEST_SECONDS(torn, files_of_a_whole_log_are_done_without_or_named, 300)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    varve_status code;
    struct vv_str message;
    REQUIRE(open_log(&fixture, false));
    struct vv_str right = state_of(&fixture, &code, &message);
    REQUIRE(right.len > 0);
    static const char *const caches[] = {LOG("_last_checkpoint"), CHECKPOINT(2),
        LOG("00000000000000000002.crc"), COMMIT(0), COMMIT(2)};
    for (size_t i = 0; i < VV_COUNT(caches); i++) {
        struct counts counts = cut_everywhere(&fixture, caches[i], right);
        CHECK_INT(counts.refused + counts.shorter, 0);
    }
    struct counts turned = flip_everywhere(&fixture, CHECKPOINT(2), right);
    CHECK_INT(turned.refused + turned.shorter, 0);
    static const char *const commits[] = {COMMIT(3), COMMIT(4)};
    for (size_t i = 0; i < VV_COUNT(commits); i++) {
        struct counts counts = cut_everywhere(&fixture, commits[i], right);
        CHECK_INT(counts.same, 1); /* but for its last line end */
        CHECK_INT(counts.shorter, 2);
        CHECK(counts.refused > 1000);
    }
}

TEST_SECONDS(torn, what_a_log_begins_with_is_in_the_ledger_too_or_it_is_named, 300)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    varve_status code;
    struct vv_str message;
    REQUIRE(open_log(&fixture, true));
    struct vv_str right = state_of(&fixture, &code, &message);
    REQUIRE(right.len > 0);
    REQUIRE(move(CHECKPOINT(4), "newest") && move(LOG("_last_checkpoint"), "hint"));
    struct counts counts = cut_everywhere(&fixture, CHECKPOINT(2), right);
    CHECK_INT(counts.refused + counts.shorter, 0); /* the ledger has the commits */
    REQUIRE(move("_varve/ledger", "ledger"));
    counts = cut_everywhere(&fixture, CHECKPOINT(2), right);
    CHECK_INT(counts.same + counts.shorter, 0);
    counts = flip_everywhere(&fixture, CHECKPOINT(2), right);
    CHECK_INT(counts.shorter, 0);
    CHECK_INT(cut_everywhere(&fixture, COMMIT(3), right).same, 1);
}

TEST_SECONDS(torn, a_file_of_the_ledger_is_whole_or_passed_over, 300)
{
    VV_CLEANUP(table_fixture_close) struct table_fixture fixture;
    varve_status code;
    struct vv_str message;
    REQUIRE(open_log(&fixture, true));
    struct vv_str right = state_of(&fixture, &code, &message);
    struct counts counts = cut_everywhere(&fixture, LEDGER, right);
    CHECK_INT(counts.refused + counts.shorter, 0); /* it is not needed for the newest */
    REQUIRE(move(CHECKPOINT(4), "newest") && move(LOG("_last_checkpoint"), "hint"));
    REQUIRE(move(CHECKPOINT(2), "old"));
    CHECK_STR(state_of(&fixture, &code, &message), right);
    counts = cut_everywhere(&fixture, LEDGER, right);
    CHECK_INT(counts.same + counts.shorter, 0);
}
