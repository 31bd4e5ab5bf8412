/*
 * A new constraint is one that every row passes: the rows that are there are read once.
 */
#include "table/alter_change.h"

#include "engine/engine.h"
#include "table/scan_sql.h"

#define ROWS_SHOWN 5

static varve_status bad_sql(struct vv_op *op, struct vv_table *table, struct vv_str sql,
    const char *select, struct vv_buf *out)
{
    const struct vv_scan_source source = {.store = table->store,
        .engine = table->engine,
        .snapshot = table->snapshot,
        .files = table->snapshot->files,
        .files_len = table->snapshot->files_len,
        .names = VV_SCAN_LOGICAL};
    vv_buf_adds(out, select);
    vv_buf_adds(out, " FROM (");
    VV_TRY(vv_scan_sql(op, &source, out));
    vv_buf_adds(out, ") AS t WHERE (");
    vv_buf_add(out, sql);
    vv_buf_adds(out, ") IS NOT TRUE");
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status name_rows(struct vv_op *op, struct vv_table *table,
    struct vv_session *session, struct vv_str sql, struct vv_buf *detail)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_TRY(bad_sql(op, table, sql, "SELECT CAST(t AS VARCHAR)", &query));
    vv_buf_addf(&query, " LIMIT %d", ROWS_SHOWN);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&query), &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        vv_buf_addf(detail, "%.*s\n", VV_ARG(vv_rows_text(rows, 0)));
    }
}

varve_status vv_alter_check_rows(struct vv_op *op, struct vv_table *table, struct vv_str name,
    struct vv_str sql)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf detail = VV_BUF_INIT(1 << 20);
    int64_t bad = 0;
    if (table->snapshot->files_len == 0)
        return VARVE_OK;
    vv_engine_expect(table->engine,
        vv_files_bytes(table->snapshot->files, table->snapshot->files_len));
    VV_TRY(vv_session_open(op, table->engine, &session));
    VV_TRY(bad_sql(op, table, sql, "SELECT count(*)", &query));
    VV_TRY(vv_session_int64(op, session, vv_buf_str(&query), &bad));
    if (bad == 0)
        return VARVE_OK;
    VV_TRY(name_rows(op, table, session, sql, &detail));
    (void)vv_fail(op, VARVE_EINVALID,
        "%" PRId64 " rows of table %.*s break the constraint %.*s; nothing was changed", bad,
        VV_ARG(table->name), VV_ARG(name));
    vv_detail(op, "%.*s", VV_ARG(vv_buf_str(&detail)));
    return VARVE_EINVALID;
}
