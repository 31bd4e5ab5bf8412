/*
 * The ledger and the clean-up of the log: what leaves the log is still there to be asked for.
 */
#include "base/buf.h"
#include "base/time.h"
#include "delta/checkpoint_write.h"
#include "delta/last_checkpoint.h"
#include "delta/log_clean.h"
#include "ledger_fixture.h"

#define DAY_MS INT64_C(86400000)

TEST(ledger, keeps_the_exact_bytes_and_times)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_list before = {0};
    struct vv_log_list after = {0};
    struct vv_str bytes[600];
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 599) && list_all(&f, &before));
    for (int64_t i = 0; i < 600; i++)
        CHECK_OK(op, vv_log_read(op, &f.log, i, &op->arena, &bytes[i]));
    REQUIRE(keep(&f, 590, 590) && keep(&f, 590, 0) && remove_commits(&f, 0, 589));
    REQUIRE(list_all(&f, &after) && CHECK_INT(after.commits.len, 600));
    for (size_t i = 0; i < 600; i++) {
        const struct vv_log_commit *commit = &after.commits.items[i];
        struct vv_str again = VV_STR_NONE;
        CHECK_INT(commit->version, i);
        CHECK_INT(commit->modified_us, before.commits.items[i].modified_us);
        CHECK_INT(commit->ledger_key.ptr != NULL, i < 590);
        CHECK_OK(op, vv_log_read_listed(op, &f.log, NULL, commit, &op->arena, &again));
        CHECK(vv_str_eq(again, bytes[i]));
    }
    CHECK_STR(after.commits.items[511].ledger_key, LEDGER_FILE("000", "511"));
    CHECK_STR(after.commits.items[512].ledger_key, LEDGER_FILE("512", "589"));
    /* The same by one reader, from file to file and back. */
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader reader = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    const size_t order[] = {589, 512, 511, 510, 0, 513, 589};
    for (size_t i = 0; i < VV_COUNT(order); i++) {
        const struct vv_log_commit *commit = &after.commits.items[order[i]];
        struct vv_str again = VV_STR_NONE;
        CHECK_OK(op, vv_ledger_reader_read(op, &f.log, &reader, commit, &op->arena, &again));
        CHECK(vv_str_eq(again, bytes[order[i]]));
    }
}

TEST(ledger, gives_old_versions_and_the_whole_history)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *old = NULL;
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    int64_t version = 0;
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 9) && keep(&f, 7, 7));
    REQUIRE(remove_commits(&f, 0, 6));
    CHECK_OK(op, vv_snapshot_load(op, &f.log, 3, &old));
    REQUIRE(old != NULL);
    CHECK_INT(old->files_len, 4);
    CHECK_INT(old->timestamp_ms, NOW_MS - 97000);
    f.plan.calls = 0;
    CHECK_OK(op, vv_log_history(op, &f.log, VV_NO_VERSION, 0, &op->arena, &entries, &len));
    REQUIRE(CHECK_INT(len, 10));
    /* The log and the ledger listed, three commits read; the ledger's file for its head and for all. */
    CHECK_INT(f.plan.calls, 7);
    CHECK_INT(entries[9].version, 0);
    CHECK_INT(entries[9].timestamp_ms, NOW_MS - 100000);
    CHECK_OK(op, vv_log_version_at(op, &f.log, (NOW_MS - 97500) * 1000, &version));
    CHECK_INT(version, 2);
    /* The last three need no ledger, and so not a whole one. */
    CHECK_OK(op, vv_store_put(op, f.store, VV_STR(LEDGER_FILE("000", "006")), VV_STR("x")));
    CHECK_OK(op, vv_log_history(op, &f.log, VV_NO_VERSION, 3, &op->arena, &entries, &len));
    CHECK_INT(len, 3);
}

