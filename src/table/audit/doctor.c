#include "base/number.h"
#include "table/audit/doctor_run.h"
#include "table/table.h"

static void run_done(struct vv_doctor_run *run)
{
    vv_snapshot_release(&run->snapshot);
}

static varve_status load(struct vv_op *op, struct vv_doctor_run *run)
{
    varve_status status = vv_snapshot_load(op, run->log, VV_NO_VERSION, &run->snapshot);
    if (status != VARVE_OK && status != VARVE_EUNSUPPORTED)
        return vv_table_tell_damage(op, run->log, run->request->table);
    if (status == VARVE_OK)
        return VARVE_OK;
    vv_forgive(op);
    run->is_unread = true;
    return vv_snapshot_load_unread(op, run->log, &run->snapshot);
}

varve_status vv_doctor(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_doctor_request *request, struct vv_doctor_result *out,
    struct vv_buf *out_report)
{
    VV_CLEANUP(run_done) struct vv_doctor_run run = {.request = request, .log = log};
    VV_TRY(load(op, &run));
    run.result.version = run.snapshot->version;
    for (size_t i = 0; i < run.snapshot->files_len; i++)
        run.bytes = vv_add_sizes(run.bytes, run.snapshot->files[i]->bytes);
    VV_TRY(vv_feature_states(op, &op->arena, run.snapshot, &run.features, &run.features_len));
    VV_TRY(vv_doctor_engines(op, &run));
    VV_TRY(vv_doctor_upgrades(op, &run));
    VV_TRY(vv_doctor_health(op, &run));
    vv_doctor_report(&run, out_report);
    if (!vv_buf_ok(out_report))
        return vv_fail_memory(op);
    *out = run.result;
    return VARVE_OK;
}
