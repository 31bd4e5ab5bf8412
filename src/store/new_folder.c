#include "store/new_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/seam.h"
#include "base/uuid.h"
#include "store/folder_lock.h"
#include "store/key.h"
#include "store/local.h"
#include "store/local_sys.h"

#define COPY_BYTES ((size_t)1 << 20)
#define HIDDEN_DIGITS 8

static struct vv_str last_part(struct vv_str path)
{
    size_t folder = vv_key_folder(path).len;
    return vv_str_skip(path,
        folder > 0 || (path.len > 0 && path.ptr[0] == '/') ? folder + 1 : 0);
}

/* ---- What others have left ---------------------------------------------------------------------- */

/* "<prefix>xxxxxxxx", the end in hexadecimal digits. */
static bool is_hidden_name(struct vv_str name, struct vv_str prefix)
{
    bool ok = name.len == prefix.len + HIDDEN_DIGITS && vv_str_starts(name, prefix);
    for (size_t i = prefix.len; i < name.len && ok; i++)
        ok = (name.ptr[i] >= '0' && name.ptr[i] <= '9') ||
             (name.ptr[i] >= 'a' && name.ptr[i] <= 'f');
    return ok;
}

/* What processes that were killed have left of a folder of that name. */
static varve_status sweep(struct vv_op *op, const struct vv_new_folder *folder)
{
    struct vv_str hidden = last_part(folder->hidden);
    const struct vv_folder_sweep swept = {
        .before = vv_str_first(folder->hidden, folder->hidden.len - hidden.len),
        .prefix = vv_str_first(hidden, hidden.len - HIDDEN_DIGITS),
        .is_one = is_hidden_name,
        .event = "new_folder.swept"};
    return vv_folder_sweep(op, &swept);
}

/* ---- Opening ------------------------------------------------------------------------------------- */

static varve_status fail_taken(struct vv_op *op, const char *path)
{
    return vv_fail(op, VARVE_EUSAGE,
        "%s is there already: nothing is written over it, name another folder", path);
}

/* Of "a/b//": "a/b". */
static struct vv_str without_slashes(struct vv_str path)
{
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    return path;
}

static varve_status choose_names(struct vv_op *op, struct vv_str path,
    struct vv_new_folder *folder)
{
    char uuid[VV_UUID_BYTES];
    VV_TRY(vv_uuid(op, uuid));
    path = without_slashes(path);
    struct vv_str parent = vv_key_folder(path);
    struct vv_str name = last_part(path);
    if (name.len == 0 || vv_str_eq(name, VV_STR(".")) || vv_str_eq(name, VV_STR("..")))
        return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is no name for a new folder", VV_ARG(path));
    folder->path = vv_arena_str(&folder->arena, path);
    bool is_below = name.len < path.len;
    folder->hidden = vv_arena_format(&folder->arena, "%.*s%s.%.*s.part-%.*s",
        VV_ARG(is_below ? parent : VV_STR("")), is_below ? "/" : "", VV_ARG(name),
        HIDDEN_DIGITS, uuid);
    return folder->path.ptr != NULL && folder->hidden.ptr != NULL ? VARVE_OK
                                                                  : vv_fail_memory(op);
}

varve_status vv_new_folder_open(struct vv_op *op, struct vv_str path, struct vv_new_folder *out)
{
    const struct vv_store_options options = {.sync = true};
    struct stat there;
    *out = (struct vv_new_folder){.arena = VV_ARENA_INIT(op->arena.bytes_max), .lock = -1};
    VV_TRY(choose_names(op, path, out));
    struct vv_str hidden = out->hidden;
    out->hidden = VV_STR_NONE; /* nothing of it is there yet */
    if (lstat(out->path.ptr, &there) == 0)
        return fail_taken(op, out->path.ptr);
    int failure = mkdir(hidden.ptr, 0777) == 0 ? 0 : errno;
    if (failure == ENOENT)
        return vv_fail(op, VARVE_ENOTFOUND,
            "the folder that %s is to be made in is not there: make it first", out->path.ptr);
    if (failure != 0)
        return vv_sys_fail(op, failure, "make the folder", hidden.ptr);
    bool is_locked = false;
    out->hidden = hidden;
    vv_folder_take(hidden.ptr, &out->lock, &is_locked);
    if (out->lock < 0)
        return vv_fail(op, VARVE_EIO, "%s was taken away as it was made: try again",
            hidden.ptr);
    VV_TRY(sweep(op, out));
    return vv_store_open(op, hidden, &options, &out->store);
}

/* ---- Files --------------------------------------------------------------------------------------- */

