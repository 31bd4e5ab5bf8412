#include "varve/dml.h"
#include "api/api.h"
#include "table/edit/dml.h"

/* Those that have no place in the layer below stay in `given_out`. */
static varve_status convert_options(struct vv_op *op, const varve_table *table,
    const varve_edit_options *given, varve_edit_options *given_out, struct vv_edit_options *out)
{
    varve_edit_options options = VARVE_EDIT_OPTIONS_INIT;
    VV_TRY(vv_api_options(op, given, &options, sizeof(options)));
    *out = (struct vv_edit_options){.app_id = vv_api_text(options.app_id),
        .app_version = options.app_version,
        .attempts_max = options.attempts_max,
        .dry_run = options.dry_run != 0,
        .evolve = options.evolve != 0,
        .user_name = table->lake->lake->user};
    VV_TRY(vv_api_message(op, table, options.message, &out->user_metadata));
    *given_out = options;
    return vv_api_check_app(op, out->app_id, options.app_version);
}

static varve_status need_where(struct vv_op *op, const char *where)
{
    if (vv_api_text(where).ptr != NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "which rows? Say true for all of them");
}

static void fill_result(struct vv_op *op, varve_table *table,
    const struct vv_edit_result *result, varve_edit_result *out)
{
    *out = (varve_edit_result){.rows_in = result->rows_in,
        .inserted = result->inserted,
        .updated = result->updated,
        .deleted = result->deleted,
        .copied = result->rows_copied,
        .files_added = result->files_added,
        .files_removed = result->files_removed,
        .vectors_added = result->vectors_added,
        .vectors_updated = result->vectors_updated,
        .vectors_removed = result->vectors_removed,
        .already_applied = result->already_applied,
        .version = result->version,
        .attempts = result->attempts,
        .columns_added = result->columns_added,
        .times_ambiguous = result->times_ambiguous,
        .rows_warned = result->warned.rows,
        .warnings = vv_api_warnings(op, &result->warned, &table->warnings)};
}

static varve_status delete_rows(struct vv_op *op, varve_table *table, const char *where,
    const varve_edit_options *given, varve_edit_result *out)
{
    varve_edit_options own;
    struct vv_edit_options options;
    struct vv_edit_result result;
    VV_TRY(convert_options(op, table, given, &own, &options));
    VV_TRY(need_where(op, where));
    VV_TRY(vv_table_delete(op, table->table, vv_str_of(where), &options, &result));
    fill_result(op, table, &result, out);
    return VARVE_OK;
}

varve_status varve_table_delete(varve_table *table, const char *where,
    const varve_edit_options *options, varve_edit_result *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, table->lake);
    return vv_api_report(&op, table, delete_rows(&op, table, where, options, out), err);
}

static varve_status convert_assignments(struct vv_op *op, const varve_assignment *given,
    size_t len, struct vv_assignment **out)
{
    VV_NEW(op, out, struct vv_assignment, len + 1);
    for (size_t i = 0; i < len; i++) {
        (*out)[i] = (struct vv_assignment){
            vv_api_text(given[i].column), vv_api_text(given[i].expression)};
        if ((*out)[i].column.ptr == NULL || (*out)[i].expression.ptr == NULL)
            return vv_fail(op, VARVE_EUSAGE, "assignment %zu lacks its column or its value",
                i + 1);
    }
    return VARVE_OK;
}

static varve_status update_rows(struct vv_op *op, varve_table *table,
    const struct vv_update_request *request, const varve_edit_options *given,
    varve_edit_result *out)
{
    varve_edit_options own;
    struct vv_edit_options options;
    struct vv_edit_result result;
    VV_TRY(convert_options(op, table, given, &own, &options));
    VV_TRY(vv_table_update(op, table->table, request, &options, &result));
    fill_result(op, table, &result, out);
    return VARVE_OK;
}

varve_status varve_table_update(varve_table *table, const varve_assignment *assignments,
    size_t assignments_len, const char *where, const varve_edit_options *options,
    varve_edit_result *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_assignment *converted = NULL;
    vv_api_begin(&op, table->lake);
    varve_status status = need_where(&op, where);
    if (status == VARVE_OK)
        status = convert_assignments(&op, assignments, assignments_len, &converted);
    const struct vv_update_request request = {.where = vv_api_text(where),
        .assignments = converted,
        .assignments_len = assignments_len};
    if (status == VARVE_OK)
        status = update_rows(&op, table, &request, options, out);
    return vv_api_report(&op, table, status, err);
}

