#include "table/input/json_shape.h"

#include "base/json_write.h"

static const char *shape(const struct vv_type *type, const struct vv_json *value,
    struct vv_json_writer *writer);

/* The member of a field; *seen counts all members that bear its name. */
static const struct vv_json *member_find(const struct vv_json *object, struct vv_str name,
    size_t *seen)
{
    const struct vv_json *found = NULL;
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str member;
    while (vv_json_each(object, &iterator, &member, &value)) {
        if (vv_str_eq_nocase(member, name)) {
            found = value;
            (*seen)++;
        }
    }
    return found;
}

static const char *shape_struct(const struct vv_type *type, const struct vv_json *value,
    struct vv_json_writer *writer)
{
    if (!vv_json_is(value, VV_JSON_OBJECT))
        return "holds something else where an object has to be";
    size_t known = 0;
    vv_jw_object(writer);
    for (size_t index = 0; index < type->fields_len; index++) {
        size_t seen = 0;
        const struct vv_json *member = member_find(value, type->fields[index].name, &seen);
        vv_jw_key_str(writer, type->fields[index].name);
        const char *fault = shape(&type->fields[index].type, member, writer);
        if (fault != NULL)
            return fault;
        if (seen > 1)
            return "holds a field twice";
        known += seen;
    }
    vv_jw_end(writer);
    return known == vv_json_len(value) ? NULL : "holds a field that the type does not have";
}

static const char *shape_list(const struct vv_type *type, const struct vv_json *value,
    struct vv_json_writer *writer)
{
    if (!vv_json_is(value, VV_JSON_ARRAY))
        return "holds something else where an array has to be";
    const struct vv_json *iterator = NULL;
    const struct vv_json *element = NULL;
    struct vv_str name;
    vv_jw_array(writer);
    while (vv_json_each(value, &iterator, &name, &element)) {
        const char *fault = shape(type->element, element, writer);
        if (fault != NULL)
            return fault;
    }
    vv_jw_end(writer);
    return NULL;
}

static const char *shape_map(const struct vv_type *type, const struct vv_json *value,
    struct vv_json_writer *writer)
{
    if (!vv_json_is(value, VV_JSON_OBJECT))
        return "holds something else where an object has to be";
    if (!vv_type_is_ordered(type->key) && type->key->kind != VV_TYPE_BINARY)
        return "has keys of a type that no JSON object has";
    const struct vv_json *iterator = NULL;
    const struct vv_json *element = NULL;
    struct vv_str name;
    vv_jw_array(writer);
    while (vv_json_each(value, &iterator, &name, &element)) {
        vv_jw_object(writer);
        vv_jw_key(writer, "key");
        vv_jw_string(writer, name);
        vv_jw_key(writer, "value");
        const char *fault = shape(type->element, element, writer);
        if (fault != NULL)
            return fault;
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
    return NULL;
}

static const char *shape_leaf(const struct vv_json *value, struct vv_json_writer *writer)
{
    if (vv_json_is(value, VV_JSON_BOOL))
        vv_jw_string(writer, vv_json_bool(value, false) ? VV_STR("true") : VV_STR("false"));
    else if (vv_json_is(value, VV_JSON_STRING) || vv_json_is(value, VV_JSON_NUMBER))
        vv_jw_string(writer, vv_json_text(value));
    else
        return "holds an object or array where a plain value has to be";
    return NULL;
}

static const char *shape(const struct vv_type *type, const struct vv_json *value,
    struct vv_json_writer *writer)
{
    if (value == NULL || vv_json_is(value, VV_JSON_NULL)) {
        vv_jw_null(writer);
        return NULL;
    }
    switch ((int)type->kind) {
    case VV_TYPE_STRUCT:
        return shape_struct(type, value, writer);
    case VV_TYPE_ARRAY:
        return shape_list(type, value, writer);
    case VV_TYPE_MAP:
        return shape_map(type, value, writer);
    default:
        return shape_leaf(value, writer);
    }
}

const char *vv_json_shape(const struct vv_type *type, const struct vv_json *value,
    struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    return shape(type, value, &writer);
}
