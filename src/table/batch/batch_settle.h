/*
 * From all rows of a batch to those that are compared with the table: how many are bad, how many
 * keys there are, and one row a key.
 *
 * Where the rows come as values in memory, as those of the batch writer do, the relation is a view
 * of them. Nothing is copied: a row whose place another one of its key takes is marked as beaten in
 * memory, and the view that settles leaves it out. A view has no bad rows: if there are any, the
 * rows go to tables first (vv_input_demote_cells).
 */
#ifndef VV_TABLE_BATCH_BATCH_SETTLE_H
#define VV_TABLE_BATCH_BATCH_SETTLE_H

#include "table/batch/batch_few.h"

/* What the rows of an input in memory are to the table, as a view. */
varve_status vv_batch_view(struct vv_op *op, const struct vv_plan *plan,
    struct vv_relation *relation);
/*
 * What is in work->batch; counts->rows is set, by_warning has room. Few rows in memory are counted
 * here: the engine would take longer to be asked. Of a view the beaten rows are marked.
 */
varve_status vv_batch_count(struct vv_op *op, struct vv_work *work, const struct vv_plan *plan,
    struct vv_batch_counts *counts);
/* work->batch without bad rows and with one row a key. `plan`: of its first input. */
varve_status vv_batch_settle(struct vv_op *op, struct vv_work *work, const struct vv_plan *plan,
    bool has_bad, bool has_duplicates, const struct vv_relation **out);

#endif
