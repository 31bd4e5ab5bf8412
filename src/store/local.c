#include "store/local.h"

#include <errno.h>
#include <fcntl.h>

#include "base/seam.h"
#include "store/local_sys.h"

#define REMEMBERED_BYTES_MAX ((size_t)256 << 20)

/* For reading, a path through something that is no folder leads to nothing. */
static int absent(int failure)
{
    return failure == ENOTDIR ? ENOENT : failure;
}

static varve_status fail_read(struct vv_op *op, int failure, const char *path)
{
    return vv_sys_fail(op, absent(failure), "read", path);
}

static varve_status local_get(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str key, struct vv_str *out)
{
    struct vv_str path;
    VV_TRY(vv_path_of(op, &op->arena, vv_local_of(store), key, &path));
    /* Not blocking: a pipe of that name would wait for a writer for ever. That it was read is written
       nowhere: of a thousand small files that is a thousand writes. */
    VV_CLEANUP(vv_fd_close) int fd = -1;
    int failure = vv_sys_open(path.ptr, O_RDONLY | O_NONBLOCK | O_NOATIME, &fd);
    if (failure != 0)
        return fail_read(op, failure, path.ptr);
    struct stat status;
    if (fstat(fd, &status) != 0)
        return fail_read(op, errno, path.ptr);
    if (!S_ISREG(status.st_mode))
        return vv_fail(op, VARVE_ENOTFOUND, "%s is not a file", path.ptr);

    size_t bytes = (size_t)status.st_size;
    char *content = vv_new(arena, char, bytes + 1);
    if (content == NULL) {
        (void)vv_fail_memory(op);
        return vv_note(op, "read %s (%zu bytes)", path.ptr, bytes);
    }
    size_t done = 0;
    failure = vv_sys_read(fd, content, bytes, &done);
    if (failure != 0)
        return fail_read(op, failure, path.ptr);
    *out = (struct vv_str){content, done};
    return VARVE_OK;
}

/* Of a regular file. */
static varve_status look(struct vv_op *op, struct vv_str path, struct stat *out)
{
    int failure = vv_sys_stat(path.ptr, out);
    if (failure != 0)
        return fail_read(op, failure, path.ptr);
    if (!S_ISREG(out->st_mode))
        return vv_fail(op, VARVE_ENOTFOUND, "%s is not a file", path.ptr);
    return VARVE_OK;
}

static varve_status local_head(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_object *out)
{
    struct vv_str path;
    struct stat status;
    VV_TRY(vv_path_of(op, &op->arena, vv_local_of(store), key, &path));
    VV_TRY(look(op, path, &status));
    *out = (struct vv_object){
        .key = key,
        .bytes = (int64_t)status.st_size,
        .modified_us = vv_sys_modified_us(&status),
    };
    return VARVE_OK;
}

static varve_status local_remove(struct vv_op *op, struct vv_store *store, struct vv_str key)
{
    struct vv_str path;
    VV_TRY(vv_path_of(op, &op->arena, vv_local_of(store), key, &path));
    int failure = absent(vv_sys_unlink(path.ptr));
    if (failure != 0 && failure != ENOENT)
        return vv_sys_fail(op, failure, "remove", path.ptr);
    return VARVE_OK;
}

static varve_status local_settle(struct vv_op *op, struct vv_store *store, struct vv_str folder)
{
    const struct vv_local *local = vv_local_of(store);
    struct vv_str path;
    struct stat status;
    VV_TRY(vv_path_of(op, &op->arena, local, folder, &path));
    if (!local->sync || absent(vv_sys_stat(path.ptr, &status)) == ENOENT)
        return VARVE_OK;
    return vv_sync_folder(op, path, "store.fsync_folder", NULL);
}

