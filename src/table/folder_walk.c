#include "table/folder_walk.h"

#include "delta/list.h"
#include "delta/log_name.h"
#include "store/key.h"
#include "store/odd_name.h"
#include "table/maintain/vacuum_plan.h"

/* Folders still to be looked into; the list grows while it is walked. */
struct folders {
    VV_ACTION_LIST(struct vv_str) list;
};

static varve_status add_folder(struct vv_op *op, struct folders *folders, struct vv_str key)
{
    struct vv_str *added = VV_LIST_NEW(&op->arena, &folders->list);
    if (added == NULL)
        return vv_fail_memory(op);
    *added = vv_arena_str(&op->arena, key);
    return added->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Whether a folder is that of another table, though its log be out of reach. */
static varve_status is_other_table(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, bool *out)
{
    struct vv_objects objects = {0};
    *out = false;
    if (folder.len == 0)
        return VARVE_OK; /* the table's own */
    struct vv_str log = vv_arena_format(arena, "%.*s/" VV_LOG_FOLDER, VV_ARG(folder));
    if (log.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_store_is_odd_name(op, store, log, out));
    if (*out)
        return VARVE_OK;
    VV_TRY(vv_store_list(op, store, arena, log, VV_STR_NONE, 1, &objects));
    *out = objects.len > 0;
    return VARVE_OK;
}

static varve_status look_into(struct vv_op *op, struct vv_folder_walk *walk,
    struct vv_str folder, struct folders *folders)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_objects objects = {0};
    struct vv_objects below = {0};
    bool is_other = false;
    VV_TRY(vv_check_cancel(op));
    VV_TRY(is_other_table(op, walk->store, &arena, folder, &is_other));
    if (is_other)
        return VARVE_OK;
    VV_TRY(vv_store_list_folders(op, walk->store, &arena, folder, &below));
    VV_TRY(vv_store_list(op, walk->store, &arena, folder, VV_STR_NONE, 0, &objects));
    for (size_t i = 0; i < objects.len; i++)
        VV_TRY(walk->see(op, walk->data, &objects.items[i]));
    for (size_t i = 0; i < below.len; i++)
        if (!below.items[i].is_link &&
            vv_vacuum_enters(below.items[i].key, walk->metadata, walk->schema))
            VV_TRY(add_folder(op, folders, below.items[i].key));
    walk->folders++;
    return VARVE_OK;
}

varve_status vv_folder_walk(struct vv_op *op, struct vv_folder_walk *walk)
{
    struct folders folders = {0};
    walk->folders = 0;
    VV_TRY(look_into(op, walk, VV_STR(""), &folders));
    for (size_t i = 0; i < folders.list.len; i++)
        VV_TRY(look_into(op, walk, folders.list.items[i], &folders));
    return VARVE_OK;
}

static varve_status enters(struct vv_op *op, const struct vv_folder_walk *walk,
    struct vv_str folder, bool *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    bool is_other = false;
    *out = vv_vacuum_enters(folder, walk->metadata, walk->schema);
    if (!*out)
        return VARVE_OK;
    VV_TRY(is_other_table(op, walk->store, &arena, folder, &is_other));
    *out = !is_other;
    return VARVE_OK;
}

varve_status vv_folder_walk_reaches(struct vv_op *op, const struct vv_folder_walk *walk,
    struct vv_map *entered, struct vv_str key, bool *out)
{
    *out = true;
    for (size_t len = 0; len < key.len && *out; len++) {
        struct vv_str folder = vv_str_first(key, len);
        if (key.ptr[len] != '/')
            continue;
        if (!vv_map_has(entered, folder)) {
            VV_TRY(enters(op, walk, folder, out));
            folder = vv_arena_str(entered->arena, folder);
            if (folder.ptr == NULL || !vv_map_put(entered, folder, *out ? entered : NULL, NULL))
                return vv_fail_memory(op);
        }
        *out = vv_map_get(entered, folder) != NULL;
    }
    return VARVE_OK;
}

varve_status vv_folder_place(struct vv_op *op, struct vv_folder_places *places,
    struct vv_str *key)
{
    struct vv_arena *arena = places->real.arena;
    struct vv_str folder = vv_key_folder(*key);
    if (folder.len == 0)
        return VARVE_OK;
    struct vv_str *place = vv_map_get(&places->real, folder);
    if (place == NULL) {
        place = vv_new(arena, struct vv_str, 1);
        struct vv_str copy = vv_arena_str(arena, folder);
        if (place == NULL || copy.ptr == NULL || !vv_map_put(&places->real, copy, place, NULL))
            return vv_fail_memory(op);
        VV_TRY(vv_store_real_key(op, arena, places->store, copy, place));
    }
    if (place->ptr == NULL || vv_str_eq(*place, folder))
        return VARVE_OK;
    *key = vv_arena_format(arena, "%.*s%s%.*s", VV_ARG(*place), place->len > 0 ? "/" : "",
        VV_ARG(vv_str_skip(*key, folder.len + 1)));
    return key->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}
