/*
 * Which files can hold rows for a condition? A plan: reads no data file. Unknown keeps the file.
 */
#ifndef VV_TABLE_READ_PRUNE_H
#define VV_TABLE_READ_PRUNE_H

#include "delta/snapshot.h"
#include "delta/stats.h"
#include "table/read/predicate.h"
#include "table/rules.h"

struct vv_range {
    int32_t column;            /* index into the schema */
    struct vv_value low, high; /* kind NONE: open */
    bool high_excluded;        /* low is included */
};

struct vv_ranges {
    const struct vv_range *items;
    size_t len;
};

/*
 * Files of the snapshot that may hold a row within all ranges. A range on the source of a
 * partition column (varve.partitionFrom) prunes by the partition value too, where the file is
 * known to obey it.
 */
varve_status vv_prune(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_ranges *ranges, const struct vv_file ***out_files, size_t *out_len);

/* What became of the files of a snapshot. */
struct vv_pruned {
    const struct vv_file **files; /* to be read */
    size_t files_len;
    size_t by_partition;  /* ruled out by their partition values */
    size_t by_statistics; /* by what their statistics say */
};

/* Files that may hold a row for which the predicate is true; NULL: all. */
varve_status vv_prune_where(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_predicate *predicate, struct vv_pruned *out);

#endif
