/*
 * Which files can hold rows for a simple predicate? A plan: reads no data file.
 *
 * Conjunctions of comparisons of a column with constants. Unknown keeps the file.
 */
#ifndef VV_TABLE_PRUNE_H
#define VV_TABLE_PRUNE_H

#include "delta/snapshot.h"
#include "delta/stats.h"
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

#endif
