/*
 * Inputs that bring their types: what they have in common once their rows are in a table.
 */
#include "engine/sql.h"
#include "table/batch_input.h"

#define COLUMNS_ABOUT 32

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

/* Room for twice the columns that are there. */
static varve_status columns_grow(struct vv_op *op, struct vv_arena *arena,
    struct vv_batch_input *input, size_t capacity)
{
    struct vv_str **const lists[] = {&input->columns, &input->column_sql, &input->types};
    for (size_t i = 0; i < VV_COUNT(lists); i++) {
        struct vv_str *grown = vv_new(arena, struct vv_str, capacity);
        if (grown == NULL)
            return vv_fail_memory(op);
        if (input->columns_len > 0)
            memcpy(grown, *lists[i], input->columns_len * sizeof(*grown));
        *lists[i] = grown;
    }
    return VARVE_OK;
}

varve_status vv_input_drop(struct vv_op *op, struct vv_session *session,
    const struct vv_batch_input *input)
{
    struct vv_str drop =
        vv_arena_format(&op->arena, "DROP TABLE IF EXISTS temp.%.*s", VV_ARG(input->table));
    return drop.ptr ? vv_session_exec(op, session, drop) : vv_fail_memory(op);
}

varve_status vv_input_columns(struct vv_op *op, struct vv_session *session,
    struct vv_arena *arena, struct vv_batch_input *input)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    size_t capacity = COLUMNS_ABOUT;
    bool has_row = false;
    struct vv_str sql = vv_arena_format(&op->arena, "DESCRIBE temp.%.*s", VV_ARG(input->table));
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, sql, &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row)); /* the number of the row is none of the input's */
    input->columns_len = 0;
    input->row_sql = VV_STR("\"" VV_INPUT_ROW_COLUMN "\"");
    VV_TRY(columns_grow(op, arena, input, capacity));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        if (vv_str_eq(vv_rows_text(rows, 0), VV_STR(VV_INPUT_ARRIVAL_COLUMN))) {
            input->arrival_sql = VV_STR("\"" VV_INPUT_ARRIVAL_COLUMN "\"");
            continue;
        }
        if (input->columns_len == capacity)
            VV_TRY(columns_grow(op, arena, input, capacity *= 2));
        VV_TRY(column_add(op, arena, rows, input));
    }
}
