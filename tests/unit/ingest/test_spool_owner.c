/* Whose a spool is, copies, clocks, and what a process leaves that was killed. */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/hash.h"
#include "base/seam.h"
#include "harness/proc.h"
#include "spool_folder.h"

/* What a child says while it lives; shared with its parent. */
struct diary {
    uint64_t accepted, durable, removed, number_used;
    uint64_t is_ready;
};

static struct diary *diary_new(void)
{
    void *at = mmap(NULL, sizeof(struct diary), PROT_READ | PROT_WRITE,
        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    VV_PRE(at != MAP_FAILED);
    return at;
}

static void note(uint64_t *entry, uint64_t value)
{
    __atomic_store_n(entry, value, __ATOMIC_SEQ_CST);
}

static int hold(void *data)
{
    struct diary *diary = data;
    struct spool_fixture f;
    spool_fixture_init(&f);
    if (!spool_open(&f, "spool"))
        return 1;
    note(&diary->is_ready, 1);
    for (;;)
        (void)pause();
}

TEST(spool_owner, is_one_process_and_the_other_is_told_which)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    struct diary *diary = diary_new();
    struct test_proc proc;
    char who[64];
    spool_fixture_init(&f);
    REQUIRE(test_proc_fork(&proc, hold, diary));
    while (__atomic_load_n(&diary->is_ready, __ATOMIC_SEQ_CST) == 0)
        (void)usleep(1000);
    varve_status status =
        vv_spool_open(&f.op, vv_str_of(test_path("spool")), &f.options, &f.recovery, &f.spool);
    CHECK_INT(status, VARVE_ECONFLICT);
    (void)snprintf(who, sizeof(who), "process %ld on ", (long)proc.pid);
    CHECK(strstr(f.op.error.message, who) != NULL);
    vv_forgive(&f.op);
    struct vv_str json;
    bool is_sound = false;
    CHECK_OK(&f.op,
        vv_spool_inspect(&f.op, vv_str_of(test_path("spool")), &f.op.arena, &json, &is_sound));
    CHECK(is_sound && strstr(json.ptr, who) != NULL);
    test_proc_kill(&proc, SIGKILL);
    CHECK_INT(test_proc_wait(&proc, 30000), 128 + SIGKILL);
    REQUIRE(spool_open(&f, "spool"));
    CHECK(put_rows(&f, "a", 1, 1));
}

TEST(spool_owner, a_second_one_in_the_same_process_is_refused_too)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    struct vv_spool *second = NULL;
    REQUIRE(spool_open(&f, "spool"));
    CHECK_FAILS(&f.op,
        vv_spool_open(&f.op, vv_str_of(test_path("spool")), &f.options, NULL, &second),
        VARVE_ECONFLICT);
    CHECK(put_rows(&f, "a", 1, 1));
}

static int idle(void *data)
{
    while (data == NULL)
        (void)pause();
    return 0;
}

TEST(spool_owner, a_child_that_was_forked_keeps_no_spool_that_is_closed)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    struct test_proc worker;
    spool_fixture_init(&f);
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(put_rows(&f, "a", 1, 1));
    REQUIRE(test_proc_fork(&worker, idle, NULL));
    REQUIRE(spool_close(&f));
    CHECK(spool_open(&f, "spool"));
    test_proc_kill(&worker, SIGKILL);
    CHECK_INT(test_proc_wait(&worker, 30000), 128 + SIGKILL);
}

/* A program with a spool, and a worker of its that outlives it. */
static int hold_and_fork(void *data)
{
    struct diary *diary = data;
    struct spool_fixture f;
    spool_fixture_init(&f);
    if (!spool_open(&f, "spool") || !put_rows(&f, "a", 1, 10))
        return 1;
    pid_t worker = fork();
    if (worker < 0)
        return 1;
    if (worker > 0)
        note(&diary->number_used, (uint64_t)worker);
    if (worker == 0)
        note(&diary->is_ready, 1);
    for (;;)
        (void)pause();
}

