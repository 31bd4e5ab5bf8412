/*
 * The harness tested by itself. Cases whose module is `victim` fail on purpose, each in one way,
 * and pass by doing nothing unless VARVE_TEST_VICTIM is set; the cases of `harness` run this very
 * program with it and read what it reports.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/clock_fake.h"
#include "harness/proc.h"
#include "harness/prop.h"
#include "harness/test.h"

static bool is_victim(void)
{
    return getenv("VARVE_TEST_VICTIM") != NULL;
}

TEST(victim, has_false_checks)
{
    if (!is_victim())
        return;
    CHECK(1 + 1 == 3);
    CHECK_INT(7, 8);
    CHECK_INT(-1, UINT64_MAX);
    CHECK_DOUBLE(0.0, -0.0);
    CHECK_STR("varve", VV_STR("varvf"));
    CHECK_STR("", (const char *)NULL);
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    CHECK_OK(&op, vv_fail(&op, VARVE_EIO, "the disk is gone"));
    CHECK_FAILS(&op, VARVE_OK, VARVE_EIO);
    (void)vv_fail(&op, VARVE_EUSAGE, "twice");
    CHECK_STATUS(&op, VARVE_EIO);
}

TEST(victim, crashes)
{
    if (is_victim())
        raise(SIGSEGV);
}

TEST_SECONDS(victim, hangs, 1)
{
    if (is_victim())
        pause();
}

TEST(victim, exits_early)
{
    if (is_victim())
        _exit(3);
}

TEST(victim, fails_with_a_seed)
{
    if (!is_victim())
        return;
    struct prop prop = prop_start();
    CHECK(prop_chance(&prop, 0));
}

TEST(victim, leaves_a_process_and_a_folder_behind)
{
    if (!is_victim())
        return;
    /* The folder is named on the way out; a process of this group must not outlive the case. */
    printf("# folder %s\n", test_dir());
    REQUIRE(test_file_write(test_path("file"), VV_STR("x")));
    REQUIRE(mkdir(test_path("closed"), 0700) == 0);
    REQUIRE(test_file_write(test_path("closed/file"), VV_STR("x")));
    REQUIRE(chmod(test_path("closed"), 0) == 0);
    if (fork() == 0) {
        pause();
        _exit(0);
    }
}

TEST(victim, skips)
{
    if (is_victim())
        SKIP("no reason");
}

/* Runs one victim; the report lies in proc->out_path. */
static int run_victim(struct test_proc *proc, const char *only, const char *setting)
{
    const char *const argv[] = {"/proc/self/exe", "--only", only, NULL};
    /* A limit that somebody has set for a slow build is none for what is to hang. */
    const char *const env[] = {"VARVE_TEST_VICTIM=1", "VARVE_TEST_SECONDS=", setting, NULL};
    if (!test_proc_start(proc, argv, env))
        return TEST_PROC_LOST;
    return test_proc_wait(proc, 30000);
}

static bool says(const struct test_proc *proc, const char *text)
{
    bool found = strstr(test_file_read(proc->out_path).ptr, text) != NULL;
    if (!found)
        printf("# not found: %s\n", text);
    return found;
}

TEST(harness, every_false_check_is_reported_with_its_values)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "victim.has_false_checks", NULL), 1);
    CHECK(says(&proc, "1..1\n"));
    CHECK(says(&proc, "test_harness.c:"));
    CHECK(says(&proc, "1 + 1 == 3 does not hold\n"));
    CHECK(says(&proc, "7 is 7, not 8\n"));
    CHECK(says(&proc, "-1 is -1, not 18446744073709551615 (0xffffffffffffffff)\n"));
    CHECK(says(&proc, "0.0 is 0, not -0\n"));
    CHECK(says(&proc, "is \"varve\", not \"varvf\" (5 and 5 bytes, from byte 4 on)\n"));
    CHECK(says(&proc, "is \"\", not \"(NULL)\""));
    CHECK(says(&proc, "returned IO, not OK; recorded is IO: the disk is gone\n"));
    CHECK(says(&proc, "returned OK, not IO; recorded is OK: nothing\n"));
    CHECK(says(&proc, "&op is USAGE, not IO: twice\n"));
    CHECK(says(&proc, "# 9 checks failed\n"));
    CHECK(says(&proc, "not ok 1 - victim: has false checks\n"));
    CHECK(says(&proc, "0 passed, 1 failed, 0 skipped\n"));
}

TEST(harness, a_crash_fails_its_case)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "victim.crashes", NULL), 1);
    CHECK(says(&proc, "not ok 1 - victim: crashes\n"));
}

TEST(harness, a_hang_is_killed_at_the_limit)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "victim.hangs", NULL), 1);
    CHECK(says(&proc, "# still ran after 1 s and was killed\nnot ok 1 - victim: hangs\n"));
}

TEST(harness, an_early_exit_fails_its_case)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "victim.exits_early", NULL), 1);
    CHECK(says(&proc, "# exit status 3"));
}

TEST(harness, a_skip_is_counted_apart)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "victim.skips", NULL), 0);
    CHECK(says(&proc, "ok 1 - victim: skips # SKIP no reason\n"));
    CHECK(says(&proc, "0 passed, 0 failed, 1 skipped\n"));
}

