/*
 * What can be known of a foreign array before it is read: its shape, its offsets, its indexes,
 * its text. The C Data Interface does not tell how long buffers are, so their lengths have to be
 * believed; all that is reached through them (strings, elements, values of dictionaries) is not.
 */
#include "engine/arrow_type.h"

/* So that no sum of an offset, a length and a width overflows. */
static const int64_t length_max = INT64_MAX / 1024;
/* DuckDB counts the bytes of a value by 32 bits. */
static const int64_t value_bytes_max = INT32_MAX;

static varve_status part_check(struct vv_op *op, const struct vv_arrow_part *part);

static varve_status bad(struct vv_op *op, const struct vv_arrow_part *part, const char *what)
{
    struct vv_str path = part->type->path;
    return vv_fail(op, VARVE_EINVALID, "broken Arrow array in %s%.*s: %s",
        path.len > 0 ? "column " : "the record batch", VV_ARG(path), what);
}

static varve_status bad_at(struct vv_op *op, const struct vv_arrow_part *part, int64_t position,
    const char *what)
{
    return vv_fail(op, VARVE_EINVALID,
        "broken Arrow array in column %.*s: %s (at position %" PRId64 ")",
        VV_ARG(part->type->path), what, position);
}

static const void *buffer(const struct vv_arrow_part *part, int64_t index)
{
    return part->array->buffers[index];
}

static bool is_valid_at(const struct vv_arrow_part *part, int64_t position)
{
    const void *validity = part->type->kind == VV_ARROW_NULL ? NULL : buffer(part, 0);
    return validity == NULL || vv_arrow_bit(validity, position);
}

static int64_t buffers_expected(enum vv_arrow_kind kind)
{
    if (kind == VV_ARROW_NULL)
        return 0;
    if (kind == VV_ARROW_STRUCT || kind == VV_ARROW_ARRAY)
        return 1;
    return kind == VV_ARROW_TEXT ? 3 : 2;
}

static int64_t children_expected(const struct vv_arrow_type *type)
{
    return type->kind == VV_ARROW_DICTIONARY ? 0 : type->children_len;
}

/* Counts and pointers; after this the fields of the array may be used. */
static varve_status shape_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    const struct ArrowArray *array = part->array;
    const struct vv_arrow_type *type = part->type;
    if (array == NULL)
        return bad(op, part, "it is missing");
    if (array->length < 0 || array->offset < 0 || array->length > length_max ||
        array->offset > length_max)
        return bad(op, part, "its length or offset is negative or too large");
    if (array->null_count < -1 || array->null_count > array->length)
        return bad(op, part, "it counts more NULLs than values");
    if (part->from + part->len > array->length)
        return bad(op, part, "it is shorter than what refers to it");
    int64_t buffers_len = buffers_expected(type->kind);
    bool buffers_fit =
        type->kind == VV_ARROW_VIEW ? array->n_buffers >= 3 : array->n_buffers == buffers_len;
    /* Some producers give an array of NULLs the validity buffer that others leave out. */
    if (type->kind == VV_ARROW_NULL)
        buffers_fit = array->n_buffers == 0 || array->n_buffers == 1;
    if (!buffers_fit || (array->n_buffers > 0 && array->buffers == NULL))
        return bad(op, part, "it has not the buffers of its type");
    if (array->n_children != children_expected(type) ||
        (array->n_children > 0 && array->children == NULL))
        return bad(op, part, "it has not the children of its type");
    if ((array->dictionary != NULL) != (type->kind == VV_ARROW_DICTIONARY))
        return bad(op, part,
            "it has a dictionary and its type has none, or the other way round");
    if (type->kind != VV_ARROW_NULL && array->null_count > 0 && buffer(part, 0) == NULL)
        return bad(op, part, "it counts NULLs and does not say which");
    bool is_empty = part->len == 0 || (type->kind == VV_ARROW_BYTES && type->width == 0);
    if (buffers_len > 1 && !is_empty && buffer(part, 1) == NULL)
        return bad(op, part, "it has values and no buffer for them");
    if (type->kind == VV_ARROW_BYTES && type->width > 0 &&
        array->offset + array->length > INT64_MAX / type->width)
        return bad(op, part, "it has more bytes than can be counted");
    return VARVE_OK;
}

/* Offsets grow and lie in `limit`; the range that they span comes out. */
static varve_status offsets_check(struct vv_op *op, const struct vv_arrow_part *part,
    int64_t limit, int64_t *out_first, int64_t *out_last)
{
    *out_first = 0;
    *out_last = 0;
    if (part->len == 0)
        return VARVE_OK;
    const void *offsets = buffer(part, 1);
    int32_t width = part->type->width;
    int64_t start = part->array->offset + part->from;
    int64_t first = vv_arrow_offset(offsets, width, start);
    int64_t last = first;
    for (int64_t index = 0; index < part->len; index++) {
        int64_t next = vv_arrow_offset(offsets, width, start + index + 1);
        if (last < 0 || next < last)
            return bad_at(op, part, index, "an offset is negative or less than the one before");
        if (next - last > value_bytes_max)
            return bad_at(op, part, index, "a value is longer than 2 GiB");
        last = next;
    }
    if (last > limit)
        return bad(op, part, "its offsets lead behind the end of its values");
    *out_first = first;
    *out_last = last;
    return VARVE_OK;
}

