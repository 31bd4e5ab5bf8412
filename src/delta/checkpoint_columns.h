/*
 * The columns of a checkpoint that is written, as SQL over the JSON lines of its actions.
 */
#ifndef VV_DELTA_CHECKPOINT_COLUMNS_H
#define VV_DELTA_CHECKPOINT_COLUMNS_H

#include "delta/snapshot.h"

/*
 * Appends "SELECT txn, add, remove, metaData, protocol, domainMetadata FROM table": `column` of
 * `table` holds one line a row. `add` has `stats` unless delta.checkpoint.writeStatsAsJson is
 * false, and `stats_parsed` and `partitionValues_parsed` where
 * delta.checkpoint.writeStatsAsStruct is true.
 */
varve_status vv_checkpoint_select(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_str table, struct vv_str column, struct vv_buf *out_sql);

#endif
