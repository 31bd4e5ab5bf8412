/* Times of Arrow whose zone the engine's types do not name. */
#include "engine/arrow_type.h"
#include "table/input/convert.h"

static bool struct_fits(const struct vv_type *type, const struct vv_arrow_type *source)
{
    for (size_t i = 0; i < type->fields_len; i++)
        for (int64_t child = 0; child < source->children_len; child++)
            if (vv_str_eq_nocase(type->fields[i].name, source->children[child].name) &&
                !vv_convert_zone_fits(&type->fields[i].type, &source->children[child]))
                return false;
    return true;
}

bool vv_convert_zone_fits(const struct vv_type *type, const struct vv_arrow_type *source)
{
    if (source->kind == VV_ARROW_DICTIONARY)
        return vv_convert_zone_fits(type, &source->children[0]);
    if (type->kind == VV_TYPE_TIMESTAMP_NTZ)
        return source->kind != VV_ARROW_TIMESTAMP || !source->has_zone || source->is_utc;
    if (type->kind == VV_TYPE_STRUCT && source->kind == VV_ARROW_STRUCT)
        return struct_fits(type, source);
    if (type->kind == VV_TYPE_MAP && source->is_map) {
        const struct vv_arrow_type *entry = &source->children[0];
        return vv_convert_zone_fits(type->key, &entry->children[0]) &&
               vv_convert_zone_fits(type->element, &entry->children[1]);
    }
    if (type->kind == VV_TYPE_ARRAY && !source->is_map &&
        (source->kind == VV_ARROW_LIST || source->kind == VV_ARROW_ARRAY))
        return vv_convert_zone_fits(type->element, &source->children[0]);
    return true;
}