TEST(spool_owner, a_child_that_was_forked_keeps_no_spool_of_a_killed_parent)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    struct diary *diary = diary_new();
    struct test_proc proc;
    spool_fixture_init(&f);
    REQUIRE(test_proc_fork(&proc, hold_and_fork, diary));
    while (__atomic_load_n(&diary->is_ready, __ATOMIC_SEQ_CST) == 0 ||
           __atomic_load_n(&diary->number_used, __ATOMIC_SEQ_CST) == 0)
        (void)usleep(1000);
    /* While its parent lives the spool is that one's. */
    CHECK_FAILS(&f.op,
        vv_spool_open(&f.op, vv_str_of(test_path("spool")), &f.options, &f.recovery, &f.spool),
        VARVE_ECONFLICT);
    test_proc_kill(&proc, SIGKILL);
    CHECK_INT(test_proc_wait(&proc, 30000), 128 + SIGKILL);
    CHECK(spool_open(&f, "spool"));
    CHECK_INT(f.recovery.rows, 10);
    (void)kill((pid_t)diary->number_used, SIGKILL);
}

TEST(spool_owner, a_copy_is_refused_until_it_is_adopted_under_a_new_id)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    char id[64];
    char command[2000];
    spool_fixture_init(&f);
    REQUIRE(spool_open(&f, "spool"));
    (void)snprintf(id, sizeof(id), "%s", vv_spool_app_id(f.spool).ptr);
    REQUIRE(put_rows(&f, "a", 1, 10));
    REQUIRE(spool_close(&f));
    (void)snprintf(command, sizeof(command), "cp -a '%s' '%s/copy'", test_path("spool"),
        test_dir());
    REQUIRE(system(command) == 0);
    CHECK_FAILS(&f.op,
        vv_spool_open(&f.op, vv_str_of(test_path("copy")), &f.options, &f.recovery, &f.spool),
        VARVE_EUSAGE);
    f.options.adopt = true;
    REQUIRE(spool_open(&f, "copy"));
    CHECK(strcmp(vv_spool_app_id(f.spool).ptr, id) != 0);
    CHECK_INT(f.recovery.rows, 10);
    CHECK(see_sealed(&f).in_order);
    REQUIRE(spool_close(&f));
    f.options.adopt = false;
    REQUIRE(spool_open(&f, "copy")); /* its own from now on */
    REQUIRE(spool_close(&f));
    f.options.adopt = true; /* nothing to adopt: nothing changes */
    REQUIRE(spool_open(&f, "spool"));
    CHECK_STR(vv_spool_app_id(f.spool), id);
}

TEST(spool_owner, a_spool_of_a_later_version_is_left_alone)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    struct folder folder;
    REQUIRE(spool_open(&f, "spool"));
    REQUIRE(spool_close(&f));
    REQUIRE(folder_read(&folder, test_path("spool")));
    struct folder_file *header = folder_find(&folder, "spool");
    REQUIRE(header != NULL);
    char *bytes = vv_new(&f.op.arena, char, header->content.len);
    REQUIRE(bytes != NULL);
    memcpy(bytes, header->content.ptr, header->content.len);
    for (size_t at = 0; at < 3 * 4096; at += 4096) {
        bytes[at + 8] = 2;
        uint64_t sum = vv_xxh3((struct vv_str){bytes + at, 120});
        memcpy(bytes + at + 120, &sum, sizeof(sum));
    }
    REQUIRE(write_in_place(folder.path, "spool", (struct vv_str){bytes, header->content.len}));
    CHECK_FAILS(&f.op, vv_spool_open(&f.op, vv_str_of(folder.path), &f.options, NULL, &f.spool),
        VARVE_EUNSUPPORTED);
}

