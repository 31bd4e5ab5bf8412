#include "cli/target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/durable.h"
#include "cli/text.h"

#define BUFFER_BYTES ((size_t)1 << 16)

static varve_status cannot_write(const struct vv_target *target, int number, varve_error *err)
{
    if (number == EINTR && vv_interrupt_signal() != 0)
        return vv_interrupt_fail(err);
    return vv_error_set(err, VARVE_EIO, "cannot write %s: %s",
        target->path ? target->path : "to stdout", vv_errno_text(number));
}

/* The permissions that a new file gets, or those of the one that it replaces. */
static mode_t mode_of(const struct stat *old)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    return old ? old->st_mode & 0777 : 0666 & ~mask;
}

/* stdio forgets why a write has failed. */
static ssize_t take(void *cookie, const char *bytes, size_t len)
{
    struct vv_target *target = cookie;
    size_t done = 0;
    while (done < len && target->failure == 0) {
        ssize_t written = write(target->fd, bytes + done, len - done);
        if (written >= 0) {
            done += (size_t)written;
        } else if (errno != EINTR || vv_interrupt_signal() != 0) {
            target->failure = errno;
        }
    }
    return target->failure == 0 ? (ssize_t)len : 0;
}

static void open_stream(struct vv_target *target, int fd)
{
    cookie_io_functions_t functions = {.write = take};
    target->fd = fd;
    target->file = fopencookie(target, "w", functions);
    if (target->file)
        (void)setvbuf(target->file, NULL, _IOFBF, BUFFER_BYTES);
}

static int open_temporary(struct vv_target *target, const struct stat *old)
{
    struct vv_text name = {0};
    target->real = old ? realpath(target->path, NULL) : strdup(target->path);
    if (target->real == NULL)
        return -1;
    vv_text_addf(&name, "%s.XXXXXX", target->real);
    (void)vv_text_chars(&name);
    int fd = mkstemp(name.ptr);
    if (fd >= 0) {
        (void)fchmod(fd, mode_of(old));
        target->temporary = name.ptr;
    } else {
        free(name.ptr);
    }
    return fd;
}

static varve_status open_file(struct vv_target *target, varve_error *err)
{
    struct stat old;
    bool is_there = stat(target->path, &old) == 0;
    if (is_there && S_ISDIR(old.st_mode))
        return vv_error_set(err, VARVE_EIO, "cannot write %s: it is a folder", target->path);
    int fd = is_there && !S_ISREG(old.st_mode)
                 ? open(target->path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
                 : open_temporary(target, is_there ? &old : NULL);
    if (fd >= 0)
        open_stream(target, fd);
    if (target->file)
        return VARVE_OK;
    varve_status status = cannot_write(target, errno, err);
    free(target->real);
    return status;
}

varve_status vv_target_open(const char *output, const char *pager, struct vv_target *target,
    varve_error *err)
{
    *target = (struct vv_target){.fd = STDOUT_FILENO};
    if (output && strcmp(output, "-") != 0) {
        target->path = output;
        return open_file(target, err);
    }
    if (fflush(stdout) != 0) /* what others wrote comes first */
        target->failure = errno;
    if (pager)
        target->pager = vv_pager_open(pager, &target->file);
    if (target->file == NULL)
        open_stream(target, STDOUT_FILENO);
    return target->file ? VARVE_OK : cannot_write(target, errno, err);
}

static bool reader_is_gone(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR) != 0;
}

static varve_status close_pager(struct vv_target *target, varve_error *err)
{
    (void)fclose(target->file);
    bool is_shown = vv_pager_close(&target->pager);
    if (vv_interrupt_signal() == SIGTERM) /* the pager was ended, too */
        return vv_interrupt_fail(err);
    if (is_shown)
        return VARVE_OK;
    if (errno == ENOEXEC)
        return vv_error_set(err, VARVE_EIO,
            "the pager cannot be run: set PAGER to another one, or add --no-pager");
    return cannot_write(target, errno, err);
}

/*
 * The engine puts a file of its own in the place of one that it is to write to: that one is ours then,
 * with the permissions that were chosen.
 */
static int take_written(struct vv_target *target)
{
    struct stat opened, named;
    if (fstat(target->fd, &opened) != 0 || stat(target->temporary, &named) != 0)
        return errno;
    if (opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
        return 0;
    int fd = open(target->temporary, O_RDONLY | O_CLOEXEC);
    /* Not where it would change nothing: not every file system lets modes be set. */
    bool has_mode = ((opened.st_mode ^ named.st_mode) & 0777) == 0;
    int number = fd >= 0 && (has_mode || fchmod(fd, opened.st_mode & 0777) == 0) ? 0 : errno;
    if (fd >= 0) {
        (void)close(target->fd);
        target->fd = fd;
    }
    return number;
}

/* Where the file system knows of no such thing, it promises nothing: no failure of ours. */
static int unless_unknown(int number)
{
    return number == EINVAL || number == ENOTSUP ? 0 : number;
}

static int sync_bytes(int fd)
{
    int done;
    do
        done = fsync(fd);
    while (done != 0 && errno == EINTR);
    return done == 0 ? 0 : unless_unknown(errno);
}

/*
 * A power cut leaves what was there or what comes in its place, whole: the bytes are on the disk before
 * they have the name. *out_named: they have it.
 */
static int publish(struct vv_target *target, bool *out_named)
{
    int number = take_written(target);
    if (number == 0)
        number = sync_bytes(target->fd);
    if (number == 0 && rename(target->temporary, target->real) != 0)
        number = errno;
    if (number != 0)
        return number;
    *out_named = true;
    return unless_unknown(vv_durable_names(target->real, "", target->fd));
}

/* Closes what was opened; 0, or the errno of what went wrong. */
static int close_file(struct vv_target *target, bool keep, bool *out_named)
{
    int number = target->failure;
    if (target->fd == STDOUT_FILENO)
        return number;
    if (number == 0 && keep && target->temporary != NULL)
        number = publish(target, out_named);
    if (close(target->fd) != 0 && number == 0)
        number = errno;
    if (target->temporary != NULL && !*out_named)
        (void)unlink(target->temporary);
    return number;
}

varve_status vv_target_close(struct vv_target *target, bool keep, varve_error *err)
{
    varve_status status = VARVE_OK;
    if (target->pager)
        return close_pager(target, err);
    if (fclose(target->file) != 0 && target->failure == 0)
        target->failure = errno;
    bool is_left =
        target->temporary == NULL && target->failure != 0 && reader_is_gone(target->fd);
    bool is_named = false;
    int number = close_file(target, keep, &is_named);
    if (number != 0 && is_named)
        status = vv_error_set(err, VARVE_EIO,
            "%s is written, but a power cut may undo that: its folder cannot be synced: %s",
            target->path, vv_errno_text(number));
    else if (number != 0 && keep && !is_left)
        status = cannot_write(target, number, err);
    free(target->temporary);
    free(target->real);
    return status;
}
