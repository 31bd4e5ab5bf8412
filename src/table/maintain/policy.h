/*
 * What a table wants done to it by itself: its properties, and what they are where they are not
 * set. A value that makes no sense, as other software may have left it, is taken for the default,
 * with a warning in the log.
 *
 *     varve.maintain                 true: maintenance looks after the table
 *     delta.autoOptimize.autoCompact true: partitions that are written to are compacted
 *     varve.maintain.tierFiles       8: so many files of one size become one (tiers.h)
 *     delta.targetFileSize           100 MB
 *     varve.maintain.sealAfter       1 hour: a day's partition is laid out for good so long after
 *                                    the day's end and the last row
 *     varve.maintain.reclusterAfter  7 days: what was laid out and has changed, so long afterwards
 *     varve.maintain.vacuumEvery     1 day
 *     delta.checkpointInterval       10 commits
 *     delta.deletedFileRetentionDuration, delta.logRetentionDuration, delta.enableExpiredLogCleanup:
 *                                    vacuum.h, delta/log_clean.h
 */
#ifndef VV_TABLE_MAINTAIN_POLICY_H
#define VV_TABLE_MAINTAIN_POLICY_H

#include "table/maintain/tiers.h"
#include "table/table.h"

struct vv_policy {
    bool is_on;
    bool compacts;
    struct vv_tier_rule tiers;
    int64_t seal_after_us;
    int64_t recluster_after_us;
    int64_t vacuum_every_us;
    int64_t checkpoint_every; /* commits */
    struct vv_str zorder;     /* columns parted by commas; len 0: packing */
    bool is_clustered; /* they are the clustering columns, which optimize goes by itself */
};

/* In the operation's arena, by the table's current snapshot. */
varve_status vv_policy_read(struct vv_op *op, const struct vv_table *table,
    struct vv_policy *out);
/* delta.targetFileSize where it is a size, else 100 MB: whoever wants to know asks this. */
int64_t vv_policy_target(const struct vv_op *op, struct vv_str table_name,
    const struct vv_metadata *metadata);

#endif
