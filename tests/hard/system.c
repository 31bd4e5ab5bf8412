/*
 * Preloaded into a program, makes the system behave as it may and seldom does. Of files below the
 * folder VARVE_HARD_ROOT, and of the standard input:
 *
 *   VARVE_HARD_SHORT=1      what reads or writes several bytes moves a third of them
 *   VARVE_HARD_EINTR=N      each N-th call that may be interrupted is
 *   VARVE_HARD_SPARE=END    but for those on files whose names end so: ".parquet", which the engine
 *                           reads and writes
 *   VARVE_HARD_EIO=CALL:N   the N-th CALL fails with EIO: open, read, write, sync, link, rename,
 *                           unlink, list, mkdir, or resize (ftruncate and the fallocates)
 *   VARVE_HARD_NO_LINK=1    a file system without hard links
 *   VARVE_HARD_NO_RENAME=1  one that can't rename without replacing
 *   VARVE_HARD_COUNTS=PATH  at the end, "CALL COUNT" a line of what was called, and "interrupted
 *                           COUNT" where EINTR is asked for, appended
 *
 * And of the wall clock:
 *
 *   VARVE_HARD_CLOCK=S      it is S seconds fast
 *   VARVE_HARD_CLOCK_BACK=S each look at it shows S seconds less than the one before
 */
#define _GNU_SOURCE      /* this file speaks to Linux itself */
#undef _FILE_OFFSET_BITS /* both names of each call are to be defined here */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 4096

enum call {
    OPEN,
    READ,
    WRITE,
    SYNC,
    LINK,
    RENAME,
    UNLINK,
    LIST,
    MKDIR,
    RESIZE,
    CALLS
};

static const char *const names[CALLS] = {
    "open", "read", "write", "sync", "link", "rename", "unlink", "list", "mkdir", "resize"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_below[FDS_MAX]; /* descriptors of files below the root */
static unsigned long counts[CALLS];
static unsigned long interruptible;
static unsigned long interrupted;
static long looks; /* at the clock */

static long number_of(const char *name)
{
    const char *text = getenv(name);
    return text != NULL ? strtol(text, NULL, 10) : 0;
}

static bool is_path_below(const char *path)
{
    const char *root = getenv("VARVE_HARD_ROOT");
    const char *spared = getenv("VARVE_HARD_SPARE");
    size_t len = strlen(path);
    if (spared != NULL && len >= strlen(spared) &&
        strcmp(path + len - strlen(spared), spared) == 0)
        return false;
    return root != NULL && root[0] != '\0' && strncmp(path, root, strlen(root)) == 0;
}

static bool is_followed(int fd)
{
    return getenv("VARVE_HARD_ROOT") != NULL &&
           (fd == STDIN_FILENO || (fd > 0 && fd < FDS_MAX && is_below[fd]));
}

/* What the call is to fail with; 0: it is to be made. */
static int failure_of(enum call call, bool may_be_interrupted)
{
    const char *spec = getenv("VARVE_HARD_EIO");
    size_t len = strlen(names[call]);
    long every = number_of("VARVE_HARD_EINTR");
    int failure = 0;
    pthread_mutex_lock(&lock);
    counts[call]++;
    if (spec != NULL && strncmp(spec, names[call], len) == 0 && spec[len] == ':' &&
        strtoul(spec + len + 1, NULL, 10) == counts[call])
        failure = EIO;
    if (may_be_interrupted && every > 0 && ++interruptible % (unsigned long)every == 0)
        failure = EINTR;
    interrupted += failure == EINTR;
    pthread_mutex_unlock(&lock);
    return failure;
}

__attribute__((destructor)) static void say_counts(void)
{
    const char *path = getenv("VARVE_HARD_COUNTS");
    FILE *file = path != NULL ? fopen(path, "ae") : NULL;
    if (file == NULL)
        return;
    for (int call = 0; call < CALLS; call++)
        (void)fprintf(file, "%s %lu\n", names[call], counts[call]);
    if (number_of("VARVE_HARD_EINTR") > 0)
        (void)fprintf(file, "interrupted %lu\n", interrupted);
    (void)fclose(file);
}

static size_t less(size_t len)
{
    return len > 2 && number_of("VARVE_HARD_SHORT") > 0 ? len / 3 : len;
}

/* ---- The clock ------------------------------------------------------------------------------ */

int clock_gettime(clockid_t id, struct timespec *out)
{
    int done = (int)syscall(SYS_clock_gettime, id, out);
    if (done == 0 && id == CLOCK_REALTIME) {
        long back = number_of("VARVE_HARD_CLOCK_BACK");
        out->tv_sec += number_of("VARVE_HARD_CLOCK");
        if (back != 0)
            out->tv_sec -= back * __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
    }
    return done;
}

/* ---- Descriptors ---------------------------------------------------------------------------- */

static int open_taken(int folder, const char *path, int flags, mode_t mode)
{
    bool is_ours = is_path_below(path);
    int failure = is_ours ? failure_of(OPEN, true) : 0;
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= 0 && fd < FDS_MAX)
        is_below[fd] = is_ours;
    return fd;
}

