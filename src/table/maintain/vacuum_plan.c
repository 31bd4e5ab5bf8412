#include "table/maintain/vacuum_plan.h"

#include "delta/log_name.h"

static struct vv_str last_part(struct vv_str key)
{
    size_t start = key.len;
    while (start > 0 && key.ptr[start - 1] != '/')
        start--;
    return vv_str_skip(key, start);
}

static bool is_hidden(struct vv_str name)
{
    return name.len > 0 && (name.ptr[0] == '_' || name.ptr[0] == '.');
}

/* "_day=1" where the table is partitioned by a column that is called _day in its files. */
static bool is_partition_folder(struct vv_str name, const struct vv_metadata *metadata,
    const struct vv_schema *schema)
{
    for (size_t i = 0; i < metadata->partition_columns_len; i++) {
        int32_t column = vv_schema_find(schema, metadata->partition_columns[i]);
        struct vv_str physical =
            column >= 0 ? schema->fields[column].physical_name : metadata->partition_columns[i];
        if (name.len > physical.len && name.ptr[physical.len] == '=' &&
            vv_str_eq((struct vv_str){name.ptr, physical.len}, physical))
            return true;
    }
    return false;
}

bool vv_vacuum_enters(struct vv_str folder_key, const struct vv_metadata *metadata,
    const struct vv_schema *schema)
{
    struct vv_str name = last_part(folder_key);
    return !is_hidden(name) || vv_str_eq(folder_key, VV_STR("_change_data")) ||
           is_partition_folder(name, metadata, schema);
}

bool vv_vacuum_sees(struct vv_str key)
{
    return !is_hidden(last_part(key));
}

bool vv_vacuum_is_due(const struct vv_object *object, const struct vv_map *kept,
    int64_t cutoff_us)
{
    return object->modified_us < cutoff_us && !vv_map_has(kept, object->key);
}

bool vv_vacuum_may_remove(struct vv_str key)
{
    struct vv_str part;
    while (vv_str_split(&key, '/', &part))
        if (vv_str_eq(part, VV_STR(VV_LOG_FOLDER)) || vv_str_eq(part, VV_STR("_varve")))
            return false;
    return true;
}
