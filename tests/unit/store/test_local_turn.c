/* The turn of the writers in a folder: one at a time, given back by dying, never in the way. */
#include <signal.h>
#include <unistd.h>

#include "base/time.h"
#include "fixture.h"
#include "harness/proc.h"

#define LONG_US 20000000
#define SHORT_US 30000

static int hold_for_ever(void *data)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_turn turn;
    if (!fixture_open_local(&fixture, "root", true))
        return 1;
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), LONG_US, &turn);
    if (turn.give == NULL || !test_file_write(data, VV_STR("held")))
        return 1;
    for (;;)
        (void)pause();
}

TEST(local_turn, is_one_at_a_time_and_comes_back_when_given)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_turn first;
    struct vv_turn second;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/0", "bytes");
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), LONG_US, &first);
    REQUIRE(first.give != NULL);
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), SHORT_US, &second);
    CHECK(second.give == NULL);
    vv_turn_give(&second);
    vv_turn_give(&first);
    CHECK(first.give == NULL);
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), 0, &second);
    CHECK(second.give != NULL);
    vv_turn_give(&second);
    vv_turn_give(&second);
}

TEST(local_turn, of_another_folder_is_another)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_turn first;
    struct vv_turn second;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "a/0", "bytes");
    put(&fixture, "b/0", "bytes");
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("a"), 0, &first);
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("b"), 0, &second);
    CHECK(first.give != NULL && second.give != NULL);
    vv_turn_give(&first);
    vv_turn_give(&second);
}

TEST(local_turn, of_a_killed_process_is_free)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    char held[300];
    struct test_proc proc;
    struct vv_turn turn;
    (void)snprintf(held, sizeof(held), "%s", test_path("held"));
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/0", "bytes");
    REQUIRE(test_proc_fork(&proc, hold_for_ever, held));
    for (int i = 0; i < 4000 && access(held, F_OK) != 0; i++)
        (void)usleep(10000);
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), SHORT_US, &turn);
    CHECK(turn.give == NULL);
    test_proc_kill(&proc, SIGKILL);
    CHECK_INT(test_proc_wait(&proc, 30000), 128 + SIGKILL);
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), 0, &turn);
    CHECK(turn.give != NULL);
    vv_turn_give(&turn);
}

static int idle(void *data)
{
    while (data == NULL)
        (void)pause();
    return 0;
}

TEST(local_turn, is_not_kept_by_a_child_that_was_forked_meanwhile)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct test_proc worker;
    struct vv_turn turn;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    put(&fixture, "log/0", "bytes");
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), 0, &turn);
    REQUIRE(turn.give != NULL);
    REQUIRE(test_proc_fork(&worker, idle, NULL));
    vv_turn_give(&turn);
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), 0, &turn);
    CHECK(turn.give != NULL);
    vv_turn_give(&turn);
    test_proc_kill(&worker, SIGKILL);
    CHECK_INT(test_proc_wait(&worker, 30000), 128 + SIGKILL);
}

TEST(local_turn, is_no_condition_for_anything)
{
    VV_CLEANUP(fixture_done) struct fixture fixture = {0};
    struct vv_turn turn;
    REQUIRE(fixture_open_local(&fixture, "root", true));
    vv_store_take_turn(&fixture.op, fixture.store, VV_STR("log"), LONG_US, &turn);
    CHECK(turn.give == NULL); /* the folder is not there yet */
    CHECK_INT(put_if_absent(&fixture, "log/0", "bytes"), VV_PUT_CREATED);

    VV_CLEANUP(fixture_done) struct fixture memory = {0};
    REQUIRE(fixture_open(&memory, KIND_MEMORY));
    vv_store_take_turn(&memory.op, memory.store, VV_STR("log"), LONG_US, &turn);
    CHECK(turn.give == NULL);
}