/* Opened to read: the owner of a file sets its times, whoever may write to it. */
static varve_status local_touch(struct vv_op *op, struct vv_store *store, struct vv_str key,
    int64_t modified_us)
{
    VV_CLEANUP(vv_fd_close) int fd = -1;
    const struct vv_local *local = vv_local_of(store);
    struct vv_str path;
    struct stat status;
    VV_TRY(vv_path_of(op, &op->arena, local, key, &path));
    VV_TRY(look(op, path, &status));
    int failure = vv_sys_open(path.ptr, O_RDONLY, &fd);
    if (failure == 0)
        failure = vv_sys_touch(fd, modified_us);
    if (failure == 0 && local->sync)
        failure = vv_sys_sync(fd, "store.fsync");
    return failure == 0 ? VARVE_OK : vv_sys_fail(op, failure, "set the time of", path.ptr);
}

static varve_status local_fetch(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str key, struct vv_str *out_path)
{
    struct vv_str path;
    struct stat status;
    VV_TRY(vv_path_of(op, arena, vv_local_of(store), key, &path));
    VV_TRY(look(op, path, &status));
    *out_path = path;
    return VARVE_OK;
}

static varve_status local_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out);

static void local_close(struct vv_store *store)
{
    struct vv_local *local = vv_local_of(store);
    vv_fd_close(&local->sync_fd);
    (void)pthread_mutex_destroy(&local->lock);
    vv_arena_done(&local->arena);
    vv_free(local);
}

static const struct vv_store_ops local_ops = {
    .get = local_get,
    .head = local_head,
    .put = vv_local_put,
    .put_if_absent = vv_local_put_if_absent,
    .list = vv_local_list,
    .list_folders = vv_local_list_folders,
    .remove = local_remove,
    .settle = local_settle,
    .sweep = vv_local_sweep,
    .stage = vv_local_stage,
    .restage = vv_local_restage,
    .hasten = vv_local_hasten,
    .publish = vv_local_publish,
    .fetch = local_fetch,
    .at = local_at,
    .close = local_close,
    .try_turn = vv_local_try_turn,
    .touch = local_touch,
};

static varve_status local_new(struct vv_op *op, struct vv_str root, size_t solid_len, bool sync,
    struct vv_store **out)
{
    struct vv_local *local = vv_malloc(sizeof(*local));
    if (local == NULL)
        return vv_fail_memory(op);
    *local = (struct vv_local){.solid_len = solid_len, .sync = sync, .sync_fd = -1};
    local->store.ops = &local_ops;
    local->store.lists_whole = true;
    local->arena = VV_ARENA_INIT(REMEMBERED_BYTES_MAX);
    local->anchored = VV_MAP_INIT(&local->arena);
    local->spoiled = VV_MAP_INIT(&local->arena);
    local->root = vv_arena_str(&local->arena, root);
    if (local->root.ptr == NULL || pthread_mutex_init(&local->lock, NULL) != 0) {
        vv_arena_done(&local->arena);
        vv_free(local);
        return vv_fail_memory(op);
    }
    local->store.location = root.len > 0 ? local->root : VV_STR("/");
    *out = &local->store;
    return VARVE_OK;
}

static varve_status local_at(struct vv_op *op, struct vv_store *store, struct vv_str prefix,
    struct vv_store **out)
{
    const struct vv_local *local = vv_local_of(store);
    struct vv_str root;
    VV_TRY(vv_path_of(op, &op->arena, local, prefix, &root));
    return local_new(op, root, local->solid_len, local->sync, out);
}

varve_status vv_local_open(struct vv_op *op, struct vv_str path,
    const struct vv_store_options *options, struct vv_store **out)
{
    struct vv_str root;
    size_t solid_len;
    VV_TRY(vv_path_resolve(op, &op->arena, path, &root, &solid_len));
    if (solid_len < root.len && !options->create)
        return vv_fail(op, VARVE_ENOTFOUND, "there is no folder %.*s", VV_ARG(root));
    return local_new(op, root, solid_len, options->sync, out);
}
