#include "store/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/seam.h"
#include "base/uuid.h"
#include "store/local_sys.h"

#define COPY_BYTES ((size_t)1 << 18)

/* What is in the copy is nobody else's business. */
static int open_private(const char *path, int flags, int *out_fd)
{
    int fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    *out_fd = fd;
    return 0;
}

/* Where the file system has no files without a name, one is made and its name taken away. */
static int open_named(const char *folder, int *out_fd)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf path = VV_BUF_INIT(1 << 16);
    vv_buf_addf(&path, "%s/varve-input-%016" PRIx64, folder, vv_random64());
    if (!vv_buf_ok(&path))
        return ENOMEM;
    int os_errno = open_private(vv_buf_str(&path).ptr, O_CREAT | O_EXCL, out_fd);
    return os_errno == 0 ? vv_sys_unlink(vv_buf_str(&path).ptr) : os_errno;
}

static varve_status open_nameless(struct vv_op *op, int *out_fd)
{
    const char *folder = getenv("TMPDIR");
    if (folder == NULL || folder[0] == '\0')
        folder = "/tmp";
    int os_errno = open_private(folder, O_TMPFILE, out_fd);
    if (os_errno == EOPNOTSUPP || os_errno == EISDIR || os_errno == ENOENT)
        os_errno = open_named(folder, out_fd);
    return os_errno == 0 ? VARVE_OK
                         : vv_sys_fail(op, os_errno, "make a temporary file in", folder);
}

static varve_status read_some(struct vv_op *op, int fd, struct vv_str name, char *out,
    size_t *out_bytes)
{
    for (;;) {
        VV_TRY(vv_sys_wait_readable(op, fd));
        ssize_t got = read(fd, out, COPY_BYTES);
        if (got >= 0 && !vv_fault_point("source.read")) {
            *out_bytes = (size_t)got;
            return VARVE_OK;
        }
        int os_errno = got >= 0 ? EIO : errno;
        if (os_errno != EINTR && os_errno != EAGAIN)
            return vv_fail_errno(op, os_errno, "cannot read %.*s", VV_ARG(name));
    }
}

/* To its end, or until it is known to be longer than `bytes_max`. */
static varve_status copy_in(struct vv_op *op, int from, struct vv_str name, int64_t bytes_max,
    int to, int64_t *out_bytes)
{
    char *piece = vv_malloc(COPY_BYTES);
    if (piece == NULL)
        return vv_fail_memory(op);
    varve_status status = VARVE_OK;
    int64_t bytes = 0;
    size_t got = 1;
    while (status == VARVE_OK && got > 0 && bytes <= bytes_max) {
        status = read_some(op, from, name, piece, &got);
        if (status != VARVE_OK || got == 0)
            break;
        int os_errno = vv_sys_write(to, (struct vv_str){piece, got});
        if (os_errno != 0)
            status = vv_fail_errno(op, os_errno,
                "cannot copy %.*s to the temporary folder (TMPDIR says which)", VV_ARG(name));
        bytes += (int64_t)got;
        if (status == VARVE_OK)
            status = vv_progress(op, "read", (uint64_t)bytes, 0);
    }
    vv_free(piece);
    *out_bytes = bytes;
    return status;
}

/* Replaces a descriptor that can be read only once by a copy of what it still gives. */
static varve_status make_copy(struct vv_op *op, struct vv_str name, int64_t bytes_max,
    struct vv_source *source)
{
    VV_CLEANUP(vv_fd_close) int copy = -1;
    VV_TRY(open_nameless(op, &copy));
    VV_TRY(copy_in(op, source->fd, name, bytes_max, copy, &source->bytes));
    vv_source_close(source);
    source->fd = copy;
    source->owned = source->is_copy = true;
    copy = -1;
    return VARVE_OK;
}

static varve_status source_settle(struct vv_op *op, struct vv_str name, int64_t bytes_max,
    struct vv_source *source)
{
    struct stat status;
    if (fstat(source->fd, &status) != 0)
        return vv_fail_errno(op, errno, "cannot read %.*s", VV_ARG(name));
    if (S_ISDIR(status.st_mode))
        return vv_fail(op, VARVE_EINVALID, "%.*s is a folder, not a file with rows",
            VV_ARG(name));
    if (S_ISREG(status.st_mode) && lseek(source->fd, 0, SEEK_CUR) == 0) {
        source->bytes = status.st_size;
        source->written_us = vv_sys_modified_us(&status);
        return VARVE_OK;
    }
    return make_copy(op, name, bytes_max, source);
}

