#include "store/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/local.h"
#include "store/local_sys.h"

#define PEM_BEGIN "-----BEGIN"
#define PEM_PUBLIC "-----BEGIN PUBLIC KEY"

static void fd_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        (void)close(*fd);
    errno = saved;
}

static varve_status write_all(struct vv_op *op, int fd, const char *path, struct vv_str bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t written = write(fd, bytes.ptr + done, bytes.len - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return vv_fail_errno(op, errno, "write %s", path);
        done += (size_t)written;
    }
    return fsync(fd) == 0 ? VARVE_OK : vv_fail_errno(op, errno, "sync %s", path);
}

static varve_status sync_folder_of(struct vv_op *op, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct vv_str folder =
        slash ? vv_arena_format(&op->arena, "%.*s/", (int)(slash - path), path) : VV_STR(".");
    if (folder.ptr == NULL)
        return vv_fail_memory(op);
    return vv_sync_folder(op, folder, "key.sync", NULL);
}

/* Half a key would be in the way of the next one: what fails leaves no file. */
varve_status vv_key_file_write(struct vv_op *op, const char *path, bool is_private,
    struct vv_str bytes)
{
    mode_t mode = is_private ? 0600 : 0644;
    VV_CLEANUP(fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0 && errno == EEXIST)
        return vv_fail(op, VARVE_EUSAGE,
            "%s is there already: a key is never overwritten, name another file", path);
    if (fd < 0)
        return vv_fail_errno(op, errno, "create %s", path);
    varve_status status = write_all(op, fd, path, bytes);
    if (status == VARVE_OK)
        status = sync_folder_of(op, path);
    if (status != VARVE_OK)
        vv_key_file_remove(path);
    return status;
}

void vv_key_file_remove(const char *path)
{
    (void)unlink(path);
}

static varve_status read_all(struct vv_op *op, int fd, const char *path,
    char out[VV_KEY_FILE_BYTES_MAX], size_t *out_len)
{
    *out_len = 0;
    while (*out_len < VV_KEY_FILE_BYTES_MAX) {
        VV_TRY(vv_sys_wait_readable(op, fd));
        ssize_t len = read(fd, out + *out_len, VV_KEY_FILE_BYTES_MAX - *out_len);
        if (len < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (len < 0)
            return vv_fail_errno(op, errno, "read the key file %s", path);
        if (len == 0)
            return VARVE_OK;
        *out_len += (size_t)len;
    }
    return vv_fail(op, VARVE_EUSAGE, "%s is no key file: it is too long", path);
}

/* What is no private key at all is told before how its file is kept. */
static varve_status check_private(struct vv_op *op, const char *path, const struct stat *seen,
    struct vv_str pem)
{
    if (memmem(pem.ptr, pem.len, PEM_PUBLIC, strlen(PEM_PUBLIC)) != NULL)
        return vv_fail(op, VARVE_EUSAGE,
            "%s is a public key, which only checks signatures: give the private one that varve "
            "keygen wrote beside it",
            path);
    if ((seen->st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return vv_fail(op, VARVE_EUSAGE,
            "others may read the private key %s: chmod 600 it, or make a new one", path);
    return VARVE_OK;
}

const char *vv_key_file_name(const char *path)
{
    return strstr(path, PEM_BEGIN) == NULL ? path : "a key";
}

varve_status vv_key_file_read(struct vv_op *op, const char *path, bool is_private,
    char out[VV_KEY_FILE_BYTES_MAX], size_t *out_len)
{
    struct stat seen;
    /* As by --key "$(cat audit.key)": what says that there is no such file would say the key. */
    if (strstr(path, PEM_BEGIN) != NULL)
        return vv_fail(op, VARVE_EUSAGE,
            "the name of a key file is wanted, and a key itself was given; others may have "
            "seen "
            "it: make a new one");
    VV_CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &seen) != 0)
        return vv_fail_errno(op, errno, "open the key file %s", path);
    varve_status status = read_all(op, fd, path, out, out_len);
    if (status == VARVE_OK && is_private)
        status = check_private(op, path, &seen, (struct vv_str){out, *out_len});
    if (status != VARVE_OK)
        explicit_bzero(out, VV_KEY_FILE_BYTES_MAX);
    return status;
}

bool vv_key_file_is_there(const char *path)
{
    struct stat seen;
    return lstat(path, &seen) == 0;
}
