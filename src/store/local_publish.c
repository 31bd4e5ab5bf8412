/*
 * Data files: the engine writes them by path under their final names, which nobody refers to
 * before the commit. Published, they and all names on the way to them survive a power cut.
 *
 * A file of which a sync failed is spoiled: the system has told of the lost bytes once and
 * would report success the next time. Its key is remembered, and never published by this store
 * again.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/seam.h"
#include "store/key.h"
#include "store/local.h"
#include "store/local_sys.h"

/* Above so many files one sync of the file system is cheaper than one of each. */
#define FILES_SYNCED_EACH_MAX 64

/*
 * Syncing a file system reports what failed since the descriptor was opened, so the descriptor
 * is opened before the first file is written.
 */
static varve_status sync_fd_open(struct vv_op *op, struct vv_local *local, int *out_fd)
{
    pthread_mutex_lock(&local->lock);
    int known = local->sync_fd;
    pthread_mutex_unlock(&local->lock);
    if (known >= 0) {
        *out_fd = known;
        return VARVE_OK;
    }
    VV_CLEANUP(vv_fd_close) int fd = -1;
    const char *root = vv_path_text(local->root);
    int failure = vv_sys_open(root, O_RDONLY | O_DIRECTORY, &fd);
    if (failure != 0)
        return vv_sys_fail(op, failure, "open", root);
    pthread_mutex_lock(&local->lock);
    if (local->sync_fd < 0) {
        local->sync_fd = fd;
        fd = -1;
    }
    *out_fd = local->sync_fd;
    pthread_mutex_unlock(&local->lock);
    return VARVE_OK;
}

/* The path of a key, in a folder that is there. */
static varve_status make_place(struct vv_op *op, const struct vv_local *local,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    struct vv_str folder;
    struct stat there;
    VV_TRY(vv_path_of(op, arena, local, key, out_path));
    VV_TRY(vv_path_parent(op, *out_path, &folder));
    int failure = vv_sys_stat(vv_path_text(folder), &there);
    if (failure == ENOENT)
        return vv_path_make(op, local, folder);
    return failure == 0 ? VARVE_OK
                        : vv_sys_fail(op, failure, "look at the folder", vv_path_text(folder));
}

varve_status vv_local_stage(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out_path)
{
    struct vv_local *local = vv_local_of(store);
    struct vv_str path;
    struct stat there;
    VV_TRY(make_place(op, local, arena, key, &path));
    int failure = vv_sys_stat(path.ptr, &there);
    if (failure == 0)
        failure = EEXIST;
    if (failure != ENOENT)
        return vv_sys_fail(op, failure, "make a new file at", path.ptr);
    int fd;
    if (local->sync)
        VV_TRY(sync_fd_open(op, local, &fd));
    vv_crash_point("store.stage.made");
    *out_path = path;
    return VARVE_OK;
}

static bool is_no_link(int failure)
{
    return failure == EXDEV || failure == EPERM || failure == ENOTSUP || failure == ENOSYS;
}

/*
 * By a link, and not by a rename: that one touches two folders, and is in doubt until both are
 * synced. The old name may come back with a power cut, as one that nobody knows.
 */
varve_status vv_local_restage(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str new_key)
{
    const struct vv_local *local = vv_local_of(store);
    struct vv_str path;
    struct vv_str new_path;
    VV_TRY(vv_path_of(op, &op->arena, local, key, &path));
    VV_TRY(make_place(op, local, &op->arena, new_key, &new_path));
    int failure = vv_sys_link(path.ptr, new_path.ptr);
    if (is_no_link(failure)) /* a folder of the table is on another file system, or has none */
        return vv_fail(op, VARVE_EUNSUPPORTED, "%s can't be linked to %s", new_path.ptr,
            path.ptr);
    if (failure != 0)
        return vv_sys_fail(op, failure, "give a new file the name", new_path.ptr);
    vv_crash_point("store.restage.linked");
    failure = vv_sys_unlink(path.ptr);
    if (failure != 0)
        return vv_sys_fail(op, failure, "remove", path.ptr);
    vv_crash_point("store.restaged");
    return VARVE_OK;
}

void vv_local_hasten(struct vv_store *store, const char *path)
{
    const struct vv_local *local = vv_local_of(store);
    VV_CLEANUP(vv_fd_close) int fd = -1;
    if (local->sync && vv_sys_open(path, O_RDONLY, &fd) == 0)
        vv_sys_begin_sync(fd);
}

static bool is_spoiled(struct vv_local *local, struct vv_str key)
{
    pthread_mutex_lock(&local->lock);
    bool is = vv_map_has(&local->spoiled, key);
    pthread_mutex_unlock(&local->lock);
    return is;
}