TEST(ledger, records_what_was_gone_before_it)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *old = NULL;
    struct vv_history_entry *entries = NULL;
    struct vv_str file = VV_STR_NONE;
    size_t len = 0;
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 9) && keep(&f, 3, 3));
    REQUIRE(remove_commits(&f, 0, 5) && keep(&f, 8, 2) && remove_commits(&f, 6, 7));
    CHECK_OK(op,
        vv_store_get(op, f.store, &op->arena, VV_STR(LEDGER_FILE("006", "007")), &file));
    CHECK(vv_str_starts(file, VV_STR("{\"varveLedger\":1,\"missing\":[3,5],\"commits\":[")));
    CHECK_OK(op, vv_snapshot_load(op, &f.log, 2, &old));
    vv_snapshot_release(&old);
    CHECK_FAILS(op, vv_snapshot_load(op, &f.log, 4, &old), VARVE_ENOTFOUND);
    CHECK_FAILS(op, vv_snapshot_load(op, &f.log, 7, &old), VARVE_ENOTFOUND);
    CHECK_OK(op, vv_log_history(op, &f.log, VV_NO_VERSION, 0, &op->arena, &entries, &len));
    REQUIRE(CHECK_INT(len, 7));
    CHECK_INT(entries[3].version, 6);
    CHECK_INT(entries[4].version, 2);
}

TEST(ledger, keeps_again_what_lies_between_its_files)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_str file = VV_STR_NONE;
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 11));
    REQUIRE(keep(&f, 4, 4) && keep(&f, 8, 4) && keep(&f, 12, 4));
    REQUIRE_OK(op, vv_store_remove(op, f.store, VV_STR(LEDGER_FILE("004", "007"))));
    REQUIRE(remove_commits(&f, 4, 4) && keep(&f, 12, 3) && keep(&f, 12, 0));
    CHECK_OK(op,
        vv_store_get(op, f.store, &op->arena, VV_STR(LEDGER_FILE("005", "007")), &file));
    CHECK(vv_str_starts(file, VV_STR("{\"varveLedger\":1,\"missing\":[4,4],\"commits\":[")));
}

TEST(ledger, is_asked_for_the_bytes_and_not_for_names)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    struct vv_log_list list = {0};
    struct vv_str file = VV_STR_NONE;
    struct vv_op *op = &f.op;
    const struct vv_str key = VV_STR(LEDGER_FILE("002", "003"));
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 5) && keep(&f, 2, 2) && keep(&f, 4, 2));
    REQUIRE_OK(op, vv_log_list_read(op, &f.log, 0, &op->arena, &list));
    CHECK_OK(op, vv_ledger_check(op, &f.log, &list, 4));
    CHECK_FAILS(op, vv_ledger_check(op, &f.log, &list, 5), VARVE_ECORRUPT);
    /* The log is another: of other bytes, which the ledger is not to be taken for. */
    REQUIRE(remove_commits(&f, 3, 3) && put_numbered(&f, 3, NOW_MS) &&
            remove_commits(&f, 1, 1) && put_commit_at(&f, 1, FOREIGN_LINE "\n", NOW_MS));
    CHECK_OK(op, vv_ledger_check(op, &f.log, &list, 1));
    CHECK_FAILS(op, vv_ledger_check(op, &f.log, &list, 2), VARVE_ECORRUPT);
    REQUIRE(remove_commits(&f, 1, 1) && put_numbered(&f, 1, NOW_MS));
    /* Two files have it: one that is whole is enough. */
    REQUIRE_OK(op, vv_store_get(op, f.store, &op->arena, key, &file));
    REQUIRE_OK(op, vv_store_put(op, f.store, key, vv_str_first(file, file.len - 1)));
    CHECK_FAILS(op, vv_ledger_check(op, &f.log, &list, 4), VARVE_ECORRUPT);
    REQUIRE_OK(op, vv_store_put(op, f.store, VV_STR(LEDGER_FILE("002", "004")), file));
    CHECK_OK(op, vv_ledger_check(op, &f.log, &list, 4));
    /* What another clean-up has removed meanwhile is nothing that this one takes away. */
    REQUIRE(remove_commits(&f, 3, 3));
    CHECK_OK(op, vv_ledger_check(op, &f.log, &list, 4));
}

