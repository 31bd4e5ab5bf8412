/* Records to Arrow: everything lies in one arena, which goes with the stream or with the array. */
#include <errno.h>

#include "api/record.h"
#include "base/seam.h"
#include "table/input/batch_input.h"
#include "varve/market.h"

#define BUFFERS_MAX 3

/* Behind the columns of the fields where a record is not sound. */
static const char *const fault_columns[] = {
    VV_NDJSON_FAULT_NAME, VV_NDJSON_FAULT_VALUE, VV_NDJSON_FAULT_RULE};

struct rows {
    const struct vv_record_type *type;
    const void *records;
    size_t len;
    const struct vv_record_fault **faults; /* NULL: all are sound */
};

/* What a stream, a schema or an array holds; each has its own. */
struct holder {
    struct vv_arena arena;
    struct ArrowArray array; /* of the stream: not handed out yet */
    const struct vv_record_type *type;
    bool has_faults;
};

static struct holder *holder_new(void)
{
    struct holder *holder = vv_malloc(sizeof(*holder));
    if (holder != NULL)
        *holder = (struct holder){.arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT)};
    return holder;
}

static void holder_free(void *private_data)
{
    struct holder *holder = private_data;
    vv_arena_done(&holder->arena);
    vv_free(holder);
}

/* Children lie in the memory of their parent. */
static void release_child_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    holder_free(schema->private_data);
    schema->release = NULL;
}

static void release_child_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    holder_free(array->private_data);
    array->release = NULL;
}

const char *vv_record_format(enum vv_record_kind kind)
{
    switch (kind) {
    case VV_RECORD_TIME:
        return "tsu:UTC";
    case VV_RECORD_TEXT:
        return "u";
    case VV_RECORD_NUMBER:
        return "g";
    case VV_RECORD_INT:
        return "i";
    case VV_RECORD_BOOL:
        return "b";
    }
    return "n";
}

static size_t columns_of(const struct vv_record_type *type, bool has_faults)
{
    return type->fields_len + (has_faults ? VV_COUNT(fault_columns) : 0);
}

static bool fill_schema(struct holder *holder, const struct vv_record_type *type,
    bool has_faults, struct ArrowSchema *out)
{
    size_t len = columns_of(type, has_faults);
    struct ArrowSchema *children = vv_new(&holder->arena, struct ArrowSchema, len);
    struct ArrowSchema **pointers = vv_new(&holder->arena, struct ArrowSchema *, len);
    if (children == NULL || pointers == NULL)
        return false;
    for (size_t i = 0; i < len; i++) {
        bool is_field = i < type->fields_len;
        pointers[i] = &children[i];
        children[i] = (struct ArrowSchema){
            .format = vv_record_format(is_field ? type->fields[i].kind : VV_RECORD_TEXT),
            .name = is_field ? type->fields[i].name : fault_columns[i - type->fields_len],
            .flags = ARROW_FLAG_NULLABLE,
            .release = release_child_schema};
    }
    *out = (struct ArrowSchema){.format = "+s",
        .name = "",
        .n_children = (int64_t)len,
        .children = pointers,
        .release = release_schema,
        .private_data = holder};
    return true;
}

bool vv_record_has_value(enum vv_record_kind kind, const void *value)
{
    double number;
    int64_t time;
    int32_t integer;
    const char *text;
    switch (kind) {
    case VV_RECORD_TIME:
        memcpy(&time, value, sizeof(time));
        return time != VARVE_NO_TIME;
    case VV_RECORD_TEXT:
        memcpy(&text, value, sizeof(text));
        return text != NULL;
    case VV_RECORD_NUMBER:
        memcpy(&number, value, sizeof(number));
        return number == number; /* NaN alone is not itself */
    case VV_RECORD_INT:
        memcpy(&integer, value, sizeof(integer));
        return integer != VARVE_NO_INT;
    case VV_RECORD_BOOL:
        break;
    }
    return true;
}

