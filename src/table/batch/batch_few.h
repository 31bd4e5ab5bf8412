/*
 * A batch in memory, counted and grouped by its keys without a statement: for a few hundred rows
 * the engine takes longer to be asked than the answer does. What equals what is as the engine has
 * it: NaN is one value, and so is zero.
 */
#ifndef VV_TABLE_BATCH_BATCH_FEW_H
#define VV_TABLE_BATCH_BATCH_FEW_H

#include "table/read/candidates.h"
#include "table/batch/validate.h"

struct vv_batch_counts {
    int64_t rows, bad;
    int64_t
        keys; /* different ones, of rows that are not bad; their number where all may stay */
    int64_t twice;       /* rows that are not bad with a time that the zone has twice */
    int64_t warned;      /* rows that are not bad and break a warn-level rule */
    int64_t *by_warning; /* and which; in the order of the rules */
    int64_t runs;        /* of rows of one partition, in a table of many rows; 0: not known */
    bool is_ascending;   /* and their keys ascend, row by row; false: not known */
};

/* Not for tables with decimals among their key and partition columns. */
bool vv_few_can_count(const struct vv_schema *schema, const struct vv_rules *rules);

/* `bad` and `keys`, of rows as table/batch/batch.h has them. */
varve_status vv_few_count(struct vv_op *op, const struct vv_rowset *batch,
    const struct vv_plan *plan, bool dedupe, struct vv_batch_counts *counts);

/* The groups of candidates.h, in the order in which their first rows come. */
varve_status vv_few_groups(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rowset *batch, const struct vv_schema *schema, const struct vv_rules *rules,
    struct vv_key_group **out, size_t *out_len);

#endif
