/* Rows of the spool back to Arrow: each column grows value by value, then all of them are an array. */
#include "ingest/spool_row.h"

#include <errno.h>
#include <string.h>

#include "base/seam.h"

#define COLUMN_BYTES_MAX ((size_t)INT32_MAX)

/* A column or a part of one. Offsets of texts and lists have 32 bits. */
struct column {
    const struct vv_arrow_type *type;
    int64_t len, nulls;
    struct vv_buf valid, offsets, values;
    struct column *children;
};

struct vv_row_batch {
    struct vv_arena arena;
    struct vv_row_schema schema;
    struct ArrowSchema *with_arrival; /* what the stream says */
    struct column root;
    struct vv_buf arrivals;
    int64_t len;
};

static bool column_init(struct vv_arena *arena, const struct vv_arrow_type *type,
    struct column *out)
{
    *out = (struct column){.type = type,
        .valid = VV_BUF_INIT(COLUMN_BYTES_MAX),
        .offsets = VV_BUF_INIT(COLUMN_BYTES_MAX),
        .values = VV_BUF_INIT(COLUMN_BYTES_MAX)};
    out->children = vv_new(arena, struct column, (size_t)type->children_len + 1);
    bool is_ok = out->children != NULL;
    for (int64_t i = 0; i < type->children_len && is_ok; i++)
        is_ok = column_init(arena, &type->children[i], &out->children[i]);
    if (type->kind == VV_ARROW_TEXT || type->kind == VV_ARROW_LIST)
        vv_buf_add(&out->offsets, (struct vv_str){"\0\0\0", 4});
    return is_ok;
}

static void column_done(struct column *column)
{
    for (int64_t i = 0; column->children != NULL && i < column->type->children_len; i++)
        column_done(&column->children[i]);
    vv_buf_done(&column->valid);
    vv_buf_done(&column->offsets);
    vv_buf_done(&column->values);
}

static bool column_ok(const struct column *column)
{
    bool is_ok =
        vv_buf_ok(&column->valid) && vv_buf_ok(&column->offsets) && vv_buf_ok(&column->values);
    for (int64_t i = 0; is_ok && i < column->type->children_len; i++)
        is_ok = column_ok(&column->children[i]);
    return is_ok;
}

void vv_row_batch_free(struct vv_row_batch **batch)
{
    struct vv_row_batch *freed = VV_MOVE(*batch);
    if (freed == NULL)
        return;
    if (freed->root.type != NULL)
        column_done(&freed->root);
    vv_buf_done(&freed->arrivals);
    vv_arena_done(&freed->arena);
    vv_free(freed);
}

/* The columns of the schema, and the arrival behind them. */
static varve_status arrival_add(struct vv_op *op, struct vv_row_batch *batch, const char *name)
{
    const struct ArrowSchema *schema = batch->schema.schema;
    size_t len = (size_t)schema->n_children;
    struct ArrowSchema *root = NULL;
    struct ArrowSchema *arrival = NULL;
    VV_NEW(op, &root, struct ArrowSchema, 1);
    VV_NEW(op, &arrival, struct ArrowSchema, 1);
    *root = *schema;
    *arrival = (struct ArrowSchema){.format = "l", .name = name, .release = schema->release};
    VV_NEW(op, &root->children, struct ArrowSchema *, len + 1);
    if (len > 0)
        memcpy(root->children, schema->children, len * sizeof(*root->children));
    root->children[len] = arrival;
    root->n_children++;
    batch->with_arrival = root;
    return VARVE_OK;
}

varve_status vv_row_batch_new(struct vv_op *op, struct vv_str schema_payload,
    const char *arrival_column, struct vv_row_batch **out)
{
    VV_CLEANUP(vv_row_batch_free) struct vv_row_batch *batch = vv_malloc(sizeof(*batch));
    if (batch == NULL)
        return vv_fail_memory(op);
    *batch = (struct vv_row_batch){
        .arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT), .arrivals = VV_BUF_INIT(VV_BUF_MAX)};
    VV_TRY(vv_row_schema_read(op, schema_payload, &batch->schema));
    VV_TRY(arrival_add(op, batch, arrival_column));
    struct vv_arrow_type *type = NULL;
    VV_NEW(op, &type, struct vv_arrow_type, 1);
    *type = batch->schema.type; /* the batch may be copied, columns point here */
    if (!column_init(&batch->arena, type, &batch->root))
        return vv_fail_memory(op);
    *out = VV_MOVE(batch);
    return VARVE_OK;
}

