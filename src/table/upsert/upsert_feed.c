/*
 * The change files of an upsert: what it replaces and what takes its place, new rows, and surplus
 * rows that it repairs.
 */
#include "table/edit/feed_write.h"
#include "table/upsert/upsert_plan.h"

varve_status vv_upsert_feed(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str stored = call->work->stored.sql;
    const struct vv_feed feed = {.table = call->table,
        .session = call->work->session,
        .snapshot = attempt->snapshot,
        .rules = attempt->rules,
        .arena = &attempt->arena,
        .written = &attempt->written,
        .actions = &attempt->actions};
    const struct vv_feed_gone gone = {.files = attempt->candidates.files,
        .files_len = attempt->candidates.files_len,
        .rows = attempt->gone,
        .relation = stored,
        .type = "CASE WHEN g._rank = 1 THEN 'update_preimage' ELSE 'delete' END",
        .where = "g._rank > 1 OR g._what = 1"};
    /* New files of new rows say as much without it. */
    if (!vv_feed_wanted(attempt->snapshot) || !vv_upsert_takes_rows(attempt))
        return VARVE_OK;
    VV_TRY(vv_feed_gone_sql(op, &feed, &gone, &sql));
    if (attempt->counts[VV_OUTCOME_INSERT] + attempt->counts[VV_OUTCOME_UPDATE] > 0) {
        vv_buf_adds(&sql, " UNION ALL ");
        vv_feed_news_sql(&feed, attempt->news_sql,
            "CASE WHEN o._row IS NULL THEN 'insert' ELSE 'update_postimage' END", &sql);
        vv_buf_addf(&sql, " LEFT JOIN %.*s AS o ON o._row = n._row AND o._rank = 1",
            VV_ARG(stored));
    }
    call->work->has_tables = true;
    return vv_buf_ok(&sql) ? vv_feed_write(op, &feed, vv_buf_str(&sql)) : vv_fail_memory(op);
}
