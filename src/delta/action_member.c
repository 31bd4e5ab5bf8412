#include "delta/action_member.h"

#include "delta/path.h"

static varve_status fail_member(const struct vv_member_reader *reader, const char *name,
    const char *reason)
{
    return vv_fail(reader->op, VARVE_ECORRUPT, "%s.%s %s", reader->action, name, reason);
}

/* The member, NULL where it is absent or null. */
static const struct vv_json *find(const struct vv_member_reader *reader, const char *name)
{
    const struct vv_json *value = vv_json_get(reader->object, name);

    return vv_json_is(value, VV_JSON_NULL) ? NULL : value;
}

static varve_status keep(const struct vv_member_reader *reader, struct vv_str text,
    struct vv_str *out)
{
    struct vv_str copy = vv_arena_str(reader->arena, text);

    if (!copy.ptr)
        return vv_fail_memory(reader->op);
    *out = copy;
    return VARVE_OK;
}

varve_status vv_member_text_or_none(const struct vv_member_reader *reader, const char *name,
    struct vv_str *out)
{
    const struct vv_json *value = find(reader, name);

    if (!value) {
        *out = VV_STR_NONE;
        return VARVE_OK;
    }
    if (!vv_json_is(value, VV_JSON_STRING))
        return fail_member(reader, name, "is not a string");
    return keep(reader, vv_json_text(value), out);
}

varve_status vv_member_text(const struct vv_member_reader *reader, const char *name,
    struct vv_str *out)
{
    if (!find(reader, name))
        return fail_member(reader, name, "is missing");
    return vv_member_text_or_none(reader, name, out);
}

varve_status vv_member_int_or(const struct vv_member_reader *reader, const char *name,
    int64_t fallback, int64_t *out)
{
    const struct vv_json *value = find(reader, name);
    int64_t number = fallback;

    if (value && !vv_json_int64(value, &number))
        return fail_member(reader, name, "is not a whole number of 64 bits");
    *out = number;
    return VARVE_OK;
}

varve_status vv_member_int(const struct vv_member_reader *reader, const char *name,
    int64_t *out)
{
    if (!find(reader, name))
        return fail_member(reader, name, "is missing");
    return vv_member_int_or(reader, name, 0, out);
}

varve_status vv_member_int32(const struct vv_member_reader *reader, const char *name,
    int32_t *out)
{
    int64_t number = 0;

    VV_TRY(vv_member_int(reader, name, &number));
    if (number < INT32_MIN || number > INT32_MAX)
        return fail_member(reader, name, "is not a whole number of 32 bits");
    *out = (int32_t)number;
    return VARVE_OK;
}

varve_status vv_member_bool_or(const struct vv_member_reader *reader, const char *name,
    bool fallback, bool *out)
{
    const struct vv_json *value = find(reader, name);

    if (value && !vv_json_is(value, VV_JSON_BOOL))
        return fail_member(reader, name, "is neither true nor false");
    *out = vv_json_bool(value, fallback);
    return VARVE_OK;
}

static varve_status read_pairs(const struct vv_member_reader *reader, const char *name,
    bool is_lenient, struct vv_pairs *out)
{
    const struct vv_json *object = find(reader, name);
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_pair *items;
    struct vv_str member;
    size_t len = 0;

    if (object && !vv_json_is(object, VV_JSON_OBJECT))
        return fail_member(reader, name, "is not an object");
    if (vv_json_len(object) == 0) {
        *out = (struct vv_pairs){0};
        return VARVE_OK;
    }
    items = vv_new(reader->arena, struct vv_pair, vv_json_len(object));
    if (!items)
        return vv_fail_memory(reader->op);
    while (vv_json_each(object, &iterator, &member, &value)) {
        bool is_text = vv_json_is(value, VV_JSON_STRING);

        if (!is_text && !vv_json_is(value, VV_JSON_NULL)) {
            if (is_lenient)
                continue;
            return vv_fail(reader->op, VARVE_ECORRUPT,
                "%s.%s: the value of \"%.*s\" is not a string", reader->action, name,
                VV_ARG(member));
        }
        VV_TRY(keep(reader, member, &items[len].name));
        if (is_text)
            VV_TRY(keep(reader, vv_json_text(value), &items[len].value));
        len++;
    }
    *out = (struct vv_pairs){.items = items, .len = len};
    return VARVE_OK;
}

