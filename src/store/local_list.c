/*
 * Listings. A folder may hold 500,000 log files of which the caller wants the last few, so
 * names are filtered before they cost memory, and only what is returned is looked at.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/seam.h"
#include "base/time.h"
#include "store/key.h"
#include "store/local.h"
#include "store/local_sys.h"
#include "store/odd_name.h"

#define NAMES_PER_CANCEL_CHECK 4096

struct name {
    struct vv_str text; /* with a NUL behind it */
    unsigned char type; /* DT_... */
};

struct listing {
    DIR *folder; /* NULL: it is not there */
    const char *path;
    struct vv_arena scratch;
    struct name *names;
    size_t len;
    size_t capacity;
};

static void listing_done(struct listing *listing)
{
    int before = errno;
    if (listing->folder != NULL)
        (void)closedir(listing->folder);
    vv_arena_done(&listing->scratch);
    errno = before;
}

static varve_status listing_open_path(struct vv_op *op, const char *path,
    struct listing *listing)
{
    listing->scratch = VV_ARENA_INIT(op->arena.bytes_max);
    listing->path = path;

    VV_CLEANUP(vv_fd_close) int fd = -1;
    int failure = vv_sys_open(listing->path, O_RDONLY | O_DIRECTORY, &fd);
    if (failure == ENOENT || failure == ENOTDIR)
        return VARVE_OK;
    if (failure != 0)
        return vv_sys_fail(op, failure, "list", listing->path);
    listing->folder = fdopendir(fd);
    if (listing->folder == NULL)
        return vv_sys_fail(op, errno, "list", listing->path);
    fd = -1;
    return VARVE_OK;
}

static varve_status listing_open(struct vv_op *op, const struct vv_local *local,
    struct vv_str folder, struct listing *listing)
{
    struct vv_str path;
    VV_TRY(vv_path_of(op, &op->arena, local, folder, &path));
    return listing_open_path(op, vv_path_text(path), listing);
}

static bool is_wanted_type(unsigned char type, bool want_folders)
{
    if (type == DT_LNK || type == DT_UNKNOWN)
        return true;
    return type == (want_folders ? DT_DIR : DT_REG);
}

static bool add_name(struct listing *listing, struct vv_str text, unsigned char type)
{
    void *items = listing->names;
    if (!vv_arena_grow(&listing->scratch, &items, listing->len, &listing->capacity,
            sizeof(struct name), _Alignof(struct name)))
        return false;
    listing->names = items;
    struct vv_str copy = vv_arena_str(&listing->scratch, text);
    listing->names[listing->len++] = (struct name){copy, type};
    return copy.ptr != NULL;
}

/* Reads one entry; `*out_name` is empty at the end. */
static int next_entry(DIR *folder, struct vv_str *out_name, unsigned char *out_type)
{
    *out_name = VV_STR_NONE;
    if (vv_fault_point("store.readdir"))
        return EIO;
    errno = 0;
    const struct dirent *entry = readdir(folder);
    if (entry == NULL)
        return errno;
    *out_name = vv_str_of(entry->d_name);
    *out_type = entry->d_type;
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct name *left = a;
    const struct name *right = b;
    return vv_str_cmp(left->text, right->text);
}

/* Names of the wanted kind greater than `after` (VV_STR_NONE: all), sorted. */
static varve_status read_names(struct vv_op *op, struct listing *listing, struct vv_str after,
    bool want_folders)
{
    for (uint64_t seen = 0; listing->folder != NULL; seen++) {
        if (seen % NAMES_PER_CANCEL_CHECK == 0)
            VV_TRY(vv_check_cancel(op));
        struct vv_str name;
        unsigned char type = DT_UNKNOWN;
        int failure = next_entry(listing->folder, &name, &type);
        if (failure != 0)
            return vv_sys_fail(op, failure, "list", listing->path);
        if (name.len == 0)
            break;
        if (vv_str_eq(name, VV_STR(".")) || vv_str_eq(name, VV_STR("..")))
            continue;
        if (!is_wanted_type(type, want_folders) || vv_temp_is_name(name))
            continue;
        if (after.ptr != NULL && vv_str_cmp(name, after) <= 0)
            continue;
        if (!add_name(listing, name, type))
            return vv_fail_memory(op);
    }
    if (listing->len > 1)
        qsort(listing->names, listing->len, sizeof(listing->names[0]), compare_names);
    return VARVE_OK;
}

