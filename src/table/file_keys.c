#include "table/file_keys.h"

#include "delta/deletion_vector.h"

struct vv_str vv_key_in_folder(const struct vv_store *store, struct vv_str key,
    bool is_absolute)
{
    struct vv_str root = store->location;
    if (!is_absolute)
        return key;
    if (key.len <= root.len + 1 || !vv_str_starts(key, root) || key.ptr[root.len] != '/')
        return VV_STR_NONE;
    return vv_str_skip(key, root.len + 1);
}

static varve_status keys_of(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str key, bool is_absolute,
    const struct vv_deletion_vector *vector, struct vv_file_keys *out)
{
    struct vv_str file = VV_STR_NONE;
    *out = (struct vv_file_keys){.data = vv_key_in_folder(store, key, is_absolute)};
    if (vector == NULL || vector->storage == 'i')
        return VARVE_OK;
    VV_TRY(vv_dv_key(op, arena, vector, &file, &is_absolute));
    out->vector = vv_key_in_folder(store, file, is_absolute);
    return VARVE_OK;
}

varve_status vv_file_keys_of(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, const struct vv_file *file, struct vv_file_keys *out)
{
    return keys_of(op, arena, store, file->key, file->absolute, file->dv, out);
}

varve_status vv_file_keys_of_remove(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, const struct vv_remove *remove, struct vv_file_keys *out)
{
    return keys_of(op, arena, store, remove->key, remove->absolute, remove->dv, out);
}

static varve_status is_gone(struct vv_op *op, struct vv_store *store, struct vv_str key,
    bool *out)
{
    struct vv_object object = {0};
    *out = false;
    if (key.ptr == NULL)
        return VARVE_OK;
    varve_status status = vv_store_head(op, store, key, &object);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    *out = true;
    return VARVE_OK;
}

varve_status vv_file_keys_gone(struct vv_op *op, struct vv_store *store,
    const struct vv_file_keys *keys, struct vv_str *out)
{
    bool is_it = false;
    VV_TRY(is_gone(op, store, keys->data, &is_it));
    *out = keys->data;
    if (is_it)
        return VARVE_OK;
    VV_TRY(is_gone(op, store, keys->vector, &is_it));
    *out = is_it ? keys->vector : VV_STR_NONE;
    return VARVE_OK;
}
