/*
 * Preloaded into a program, writes down what it does to the files below a folder, in the order in
 * which it is done, for power.py to make of it what a power cut may leave.
 *
 * VARVE_POWER_ROOT is the folder, VARVE_POWER_JOURNAL the file that is appended to. A record is a
 * line, and behind those of W, P and A so many bytes; paths are below the root:
 *
 *   C inode path     a file was made, empty        L old TAB new   linked
 *   W inode at len   bytes were written            R old TAB new   renamed
 *   T inode len      cut, or made longer           U path          unlinked
 *   S inode          synced                        M path          a folder was made
 *   D path           a folder was synced           X path          a folder was removed
 *   Y                the file system was synced
 *   P inode at len   a page of a mapped file is another than it was; when that came to be is not
 *                    known, but that it was after the record before the last such look at all pages,
 *                    which is taken before each record
 *   A fd 0 len       VARVE_POWER_ANSWERS=1: that was about to be written to the standard output;
 *                    the process is killed behind the one that has the text VARVE_POWER_DEATH
 *
 * It also plays the machine: a file is the same one wherever it was copied to, and VARVE_POWER_BOOT
 * names the file that has the id of the machine's start.
 *
 * What would change a file in a way that this does not know ends the program, lest a test says
 * that all is well of what it has not seen.
 */
#define _GNU_SOURCE      /* this file speaks to Linux itself */
#undef _FILE_OFFSET_BITS /* both names of each call are to be defined here */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS_MAX 4096
#define MAPS_MAX 64
#define PAGE_BYTES ((size_t)4096)
#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

/* A file that is written to in memory, and what was written down of it. */
struct map {
    char *bytes;
    char *seen;
    size_t len;
    unsigned long inode;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_below[FDS_MAX]; /* descriptors of files below the root */
static char root[PATH_MAX];
static int journal = -1;
static struct map maps[MAPS_MAX];
static size_t maps_len;

static void die(const char *what)
{
    static const char text[] = "power record: can't follow ";
    (void)syscall(SYS_write, 2, text, sizeof(text) - 1);
    (void)syscall(SYS_write, 2, what, strlen(what));
    (void)syscall(SYS_write, 2, "\n", 1);
    abort();
}

/* With the lock. False: nothing is to be recorded. */
static bool begin(void)
{
    const char *name = getenv("VARVE_POWER_JOURNAL");
    const char *folder = getenv("VARVE_POWER_ROOT");
    if (journal >= 0)
        return true;
    if (name == NULL || folder == NULL || strlen(folder) >= sizeof(root) - 1)
        return false;
    (void)snprintf(root, sizeof(root), "%s/", folder);
    long fd =
        syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        die("a journal that can't be opened");
    /* Far from the numbers that the program under test counts on. */
    journal = fcntl((int)fd, F_DUPFD_CLOEXEC, FDS_MAX / 2);
    (void)syscall(SYS_close, fd);
    return journal >= 0;
}

static void put(const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        long written = syscall(SYS_write, journal, at, len);
        if (written <= 0)
            die("a journal that is full");
        at += written;
        len -= (size_t)written;
    }
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[2 * PATH_MAX + 64];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (len < 0 || (size_t)len >= sizeof(line))
        die("so long a path");
    put(line, (size_t)len);
}

/* With the lock: the pages that have changed. */
static void look(void)
{
    for (size_t i = 0; i < maps_len; i++) {
        const struct map *map = &maps[i];
        for (size_t at = 0; at < map->len; at += PAGE_BYTES) {
            size_t len = map->len - at < PAGE_BYTES ? map->len - at : PAGE_BYTES;
            if (memcmp(map->seen + at, map->bytes + at, len) == 0)
                continue;
            memcpy(map->seen + at, map->bytes + at, len);
            say("P %lu %zu %zu\n", map->inode, at, len);
            put(map->seen + at, len);
        }
    }
}

/* Before what is recorded is done. */
static void take(void)
{
    pthread_mutex_lock(&lock);
    look();
}

/* What is behind the root in a path; NULL: it is not below. */
static const char *below(int folder, const char *path)
{
    size_t len = strlen(root);
    if (!begin() || (path[0] != '/' && folder != AT_FDCWD))
        return NULL;
    len = strlen(root);
    if (path[0] != '/' || strncmp(path, root, len) != 0)
        return NULL;
    if (strchr(path, '\n') != NULL || strstr(path, "/../") != NULL)
        die("such a path");
    return path + len;
}

static bool is_followed(int fd)
{
    return fd >= 0 && fd < FDS_MAX && is_below[fd] && begin();
}

static unsigned long inode_of(int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        die("a descriptor");
    return (unsigned long)status.st_ino;
}

