/*
 * What is done aside is done whole before it is waited for, or is said not to be; it ends when it is
 * stopped, and when the caller is cancelled.
 */
#include "base/aside.h"

#include "harness/test.h"

struct work {
    bool waits; /* until it is cancelled */
    bool fails;
    bool is_done;
};

static varve_status run(struct vv_op *op, void *data)
{
    struct work *work = data;
    while (work->waits) {
        VV_TRY(vv_check_cancel(op));
        vv_sleep_us(op, 100);
    }
    if (work->fails)
        return vv_fail(op, VARVE_EIO, "it fails");
    work->is_done = true;
    return VARVE_OK;
}

TEST(aside, is_done_when_it_was_waited_for)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct work work = {.waits = false};
    struct vv_aside *aside = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    vv_aside_begin(&op, run, &work, &aside);
    REQUIRE(aside != NULL);
    CHECK(vv_aside_wait(&op, &aside));
    CHECK(work.is_done && aside == NULL);
    CHECK(!vv_aside_wait(&op, &aside)); /* there is none any more */
}

TEST(aside, that_fails_is_not_done_and_the_caller_goes_on)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct work work = {.fails = true};
    struct vv_aside *aside = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    vv_aside_begin(&op, run, &work, &aside);
    REQUIRE(aside != NULL);
    CHECK(!vv_aside_wait(&op, &aside));
    CHECK_INT(op.error.code, VARVE_OK);
}

TEST(aside, ends_when_it_is_stopped)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct work work = {.waits = true};
    struct vv_aside *aside = NULL;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    vv_aside_begin(&op, run, &work, &aside);
    REQUIRE(aside != NULL);
    vv_aside_stop(&aside);
    CHECK(!work.is_done && aside == NULL);
    vv_aside_stop(&aside);
}

TEST(aside, ends_when_the_caller_is_cancelled)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    atomic_bool cancel = true;
    struct vv_env env = *vv_env_system();
    struct work work = {.waits = true};
    struct vv_aside *aside = NULL;
    env.cancel = &cancel;
    vv_op_init(&op, &env, VV_OP_BYTES_DEFAULT);
    vv_aside_begin(&op, run, &work, &aside);
    REQUIRE(aside != NULL);
    CHECK(!vv_aside_wait(&op, &aside));
    CHECK(!work.is_done);
}
