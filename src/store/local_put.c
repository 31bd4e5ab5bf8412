/*
 * Small objects, written so that nobody ever sees half of one.
 *
 * The bytes go to a temporary file in the folder of the object, which is synced, and then takes
 * the object's name in one step: by link for put_if_absent, which fails where the name is
 * taken, by rename for put, which replaces. Then the folder is synced. What a crash leaves:
 *
 *   before the step   a temporary file, which no list shows and `sweep` removes
 *   after the step    the whole object, and perhaps the temporary name as a second link to it;
 *                     a power cut may undo the step until the folder is synced
 *
 * A sync that failed may succeed when repeated although bytes are lost, so the file it failed
 * on is given up; the next try writes another. After the step a failure is no proof that
 * nothing happened: a reply may have been lost on a network file system. The inode tells then,
 * and where it cannot, the outcome is EUNKNOWN. So it is where the sync of the folder failed, and then the
 * object is not published either.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/seam.h"
#include "base/uuid.h"
#include "store/key.h"
#include "store/local.h"
#include "store/local_sys.h"

#define TEMP_PREFIX ".tmp-"

/* A temporary file; `path` is empty once it is gone or has become the object. */
struct temp {
    struct vv_str path;
};

static void temp_done(struct temp *temp)
{
    int before = errno;
    if (temp->path.len > 0)
        (void)vv_sys_unlink(temp->path.ptr);
    temp->path = VV_STR_NONE;
    errno = before;
}

bool vv_temp_is_name(struct vv_str name)
{
    struct vv_str prefix = VV_STR(TEMP_PREFIX);
    if (name.len != prefix.len + VV_UUID_BYTES - 1 || !vv_str_starts(name, prefix))
        return false;
    for (size_t i = prefix.len; i < name.len; i++) {
        char byte = name.ptr[i];
        bool is_hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
        if (!is_hex && byte != '-')
            return false;
    }
    return true;
}

static varve_status temp_create(struct vv_op *op, const struct vv_local *local,
    struct vv_str folder, struct temp *temp, int *out_fd)
{
    char id[VV_UUID_BYTES];
    VV_TRY(vv_uuid(op, id));
    struct vv_str path =
        vv_arena_format(&op->arena, "%.*s/" TEMP_PREFIX "%s", VV_ARG(folder), id);
    if (path.ptr == NULL)
        return vv_fail_memory(op);

    int flags = O_WRONLY | O_CREAT | O_EXCL;
    int failure = vv_sys_open(path.ptr, flags, out_fd);
    if (failure == ENOENT) {
        VV_TRY(vv_path_make(op, local, folder));
        failure = vv_sys_open(path.ptr, flags, out_fd);
    }
    if (failure != 0)
        return vv_sys_fail(op, failure, "create a file in", vv_path_text(folder));
    temp->path = path;
    return VARVE_OK;
}

/* Fills and syncs it. `temp` is set on failure too, as soon as there is a file to remove. */
static varve_status temp_write(struct vv_op *op, const struct vv_local *local,
    struct vv_str folder, struct vv_str bytes, int64_t modified_us, struct temp *temp)
{
    VV_CLEANUP(vv_fd_close) int fd = -1;
    VV_TRY(temp_create(op, local, folder, temp, &fd));
    int failure = vv_sys_write(fd, bytes);
    if (failure != 0)
        return vv_sys_fail(op, failure, "write to", vv_path_text(folder));
    failure = modified_us != 0 ? vv_sys_touch(fd, modified_us) : 0;
    if (failure != 0)
        return vv_sys_fail(op, failure, "set the time of a file in", vv_path_text(folder));
    vv_crash_point("store.put.written");
    failure = local->sync ? vv_sys_sync(fd, "store.fsync") : 0;
    if (failure != 0)
        return vv_sys_fail(op, failure, "sync a file in", vv_path_text(folder));
    failure = vv_sys_close(&fd);
    if (failure != 0)
        return vv_sys_fail(op, failure, "close a file in", vv_path_text(folder));
    vv_crash_point("store.put.synced");
    return VARVE_OK;
}

/* Makes what is above the folder durable, before the step: a failure here is a certain one. */
static varve_status anchor(struct vv_op *op, struct vv_local *local, struct vv_str folder)
{
    if (!local->sync)
        return VARVE_OK;
    struct vv_sync_set set = {0};
    VV_TRY(vv_sync_set_add(op, local, &set, folder, false));
    return vv_sync_set_run(op, local, &set, NULL);
}

enum verdict {
    VERDICT_OURS,
    VERDICT_NOT_OURS,
    VERDICT_IN_DOUBT
};

/* After a link that reported a failure: is the object our file all the same? */
static enum verdict judge_link(const struct temp *temp, const char *path)
{
    struct stat ours;
    struct stat there;
    if (vv_sys_stat(temp->path.ptr, &ours) != 0)
        return VERDICT_IN_DOUBT;
    int failure = vv_sys_stat(path, &there);
    if (failure == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino)
        return VERDICT_OURS;
    if (failure != 0 && failure != ENOENT)
        return VERDICT_IN_DOUBT;
    /* A second name that is not where we asked for it: somebody has moved it meanwhile. */
    return ours.st_nlink > 1 ? VERDICT_IN_DOUBT : VERDICT_NOT_OURS;
}

