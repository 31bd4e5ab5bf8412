#include "engine/arrow_rows.h"

#include <nanoarrow/nanoarrow.h>

#include "base/seam.h"

/* A batch ends at so many rows, or bytes of text: its offsets have 32 bits. */
#define BATCH_ROWS_MAX 2048
#define BATCH_BYTES_MAX ((size_t)64 << 20)

struct vv_arrow_rows {
    struct ArrowSchema schema;
    size_t columns_len;
    int64_t rows;
    struct ArrowArray *batches; /* all but the last are finished */
    size_t len, capacity;
    size_t bytes; /* of text in the last one */
    bool is_open; /* the last one takes rows */
    enum vv_arrow_column_type types[];
};

static varve_status fail(struct vv_op *op, int code)
{
    if (code == ENOMEM)
        return vv_fail_memory(op);
    return vv_fail(op, VARVE_EFAILED, "rows can't be put together for others (error %d)", code);
}

static int set_type(struct ArrowSchema *schema, enum vv_arrow_column_type type)
{
    if (type == VV_ARROW_TIMESTAMPTZ)
        return ArrowSchemaSetTypeDateTime(schema, NANOARROW_TYPE_TIMESTAMP,
            NANOARROW_TIME_UNIT_MICRO, "UTC");
    return ArrowSchemaSetType(schema,
        type == VV_ARROW_TEXT ? NANOARROW_TYPE_STRING : NANOARROW_TYPE_INT64);
}

static int make_schema(struct vv_arrow_rows *rows, const struct vv_arrow_column *columns)
{
    ArrowSchemaInit(&rows->schema);
    int code = ArrowSchemaSetTypeStruct(&rows->schema, (int64_t)rows->columns_len);
    for (size_t i = 0; i < rows->columns_len && code == NANOARROW_OK; i++) {
        struct ArrowSchema *column = rows->schema.children[i];
        code = set_type(column, columns[i].type);
        if (code == NANOARROW_OK)
            code = ArrowSchemaSetName(column, columns[i].name);
        rows->types[i] = columns[i].type;
    }
    return code;
}

varve_status vv_arrow_rows_open(struct vv_op *op, const struct vv_arrow_column *columns,
    size_t columns_len, struct vv_arrow_rows **out)
{
    struct vv_arrow_rows *rows =
        vv_malloc_zeroed(sizeof(*rows) + columns_len * sizeof(rows->types[0]));
    if (rows == NULL)
        return vv_fail_memory(op);
    rows->columns_len = columns_len;
    int code = make_schema(rows, columns);
    if (code != NANOARROW_OK) {
        vv_arrow_rows_close(&rows);
        return fail(op, code);
    }
    *out = rows;
    return VARVE_OK;
}

static varve_status batch_begin(struct vv_op *op, struct vv_arrow_rows *rows)
{
    VV_TRY(vv_check_cancel(op));
    if (rows->len == rows->capacity) {
        size_t capacity = rows->capacity == 0 ? 4 : rows->capacity * 2;
        struct ArrowArray *grown = vv_realloc(rows->batches, capacity * sizeof(*grown));
        if (grown == NULL)
            return vv_fail_memory(op);
        rows->batches = grown;
        rows->capacity = capacity;
    }
    struct ArrowArray *batch = &rows->batches[rows->len];
    int code = ArrowArrayInitFromSchema(batch, &rows->schema, NULL);
    if (code != NANOARROW_OK)
        return fail(op, code);
    rows->len++;
    rows->bytes = 0;
    rows->is_open = true;
    code = ArrowArrayStartAppending(batch);
    return code == NANOARROW_OK ? VARVE_OK : fail(op, code);
}

static varve_status batch_end(struct vv_op *op, struct vv_arrow_rows *rows)
{
    rows->is_open = false;
    int code = ArrowArrayFinishBuildingDefault(&rows->batches[rows->len - 1], NULL);
    return code == NANOARROW_OK ? VARVE_OK : fail(op, code);
}

static varve_status add_cell(struct vv_op *op, struct vv_arrow_rows *rows, size_t column,
    const struct vv_arrow_cell *cell)
{
    struct ArrowArray *values = rows->batches[rows->len - 1].children[column];
    int code = NANOARROW_OK;
    if (cell->is_null) {
        code = ArrowArrayAppendNull(values, 1);
    } else if (rows->types[column] != VV_ARROW_TEXT) {
        code = ArrowArrayAppendInt(values, cell->number);
    } else {
        if (vv_str_is_lost(cell->text))
            return vv_fail_memory(op);
        if (!vv_utf8_valid(cell->text))
            return vv_fail(op, VARVE_EINVALID,
                "row %" PRId64 ", column %s: the value is not valid UTF-8", rows->rows,
                rows->schema.children[column]->name);
        code = ArrowArrayAppendString(values,
            (struct ArrowStringView){cell->text.ptr, (int64_t)cell->text.len});
        rows->bytes += cell->text.len;
    }
    return code == NANOARROW_OK ? VARVE_OK : fail(op, code);
}

varve_status vv_arrow_rows_add(struct vv_op *op, struct vv_arrow_rows *rows,
    const struct vv_arrow_cell *cells)
{
    if (!rows->is_open)
        VV_TRY(batch_begin(op, rows));
    for (size_t i = 0; i < rows->columns_len; i++)
        VV_TRY(add_cell(op, rows, i, &cells[i]));
    struct ArrowArray *batch = &rows->batches[rows->len - 1];
    int code = ArrowArrayFinishElement(batch);
    if (code != NANOARROW_OK)
        return fail(op, code);
    rows->rows++;
    if (batch->length == BATCH_ROWS_MAX || rows->bytes >= BATCH_BYTES_MAX)
        return batch_end(op, rows);
    return VARVE_OK;
}

varve_status vv_arrow_rows_stream(struct vv_op *op, struct vv_arrow_rows *rows,
    struct ArrowArrayStream *out)
{
    struct ArrowArrayStream stream;
    if (rows->is_open)
        VV_TRY(batch_end(op, rows));
    int code = ArrowBasicArrayStreamInit(&stream, &rows->schema, (int64_t)rows->len);
    if (code != NANOARROW_OK)
        return fail(op, code);
    for (size_t i = 0; i < rows->len; i++)
        ArrowBasicArrayStreamSetArray(&stream, (int64_t)i, &rows->batches[i]);
    rows->len = 0;
    *out = stream;
    return VARVE_OK;
}

void vv_arrow_rows_close(struct vv_arrow_rows **rows)
{
    struct vv_arrow_rows *closed = VV_MOVE(*rows);
    if (closed == NULL)
        return;
    for (size_t i = 0; i < closed->len; i++)
        if (closed->batches[i].release != NULL)
            closed->batches[i].release(&closed->batches[i]);
    if (closed->schema.release != NULL)
        closed->schema.release(&closed->schema);
    vv_free(closed->batches);
    vv_free(closed);
}
