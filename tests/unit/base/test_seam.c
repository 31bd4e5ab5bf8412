#include "base/seam.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

#include "dies.h"
#include "harness/test.h"

TEST(seam, unarmed_ones_do_nothing)
{
    vv_seam_set(NULL);
    vv_crash_point("commit.linked");
    CHECK(!vv_fault_point("store.put"));
    vv_seam_set("");
    CHECK(!vv_fault_point("store.put"));
}

TEST(seam, a_fault_comes_at_its_passage_only)
{
    vv_seam_set("fail=store.put:2,fail=store.get");
    CHECK(!vv_fault_point("store.put"));
    CHECK(!vv_fault_point("store.list"));
    CHECK(vv_fault_point("store.put"));
    CHECK(!vv_fault_point("store.put"));
    CHECK(vv_fault_point("store.get"));
    CHECK(!vv_fault_point("store.get"));
    vv_seam_set("fail=store.put:2");
    CHECK(!vv_fault_point("store.put"));
    CHECK(vv_fault_point("store.put"));
}

TEST(seam, crash_and_fault_points_are_told_apart)
{
    vv_seam_set("crash=store.put");
    CHECK(!vv_fault_point("store.put"));
}

static void pass_three_times(void)
{
    vv_crash_point("commit.linked");
    vv_crash_point("commit.synced");
    vv_crash_point("commit.linked");
    vv_crash_point("commit.linked");
}

TEST(seam, a_crash_is_a_kill_at_its_passage)
{
    vv_seam_set("crash=commit.linked:3");
    CHECK_INT(signal_of(pass_three_times), SIGKILL);
    vv_seam_set("crash=commit.linked:4");
    CHECK_INT(signal_of(pass_three_times), 0);
}

static void pass_a_fault(void)
{
    CHECK(!vv_fault_point("store.put"));
    CHECK(!vv_fault_point("store.put"));
}

TEST(seam, an_interrupt_comes_at_points_of_either_kind)
{
    vv_seam_set("interrupt=commit.linked:3");
    CHECK_INT(signal_of(pass_three_times), SIGINT);
    vv_seam_set("interrupt=commit.linked:4");
    CHECK_INT(signal_of(pass_three_times), 0);
    vv_seam_set("interrupt=store.put:2");
    CHECK_INT(signal_of(pass_a_fault), SIGINT);
}

TEST(seam, list_names_every_seam_passed)
{
    const char *path = test_path("seams");
    char spec[200];
    snprintf(spec, sizeof(spec), "list=%s", path);
    vv_seam_set(spec);
    pass_three_times();
    CHECK(!vv_fault_point("store.put"));
    vv_seam_set(NULL);
    CHECK_STR(test_file_read(path),
        "commit.linked\ncommit.synced\ncommit.linked\ncommit.linked\nstore.put\n");
}

TEST(seam, points_are_listed_without_what_can_only_fail)
{
    const char *path = test_path("points");
    char spec[200];
    snprintf(spec, sizeof(spec), "points=%s", path);
    vv_seam_set(spec);
    pass_three_times();
    CHECK(!vv_fault_point("store.put"));
    vv_seam_set(NULL);
    CHECK_STR(test_file_read(path),
        "commit.linked\ncommit.synced\ncommit.linked\ncommit.linked\n");
}

static const char *wrong_spec;

static void set_wrong_spec(void)
{
    vv_seam_set(wrong_spec);
}

TEST(seam, a_wish_that_is_misspelt_is_a_defect)
{
    static const char *const wrong[] = {
        "commit.linked", "kill=a", "crash=", "crash=a:0", "fail=a:x", "fail=a:-1", "crash=:1"};
    for (size_t i = 0; i < VV_COUNT(wrong); i++) {
        wrong_spec = wrong[i];
        CHECK_INT(signal_of(set_wrong_spec), SIGABRT);
    }
}

/* As a process that starts with the environment set. */
static void crash_by_environment(void)
{
    (void)setenv("VARVE_TEST_SEAMS", "crash=commit.linked:2", 1);
    pass_three_times();
}

TEST(seam, the_environment_is_read_at_the_first_passage)
{
    CHECK_INT(signal_of(crash_by_environment), SIGKILL);
}

TEST(seam, the_nth_allocation_fails_once)
{
    vv_seam_fail_allocation(3);
    void *pieces[4];
    pieces[0] = vv_malloc(10);
    pieces[1] = vv_malloc_zeroed(10);
    pieces[2] = vv_realloc(NULL, 10);
    pieces[3] = vv_malloc(10);
    CHECK(pieces[0] != NULL);
    CHECK(pieces[1] != NULL);
    CHECK(pieces[2] == NULL);
    CHECK(pieces[3] != NULL);
    for (size_t i = 0; i < VV_COUNT(pieces); i++)
        vv_free(pieces[i]);

    vv_seam_fail_allocation(1);
    vv_seam_fail_allocation(0);
    void *piece = vv_malloc(0);
    CHECK(piece != NULL);
    vv_free(piece);
}
