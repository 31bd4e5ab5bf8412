/*
 * Writing checkpoints: the state of a version in one classic Parquet file, so that readers need
 * not replay the log. A checkpoint is a cache: the table is the same without it.
 */
#ifndef VV_DELTA_CHECKPOINT_WRITE_H
#define VV_DELTA_CHECKPOINT_WRITE_H

#include "delta/log.h"
#include "delta/snapshot.h"

#define VV_CHECKPOINT_INTERVAL_DEFAULT 10

struct vv_checkpoint_interval {
    int64_t commits; /* from one checkpoint to the next */
    bool is_set;     /* by delta.checkpointInterval */
};
/*
 * delta.checkpointInterval, to the letter. Where that is not set, 10; of a state of so many rows
 * that to write them costs more than to replay ten commits, 20, 40, 80 and so on: a checkpoint is
 * worth it when to read the commits since the last one has cost about as much (docs/adr/0016).
 */
struct vv_checkpoint_interval vv_checkpoint_interval(const struct vv_snapshot *snapshot);

/*
 * Writes the checkpoint of a snapshot's version, reads it back, and lets `_last_checkpoint` point
 * to it unless that names a newer one already; beside it the version's checksum (checksum.h), which
 * may fail without a failure of the checkpoint. Nothing but a whole checkpoint is ever visible under
 * its name. EUNSUPPORTED where the table wants V2 checkpoints.
 */
varve_status vv_checkpoint_write(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot);

#endif
