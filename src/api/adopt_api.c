#include "varve/adopt.h"

#include "api/api.h"
#include "table/adopt/adopt.h"

static varve_status adopt(struct vv_op *op, varve_table *table,
    const varve_adopt_options *given, struct vv_adopt_result *out)
{
    varve_adopt_options options = VARVE_ADOPT_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_adopt_request request = {.key = vv_api_text(options.key),
        .order_by = vv_api_text(options.order_by),
        .zorder = vv_api_text(options.zorder),
        .dedupe = options.dedupe != 0,
        .assume_tz = vv_api_text(options.assume_tz),
        .edit = {.dry_run = options.dry_run != 0, .user_name = table->lake->lake->user}};
    VV_TRY(vv_api_message(op, table, options.message, &request.edit.user_metadata));
    return vv_adopt(op, table->table, &request, out);
}

varve_status varve_table_adopt(varve_table *table, const varve_adopt_options *options,
    varve_adopt_result *out, char **out_report, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_adopt_result_done) struct vv_adopt_result result = {0};
    vv_api_begin(&op, table->lake);
    varve_status status = adopt(&op, table, options, &result);
    if (status != VARVE_OK)
        return vv_api_report(&op, table, status, err);
    *out = (varve_adopt_result){.version = result.version,
        .changed = result.is_changed,
        .rows = result.rows,
        .keys_doubled = result.keys_doubled,
        .rows_removed = result.rows_removed,
        .rows_misdated = result.rows_misdated,
        .rows_redated = result.rows_redated,
        .times_ambiguous = result.times_ambiguous};
    if (out_report != NULL)
        *out_report = VV_MOVE(result.report);
    return vv_api_report(&op, table, status, err);
}