/* With one byte of a ledger file changed, each commit is told right, refused or not there. */
static void check_damage(struct fixture *f, const struct vv_str *bytes)
{
    struct vv_log_list list = {0};
    struct vv_op *op = &f->op;
    varve_status status = vv_ledger_extend(op, &f->log, &op->arena, &list);
    CHECK(status == VARVE_OK || status == VARVE_EUNSUPPORTED);
    vv_forgive(op);
    for (size_t i = 0; i < list.commits.len; i++) {
        struct vv_str again = VV_STR_NONE;
        const struct vv_log_commit *commit = &list.commits.items[i];
        status = vv_log_read_listed(op, &f->log, NULL, commit, &op->arena, &again);
        if (status == VARVE_OK)
            CHECK(commit->version < 3 && vv_str_eq(again, bytes[commit->version]));
        else
            CHECK_INT(status, VARVE_ECORRUPT);
        vv_forgive(op);
    }
}

TEST(ledger, never_gives_other_bytes_than_it_took)
{
    VV_CLEANUP(fixture_done) struct fixture f;
    VV_CLEANUP(vv_buf_done) struct vv_buf copy = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str bytes[3];
    struct vv_str file = VV_STR_NONE;
    const struct vv_str key = VV_STR(LEDGER_FILE("000", "002"));
    struct vv_op *op = &f.op;
    REQUIRE(fixture_init(&f) && put_many(&f, 0, 3) && keep(&f, 3, 3));
    for (int64_t i = 0; i < 3; i++)
        CHECK_OK(op, vv_log_read(op, &f.log, i, &op->arena, &bytes[i]));
    CHECK_OK(op, vv_store_get(op, f.store, &op->arena, key, &file));
    vv_buf_add(&copy, file);
    for (size_t i = 0; i < copy.len; i++) {
        copy.private_ptr[i] = (char)(copy.private_ptr[i] ^ 0x15);
        CHECK_OK(op, vv_store_put(op, f.store, key, vv_buf_str(&copy)));
        check_damage(&f, bytes);
        copy.private_ptr[i] = (char)(copy.private_ptr[i] ^ 0x15);
        CHECK_OK(op, vv_store_put(op, f.store, key, vv_str_first(file, i)));
        check_damage(&f, bytes);
    }
}

/* ---- Clean-up ------------------------------------------------------------------------------- */

/* The engine writes checkpoints: they need files. */
static bool move_to_disk(struct fixture *f)
{
    struct vv_op *op = &f->op;
    static int tables;
    char name[32];
    (void)snprintf(name, sizeof(name), "table%d", tables++);
    vv_store_close(&f->store);
    bool is_open = CHECK_OK(op, vv_store_open(op, vv_str_of(test_path(name)),
                                    &(struct vv_store_options){.create = true}, &f->store)) &&
                   CHECK_OK(op, vv_store_open_faulty(op, f->store, &f->plan, &f->store));
    f->log.store = f->store;
    return is_open;
}

