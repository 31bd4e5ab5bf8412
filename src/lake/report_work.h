/*
 * A report under way: its session, whose temporary tables it fills step by step, and the statement
 * that is being made.
 */
#ifndef VV_LAKE_REPORT_WORK_H
#define VV_LAKE_REPORT_WORK_H

#include "engine/engine.h"
#include "lake/lake.h"

struct vv_report_work {
    struct vv_session *session; /* owned, until a stream has it */
    struct vv_buf sql;
};

varve_status vv_report_work_open(struct vv_op *op, struct vv_lake *lake,
    struct vv_report_work *out);
void vv_report_work_close(struct vv_report_work *work);

/* Runs what `sql` holds, and empties it. */
varve_status vv_report_run(struct vv_op *op, struct vv_report_work *work);
varve_status vv_report_run_text(struct vv_op *op, struct vv_report_work *work, const char *sql);
/* The same of a statement that gives one number. */
varve_status vv_report_number(struct vv_op *op, struct vv_report_work *work, int64_t *out);
varve_status vv_report_count(struct vv_op *op, struct vv_report_work *work, const char *sql,
    int64_t *out);
/* The rows of what `sql` holds; the session is the stream's afterwards. */
varve_status vv_report_stream(struct vv_op *op, struct vv_report_work *work,
    struct ArrowArrayStream *out);

#endif