static bool is_character_start(const char *bytes, int64_t at, int64_t end)
{
    return at == end || ((unsigned char)bytes[at] & 0xc0) != 0x80;
}

/*
 * All texts at once is four times as fast as one by one: within valid text a part is valid where
 * it begins and ends between characters. One by one where that fails, since what lies below a
 * NULL may be rubbish.
 */
static varve_status texts_check(struct vv_op *op, const struct vv_arrow_part *part,
    int64_t first, int64_t last)
{
    const char *bytes = buffer(part, 2);
    const void *offsets = buffer(part, 1);
    int32_t width = part->type->width;
    int64_t start = part->array->offset + part->from;
    bool all_valid = vv_utf8_valid((struct vv_str){bytes + first, (size_t)(last - first)});
    for (int64_t index = 0; index < part->len; index++) {
        int64_t from = vv_arrow_offset(offsets, width, start + index);
        int64_t to = vv_arrow_offset(offsets, width, start + index + 1);
        bool is_valid = from == to || (all_valid && is_character_start(bytes, from, last) &&
                                          is_character_start(bytes, to, last));
        if (!is_valid && is_valid_at(part, start + index) &&
            !vv_utf8_valid((struct vv_str){bytes + from, (size_t)(to - from)}))
            return bad_at(op, part, index, "a text is not valid UTF-8");
    }
    return VARVE_OK;
}

static varve_status text_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    int64_t first;
    int64_t last;
    VV_TRY(offsets_check(op, part, length_max, &first, &last));
    if (last > first && buffer(part, 2) == NULL)
        return bad(op, part, "it has values and no buffer for them");
    return part->type->is_text && last > first ? texts_check(op, part, first, last) : VARVE_OK;
}

static varve_status view_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    if (part->len == 0)
        return VARVE_OK;
    const void *views = buffer(part, 1);
    int64_t away_len = part->array->n_buffers - 3;
    const void *sizes = buffer(part, part->array->n_buffers - 1);
    if (views == NULL || (away_len > 0 && sizes == NULL))
        return bad(op, part, "it has values and no buffer for them");
    int64_t start = part->array->offset + part->from;
    for (int64_t index = 0; index < part->len; index++) {
        if (!is_valid_at(part, start + index))
            continue;
        struct vv_arrow_view view = vv_arrow_view_at(views, start + index);
        const char *bytes = view.value.inlined;
        if (view.len < 0)
            return bad_at(op, part, index, "a view has a negative length");
        if (view.len > (int32_t)sizeof(view.value.inlined)) {
            int32_t number = view.value.away.buffer;
            int32_t offset = view.value.away.offset;
            if (number < 0 || number >= away_len || offset < 0 ||
                buffer(part, 2 + number) == NULL ||
                (int64_t)offset + view.len > vv_arrow_offset(sizes, 8, number))
                return bad_at(op, part, index, "a view leads out of its buffer");
            bytes = (const char *)buffer(part, 2 + number) + offset;
        }
        if (part->type->is_text && !vv_utf8_valid((struct vv_str){bytes, (size_t)view.len}))
            return bad_at(op, part, index, "a text is not valid UTF-8");
    }
    return VARVE_OK;
}

int64_t vv_arrow_index(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position)
{
    const char *at = (const char *)array->buffers[1] + position * type->width;
    uint64_t bits = 0;
    memcpy(&bits, at, (size_t)type->width); /* little-endian, as all that DuckDB runs on */
    uint32_t unused_bits = 64 - 8 * (uint32_t)type->width;
    if (type->is_signed)
        return (int64_t)(bits << unused_bits) >> unused_bits;
    return bits > INT64_MAX ? -1 : (int64_t)bits;
}

static struct vv_str view_text(const struct ArrowArray *array, int64_t position,
    struct vv_arrow_view *view)
{
    *view = vv_arrow_view_at(array->buffers[1], position);
    if (view->len <= (int32_t)sizeof(view->value.inlined))
        return (struct vv_str){view->value.inlined, (size_t)view->len};
    const char *bytes = array->buffers[2 + view->value.away.buffer];
    return (struct vv_str){bytes + view->value.away.offset, (size_t)view->len};
}