static void set_bit(unsigned char *bits, size_t index)
{
    bits[index / 8] = (unsigned char)(bits[index / 8] | (1U << (index % 8)));
}

/* The value of a field in record `row`, by its address. */
static const void *value_at(const struct rows *rows, size_t field, size_t row)
{
    return (const char *)rows->records + row * rows->type->bytes +
           rows->type->fields[field].offset;
}

/* Of a column of texts; ptr NULL: none. */
static struct vv_str text_at(const struct rows *rows, size_t column, size_t row)
{
    const struct vv_record_fault *fault = rows->faults != NULL ? rows->faults[row] : NULL;
    if (column >= rows->type->fields_len) {
        size_t part = column - rows->type->fields_len;
        if (fault == NULL)
            return VV_STR_NONE;
        return part == 0 ? VV_STR(VV_NDJSON_LINE_TEXT) : part == 1 ? fault->line : fault->rule;
    }
    const void *value = value_at(rows, column, row);
    const char *text = NULL;
    if (fault != NULL && !vv_record_is_sound(VV_RECORD_TEXT, value))
        return VV_STR_NONE;
    memcpy(&text, value, sizeof(text));
    return text != NULL ? vv_str_of(text) : VV_STR_NONE;
}

static bool has_value_at(const struct rows *rows, size_t column, size_t row)
{
    if (column >= rows->type->fields_len)
        return rows->faults[row] != NULL;
    enum vv_record_kind kind = rows->type->fields[column].kind;
    const void *value = value_at(rows, column, row);
    bool is_at_fault = rows->faults != NULL && rows->faults[row] != NULL;
    return vv_record_has_value(kind, value) &&
           (!is_at_fault || vv_record_is_sound(kind, value));
}

static varve_status look_up(struct vv_op *op, size_t row)
{
    return row % VV_RECORDS_A_LOOK == 0 ? vv_check_cancel(op) : VARVE_OK;
}

/* Offsets and bytes of a column of texts, which may be 2 GB in all. */
static varve_status fill_texts(struct vv_op *op, struct holder *holder, const struct rows *rows,
    size_t column, const void **buffers)
{
    size_t bytes = 0;
    int32_t *offsets = vv_new(&holder->arena, int32_t, rows->len + 1);
    for (size_t row = 0; row < rows->len; row++)
        bytes += text_at(rows, column, row).len;
    if (bytes > INT32_MAX)
        return vv_fail(op, VARVE_ELIMIT, "the texts of %s are more than 2 GB: give fewer rows",
            column < rows->type->fields_len ? rows->type->fields[column].name
                                            : "what is wrong with the rows");
    char *content = vv_new(&holder->arena, char, bytes + 1);
    if (offsets == NULL || content == NULL)
        return vv_fail_memory(op);
    size_t at = 0;
    for (size_t row = 0; row < rows->len; row++) {
        struct vv_str text = text_at(rows, column, row);
        VV_TRY(look_up(op, row));
        if (text.len > 0)
            memcpy(content + at, text.ptr, text.len);
        at += text.len;
        offsets[row + 1] = (int32_t)at;
    }
    buffers[1] = offsets;
    buffers[2] = content;
    return VARVE_OK;
}

static varve_status fill_values(struct vv_op *op, struct holder *holder,
    const struct rows *rows, size_t field, const void **buffers)
{
    enum vv_record_kind kind = rows->type->fields[field].kind;
    size_t width = kind == VV_RECORD_INT ? sizeof(int32_t) : sizeof(int64_t);
    unsigned char *values = vv_new(&holder->arena, unsigned char, rows->len *width + 1);
    if (values == NULL)
        return vv_fail_memory(op);
    for (size_t row = 0; row < rows->len; row++) {
        const void *value = value_at(rows, field, row);
        int32_t flag = 0;
        VV_TRY(look_up(op, row));
        if (kind != VV_RECORD_BOOL) {
            memcpy(values + row * width, value, width);
            continue;
        }
        memcpy(&flag, value, sizeof(flag));
        if (flag != 0)
            set_bit(values, row);
    }
    buffers[1] = values;
    return VARVE_OK;
}

