#include "cli/arrow_view.h"

#include <string.h>

static size_t position(struct vv_cell cell)
{
    return (size_t)(cell.row + cell.array->offset);
}

static bool is_valid(struct vv_cell cell)
{
    const struct ArrowArray *array = cell.array;
    if (cell.type->kind == VV_KIND_NULL)
        return false;
    if (cell.type->kind == VV_KIND_UNION || array->null_count == 0 || array->n_buffers == 0)
        return true;
    const uint8_t *bits = array->buffers[0];
    size_t at = position(cell);
    return bits == NULL || (bits[at / 8] >> (at % 8) & 1) != 0;
}

/* The member of a union that holds this row. */
static struct vv_cell union_member(struct vv_cell cell)
{
    const struct vv_type *type = cell.type;
    size_t at = position(cell);
    const int8_t *ids = cell.array->buffers[0];
    for (size_t i = 0; i < type->children_len; i++) {
        if (type->union_ids[i] != ids[at])
            continue;
        int64_t row = (int64_t)at;
        if (!type->is_sparse) {
            const int32_t *offsets = cell.array->buffers[1];
            row = offsets[at];
        }
        return (struct vv_cell){&type->children[i], cell.array->children[i], row};
    }
    static const struct vv_type none = {.kind = VV_KIND_NULL};
    return (struct vv_cell){&none, cell.array, 0};
}

bool vv_cell_resolve(struct vv_cell *cell)
{
    while (is_valid(*cell)) {
        if (cell->type->dictionary) {
            int64_t index = cell->type->kind == VV_KIND_UINT ? (int64_t)vv_cell_uint(*cell)
                                                             : vv_cell_int(*cell);
            *cell = (struct vv_cell){cell->type->dictionary, cell->array->dictionary, index};
        } else if (cell->type->kind == VV_KIND_UNION) {
            *cell = union_member(*cell);
        } else {
            return true;
        }
    }
    return false;
}

bool vv_cell_bool(struct vv_cell cell)
{
    const uint8_t *bits = cell.array->buffers[1];
    size_t at = position(cell);
    return (bits[at / 8] >> (at % 8) & 1) != 0;
}

/* Bytes of fixed width at the row's place in the second buffer. */
static const char *fixed_bytes(struct vv_cell cell)
{
    const char *values = cell.array->buffers[1];
    return values + position(cell) * cell.type->width;
}

uint64_t vv_cell_uint(struct vv_cell cell)
{
    uint64_t value = 0; /* little-endian, as all of Arrow */
    memcpy(&value, fixed_bytes(cell), cell.type->width < 8 ? cell.type->width : 8);
    return value;
}

int64_t vv_cell_int(struct vv_cell cell)
{
    uint64_t value = vv_cell_uint(cell);
    uint32_t bits = cell.type->width < 8 ? cell.type->width * 8 : 64;
    if (cell.type->kind != VV_KIND_UINT && bits < 64 && (value >> (bits - 1) & 1) != 0)
        value |= UINT64_MAX << bits;
    return (int64_t)value;
}

double vv_cell_double(struct vv_cell cell)
{
    double wide = 0;
    float narrow = 0;
    if (cell.type->kind == VV_KIND_FLOAT) {
        memcpy(&narrow, fixed_bytes(cell), sizeof(narrow));
        return (double)narrow;
    }
    memcpy(&wide, fixed_bytes(cell), sizeof(wide));
    return wide;
}

/* Where the bytes or elements of a row lie, by its offsets. */
static void read_extent(struct vv_cell cell, size_t *out_first, size_t *out_len)
{
    const struct ArrowArray *array = cell.array;
    size_t at = position(cell);
    const void *offsets = array->n_buffers > 1 ? array->buffers[1] : NULL;
    switch (cell.type->layout) {
    case VV_LAYOUT_OFFSETS: {
        const int32_t *narrow = offsets;
        *out_first = (size_t)narrow[at];
        *out_len = (size_t)(narrow[at + 1] - narrow[at]);
        return;
    }
    case VV_LAYOUT_LARGE_OFFSETS: {
        const int64_t *wide = offsets;
        *out_first = (size_t)wide[at];
        *out_len = (size_t)(wide[at + 1] - wide[at]);
        return;
    }
    case VV_LAYOUT_VIEW: {
        const int32_t *narrow = offsets;
        const int32_t *sizes = array->buffers[2];
        *out_first = (size_t)narrow[at];
        *out_len = (size_t)sizes[at];
        return;
    }
    case VV_LAYOUT_LARGE_VIEW: {
        const int64_t *wide = offsets;
        const int64_t *sizes = array->buffers[2];
        *out_first = (size_t)wide[at];
        *out_len = (size_t)sizes[at];
        return;
    }
    case VV_LAYOUT_FIXED:
        *out_first = at * cell.type->width;
        *out_len = cell.type->width;
        return;
    }
}

/* A string view: 16 bytes of length and either the text or its head, buffer and offset. */
static const char *view_bytes(struct vv_cell cell, size_t *out_len)
{
    const char *views = cell.array->buffers[1];
    const char *view = views + position(cell) * 16;
    int32_t len = 0, buffer = 0, offset = 0;
    memcpy(&len, view, sizeof(len));
    *out_len = (size_t)len;
    if (len <= 12)
        return view + 4;
    memcpy(&buffer, view + 8, sizeof(buffer));
    memcpy(&offset, view + 12, sizeof(offset));
    const char *bytes = cell.array->buffers[2 + buffer];
    return bytes + offset;
}

const char *vv_cell_bytes(struct vv_cell cell, size_t *out_len)
{
    if (cell.type->layout == VV_LAYOUT_VIEW)
        return view_bytes(cell, out_len);
    size_t first = 0, len = 0;
    read_extent(cell, &first, &len);
    *out_len = len;
    const char *bytes = cell.array->buffers[cell.type->layout == VV_LAYOUT_FIXED ? 1 : 2];
    return bytes == NULL ? "" : bytes + first;
}

size_t vv_cell_children(struct vv_cell cell)
{
    if (cell.type->kind == VV_KIND_STRUCT)
        return cell.type->children_len;
    size_t first = 0, len = 0;
    read_extent(cell, &first, &len);
    return len;
}

struct vv_cell vv_cell_child(struct vv_cell cell, size_t index)
{
    if (cell.type->kind == VV_KIND_STRUCT)
        return (struct vv_cell){
            &cell.type->children[index], cell.array->children[index], (int64_t)position(cell)};
    size_t first = 0, len = 0;
    read_extent(cell, &first, &len);
    return (struct vv_cell){
        &cell.type->children[0], cell.array->children[0], (int64_t)(first + index)};
}
