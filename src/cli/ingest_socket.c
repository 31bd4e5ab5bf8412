/*
 * The Unix stream socket: clients come, each with lines and answers of its own, and go.
 *
 * Descriptors run out before clients do. Some are kept for the flushes, which read and write files:
 * whoever would take those waits in the queue of the socket until another client has gone.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/ingest.h"

#define MODE 0660
#define BACKLOG 4096
#define FDS_KEPT 128
#define ACCEPTS_MAX 256 /* in a turn */
#define RETRY_MS 1000

static varve_status make_address(const char *path, struct sockaddr_un *out, varve_error *err)
{
    size_t len = strlen(path);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len == 0 || len >= sizeof(out->sun_path))
        return vv_error_set(err, VARVE_EUSAGE,
            "--socket %s: the path of a socket has 1 to %zu bytes; give a shorter one, say by "
            "a link to the folder",
            path, sizeof(out->sun_path) - 1);
    memcpy(out->sun_path, path, len);
    return VARVE_OK;
}

/* Removes what a dead process has left; what is alive, or no socket at all, stays. */
static varve_status clear_path(const char *path, const struct sockaddr_un *address,
    varve_error *err)
{
    struct stat status;
    if (lstat(path, &status) != 0)
        return VARVE_OK;
    if (!S_ISSOCK(status.st_mode))
        return vv_error_set(err, VARVE_EUSAGE,
            "--socket %s: something else is there, and is left alone", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return vv_error_set(err, VARVE_EIO, "--socket: %s", vv_errno_text(errno));
    int result = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    int number = result == 0 ? 0 : errno;
    (void)close(fd);
    if (number != ECONNREFUSED)
        return vv_error_set(err, VARVE_ECONFLICT,
            "--socket %s: another process listens there%s%s; stop it, or take another path",
            path, number && number != EAGAIN ? ": " : "",
            number && number != EAGAIN ? vv_errno_text(number) : "");
    if (unlink(path) != 0)
        return vv_error_set(err, VARVE_EIO, "--socket %s: a stale socket cannot be removed: %s",
            path, vv_errno_text(errno));
    return VARVE_OK;
}

static varve_status fail(const char *path, varve_error *err)
{
    int number = errno;
    (void)vv_error_set(err, number == ENOENT ? VARVE_ENOTFOUND : VARVE_EIO, "--socket %s: %s",
        path, vv_errno_text(number));
    err->os_errno = number;
    return err->code;
}

/* At no time may more people use it than in the end: the mode is set before it has a name. */
static varve_status listen_at(struct vv_ingest *ingest, const char *path, varve_error *err)
{
    struct sockaddr_un address;
    struct stat status;
    VV_TRY(make_address(path, &address, err));
    VV_TRY(clear_path(path, &address, err));
    ingest->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (ingest->listen_fd < 0 || fchmod(ingest->listen_fd, MODE) != 0 ||
        bind(ingest->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return fail(path, err);
    if (chmod(path, MODE) != 0 || listen(ingest->listen_fd, BACKLOG) != 0 ||
        stat(path, &status) != 0)
        return fail(path, err);
    ingest->socket_device = (uint64_t)status.st_dev;
    ingest->socket_inode = (uint64_t)status.st_ino;
    return VARVE_OK;
}

static void set_accepting(struct vv_ingest *ingest, bool is_accepting)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &ingest->listen_fd};
    if (ingest->is_accepting == is_accepting)
        return;
    ingest->is_accepting = is_accepting;
    int how = is_accepting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    (void)epoll_ctl(ingest->inputs_fd, how, ingest->listen_fd, &event);
}

varve_status vv_socket_open(struct vv_ingest *ingest, varve_error *err)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    (void)getrlimit(RLIMIT_NOFILE, &limit);
    size_t fds = limit.rlim_cur > 1 << 20 ? 1 << 20 : (size_t)limit.rlim_cur;
    ingest->clients_max = fds > 2 * FDS_KEPT ? fds - FDS_KEPT : fds / 2;
    varve_status status = listen_at(ingest, ingest->options->socket, err);
    if (status == VARVE_OK)
        set_accepting(ingest, true);
    return status;
}

void vv_socket_close(struct vv_ingest *ingest)
{
    const char *path = ingest->options->socket;
    struct stat status;
    if (ingest->listen_fd < 0)
        return;
    set_accepting(ingest, false);
    (void)close(ingest->listen_fd);
    ingest->listen_fd = -1;
    bool is_ours = lstat(path, &status) == 0 &&
                   (uint64_t)status.st_dev == ingest->socket_device &&
                   (uint64_t)status.st_ino == ingest->socket_inode;
    if (is_ours && ingest->socket_inode != 0)
        (void)unlink(path);
}

static void pause_accepting(struct vv_ingest *ingest, const char *why)
{
    vv_report_clients(ingest, why);
    set_accepting(ingest, false);
    ingest->accept_retry_ms = vv_now_ms() + RETRY_MS;
}

void vv_socket_accept(struct vv_ingest *ingest)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        if (ingest->clients_len >= ingest->clients_max) {
            pause_accepting(ingest, "the limit of open files (ulimit -n)");
            return;
        }
        int fd = accept4(ingest->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
            pause_accepting(ingest, vv_errno_text(errno));
            return;
        }
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            return;
        struct vv_stream *stream = vv_stream_add(ingest, VV_STREAM_CLIENT, fd, fd);
        ingest->clients_len++;
        vv_text_addf(&stream->name, "client %" PRIu64, ++ingest->counts.clients);
        vv_stream_poll(ingest, stream);
    }
}

void vv_socket_resume(struct vv_ingest *ingest, int64_t now_ms)
{
    bool has_room = ingest->clients_len < ingest->clients_max;
    if (ingest->listen_fd >= 0 && !ingest->is_accepting && has_room &&
        now_ms >= ingest->accept_retry_ms)
        set_accepting(ingest, true);
}