#include "../harness/take_open.h"

/* -1 with errno set: the call fails. The number of bytes that it is made with otherwise. */
static ssize_t length_of(enum call call, int fd, size_t len)
{
    if (!is_followed(fd))
        return (ssize_t)len;
    int failure = failure_of(call, true);
    if (failure != 0) {
        errno = failure;
        return -1;
    }
    return (ssize_t)less(len);
}

ssize_t read(int fd, void *out, size_t len)
{
    ssize_t part = length_of(READ, fd, len);
    return part < 0 ? -1 : syscall(SYS_read, fd, out, (size_t)part);
}

ssize_t pread(int fd, void *out, size_t len, off_t at)
{
    ssize_t part = length_of(READ, fd, len);
    return part < 0 ? -1 : syscall(SYS_pread64, fd, out, (size_t)part, at);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    ssize_t part = length_of(WRITE, fd, len);
    return part < 0 ? -1 : syscall(SYS_write, fd, bytes, (size_t)part);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    ssize_t part = length_of(WRITE, fd, len);
    return part < 0 ? -1 : syscall(SYS_pwrite64, fd, bytes, (size_t)part, at);
}

ssize_t pread64(int fd, void *out, size_t len, off_t at) __attribute__((alias("pread")));
ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
    __attribute__((alias("pwrite")));

static int sync_by(long number, int fd)
{
    int failure = getenv("VARVE_HARD_ROOT") != NULL ? failure_of(SYNC, false) : 0;
    errno = failure;
    return failure != 0 ? -1 : (int)syscall(number, fd);
}

int fsync(int fd)
{
    return sync_by(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_by(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
    return sync_by(SYS_syncfs, fd);
}

/* True: the call on that descriptor is made to fail, errno says by what. */
static bool resize_fails(int fd)
{
    errno = is_followed(fd) ? failure_of(RESIZE, true) : 0;
    return errno != 0;
}

int ftruncate(int fd, off_t len)
{
    return resize_fails(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, len);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    return resize_fails(fd) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, len);
}

/* Its failure is what it returns. */
int posix_fallocate(int fd, off_t at, off_t len)
{
    return fallocate(fd, 0, at, len) == 0 ? 0 : errno;
}

int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));
int fallocate64(int fd, int mode, off_t at, off_t len) __attribute__((alias("fallocate")));
int posix_fallocate64(int fd, off_t at, off_t len) __attribute__((alias("posix_fallocate")));

/* ---- Names ---------------------------------------------------------------------------------- */

/* True: the call on that name is made to fail, errno says by what. */
static bool fails(enum call call, const char *path)
{
    errno = is_path_below(path) ? failure_of(call, false) : 0;
    return errno != 0;
}

int link(const char *path, const char *new_path)
{
    if (fails(LINK, new_path))
        return -1;
    if (number_of("VARVE_HARD_NO_LINK") > 0) {
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

int rename(const char *path, const char *new_path)
{
    return fails(RENAME, new_path)
               ? -1
               : (int)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, new_path, 0);
}

int renameat2(int folder, const char *path, int new_folder, const char *new_path,
    unsigned flags)
{
    if (fails(RENAME, new_path))
        return -1;
    if (flags != 0 && number_of("VARVE_HARD_NO_RENAME") > 0) {
        errno = EINVAL;
        return -1;
    }
    return (int)syscall(SYS_renameat2, folder, path, new_folder, new_path, flags);
}

int unlink(const char *path)
{
    return fails(UNLINK, path) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
    return fails(MKDIR, path) ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

DIR *opendir(const char *path)
{
    int fd = fails(LIST, path) ? -1
                               : (int)syscall(SYS_openat, AT_FDCWD, path,
                                     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK, 0);
    return fd < 0 ? NULL : fdopendir(fd);
}
