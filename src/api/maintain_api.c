#include "varve/maintain.h"

#include "api/api.h"
#include "table/optimize.h"

static varve_status optimize(struct vv_op *op, varve_table *table,
    const varve_optimize_options *given, struct vv_optimize_result *result)
{
    varve_optimize_options options = VARVE_OPTIMIZE_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    if (options.target_bytes < 0)
        return vv_fail(op, VARVE_EUSAGE, "the target size of a file is negative");
    const struct vv_lake *lake = table->lake->lake;
    const struct vv_optimize_request request = {.target_bytes = options.target_bytes,
        .zorder = vv_api_text(options.zorder),
        .where = vv_api_text(options.where),
        .dry_run = options.dry_run != 0,
        .user_name = lake->user,
        .user_metadata = options.message ? vv_str_of(options.message) : lake->message};
    return vv_optimize(op, table->table, &request, result);
}

varve_status varve_table_optimize(varve_table *table, const varve_optimize_options *options,
    varve_optimize_result *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_optimize_result result;
    vv_api_begin(&op, table->lake);
    varve_status status = optimize(&op, table, options, &result);
    if (status == VARVE_OK)
        *out = (varve_optimize_result){.version = result.version,
            .commits = result.commits,
            .partitions = result.partitions,
            .files_added = result.files_added,
            .files_removed = result.files_removed,
            .bytes_added = result.bytes_added,
            .bytes_removed = result.bytes_removed,
            .rows = result.rows,
            .vectors_removed = result.vectors_removed,
            .files_skipped = result.files_skipped};
    return vv_op_report(&op, status, err);
}