static void bit_add(struct vv_buf *bits, int64_t index, bool is_set)
{
    if (index % 8 == 0)
        vv_buf_addc(bits, is_set ? 1 : 0);
    else if (is_set && vv_buf_ok(bits))
        bits->private_ptr[bits->len - 1] =
            (char)(bits->private_ptr[bits->len - 1] | (1 << (index % 8)));
}

static void offset_add(struct column *column, size_t end)
{
    int32_t offset = (int32_t)end;
    vv_buf_add(&column->offsets, (struct vv_str){(const char *)&offset, sizeof(offset)});
}

/* What Arrow wants below a NULL: as many bytes, elements, children as of a value. */
static void null_add(struct column *column)
{
    static const char zeros[16] = {0};
    int32_t width = column->type->width;
    bit_add(&column->valid, column->len, false);
    column->nulls++;
    switch (column->type->kind) {
    case VV_ARROW_BOOL:
        bit_add(&column->values, column->len, false);
        break;
    case VV_ARROW_TEXT:
        offset_add(column, column->values.len);
        break;
    case VV_ARROW_LIST:
        offset_add(column, (size_t)column->children[0].len);
        break;
    case VV_ARROW_ARRAY:
        for (int32_t i = 0; i < width && vv_buf_ok(&column->valid); i++)
            null_add(&column->children[0]);
        break;
    case VV_ARROW_STRUCT:
        for (int64_t i = 0; i < column->type->children_len; i++)
            null_add(&column->children[i]);
        break;
    case VV_ARROW_BYTES:
        for (int32_t i = 0; i < width && vv_buf_ok(&column->values); i++)
            vv_buf_addc(&column->values, '\0');
        break;
    case VV_ARROW_FIXED:
    case VV_ARROW_DATE32:
    case VV_ARROW_DATE64:
    case VV_ARROW_TIMESTAMP:
    case VV_ARROW_DECIMAL:
        vv_buf_add(&column->values, (struct vv_str){zeros, (size_t)width});
        break;
    case VV_ARROW_NULL:
    case VV_ARROW_VIEW:
    case VV_ARROW_DICTIONARY:
        break;
    }
    column->len++;
}

static bool value_add(struct column *column, struct vv_row_bytes *from);

static bool group_add(struct column *children, bool is_list, uint64_t len,
    struct vv_row_bytes *from)
{
    const unsigned char *bits = vv_row_take_bits(from, len);
    bool is_ok = bits != NULL;
    for (uint64_t i = 0; i < len && is_ok; i++) {
        struct column *child = is_list ? children : &children[i];
        if (vv_arrow_bit(bits, (int64_t)i))
            is_ok = value_add(child, from);
        else
            null_add(child);
    }
    return is_ok;
}

static bool scalar_add(struct column *column, struct vv_row_bytes *from)
{
    struct vv_str value;
    if (!vv_row_take_scalar(from, column->type, &value))
        return false;
    if (column->type->kind == VV_ARROW_BOOL) {
        bit_add(&column->values, column->len, value.ptr[0] != 0);
        return true;
    }
    vv_buf_add(&column->values, value);
    if (column->type->kind == VV_ARROW_TEXT)
        offset_add(column, column->values.len);
    return true;
}

static bool value_add(struct column *column, struct vv_row_bytes *from)
{
    uint64_t len = (uint64_t)column->type->width;
    bool is_ok = true;
    switch (column->type->kind) {
    case VV_ARROW_STRUCT:
        is_ok = group_add(column->children, false, (uint64_t)column->type->children_len, from);
        break;
    case VV_ARROW_LIST:
        is_ok = vv_row_take_count(from, &len) && group_add(column->children, true, len, from);
        offset_add(column, (size_t)column->children[0].len);
        break;
    case VV_ARROW_ARRAY:
        is_ok = group_add(column->children, true, len, from);
        break;
    case VV_ARROW_NULL:
        return false; /* there is no value of this type */
    case VV_ARROW_BOOL:
    case VV_ARROW_FIXED:
    case VV_ARROW_DATE32:
    case VV_ARROW_DATE64:
    case VV_ARROW_TIMESTAMP:
    case VV_ARROW_DECIMAL:
    case VV_ARROW_TEXT:
    case VV_ARROW_VIEW:
    case VV_ARROW_BYTES:
    case VV_ARROW_DICTIONARY:
        is_ok = scalar_add(column, from);
        break;
    }
    bit_add(&column->valid, column->len, true);
    column->len++;
    return is_ok;
}

