/*
 * For upsert_compare.c: the comparison of few rows with few small files, without a statement.
 */
#ifndef VV_TABLE_UPSERT_UPSERT_COMPARE_FEW_H
#define VV_TABLE_UPSERT_UPSERT_COMPARE_FEW_H

#include "table/upsert/upsert_plan.h"

/*
 * Makes `stored` of the work, of the attempt's candidates; *out_is_done false: it is not for here,
 * and nothing was made. ECORRUPT: a candidate has another SHA-256 than the log says.
 */
varve_status vv_upsert_compare_few(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, bool *out_is_done);

#endif
