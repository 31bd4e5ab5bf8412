#include "table/maintain/file_set.h"

static varve_status key_of(struct vv_op *op, const struct vv_file *file, struct vv_str *out)
{
    if (file->dv_id.len == 0) {
        *out = file->key;
        return VARVE_OK;
    }
    *out = vv_arena_format(&op->arena, "%.*s\n%.*s", VV_ARG(file->key), VV_ARG(file->dv_id));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_file_set_init(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_file_set *out)
{
    out->map = VV_MAP_INIT(&op->arena);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        struct vv_str key = VV_STR_NONE;
        VV_TRY(key_of(op, snapshot->files[i], &key));
        if (!vv_map_put(&out->map, key, out, NULL))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

varve_status vv_file_set_has(struct vv_op *op, const struct vv_file_set *set,
    const struct vv_file *file, bool *out)
{
    struct vv_str key = VV_STR_NONE;
    VV_TRY(key_of(op, file, &key));
    *out = vv_map_has(&set->map, key);
    return VARVE_OK;
}
