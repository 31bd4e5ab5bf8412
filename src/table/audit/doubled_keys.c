#include "table/audit/doubled_keys.h"

#include "engine/sql.h"
#include "table/read/scan_sql.h"

static struct vv_scan_source keys_of(const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules)
{
    return (struct vv_scan_source){.store = log->store,
        .engine = log->engine,
        .snapshot = snapshot,
        .files = snapshot->files,
        .files_len = snapshot->files_len,
        .columns = rules->key,
        .columns_len = rules->key_len,
        .names = VV_SCAN_INDEXED};
}

varve_status vv_doubled_keys_sql(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int limit,
    struct vv_buf *sql)
{
    const struct vv_scan_source source = keys_of(log, snapshot, rules);
    vv_buf_adds(sql, "SELECT concat_ws(', '");
    for (size_t i = 0; i < rules->key_len; i++) {
        struct vv_str name = snapshot->schema.fields[rules->key[i]].name;
        vv_buf_adds(sql, ", concat(");
        vv_sql_literal(sql, name);
        vv_buf_addf(sql, ", '=', coalesce(c%d::VARCHAR, 'NULL'))", rules->key[i]);
    }
    vv_buf_adds(sql, ") AS k, n::BIGINT, count(*) OVER ()::BIGINT, (false");
    for (size_t i = 0; i < rules->key_len; i++)
        vv_buf_addf(sql, " OR c%d IS NULL", rules->key[i]);
    vv_buf_adds(sql, ") FROM (SELECT ");
    for (size_t i = 0; i < rules->key_len; i++)
        vv_buf_addf(sql, "c%d, ", rules->key[i]);
    vv_buf_adds(sql, "count(*) AS n FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_addf(sql, ") GROUP BY ALL HAVING count(*) > 1) ORDER BY k LIMIT %d", limit);
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_doubled_keys(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int64_t *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    bool has_row = false;
    *out = 0;
    if (snapshot->files_len == 0)
        return VARVE_OK;
    VV_TRY(vv_doubled_keys_sql(op, log, snapshot, rules, 1, &sql));
    vv_engine_expect(log->engine, vv_files_bytes(snapshot->files, snapshot->files_len));
    VV_TRY(vv_session_open(op, log->engine, &session));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (has_row)
        *out = vv_rows_int64(rows, 2);
    return VARVE_OK;
}

varve_status vv_null_keys(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, struct vv_null_keys *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_scan_source source = keys_of(log, snapshot, rules);
    bool has_row = false;
    *out = (struct vv_null_keys){0};
    if (snapshot->files_len == 0)
        return VARVE_OK;
    vv_buf_adds(&sql, "SELECT count(*), count(*) FILTER (");
    for (size_t i = 0; i < rules->key_len; i++)
        vv_buf_addf(&sql, "%sc%d IS NULL", i > 0 ? " OR " : "", rules->key[i]);
    vv_buf_adds(&sql, ") FROM (");
    VV_TRY(vv_scan_sql(op, &source, &sql));
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    vv_engine_expect(log->engine, vv_files_bytes(snapshot->files, snapshot->files_len));
    VV_TRY(vv_session_open(op, log->engine, &session));
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    *out = (struct vv_null_keys){vv_rows_int64(rows, 0), vv_rows_int64(rows, 1)};
    return VARVE_OK;
}