/* False where it is gone again, or is of another kind behind its link. */
static varve_status look(struct vv_op *op, const struct listing *listing,
    const struct name *name, bool want_folder, struct vv_object *out, bool *out_is)
{
    *out_is = true;
    out->is_link = false;
    if (want_folder && name->type == DT_DIR)
        return VARVE_OK;
    struct stat status;
    int folder = dirfd(listing->folder);
    bool is_there = fstatat(folder, name->text.ptr, &status, AT_SYMLINK_NOFOLLOW) == 0;
    out->is_link = is_there && S_ISLNK(status.st_mode);
    if (out->is_link)
        is_there = fstatat(folder, name->text.ptr, &status, 0) == 0;
    if (!is_there) {
        if (errno != ENOENT && errno != ELOOP)
            return vv_sys_fail(op, errno, "look at a file in", listing->path);
        *out_is = false;
        return VARVE_OK;
    }
    *out_is = want_folder ? S_ISDIR(status.st_mode) : S_ISREG(status.st_mode);
    if (!want_folder) {
        out->bytes = (int64_t)status.st_size;
        out->modified_us = vv_sys_modified_us(&status);
    }
    return VARVE_OK;
}

static struct vv_str join(struct vv_arena *arena, struct vv_str folder, struct vv_str name)
{
    if (folder.len == 0)
        return vv_arena_str(arena, name);
    char *key = vv_new(arena, char, folder.len + name.len + 2);
    if (key == NULL)
        return VV_STR_NONE;
    memcpy(key, folder.ptr, folder.len);
    key[folder.len] = '/';
    memcpy(key + folder.len + 1, name.ptr, name.len);
    return (struct vv_str){key, folder.len + 1 + name.len};
}

/* What the names stand for, the first `max` of them (0: all). */
static varve_status read_objects(struct vv_op *op, const struct listing *listing,
    struct vv_arena *arena, struct vv_str folder, size_t max, bool want_folders,
    struct vv_objects *out)
{
    struct vv_objects found = {0};
    found.capacity = max != 0 && max < listing->len ? max : listing->len;
    found.items = vv_new(arena, struct vv_object, found.capacity);
    if (found.items == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < listing->len && found.len < found.capacity; i++) {
        if (i % NAMES_PER_CANCEL_CHECK == 0)
            VV_TRY(vv_check_cancel(op));
        struct vv_object *object = &found.items[found.len];
        bool is = false;
        VV_TRY(look(op, listing, &listing->names[i], want_folders, object, &is));
        if (!is)
            continue;
        object->key = join(arena, folder, listing->names[i].text);
        if (object->key.ptr == NULL)
            return vv_fail_memory(op);
        found.len++;
    }
    *out = found;
    return VARVE_OK;
}

varve_status vv_local_list(struct vv_op *op, struct vv_store *store, struct vv_arena *arena,
    struct vv_str folder, struct vv_str after, size_t max, struct vv_objects *out)
{
    VV_CLEANUP(listing_done) struct listing listing = {0};
    VV_TRY(listing_open(op, vv_local_of(store), folder, &listing));
    struct vv_str after_name;
    if (vv_key_after_in(folder, after, &after_name))
        VV_TRY(read_names(op, &listing, after_name, false));
    return read_objects(op, &listing, arena, folder, max, false, out);
}

varve_status vv_local_list_folders(struct vv_op *op, struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out)
{
    VV_CLEANUP(listing_done) struct listing listing = {0};
    VV_TRY(listing_open(op, vv_local_of(store), folder, &listing));
    VV_TRY(read_names(op, &listing, VV_STR_NONE, true));
    return read_objects(op, &listing, arena, folder, 0, true, out);
}

/* ---- Odd names (odd_name.h) --------------------------------------------------------------------- */

/* What a name in a folder is. Gone is what is not there itself, whatever its link leads to. */
enum name_kind {
    NAME_GONE,
    NAME_FILE,
    NAME_FOLDER,
    NAME_OTHER
};

static varve_status kind_of(struct vv_op *op, int folder, const char *path, enum name_kind *out)
{
    struct stat status;
    *out = NAME_OTHER;
    bool is_there = fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && (errno == ENOENT || errno == ENOTDIR)) {
        *out = NAME_GONE;
        return VARVE_OK;
    }
    if (is_there && S_ISLNK(status.st_mode)) {
        is_there = fstatat(folder, path, &status, 0) == 0;
        if (!is_there && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
            return VARVE_OK;
    }
    if (!is_there)
        return vv_sys_fail(op, errno, "look at", path);
    if (S_ISREG(status.st_mode))
        *out = NAME_FILE;
    else if (S_ISDIR(status.st_mode))
        *out = NAME_FOLDER;
    return VARVE_OK;
}

static bool is_local(const struct vv_store *store)
{
    return store->location.len > 0 && store->location.ptr[0] == '/';
}

