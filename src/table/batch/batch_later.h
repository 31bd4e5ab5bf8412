/*
 * Rows without an order value of their own whose key is stored with one that the clock is not ahead
 * of. Such a row is the newest on arrival: its value is the one that follows the stored one.
 *
 * Which rows these are is known when the batch was compared with the table. It is prepared again
 * then (batch.h, options.has_later), so that the value is there before anything is computed of it or
 * judged by it: generated columns, CHECKs, warn-level rules, what a type can hold. What is wrong with
 * it is a fault of the row.
 *
 * temp.batch_later has the rows: _row BIGINT (of the batch), _o (the stored value, in its type; the
 * greatest counts).
 */
#ifndef VV_TABLE_BATCH_BATCH_LATER_H
#define VV_TABLE_BATCH_BATCH_LATER_H

#include "table/batch/batch.h"

#define VV_BATCH_LATER "temp.batch_later"

/* The rows of a SELECT of _row and _o: in the place of those that are there, or beside them. */
varve_status vv_batch_later_add(struct vv_op *op, struct vv_work *work, struct vv_str select,
    bool replace);
/*
 * And the rows of work->batch that have the key of one of them, for if that one is rejected, each of
 * them might be the next to take its place. *out_has_more: there were some.
 */
varve_status vv_batch_later_spread(struct vv_op *op, struct vv_work *work,
    const struct vv_rules *rules, bool *out_has_more);

#endif