/* The same after a rename: our file has no other name, so it has moved or it has not. */
static enum verdict judge_rename(const struct temp *temp)
{
    struct stat ours;
    int failure = vv_sys_stat(temp->path.ptr, &ours);
    if (failure == 0)
        return VERDICT_NOT_OURS;
    return failure == ENOENT ? VERDICT_OURS : VERDICT_IN_DOUBT;
}

static varve_status fail_doubt(struct vv_op *op, const char *path)
{
    (void)vv_recode(op, VARVE_EUNKNOWN);
    return vv_note(op, "%s may or may not be stored; read it back", path);
}

static varve_status conclude(struct vv_op *op, int failure, enum verdict verdict,
    const char *path, enum vv_put_outcome *out)
{
    if (verdict == VERDICT_OURS) {
        *out = VV_PUT_CREATED;
        return VARVE_OK;
    }
    if (verdict == VERDICT_NOT_OURS && failure == EEXIST) {
        *out = VV_PUT_EXISTS;
        return VARVE_OK;
    }
    varve_status status = vv_sys_fail(op, failure, "give a new file the name", path);
    return verdict == VERDICT_IN_DOUBT ? fail_doubt(op, path) : status;
}

/* For file systems without hard links. */
static varve_status step_by_rename(struct vv_op *op, struct temp *temp, const char *path,
    enum vv_put_outcome *out)
{
    int failure = vv_sys_rename_new(temp->path.ptr, path);
    if (failure == EINVAL || failure == ENOSYS || failure == ENOTSUP || failure == EPERM) {
        (void)vv_fail_errno(op, failure,
            "the file system of %s can neither link a file nor rename it without replacing"
            " another, so two writers would overwrite each other; use another file system",
            path);
        return vv_recode(op, VARVE_EUNSUPPORTED);
    }
    VV_TRY(conclude(op, failure, failure == 0 ? VERDICT_OURS : judge_rename(temp), path, out));
    if (*out == VV_PUT_CREATED)
        temp->path = VV_STR_NONE;
    return VARVE_OK;
}

static varve_status step_by_link(struct vv_op *op, struct temp *temp, const char *path,
    enum vv_put_outcome *out)
{
    int failure = vv_sys_link(temp->path.ptr, path);
    if (failure == EPERM || failure == ENOTSUP || failure == ENOSYS)
        return step_by_rename(op, temp, path, out);
    return conclude(op, failure, failure == 0 ? VERDICT_OURS : judge_link(temp, path), path,
        out);
}

/* *out_is_spoiled: no later sync of the folder proves anything. */
static varve_status settle(struct vv_op *op, const struct vv_local *local, struct vv_str folder,
    bool *out_is_spoiled)
{
    *out_is_spoiled = false;
    if (local->sync)
        VV_TRY(vv_sync_folder(op, folder, "store.fsync_folder", out_is_spoiled));
    vv_crash_point("store.put.folder_synced");
    return VARVE_OK;
}

varve_status vv_local_put_if_absent(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes, int64_t modified_us, enum vv_put_outcome *out)
{
    struct vv_local *local = vv_local_of(store);
    struct vv_str path;
    struct vv_str folder;
    VV_TRY(vv_path_of(op, &op->arena, local, key, &path));
    VV_TRY(vv_path_parent(op, path, &folder));

    /* A loser learns it here mostly, before it has synced a file for nothing. */
    struct stat there;
    if (vv_sys_stat(path.ptr, &there) == 0) {
        *out = VV_PUT_EXISTS;
        return VARVE_OK;
    }
    VV_CLEANUP(temp_done) struct temp temp = {VV_STR_NONE};
    VV_TRY(temp_write(op, local, folder, bytes, modified_us, &temp));
    VV_TRY(anchor(op, local, folder));
    enum vv_put_outcome outcome = VV_PUT_EXISTS;
    VV_TRY(step_by_link(op, &temp, path.ptr, &outcome));
    if (outcome == VV_PUT_CREATED) {
        vv_crash_point("store.put.linked");
        bool is_spoiled = false;
        if (settle(op, local, folder, &is_spoiled) != VARVE_OK) {
            if (is_spoiled)
                vv_local_spoil(local, &key, 1);
            return fail_doubt(op, path.ptr);
        }
    }
    *out = outcome;
    return VARVE_OK;
}

varve_status vv_local_put(struct vv_op *op, struct vv_store *store, struct vv_str key,
    struct vv_str bytes)
{
    struct vv_local *local = vv_local_of(store);
    struct vv_str path;
    struct vv_str folder;
    VV_TRY(vv_path_of(op, &op->arena, local, key, &path));
    VV_TRY(vv_path_parent(op, path, &folder));
    VV_CLEANUP(temp_done) struct temp temp = {VV_STR_NONE};
    VV_TRY(temp_write(op, local, folder, bytes, 0, &temp));
    VV_TRY(anchor(op, local, folder));
    int failure = vv_sys_rename(temp.path.ptr, path.ptr);
    if (failure != 0)
        return vv_sys_fail(op, failure, "replace", path.ptr);
    temp.path = VV_STR_NONE;
    vv_crash_point("store.put.renamed");
    bool is_spoiled = false;
    return settle(op, local, folder, &is_spoiled);
}
