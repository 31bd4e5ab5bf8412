/*
 * Checkpoints of a table: on demand, and by themselves after a commit.
 */
#ifndef VV_TABLE_CHECKPOINT_H
#define VV_TABLE_CHECKPOINT_H

#include "table/table.h"

/* Writes the checkpoint of the latest version. */
varve_status vv_table_checkpoint(struct vv_op *op, struct vv_table *table,
    int64_t *out_version);

/*
 * After the commit of `version`: writes a checkpoint where delta.checkpointInterval says that one
 * is due. The commit stands whatever happens here: failures only go to the log.
 */
void vv_table_checkpoint_if_due(struct vv_op *op, struct vv_table *table, int64_t version);

#endif
