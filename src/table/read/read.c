#include "engine/sql_tree.h"
#include "table/read/prune.h"
#include "table/read/read_run.h"

/*
 * Keeps the files that the condition leaves. It is looked at in the session, and transaction, that
 * reads the rows afterwards, so that now() is one time in both.
 */
static varve_status prune_where(struct vv_op *op, struct vv_read *read, struct vv_str where,
    struct vv_pruned *out)
{
    struct vv_predicate *predicate = NULL;
    if (where.len > 0) {
        VV_TRY(vv_session_exec(op, read->session, VV_STR("BEGIN TRANSACTION")));
        VV_TRY(vv_predicate_read(op, read->session, read->snapshot, &read->rules,
            "the condition", where, &predicate));
    }
    VV_TRY(vv_prune_where(op, read->snapshot, predicate, out));
    read->files = out->files;
    read->files_len = out->files_len;
    return VARVE_OK;
}

/* The statement of a scan, up to its rows, in read->sql. */
static varve_status begin_scan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct vv_read *read, struct vv_pruned *out_pruned)
{
    int32_t *columns = NULL;
    size_t len = 0;
    VV_TRY(vv_read_start(op, table, request->at, read));
    if (request->columns.ptr != NULL)
        VV_TRY(vv_read_find_columns(op, read, request->columns, &columns, &len));
    VV_TRY(vv_session_open(op, table->engine, &read->session));
    VV_TRY(prune_where(op, read, request->where, out_pruned));
    vv_buf_adds(&read->sql, "SELECT ");
    for (size_t i = 0; i < len; i++) {
        vv_buf_adds(&read->sql, i == 0 ? "" : ", ");
        vv_read_add_column(read, columns[i], &read->sql);
    }
    vv_buf_adds(&read->sql, len == 0 ? "* FROM " : " FROM ");
    VV_TRY(vv_read_add_source(op, read, NULL, 0));
    if (request->where.len > 0) {
        struct vv_str kept;
        VV_TRY(vv_sql_keep_nulls_of(op, read->session, request->where, &kept));
        vv_buf_addf(&read->sql, " WHERE (%.*s\n)", VV_ARG(kept));
    }
    if (request->limit > 0)
        vv_buf_addf(&read->sql, " LIMIT %" PRId64, request->limit);
    return VARVE_OK;
}

varve_status vv_table_scan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_read_done) struct vv_read read = {0};
    struct vv_pruned pruned;
    VV_TRY(begin_scan(op, table, request, &read, &pruned));
    if (vv_read_stream(op, &read, true, out) != VARVE_OK)
        return request->where.len > 0 ? vv_sql_blame(op, "the condition", request->where)
                                      : op->error.code;
    return VARVE_OK;
}

varve_status vv_table_scan_plan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct vv_table_plan *out, struct vv_str *out_text)
{
    VV_CLEANUP(vv_read_done) struct vv_read read = {0};
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_table_plan plan = {.table = table->name};
    struct vv_pruned pruned;
    VV_TRY(begin_scan(op, table, request, &read, &pruned));
    vv_table_plan_fill(&plan, read.snapshot, &pruned);
    vv_buf_adds(&sql, "EXPLAIN ");
    vv_buf_add(&sql, vv_buf_str(&read.sql));
    if (!vv_buf_ok(&read.sql) || !vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    VV_TRY(vv_engine_plan(op, read.session, &query, NULL, out_text));
    *out = plan;
    return VARVE_OK;
}
