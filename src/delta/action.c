#include "delta/action.h"

struct vv_str vv_pairs_get(const struct vv_pairs *pairs, struct vv_str name)
{
    for (size_t index = pairs->len; index > 0; index--) {
        if (vv_str_eq(pairs->items[index - 1].name, name))
            return pairs->items[index - 1].value;
    }
    return VV_STR_NONE;
}

bool vv_pairs_has(const struct vv_pairs *pairs, struct vv_str name)
{
    for (size_t index = 0; index < pairs->len; index++) {
        if (vv_str_eq(pairs->items[index].name, name))
            return true;
    }
    return false;
}

bool vv_metadata_is_partition(const struct vv_metadata *metadata, struct vv_str column)
{
    for (size_t index = 0; index < metadata->partition_columns_len; index++) {
        if (vv_str_eq_nocase(metadata->partition_columns[index], column))
            return true;
    }
    return false;
}

struct vv_remove vv_remove_of(const struct vv_file *file, int64_t deleted_ms, bool data_change)
{
    return (struct vv_remove){
        .path = file->path,
        .key = file->key,
        .absolute = file->absolute,
        .dv_id = file->dv_id,
        .hash = file->hash,
        .deleted_ms = deleted_ms,
        .data_change = data_change,
        .extended = true,
        .partition_values = file->partition_values,
        .bytes = file->bytes,
        .tags = file->tags,
        .dv = file->dv,
        .base_row_id = file->base_row_id,
        .row_commit_version = file->row_commit_version,
    };
}

uint64_t vv_file_hash(struct vv_str key, struct vv_str dv_id)
{
    uint64_t hash = vv_str_hash(key);

    if (dv_id.len > 0)
        hash = (hash << 7 | hash >> 57) ^ vv_str_hash(dv_id);
    return hash;
}

struct vv_str vv_dv_id(const struct vv_deletion_vector *dv, struct vv_arena *arena)
{
    if (!dv)
        return VV_STR("");
    if (dv->has_offset)
        return vv_arena_format(arena, "%c%.*s@%" PRId32, dv->storage,
            VV_ARG(dv->path_or_inline), dv->offset);
    return vv_arena_format(arena, "%c%.*s", dv->storage, VV_ARG(dv->path_or_inline));
}

/* Room behind the last item of a list of actions. */
#define GROW(arena, list, type)                                                     \
    vv_arena_grow((arena), (void **)&(list)->items, (list)->len, &(list)->capacity, \
        sizeof(type), _Alignof(type))

struct vv_file *vv_actions_new_add(struct vv_actions *actions, struct vv_arena *arena)
{
    if (!GROW(arena, &actions->adds, struct vv_file))
        return NULL;
    struct vv_file *file = &actions->adds.items[actions->adds.len++];
    *file = (struct vv_file){
        .dv_id = VV_STR(""),
        .base_row_id = -1,
        .row_commit_version = -1,
        .added_version = actions->version,
    };
    return file;
}

struct vv_remove *vv_actions_new_remove(struct vv_actions *actions, struct vv_arena *arena)
{
    if (!GROW(arena, &actions->removes, struct vv_remove))
        return NULL;
    struct vv_remove *remove = &actions->removes.items[actions->removes.len++];
    *remove = (struct vv_remove){
        .dv_id = VV_STR(""),
        .bytes = -1,
        .base_row_id = -1,
        .row_commit_version = -1,
    };
    return remove;
}

struct vv_txn *vv_actions_new_txn(struct vv_actions *actions, struct vv_arena *arena)
{
    if (!GROW(arena, &actions->txns, struct vv_txn))
        return NULL;
    struct vv_txn *txn = &actions->txns.items[actions->txns.len++];
    *txn = (struct vv_txn){.last_updated_ms = VV_NO_TIME};
    return txn;
}

struct vv_domain *vv_actions_new_domain(struct vv_actions *actions, struct vv_arena *arena)
{
    if (!GROW(arena, &actions->domains, struct vv_domain))
        return NULL;
    struct vv_domain *domain = &actions->domains.items[actions->domains.len++];
    *domain = (struct vv_domain){0};
    return domain;
}

struct vv_cdc *vv_actions_new_cdc(struct vv_actions *actions, struct vv_arena *arena)
{
    if (!GROW(arena, &actions->cdcs, struct vv_cdc))
        return NULL;
    struct vv_cdc *cdc = &actions->cdcs.items[actions->cdcs.len++];
    *cdc = (struct vv_cdc){0};
    return cdc;
}