void vv_local_spoil(struct vv_local *local, const struct vv_str *keys, size_t keys_len)
{
    pthread_mutex_lock(&local->lock);
    for (size_t i = 0; i < keys_len; i++) {
        struct vv_str key = vv_arena_str(&local->arena, keys[i]);
        if (key.ptr != NULL)
            (void)vv_map_put(&local->spoiled, key, NULL, NULL);
    }
    pthread_mutex_unlock(&local->lock);
}

/* The device that is synced as a whole, if any. */
struct whole {
    int fd; /* -1: none */
    dev_t device;
};

static varve_status choose_whole(struct vv_op *op, struct vv_local *local, size_t keys_len,
    struct whole *out)
{
    if (!local->sync || keys_len <= FILES_SYNCED_EACH_MAX)
        return VARVE_OK;
    int fd;
    VV_TRY(sync_fd_open(op, local, &fd));
    struct stat status;
    if (fstat(fd, &status) != 0)
        return vv_sys_fail(op, errno, "look at the folder", vv_path_text(local->root));
    *out = (struct whole){fd, status.st_dev};
    return VARVE_OK;
}

/* What a publish has to sync. */
struct plan {
    struct whole whole;
    struct vv_sync_batch files;
    const struct vv_str **keys; /* of the files in the batch */
    struct vv_sync_set folders;
};

/* One file and its folder, but for what is on a device that is synced as a whole. */
static varve_status plan_one(struct vv_op *op, struct vv_local *local, const struct vv_str *key,
    struct plan *plan)
{
    if (is_spoiled(local, *key))
        return vv_fail(op, VARVE_EIO,
            "%.*s cannot be relied upon: an earlier sync of it failed; write it anew under"
            " another name",
            VV_ARG(*key));
    struct vv_str path;
    struct vv_str folder;
    VV_TRY(vv_path_of(op, &op->arena, local, *key, &path));
    VV_TRY(vv_path_parent(op, path, &folder));
    struct stat status;
    int failure = vv_sys_stat(path.ptr, &status);
    if (failure != 0)
        return vv_sys_fail(op, failure, "publish", path.ptr);
    if (!S_ISREG(status.st_mode))
        return vv_fail(op, VARVE_ENOTFOUND, "cannot publish %s: it is not a file", path.ptr);
    if (!local->sync)
        return VARVE_OK;
    if (plan->whole.fd < 0 || status.st_dev != plan->whole.device) {
        plan->keys[plan->files.len] = key;
        plan->files.items[plan->files.len++].path = path;
    }
    return vv_sync_set_add(op, local, &plan->folders, folder, true);
}

static varve_status plan_all(struct vv_op *op, struct vv_local *local,
    const struct vv_str *keys, size_t keys_len, struct plan *plan)
{
    *plan = (struct plan){.whole = {.fd = -1}};
    VV_TRY(choose_whole(op, local, keys_len, &plan->whole));
    plan->files.fault_point = "store.publish.fsync";
    plan->files.crash_point = "store.publish.file_synced";
    VV_NEW(op, &plan->files.items, struct vv_sync_item, keys_len);
    VV_NEW(op, &plan->keys, const struct vv_str *, keys_len);
    for (size_t i = 0; i < keys_len; i++)
        VV_TRY(plan_one(op, local, &keys[i], plan));
    return VARVE_OK;
}

static varve_status sync_files(struct vv_op *op, struct vv_local *local, struct plan *plan)
{
    vv_sync_batch_run(&plan->files);
    const struct vv_sync_item *failed = NULL;
    for (size_t i = 0; i < plan->files.len; i++) {
        const struct vv_sync_item *item = &plan->files.items[i];
        if (item->spoiled)
            vv_local_spoil(local, plan->keys[i], 1);
        if (failed == NULL && item->failure != 0)
            failed = item;
    }
    return failed == NULL ? VARVE_OK
                          : vv_sys_fail(op, failed->failure, "sync", failed->path.ptr);
}

static varve_status sync_names(struct vv_op *op, struct vv_local *local, struct plan *plan)
{
    const struct whole *whole = &plan->whole;
    if (whole->fd >= 0) {
        int failure = vv_sys_sync_device(whole->fd);
        if (failure != 0)
            return vv_sys_fail(op, failure, "sync the file system of",
                vv_path_text(local->root));
        vv_crash_point("store.publish.device_synced");
    }
    return vv_sync_set_run(op, local, &plan->folders, whole->fd >= 0 ? &whole->device : NULL);
}

varve_status vv_local_publish(struct vv_op *op, struct vv_store *store,
    const struct vv_str *keys, size_t keys_len)
{
    struct vv_local *local = vv_local_of(store);
    struct plan plan;
    VV_TRY(plan_all(op, local, keys, keys_len, &plan));
    VV_TRY(sync_files(op, local, &plan));
    varve_status status = sync_names(op, local, &plan);
    if (status != VARVE_OK) {
        /* Which of them it hit cannot be told. */
        vv_local_spoil(local, keys, keys_len);
        return status;
    }
    vv_crash_point("store.publish.done");
    return VARVE_OK;
}
