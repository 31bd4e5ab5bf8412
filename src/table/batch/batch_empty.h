/*
 * Empty texts in partition columns. Delta keeps the values of these in the log, where an empty one is
 * NULL for every engine: it becomes NULL on the way in, and whoever sent it is told.
 */
#ifndef VV_TABLE_BATCH_BATCH_EMPTY_H
#define VV_TABLE_BATCH_BATCH_EMPTY_H

#include "table/batch/batch.h"
#include "table/batch/validate.h"

/* A warning in the log for each such column of the inputs of `plans`, whose rows are in work->batch. */
varve_status vv_batch_tell_empty(struct vv_op *op, struct vv_work *work,
    const struct vv_table *table, const struct vv_plan *plans, size_t plans_len);

#endif
