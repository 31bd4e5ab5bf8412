#include "table/batch/tuple.h"

#include <math.h>

#include "table/upsert/upsert_plan.h"

#define COLUMNS_BEFORE 2 /* _row and _own, then c0, c1 .. */

uint32_t vv_tuple_column(int32_t column)
{
    return (uint32_t)column + COLUMNS_BEFORE;
}

static void add_bytes(struct vv_buf *text, const void *bytes, size_t len)
{
    vv_buf_add(text, (struct vv_str){bytes, len});
}

static void add_value(struct vv_buf *text, const struct vv_value *value)
{
    vv_buf_addc(text, (char)value->kind);
    if (value->kind == VV_VALUE_DOUBLE) {
        double number = isnan(value->number) ? (double)NAN : value->number + 0.0;
        add_bytes(text, &number, sizeof(number));
    } else if (value->kind == VV_VALUE_TEXT) {
        add_bytes(text, &value->text.len, sizeof(value->text.len));
        vv_buf_add(text, value->text);
    } else {
        add_bytes(text, &value->integer, sizeof(value->integer));
    }
}

varve_status vv_tuple_make(struct vv_op *op, struct vv_tuple *tuple)
{
    VV_NEW(op, &tuple->values, struct vv_value, tuple->len + 1);
    return VARVE_OK;
}

static varve_status read_value(struct vv_op *op, const struct vv_tuple *tuple,
    const struct vv_rows *rows, size_t index)
{
    int32_t column = tuple->columns[index];
    if (tuple->fixed != NULL && tuple->fixed[column].kind != VV_VALUE_NONE) {
        tuple->values[index] = tuple->fixed[column];
        return VARVE_OK;
    }
    return vv_upsert_value(op, tuple->arena, rows,
        tuple->from != NULL ? tuple->from[column] : vv_tuple_column(column),
        &tuple->schema->fields[column].type, &tuple->values[index]);
}

varve_status vv_tuple_values(struct vv_op *op, const struct vv_tuple *tuple,
    const struct vv_rows *rows)
{
    for (size_t i = 0; i < tuple->len; i++)
        VV_TRY(read_value(op, tuple, rows, i));
    return VARVE_OK;
}

varve_status vv_tuple_read(struct vv_op *op, const struct vv_tuple *tuple,
    const struct vv_rows *rows, struct vv_buf *text)
{
    vv_buf_clear(text);
    for (size_t i = 0; i < tuple->len; i++) {
        if (tuple->passed != NULL && tuple->passed[i])
            continue;
        VV_TRY(read_value(op, tuple, rows, i));
        add_value(text, &tuple->values[i]);
    }
    return vv_buf_ok(text) ? VARVE_OK : vv_fail_memory(op);
}
