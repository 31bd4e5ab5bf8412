#include "lake/report_work.h"

varve_status vv_report_work_open(struct vv_op *op, struct vv_lake *lake,
    struct vv_report_work *out)
{
    struct vv_engine *engine = NULL;
    *out = (struct vv_report_work){.sql = VV_BUF_INIT(VV_BUF_MAX)};
    VV_TRY(vv_lake_engine(op, lake, &engine));
    return vv_session_open(op, engine, &out->session);
}

void vv_report_work_close(struct vv_report_work *work)
{
    vv_session_close(&work->session);
    vv_buf_done(&work->sql);
}

varve_status vv_report_run(struct vv_op *op, struct vv_report_work *work)
{
    if (!vv_buf_ok(&work->sql))
        return vv_fail_memory(op);
    varve_status status = vv_session_exec(op, work->session, vv_buf_str(&work->sql));
    vv_buf_clear(&work->sql);
    return status;
}

varve_status vv_report_run_text(struct vv_op *op, struct vv_report_work *work, const char *sql)
{
    return vv_session_exec(op, work->session, vv_str_of(sql));
}

varve_status vv_report_number(struct vv_op *op, struct vv_report_work *work, int64_t *out)
{
    if (!vv_buf_ok(&work->sql))
        return vv_fail_memory(op);
    varve_status status = vv_session_int64(op, work->session, vv_buf_str(&work->sql), out);
    vv_buf_clear(&work->sql);
    return status;
}

varve_status vv_report_count(struct vv_op *op, struct vv_report_work *work, const char *sql,
    int64_t *out)
{
    return vv_session_int64(op, work->session, vv_str_of(sql), out);
}

varve_status vv_report_stream(struct vv_op *op, struct vv_report_work *work,
    struct ArrowArrayStream *out)
{
    if (!vv_buf_ok(&work->sql))
        return vv_fail_memory(op);
    return vv_session_stream(op, &work->session, vv_buf_str(&work->sql), false, NULL, 0, out);
}
