/*
 * A user's expressions over the rows of a table: with the table's names around them and ours out
 * of their way.
 */
#include "delta/stats.h"
#include "engine/sql.h"
#include "table/edit.h"
#include "table/predicate.h"
#include "table/scan_sql.h"

varve_status vv_edit_rows_sql(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_file *const *files, size_t files_len, struct vv_str prefix,
    struct vv_buf *sql)
{
    const struct vv_scan_source source = {.store = edit->table->store,
        .engine = edit->table->engine,
        .snapshot = edit->snapshot,
        .files = files,
        .files_len = files_len,
        .names = VV_SCAN_INDEXED};
    vv_buf_addf(sql, "(SELECT _file AS %.*sfile, _pos AS %.*spos", VV_ARG(prefix),
        VV_ARG(prefix));
    for (size_t i = 0; i < edit->snapshot->schema.fields_len; i++) {
        vv_buf_addf(sql, ", c%zu AS ", i);
        vv_sql_name(sql, edit->snapshot->schema.fields[i].name);
    }
    vv_buf_adds(sql, " FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_adds(sql, ")) AS t");
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* Within WHERE, where the engine takes neither aggregates nor windows. */
varve_status vv_edit_check_sql(struct vv_op *op, const struct vv_edit *edit, const char *what,
    struct vv_str expression)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str prefix;
    VV_TRY(vv_schema_prefix(op, &edit->snapshot->schema, &prefix));
    vv_buf_adds(&sql, "SELECT 1 FROM ");
    VV_TRY(vv_edit_rows_sql(op, edit, NULL, 0, prefix, &sql));
    vv_buf_addf(&sql, " WHERE ((%.*s\n)) IS NULL", VV_ARG(expression));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, edit->session, &query, &rows) != VARVE_OK)
        return vv_note(op, "%s", what);
    return VARVE_OK;
}

varve_status vv_edit_choose(struct vv_op *op, struct vv_edit *edit,
    const struct vv_predicate *predicate, bool with_whole)
{
    size_t len = edit->snapshot->files_len;
    edit->files = vv_new(&edit->arena, const struct vv_file *, len + 1);
    edit->whole = vv_new(&edit->arena, const struct vv_file *, len + 1);
    if (edit->files == NULL || edit->whole == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        const struct vv_file *file = edit->snapshot->files[i];
        enum vv_match match = VV_MATCH_SOME;
        VV_TRY(vv_predicate_match(op, predicate, file, &match));
        /* What is removed unread has to be counted all the same. */
        int64_t rows = -1;
        VV_TRY(vv_file_live_rows(op, file, &rows));
        if (with_whole && match == VV_MATCH_ALL && rows > 0)
            edit->whole[edit->whole_len++] = file;
        else if (match != VV_MATCH_NONE && rows != 0)
            edit->files[edit->files_len++] = file;
    }
    return VARVE_OK;
}

varve_status vv_edit_read_condition(struct vv_op *op, const struct vv_edit *edit,
    struct vv_str condition, struct vv_predicate **out)
{
    VV_TRY(vv_predicate_read(op, edit->session, edit->snapshot, edit->rules, "the condition",
        condition, out));
    return vv_edit_check_sql(op, edit, "the condition", condition);
}

varve_status vv_edit_read_gone(struct vv_op *op, struct vv_edit *edit, struct vv_str where)
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