/* Version i is of 99 - i days ago; checkpoints at 20, 40 and 60; 70 is the newest. */
static bool make_old_table(struct fixture *f, const char *configuration)
{
    struct vv_op *op = &f->op;
    char first[1024];
    (void)snprintf(first, sizeof(first),
        PROTOCOL_LINE "{\"metaData\":{\"id\":\"11111111-2222-3333-4444-555555555555\","
                      "\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"
                      "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\","
                      "\"partitionColumns\":[],\"configuration\":{%s},\"createdTime\":1}}\n",
        configuration);
    if (!fixture_init(f) || !move_to_disk(f) ||
        !CHECK_OK(op,
            vv_engine_open(op, &(struct vv_engine_options){.threads = 1}, &f->log.engine)) ||
        !put_commit_at(f, 0, first, NOW_MS - 99 * DAY_MS))
        return false;
    for (int64_t version = 1; version <= 70; version++) {
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        if (!put_numbered(f, version, NOW_MS - (99 - version) * DAY_MS))
            return false;
        if (version % 20 == 0 &&
            (!CHECK_OK(op, vv_snapshot_load(op, &f->log, version, &snapshot)) ||
                !CHECK_OK(op, vv_checkpoint_write(op, &f->log, snapshot))))
            return false;
    }
    return put_log_file(f, "00000000000000000005.crc", "{}", NOW_MS) &&
           put_log_file(f, "00000000000000000041.crc", "{}", NOW_MS) &&
           put_log_file(f, "00000000000000000005.00000000000000000009.compacted.json", "x",
               NOW_MS) &&
           put_log_file(f, "00000000000000000005.mine", "x", NOW_MS);
}

static void old_table_done(struct fixture *f)
{
    vv_engine_close(&f->log.engine);
    fixture_done(f);
}

static bool clean(struct fixture *f, struct vv_log_cleaned *out)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
    struct vv_op *op = &f->op;
    return CHECK_OK(op, vv_snapshot_load(op, &f->log, VV_NO_VERSION, &newest)) &&
           CHECK_OK(op, vv_log_clean(op, &f->log, newest, out));
}

/* Every version can be had, and has the files that it always had. */
static void check_all_versions(struct fixture *f)
{
    struct vv_op *op = &f->op;
    for (int64_t version = 0; version <= 70; version += 5) {
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        if (CHECK_OK(op, vv_snapshot_load(op, &f->log, version, &snapshot)))
            CHECK_INT(snapshot->files_len, version);
    }
}

TEST(log_clean, removes_what_is_older_than_the_retention_and_loses_nothing)
{
    VV_CLEANUP(old_table_done) struct fixture f;
    struct vv_log_cleaned cleaned;
    struct vv_objects objects = {0};
    struct vv_op *op = &f.op;
    /* 50 days ago was version 49: checkpoint 40 is the newest that is old enough. */
    REQUIRE(make_old_table(&f, "\"delta.logRetentionDuration\":\"interval 50 days\""));
    REQUIRE(clean(&f, &cleaned));
    CHECK_INT(cleaned.commits, 40);
    CHECK_INT(cleaned.kept_in_ledger, 40);
    CHECK_INT(cleaned.others,
        4); /* a checkpoint, its checksum and a foreign one, a compacted run */
    CHECK_INT(cleaned.first_version, 40);
    CHECK_OK(op,
        vv_store_list(op, f.store, &op->arena, VV_STR("_delta_log"), VV_STR_NONE, 0, &objects));
    REQUIRE(objects.len > 3);
    CHECK_STR(objects.items[0].key, "_delta_log/00000000000000000005.mine");
    CHECK_STR(objects.items[1].key, "_delta_log/00000000000000000040.checkpoint.parquet");
    CHECK_STR(objects.items[2].key, "_delta_log/00000000000000000040.crc");
    CHECK_STR(objects.items[3].key, "_delta_log/00000000000000000040.json");
    check_all_versions(&f);
    REQUIRE(clean(&f, &cleaned));
    CHECK_INT(cleaned.commits, 0);
    CHECK_INT(cleaned.first_version, VV_NO_VERSION);
}