struct vv_str vv_arrow_text_at(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t position, struct vv_arrow_view *view)
{
    int32_t width = type->width;
    if (type->kind == VV_ARROW_VIEW)
        return view_text(array, position, view);
    if (type->kind == VV_ARROW_BYTES)
        return (struct vv_str){
            (const char *)array->buffers[1] + position * width, (size_t)width};
    int64_t from = vv_arrow_offset(array->buffers[1], width, position);
    int64_t to = vv_arrow_offset(array->buffers[1], width, position + 1);
    const char *bytes = array->buffers[2];
    return (struct vv_str){from == to ? "" : bytes + from, (size_t)(to - from)};
}

static varve_status dictionary_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    const struct ArrowArray *values = part->array->dictionary;
    struct vv_arrow_part whole = {&part->type->children[0], values, 0, values->length};
    VV_TRY(part_check(op, &whole));
    int64_t start = part->array->offset + part->from;
    for (int64_t index = 0; index < part->len; index++) {
        if (!is_valid_at(part, start + index))
            continue;
        int64_t position = vv_arrow_index(part->type, part->array, start + index);
        if (position < 0 || position >= values->length)
            return bad_at(op, part, index, "an index is not in the dictionary");
    }
    return VARVE_OK;
}

/* Of a checked part: NULL in its own bits, or in the dictionary that it leads to. */
static bool is_null(const struct vv_arrow_part *part, int64_t position)
{
    if (part->type->kind == VV_ARROW_NULL || !is_valid_at(part, position))
        return true;
    if (part->type->kind != VV_ARROW_DICTIONARY)
        return false;
    const struct ArrowArray *values = part->array->dictionary;
    struct vv_arrow_part whole = {&part->type->children[0], values, 0, values->length};
    return is_null(&whole, values->offset + vv_arrow_index(part->type, part->array, position));
}

static varve_status map_keys_check(struct vv_op *op, const struct vv_arrow_part *entries)
{
    struct vv_arrow_part keys = {&entries->type->children[0], entries->array->children[0],
        entries->array->offset + entries->from, entries->len};
    int64_t entries_start = entries->array->offset + entries->from;
    int64_t keys_start = keys.array->offset + keys.from;
    for (int64_t index = 0; index < entries->len; index++)
        if (!is_valid_at(entries, entries_start + index) || is_null(&keys, keys_start + index))
            return bad_at(op, &keys, index, "a map has a NULL entry or key");
    return VARVE_OK;
}

static varve_status list_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    struct vv_arrow_part elements = {&part->type->children[0], part->array->children[0], 0, 0};
    if (elements.array == NULL)
        return bad(op, &elements, "it is missing");
    int64_t last;
    VV_TRY(offsets_check(op, part, elements.array->length, &elements.from, &last));
    elements.len = last - elements.from;
    VV_TRY(part_check(op, &elements));
    return part->type->is_map ? map_keys_check(op, &elements) : VARVE_OK;
}

static varve_status array_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    int64_t width = part->type->width;
    int64_t start = part->array->offset + part->from;
    if (width > 0 && start + part->len > length_max / width)
        return bad(op, part, "it has more elements than can be counted");
    struct vv_arrow_part elements = {
        &part->type->children[0], part->array->children[0], start * width, part->len * width};
    return part_check(op, &elements);
}

static varve_status struct_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    for (int64_t index = 0; index < part->type->children_len; index++) {
        struct vv_arrow_part child = {&part->type->children[index],
            part->array->children[index], part->array->offset + part->from, part->len};
        VV_TRY(part_check(op, &child));
    }
    return VARVE_OK;
}

/* As deep as the type, which is bounded. */
static varve_status part_check(struct vv_op *op, const struct vv_arrow_part *part)
{
    VV_TRY(shape_check(op, part));
    switch (part->type->kind) {
    case VV_ARROW_TEXT:
        return text_check(op, part);
    case VV_ARROW_VIEW:
        return view_check(op, part);
    case VV_ARROW_LIST:
        return list_check(op, part);
    case VV_ARROW_ARRAY:
        return array_check(op, part);
    case VV_ARROW_STRUCT:
        return struct_check(op, part);
    case VV_ARROW_DICTIONARY:
        return dictionary_check(op, part);
    case VV_ARROW_NULL:
    case VV_ARROW_BOOL:
    case VV_ARROW_FIXED:
    case VV_ARROW_DATE32:
    case VV_ARROW_DATE64:
    case VV_ARROW_TIMESTAMP:
    case VV_ARROW_DECIMAL:
    case VV_ARROW_BYTES:
        break;
    }
    return VARVE_OK;
}

varve_status vv_arrow_check(struct vv_op *op, const struct vv_arrow_type *type,
    const struct ArrowArray *array)
{
    struct vv_arrow_part whole = {type, array, 0, array->length};
    VV_TRY(part_check(op, &whole));
    for (int64_t index = 0; array->buffers[0] && index < array->length; index++)
        if (!vv_arrow_bit(array->buffers[0], array->offset + index))
            return bad(op, &whole, "a whole row is NULL");
    return VARVE_OK;
}
