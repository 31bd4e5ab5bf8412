#include "table/file_set.h"

/* The files of one path; of a table that is sound there is one. */
struct entry {
    const struct vv_file *file;
    size_t at;
    struct entry *next;
};

varve_status vv_file_set_init(struct vv_op *op, struct vv_arena *arena,
    const struct vv_file *const *files, size_t len, struct vv_file_set *out)
{
    struct entry *entries = vv_new(arena, struct entry, len);
    out->by_path = VV_MAP_INIT(arena);
    if (len > 0 && entries == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        entries[i] = (struct entry){
            .file = files[i], .at = i, .next = vv_map_get(&out->by_path, files[i]->key)};
        if (!vv_map_put(&out->by_path, files[i]->key, &entries[i], NULL))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

bool vv_file_set_find(const struct vv_file_set *set, struct vv_str key, struct vv_str dv_id,
    size_t *out)
{
    const struct entry *entry = vv_map_get(&set->by_path, key);
    while (entry != NULL && !vv_str_eq(entry->file->dv_id, dv_id))
        entry = entry->next;
    if (entry != NULL && out != NULL)
        *out = entry->at;
    return entry != NULL;
}

bool vv_file_set_has(const struct vv_file_set *set, const struct vv_file *file)
{
    return vv_file_set_find(set, file->key, file->dv_id, NULL);
}
