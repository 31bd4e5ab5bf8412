/*
 * The commit: the one place where a change of a table becomes true.
 *
 * A commit is the file of its version in the log, created with put-if-absent. Before: nothing has
 * happened. After: everything has. Data files are durable before (the caller published them). A
 * store that does not answer leaves a third state, in doubt, which the loop turns back into a
 * fact by reading the slot and comparing commitInfo.txnId.
 */
#ifndef VV_DELTA_COMMIT_H
#define VV_DELTA_COMMIT_H

#include "delta/action.h"
#include "delta/chain.h"
#include "delta/log.h"
#include "delta/snapshot.h"

enum vv_verdict {
    VV_VERDICT_REBASE, /* the winner does not matter to us: the same actions, the next version */
    VV_VERDICT_REPLAN  /* it does: plan anew at a newer snapshot */
};

struct vv_commit_request {
    const struct vv_snapshot
        *read; /* the version that was read; NULL creates the table (version 0) */
    const struct vv_chain_link
        *below; /* to `read`, where it is known (chain_ahead.h), or NULL */
    const struct vv_actions *actions; /* all but commitInfo; `version` is ignored */
    struct vv_str operation;          /* "MERGE" */
    struct vv_str parameters_json;    /* an object */
    struct vv_str metrics_json;       /* an object */
    struct vv_str user_name;          /* none: the login of the process */
    struct vv_str user_metadata;      /* none: absent */
    bool is_blind_append;             /* nothing was read */
    uint32_t attempts_max;            /* of the whole operation, at least 1 */
    uint32_t
        attempts_used; /* by earlier plans of it; counts, and back-off goes on from there */
    /*
     * Asked for each commit that took a version before us, oldest first, with all its actions.
     * A failure ends the commit. The winner lives in the arena of `op`. NULL: every winner means
     * VV_VERDICT_REPLAN.
     */
    varve_status (*judge)(struct vv_op *op, void *data, const struct vv_actions *winner,
        enum vv_verdict *out);
    void *judge_data;
    /*
     * The turn among the writers of this log: taken before the first put where it is {0} and left
     * taken, so that the next plan of the same operation meets no new rival of this machine. The
     * caller gives it. NULL: one of this call alone.
     */
    struct vv_turn *turn;
};

enum vv_commit_outcome {
    VV_COMMIT_DONE,
    VV_COMMIT_REPLAN /* nothing was written; a verdict was REPLAN */
};

struct vv_commit_result {
    enum vv_commit_outcome outcome;
    int64_t version;      /* DONE: ours */
    uint32_t attempts;    /* tries of this call */
    int64_t timestamp_ms; /* DONE: of our version */
};

/*
 * ECONFLICT: attempts_max used up; nothing was written. For version 0: somebody else created the
 * table. EUNKNOWN: it may have been written, and that could not be found out: delete nothing,
 * retry with the same txn. Any other failure: nothing was written.
 */
varve_status vv_commit(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_commit_request *request, struct vv_commit_result *out);

#endif
