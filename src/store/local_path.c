#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/key.h"
#include "store/local.h"
#include "store/local_sys.h"

#define FOLDER_MODE 0777 /* less the process's umask */

const char *vv_path_text(struct vv_str path)
{
    return path.len > 0 ? path.ptr : "/";
}

varve_status vv_path_of(struct vv_op *op, struct vv_arena *arena, const struct vv_local *local,
    struct vv_str key, struct vv_str *out)
{
    struct vv_str path = local->root;
    if (key.len > 0)
        path = vv_arena_format(arena, "%.*s/%.*s", VV_ARG(local->root), VV_ARG(key));
    if (path.ptr == NULL)
        return vv_fail_memory(op);
    *out = path;
    return VARVE_OK;
}

varve_status vv_path_parent(struct vv_op *op, struct vv_str path, struct vv_str *out)
{
    struct vv_str parent = vv_arena_str(&op->arena, vv_key_folder(path));
    if (parent.ptr == NULL)
        return vv_fail_memory(op);
    *out = parent;
    return VARVE_OK;
}

static varve_status make_absolute(struct vv_op *op, struct vv_str location, struct vv_str *out)
{
    struct vv_str path;
    if (location.ptr[0] == '/') {
        path = vv_arena_str(&op->arena, location);
    } else {
        char here[PATH_MAX];
        if (getcwd(here, sizeof(here)) == NULL)
            return vv_fail_errno(op, errno,
                "cannot tell the current folder, which \"%.*s\" is in", VV_ARG(location));
        path = vv_arena_format(&op->arena, "%s/%.*s", here, VV_ARG(location));
    }
    if (path.ptr == NULL)
        return vv_fail_memory(op);
    *out = path;
    return VARVE_OK;
}

/* Puts the parts of `missing` behind `solid`. */
static varve_status append_missing(struct vv_op *op, struct vv_str solid, struct vv_str missing,
    struct vv_str *out)
{
    struct vv_str path = solid;
    struct vv_str part;
    while (vv_str_split(&missing, '/', &part)) {
        if (part.len == 0 || vv_str_eq(part, VV_STR(".")))
            continue;
        if (vv_str_eq(part, VV_STR("..")))
            return vv_fail(op, VARVE_EUSAGE,
                "a \"..\" behind a folder that is not there leads nowhere; write the path "
                "without");
        path = vv_arena_format(&op->arena, "%.*s/%.*s", VV_ARG(path), VV_ARG(part));
        if (path.ptr == NULL)
            return vv_fail_memory(op);
    }
    *out = path;
    return VARVE_OK;
}

varve_status vv_path_resolve(struct vv_op *op, struct vv_arena *arena, struct vv_str location,
    struct vv_str *out_path, size_t *out_solid_len)
{
    struct vv_str whole;
    VV_TRY(make_absolute(op, location, &whole));

    /* Links are resolved, so that the folder above in the path is the one that holds the entry.
     */
    char real[PATH_MAX];
    struct vv_str there = whole;
    while (realpath(vv_path_text(there), real) == NULL) {
        if (errno != ENOENT || there.len == 0)
            return vv_sys_fail(op, errno, "open", vv_path_text(whole));
        VV_TRY(vv_path_parent(op, there, &there));
    }
    struct stat status;
    int failure = vv_sys_stat(real, &status);
    if (failure == 0 && !S_ISDIR(status.st_mode))
        failure = ENOTDIR;
    if (failure != 0)
        return vv_sys_fail(op, failure, "use as a folder", real);

    struct vv_str solid = vv_str_of(strcmp(real, "/") == 0 ? "" : real);
    struct vv_str path;
    VV_TRY(append_missing(op, solid, vv_str_skip(whole, there.len), &path));
    path = vv_arena_str(arena, path);
    if (path.ptr == NULL)
        return vv_fail_memory(op);
    *out_path = path;
    *out_solid_len = solid.len;
    return VARVE_OK;
}

