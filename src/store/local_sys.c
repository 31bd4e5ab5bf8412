#include "store/local_sys.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/os.h"
#include "base/seam.h"
#include "base/time.h"

#define FILE_MODE 0666 /* less the process's umask */
#define CANCEL_MS 50

int vv_sys_open(const char *path, int flags, int *out_fd)
{
    if (vv_fault_point("store.open"))
        return EIO;
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    while (fd < 0 && (errno == EINTR || (errno == EPERM && (flags & O_NOATIME) != 0))) {
        flags &= errno == EPERM ? ~O_NOATIME : ~0; /* another user's file */
        fd = open(path, flags | O_CLOEXEC | O_NOCTTY, FILE_MODE);
    }
    if (fd < 0)
        return errno;
    *out_fd = fd;
    return 0;
}

varve_status vv_sys_wait_readable(struct vv_op *op, int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    int ready;
    do {
        VV_TRY(vv_check_cancel(op));
        ready = poll(&wanted, 1, CANCEL_MS);
    } while (ready == 0 || (ready < 0 && errno == EINTR));
    return VARVE_OK; /* an error of poll is one of read, too */
}

int vv_sys_read(int fd, char *out, size_t bytes_max, size_t *out_bytes)
{
    if (vv_fault_point("store.read"))
        return EIO;
    size_t done = 0;
    while (done < bytes_max) {
        ssize_t got = read(fd, out + done, bytes_max - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *out_bytes = done;
    return 0;
}

int vv_sys_write(int fd, struct vv_str bytes)
{
    bool fails = vv_fault_point("store.write");
    /* A write that fails does so in its midst, as on a full disk. */
    size_t len = fails ? bytes.len / 2 : bytes.len;
    size_t done = 0;
    while (done < len) {
        ssize_t put = write(fd, bytes.ptr + done, len - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno;
        if (put == 0)
            return EIO;
        done += (size_t)put;
    }
    return fails ? EIO : 0;
}

int vv_sys_touch(int fd, int64_t modified_us)
{
    int64_t seconds = modified_us / VV_US_PER_S;
    int64_t rest_us = modified_us % VV_US_PER_S;
    if (rest_us < 0) {
        seconds--;
        rest_us += VV_US_PER_S;
    }
    const struct timespec times[2] = {
        {.tv_sec = 0, .tv_nsec = UTIME_OMIT},
        {.tv_sec = (time_t)seconds, .tv_nsec = (long)rest_us * 1000},
    };
    return futimens(fd, times) == 0 ? 0 : errno;
}

int vv_sys_sync(int fd, const char *seam)
{
    if (vv_fault_point(seam))
        return EIO;
    int done;
    do
        done = fsync(fd);
    while (done != 0 && errno == EINTR);
    return done == 0 ? 0 : errno;
}

int vv_sys_sync_device(int fd)
{
    if (vv_fault_point("store.syncfs"))
        return EIO;
    return syncfs(fd) == 0 ? 0 : errno;
}

void vv_sys_begin_sync(int fd)
{
    if (!vv_fault_point("store.hasten"))
        (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

int vv_sys_close(int *fd)
{
    int closing = *fd;
    *fd = -1;
    if (close(closing) == 0 || errno == EINTR)
        return vv_fault_point("store.close") ? EIO : 0;
    return errno;
}

void vv_fd_close(int *fd)
{
    int before = errno;
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = before;
}

int vv_sys_stat(const char *path, struct stat *out)
{
    if (vv_fault_point("store.stat"))
        return EIO;
    if (vv_fault_point("store.stat_absent")) /* the stale answer of a network file system */
        return ENOENT;
    return stat(path, out) == 0 ? 0 : errno;
}

int vv_sys_link(const char *path, const char *new_path)
{
    if (vv_fault_point("store.link"))
        return EIO;
    if (vv_fault_point("store.link_missing"))
        return EPERM;
    int done;
    do
        done = link(path, new_path);
    while (done != 0 && errno == EINTR);
    if (done != 0)
        return errno;
    if (vv_fault_point("store.link_reply_eexist"))
        return EEXIST;
    return vv_fault_point("store.link_reply") ? EIO : 0;
}

int vv_sys_rename(const char *path, const char *new_path)
{
    if (vv_fault_point("store.rename"))
        return EIO;
    return rename(path, new_path) == 0 ? 0 : errno;
}

int vv_sys_rename_new(const char *path, const char *new_path)
{
    if (vv_fault_point("store.rename_new"))
        return EIO;
    if (vv_fault_point("store.rename_new_missing"))
        return EINVAL;
    if (renameat2(AT_FDCWD, path, AT_FDCWD, new_path, RENAME_NOREPLACE) != 0)
        return errno;
    return vv_fault_point("store.rename_new_reply") ? EIO : 0;
}

int vv_sys_unlink(const char *path)
{
    if (vv_fault_point("store.unlink"))
        return EIO;
    return unlink(path) == 0 ? 0 : errno;
}

int64_t vv_sys_modified_us(const struct stat *status)
{
    return (int64_t)status->st_mtim.tv_sec * VV_US_PER_S +
           (int64_t)status->st_mtim.tv_nsec / 1000;
}

varve_status vv_sys_fail(struct vv_op *op, int os_errno, const char *doing, const char *path)
{
    return vv_fail_errno(op, os_errno, "cannot %s %s%s", doing, path, vv_os_advice(os_errno));
}
