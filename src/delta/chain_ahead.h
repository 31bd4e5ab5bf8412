/*
 * The link of the next commit to the one before it (chain.h), found while what it is to commit is
 * still being written: behind very many commits of other software that takes as long as reading all
 * of these.
 */
#ifndef VV_DELTA_CHAIN_AHEAD_H
#define VV_DELTA_CHAIN_AHEAD_H

#include "base/aside.h"
#include "delta/chain.h"
#include "delta/snapshot.h"

struct vv_chain_ahead {
    struct vv_aside *aside; /* at work */
    struct vv_log_handle log;
    struct vv_chain_link link; /* once it is known; of which commit it is in any case */
    bool is_begun, is_known;
};

/*
 * For a commit upon `snapshot`, where it is worth a thread; {0} in `ahead` where nothing has begun.
 * One that has begun is left alone.
 */
void vv_chain_ahead_begin(const struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, struct vv_chain_ahead *ahead);
/* Waits for it. NULL: there is none for a commit upon `snapshot`. */
const struct vv_chain_link *vv_chain_ahead_link(struct vv_op *op, struct vv_chain_ahead *ahead,
    const struct vv_snapshot *snapshot);
void vv_chain_ahead_done(struct vv_chain_ahead *ahead);

#endif