varve_status vv_member_pairs(const struct vv_member_reader *reader, const char *name,
    struct vv_pairs *out)
{
    return read_pairs(reader, name, false, out);
}

varve_status vv_member_tags(const struct vv_member_reader *reader, const char *name,
    struct vv_pairs *out)
{
    if (!vv_json_is(find(reader, name), VV_JSON_OBJECT)) {
        *out = (struct vv_pairs){0};
        return VARVE_OK;
    }
    return read_pairs(reader, name, true, out);
}

varve_status vv_member_texts(const struct vv_member_reader *reader, const char *name,
    bool *out_present, const struct vv_str **out_items, size_t *out_len)
{
    const struct vv_json *array = find(reader, name);
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_str *items;
    struct vv_str none;
    size_t len = 0;

    if (array && !vv_json_is(array, VV_JSON_ARRAY))
        return fail_member(reader, name, "is not an array");
    items = vv_new(reader->arena, struct vv_str, vv_json_len(array) + 1);
    if (!items)
        return vv_fail_memory(reader->op);
    while (array && vv_json_each(array, &iterator, &none, &value)) {
        if (!vv_json_is(value, VV_JSON_STRING))
            return fail_member(reader, name, "holds something that is not a string");
        VV_TRY(keep(reader, vv_json_text(value), &items[len++]));
    }
    *out_present = array != NULL;
    *out_items = items;
    *out_len = len;
    return VARVE_OK;
}

varve_status vv_member_dv(const struct vv_member_reader *reader,
    const struct vv_deletion_vector **out)
{
    const struct vv_json *object = find(reader, "deletionVector");
    struct vv_deletion_vector *dv;
    struct vv_member_reader inner = *reader;
    struct vv_str storage;

    if (!object) {
        *out = NULL;
        return VARVE_OK;
    }
    if (!vv_json_is(object, VV_JSON_OBJECT))
        return fail_member(reader, "deletionVector", "is not an object");
    dv = vv_new(reader->arena, struct vv_deletion_vector, 1);
    if (!dv)
        return vv_fail_memory(reader->op);
    inner.object = object;
    inner.action = "deletionVector";
    VV_TRY(vv_member_text(&inner, "storageType", &storage));
    if (storage.len != 1 || !strchr("uip", storage.ptr[0]))
        return vv_fail(reader->op, VARVE_EUNSUPPORTED,
            "%s: a deletion vector with the unknown storage type \"%.*s\"", reader->action,
            VV_ARG(storage));
    dv->storage = storage.ptr[0];
    dv->has_offset = find(&inner, "offset") != NULL;
    VV_TRY(vv_member_text(&inner, "pathOrInlineDv", &dv->path_or_inline));
    if (dv->has_offset)
        VV_TRY(vv_member_int32(&inner, "offset", &dv->offset));
    VV_TRY(vv_member_int32(&inner, "sizeInBytes", &dv->size_bytes));
    VV_TRY(vv_member_int(&inner, "cardinality", &dv->cardinality));
    if (dv->offset < 0 || dv->size_bytes < 0 || dv->cardinality < 0)
        return fail_member(reader, "deletionVector", "holds a negative number");
    *out = dv;
    return VARVE_OK;
}

varve_status vv_member_path(const struct vv_member_reader *reader, struct vv_str *out_path,
    struct vv_str *out_key, bool *out_absolute)
{
    struct vv_str path;

    VV_TRY(vv_member_text(reader, "path", &path));
    VV_TRY(vv_path_decode(reader->op, reader->arena, path, out_key, out_absolute));
    *out_path = path;
    return VARVE_OK;
}
