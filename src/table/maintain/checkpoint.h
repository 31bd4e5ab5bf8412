/*
 * Checkpoints of a table: on demand, and by themselves after a commit.
 */
#ifndef VV_TABLE_MAINTAIN_CHECKPOINT_H
#define VV_TABLE_MAINTAIN_CHECKPOINT_H

#include "delta/log_clean.h"
#include "table/table.h"

/*
 * Writes the checkpoint of the latest version, then cleans up the log (delta/log_clean.h). Where
 * the second fails the checkpoint stands all the same, and the error says so.
 */
varve_status vv_table_checkpoint(struct vv_op *op, struct vv_table *table, int64_t *out_version,
    struct vv_log_cleaned *out_cleaned);

/*
 * After the commit of `version`: writes a checkpoint where one is due (vv_checkpoint_interval; with
 * table->checkpoints_elsewhere: is long due), and cleans up the log after the first one of each UTC
 * day: its cut-off is a midnight. Where the interval goes by the size of the table one that others
 * have written lately will do.
 * The commit stands whatever happens here: failures only go to the log. Of a large table a thread
 * writes it (checkpoint_errand.h), which has ended when the table is closed.
 */
void vv_table_checkpoint_if_due(struct vv_op *op, struct vv_table *table, int64_t version);

#endif