static varve_status open_most(struct vv_op *op, struct vv_str path, int fd, struct vv_str name,
    int64_t bytes_max, struct vv_source *out)
{
    VV_CLEANUP(vv_source_close) struct vv_source source = {.fd = fd};
    if (fd < 0) {
        struct vv_str copy = vv_arena_str(&op->arena, path);
        if (copy.ptr == NULL)
            return vv_fail_memory(op);
        if (path.len == 0 || strlen(copy.ptr) != path.len)
            return vv_fail(op, VARVE_EUSAGE,
                "the name of an input file is empty or holds a NUL");
        /* A named pipe without a writer is opened at once, and waited for where it is copied. */
        int os_errno = vv_sys_open(copy.ptr, O_RDONLY | O_NONBLOCK, &source.fd);
        if (os_errno != 0)
            return vv_fail_errno(op, os_errno, "cannot open %.*s", VV_ARG(name));
        source.owned = true;
    }
    VV_TRY(source_settle(op, name, bytes_max, &source));
    snprintf(source.engine_path, sizeof(source.engine_path), "/proc/self/fd/%d", source.fd);
    *out = source;
    source = VV_SOURCE_NONE;
    return VARVE_OK;
}

varve_status vv_source_open(struct vv_op *op, struct vv_str path, int fd, struct vv_str name,
    struct vv_source *out)
{
    return open_most(op, path, fd, name, INT64_MAX, out);
}

varve_status vv_source_open_short(struct vv_op *op, struct vv_str path, int64_t bytes_max,
    struct vv_source *out)
{
    return open_most(op, path, -1, path, bytes_max, out);
}

varve_status vv_source_open_bytes(struct vv_op *op, struct vv_str bytes, struct vv_source *out)
{
    VV_CLEANUP(vv_fd_close) int fd = -1;
    if (vv_str_is_lost(bytes))
        return vv_fail_memory(op);
    VV_TRY(open_nameless(op, &fd));
    int os_errno = vv_sys_write(fd, bytes);
    if (os_errno == 0 && lseek(fd, 0, SEEK_SET) != 0)
        os_errno = errno;
    if (os_errno != 0)
        return vv_fail_errno(op, os_errno,
            "cannot write rows to the temporary folder (TMPDIR says which)");
    VV_TRY(vv_source_open(op, VV_STR_NONE, fd, VV_STR("<rows>"), out));
    out->owned = true;
    fd = -1;
    return VARVE_OK;
}

void vv_source_open_lines(const struct vv_str *lines, size_t lines_len, struct vv_source *out)
{
    VV_PRE(lines != NULL);
    *out = (struct vv_source){.fd = -1, .lines = lines, .lines_len = lines_len};
    for (size_t i = 0; i < lines_len; i++)
        out->bytes += (int64_t)lines[i].len + 1;
}

bool vv_source_is_same(const struct vv_source *source)
{
    struct stat status;
    VV_PRE(source->lines == NULL);
    return source->is_copy ||
           (fstat(source->fd, &status) == 0 && status.st_size == source->bytes &&
               vv_sys_modified_us(&status) == source->written_us);
}

void vv_source_close(struct vv_source *source)
{
    if (source->owned)
        vv_fd_close(&source->fd);
    source->fd = -1;
    source->owned = false;
    source->lines = NULL;
}

bool vv_source_is_path(struct vv_str name)
{
    return vv_str_starts(name, VV_STR("/"));
}

varve_status vv_source_head(struct vv_op *op, struct vv_str path, struct vv_object *out)
{
    struct stat status;
    struct vv_str copy = vv_arena_str(&op->arena, path);
    if (copy.ptr == NULL)
        return vv_fail_memory(op);
    int os_errno = vv_sys_stat(copy.ptr, &status);
    if (os_errno == ENOTDIR || (os_errno == 0 && !S_ISREG(status.st_mode)))
        os_errno = ENOENT;
    if (os_errno != 0)
        return vv_sys_fail(op, os_errno, "read", copy.ptr);
    *out = (struct vv_object){.key = path,
        .bytes = (int64_t)status.st_size,
        .modified_us = vv_sys_modified_us(&status)};
    return VARVE_OK;
}

bool vv_source_is_direct(struct vv_op *op, struct vv_str path)
{
    char real[PATH_MAX];
    struct vv_str copy = vv_arena_str(&op->arena, path);
    return copy.ptr != NULL && realpath(copy.ptr, real) != NULL &&
           vv_str_eq(path, vv_str_of(real));
}

varve_status vv_source_read(struct vv_op *op, const struct vv_source *source, int64_t offset,
    char *out, size_t bytes_max, size_t *out_bytes)
{
    size_t bytes = 0;
    VV_PRE(source->lines == NULL);
    while (bytes < bytes_max) {
        ssize_t got =
            pread(source->fd, out + bytes, bytes_max - bytes, offset + (int64_t)bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return vv_fail_errno(op, errno, "cannot read the input");
        if (got == 0)
            break;
        bytes += (size_t)got;
    }
    *out_bytes = bytes;
    return VARVE_OK;
}
