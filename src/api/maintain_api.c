#include "varve/maintain.h"

#include "api/api.h"
#include "lake/maintain.h"
#include "table/maintain/optimize.h"
#include "table/maintain/restore.h"
#include "table/maintain/vacuum.h"

static varve_status optimize(struct vv_op *op, varve_table *table,
    const varve_optimize_options *given, struct vv_optimize_result *result)
{
    varve_optimize_options options = VARVE_OPTIMIZE_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    const struct vv_api_given texts[] = {{"zorder", options.zorder}, {"where", options.where}};
    VV_TRY(vv_api_check_given(op, texts, VV_COUNT(texts)));
    if (options.target_bytes < 0)
        return vv_fail(op, VARVE_EUSAGE, "the target size of a file is negative");
    const struct vv_lake *lake = table->lake->lake;
    struct vv_optimize_request request = {.target_bytes = options.target_bytes,
        .zorder = vv_api_text(options.zorder),
        .where = vv_api_text(options.where),
        .dry_run = options.dry_run != 0,
        .user_name = lake->user};
    VV_TRY(vv_api_message(op, table, options.message, &request.user_metadata));
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
    return vv_api_report(&op, table, status, err);
}

static varve_status restore(struct vv_op *op, varve_table *table,
    const varve_restore_options *given, struct vv_restore_result *result)
{
    varve_restore_options options = VARVE_RESTORE_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_str at = vv_api_text(options.at);
    if (at.len == 0)
        return vv_fail(op, VARVE_EUSAGE, "restore to which version or time?");
    struct vv_restore_request request = {
        .at = at, .dry_run = options.dry_run != 0, .user_name = table->lake->lake->user};
    VV_TRY(vv_api_message(op, table, options.message, &request.user_metadata));
    return vv_restore(op, table->table, &request, result);
}

varve_status varve_table_restore(varve_table *table, const varve_restore_options *options,
    varve_restore_result *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_restore_result result;
    vv_api_begin(&op, table->lake);
    varve_status status = restore(&op, table, options, &result);
    if (status == VARVE_OK)
        *out = (varve_restore_result){.version = result.version,
            .restored = result.restored,
            .files_restored = result.files_restored,
            .files_removed = result.files_removed,
            .bytes_restored = result.bytes_restored,
            .bytes_removed = result.bytes_removed,
            .changed = result.is_changed};
    return vv_api_report(&op, table, status, err);
}

static varve_status vacuum(struct vv_op *op, varve_table *table,
    const varve_vacuum_options *given, struct vv_vacuum_result *result,
    struct ArrowArrayStream *out_files)
{
    varve_vacuum_options options = VARVE_VACUUM_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_str retain = VV_STR_NONE;
    VV_TRY(vv_api_given(op, "retain", options.retain, &retain));
    struct vv_vacuum_request request = {.retain = retain,
        .removes = options.remove != 0,
        .is_lite = options.lite != 0,
        .is_unsafe = options.unsafe != 0,
        .user_name = table->lake->lake->user};
    VV_TRY(vv_api_message(op, table, options.message, &request.user_metadata));
    return vv_vacuum(op, table->table, &request, result, out_files);
}

varve_status varve_table_vacuum(varve_table *table, const varve_vacuum_options *options,
    varve_vacuum_result *out, struct ArrowArrayStream *out_files, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_vacuum_result result;
    vv_api_begin(&op, table->lake);
    varve_status status = vacuum(&op, table, options, &result, out_files);
    if (status == VARVE_OK)
        *out = (varve_vacuum_result){.version = result.version,
            .files = result.files,
            .bytes = result.bytes,
            .retention_ms = result.retention_ms,
            .readable_version = result.readable_version};
    return vv_api_report(&op, table, status, err);
}

static varve_status maintain(struct vv_op *op, struct vv_lake *lake,
    const varve_maintain_options *given, struct vv_lake_maintained *result,
    struct ArrowArrayStream *out_tasks)
{
    varve_maintain_options options = VARVE_MAINTAIN_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    struct vv_str table = VV_STR_NONE;
    VV_TRY(vv_api_given(op, "table", options.table, &table));
    VV_TRY(vv_api_check_text(op, "the message", options.message));
    const struct vv_lake_maintain_request request = {
        .table = table, .message = vv_api_text(options.message), .is_plan = options.plan != 0};
    return vv_lake_maintain(op, lake, &request, result, out_tasks);
}

void vv_api_maintained(const struct vv_lake_maintained *result, varve_maintain_result *out)
{
    *out = (varve_maintain_result){.tables = result->tables,
        .tasks = result->tasks,
        .left = result->left,
        .failed = result->failed,
        .skipped = result->skipped,
        .files_added = result->files_added,
        .files_removed = result->files_removed,
        .bytes_added = result->bytes_added,
        .bytes_removed = result->bytes_removed,
        .files_vacuumed = result->files_vacuumed,
        .bytes_vacuumed = result->bytes_vacuumed,
        .checkpoints = result->checkpoints,
        .failure = result->failure};
}

varve_status varve_lake_maintain(varve_lake *lake, const varve_maintain_options *options,
    varve_maintain_result *out, struct ArrowArrayStream *out_tasks, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_lake_maintained result;
    vv_api_begin(&op, lake);
    varve_status status = maintain(&op, lake->lake, options, &result, out_tasks);
    if (status == VARVE_OK)
        vv_api_maintained(&result, out);
    return vv_op_report(&op, status, err);
}
