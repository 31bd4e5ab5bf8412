/*
 * A document is two pieces of its arena: the text, in which the parser unescapes strings in
 * place, and the values in the order of the text. A value refers to the next by distance, so
 * the values can be copied out of the parser's generous buffer into exactly the room they need.
 */
#include "base/json.h"

#include <yyjson.h>

#include "base/seam.h"

static const yyjson_val *inside(const struct vv_json *value)
{
    return (const yyjson_val *)(const void *)value;
}

static const struct vv_json *outside(const yyjson_val *value)
{
    return (const struct vv_json *)(const void *)value;
}

static bool is_container(const yyjson_val *value)
{
    uint64_t type = value->tag & YYJSON_TYPE_MASK;
    return type == YYJSON_TYPE_ARR || type == YYJSON_TYPE_OBJ;
}

/* The value behind this one and all that is in it. */
static const yyjson_val *after(const yyjson_val *value)
{
    size_t count = is_container(value) ? value->uni.ofs / sizeof(*value) : 1;
    return value + count;
}

static size_t len_of(const yyjson_val *value)
{
    return (size_t)(value->tag >> YYJSON_TAG_BIT);
}

static void *scratch_malloc(void *context, size_t bytes)
{
    (void)context;
    return vv_malloc(bytes);
}

static void *scratch_realloc(void *context, void *old, size_t old_bytes, size_t bytes)
{
    (void)context;
    (void)old_bytes;
    return vv_realloc(old, bytes);
}

static void scratch_free(void *context, void *memory)
{
    (void)context;
    vv_free(memory);
}

static const yyjson_alc scratch = {scratch_malloc, scratch_realloc, scratch_free, NULL};

static void doc_free(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}

static bool depth_fits(const yyjson_val *values, size_t count, size_t depth_max)
{
    const yyjson_val *ends[VV_JSON_DEPTH_DEEP];
    size_t depth = 0;
    for (const yyjson_val *value = values; value < values + count; value++) {
        if (!is_container(value))
            continue;
        while (depth > 0 && ends[depth - 1] <= value)
            depth--;
        if (depth == depth_max)
            return false;
        ends[depth++] = after(value);
    }
    return true;
}

/* Where valid JSON first nests too deep. */
static size_t depth_offset(struct vv_str text, size_t depth_max)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (in_string && byte == '\\')
            i++;
        else if (byte == '"')
            in_string = !in_string;
        else if (!in_string && (byte == '[' || byte == '{') && ++depth > depth_max)
            return i;
        else if (!in_string && (byte == ']' || byte == '}'))
            depth--;
    }
    return text.len;
}

static varve_status parse(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    size_t depth_max, yyjson_read_flag more, const struct vv_json **out)
{
    if (text.len == 0)
        return vv_fail(op, VARVE_ECORRUPT, "not JSON at byte 0: the text is empty");
    if (text.len > SIZE_MAX - YYJSON_PADDING_SIZE || vv_str_is_lost(text))
        return vv_fail_memory(op);
    char *copy = vv_new(arena, char, text.len + YYJSON_PADDING_SIZE);
    if (!copy)
        return vv_fail_memory(op);
    memcpy(copy, text.ptr, text.len);

    yyjson_read_err err;
    yyjson_read_flag flags = YYJSON_READ_NUMBER_AS_RAW | YYJSON_READ_INSITU | more;
    VV_CLEANUP(doc_free)
    yyjson_doc *doc = yyjson_read_opts(copy, text.len, flags, &scratch, &err);
    if (!doc && err.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        return vv_fail_memory(op);
    if (!doc)
        return vv_fail(op, VARVE_ECORRUPT, "not JSON at byte %zu of %zu: %s", err.pos, text.len,
            err.msg);

    size_t count = yyjson_doc_get_val_count(doc);
    const yyjson_val *root = yyjson_doc_get_root(doc);
    if (!depth_fits(root, count, depth_max))
        return vv_fail(op, VARVE_ECORRUPT, "JSON nested deeper than %zu levels at byte %zu",
            depth_max, depth_offset(text, depth_max));
    yyjson_val *values = vv_new(arena, yyjson_val, count);
    if (!values)
        return vv_fail_memory(op);
    memcpy(values, root, count * sizeof(*values));
    *out = outside(values);
    return VARVE_OK;
}

varve_status vv_json_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out)
{
    return parse(op, arena, text, VV_JSON_DEPTH_MAX, YYJSON_READ_NOFLAG, out);
}

varve_status vv_json_parse_hint(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out)
{
    *out = NULL;
    if (text.len == 0 || vv_json_parse(op, arena, text, out) == VARVE_OK)
        return VARVE_OK;
    if (op->error.code != VARVE_ECORRUPT)
        return op->error.code;
    vv_forgive(op);
    *out = NULL;
    return VARVE_OK;
}

varve_status vv_json_parse_words(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out)
{
    return parse(op, arena, text, VV_JSON_DEPTH_MAX, YYJSON_READ_ALLOW_INF_AND_NAN, out);
}

