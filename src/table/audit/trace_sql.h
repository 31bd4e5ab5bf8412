/*
 * The statement of a trace: changes as one row a version, before and after side by side.
 */
#ifndef VV_TABLE_AUDIT_TRACE_SQL_H
#define VV_TABLE_AUDIT_TRACE_SQL_H

#include "table/audit/changes_run.h"

varve_status vv_trace_sql(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql);

#endif
