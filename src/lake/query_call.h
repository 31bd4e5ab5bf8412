/*
 * A function over tables, called in a query: what query_function.c has read of it.
 */
#ifndef VV_LAKE_QUERY_CALL_H
#define VV_LAKE_QUERY_CALL_H

#include "lake/query_script.h"

#define VV_QUERY_ARGUMENTS_MAX 8

struct vv_query_call {
    const struct vv_sql_table *place;
    struct vv_query_source *source;                          /* of the first argument */
    struct vv_query_value arguments[VV_QUERY_ARGUMENTS_MAX]; /* text.ptr NULL: not given */
    size_t arguments_len;
    struct vv_str view; /* to be made */
};

/* query_asof.c: asof_join('t', 'u', by, tolerance, knowledge, condition, left_time, right_time). */
#define VV_QUERY_ASOF_ARGUMENTS 8
extern const char *const vv_query_asof_names[VV_QUERY_ASOF_ARGUMENTS];
varve_status vv_query_make_asof(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_call *call);

#endif
