/*
 * The statistics of a file as columns of a checkpoint (stats_parsed): their type, and their values.
 */
#ifndef VV_DELTA_CHECKPOINT_STATS_H
#define VV_DELTA_CHECKPOINT_STATS_H

#include "delta/snapshot.h"

/*
 * An entry in the footer of a checkpoint of ours: its stats_parsed are what the statistics say. In
 * those of earlier builds bounds of decimals went through a double, and may be too narrow.
 */
#define VV_CHECKPOINT_STATS "varve.stats"
#define VV_CHECKPOINT_STATS_EXACT "exact"

/*
 * Appends what vv_checkpoint_stats_sql takes of a file's statistics, as one line of JSON. A bound
 * that is no value of its column's type is left out: it would be cast to one that is not said.
 * Nothing is appended where the text is no JSON. Fails for memory alone.
 */
varve_status vv_checkpoint_stats(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_str stats, struct vv_buf *out);
/* Appends stats_parsed: `column` holds such a line, or NULL. */
varve_status vv_checkpoint_stats_sql(struct vv_op *op, const struct vv_snapshot *snapshot,
    const char *column, struct vv_buf *sql);

#endif
