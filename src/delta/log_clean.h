/*
 * Clean-up of the log: what delta.logRetentionDuration lets go, after the ledger has it.
 *
 * The newest checkpoint that is at least as old as the retention and as every tag and hold, counted from the start of the
 * UTC day, becomes the oldest state that the log alone can give; everything below goes, oldest
 * commits first, so that a crash leaves a log whose younger end is whole. Its own commit stays:
 * times and the chain need it. Older checkpoints stay where the ledger does not reach down to version
 * 0, or has a gap: its commits stand on them. So no version is lost that could be put together, nor
 * one that somebody tags meanwhile.
 */
#ifndef VV_DELTA_LOG_CLEAN_H
#define VV_DELTA_LOG_CLEAN_H

#include "delta/snapshot.h"

struct vv_log_cleaned {
    size_t commits;        /* removed from the log */
    size_t others;         /* checkpoints, checksums, compacted files */
    size_t kept_in_ledger; /* commits that the ledger had not had before */
    int64_t first_version; /* the oldest that the log alone gives */
};

/*
 * `newest`: the latest version, for its properties. Does nothing where
 * delta.enableExpiredLogCleanup is false, or where the table has the feature
 * checkpointProtection. A failure leaves a whole log: try again later.
 */
varve_status vv_log_clean(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *newest, struct vv_log_cleaned *out);

#endif
