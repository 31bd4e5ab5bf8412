#include "varve/quarantine.h"

#include "api/api.h"
#include "lake/lake.h"
#include "table/batch/quarantine.h"

static varve_status convert_ids(struct vv_op *op, const char *const *ids, size_t len,
    struct vv_str **out)
{
    VV_NEW(op, out, struct vv_str, len + 1);
    for (size_t i = 0; i < len; i++)
        (*out)[i] = vv_api_text(ids[i]);
    return VARVE_OK;
}

varve_status varve_table_quarantine_list(varve_table *table, struct ArrowArrayStream *out,
    int64_t *out_damaged, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    int64_t damaged = 0;
    vv_api_begin(&op, table->lake);
    varve_status status = vv_quarantine_list(&op, table->table, out, &damaged);
    if (status == VARVE_OK && out_damaged != NULL)
        *out_damaged = damaged;
    return vv_api_report(&op, table, status, err);
}

varve_status varve_lake_quarantine_list(varve_lake *lake, struct ArrowArrayStream *out,
    int64_t *out_damaged, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    int64_t damaged = 0;
    vv_api_begin(&op, lake);
    varve_status status = vv_lake_quarantine(&op, lake->lake, out, &damaged);
    if (status == VARVE_OK && out_damaged != NULL)
        *out_damaged = damaged;
    return vv_op_report(&op, status, err);
}

varve_status varve_table_quarantine_show(varve_table *table, const char *id,
    struct ArrowArrayStream *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table,
        vv_quarantine_show(&op, table->table, vv_api_text(id), out), err);
}

static varve_status release(struct vv_op *op, varve_table *table, const char *const *ids,
    size_t ids_len, const varve_release_options *given,
    struct vv_quarantine_release_result *out)
{
    const struct vv_lake *lake = table->lake->lake;
    varve_release_options known = VARVE_RELEASE_OPTIONS_INIT;
    struct vv_str *names = NULL;
    VV_TRY(vv_api_options(op, given, &known, sizeof(known)));
    const struct vv_upsert_options options = {
        .user_name = lake->user, .user_metadata = lake->message, .dry_run = known.dry_run != 0};
    VV_TRY(convert_ids(op, ids, ids_len, &names));
    return vv_quarantine_release(op, table->table, names, ids_len, &options, out);
}

varve_status varve_table_quarantine_release(varve_table *table, const char *const *ids,
    size_t ids_len, const varve_release_options *options, varve_release_result *out,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_quarantine_release_result result;
    vv_api_begin(&op, table->lake);
    varve_status status = release(&op, table, ids, ids_len, options, &result);
    if (status == VARVE_OK) {
        vv_api_upsert_result(&result.upsert, &out->upsert);
        out->upsert.warnings = vv_api_warnings(&op, &result.upsert.warned, &table->warnings);
        out->batches = result.batches;
        out->damaged = result.damaged;
    }
    return vv_api_report(&op, table, status, err);
}

static varve_status drop(struct vv_op *op, varve_table *table, const char *const *ids,
    size_t ids_len, int64_t *out_rows)
{
    struct vv_str *names = NULL;
    VV_TRY(convert_ids(op, ids, ids_len, &names));
    return vv_quarantine_drop(op, table->table, names, ids_len, out_rows);
}

varve_status varve_table_quarantine_drop(varve_table *table, const char *const *ids,
    size_t ids_len, int64_t *out_rows, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    int64_t rows = 0;
    vv_api_begin(&op, table->lake);
    varve_status status = drop(&op, table, ids, ids_len, &rows);
    if (status == VARVE_OK && out_rows != NULL)
        *out_rows = rows;
    return vv_api_report(&op, table, status, err);
}
