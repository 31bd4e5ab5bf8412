#include "table/batch/batch_empty.h"

#include "base/number.h"
#include "table/batch/tuple.h"

static bool may_have_empty(const struct vv_plan *plan, int32_t column)
{
    return plan->schema->fields[column].type.kind == VV_TYPE_STRING && plan->from[column] >= 0;
}

/* Of few rows without the engine, which would take longer to be asked. */
static varve_status has_null_few(struct vv_op *op, const struct vv_rowset *batch,
    int32_t column, bool *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    *out = false;
    VV_TRY(vv_rowset_read(op, batch, &rows));
    for (bool has_row = true; !*out;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        *out = vv_rows_is_null(rows, vv_tuple_column(column));
    }
    return VARVE_OK;
}

static varve_status has_null(struct vv_op *op, struct vv_work *work, int32_t column, bool *out)
{
    const struct vv_relation *batch = &work->batch;
    int64_t rows = 0;
    if (batch->in_memory && vv_rowset_rows(batch->rowset) <= VV_WORK_ROWS_MAX)
        return has_null_few(op, batch->rowset, column, out);
    struct vv_str sql = vv_arena_format(&op->arena,
        "SELECT count(*) FROM (SELECT 1 FROM %.*s WHERE c%d IS NULL LIMIT 1)",
        VV_ARG(batch->sql), (int)column);
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, work->session, sql, &rows));
    *out = rows > 0;
    return VARVE_OK;
}

static varve_status empty_count(struct vv_op *op, struct vv_work *work,
    const struct vv_plan *plan, int32_t column, int64_t *rows)
{
    const struct vv_batch_input *input = plan->input;
    int64_t here = 0;
    if (!may_have_empty(plan, column))
        return VARVE_OK;
    struct vv_str sql = vv_arena_format(&op->arena,
        "SELECT count(*) FROM %.*s WHERE CAST(%.*s AS VARCHAR) = ''", VV_ARG(input->sql),
        VV_ARG(input->column_sql[plan->from[column]]));
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, work->session, sql, &here));
    *rows += here;
    return VARVE_OK;
}

varve_status vv_batch_tell_empty(struct vv_op *op, struct vv_work *work,
    const struct vv_table *table, const struct vv_plan *plans, size_t plans_len)
{
    const struct vv_rules *rules = plans[0].rules;
    for (size_t i = 0; i < rules->partitions_len; i++) {
        int32_t column = rules->partitions[i];
        int64_t rows = 0;
        bool is_null = false;
        /* The input is asked only where something became NULL, which is rare. */
        for (size_t index = 0; index < plans_len && !is_null; index++)
            if (may_have_empty(&plans[index], column))
                VV_TRY(has_null(op, work, column, &is_null));
        for (size_t index = 0; index < plans_len && is_null; index++)
            VV_TRY(empty_count(op, work, &plans[index], column, &rows));
        if (rows > 0)
            vv_log(op, VV_LOG_WARN, "batch.empty",
                "%.*s: %" PRId64 " row%s an empty text in %.*s, which is NULL there: a "
                "partition column cannot tell them apart",
                VV_ARG(table->name), rows, rows == 1 ? " has" : "s have",
                VV_ARG(plans[0].schema->fields[column].name));
    }
    return VARVE_OK;
}