static int64_t jumping_clock(void *data)
{
    int64_t *calls = data;
    static const int64_t jumps[] = {0, 5000000, -3600000000, 1, -1, 86400000000};
    int64_t base = INT64_C(1764000000000000);
    return base + jumps[(*calls)++ % (int64_t)VV_COUNT(jumps)];
}

TEST(spool_owner, arrivals_rise_whatever_the_clock_does)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    int64_t calls = 0;
    struct vv_env env = *vv_env_system();
    env.now_us = jumping_clock;
    env.now_data = &calls;
    spool_fixture_init(&f);
    f.op.env = &env;
    int64_t newest = INT64_MIN;
    uint64_t number = 0;
    for (uint64_t round = 0; round < 4; round++) {
        REQUIRE(spool_open(&f, "spool"));
        REQUIRE(put_rows(&f, "a", round * 20 + 1, 20));
        REQUIRE_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
        struct rows_seen seen = see_sealed(&f); /* in_order: each later than the one before */
        CHECK(seen.in_order);
        CHECK_INT(seen.first, round * 20 + 1);
        struct rows_seen again = {.in_order = true, .newest_arrival_us = newest};
        (void)see_segment(&f, number, &again); /* and than those that are gone */
        CHECK(again.in_order);
        newest = seen.newest_arrival_us;
        REQUIRE_OK(&f.op, vv_spool_remove(&f.op, f.spool, number));
        REQUIRE(spool_close(&f));
    }
}

#define ROWS 40

static int live(void *data)
{
    struct diary *diary = data;
    struct spool_fixture f;
    uint64_t number = 0;
    spool_fixture_init(&f);
    f.options.segment_bytes = 12288;
    f.options.sync_interval_us = 1000;
    if (!spool_open(&f, "spool"))
        return 1;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < ROWS; i++) {
            uint64_t sequence = try_put(&f, i % 2 == 0 ? "a" : "b", diary->accepted + 1);
            if (sequence != diary->accepted + 1)
                return 2;
            note(&diary->accepted, sequence);
        }
        if (vv_spool_wait_durable(&f.op, f.spool, diary->accepted) != VARVE_OK)
            return 3;
        note(&diary->durable, diary->accepted);
        if (round == 2 || vv_spool_seal(&f.op, f.spool, &number) != VARVE_OK)
            continue;
        note(&diary->number_used, number);
        uint64_t *numbers;
        size_t len;
        if (vv_spool_sealed(&f.op, f.spool, &f.op.arena, &numbers, &len) != VARVE_OK)
            return 4;
        struct rows_seen seen = {.in_order = true, .newest_arrival_us = INT64_MIN};
        (void)see_segment(&f, numbers[0], &seen);
        note(&diary->removed, seen.last);
        if (vv_spool_remove(&f.op, f.spool, numbers[0]) != VARVE_OK)
            return 5;
    }
    spool_fixture_done(&f);
    return 0;
}

static const char *child_seams;

static int live_with_seams(void *data)
{
    vv_seam_set(child_seams);
    return live(data);
}

static void check_left(const struct diary *diary)
{
    struct spool_fixture f;
    spool_fixture_init(&f);
    if (spool_open(&f, "spool")) {
        struct rows_seen seen = see_sealed(&f);
        uint64_t last = seen.rows > 0 ? seen.last : diary->removed;
        CHECK(seen.in_order);
        CHECK(last == diary->accepted || last == diary->accepted + 1);
        CHECK(seen.rows == 0 || seen.first <= diary->removed + 1);
        CHECK_INT(f.recovery.rows_cut, 0);
        CHECK_INT(try_put(&f, "a", 0), last + 1);
        struct vv_spool_stats stats;
        vv_spool_stats(f.spool, &stats);
        CHECK(stats.open_number > diary->number_used);
        (void)spool_close(&f);
    }
    spool_fixture_done(&f);
}

static void remove_spool(void)
{
    char command[600];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", test_path("spool"));
    CHECK_INT(system(command), 0);
}