varve_status vv_json_parse_tree(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    const struct vv_json **out)
{
    return parse(op, arena, text, VV_JSON_DEPTH_DEEP, YYJSON_READ_ALLOW_INF_AND_NAN, out);
}

enum vv_json_kind vv_json_kind(const struct vv_json *value)
{
    if (!value)
        return VV_JSON_NONE;
    switch (inside(value)->tag & YYJSON_TYPE_MASK) {
    case YYJSON_TYPE_NULL:
        return VV_JSON_NULL;
    case YYJSON_TYPE_BOOL:
        return VV_JSON_BOOL;
    case YYJSON_TYPE_RAW:
        return VV_JSON_NUMBER;
    case YYJSON_TYPE_STR:
        return VV_JSON_STRING;
    case YYJSON_TYPE_ARR:
        return VV_JSON_ARRAY;
    case YYJSON_TYPE_OBJ:
        return VV_JSON_OBJECT;
    default:
        return VV_JSON_NONE;
    }
}

const struct vv_json *vv_json_get(const struct vv_json *object, const char *name)
{
    return vv_json_get_str(object, vv_str_of(name));
}

const struct vv_json *vv_json_get_str(const struct vv_json *object, struct vv_str name)
{
    if (!vv_json_is(object, VV_JSON_OBJECT))
        return NULL;
    const yyjson_val *key = inside(object) + 1;
    const yyjson_val *found = NULL;
    for (size_t left = len_of(inside(object)); left > 0; left--) {
        /* All of them, since of two members of one name the last counts. */
        if (vv_str_eq((struct vv_str){key->uni.str, len_of(key)}, name))
            found = key + 1;
        key = after(key + 1);
    }
    return outside(found);
}

const struct vv_json *vv_json_get_kind(const struct vv_json *object, const char *name,
    enum vv_json_kind kind)
{
    const struct vv_json *value = vv_json_get(object, name);
    return vv_json_is(value, kind) ? value : NULL;
}

size_t vv_json_len(const struct vv_json *value)
{
    return value && is_container(inside(value)) ? len_of(inside(value)) : 0;
}

bool vv_json_each(const struct vv_json *container, const struct vv_json **iterator,
    struct vv_str *name, const struct vv_json **value)
{
    if (!container || !is_container(inside(container)))
        return false;
    /* The iterator is the element, or the key of the member, that was given last. */
    bool object = vv_json_is(container, VV_JSON_OBJECT);
    const yyjson_val *at = inside(*iterator);
    at = at ? after(at + (object ? 1 : 0)) : inside(container) + 1;
    if (at >= after(inside(container)))
        return false;
    *iterator = outside(at);
    *name = object ? (struct vv_str){at->uni.str, len_of(at)} : VV_STR_NONE;
    *value = outside(object ? at + 1 : at);
    return true;
}

struct vv_str vv_json_text(const struct vv_json *value)
{
    enum vv_json_kind kind = vv_json_kind(value);
    if (kind != VV_JSON_STRING && kind != VV_JSON_NUMBER)
        return VV_STR_NONE;
    return (struct vv_str){inside(value)->uni.str, len_of(inside(value))};
}

bool vv_json_is_text(const struct vv_json *object, const char *member, const char *text)
{
    return vv_str_eq(vv_json_text(vv_json_get(object, member)), vv_str_of(text));
}

bool vv_json_int64(const struct vv_json *value, int64_t *out)
{
    return vv_str_int64(vv_json_text(value), out);
}

bool vv_json_double(const struct vv_json *value, double *out)
{
    return vv_json_is(value, VV_JSON_NUMBER) && vv_str_double(vv_json_text(value), out);
}

bool vv_json_bool(const struct vv_json *value, bool fallback)
{
    if (!vv_json_is(value, VV_JSON_BOOL))
        return fallback;
    return (inside(value)->tag & YYJSON_SUBTYPE_MASK) == YYJSON_SUBTYPE_TRUE;
}

static void text_free(char **text)
{
    vv_free(*text);
}

varve_status vv_json_write_value(struct vv_op *op, const struct vv_json *value,
    struct vv_arena *arena, struct vv_str *out)
{
    VV_PRE(value);
    size_t len = 0;
    yyjson_write_err err;
    VV_CLEANUP(text_free)
    char *text =
        yyjson_val_write_opts(inside(value), YYJSON_WRITE_NOFLAG, &scratch, &len, &err);
    if (!text && err.code == YYJSON_WRITE_ERROR_MEMORY_ALLOCATION)
        return vv_fail_memory(op);
    if (!text)
        return vv_fail(op, VARVE_EFAILED, "JSON that was read cannot be written: %s", err.msg);
    struct vv_str copy = vv_arena_str(arena, (struct vv_str){text, len});
    if (!copy.ptr)
        return vv_fail_memory(op);
    *out = copy;
    return VARVE_OK;
}
