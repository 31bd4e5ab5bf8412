/*
 * Inputs that bring their types: what they have in common once their rows are in a table.
 */
#include "engine/sql.h"
#include "table/batch_input.h"

static varve_status column_add(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rows *rows, struct vv_batch_input *input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf quoted = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str name = vv_rows_text(rows, 0);
    vv_sql_name(&quoted, name);
    size_t index = input->columns_len++;
    input->columns[index] = vv_arena_str(arena, name);
    input->column_sql[index] = vv_arena_str(arena, vv_buf_str(&quoted));
    input->types[index] = vv_arena_str(arena, vv_rows_text(rows, 1));
    bool has_memory = input->columns[index].ptr && input->column_sql[index].ptr &&
                      input->types[index].ptr && vv_buf_ok(&quoted);
    return has_memory ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_input_columns(struct vv_op *op, struct vv_session *session,
    struct vv_arena *arena, struct vv_batch_input *input)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    int64_t len = 0;
    vv_buf_addf(&sql,
        "SELECT column_name, column_type, count(*) OVER () FROM (DESCRIBE temp.%.*s)",
        VV_ARG(input->table));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&sql), &rows));
    bool has_row = false;
    VV_TRY(vv_rows_next(op, rows, &has_row));
    len = has_row ? vv_rows_int64(rows, 2) : 0;
    input->columns_len = 0;
    input->row_sql = VV_STR("\"" VV_INPUT_ROW_COLUMN "\"");
    input->columns = vv_new(arena, struct vv_str, (size_t)len + 1);
    input->column_sql = vv_new(arena, struct vv_str, (size_t)len + 1);
    input->types = vv_new(arena, struct vv_str, (size_t)len + 1);
    if (input->columns == NULL || input->column_sql == NULL || input->types == NULL)
        return vv_fail_memory(op);
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        VV_TRY(column_add(op, arena, rows, input));
    }
}