/* A power cut may leave a hint that is older than the checkpoints: 20 of 20, 40 and 60. */
TEST(log_clean, leaves_no_hint_at_a_checkpoint_that_goes)
{
    VV_CLEANUP(old_table_done) struct fixture f;
    struct vv_log_cleaned cleaned;
    struct vv_op *op = &f.op;
    int64_t hint = 0;
    REQUIRE(make_old_table(&f, "\"delta.logRetentionDuration\":\"interval 50 days\""));
    REQUIRE_OK(op, vv_store_put(op, f.store, VV_STR(VV_LAST_CHECKPOINT_KEY),
                       VV_STR("{\"version\":20,\"size\":22}")));
    REQUIRE(clean(&f, &cleaned));
    CHECK_INT(cleaned.first_version, 40);
    REQUIRE_OK(op, vv_last_checkpoint_read(op, f.store, &hint));
    CHECK_INT(hint, VV_NO_VERSION);
    check_all_versions(&f);
}

static bool has_checkpoint(struct fixture *f, int64_t version)
{
    struct vv_log_list list = {0};
    bool has = false;
    if (CHECK_OK(&f->op, vv_log_list_read(&f->op, &f->log, 0, &f->op.arena, &list)))
        for (size_t i = 0; i < list.checkpoints.len; i++)
            has = has || list.checkpoints.items[i].version == version;
    return has;
}

static void check_versions_from(struct fixture *f, int64_t from)
{
    for (int64_t version = from; version <= 70; version++) {
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        if (CHECK_OK(&f->op, vv_snapshot_load(&f->op, &f->log, version, &snapshot)))
            CHECK_INT(snapshot->files_len, version);
    }
}

/* A table that was adopted: its first commits were cleaned up by others, no ledger has them. */
TEST(log_clean, keeps_the_checkpoint_that_the_commits_of_the_ledger_stand_on)
{
    VV_CLEANUP(old_table_done) struct fixture f;
    struct vv_log_cleaned cleaned;
    REQUIRE(make_old_table(&f, "\"delta.logRetentionDuration\":\"interval 50 days\""));
    REQUIRE(remove_commits(&f, 0, 9));
    check_versions_from(&f, 20);
    REQUIRE(clean(&f, &cleaned));
    CHECK_INT(cleaned.first_version, 40);
    CHECK(has_checkpoint(&f, 20));
    check_versions_from(&f, 20);
    test_clock_add(&f.clock, 20 * VV_US_PER_DAY);
    REQUIRE(clean(&f, &cleaned));
    CHECK_INT(cleaned.first_version, 60);
    CHECK(has_checkpoint(&f, 20) && !has_checkpoint(&f, 40));
    check_versions_from(&f, 20);
}

TEST(log_clean, keeps_the_checkpoint_behind_a_gap_of_the_ledger)
{
    VV_CLEANUP(old_table_done) struct fixture f;
    struct vv_log_cleaned cleaned;
    REQUIRE(make_old_table(&f, "\"delta.logRetentionDuration\":\"interval 30 days\""));
    REQUIRE(remove_commits(&f, 25, 30));
    REQUIRE(clean(&f, &cleaned));
    CHECK_INT(cleaned.first_version, 60);
    CHECK(!has_checkpoint(&f, 20) && has_checkpoint(&f, 40));
    check_versions_from(&f, 40);
    for (int64_t version = 0; version < 25; version++) {
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        CHECK_OK(&f.op, vv_snapshot_load(&f.op, &f.log, version, &snapshot));
    }
}

TEST(log_clean, is_stopped_by_damage_of_what_is_due_alone)
{
    static const struct {
        const char *days;
        int64_t damaged, first;
    } cases[] = {{"400", 35, VV_NO_VERSION}, {"50", 45, 40}, {"50", 35, -2}, {"50", 7, -2}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        VV_CLEANUP(old_table_done) struct fixture f;
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
        struct vv_log_cleaned cleaned;
        char configuration[100];
        int64_t version = cases[i].damaged;
        (void)snprintf(configuration, sizeof(configuration),
            "\"delta.logRetentionDuration\":\"interval %s days\"", cases[i].days);
        REQUIRE(make_old_table(&f, configuration) && remove_commits(&f, version, version));
        REQUIRE(put_commit_at(&f, version, "{\"add\":{\"pa", NOW_MS - (99 - version) * DAY_MS));
        REQUIRE_OK(&f.op, vv_snapshot_load(&f.op, &f.log, VV_NO_VERSION, &newest));
        varve_status status = vv_log_clean(&f.op, &f.log, newest, &cleaned);
        if (status == VARVE_OK) {
            CHECK_INT(cleaned.first_version, cases[i].first);
        } else {
            CHECK_INT(cases[i].first, -2);
            CHECK_INT(f.op.error.version, version);
            vv_forgive(&f.op);
        }
        REQUIRE(remove_commits(&f, version, version) &&
                put_numbered(&f, version, NOW_MS - (99 - version) * DAY_MS));
        check_all_versions(&f);
    }
}