/* ptr NULL: it is neither the root nor below it. */
static struct vv_str below(struct vv_str root, struct vv_str path)
{
    if (!vv_str_starts(path, root) || (path.len > root.len && path.ptr[root.len] != '/'))
        return VV_STR_NONE;
    return vv_str_skip(path, path.len > root.len ? root.len + 1 : root.len);
}

/*
 * Where a path leads below the store's folder, which may lie behind links too: *out is a part of `real`,
 * ptr NULL where it leads elsewhere. False: nothing is there.
 */
static bool follow(const struct vv_store *store, const char *path, char real[PATH_MAX],
    struct vv_str *out)
{
    char root[PATH_MAX];
    if (realpath(path, real) == NULL)
        return false;
    *out = below(store->location, vv_str_of(real));
    if (out->ptr == NULL && realpath(store->location.ptr, root) != NULL)
        *out = below(vv_str_of(strcmp(root, "/") == 0 ? "" : root), vv_str_of(real));
    return true;
}

/*
 * The folder's links are followed, not the file's: it is the name in the folder that can go. A path
 * that begins with the store's own may lead out of it again.
 */
varve_status vv_store_key_of_path(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str path, struct vv_str *out)
{
    char folder[PATH_MAX];
    char real[PATH_MAX];
    struct vv_str key = VV_STR_NONE;
    struct vv_str parent = vv_key_folder(path);
    *out = VV_STR_NONE;
    if (path.len == 0 || path.ptr[0] != '/' || parent.len >= PATH_MAX)
        return VARVE_OK;
    memcpy(folder, parent.ptr, parent.len);
    folder[parent.len] = '\0';
    if (!follow(store, parent.len > 0 ? folder : "/", real, &key)) {
        key = below(store->location, path);
        *out = key.len > 0 ? key : VV_STR_NONE;
        return VARVE_OK;
    }
    if (key.ptr == NULL)
        return VARVE_OK;
    *out = vv_arena_format(arena, "%.*s%s%.*s", VV_ARG(key), key.len > 0 ? "/" : "",
        VV_ARG(vv_str_skip(path, parent.len + 1)));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_store_real_key(struct vv_op *op, struct vv_arena *arena,
    const struct vv_store *store, struct vv_str key, struct vv_str *out)
{
    char real[PATH_MAX];
    struct vv_str found = VV_STR_NONE;
    *out = key;
    if (store->location.ptr[0] != '/')
        return VARVE_OK;
    struct vv_str path =
        vv_arena_format(&op->arena, "%.*s/%.*s", VV_ARG(store->location), VV_ARG(key));
    if (path.ptr == NULL)
        return vv_fail_memory(op);
    *out = VV_STR_NONE;
    if (!follow(store, path.ptr, real, &found) || found.ptr == NULL)
        return VARVE_OK;
    *out = vv_arena_str(arena, found);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* One folder, in a parent that may not be there (ENOENT). Another process may be first. */
static int make_one(struct vv_str folder)
{
    return mkdir(folder.ptr, FOLDER_MODE) == 0 || errno == EEXIST ? 0 : errno;
}

varve_status vv_path_make(struct vv_op *op, const struct vv_local *local, struct vv_str folder)
{
    /* Up to the first that can be made: mostly the folder itself. */
    struct vv_str made = folder;
    int failure = ENOENT;
    while (made.len > local->solid_len) {
        failure = make_one(made);
        if (failure != ENOENT)
            break;
        VV_TRY(vv_path_parent(op, made, &made));
    }
    if (failure == ENOENT)
        return vv_fail(op, VARVE_ENOTFOUND, "the folder %s is no longer there",
            vv_path_text(made));

    while (failure == 0 && made.len < folder.len) {
        size_t part = vv_str_find(vv_str_skip(folder, made.len + 1), '/');
        made = vv_arena_str(&op->arena, vv_str_first(folder, made.len + 1 + part));
        if (made.ptr == NULL)
            return vv_fail_memory(op);
        failure = make_one(made);
    }
    if (failure != 0)
        return vv_sys_fail(op, failure, "make the folder", made.ptr);
    return VARVE_OK;
}