varve_status vv_new_folder_stage(struct vv_op *op, struct vv_new_folder *folder,
    struct vv_str key, struct vv_str *out_path)
{
    void *keys = folder->keys;
    VV_TRY(vv_store_stage(op, folder->store, &folder->arena, key, out_path));
    if (!vv_arena_grow(&folder->arena, &keys, folder->keys_len, &folder->keys_capacity,
            sizeof(*folder->keys), _Alignof(struct vv_str)))
        return vv_fail_memory(op);
    folder->keys = keys;
    folder->keys[folder->keys_len] = vv_arena_str(&folder->arena, key);
    if (folder->keys[folder->keys_len++].ptr == NULL)
        return vv_fail_memory(op);
    return VARVE_OK;
}

static varve_status create(struct vv_op *op, const char *path, int *out_fd)
{
    int failure = vv_sys_open(path, O_WRONLY | O_CREAT | O_EXCL, out_fd);
    return failure == 0 ? VARVE_OK : vv_sys_fail(op, failure, "make", path);
}

varve_status vv_new_folder_write(struct vv_op *op, struct vv_new_folder *folder,
    struct vv_str key, struct vv_str bytes)
{
    VV_CLEANUP(vv_fd_close) int fd = -1;
    struct vv_str path;
    VV_TRY(vv_new_folder_stage(op, folder, key, &path));
    VV_TRY(create(op, path.ptr, &fd));
    int failure = vv_sys_write(fd, bytes);
    if (failure == 0)
        failure = vv_sys_close(&fd);
    return failure == 0 ? VARVE_OK : vv_sys_fail(op, failure, "write", path.ptr);
}

static varve_status copy_bytes(struct vv_op *op, struct vv_new_folder *folder, int from, int to,
    const char *path)
{
    if (folder->copied == NULL)
        folder->copied = vv_new(&folder->arena, char, COPY_BYTES);
    if (folder->copied == NULL)
        return vv_fail_memory(op);
    for (size_t len = 1; len > 0;) {
        VV_TRY(vv_check_cancel(op));
        int failure = vv_sys_read(from, folder->copied, COPY_BYTES, &len);
        if (failure == 0)
            failure = vv_sys_write(to, (struct vv_str){folder->copied, len});
        if (failure != 0)
            return vv_sys_fail(op, failure, "copy to", path);
    }
    return VARVE_OK;
}

varve_status vv_new_folder_copy(struct vv_op *op, struct vv_new_folder *folder,
    struct vv_str key, const char *source)
{
    VV_CLEANUP(vv_fd_close) int from = -1;
    VV_CLEANUP(vv_fd_close) int to = -1;
    struct vv_str path;
    int failure = vv_sys_open(source, O_RDONLY, &from);
    if (failure != 0)
        return vv_sys_fail(op, failure, "read", source);
    VV_TRY(vv_new_folder_stage(op, folder, key, &path));
    VV_TRY(create(op, path.ptr, &to));
    VV_TRY(copy_bytes(op, folder, from, to, path.ptr));
    failure = vv_sys_close(&to);
    return failure == 0 ? VARVE_OK : vv_sys_fail(op, failure, "write", path.ptr);
}

/* ---- The end ------------------------------------------------------------------------------------- */

varve_status vv_new_folder_publish(struct vv_op *op, struct vv_new_folder *folder)
{
    struct vv_str name = last_part(folder->path);
    struct vv_str parent =
        name.len < folder->path.len ? vv_key_folder(folder->path) : VV_STR(".");
    struct vv_str parent_path = vv_arena_str(&op->arena, parent);
    if (parent_path.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_store_publish(op, folder->store, folder->keys, folder->keys_len));
    vv_crash_point("new_folder.synced");
    struct stat there;
    int failure = vv_sys_rename_new(folder->hidden.ptr, folder->path.ptr);
    if (failure == EINVAL ||
        failure == ENOSYS) /* a file system that can't: the name is looked at */
        failure = lstat(folder->path.ptr, &there) == 0
                      ? EEXIST
                      : vv_sys_rename(folder->hidden.ptr, folder->path.ptr);
    if (failure == EEXIST)
        return fail_taken(op, folder->path.ptr);
    if (failure != 0)
        return vv_sys_fail(op, failure, "give its name to the folder", folder->path.ptr);
    folder->hidden = VV_STR_NONE;
    return vv_sync_folder(op, parent_path, "new_folder.sync_parent", NULL);
}

void vv_new_folder_done(struct vv_new_folder *folder)
{
    vv_store_close(&folder->store);
    if (folder->hidden.len > 0)
        vv_folder_remove(folder->hidden.ptr);
    vv_fd_close(&folder->lock);
    vv_arena_done(&folder->arena);
    *folder = (struct vv_new_folder){.lock = -1};
}
