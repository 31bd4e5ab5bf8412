/*
 * A value is a group of values, or bytes:
 *     group    a bit for each of its values, set where it is not NULL, then those, in their order
 *     row      the group of its columns; so is a struct
 *     list     count, then the group of its elements; so is a map, of its entries. A list of fixed
 *              length has no count
 *     text     count of its bytes, and they; so is a binary. A binary of fixed length has no count
 *     boolean  a byte, 0 or 1
 *     others   as in Arrow's buffers
 * A count is in base 128, seven bits a byte, the lowest first. All else is little-endian.
 */
#include "ingest/spool_row.h"

#include <string.h>

#define COUNT_BYTES_MAX 10

const unsigned char *vv_row_take(struct vv_row_bytes *from, size_t bytes)
{
    const unsigned char *taken = from->at;
    if (bytes > from->left)
        return NULL;
    from->at += bytes;
    from->left -= bytes;
    return taken;
}

bool vv_row_take_count(struct vv_row_bytes *from, uint64_t *out)
{
    uint64_t count = 0;
    for (uint32_t shift = 0; shift < 63; shift += 7) {
        const unsigned char *byte = vv_row_take(from, 1);
        if (byte == NULL)
            return false;
        count |= (uint64_t)(*byte & 0x7F) << shift;
        if (*byte < 0x80) {
            *out = count;
            return true;
        }
    }
    return false;
}

void vv_row_put_count(struct vv_buf *out, uint64_t count)
{
    char bytes[COUNT_BYTES_MAX];
    size_t len = 0;
    while (count >= 0x80) {
        bytes[len++] = (char)(count | 0x80);
        count >>= 7;
    }
    bytes[len++] = (char)count;
    vv_buf_add(out, (struct vv_str){bytes, len});
}

const unsigned char *vv_row_take_bits(struct vv_row_bytes *from, uint64_t len)
{
    return len > (uint64_t)from->left * 8 ? NULL : vv_row_take(from, (size_t)(len + 7) / 8);
}

bool vv_row_take_scalar(struct vv_row_bytes *from, const struct vv_arrow_type *type,
    struct vv_str *out)
{
    uint64_t bytes = (uint64_t)type->width;
    if (type->kind == VV_ARROW_BOOL)
        bytes = 1;
    else if (type->kind == VV_ARROW_TEXT && !vv_row_take_count(from, &bytes))
        return false;
    const unsigned char *taken = bytes > from->left ? NULL : vv_row_take(from, (size_t)bytes);
    *out = (struct vv_str){(const char *)taken, (size_t)bytes};
    return taken != NULL;
}

/* Room for the bits of a group, all of them 0. */
static size_t bits_begin(struct vv_buf *out, size_t len)
{
    static const char zeros[64];
    size_t mark = out->len;
    for (size_t left = (len + 7) / 8; left > 0;) {
        size_t part = left < sizeof(zeros) ? left : sizeof(zeros);
        vv_buf_add(out, (struct vv_str){zeros, part});
        left -= part;
    }
    return mark;
}

static void bit_set(struct vv_buf *out, size_t mark, size_t index)
{
    if (!vv_buf_ok(out))
        return;
    char *byte = &out->private_ptr[mark + index / 8];
    *byte = (char)(*byte | (1 << (index % 8)));
}

size_t vv_row_begin(struct vv_buf *out, size_t columns_len)
{
    return bits_begin(out, columns_len);
}

void vv_row_put(struct vv_buf *out, size_t mark, size_t column, const void *value, size_t bytes)
{
    vv_buf_add(out, (struct vv_str){value, bytes});
    bit_set(out, mark, column);
}

void vv_row_put_text(struct vv_buf *out, size_t mark, size_t column, struct vv_str text)
{
    vv_row_put_count(out, text.len);
    vv_buf_add(out, text);
    bit_set(out, mark, column);
}

/* What a dictionary stands for; `position` counts the array's offset in. */
static void resolve(const struct vv_arrow_type **type, const struct ArrowArray **array,
    int64_t *position)
{
    while ((*type)->kind == VV_ARROW_DICTIONARY) {
        const void *validity = (*array)->buffers[0];
        if (validity != NULL && !vv_arrow_bit(validity, *position))
            return;
        *position = vv_arrow_index(*type, *array, *position) + (*array)->dictionary->offset;
        *array = (*array)->dictionary;
        *type = &(*type)->children[0];
    }
}

static void value_put(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_buf *out);

static void element_put(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_buf *out, size_t mark, size_t index)
{
    resolve(&type, &array, &position);
    const void *validity = type->kind == VV_ARROW_NULL ? NULL : array->buffers[0];
    if (type->kind == VV_ARROW_NULL || (validity && !vv_arrow_bit(validity, position)))
        return;
    bit_set(out, mark, index);
    value_put(type, array, position, out);
}

static void struct_put(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_buf *out)
{
    size_t mark = bits_begin(out, (size_t)type->children_len);
    for (int64_t i = 0; i < type->children_len; i++)
        element_put(&type->children[i], array->children[i],
            array->children[i]->offset + position, out, mark, (size_t)i);
}

static void list_put(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_buf *out)
{
    bool is_fixed = type->kind == VV_ARROW_ARRAY;
    int64_t from = is_fixed ? position * type->width
                            : vv_arrow_offset(array->buffers[1], type->width, position);
    int64_t to = is_fixed ? from + type->width
                          : vv_arrow_offset(array->buffers[1], type->width, position + 1);
    if (!is_fixed)
        vv_row_put_count(out, (uint64_t)(to - from));
    size_t mark = bits_begin(out, (size_t)(to - from));
    for (int64_t i = from; i < to && vv_buf_ok(out); i++)
        element_put(&type->children[0], array->children[0], array->children[0]->offset + i, out,
            mark, (size_t)(i - from));
}

static void text_put(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_buf *out)
{
    struct vv_arrow_view view;
    struct vv_str text = vv_arrow_text_at(type, array, position, &view);
    vv_row_put_count(out, text.len);
    vv_buf_add(out, text);
}

static void value_put(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_buf *out)
{
    switch (type->kind) {
    case VV_ARROW_STRUCT:
        struct_put(type, array, position, out);
        break;
    case VV_ARROW_LIST:
    case VV_ARROW_ARRAY:
        list_put(type, array, position, out);
        break;
    case VV_ARROW_TEXT:
    case VV_ARROW_VIEW:
        text_put(type, array, position, out);
        break;
    case VV_ARROW_BOOL:
        vv_buf_addc(out, vv_arrow_bit(array->buffers[1], position) ? 1 : 0);
        break;
    case VV_ARROW_FIXED:
    case VV_ARROW_DATE32:
    case VV_ARROW_DATE64:
    case VV_ARROW_TIMESTAMP:
    case VV_ARROW_DECIMAL:
    case VV_ARROW_BYTES:
        if (type->width > 0)
            vv_buf_add(out,
                (struct vv_str){(const char *)array->buffers[1] + position * type->width,
                    (size_t)type->width});
        break;
    case VV_ARROW_NULL:
    case VV_ARROW_DICTIONARY:
        break; /* NULL, both of them: element_put */
    }
}

void vv_row_encode(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t row, struct vv_buf *out)
{
    struct_put(type, array, array->offset + row, out);
}
