/*
 * The values of parameters in SQL, with their types. A text without a type is taken for a literal
 * in quotes, which has the type of what it stands beside.
 */
#ifndef VV_ENGINE_PARAM_H
#define VV_ENGINE_PARAM_H

#include "base/buf.h"
#include "engine/engine.h"

/*
 * Reads a value by the name of its type: string, boolean, bigint, double, decimal, date, timestamp
 * (without a zone: UTC), timestamp_ntz, time, binary (hexadecimal digits). `type` with ptr NULL: a
 * literal in quotes; `value` with ptr NULL: NULL. EUSAGE: no such type, or the value is none of it.
 */
varve_status vv_sql_param_read(struct vv_op *op, struct vv_str name, struct vv_str type,
    struct vv_str value, struct vv_sql_param *out);
/* Appends the parameter as an expression of a parsed statement. */
void vv_sql_param_add_node(const struct vv_sql_param *param, struct vv_buf *json);

#endif
