#include "table/file_keys.h"

#include "store/source.h"

varve_status vv_key_in_folder(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str key, bool is_absolute, struct vv_str *out)
{
    if (is_absolute)
        return vv_store_key_of_path(op, arena, store, key, out);
    *out = key;
    return VARVE_OK;
}

static varve_status place(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str key, bool is_absolute, struct vv_str *inside,
    struct vv_str *outside)
{
    VV_TRY(vv_key_in_folder(op, arena, store, key, is_absolute, inside));
    if (inside->ptr == NULL && vv_source_is_path(key))
        *outside = key;
    return VARVE_OK;
}

static varve_status keys_of(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str key, bool is_absolute,
    const struct vv_deletion_vector *vector, struct vv_file_keys *out)
{
    struct vv_str file = VV_STR_NONE;
    *out = (struct vv_file_keys){0};
    VV_TRY(place(op, arena, store, key, is_absolute, &out->data, &out->data_outside));
    if (vector == NULL || vector->storage == 'i')
        return VARVE_OK;
    VV_TRY(vv_dv_key(op, arena, vector, &file, &is_absolute));
    return place(op, arena, store, file, is_absolute, &out->vector, &out->vector_outside);
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

bool vv_file_keys_have(const struct vv_file_keys *keys, struct vv_str key)
{
    return vv_str_eq(keys->data, key) || vv_str_eq(keys->vector, key) ||
           vv_str_eq(keys->data_outside, key) || vv_str_eq(keys->vector_outside, key);
}

varve_status vv_file_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    return vv_source_is_path(key) ? vv_source_head(op, key, out)
                                  : vv_store_head(op, store, key, out);
}

struct vv_str vv_file_path(struct vv_op *op, const struct vv_store *store,
    const struct vv_file *file)
{
    if (file->absolute)
        return file->key;
    return vv_arena_format(&op->arena, "%.*s/%.*s", VV_ARG(store->location), VV_ARG(file->key));
}

varve_status vv_file_unread(struct vv_op *op)
{
    if (op->error.code != VARVE_ENOTFOUND)
        return op->error.code;
    vv_note(op, "a file of the table is missing");
    return vv_recode(op, VARVE_ECORRUPT);
}

varve_status vv_file_fetch(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str *out_path)
{
    varve_status status = vv_store_fetch(op, store, &op->arena, key, out_path);
    return status == VARVE_OK ? status : vv_file_unread(op);
}

varve_status vv_file_read_vector(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_file *file, struct vv_row_set **out)
{
    varve_status status = vv_dv_read(op, reader, file, out);
    return status == VARVE_OK ? status : vv_file_unread(op);
}

varve_status vv_file_keys_gone(struct vv_op *op, struct vv_store *store,
    const struct vv_file_keys *keys, struct vv_str *out)
{
    const struct vv_str all[] = {
        keys->data, keys->vector, keys->data_outside, keys->vector_outside};
    *out = VV_STR_NONE;
    for (size_t i = 0; i < VV_COUNT(all); i++) {
        struct vv_object object = {0};
        if (all[i].ptr == NULL)
            continue;
        varve_status status = vv_file_head(op, store, all[i], &object);
        if (status == VARVE_OK)
            continue;
        if (status != VARVE_ENOTFOUND)
            return status;
        vv_forgive(op);
        *out = all[i];
        return VARVE_OK;
    }
    return VARVE_OK;
}
