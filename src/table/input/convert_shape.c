/*
 * Whether the engine can be asked to cast between nested types at all: a struct that has no member of
 * another, at whatever depth, fails the whole statement, and with it the rows that are good.
 */
#include "table/input/convert.h"
#include "table/input/source_type.h"

static bool struct_casts(struct vv_str members, const struct vv_type *type)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    bool is_shared = false;
    while (members.len > 0) {
        vv_source_take_name(&members, &name);
        if (!vv_buf_ok(&name))
            return false;
        struct vv_str source = vv_source_take_type(&members);
        for (size_t i = 0; i < type->fields_len; i++) {
            if (!vv_str_eq_nocase(type->fields[i].name, vv_buf_str(&name)))
                continue;
            is_shared = true;
            if (!vv_convert_nested_casts(source, &type->fields[i].type))
                return false;
        }
    }
    return is_shared;
}

static bool is_nested(struct vv_str source)
{
    return vv_str_ends(source, VV_STR("]")) || vv_str_starts(source, VV_STR("STRUCT(")) ||
           vv_str_starts(source, VV_STR("MAP("));
}

bool vv_convert_nested_casts(struct vv_str source, const struct vv_type *type)
{
    struct vv_str within;
    if (type->kind == VV_TYPE_STRUCT && vv_source_is_within(source, VV_STR("STRUCT("), &within))
        return struct_casts(within, type);
    if (type->kind == VV_TYPE_MAP && vv_source_is_within(source, VV_STR("MAP("), &within)) {
        struct vv_str key = vv_source_take_type(&within);
        return vv_convert_nested_casts(key, type->key) &&
               vv_convert_nested_casts(within, type->element);
    }
    if (type->kind == VV_TYPE_ARRAY && vv_source_is_list(source, &within))
        return vv_convert_nested_casts(within, type->element);
    /* A struct is cast to a map, but not back; whatever else is nested is none of the type's values. */
    if (is_nested(source) && vv_type_is_nested(type))
        return false;
    return true; /* of others the engine says value by value that they are none */
}
