#include "store/spill_folder.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/seam.h"
#include "base/uuid.h"
#include "store/folder_lock.h"
#include "store/local_sys.h"

#define NAME "varve-spill-"
#define HEX_DIGITS 16
#define TRIES_MAX 3

struct vv_spill_folder {
    char *path;
    char *home; /* the one of ours that it lies in; NULL: it lies among what others have */
    int lock;
    pid_t owner;
};

/*
 * With the host's name in it: where the folder of temporary files is shared, another machine's lock may
 * not be seen here.
 */
static struct vv_str prefix_of(struct vv_arena *arena)
{
    char host[128] = {0};
    if (gethostname(host, sizeof(host) - 1) != 0)
        host[0] = '?';
    return vv_arena_format(arena, NAME "%08" PRIx32 "-", (uint32_t)vv_xxh3(vv_str_of(host)));
}

/* "<prefix><process>-<random>" */
static bool is_spill_name(struct vv_str name, struct vv_str prefix)
{
    size_t digits = 0;
    size_t hex = 0;
    if (!vv_str_starts(name, prefix))
        return false;
    name = vv_str_skip(name, prefix.len);
    while (digits < name.len && name.ptr[digits] >= '0' && name.ptr[digits] <= '9')
        digits++;
    if (digits == 0 || digits == name.len || name.ptr[digits] != '-')
        return false;
    name = vv_str_skip(name, digits + 1);
    while (hex < name.len && ((name.ptr[hex] >= '0' && name.ptr[hex] <= '9') ||
                                 (name.ptr[hex] >= 'a' && name.ptr[hex] <= 'f')))
        hex++;
    return hex == HEX_DIGITS && name.len == HEX_DIGITS;
}

/* The lock shall not be what takes the last descriptor. */
static bool has_spare(int fd)
{
    VV_CLEANUP(vv_fd_close) int spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return spare >= 0;
}

/* False: somebody who sweeps has it, or it can't be made or locked. */
static bool make_locked(struct vv_spill_folder *folder, bool *out_again)
{
    bool is_locked = false;
    *out_again = false;
    VV_PRE(folder->path != NULL);
    if (mkdir(folder->path, 0700) != 0)
        return false;
    vv_folder_take(folder->path, &folder->lock, &is_locked);
    if (is_locked && has_spare(folder->lock))
        return true;
    *out_again = folder->lock < 0;
    vv_fd_close(&folder->lock);
    (void)rmdir(folder->path);
    return false;
}

static varve_status keep_text(struct vv_op *op, struct vv_str text, char **out)
{
    vv_free(*out);
    *out = text.ptr != NULL ? vv_malloc(text.len + 1) : NULL;
    if (*out == NULL)
        return vv_fail_memory(op);
    memcpy(*out, text.ptr, text.len + 1);
    return VARVE_OK;
}

static varve_status name_it(struct vv_op *op, struct vv_str before, struct vv_str prefix,
    struct vv_spill_folder *folder)
{
    struct vv_str path = vv_arena_format(&op->arena, "%.*s%.*s%ld-%016" PRIx64, VV_ARG(before),
        VV_ARG(prefix), (long)getpid(), vv_random64());
    return keep_text(op, path, &folder->path);
}

static varve_status sweep(struct vv_op *op, struct vv_str before, struct vv_str prefix)
{
    const struct vv_folder_sweep swept = {.before = before,
        .prefix = prefix,
        .is_one = is_spill_name,
        .event = "spill_folder.swept"};
    return vv_folder_sweep(op, &swept);
}

/* What somebody else has made under that name, or may change, is left alone. */
static bool is_home(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == geteuid() &&
           (info.st_mode & 022) == 0;
}

/*
 * "<prefix><user>/", which all of a user's lie in and which stays: what else there is in the folder of
 * temporary files, which may be very much, is not read. Only when this one is made, for what builds have
 * left that knew of none; and where there can be none. `*before` is what the paths begin with.
 */
static varve_status find_home(struct vv_op *op, struct vv_str prefix, struct vv_str *before,
    struct vv_spill_folder *folder)
{
    struct vv_str home = vv_arena_format(&op->arena, "%.*s%.*s%ld", VV_ARG(*before),
        VV_ARG(prefix), (long)geteuid());
    if (home.ptr == NULL)
        return vv_fail_memory(op);
    bool is_new = mkdir(home.ptr, 0700) == 0;
    if (is_new || !is_home(home.ptr))
        VV_TRY(sweep(op, *before, prefix));
    if (!is_home(home.ptr))
        return VARVE_OK;
    *before = vv_arena_format(&op->arena, "%.*s/", VV_ARG(home));
    if (before->ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(sweep(op, *before, prefix));
    return keep_text(op, home, &folder->home);
}

/* Gives up what was not locked, and leaves alone what is not its own. */
static void folder_free(struct vv_spill_folder **folder)
{
    if (*folder == NULL)
        return;
    vv_fd_close(&(*folder)->lock);
    vv_free((*folder)->path);
    vv_free((*folder)->home);
    vv_free(*folder);
    *folder = NULL;
}

varve_status vv_spill_folder_make(struct vv_op *op, struct vv_str parent,
    struct vv_spill_folder **out)
{
    *out = NULL;
    struct vv_str before = vv_arena_format(&op->arena, "%.*s/", VV_ARG(parent));
    struct vv_str prefix = prefix_of(&op->arena);
    if (before.ptr == NULL || prefix.ptr == NULL)
        return vv_fail_memory(op);
    VV_CLEANUP(folder_free)
    struct vv_spill_folder *folder = vv_malloc_zeroed(sizeof(*folder));
    if (folder == NULL)
        return vv_fail_memory(op);
    folder->lock = -1;
    folder->owner = getpid();
    VV_TRY(find_home(op, prefix, &before, folder));
    bool again = true;
    for (int i = 0; i < TRIES_MAX && again; i++) {
        VV_TRY(name_it(op, before, prefix, folder));
        if (!make_locked(folder, &again))
            continue;
        *out = VV_MOVE(folder);
        break;
    }
    return VARVE_OK;
}

struct vv_str vv_spill_folder_path(const struct vv_spill_folder *folder)
{
    return vv_str_of(folder->path);
}

void vv_spill_folder_keep(struct vv_spill_folder *folder)
{
    bool is_locked = false;
    if (folder->owner != getpid() || access(folder->path, F_OK) == 0)
        return;
    if (folder->home != NULL) {
        (void)mkdir(folder->home, 0700);
        if (!is_home(folder->home))
            return;
    }
    if (mkdir(folder->path, 0700) != 0)
        return;
    vv_fd_close(&folder->lock);
    vv_folder_take(folder->path, &folder->lock, &is_locked);
}

void vv_spill_folder_remove(struct vv_spill_folder **folder)
{
    if (*folder == NULL)
        return;
    if ((*folder)->owner == getpid()) /* a child that was forked leaves it to its parent */
        vv_folder_remove((*folder)->path);
    folder_free(folder);
}
