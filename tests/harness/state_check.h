/*
 * A table come to in every way there is: what its latest version is as the log lies there, what
 * it is by the commits alone (those that only the ledger still has among them), and what it is
 * through a checkpoint that is written now. A checkpoint is a cache, so all must be one state.
 *
 * The fixtures of tables call it when they are closed, the program state_check for the tables that
 * other tests leave in folders.
 */
#ifndef VARVE_TEST_STATE_CHECK_H
#define VARVE_TEST_STATE_CHECK_H

#include <stdio.h>

#include "delta/log.h"
#include "harness/test.h"

/* The ways that there were. None: the table can't be read as it is, and nothing was compared. */
struct test_state_ways {
    bool by_log;            /* as it lies there */
    bool by_old_checkpoint; /* and that was by a checkpoint */
    bool by_commits;
    bool by_new_checkpoint; /* written into another store */
};

/*
 * Compares; false where two ways differ or one fails that has to be there, with the reasons in
 * `report`. Only reads what `log` holds. `log->engine` may be NULL: one of its own is used.
 */
bool test_state_check(const struct vv_env *env, const struct vv_log_handle *log,
    struct test_state_ways *out, struct vv_buf *report);

/*
 * For fixtures: fails the case where the table of `store` (rooted at it) fails the check. Not in
 * state_check.c, so that a program without cases can have that.
 */
static inline void test_state_require(const struct vv_env *env, struct vv_store *store,
    struct vv_engine *engine)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    struct test_state_ways ways;
    const struct vv_log_handle log = {store, engine};
    if (!CHECK(test_state_check(env, &log, &ways, &report)))
        printf("# %s\n", vv_buf_str(&report).ptr);
}

#endif
