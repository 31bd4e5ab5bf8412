/*
 * Where the rows of an input go, and what inputs that bring their types have in common once their
 * rows are there.
 */
#include "engine/sql.h"
#include "table/input/batch_input.h"

#define COLUMNS_ABOUT 32

varve_status vv_input_target(struct vv_op *op, struct vv_work *work,
    const struct vv_batch_input *input, struct vv_str row_column, struct vv_load_target *out)
{
    if (work->has_tables) {
        struct vv_str drop =
            vv_arena_format(&op->arena, "DROP TABLE IF EXISTS temp.%.*s", VV_ARG(input->table));
        if (drop.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_session_exec(op, work->session, drop));
    }
    int64_t rows_max = work->is_small ? VV_WORK_ROWS_MAX : input->values_rows_max;
    work->has_tables = work->has_tables || rows_max == 0;
    *out = (struct vv_load_target){.table = input->table,
        .row_column = row_column,
        .rowset = rows_max > 0 ? work->input : NULL,
        .rows_max = rows_max};
    return VARVE_OK;
}

void vv_input_loaded(struct vv_work *work, struct vv_batch_input *input,
    const struct vv_load_target *target, int64_t rows)
{
    input->in_memory = target->rowset != NULL && rows <= target->rows_max;
    input->rows = rows;
    work->is_small = work->is_small && rows <= VV_WORK_ROWS_MAX;
    work->has_tables = work->has_tables || !input->in_memory;
    input->sql = input->in_memory ? vv_rowset_sql(work->input) : input->table_sql;
}

const char *vv_input_typed_by_head(struct vv_str head)
{
    const struct vv_str message = VV_STR("\xFF\xFF\xFF\xFF");
    const struct vv_str file = {"ARROW1\0", 7};
    /* A text may begin with PAR1, too. What is behind it here is the begin of a page, or of the footer. */
    if (vv_str_starts(head, VV_STR("PAR1\x15")))
        return "Parquet (--input-format parquet)";
    if (vv_str_starts(head, file) || vv_str_starts(head, message))
        return "Arrow IPC (--input-format arrow)";
    return NULL;
}

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

static bool is_fault_column(struct vv_str name)
{
    return vv_str_eq(name, VV_STR(VV_NDJSON_FAULT_NAME)) ||
           vv_str_eq(name, VV_STR(VV_NDJSON_FAULT_VALUE)) ||
           vv_str_eq(name, VV_STR(VV_NDJSON_FAULT_RULE));
}

/* All three, which nobody else gives, or none. */
static varve_status check_faults(struct vv_op *op, struct vv_batch_input *input, size_t len)
{
    if (len != 0 && len != 3)
        return vv_fail(op, VARVE_EINVALID,
            "%.*s: columns " VV_INPUT_FAULTS_SQL " go together, and one is missing",
            VV_ARG(input->name));
    input->has_faults = input->has_faults || len == 3;
    return VARVE_OK;
}

static varve_status columns_read(struct vv_op *op, struct vv_session *session,
    struct vv_arena *arena, struct vv_batch_input *input)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    size_t capacity = COLUMNS_ABOUT;
    size_t fault_columns = 0;
    bool has_row = false;
    struct vv_str sql = vv_arena_format(&op->arena, "DESCRIBE FROM %.*s", VV_ARG(input->sql));
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, sql, &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row)); /* the number of the row is none of the input's */
    input->columns_len = 0;
    VV_TRY(columns_grow(op, arena, input, capacity));
    for (;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return check_faults(op, input, fault_columns);
        if (vv_str_eq(vv_rows_text(rows, 0), VV_STR(VV_INPUT_ARRIVAL_COLUMN))) {
            input->arrival_sql = VV_STR("\"" VV_INPUT_ARRIVAL_COLUMN "\"");
            continue;
        }
        if (input->format == VV_INPUT_ARROW && is_fault_column(vv_rows_text(rows, 0))) {
            fault_columns++;
            continue;
        }
        if (input->columns_len == capacity)
            VV_TRY(columns_grow(op, arena, input, capacity *= 2));
        VV_TRY(column_add(op, arena, rows, input));
    }
}

/* What a rowset has is asked once: the next batch of a writer has the same columns. */
static varve_status columns_recall(struct vv_op *op, struct vv_work *work,
    struct vv_batch_input *input)
{
    struct vv_work_columns *known = &work->columns;
    if (known->shapes != vv_rowset_shapes(work->input)) {
        vv_arena_done(&work->arena);
        known->shapes = 0;
        VV_TRY(columns_read(op, work->session, &work->arena, input));
        *known = (struct vv_work_columns){.shapes = vv_rowset_shapes(work->input),
            .names = input->columns,
            .sql = input->column_sql,
            .types = input->types,
            .len = input->columns_len,
            .arrival_sql = input->arrival_sql,
            .has_faults = input->has_faults};
    }
    input->columns = known->names;
    input->column_sql = known->sql;
    input->types = known->types;
    input->columns_len = known->len;
    input->arrival_sql = known->arrival_sql;
    input->has_faults = known->has_faults;
    return VARVE_OK;
}

varve_status vv_input_columns(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input)
{
    input->row_sql = VV_STR("\"" VV_INPUT_ROW_COLUMN "\"");
    return work->is_small ? columns_recall(op, work, input)
                          : columns_read(op, work->session, arena, input);
}
