#include "varve/doctor.h"

#include "api/api.h"
#include "table/audit/doctor.h"

static varve_status look(struct vv_op *op, const struct vv_log_handle *log, const char *table,
    const varve_doctor_options *options, varve_doctor_result *out, char **out_report)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf report = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_doctor_result result = {0};
    const struct vv_doctor_request request = {.table = vv_str_of(table),
        .fix_times = options->fix_times != 0,
        .look_at_keys = options->keys != 0,
        .as_json = options->as_json != 0};
    VV_TRY(vv_doctor(op, log, &request, &result, &report));
    if (out_report != NULL)
        VV_TRY(vv_api_give_text(op, &report, out_report));
    *out = (varve_doctor_result){.version = result.version,
        .ailments = (int64_t)result.ailments,
        .times_fixed = (int64_t)result.times_fixed};
    return VARVE_OK;
}

varve_status varve_lake_doctor(varve_lake *lake, const char *table,
    const varve_doctor_options *options, varve_doctor_result *out, char **out_report,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    varve_doctor_options known = VARVE_DOCTOR_OPTIONS_INIT;
    struct vv_log_handle log = {0};
    vv_api_begin(&op, lake);
    varve_status status = vv_api_options(&op, options, &known, sizeof(known));
    if (status == VARVE_OK)
        status = vv_api_log(&op, lake, table, &log);
    if (status == VARVE_OK)
        status = look(&op, &log, table, &known, out, out_report);
    if (status != VARVE_OK && table != NULL)
        (void)vv_note_table(&op, vv_str_of(table));
    vv_store_close(&log.store);
    return vv_op_report(&op, status, err);
}
