/*
 * The columns of a checkpoint that is written, as SQL over the JSON lines of its actions.
 */
#ifndef VV_DELTA_CHECKPOINT_COLUMNS_H
#define VV_DELTA_CHECKPOINT_COLUMNS_H

#include "delta/snapshot.h"

/* The rows that go in. */
struct vv_checkpoint_lines {
    struct vv_str table;
    struct vv_str line;   /* column: the JSON line of an action */
    struct vv_str parsed; /* column: of a file the line of vv_checkpoint_stats, or NULL */
};

/* Whether the table asks for stats_parsed (delta.checkpoint.writeStatsAsStruct). */
bool vv_checkpoint_has_parsed(const struct vv_snapshot *snapshot);
/*
 * Appends "SELECT txn, add, remove, metaData, protocol, domainMetadata FROM table". `add` has
 * `stats` unless delta.checkpoint.writeStatsAsJson is false, and `stats_parsed` and
 * `partitionValues_parsed` where delta.checkpoint.writeStatsAsStruct is true.
 */
varve_status vv_checkpoint_select(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_checkpoint_lines *lines, struct vv_buf *out_sql);

#endif
