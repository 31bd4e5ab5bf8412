#include "table/dml.h"
#include "table/predicate.h"
#include "table/record.h"
#include "table/scan_sql.h"

struct deletion {
    struct vv_str where;
    struct vv_predicate *predicate; /* of the attempt's snapshot */
};

static varve_status read_gone(struct vv_op *op, struct vv_edit *edit, struct vv_str where)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str prefix;
    VV_TRY(vv_schema_prefix(op, &edit->snapshot->schema, &prefix));
    vv_buf_addf(&sql,
        "CREATE OR REPLACE TEMP TABLE " VV_EDIT_GONE
        " AS SELECT %.*sfile AS _file, %.*spos AS _pos FROM ",
        VV_ARG(prefix), VV_ARG(prefix));
    VV_TRY(vv_edit_rows_sql(op, edit, edit->files, edit->files_len, prefix, &sql));
    vv_buf_addf(&sql, " WHERE (%.*s\n)", VV_ARG(where));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    vv_engine_expect(edit->table->engine, vv_files_bytes(edit->files, edit->files_len));
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    return vv_session_rows(op, edit->session, &query, &rows);
}

static varve_status find(struct vv_op *op, struct vv_edit *edit, void *data)
{
    struct deletion *deletion = data;
    VV_TRY(vv_predicate_read(op, edit->session, edit->snapshot, edit->rules, "the condition",
        deletion->where, &deletion->predicate));
    VV_TRY(vv_edit_check_sql(op, edit, "the condition", deletion->where));
    VV_TRY(vv_edit_choose(op, edit, deletion->predicate, true));
    return edit->files_len > 0 ? read_gone(op, edit, deletion->where) : VARVE_OK;
}

static varve_status matters(struct vv_op *op, const struct vv_edit *edit, const void *data,
    const struct vv_file *added, bool *out)
{
    const struct deletion *deletion = data;
    enum vv_match match = VV_MATCH_SOME;
    (void)edit;
    VV_TRY(vv_predicate_match(op, deletion->predicate, added, &match));
    *out = match != VV_MATCH_NONE;
    return VARVE_OK;
}

static varve_status record(struct vv_op *op, struct vv_edit *edit, const void *data,
    struct vv_commit_request *out)
{
    const struct deletion *deletion = data;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    VV_TRY(vv_edit_predicate(op, edit, deletion->where, &out->parameters_json));
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numDeletedRows", edit->rows_gone);
    vv_edit_metrics(op, edit, &writer);
    vv_jw_end(&writer);
    return vv_record_keep(op, &edit->arena, &json, &out->metrics_json);
}

varve_status vv_table_delete(struct vv_op *op, struct vv_table *table, struct vv_str where,
    const struct vv_edit_options *options, struct vv_edit_result *out)
{
    static const struct vv_edit_kind kind = {.name = "delete",
        .operation = {"DELETE", 6},
        .gone_type = "'delete'",
        .find = find,
        .matters = matters,
        .record = record};
    struct deletion deletion = {.where = where};
    return vv_edit_run(op, table, &kind, &deletion, options, out);
}