/* A file of the ledger that was cut, altered or lost, or that is there by name alone. */
TEST(log_clean, leaves_commits_that_the_ledger_has_by_name_alone)
{
    static const struct {
        const char *name;
        size_t kept_bytes; /* of the whole file's; SIZE_MAX: all, one of them altered */
    } cases[] = {{"00000000000000000000-00000000000000000070.vl", 0},
        {"00000000000000000000-00000000000000000039.vl", 1000},
        {"00000000000000000000-00000000000000000039.vl", SIZE_MAX},
        {"00000000000000000000-09223372036854775807.vl", 0},
        {"00000000000000000010-00000000000000000019.vl", 0}};
    VV_CLEANUP(old_table_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
    struct vv_log_cleaned cleaned;
    struct vv_str whole = VV_STR_NONE;
    struct vv_op *op = &f.op;
    REQUIRE(make_old_table(&f, "\"delta.logRetentionDuration\":\"interval 50 days\""));
    REQUIRE_OK(op, vv_snapshot_load(op, &f.log, VV_NO_VERSION, &newest));
    REQUIRE(keep(&f, 40, 40));
    REQUIRE_OK(op,
        vv_store_get(op, f.store, &op->arena, VV_STR(LEDGER_FILE("000", "039")), &whole));
    REQUIRE_OK(op, vv_store_remove(op, f.store, VV_STR(LEDGER_FILE("000", "039"))));
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_str key = vv_arena_format(&op->arena, VV_LEDGER_FOLDER "/%s", cases[i].name);
        char *bytes = vv_new(&op->arena, char, whole.len);
        bool is_altered = cases[i].kept_bytes > whole.len;
        REQUIRE(key.ptr != NULL && bytes != NULL);
        memcpy(bytes, whole.ptr, whole.len);
        bytes[whole.len - 1] ^= is_altered;
        REQUIRE_OK(op,
            vv_store_put(op, f.store, key,
                (struct vv_str){bytes, is_altered ? whole.len : cases[i].kept_bytes}));
        CHECK_INT(vv_log_clean(op, &f.log, newest, &cleaned), VARVE_ECORRUPT);
        CHECK(strstr(op->error.message, cases[i].name) != NULL);
        vv_forgive(op);
        CHECK(has_checkpoint(&f, 20));
        REQUIRE_OK(op, vv_store_remove(op, f.store, key));
        check_all_versions(&f);
    }
    REQUIRE(clean(&f, &cleaned));
    CHECK_INT(cleaned.commits, 40);
    check_all_versions(&f);
}

TEST(log_clean, keeps_what_it_is_told_to_keep)
{
    static const char *const configurations[] = {
        "\"delta.logRetentionDuration\":\"interval 400 days\"",
        "\"delta.enableExpiredLogCleanup\":\"false\"",
        "\"delta.logRetentionDuration\":\"interval 50 fortnights\"",
        "\"delta.logRetentionDuration\":\"interval 80 days\""};
    for (size_t i = 0; i < VV_COUNT(configurations); i++) {
        VV_CLEANUP(old_table_done) struct fixture f;
        struct vv_log_cleaned cleaned;
        printf("# %s\n", configurations[i]);
        REQUIRE(make_old_table(&f, configurations[i]) && clean(&f, &cleaned));
        CHECK_INT(cleaned.commits + cleaned.others + cleaned.kept_in_ledger, 0);
    }
}

