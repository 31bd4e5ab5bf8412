/*
 * Writing checkpoints: the state of a version in one classic Parquet file, so that readers need
 * not replay the log. A checkpoint is a cache: the table is the same without it.
 */
#ifndef VV_DELTA_CHECKPOINT_WRITE_H
#define VV_DELTA_CHECKPOINT_WRITE_H

#include "delta/log.h"
#include "delta/snapshot.h"

/* Every so many versions a checkpoint is due: delta.checkpointInterval, 10 by default. */
int64_t vv_checkpoint_interval(const struct vv_metadata *metadata);

/*
 * Writes the checkpoint of a snapshot's version, reads it back, and lets `_last_checkpoint` point
 * to it unless that names a newer one already; beside it the version's checksum (checksum.h), which
 * may fail without a failure of the checkpoint. Nothing but a whole checkpoint is ever visible under
 * its name. EUNSUPPORTED where the table wants V2 checkpoints.
 */
varve_status vv_checkpoint_write(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot);

#endif
