#include "table/read/plan.h"

#include "base/number.h"
#include "engine/sql.h"
#include "table/read/scan_sql.h"

void vv_table_plan_fill(struct vv_table_plan *plan, const struct vv_snapshot *snapshot,
    const struct vv_pruned *pruned)
{
    plan->version = snapshot->version;
    plan->files = snapshot->files_len;
    plan->by_partition = pruned->by_partition;
    plan->by_statistics = pruned->by_statistics;
    plan->files_read = pruned->files_len;
    plan->bytes = vv_files_bytes(snapshot->files, snapshot->files_len);
    plan->bytes_read = vv_files_bytes(pruned->files, pruned->files_len);
}

static void add_row(const struct vv_table_plan *plan, size_t number, struct vv_buf *sql)
{
    struct vv_str alias = plan->alias.len > 0 ? plan->alias : VV_STR_NONE;
    vv_buf_addf(sql, "(%zu, ", number);
    vv_sql_literal(sql, plan->table);
    vv_buf_adds(sql, ", ");
    vv_sql_literal(sql, alias);
    vv_buf_addf(sql,
        ", %" PRId64 "::BIGINT, %zu::BIGINT, %zu::BIGINT, %zu::BIGINT, %zu::BIGINT, %" PRId64
        "::BIGINT, %" PRId64 "::BIGINT)",
        plan->version, plan->files, plan->by_partition, plan->by_statistics, plan->files_read,
        plan->bytes, plan->bytes_read);
}

varve_status vv_table_plan_stream(struct vv_op *op, struct vv_engine *engine,
    const struct vv_table_plan *plans, size_t len, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_table_plan none = {.table = VV_STR("")};
    vv_buf_adds(&sql,
        "SELECT \"table\", alias::VARCHAR AS alias, version, files, "
        "pruned_by_partition, pruned_by_statistics, files_read, bytes, bytes_read "
        "FROM (VALUES ");
    for (size_t i = 0; i < len; i++) {
        vv_buf_adds(&sql, i > 0 ? ", " : "");
        add_row(&plans[i], i, &sql);
    }
    if (len == 0)
        add_row(&none, 0, &sql);
    vv_buf_adds(&sql, ") AS p(number, \"table\", alias, version, files, pruned_by_partition, "
                      "pruned_by_statistics, files_read, bytes, bytes_read)");
    vv_buf_adds(&sql, len == 0 ? " WHERE false" : " ORDER BY number");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_open(op, engine, &session));
    return vv_session_stream(op, &session, vv_buf_str(&sql), false, NULL, 0, out);
}

void vv_table_plan_text(const struct vv_table_plan *plans, size_t len, struct vv_buf *out)
{
    for (size_t i = 0; i < len; i++) {
        const struct vv_table_plan *plan = &plans[i];
        vv_buf_addf(out, "%.*s", VV_ARG(plan->table));
        if (plan->alias.len > 0)
            vv_buf_addf(out, " AS %.*s", VV_ARG(plan->alias));
        vv_buf_addf(out,
            ", version %" PRId64 ": %zu of %zu file%s read (%" PRId64 " of %" PRId64
            " bytes); pruned by partition %zu, by statistics %zu\n",
            plan->version, plan->files_read, plan->files, vv_plural((int64_t)plan->files),
            plan->bytes_read, plan->bytes, plan->by_partition, plan->by_statistics);
    }
}

varve_status vv_engine_plan(struct vv_op *op, struct vv_session *session,
    const struct vv_query *query, struct vv_str *out_key, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str key = VV_STR("");
    VV_TRY(vv_session_rows(op, session, query, &rows));
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        key = vv_arena_str(&op->arena, vv_rows_text(rows, 0));
        vv_buf_add(&text, vv_rows_text(rows, 1));
        if (text.len > 0 && !vv_str_ends(vv_buf_str(&text), VV_STR("\n")))
            vv_buf_addc(&text, '\n');
    }
    *out = vv_arena_str(&op->arena, vv_buf_str(&text));
    if (out_key != NULL)
        *out_key = key;
    return vv_buf_ok(&text) && out->ptr != NULL && key.ptr != NULL ? VARVE_OK
                                                                   : vv_fail_memory(op);
}