TEST(log_clean, does_nothing_for_the_sake_of_a_checkpoint_that_cannot_be_read)
{
    VV_CLEANUP(old_table_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
    struct vv_log_cleaned cleaned;
    struct vv_op *op = &f.op;
    REQUIRE(make_old_table(&f, "\"delta.logRetentionDuration\":\"interval 50 days\""));
    CHECK_OK(op,
        vv_store_put(op, f.store, VV_STR("_delta_log/00000000000000000040.checkpoint.parquet"),
            VV_STR("PAR1 no more PAR1")));
    CHECK_OK(op, vv_snapshot_load(op, &f.log, VV_NO_VERSION, &newest));
    CHECK_FAILS(op, vv_log_clean(op, &f.log, newest, &cleaned), VARVE_ECORRUPT);
    check_all_versions(&f);
}

TEST_SECONDS(log_clean, a_store_that_fails_anywhere_leaves_every_version, 240)
{
    VV_CLEANUP(old_table_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *newest = NULL;
    struct vv_log_cleaned cleaned;
    uint32_t failures = 0;
    struct vv_op *op = &f.op;
    REQUIRE(make_old_table(&f, "\"delta.logRetentionDuration\":\"interval 50 days\""));
    CHECK_OK(op, vv_snapshot_load(op, &f.log, VV_NO_VERSION, &newest));
    for (uint32_t at = 1; at < 1000; at++) {
        f.plan = (struct vv_fault_plan){.kind = VV_FAULT_REFUSE, .at = at};
        varve_status status = vv_log_clean(op, &f.log, newest, &cleaned);
        f.plan = (struct vv_fault_plan){0};
        vv_forgive(op);
        if (at % 3 == 0 || status == VARVE_OK)
            check_all_versions(&f);
        if (status == VARVE_OK)
            break;
        failures++;
    }
    CHECK(failures > 20 && failures < 999);
}

/* ---- Checkpoints -------------------------------------------------------------------------------- */

struct checksum_fault {
    struct vv_fault_plan *plan;
    int puts;
};

static void fail_checksum(void *data, const char *call, struct vv_str key)
{
    struct checksum_fault *fault = data;
    bool is_checksum = strcmp(call, "put_if_absent") == 0 && vv_str_ends(key, VV_STR(".crc"));
    fault->puts += is_checksum;
    fault->plan->at = is_checksum ? fault->plan->calls + 1 : 0;
}

TEST(checkpoint_write, stands_though_its_checksum_cannot_be_written)
{
    VV_CLEANUP(old_table_done) struct fixture f;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_object object;
    struct vv_op *op = &f.op;
    REQUIRE(make_old_table(&f, ""));
    REQUIRE_OK(op, vv_snapshot_load(op, &f.log, 50, &snapshot));
    for (int kind = VV_FAULT_REFUSE; kind <= VV_FAULT_LOSE_REPLY; kind++) {
        struct checksum_fault fault = {.plan = &f.plan};
        f.plan = (struct vv_fault_plan){
            .kind = (enum vv_fault_kind)kind, .before = fail_checksum, .before_data = &fault};
        CHECK_OK(op, vv_checkpoint_write(op, &f.log, snapshot));
        CHECK_INT(fault.puts, 1);
        f.plan = (struct vv_fault_plan){0};
        CHECK_OK(op,
            vv_store_head(op, f.store,
                VV_STR("_delta_log/00000000000000000050.checkpoint.parquet"), &object));
        varve_status status =
            vv_store_head(op, f.store, VV_STR("_delta_log/00000000000000000050.crc"), &object);
        CHECK_INT(status, kind == VV_FAULT_REFUSE ? VARVE_ENOTFOUND : VARVE_OK);
        vv_forgive(op);
    }
}
