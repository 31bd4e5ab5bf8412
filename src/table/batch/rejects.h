/*
 * The rows that a batch cannot take: which, where they stand in the input, and why.
 *
 * The temporary table `batch_rejects` has a row for each rule that a bad row breaks:
 *     _row        BIGINT   number of the row over all inputs, from 1
 *     _input      BIGINT   index of the input's plan
 *     _input_row  BIGINT   number of the row in its input
 *     _breach     BIGINT   index among the rules of that input; the lowest weighs most
 *     "column", "value", rule  VARCHAR
 */
#ifndef VV_TABLE_BATCH_REJECTS_H
#define VV_TABLE_BATCH_REJECTS_H

#include "table/batch/validate.h"

#define VV_REJECTS_TABLE "batch_rejects"

/*
 * Makes the table, from the rows of work->batch with _bad: of all of them, or of the first
 * VV_BATCH_REJECTS_MAX.
 */
varve_status vv_rejects_make(struct vv_op *op, const struct vv_work *work,
    const struct vv_plan *plans, size_t plans_len, bool all);
/*
 * Appends a line of NDJSON for each rejected row (docs/format-quarantine.md), in the order of the
 * input. The table must hold all of them.
 */
varve_status vv_rejects_write(struct vv_op *op, struct vv_session *session,
    const struct vv_table *table, const struct vv_plan *plans, size_t plans_len,
    struct vv_buf *out);
/* Fails with EINVALID, the first bad row in the message, the others of the table in the detail. */
varve_status vv_rejects_fail(struct vv_op *op, struct vv_session *session,
    const struct vv_plan *plans, size_t plans_len, int64_t rows_bad, int64_t rows_in);

#endif
