#include "base/number.h"
#include "engine/sql.h"
#include "table/upsert/upsert_plan.h"
#include "table/values.h"

#define NAMED_MAX 20 /* rows that an error tells */

/* Whether what the table asks of a row, or computes of it, depends on its order value. */
static varve_status is_order_used(struct vv_op *op, const struct vv_upsert_attempt *attempt,
    bool *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf quoted = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_rules *rules = attempt->rules;
    *out = false;
    if (rules->order < 0)
        return VARVE_OK;
    struct vv_str name = attempt->snapshot->schema.fields[rules->order].name;
    vv_sql_name(&quoted, name);
    if (!vv_buf_ok(&quoted))
        return vv_fail_memory(op);
    *out = vv_checks_name(rules->checks, rules->checks_len, vv_buf_str(&quoted)) ||
           vv_values_uses(rules, name);
    return VARVE_OK;
}

varve_status vv_upsert_check_later(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    bool is_used = false;
    if (attempt->later == 0 || attempt->candidates.files_len == 0)
        return VARVE_OK;
    VV_TRY(is_order_used(op, attempt, &is_used));
    if (!is_used)
        return VARVE_OK;
    int32_t order = attempt->rules->order;
    vv_buf_addf(&sql,
        "SELECT count(*), CAST(max(o._o) AS VARCHAR), "
        "array_to_string(list_sort(list(b._row))[1:%d], ', ') FROM %.*s AS b JOIN %.*s AS o "
        "ON o._row = b._row AND o._rank = 1 AND o._what = 1 WHERE NOT b._own AND o._o >= b.c%d",
        NAMED_MAX, VV_ARG(call->batch.sql), VV_ARG(call->work->stored.sql), order);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, call->work->session, vv_buf_str(&sql), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    int64_t later = has_row ? vv_rows_int64(rows, 0) : 0;
    if (later == 0)
        return VARVE_OK;
    struct vv_str name = attempt->snapshot->schema.fields[order].name;
    return vv_fail(op, VARVE_EINVALID,
        "%" PRId64
        " row%s no %.*s (row%s %.*s%s), and the stored ones have one that is ahead of "
        "the clock (%.*s): a later one would have to be made up, on which a rule or a "
        "generated "
        "column of table %.*s depends; nothing written. Bring %.*s with them",
        later, later == 1 ? " brings" : "s bring", VV_ARG(name), vv_plural(later),
        VV_ARG(vv_rows_text(rows, 2)), later > NAMED_MAX ? ", ..." : "",
        VV_ARG(vv_rows_text(rows, 1)), VV_ARG(call->table->name), VV_ARG(name));
}
