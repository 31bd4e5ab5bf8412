/*
 * Checkpoints: the state of a version in one file or a few, so that a table opens without its
 * whole log. Classic, multi-part and V2 (with sidecars) are read.
 */
#ifndef VV_DELTA_CHECKPOINT_H
#define VV_DELTA_CHECKPOINT_H

#include "delta/log.h"
#include "delta/replay.h"

/*
 * Hands the rows of a checkpoint to a replay, below the commits that it has seen already.
 * A file that can't be read (ENOTFOUND, EIO, ECORRUPT, EFAILED by the engine) leaves the replay
 * in the middle: throw it away, and go back to an older checkpoint. So does one that is not as it was
 * written (checkpoint_mark.h).
 * `*out_is_whole`: the checkpoint had a protocol and a metaData, as each must have.
 */
varve_status vv_checkpoint_read(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_checkpoint_ref *checkpoint, struct vv_replay *replay, bool *out_is_whole);

#endif
