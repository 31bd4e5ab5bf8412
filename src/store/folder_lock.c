#include "store/folder_lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/local_sys.h"

static void folder_cleanup(DIR **folder)
{
    if (*folder != NULL)
        (void)closedir(*folder);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static void remove_folder(int parent, const char *path)
{
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder VV_CLEANUP(folder_cleanup) = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        vv_fd_close(&fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (is_dots(entry->d_name) || unlinkat(fd, entry->d_name, 0) == 0)
            continue;
        if (errno == EISDIR || errno == EPERM)
            remove_folder(fd, entry->d_name);
    }
    (void)unlinkat(parent, path, AT_REMOVEDIR);
}

void vv_folder_remove(const char *path)
{
    remove_folder(AT_FDCWD, path);
}

void vv_folder_take(const char *path, int *out_fd, bool *out_locked)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int failure = 0;
    *out_fd = -1;
    *out_locked = false;
    if (fd < 0)
        return;
    do
        failure = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    while (failure == EINTR);
    struct stat opened;
    struct stat named;
    bool is_named = fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
                    opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
    if (failure == EWOULDBLOCK || !is_named) {
        vv_fd_close(&fd);
        return;
    }
    *out_fd = fd;
    *out_locked = failure == 0;
}

varve_status vv_folder_sweep(struct vv_op *op, const struct vv_folder_sweep *sweep)
{
    struct vv_str before = sweep->before;
    struct vv_str parent = before.len > 0 ? vv_arena_str(&op->arena, before) : VV_STR(".");
    if (parent.ptr == NULL)
        return vv_fail_memory(op);
    DIR *entries VV_CLEANUP(folder_cleanup) = opendir(parent.ptr);
    if (entries == NULL)
        return VARVE_OK;
    for (const struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        VV_CLEANUP(vv_fd_close) int fd = -1;
        struct stat info;
        bool is_locked = false;
        if (!sweep->is_one(vv_str_of(entry->d_name), sweep->prefix))
            continue;
        struct vv_str path =
            vv_arena_format(&op->arena, "%.*s%s", VV_ARG(before), entry->d_name);
        if (path.ptr == NULL)
            return vv_fail_memory(op);
        vv_folder_take(path.ptr, &fd, &is_locked);
        if (!is_locked || fstat(fd, &info) != 0 || info.st_uid != geteuid())
            continue;
        vv_folder_remove(path.ptr);
        vv_log(op, VV_LOG_INFO, sweep->event,
            "removed %s, which a process that was killed had left", path.ptr);
    }
    return VARVE_OK;
}
