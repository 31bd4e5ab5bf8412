/* Both names of each call are to be defined here, as they are and not as wrappers. */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include "work/counted.h"

#include <dirent.h>
#include <dlfcn.h>
#include <duckdb.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/seam.h"

#define FDS_MAX 4096
/* So far away that none fails; what is left of it tells how many there were. */
#define ALLOCATIONS_FAR (UINT64_C(1) << 60)

enum {
    DATA_OPENS,
    LOG_OPENS,
    FOLDER_LISTS,
    READ_BYTES,
    WRITTEN_BYTES,
    SYNCS,
    STATEMENTS,
    COUNTERS_LEN
};

static atomic_int_fast64_t counters[COUNTERS_LEN];
static atomic_bool is_below[FDS_MAX]; /* descriptors of files below the folder */
static atomic_bool is_on;
static char root[PATH_MAX];

void counted_start(const char *folder)
{
    (void)snprintf(root, sizeof(root), "%s/", folder);
    for (size_t i = 0; i < COUNTERS_LEN; i++)
        atomic_store(&counters[i], 0);
    vv_seam_fail_allocation(ALLOCATIONS_FAR);
    atomic_store(&is_on, true);
}

struct counted counted_stop(void)
{
    atomic_store(&is_on, false);
    struct counted found = {.data_opens = atomic_load(&counters[DATA_OPENS]),
        .log_opens = atomic_load(&counters[LOG_OPENS]),
        .folder_lists = atomic_load(&counters[FOLDER_LISTS]),
        .read_bytes = atomic_load(&counters[READ_BYTES]),
        .written_bytes = atomic_load(&counters[WRITTEN_BYTES]),
        .syncs = atomic_load(&counters[SYNCS]),
        .statements = atomic_load(&counters[STATEMENTS]),
        .allocations = (int64_t)(ALLOCATIONS_FAR - vv_seam_allocations_left())};
    vv_seam_fail_allocation(0);
    return found;
}

static void add(int counter, int64_t value)
{
    if (atomic_load(&is_on))
        atomic_fetch_add(&counters[counter], value);
}

static void add_fd(int counter, int fd, int64_t value)
{
    if (fd >= 0 && fd < FDS_MAX && value > 0 && atomic_load(&is_below[fd]))
        add(counter, value);
}

/* ---- The system ------------------------------------------------------------------------------- */

static int open_taken(int folder, const char *path, int flags, mode_t mode)
{
    char parent[PATH_MAX], link[64];
    long fd = syscall(SYS_openat, folder, path, flags, mode);
    int error = errno;
    if (fd < 0 || fd >= FDS_MAX || root[0] == '\0') {
        errno = error;
        return (int)fd;
    }
    /* Whole, whatever the folder that it was named from. */
    (void)snprintf(link, sizeof(link), "/proc/self/fd/%ld", fd);
    long len = syscall(SYS_readlinkat, AT_FDCWD, link, parent, sizeof(parent) - 1);
    parent[len > 0 ? len : 0] = '\0';
    atomic_store(&is_below[fd], strncmp(parent, root, strlen(root)) == 0);
    bool is_read = (flags & O_ACCMODE) == O_RDONLY && (flags & O_DIRECTORY) == 0;
    if (is_read && atomic_load(&is_below[fd])) {
        bool is_log = strstr(parent, "/_delta_log/") != NULL;
        add(is_log ? LOG_OPENS : DATA_OPENS, is_log || strstr(parent, ".parquet") != NULL);
    }
    errno = error;
    return (int)fd;
}

#include "../harness/take_open.h"

static ssize_t counted(int counter, int fd, long done)
{
    add_fd(counter, fd, done);
    return done;
}

ssize_t read(int fd, void *bytes, size_t len)
{
    return counted(READ_BYTES, fd, syscall(SYS_read, fd, bytes, len));
}

ssize_t pread(int fd, void *bytes, size_t len, off_t at)
{
    return counted(READ_BYTES, fd, syscall(SYS_pread64, fd, bytes, len, at));
}

ssize_t pread64(int fd, void *bytes, size_t len, off_t at) __attribute__((alias("pread")));

ssize_t write(int fd, const void *bytes, size_t len)
{
    return counted(WRITTEN_BYTES, fd, syscall(SYS_write, fd, bytes, len));
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return counted(WRITTEN_BYTES, fd, syscall(SYS_pwrite64, fd, bytes, len, at));
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
    __attribute__((alias("pwrite")));

static int synced(int fd, long number)
{
    add_fd(SYNCS, fd, 1);
    return (int)syscall(number, fd);
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

/* ---- What goes on to the library -------------------------------------------------------------- */

typedef DIR *(*fdopendir_fn)(int fd);
typedef duckdb_state (*query_fn)(duckdb_connection, const char *sql, duckdb_result *out);
typedef duckdb_state (*pending_fn)(duckdb_prepared_statement, duckdb_pending_result *out);

/* POSIX lets a pointer to an object be one to a function, ISO C has to be shown. */
#define NEXT(type, name)                     \
    type next = NULL;                        \
    void *symbol = dlsym(RTLD_NEXT, (name)); \
    memcpy(&next, &symbol, sizeof(next))

DIR *fdopendir(int fd)
{
    NEXT(fdopendir_fn, "fdopendir");
    add_fd(FOLDER_LISTS, fd, 1);
    return next(fd);
}

duckdb_state duckdb_query(duckdb_connection connection, const char *sql, duckdb_result *out)
{
    NEXT(query_fn, "duckdb_query");
    add(STATEMENTS, 1);
    return next(connection, sql, out);
}

duckdb_state duckdb_pending_prepared(duckdb_prepared_statement statement,
    duckdb_pending_result *out)
{
    NEXT(pending_fn, "duckdb_pending_prepared");
    add(STATEMENTS, 1);
    return next(statement, out);
}

duckdb_state duckdb_pending_prepared_streaming(duckdb_prepared_statement statement,
    duckdb_pending_result *out)
{
    NEXT(pending_fn, "duckdb_pending_prepared_streaming");
    add(STATEMENTS, 1);
    return next(statement, out);
}