varve_status vv_row_batch_add(struct vv_op *op, struct vv_row_batch *batch,
    struct vv_str payload, int64_t arrival_us)
{
    struct vv_row_bytes from = {(const unsigned char *)payload.ptr, payload.len};
    uint64_t columns_len = (uint64_t)batch->root.type->children_len;
    if (!group_add(batch->root.children, false, columns_len, &from) || from.left > 0)
        return vv_fail(op, VARVE_ECORRUPT, "a typed row of %zu bytes is not of its schema",
            payload.len);
    vv_buf_add(&batch->arrivals,
        (struct vv_str){(const char *)&arrival_us, sizeof(arrival_us)});
    batch->len++;
    if (batch->len % 1024 == 0 && !column_ok(&batch->root))
        return vv_fail_memory(op);
    return VARVE_OK;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const struct vv_row_batch *batch = stream->private_data;
    *out = *batch->with_arrival;
    return 0;
}

/* The buffers stay the batch's, which outlives the arrays that it gives. */
static void release_nothing(struct ArrowArray *array)
{
    array->release = NULL;
}

static bool array_make(struct vv_arena *arena, const struct column *column,
    struct ArrowArray *out)
{
    int64_t children_len = column->type->children_len;
    struct ArrowArray *children = vv_new(arena, struct ArrowArray, (size_t)children_len + 1);
    struct ArrowArray **pointers = vv_new(arena, struct ArrowArray *, (size_t)children_len + 1);
    const void **buffers = vv_new(arena, const void *, 3);
    bool is_ok = children != NULL && pointers != NULL && buffers != NULL &&
                 vv_buf_ok(&column->valid) && vv_buf_ok(&column->offsets) &&
                 vv_buf_ok(&column->values);
    for (int64_t i = 0; i < children_len && is_ok; i++) {
        pointers[i] = &children[i];
        is_ok = array_make(arena, &column->children[i], &children[i]);
    }
    if (!is_ok)
        return false;
    enum vv_arrow_kind kind = column->type->kind;
    bool has_offsets = kind == VV_ARROW_TEXT || kind == VV_ARROW_LIST;
    bool has_values =
        kind != VV_ARROW_LIST && kind != VV_ARROW_ARRAY && kind != VV_ARROW_STRUCT;
    int64_t len = 0;
    buffers[len++] = vv_buf_str(&column->valid).ptr;
    if (has_offsets)
        buffers[len++] = vv_buf_str(&column->offsets).ptr;
    if (has_values)
        buffers[len++] = vv_buf_str(&column->values).ptr;
    *out = (struct ArrowArray){.length = column->len,
        .null_count = column->nulls,
        .n_buffers = kind == VV_ARROW_NULL ? 0 : len,
        .buffers = buffers,
        .n_children = children_len,
        .children = pointers,
        .release = release_nothing};
    return true;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct vv_row_batch *batch = stream->private_data;
    struct vv_arena *arena = &batch->arena;
    struct ArrowArray rows;
    if (batch->len == 0) {
        *out = (struct ArrowArray){.release = NULL};
        return 0;
    }
    int64_t columns_len = batch->root.type->children_len;
    struct ArrowArray *arrivals = vv_new(arena, struct ArrowArray, 1);
    struct ArrowArray **pointers = vv_new(arena, struct ArrowArray *, (size_t)columns_len + 1);
    const void **buffers = vv_new(arena, const void *, 3);
    if (!column_ok(&batch->root) || !vv_buf_ok(&batch->arrivals) || arrivals == NULL ||
        pointers == NULL || buffers == NULL || !array_make(arena, &batch->root, &rows))
        return ENOMEM;
    buffers[2] = vv_buf_str(&batch->arrivals).ptr;
    *arrivals = (struct ArrowArray){.length = batch->len,
        .n_buffers = 2,
        .buffers = buffers + 1,
        .release = release_nothing};
    if (columns_len > 0)
        memcpy(pointers, rows.children, (size_t)columns_len * sizeof(*pointers));
    pointers[columns_len] = arrivals;
    *out = (struct ArrowArray){.length = batch->len,
        .n_buffers = 1,
        .buffers = buffers,
        .n_children = columns_len + 1,
        .children = pointers,
        .release = release_nothing};
    batch->len = 0; /* the next time: the end */
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "out of memory";
}

static void stream_release(struct ArrowArrayStream *stream)
{
    struct vv_row_batch *batch = stream->private_data;
    vv_row_batch_free(&batch);
    stream->release = NULL;
}

void vv_row_batch_stream(struct vv_row_batch **batch, struct ArrowArrayStream *out)
{
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
        .get_next = stream_next,
        .get_last_error = stream_error,
        .release = stream_release,
        .private_data = VV_MOVE(*batch)};
}