TEST(harness, the_seed_of_a_failure_is_printed_and_obeyed)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "victim.fails_with_a_seed", "VARVE_TEST_SEED=4711"), 1);
    CHECK(says(&proc, "# repeat with VARVE_TEST_SEED=4711\n"));
}

TEST(harness, a_pattern_without_a_case_is_a_failure)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "no such case", NULL), 1);
    CHECK(says(&proc, "0 passed, 0 failed, 0 skipped\n"));
}

TEST(harness, nothing_is_left_behind)
{
    struct test_proc proc;
    CHECK_INT(run_victim(&proc, "victim.leaves", NULL), 0);
    struct vv_str report = test_file_read(proc.out_path);
    const char *folder = strstr(report.ptr, "# folder ");
    REQUIRE(folder != NULL);
    folder += strlen("# folder ");
    char path[256];
    snprintf(path, sizeof(path), "%.*s", (int)strcspn(folder, "\n"), folder);
    CHECK(access(path, F_OK) != 0);
}

TEST(harness, list_names_the_cases)
{
    struct test_proc proc;
    const char *const argv[] = {"/proc/self/exe", "--list", NULL};
    CHECK_INT(test_proc_run(&proc, argv, 5000), 0);
    CHECK(says(&proc, "victim.has_false_checks\nvictim.crashes\n"));
}

static int die_by_signal(void *data)
{
    (void)data;
    raise(SIGKILL);
    return 0;
}

static int wait_for_a_signal(void *data)
{
    (void)data;
    pause();
    return 0;
}

TEST(harness, processes_end_with_status_signal_or_timeout)
{
    struct test_proc proc;
    const char *const argv[] = {"sh", "-c", "echo $VV_A; echo oops >&2; exit 5", NULL};
    const char *const env[] = {"VV_A=one", NULL};
    REQUIRE(test_proc_start(&proc, argv, env));
    CHECK_INT(test_proc_wait(&proc, 5000), 5);
    CHECK_STR(test_file_read(proc.out_path), "one\n");
    CHECK_STR(test_file_read(proc.err_path), "oops\n");
    CHECK_INT(test_proc_wait(&proc, 5000), TEST_PROC_LOST);

    REQUIRE(test_proc_fork(&proc, die_by_signal, NULL));
    CHECK_INT(test_proc_wait(&proc, 5000), 128 + SIGKILL);

    REQUIRE(test_proc_fork(&proc, wait_for_a_signal, NULL));
    CHECK_INT(test_proc_wait(&proc, 20), TEST_PROC_TIMEOUT);
    test_proc_kill(&proc, SIGTERM);
    CHECK_INT(test_proc_wait(&proc, 5000), 128 + SIGTERM);
}

TEST(harness, fake_clock_moves_when_told_or_slept_on)
{
    struct test_clock clock;
    test_clock_init(&clock, 1000);
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &clock.env, VV_OP_BYTES_DEFAULT);
    CHECK_INT(vv_now_us(&op), 1000);
    vv_sleep_us(&op, 250);
    CHECK_INT(vv_now_us(&op), 1250);
    test_clock_add(&clock, -500);
    CHECK_INT(vv_now_us(&op), 750);
    CHECK_INT(atomic_load(&clock.sleeps), 1);
    CHECK_INT(atomic_load(&clock.slept_us), 250);
    CHECK_OK(&op, vv_check_cancel(&op));
    atomic_store(&clock.cancel, true);
    CHECK_FAILS(&op, vv_check_cancel(&op), VARVE_EINTERRUPTED);
}

TEST(harness, generators_keep_their_promises)
{
    struct prop prop = prop_start();
    struct prop again = prop_start();
    bool has_min = false;
    bool has_max = false;
    bool has_nan = false;
    for (int i = 0; i < 20000; i++) {
        REQUIRE(prop_u64(&prop) == prop_u64(&again));
        int64_t number = prop_int(&prop, -3, 5);
        REQUIRE(number >= -3 && number <= 5);
        REQUIRE(prop_int(&again, -3, 5) == number);
        has_min = has_min || number == -3;
        has_max = has_max || number == 5;
        double real = prop_double(&prop);
        has_nan = has_nan || real != real;
        char text[9];
        struct vv_str word = prop_str(&prop, text, 8, "ab");
        REQUIRE(word.len <= 8);
        for (size_t c = 0; c < word.len; c++)
            REQUIRE(word.ptr[c] == 'a' || word.ptr[c] == 'b');
        struct vv_str unicode = prop_utf8(&prop, text, 8);
        REQUIRE(unicode.len <= 8 && vv_utf8_valid(unicode));
        again = prop;
    }
    CHECK(has_min && has_max && has_nan);
    (void)prop_int(&prop, INT64_MIN, INT64_MAX);
}

TEST(harness, shuffling_loses_nothing)
{
    struct prop prop = prop_start();
    int items[50];
    for (int i = 0; i < 50; i++)
        items[i] = i;
    prop_shuffle(&prop, items, VV_COUNT(items), sizeof(items[0]));
    int sum = 0;
    int moved = 0;
    for (int i = 0; i < 50; i++) {
        sum += items[i];
        moved += items[i] != i;
    }
    CHECK_INT(sum, 49 * 50 / 2);
    CHECK(moved > 25);
}
