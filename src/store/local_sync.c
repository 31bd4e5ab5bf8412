/*
 * What makes a new name durable: a sync of its folder, and of each folder above whose entry on
 * the way down is not durable itself.
 *
 * A folder is *anchored* when its own entry is durable, and so are those of all folders above
 * it up to the root and one further (the entry of the root itself). Who made a folder does not
 * matter: another process may have made it a moment ago and not have synced it yet, so a store
 * takes no folder for durable that it has not anchored itself once. That costs a sync of each
 * parent at the first write to a folder, and nothing later.
 *
 * An anchored folder is remembered with its inode: one that was removed and made anew under the
 * same path is another.
 */
#include <errno.h>

#include "base/seam.h"
#include "store/local.h"
#include "store/local_sys.h"

struct anchor {
    dev_t device;
    ino_t inode;
};

struct vv_sync_folder {
    struct vv_str path;
    struct anchor identity;
    bool changed;  /* holds entries that may not be durable */
    bool outside;  /* above all that is ours: synced where we have the right to */
    bool anchored; /* will be, once all are synced */
};

static bool is_anchored(struct vv_local *local, const struct vv_sync_folder *folder)
{
    pthread_mutex_lock(&local->lock);
    const struct anchor *known = vv_map_get(&local->anchored, folder->path);
    bool is = known != NULL && known->device == folder->identity.device &&
              known->inode == folder->identity.inode;
    pthread_mutex_unlock(&local->lock);
    return is;
}

/* Without memory it is not remembered, and anchored once more at the next write. */
static void remember(struct vv_local *local, const struct vv_sync_folder *folder)
{
    pthread_mutex_lock(&local->lock);
    struct anchor *known = vv_map_get(&local->anchored, folder->path);
    if (known != NULL) {
        *known = folder->identity;
    } else {
        struct vv_str path = vv_arena_str(&local->arena, folder->path);
        known = vv_new(&local->arena, struct anchor, 1);
        if (path.ptr != NULL && known != NULL) {
            *known = folder->identity;
            (void)vv_map_put(&local->anchored, path, known, NULL);
        }
    }
    pthread_mutex_unlock(&local->lock);
}

static varve_status find_or_add(struct vv_op *op, struct vv_sync_set *set, struct vv_str path,
    struct vv_sync_folder **out)
{
    set->by_path.arena = &op->arena;
    struct vv_sync_folder *folder = vv_map_get(&set->by_path, path);
    if (folder != NULL) {
        *out = folder;
        return VARVE_OK;
    }
    struct stat status;
    int failure = vv_sys_stat(vv_path_text(path), &status);
    if (failure != 0)
        return vv_sys_fail(op, failure, "look at the folder", vv_path_text(path));

    VV_NEW(op, &folder, struct vv_sync_folder, 1);
    folder->path = path;
    folder->identity = (struct anchor){status.st_dev, status.st_ino};
    void *items = set->folders;
    if (!vv_arena_grow(&op->arena, &items, set->len, &set->capacity,
            sizeof(struct vv_sync_folder *), _Alignof(struct vv_sync_folder *)) ||
        !vv_map_put(&set->by_path, path, folder, NULL))
        return vv_fail_memory(op);
    set->folders = items;
    set->folders[set->len++] = folder;
    *out = folder;
    return VARVE_OK;
}

varve_status vv_sync_set_add(struct vv_op *op, struct vv_local *local, struct vv_sync_set *set,
    struct vv_str path, bool changed)
{
    struct vv_sync_folder *folder;
    VV_TRY(find_or_add(op, set, path, &folder));
    folder->changed |= changed;
    while (!folder->anchored && !is_anchored(local, folder)) {
        folder->anchored = true;
        if (folder->path.len == 0)
            break;
        struct vv_str parent_path;
        struct vv_sync_folder *parent;
        VV_TRY(vv_path_parent(op, folder->path, &parent_path));
        VV_TRY(find_or_add(op, set, parent_path, &parent));
        if (folder->path.len <= local->solid_len) {
            /* A mount point has no entry of its own that could be lost. */
            if (!parent->changed && parent->identity.device == folder->identity.device)
                parent->outside = true;
            break;
        }
        parent->changed = true;
        folder = parent;
    }
    return VARVE_OK;
}

static varve_status fail_sync(struct vv_op *op, int failure, struct vv_str folder)
{
    if (failure == EINVAL || failure == ENOTSUP)
        return vv_fail_errno(op, failure,
            "the file system of %s cannot sync folders, so nothing there survives a power cut "
            "for"
            " certain; use another file system, or durability=off",
            vv_path_text(folder));
    return vv_sys_fail(op, failure, "sync the folder", vv_path_text(folder));
}

varve_status vv_sync_folder(struct vv_op *op, struct vv_str folder, const char *seam,
    bool *out_is_spoiled)
{
    struct vv_sync_item item = {.path = folder};
    const struct vv_sync_batch batch = {
        .items = &item, .len = 1, .folders = true, .fault_point = seam};
    vv_sync_batch_run(&batch);
    if (out_is_spoiled != NULL)
        *out_is_spoiled = item.spoiled;
    return item.failure == 0 ? VARVE_OK : fail_sync(op, item.failure, folder);
}

/* The folder above the root is somebody else's: no right to it, or no way to, is no failure. */
static bool is_tolerable(int failure)
{
    return failure == EACCES || failure == EPERM || failure == EROFS || failure == EINVAL ||
           failure == ENOTSUP;
}

/* The folders of the set that are to be synced; `*out_folders` tells which is which. */
static varve_status choose(struct vv_op *op, const struct vv_sync_set *set,
    const dev_t *done_device, struct vv_sync_batch *out, struct vv_sync_folder ***out_folders)
{
    struct vv_sync_batch batch = {.folders = true, .fault_point = "store.fsync_parents"};
    struct vv_sync_folder **folders;
    VV_NEW(op, &batch.items, struct vv_sync_item, set->len);
    VV_NEW(op, &folders, struct vv_sync_folder *, set->len);
    for (size_t i = 0; i < set->len; i++) {
        struct vv_sync_folder *folder = set->folders[i];
        if (!folder->changed && !folder->outside)
            continue;
        if (done_device != NULL && folder->identity.device == *done_device)
            continue;
        folders[batch.len] = folder;
        batch.items[batch.len++].path = folder->path;
    }
    *out = batch;
    *out_folders = folders;
    return VARVE_OK;
}

varve_status vv_sync_set_run(struct vv_op *op, struct vv_local *local, struct vv_sync_set *set,
    const dev_t *done_device)
{
    if (set->len == 0)
        return VARVE_OK;
    struct vv_sync_batch batch;
    struct vv_sync_folder **folders = NULL;
    VV_TRY(choose(op, set, done_device, &batch, &folders));
    vv_sync_batch_run(&batch);
    for (size_t i = 0; i < batch.len; i++) {
        int failure = batch.items[i].failure;
        if (failure != 0 && !(is_tolerable(failure) && !folders[i]->changed))
            return fail_sync(op, failure, folders[i]->path);
    }
    for (size_t i = 0; i < set->len; i++) {
        if (set->folders[i]->anchored)
            remember(local, set->folders[i]);
    }
    return VARVE_OK;
}
