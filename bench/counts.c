/*
 * Preloaded into a program, counts what it does to the files below a folder: the work of an
 * operation, which unlike its time is the same on every machine. The counts lie in a file that is
 * mapped, so that who started the program reads them while it runs (bench/process.py).
 *
 * VARVE_COUNTS_ROOT is the folder, VARVE_COUNTS_FILE the file. What another program maps and reads
 * without a call is counted by the length of the map, which is the most that it can be.
 */
#define _GNU_SOURCE      /* this file speaks to Linux itself */
#undef _FILE_OFFSET_BITS /* both names of each call are to be defined here */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 65536

/* The order is that of NAMES in bench/process.py. */
enum count {
    FILES_OPENED,
    FILES_CREATED,
    FOLDERS_LISTED,
    READS,
    BYTES_READ,
    BYTES_MAPPED,
    WRITES,
    BYTES_WRITTEN,
    SYNCS,
    PEAK_KIB, /* of the process that ended last */
    COUNTS_LEN
};

static _Atomic int64_t none[COUNTS_LEN]; /* where nobody asks */
static _Atomic int64_t *counts = none;
static atomic_bool is_below[FDS_MAX];
static char root[PATH_MAX];
static size_t root_len;

static void add(enum count which, int64_t by)
{
    atomic_fetch_add_explicit(&counts[which], by, memory_order_relaxed);
}

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("VARVE_COUNTS_FILE");
    const char *folder = getenv("VARVE_COUNTS_ROOT");
    if (name == NULL || folder == NULL || strlen(folder) >= sizeof(root) - 1)
        return;
    long fd = syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof(none), PROT_READ | PROT_WRITE, MAP_SHARED, (int)fd, 0);
    (void)syscall(SYS_close, fd);
    if (at == MAP_FAILED)
        return;
    (void)snprintf(root, sizeof(root), "%s/", folder);
    root_len = strlen(root);
    counts = at;
}

/* What a parent gets told of the greatest memory of a child begins with its own: not so this. */
__attribute__((destructor)) static void end(void)
{
    char line[256];
    FILE *status = counts != none ? fopen("/proc/self/status", "re") : NULL;
    if (status == NULL)
        return;
    while (fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, "VmHWM:", 6) == 0)
            atomic_store(&counts[PEAK_KIB], strtoll(line + 6, NULL, 10));
    (void)fclose(status);
}

static bool is_counted(int fd)
{
    return fd >= 0 && fd < FDS_MAX && atomic_load_explicit(&is_below[fd], memory_order_relaxed);
}

static bool is_path_below(int folder, const char *path)
{
    if (root_len == 0)
        return false;
    if (path[0] != '/')
        return is_counted(folder);
    /* The folder itself is given without its last '/'. */
    return strncmp(path, root, root_len - 1) == 0 &&
           (path[root_len - 1] == '/' || path[root_len - 1] == '\0');
}

static int open_taken(int folder, const char *path, int flags, mode_t mode)
{
    long fd = syscall(SYS_openat, folder, path, flags, mode);
    if (fd < 0 || fd >= FDS_MAX)
        return (int)fd;
    bool below = is_path_below(folder, path);
    atomic_store_explicit(&is_below[fd], below, memory_order_relaxed);
    bool is_folder = (flags & O_DIRECTORY) == O_DIRECTORY;
    if (below && !is_folder)
        add((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? FILES_CREATED
                                                                       : FILES_OPENED,
            1);
    return (int)fd;
}

#include "../tests/harness/take_open.h"

/* Folders are read by the C library from within, so that only who asks for it is seen. */
DIR *opendir(const char *path)
{
    DIR *(*theirs)(const char *) = NULL;
    *(void **)&theirs = dlsym(RTLD_NEXT, "opendir");
    if (is_path_below(AT_FDCWD, path))
        add(FOLDERS_LISTED, 1);
    return theirs(path);
}

DIR *fdopendir(int fd)
{
    DIR *(*theirs)(int) = NULL;
    *(void **)&theirs = dlsym(RTLD_NEXT, "fdopendir");
    if (is_counted(fd))
        add(FOLDERS_LISTED, 1);
    return theirs(fd);
}

static ssize_t moved(int fd, long done, enum count calls, enum count bytes)
{
    if (is_counted(fd) && done >= 0) {
        add(calls, 1);
        add(bytes, done);
    }
    return done;
}

ssize_t read(int fd, void *bytes, size_t len)
{
    return moved(fd, syscall(SYS_read, fd, bytes, len), READS, BYTES_READ);
}

ssize_t pread(int fd, void *bytes, size_t len, off_t at)
{
    return moved(fd, syscall(SYS_pread64, fd, bytes, len, at), READS, BYTES_READ);
}

ssize_t readv(int fd, const struct iovec *parts, int parts_len)
{
    return moved(fd, syscall(SYS_readv, fd, parts, parts_len), READS, BYTES_READ);
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    return moved(fd, syscall(SYS_write, fd, bytes, len), WRITES, BYTES_WRITTEN);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return moved(fd, syscall(SYS_pwrite64, fd, bytes, len, at), WRITES, BYTES_WRITTEN);
}

ssize_t writev(int fd, const struct iovec *parts, int parts_len)
{
    return moved(fd, syscall(SYS_writev, fd, parts, parts_len), WRITES, BYTES_WRITTEN);
}

ssize_t pread64(int fd, void *bytes, size_t len, off_t at) __attribute__((alias("pread")));
ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
    __attribute__((alias("pwrite")));

static int synced(int fd, long number)
{
    long done = syscall(number, fd);
    if (done == 0 && root_len > 0)
        add(SYNCS, 1);
    return (int)done;
}

int fsync(int fd)
{
    return synced(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return synced(fd, SYS_fdatasync);
}

int syncfs(int fd)
{
    return synced(fd, SYS_syncfs);
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    if (is_counted(fd) && (flags & MAP_ANONYMOUS) == 0)
        add(BYTES_MAPPED, (int64_t)len);
    return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

int close(int fd)
{
    if (fd >= 0 && fd < FDS_MAX)
        atomic_store_explicit(&is_below[fd], false, memory_order_relaxed);
    return (int)syscall(SYS_close, fd);
}