/* An empty text is a condition that got lost, such as a variable of a shell that is not set. */
static varve_status check_where(struct vv_op *op, const char *where)
{
    if (where == NULL || where[0] != '\0')
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "the condition is empty: say which rows are replaced; without a condition all are");
}

static varve_status overwrite_rows(struct vv_op *op, varve_table *table,
    struct vv_overwrite_request *request, const char *where, const varve_input *inputs,
    const varve_edit_options *given, varve_edit_result *out)
{
    varve_edit_options own;
    struct vv_edit_options options;
    struct vv_edit_result result;
    struct vv_input *inner_inputs = NULL;
    VV_TRY(check_where(op, where));
    VV_TRY(convert_options(op, table, given, &own, &options));
    VV_TRY(vv_api_inputs(op, inputs, request->inputs_len, &inner_inputs));
    request->inputs = inner_inputs;
    request->input_tz = vv_api_text(own.input_tz);
    request->truncate_time = own.truncate_time != 0;
    VV_TRY(vv_table_overwrite(op, table->table, request, &options, &result));
    fill_result(op, table, &result, out);
    return VARVE_OK;
}

varve_status varve_table_overwrite(varve_table *table, const varve_input *inputs,
    size_t inputs_len, const char *where, const varve_edit_options *options,
    varve_edit_result *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_overwrite_request request = {
        .where = vv_api_text(where), .inputs_len = inputs_len};
    vv_api_begin(&op, table->lake);
    varve_status status = overwrite_rows(&op, table, &request, where, inputs, options, out);
    vv_api_inputs_release(inputs, inputs_len);
    return vv_api_report(&op, table, status, err);
}

static varve_status convert_clauses(struct vv_op *op, const varve_merge_clause *given,
    size_t len, struct vv_merge_request *out)
{
    struct vv_merge_clause *clauses = NULL;
    VV_NEW(op, &clauses, struct vv_merge_clause, len + 1);
    for (size_t i = 0; i < len; i++) {
        bool is_known = given[i].when == VARVE_MERGE_MATCHED ||
                        given[i].when == VARVE_MERGE_NOT_MATCHED ||
                        given[i].when == VARVE_MERGE_NOT_MATCHED_BY_SOURCE;
        clauses[i] = (struct vv_merge_clause){
            (enum vv_merge_when)given[i].when, vv_api_text(given[i].text)};
        if (!is_known || clauses[i].text.ptr == NULL)
            return vv_fail(op, VARVE_EUSAGE, "clause %zu lacks its kind or its text", i + 1);
    }
    out->clauses = clauses;
    out->clauses_len = len;
    if (out->on.ptr == NULL)
        return vv_fail(op, VARVE_EUSAGE, "which rows match? Say on what, as t.id = s.id");
    return VARVE_OK;
}

static varve_status merge_rows(struct vv_op *op, varve_table *table,
    struct vv_merge_request *request, const varve_input *inputs,
    const varve_edit_options *given, varve_edit_result *out)
{
    varve_edit_options own;
    struct vv_edit_options options;
    struct vv_edit_result result;
    struct vv_input *inner_inputs = NULL;
    VV_TRY(convert_options(op, table, given, &own, &options));
    VV_TRY(vv_api_inputs(op, inputs, request->inputs_len, &inner_inputs));
    request->inputs = inner_inputs;
    request->input_tz = vv_api_text(own.input_tz);
    request->truncate_time = own.truncate_time != 0;
    VV_TRY(vv_table_merge(op, table->table, request, &options, &result));
    fill_result(op, table, &result, out);
    return VARVE_OK;
}

varve_status varve_table_merge(varve_table *table, const varve_merge *merge,
    const varve_edit_options *options, varve_edit_result *out, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_merge_request request = {
        .on = vv_api_text(merge->on), .inputs_len = merge->inputs_len};
    vv_api_begin(&op, table->lake);
    varve_status status = convert_clauses(&op, merge->clauses, merge->clauses_len, &request);
    if (status == VARVE_OK)
        status = merge_rows(&op, table, &request, merge->inputs, options, out);
    vv_api_inputs_release(merge->inputs, merge->inputs_len);
    return vv_api_report(&op, table, status, err);
}
