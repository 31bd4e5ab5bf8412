/*
 * A new constraint is one that every row passes, a new key one that every row has and no two rows
 * share: the rows that are there are read.
 */
#include "table/alter/alter_change.h"

#include "base/number.h"
#include "engine/engine.h"
#include "engine/sql.h"
#include "table/audit/doubled_keys.h"
#include "table/read/scan_sql.h"

#define ROWS_SHOWN 5

/* "(SELECT ...) AS t": all rows of the newest snapshot. */
static varve_status rows_sql(struct vv_op *op, struct vv_table *table, struct vv_buf *out)
{
    const struct vv_scan_source source = {.store = table->store,
        .engine = table->engine,
        .snapshot = table->snapshot,
        .files = table->snapshot->files,
        .files_len = table->snapshot->files_len,
        .names = VV_SCAN_LOGICAL};
    vv_buf_addc(out, '(');
    VV_TRY(vv_scan_sql(op, &source, out));
    vv_buf_adds(out, ") AS t");
    return VARVE_OK;
}

static varve_status bad_sql(struct vv_op *op, struct vv_table *table, struct vv_str sql,
    const char *select, struct vv_buf *out)
{
    vv_buf_adds(out, select);
    vv_buf_adds(out, " FROM ");
    VV_TRY(rows_sql(op, table, out));
    vv_buf_adds(out, " WHERE (");
    vv_buf_add(out, sql);
    vv_buf_adds(out, ") IS NOT TRUE");
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

/* A few of the first column of a query, a line each. */
static varve_status name_rows(struct vv_op *op, struct vv_session *session,
    struct vv_buf *query, struct vv_buf *detail)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    vv_buf_addf(query, " LIMIT %d", ROWS_SHOWN);
    if (!vv_buf_ok(query))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(query), &rows));
    for (;;) {
        bool has_row = false;
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        vv_buf_addf(detail, "%.*s\n", VV_ARG(vv_rows_text(rows, 0)));
    }
}

varve_status vv_alter_check_rows(struct vv_op *op, struct vv_alter_change *change,
    struct vv_str name, struct vv_str sql)
{
    struct vv_table *table = change->table;
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf detail = VV_BUF_INIT(1 << 20);
    int64_t bad = 0;
    change->depends_on_rows = true;
    if (table->snapshot->files_len == 0)
        return VARVE_OK;
    vv_engine_expect(table->engine,
        vv_files_bytes(table->snapshot->files, table->snapshot->files_len));
    VV_TRY(vv_session_open(op, table->engine, &session));
    VV_TRY(bad_sql(op, table, sql, "SELECT count(*)", &query));
    VV_TRY(vv_session_int64(op, session, vv_buf_str(&query), &bad));
    if (bad == 0)
        return VARVE_OK;
    vv_buf_clear(&query);
    VV_TRY(bad_sql(op, table, sql, "SELECT CAST(t AS VARCHAR)", &query));
    VV_TRY(name_rows(op, session, &query, &detail));
    (void)vv_fail(op, VARVE_EINVALID,
        "%" PRId64 " row%s of table %.*s break%s the constraint %.*s; nothing was changed", bad,
        vv_plural(bad), VV_ARG(table->name), bad == 1 ? "s" : "", VV_ARG(name));
    vv_detail(op, "%.*s", VV_ARG(vv_buf_str(&detail)));
    return VARVE_EINVALID;
}

/* The keys that are there twice: `select` of each, as text. */
static varve_status doubled_sql(struct vv_op *op, struct vv_table *table,
    const struct vv_rules *rules, struct vv_buf *out)
{
    const struct vv_field *fields = table->snapshot->schema.fields;
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(1 << 20);
    for (size_t i = 0; i < rules->key_len; i++) {
        vv_buf_adds(&names, i > 0 ? ", " : "");
        vv_sql_name(&names, fields[rules->key[i]].name);
    }
    if (!vv_buf_ok(&names))
        return vv_fail_memory(op);
    vv_buf_addf(out, "SELECT CAST(row(%.*s) AS VARCHAR) || ', ' || count(*) || ' rows' FROM ",
        VV_ARG(vv_buf_str(&names)));
    VV_TRY(rows_sql(op, table, out));
    vv_buf_addf(out, " GROUP BY %.*s HAVING count(*) > 1", VV_ARG(vv_buf_str(&names)));
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status check_doubled(struct vv_op *op, struct vv_table *table,
    const struct vv_rules *rules)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf doubled = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf detail = VV_BUF_INIT(1 << 20);
    int64_t bad = 0;
    vv_engine_expect(table->engine,
        vv_files_bytes(table->snapshot->files, table->snapshot->files_len));
    VV_TRY(vv_session_open(op, table->engine, &session));
    VV_TRY(doubled_sql(op, table, rules, &doubled));
    vv_buf_addf(&query, "SELECT count(*) FROM (%.*s)", VV_ARG(vv_buf_str(&doubled)));
    if (!vv_buf_ok(&doubled) || !vv_buf_ok(&query))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, session, vv_buf_str(&query), &bad));
    if (bad == 0)
        return VARVE_OK;
    VV_TRY(name_rows(op, session, &doubled, &detail));
    (void)vv_fail(op, VARVE_EINVALID,
        "%" PRId64 " key%s would be there more than once in table %.*s, and an upsert would "
        "leave one row of each; nothing was changed",
        bad, vv_plural(bad), VV_ARG(table->name));
    vv_detail(op, "%.*s", VV_ARG(vv_buf_str(&detail)));
    return VARVE_EINVALID;
}

varve_status vv_alter_check_key(struct vv_op *op, struct vv_alter_change *change,
    const struct vv_rules *rules)
{
    struct vv_table *table = change->table;
    struct vv_null_keys keys;
    change->depends_on_rows = change->depends_on_rows || rules->key_len > 0;
    if (table->snapshot->files_len == 0 || rules->key_len == 0)
        return VARVE_OK;
    VV_TRY(vv_null_keys(op, &table->log, table->snapshot, rules, &keys));
    if (keys.null > 0)
        return vv_rules_fail_null_keys(op, table->name, keys.null, keys.rows);
    return check_doubled(op, table, rules);
}
