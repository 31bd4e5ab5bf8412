/*
 * The overwrite: rows from outside in the place of others, of all or of those that a condition is
 * true for (Spark's replaceWhere).
 */
#include "delta/features.h"
#include "engine/sql.h"
#include "table/edit/dml.h"
#include "table/edit/new_rows.h"
#include "table/read/predicate.h"
#include "table/record.h"

#define EVERYTHING VV_STR("true")

struct overwrite {
    const struct vv_overwrite_request *request;
    struct vv_str where;
    struct vv_batch_options batch_options;
    struct vv_batch_source *source; /* read by the first attempt */
    struct vv_batch batch;
    struct vv_predicate *predicate; /* of the attempt's snapshot */
};

static varve_status load(struct vv_op *op, struct vv_edit *edit, void *data)
{
    struct overwrite *overwrite = data;
    const struct vv_overwrite_request *request = overwrite->request;
    overwrite->batch_options = (struct vv_batch_options){.input_tz = request->input_tz,
        .truncate_time = request->truncate_time,
        .dedupe = edit->rules->key_len > 0};
    if (overwrite->source != NULL)
        return VARVE_OK;
    return vv_batch_load(op, edit->work, edit->table, request->inputs, request->inputs_len,
        &overwrite->batch_options, &overwrite->source);
}

static varve_status take_rows(struct vv_op *op, struct vv_edit *edit,
    struct overwrite *overwrite)
{
    VV_TRY(vv_batch_prepare(op, edit->work, overwrite->source, edit->table, edit->rules,
        &overwrite->batch_options, &overwrite->batch));
    VV_TRY(vv_session_optimize(op, edit->session, true));
    edit->news = overwrite->batch.sql;
    edit->news_len = overwrite->batch.rows;
    edit->warned = overwrite->batch.warned;
    return VARVE_OK;
}

/* Rows that the condition is not true for would be out of place. */
static varve_status check_where(struct vv_op *op, const struct vv_edit *edit,
    const struct overwrite *overwrite)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_schema *schema = &edit->snapshot->schema;
    struct vv_str prefix;
    bool has_row = false;
    VV_TRY(vv_schema_prefix(op, schema, &prefix));
    vv_buf_addf(&sql, "SELECT %.*sname, %.*srow, count(*) OVER () FROM (SELECT ",
        VV_ARG(prefix), VV_ARG(prefix));
    vv_new_rows_name_sql(edit, &sql);
    vv_buf_addf(&sql, " AS %.*sname, _row AS %.*srow", VV_ARG(prefix), VV_ARG(prefix));
    for (size_t i = 0; i < schema->fields_len; i++) {
        vv_buf_addf(&sql, ", c%zu AS ", i);
        vv_sql_name(&sql, schema->fields[i].name);
    }
    vv_buf_addf(&sql, " FROM %.*s) AS t WHERE (%.*s\n) IS NOT TRUE ORDER BY %.*srow LIMIT 1",
        VV_ARG(edit->news), VV_ARG(overwrite->where), VV_ARG(prefix));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    VV_TRY(vv_session_rows(op, edit->session, &query, &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "overwrite: the condition is not true for %" PRId64 " of %" PRId64
        " new rows, so that they would not replace what they stand for; the first is row "
        "%" PRId64 " (%.*s); nothing written",
        vv_rows_int64(rows, 2), edit->news_len, vv_rows_int64(rows, 1),
        VV_ARG(vv_rows_text(rows, 0)));
}

static varve_status find(struct vv_op *op, struct vv_edit *edit, void *data)
{
    struct overwrite *overwrite = data;
    VV_TRY(vv_edit_read_condition(op, edit, overwrite->where, &overwrite->predicate));
    VV_TRY(take_rows(op, edit, overwrite));
    if (edit->news_len > 0 && overwrite->request->where.len > 0)
        VV_TRY(check_where(op, edit, overwrite));
    VV_TRY(vv_edit_choose(op, edit, overwrite->predicate, true));
    VV_TRY(vv_edit_read_gone(op, edit, overwrite->where));
    /* Where all go, nobody is met. */
    return overwrite->request->where.len > 0 ? vv_new_rows_check_keys(op, edit, "overwrite")
                                             : VARVE_OK;
}

static varve_status matters(struct vv_op *op, const struct vv_edit *edit, const void *data,
    const struct vv_file *added, bool *out)
{
    const struct overwrite *overwrite = data;
    enum vv_match match = VV_MATCH_SOME;
    VV_TRY(vv_predicate_match(op, overwrite->predicate, added, &match));
    *out = match != VV_MATCH_NONE;
    return *out ? VARVE_OK : vv_new_rows_can_meet(op, edit, added, out);
}

static varve_status record(struct vv_op *op, struct vv_edit *edit, const void *data,
    struct vv_commit_request *out)
{
    const struct overwrite *overwrite = data;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    const struct {
        const char *name;
        int64_t value;
        bool of_condition;
    } values[] = {
        {"numFiles", edit->files_added, false},
        {"numOutputRows", edit->news_len, false},
        {"numOutputBytes", edit->bytes_added, false},
        {"numRemovedFiles", edit->files_removed + edit->marks.emptied, false},
        {"numRemovedBytes", edit->bytes_removed + edit->marks.emptied_bytes, false},
        {"numDeletedRows", edit->rows_gone, true},
        {"numCopiedRows", edit->rows_copied, true},
        {"numAddedChangeFiles", (int64_t)edit->actions.cdcs.len, true},
    };
    VV_TRY(vv_record_write(op, &edit->arena, edit->snapshot, "Overwrite",
        overwrite->request->where, VV_STR_NONE, &out->parameters_json));
    vv_jw_object(&writer);
    for (size_t i = 0; i < VV_COUNT(values); i++)
        if (!values[i].of_condition || overwrite->request->where.len > 0)
            vv_record_metric(&writer, values[i].name, values[i].value);
    VV_TRY(vv_warned_record(op, &edit->warned, &writer));
    vv_jw_end(&writer);
    return vv_record_keep(op, &edit->arena, &json, &out->metrics_json);
}

varve_status vv_table_overwrite(struct vv_op *op, struct vv_table *table,
    const struct vv_overwrite_request *request, const struct vv_edit_options *options,
    struct vv_edit_result *out)
{
    static const struct vv_edit_kind kind = {.name = "overwrite",
        .operation = {"WRITE", 5},
        .gone_type = "'delete'",
        .news_type = "'insert'",
        .load = load,
        .find = find,
        .matters = matters,
        .record = record};
    struct overwrite overwrite = {
        .request = request, .where = request->where.len > 0 ? request->where : EVERYTHING};
    varve_status status = vv_edit_run(op, table, &kind, &overwrite, options, out);
    if (overwrite.source == NULL) /* nobody came to read it */
        vv_inputs_release(request->inputs, request->inputs_len);
    vv_batch_source_close(&overwrite.source);
    if (status != VARVE_OK)
        return status;
    out->rows_in = overwrite.batch.rows_in;
    out->times_ambiguous = overwrite.batch.times_ambiguous;
    out->inserted = out->rows_come;
    out->deleted = out->rows_gone;
    return VARVE_OK;
}