static varve_status fill_column(struct vv_op *op, struct holder *holder,
    const struct rows *rows, size_t column, struct ArrowArray *out)
{
    bool is_text =
        column >= rows->type->fields_len || rows->type->fields[column].kind == VV_RECORD_TEXT;
    const void **buffers = vv_new(&holder->arena, const void *, BUFFERS_MAX);
    unsigned char *valid = vv_new(&holder->arena, unsigned char, rows->len / 8 + 1);
    int64_t nulls = 0;
    if (buffers == NULL || valid == NULL)
        return vv_fail_memory(op);
    for (size_t row = 0; row < rows->len; row++) {
        if (has_value_at(rows, column, row))
            set_bit(valid, row);
        else
            nulls++;
    }
    buffers[0] = valid;
    if (is_text)
        VV_TRY(fill_texts(op, holder, rows, column, buffers));
    else
        VV_TRY(fill_values(op, holder, rows, column, buffers));
    *out = (struct ArrowArray){.length = (int64_t)rows->len,
        .null_count = nulls,
        .n_buffers = is_text ? 3 : 2,
        .buffers = buffers,
        .release = release_child_array};
    return VARVE_OK;
}

static varve_status fill_array(struct vv_op *op, struct holder *holder, const struct rows *rows,
    struct ArrowArray *out)
{
    size_t len = columns_of(rows->type, rows->faults != NULL);
    struct ArrowArray *children = vv_new(&holder->arena, struct ArrowArray, len);
    struct ArrowArray **pointers = vv_new(&holder->arena, struct ArrowArray *, len);
    const void **buffers = vv_new(&holder->arena, const void *, 1);
    if (children == NULL || pointers == NULL || buffers == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        pointers[i] = &children[i];
        VV_TRY(fill_column(op, holder, rows, i, &children[i]));
    }
    *out = (struct ArrowArray){.length = (int64_t)rows->len,
        .n_buffers = 1,
        .buffers = buffers,
        .n_children = (int64_t)len,
        .children = pointers,
        .release = release_array,
        .private_data = holder};
    return VARVE_OK;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const struct holder *mine = stream->private_data;
    struct holder *holder = holder_new();
    if (holder != NULL && fill_schema(holder, mine->type, mine->has_faults, out))
        return 0;
    if (holder != NULL)
        holder_free(holder);
    return ENOMEM;
}

static int stream_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct holder *holder = stream->private_data;
    *out = holder->array;
    holder->array = (struct ArrowArray){.release = NULL}; /* the next time: the end */
    return 0;
}

static const char *stream_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "out of memory";
}

static void stream_release(struct ArrowArrayStream *stream)
{
    struct holder *holder = stream->private_data;
    if (holder->array.release != NULL)
        holder->array.release(&holder->array);
    holder_free(holder);
    stream->release = NULL;
}

varve_status vv_records_stream(struct vv_op *op, const struct vv_record_type *type,
    const void *records, size_t len, struct ArrowArrayStream *out)
{
    struct rows rows = {type, records, len, NULL};
    VV_TRY(vv_records_judge(op, type, records, len, &rows.faults));
    if (vv_fault_point("records.copy"))
        return vv_fail(op, VARVE_EIO, "a test made the copying of records fail");
    struct holder *stream = holder_new();
    struct holder *content = holder_new();
    varve_status status = stream != NULL && content != NULL
                              ? fill_array(op, content, &rows, &stream->array)
                              : vv_fail_memory(op);
    if (status != VARVE_OK) {
        if (stream != NULL)
            holder_free(stream);
        if (content != NULL)
            holder_free(content);
        return status;
    }
    stream->type = type;
    stream->has_faults = rows.faults != NULL;
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
        .get_next = stream_next,
        .get_last_error = stream_error,
        .release = stream_release,
        .private_data = stream};
    return VARVE_OK;
}