static int open_taken(int folder, const char *path, int flags, mode_t mode)
{
    struct stat before;
    const char *boot = getenv("VARVE_POWER_BOOT");
    if (boot != NULL && strcmp(path, BOOT_ID_PATH) == 0)
        return (int)syscall(SYS_openat, AT_FDCWD, boot, flags, mode);
    take();
    const char *name = below(folder, path);
    bool was_there = name != NULL && stat(path, &before) == 0;
    long fd = syscall(SYS_openat, folder, path, flags, mode);
    int error = errno;
    if (fd >= 0 && fd < FDS_MAX) {
        is_below[fd] = name != NULL;
        if (name != NULL && (flags & O_TMPFILE) == O_TMPFILE)
            die("a file without a name");
        if (name != NULL && !was_there && (flags & O_CREAT) != 0)
            say("C %lu %s\n", inode_of((int)fd), name);
        else if (name != NULL && (flags & O_TRUNC) != 0)
            say("T %lu 0\n", inode_of((int)fd));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return (int)fd;
}

#include "../harness/take_open.h"

static ssize_t write_recorded(int fd, const void *bytes, size_t len, off_t at, bool has_place)
{
    bool follows = is_followed(fd);
    if (follows && !has_place)
        at = (fcntl(fd, F_GETFL) & O_APPEND) != 0 ? lseek(fd, 0, SEEK_END)
                                                  : lseek(fd, 0, SEEK_CUR);
    long done = has_place ? syscall(SYS_pwrite64, fd, bytes, len, at)
                          : syscall(SYS_write, fd, bytes, len);
    int error = errno;
    if (follows && done > 0) {
        say("W %lu %lld %ld\n", inode_of(fd), (long long)at, done);
        put(bytes, (size_t)done);
    }
    errno = error;
    return done;
}

/* That is told before it is done, lest nobody know of it; and no other record is under way then. */
static ssize_t answer_recorded(const void *bytes, size_t len)
{
    const char *last = getenv("VARVE_POWER_DEATH");
    take();
    if (begin()) {
        say("A %d 0 %zu\n", STDOUT_FILENO, len);
        put(bytes, len);
    }
    long done = syscall(SYS_write, STDOUT_FILENO, bytes, len);
    int error = errno;
    if (last != NULL && memmem(bytes, len, last, strlen(last)) != NULL)
        (void)kill(getpid(), SIGKILL);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

ssize_t write(int fd, const void *bytes, size_t len)
{
    if (fd == STDOUT_FILENO && getenv("VARVE_POWER_ANSWERS") != NULL)
        return answer_recorded(bytes, len);
    /* A pipe may block for long, and needs no record. */
    if (!is_followed(fd))
        return syscall(SYS_write, fd, bytes, len);
    take();
    ssize_t done = write_recorded(fd, bytes, len, 0, false);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    take();
    ssize_t done = write_recorded(fd, bytes, len, at, true);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
    __attribute__((alias("pwrite")));

ssize_t writev(int fd, const struct iovec *parts, int parts_len)
{
    if (is_followed(fd))
        die("writev");
    return syscall(SYS_writev, fd, parts, parts_len);
}

ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t len,
    unsigned flags)
{
    if (is_followed(to))
        die("copy_file_range");
    return syscall(SYS_copy_file_range, from, from_at, to, to_at, len, flags);
}

int fallocate(int fd, int mode, off_t at, off_t len)
{
    if (is_followed(fd))
        die("fallocate");
    return (int)syscall(SYS_fallocate, fd, mode, at, len);
}

int posix_fallocate(int fd, off_t at, off_t len)
{
    struct stat before;
    take();
    bool grows = is_followed(fd) && fstat(fd, &before) == 0 && at + len > before.st_size;
    int failure = syscall(SYS_fallocate, fd, 0, at, len) == 0 ? 0 : errno;
    if (failure == 0 && grows)
        say("T %lu %lld\n", inode_of(fd), (long long)(at + len));
    pthread_mutex_unlock(&lock);
    return failure;
}

int posix_fallocate64(int fd, off_t at, off_t len) __attribute__((alias("posix_fallocate")));

/* ---- Files in memory ------------------------------------------------------------------------ */

/* With the lock. All that is not zero counts as changed: a process that was killed may have left it. */
static void follow_map(char *bytes, size_t len, int fd, off_t at)
{
    long seen = syscall(SYS_mmap, NULL, len, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
    if (seen == -1 || at != 0 || maps_len == MAPS_MAX)
        die("such a mapping");
    maps[maps_len++] = (struct map){bytes, (char *)seen, len, inode_of(fd)};
}

void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    bool is_written = (flags & MAP_TYPE) != MAP_PRIVATE && (protection & PROT_WRITE) != 0;
    if (!is_written || !is_followed(fd))
        return (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
    take();
    void *bytes = (void *)syscall(SYS_mmap, at, len, protection, flags, fd, offset);
    if (bytes != MAP_FAILED)
        follow_map(bytes, len, fd, offset);
    pthread_mutex_unlock(&lock);
    return bytes;
}

void *mmap64(void *at, size_t len, int protection, int flags, int fd, off_t offset)
    __attribute__((alias("mmap")));

/* The mapping that has these bytes or a part of them; NULL: none. */
static struct map *map_of(const char *bytes, size_t len)
{
    for (size_t i = 0; i < maps_len; i++)
        if (bytes < maps[i].bytes + maps[i].len && maps[i].bytes < bytes + len)
            return &maps[i];
    return NULL;
}

/* Of a mapping all goes, or its end. */
int munmap(void *at, size_t len)
{
    pthread_mutex_lock(&lock);
    struct map *map = map_of(at, len);
    if (map != NULL) {
        look();
        size_t whole = (len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
        if ((char *)at < map->bytes || (char *)at + whole < map->bytes + map->len)
            die("a mapping of which a part goes");
        map->len = (size_t)((char *)at - map->bytes);
        if (map->len == 0)
            *map = maps[--maps_len];
    }
    int done = (int)syscall(SYS_munmap, at, len);
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int msync(void *at, size_t len, int flags)
{
    pthread_mutex_lock(&lock);
    if (map_of(at, len) != NULL)
        die("msync");
    pthread_mutex_unlock(&lock);
    return (int)syscall(SYS_msync, at, len, flags);
}

int statx(int folder, const char *path, int flags, unsigned mask, struct statx *out)
{
    int done = (int)syscall(SYS_statx, folder, path, flags, mask, out);
    if (done == 0 && path[0] == '\0') {
        out->stx_ino = 1;
        out->stx_btime = (struct statx_timestamp){.tv_sec = 1};
    }
    return done;
}

/* ---- Syncs and names ------------------------------------------------------------------------ */

int ftruncate(int fd, off_t len)
{
    take();
    int done = (int)syscall(SYS_ftruncate, fd, len);
    int error = errno;
    if (done == 0 && is_followed(fd))
        say("T %lu %lld\n", inode_of(fd), (long long)len);
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int ftruncate64(int fd, off_t len) __attribute__((alias("ftruncate")));

static int sync_recorded(int fd, long number)
{
    char link[64];
    char path[PATH_MAX] = "";
    struct stat status;
    take();
    int done = (int)syscall(number, fd);
    int error = errno;
    if (done == 0 && begin() && fstat(fd, &status) == 0) {
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, path, sizeof(path) - 2);
        size_t root_len = strlen(root);
        if (len > 0 && S_ISDIR(status.st_mode))
            path[len] = '/';
        if (number == SYS_syncfs)
            say("Y\n");
        else if (is_followed(fd) && S_ISREG(status.st_mode))
            say("S %lu\n", (unsigned long)status.st_ino);
        else if (S_ISDIR(status.st_mode) && strncmp(path, root, root_len) == 0)
            say("D %.*s\n", (int)strcspn(path + root_len, "\n"), path + root_len);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return done;
}

int fsync(int fd)
{
    return sync_recorded(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_recorded(fd, SYS_fdatasync);
}

int syncfs(int fd)
{
    return sync_recorded(fd, SYS_syncfs);
}

/* Of one path, or of two: old and new. */
static int name_recorded(char kind, long done, const char *path, const char *new_path)
{
    int error = errno;
    const char *name = below(AT_FDCWD, path);
    const char *new_name = new_path != NULL ? below(AT_FDCWD, new_path) : NULL;
    if (done == 0 && new_path == NULL && name != NULL)
        say("%c %s\n", kind, name);
    if (done == 0 && new_path != NULL && (name != NULL) != (new_name != NULL))
        die("a name that goes in or out");
    if (done == 0 && new_name != NULL)
        say("%c %s\t%s\n", kind, name, new_name);
    pthread_mutex_unlock(&lock);
    errno = error;
    return (int)done;
}

int link(const char *path, const char *new_path)
{
    take();
    return name_recorded('L', syscall(SYS_linkat, AT_FDCWD, path, AT_FDCWD, new_path, 0), path,
        new_path);
}

int rename(const char *path, const char *new_path)
{
    take();
    return name_recorded('R', syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, new_path, 0),
        path, new_path);
}

int unlink(const char *path)
{
    take();
    return name_recorded('U', syscall(SYS_unlinkat, AT_FDCWD, path, 0), path, NULL);
}

int mkdir(const char *path, mode_t mode)
{
    take();
    return name_recorded('M', syscall(SYS_mkdirat, AT_FDCWD, path, mode), path, NULL);
}

int rmdir(const char *path)
{
    take();
    return name_recorded('X', syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR), path, NULL);
}

/* Of a name in an open folder, as who walks a folder removes it. */
int unlinkat(int folder, const char *name, int flags)
{
    char link[64];
    char path[PATH_MAX + NAME_MAX] = "";
    take();
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", folder);
    ssize_t len = folder == AT_FDCWD || name[0] == '/' ? 0 : readlink(link, path, PATH_MAX - 1);
    if (len < 0)
        die("a folder");
    (void)snprintf(path + len, sizeof(path) - (size_t)len, "%s%s", len > 0 ? "/" : "", name);
    return name_recorded((flags & AT_REMOVEDIR) != 0 ? 'X' : 'U',
        syscall(SYS_unlinkat, folder, name, flags), path, NULL);
}

int renameat2(int folder, const char *path, int new_folder, const char *new_path,
    unsigned flags)
{
    take();
    return name_recorded('R', syscall(SYS_renameat2, folder, path, new_folder, new_path, flags),
        path, new_path);
}

int remove(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) ? rmdir(path) : unlink(path);
}
