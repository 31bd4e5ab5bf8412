/* Records to Arrow: everything lies in one arena, which goes with the stream or with the array. */
#include <errno.h>

#include "api/record.h"
#include "base/seam.h"
#include "varve/market.h"

#define BUFFERS_MAX 3

/* What a stream, a schema or an array holds; each has its own. */
struct holder {
    struct vv_arena arena;
    struct ArrowArray array; /* of the stream: not handed out yet */
    const struct vv_record_type *type;
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

static bool fill_schema(struct holder *holder, const struct vv_record_type *type,
    struct ArrowSchema *out)
{
    struct ArrowSchema *children = vv_new(&holder->arena, struct ArrowSchema, type->fields_len);
    struct ArrowSchema **pointers =
        vv_new(&holder->arena, struct ArrowSchema *, type->fields_len);
    if (children == NULL || pointers == NULL)
        return false;
    for (size_t i = 0; i < type->fields_len; i++) {
        pointers[i] = &children[i];
        children[i] = (struct ArrowSchema){.format = vv_record_format(type->fields[i].kind),
            .name = type->fields[i].name,
            .flags = ARROW_FLAG_NULLABLE,
            .release = release_child_schema};
    }
    *out = (struct ArrowSchema){.format = "+s",
        .name = "",
        .n_children = (int64_t)type->fields_len,
        .children = pointers,
        .release = release_schema,
        .private_data = holder};
    return true;
}

/* The value of a field in record `row`, by its address. */
static const void *value_at(const struct vv_record_type *type, size_t field,
    const void *records, size_t row)
{
    return (const char *)records + row * type->bytes + type->fields[field].offset;
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

/* Offsets and bytes of a column of texts, which may be 2 GB in all. */
static varve_status fill_texts(struct vv_op *op, struct holder *holder,
    const struct vv_record_type *type, size_t field, const void *records, size_t len,
    const void **buffers)
{
    size_t bytes = 0;
    int32_t *offsets = vv_new(&holder->arena, int32_t, len + 1);
    const char *text = NULL;
    for (size_t row = 0; row < len; row++) {
        memcpy(&text, value_at(type, field, records, row), sizeof(text));
        bytes += text != NULL ? strlen(text) : 0;
    }
    if (bytes > INT32_MAX)
        return vv_fail(op, VARVE_ELIMIT, "the texts of %s are more than 2 GB: give fewer rows",
            type->fields[field].name);
    char *content = vv_new(&holder->arena, char, bytes + 1);
    if (offsets == NULL || content == NULL)
        return vv_fail_memory(op);
    size_t at = 0;
    for (size_t row = 0; row < len; row++) {
        memcpy(&text, value_at(type, field, records, row), sizeof(text));
        struct vv_str bytes_of = vv_str_of(text);
        if (bytes_of.len > 0)
            memcpy(content + at, bytes_of.ptr, bytes_of.len);
        at += bytes_of.len;
        offsets[row + 1] = (int32_t)at;
    }
    buffers[1] = offsets;
    buffers[2] = content;
    return VARVE_OK;
}

static varve_status fill_values(struct vv_op *op, struct holder *holder,
    const struct vv_record_type *type, size_t field, const void *records, size_t len,
    const void **buffers)
{
    enum vv_record_kind kind = type->fields[field].kind;
    size_t width = kind == VV_RECORD_INT ? sizeof(int32_t) : sizeof(int64_t);
    unsigned char *values = vv_new(&holder->arena, unsigned char, len *width + 1);
    if (values == NULL)
        return vv_fail_memory(op);
    for (size_t row = 0; row < len; row++) {
        const void *value = value_at(type, field, records, row);
        int32_t flag = 0;
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
    const struct vv_record_type *type, size_t field, const void *records, size_t len,
    struct ArrowArray *out)
{
    enum vv_record_kind kind = type->fields[field].kind;
    const void **buffers = vv_new(&holder->arena, const void *, BUFFERS_MAX);
    unsigned char *valid = vv_new(&holder->arena, unsigned char, len / 8 + 1);
    int64_t nulls = 0;
    if (buffers == NULL || valid == NULL)
        return vv_fail_memory(op);
    for (size_t row = 0; row < len; row++) {
        if (vv_record_has_value(kind, value_at(type, field, records, row)))
            set_bit(valid, row);
        else
            nulls++;
    }
    buffers[0] = valid;
    if (kind == VV_RECORD_TEXT)
        VV_TRY(fill_texts(op, holder, type, field, records, len, buffers));
    else
        VV_TRY(fill_values(op, holder, type, field, records, len, buffers));
    *out = (struct ArrowArray){.length = (int64_t)len,
        .null_count = nulls,
        .n_buffers = kind == VV_RECORD_TEXT ? 3 : 2,
        .buffers = buffers,
        .release = release_child_array};
    return VARVE_OK;
}

static varve_status fill_array(struct vv_op *op, struct holder *holder,
    const struct vv_record_type *type, const void *records, size_t len, struct ArrowArray *out)
{
    struct ArrowArray *children = vv_new(&holder->arena, struct ArrowArray, type->fields_len);
    struct ArrowArray **pointers =
        vv_new(&holder->arena, struct ArrowArray *, type->fields_len);
    const void **buffers = vv_new(&holder->arena, const void *, 1);
    if (children == NULL || pointers == NULL || buffers == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < type->fields_len; i++) {
        pointers[i] = &children[i];
        VV_TRY(fill_column(op, holder, type, i, records, len, &children[i]));
    }
    *out = (struct ArrowArray){.length = (int64_t)len,
        .n_buffers = 1,
        .buffers = buffers,
        .n_children = (int64_t)type->fields_len,
        .children = pointers,
        .release = release_array,
        .private_data = holder};
    return VARVE_OK;
}

static int stream_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const struct holder *mine = stream->private_data;
    struct holder *holder = holder_new();
    if (holder != NULL && fill_schema(holder, mine->type, out))
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
    struct holder *stream = holder_new();
    struct holder *content = holder_new();
    varve_status status = stream != NULL && content != NULL
                              ? fill_array(op, content, type, records, len, &stream->array)
                              : vv_fail_memory(op);
    if (status != VARVE_OK) {
        if (stream != NULL)
            holder_free(stream);
        if (content != NULL)
            holder_free(content);
        return status;
    }
    stream->type = type;
    *out = (struct ArrowArrayStream){.get_schema = stream_schema,
        .get_next = stream_next,
        .get_last_error = stream_error,
        .release = stream_release,
        .private_data = stream};
    return VARVE_OK;
}