static varve_status path_in(struct vv_op *op, const struct vv_store *store, struct vv_str key,
    const char **out)
{
    struct vv_str path =
        vv_arena_format(&op->arena, "%.*s/%.*s", VV_ARG(store->location), VV_ARG(key));
    *out = path.ptr;
    return path.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_store_is_odd_name(struct vv_op *op, const struct vv_store *store,
    struct vv_str key, bool *out)
{
    enum name_kind kind = NAME_GONE;
    const char *path = NULL;
    *out = false;
    if (!is_local(store))
        return VARVE_OK;
    VV_TRY(path_in(op, store, key, &path));
    VV_TRY(kind_of(op, AT_FDCWD, path, &kind));
    *out = kind != NAME_GONE && kind != NAME_FILE;
    return VARVE_OK;
}

/* A folder that can't be opened is not there, or a name on the way to it is odd. */
static varve_status check_way(struct vv_op *op, const struct vv_store *store,
    struct vv_str folder)
{
    for (size_t len = 1; len <= folder.len; len++) {
        enum name_kind kind = NAME_GONE;
        const char *path = NULL;
        if (len < folder.len && folder.ptr[len] != '/')
            continue;
        VV_TRY(path_in(op, store, vv_str_first(folder, len), &path));
        VV_TRY(kind_of(op, AT_FDCWD, path, &kind));
        if (kind == NAME_GONE)
            return VARVE_OK;
        if (kind != NAME_FOLDER)
            return vv_fail(op, VARVE_ECORRUPT, "%s is there and leads to no folder", path);
    }
    return VARVE_OK;
}

static varve_status read_odd(struct vv_op *op, struct listing *listing)
{
    for (;;) {
        struct vv_str name;
        unsigned char type = DT_UNKNOWN;
        enum name_kind kind = NAME_OTHER;
        VV_TRY(vv_check_cancel(op));
        int failure = next_entry(listing->folder, &name, &type);
        if (failure != 0)
            return vv_sys_fail(op, failure, "list", listing->path);
        if (name.len == 0)
            break;
        if (type == DT_REG || vv_str_eq(name, VV_STR(".")) || vv_str_eq(name, VV_STR("..")) ||
            vv_temp_is_name(name))
            continue;
        if (type == DT_LNK || type == DT_UNKNOWN)
            VV_TRY(kind_of(op, dirfd(listing->folder), name.ptr, &kind));
        if (kind != NAME_GONE && kind != NAME_FILE && !add_name(listing, name, type))
            return vv_fail_memory(op);
    }
    if (listing->len > 1)
        qsort(listing->names, listing->len, sizeof(listing->names[0]), compare_names);
    return VARVE_OK;
}

varve_status vv_store_odd_names(struct vv_op *op, const struct vv_store *store,
    struct vv_arena *arena, struct vv_str folder, struct vv_objects *out)
{
    VV_CLEANUP(listing_done) struct listing listing = {0};
    const char *path = NULL;
    *out = (struct vv_objects){0};
    if (!is_local(store))
        return VARVE_OK;
    VV_TRY(path_in(op, store, folder, &path));
    VV_TRY(listing_open_path(op, path, &listing));
    if (listing.folder == NULL)
        return check_way(op, store, folder);
    VV_TRY(read_odd(op, &listing));
    out->items = vv_new(arena, struct vv_object, listing.len);
    if (out->items == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < listing.len; i++) {
        out->items[out->len].key = join(arena, folder, listing.names[i].text);
        if (out->items[out->len++].key.ptr == NULL)
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

/* ---- Temporary files ------------------------------------------------------------------------------ */

/*
 * By the time of the last change of the inode and the system's clock: the modification time of
 * a temporary file is set to what the commit is to have, and the operation's clock may be
 * another.
 */
static bool is_stale(const struct stat *status, int64_t age_us)
{
    int64_t changed_us =
        (int64_t)status->st_ctim.tv_sec * VV_US_PER_S + (int64_t)status->st_ctim.tv_nsec / 1000;
    const struct vv_env *system = vv_env_system();
    return system->now_us(system->now_data) - changed_us >= age_us;
}

varve_status vv_local_sweep(struct vv_op *op, struct vv_store *store, struct vv_str folder,
    int64_t age_us, size_t *out_removed)
{
    VV_CLEANUP(listing_done) struct listing listing = {0};
    VV_TRY(listing_open(op, vv_local_of(store), folder, &listing));
    size_t removed = 0;
    while (listing.folder != NULL) {
        VV_TRY(vv_check_cancel(op));
        struct vv_str name;
        unsigned char type;
        int failure = next_entry(listing.folder, &name, &type);
        if (failure != 0)
            return vv_sys_fail(op, failure, "list", listing.path);
        if (name.len == 0)
            break;
        struct stat status;
        if (!vv_temp_is_name(name) ||
            fstatat(dirfd(listing.folder), name.ptr, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode) || !is_stale(&status, age_us))
            continue;
        if (unlinkat(dirfd(listing.folder), name.ptr, 0) == 0)
            removed++;
        else if (errno != ENOENT)
            return vv_sys_fail(op, errno, "remove a temporary file in", listing.path);
    }
    *out_removed = removed;
    return VARVE_OK;
}