/* Killed at its n-th passage of a seam. False: it does not come there so often. */
static bool kill_at(const char *seam, unsigned nth)
{
    struct diary *diary = diary_new();
    struct test_proc proc;
    char seams[200];
    (void)snprintf(seams, sizeof(seams), "crash=%s:%u", seam, nth);
    child_seams = seams;
    remove_spool();
    bool was_killed = false;
    if (CHECK(test_proc_fork(&proc, live_with_seams, diary))) {
        int status = test_proc_wait(&proc, 30000);
        was_killed = status == 128 + SIGKILL;
        CHECK(was_killed || status == 0);
        check_left(diary);
    }
    (void)munmap(diary, sizeof(*diary));
    return was_killed;
}

TEST_SECONDS(spool_owner, killed_at_every_seam_leaves_what_it_accepted, 240)
{
    struct diary *diary = diary_new();
    struct test_proc proc;
    char list[400];
    unsigned kills = 0;
    unsigned names = 0;
    (void)snprintf(list, sizeof(list), "list=%s", test_path("seams"));
    child_seams = list;
    REQUIRE(test_proc_fork(&proc, live_with_seams, diary));
    REQUIRE(CHECK_INT(test_proc_wait(&proc, 60000), 0));
    struct vv_str passed = test_file_read(test_path("seams"));
    struct vv_str seen = VV_STR(" ");
    struct vv_str name;
    struct vv_arena arena = VV_ARENA_INIT(1 << 24);
    while (vv_str_split(&passed, '\n', &name)) {
        struct vv_str mark = vv_arena_format(&arena, " %.*s ", VV_ARG(name));
        if (!vv_str_starts(name, VV_STR("spool.")) || strstr(seen.ptr, mark.ptr) != NULL)
            continue;
        seen = vv_arena_format(&arena, "%s%s", seen.ptr, mark.ptr);
        const char *text = vv_arena_str(&arena, name).ptr;
        names++;
        for (unsigned nth = 1; nth <= 4; nth++)
            kills += kill_at(text, nth == 4 ? 17 : nth);
    }
    vv_arena_done(&arena);
    printf("# %u kills at %u seams\n", kills, names);
    CHECK(names >= 10 && kills >= 30);
}

/* Killed in a put, then in the recovery from that. False: recovery has not come by the seam. */
static bool kill_twice(const char *seam)
{
    struct diary *diary = diary_new();
    struct diary *other = diary_new();
    struct test_proc proc;
    char text[100];
    bool was_killed = false;
    remove_spool();
    child_seams = "crash=spool.appended:77";
    if (!CHECK(test_proc_fork(&proc, live_with_seams, diary)))
        return true;
    CHECK_INT(test_proc_wait(&proc, 30000), 128 + SIGKILL);
    (void)snprintf(text, sizeof(text), "crash=%s:1", seam);
    child_seams = text;
    if (CHECK(test_proc_fork(&proc, live_with_seams, other)))
        was_killed = test_proc_wait(&proc, 30000) == 128 + SIGKILL;
    if (was_killed)
        check_left(diary);
    (void)munmap(diary, sizeof(*diary));
    (void)munmap(other, sizeof(*other));
    return was_killed;
}

TEST_SECONDS(spool_owner, killed_within_recovery_it_is_recovered_again, 240)
{
    static const char *const seams[] = {"spool.recover_copied", "spool.recover_slotted",
        "spool.recover_sealed", "spool.recover_dropped", "spool.header_written",
        "spool.header_synced", "spool.made", "spool.made_durable"};
    for (size_t i = 0; i < VV_COUNT(seams); i++) {
        bool was_killed = false;
        /* Whether there is a spare file to drop is a matter of the thread that makes it. */
        for (int tries = 0; tries < 50 && !was_killed; tries++)
            was_killed = kill_twice(seams[i]);
        CHECK(was_killed);
    }
}
