/*
 * stdin as an Arrow stream. A thread of its own reads it, since the reader of a stream waits for
 * its bytes; the loop sees to signals, metrics and flushes meanwhile. When an end is asked for, what
 * had come is still taken; a batch that is not there to its end is not.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/ingest.h"

struct vv_arrow_input {
    struct vv_ingest *ingest;
    pthread_t thread;
    bool has_thread;
    int stop_fd; /* can be read once an end was asked for */
    bool is_stopping;
    size_t bytes_left; /* that had come by then */
    atomic_bool is_done;
    varve_status status; /* once it is done */
    varve_error error;
};

/* What lies in the pipe now was sent before the end was asked for. */
static void begin_to_stop(struct vv_arrow_input *input)
{
    int bytes = 0;
    input->is_stopping = true;
    if (ioctl(STDIN_FILENO, FIONREAD, &bytes) == 0 && bytes > 0)
        input->bytes_left = (size_t)bytes;
}

static int64_t read_stdin(void *data, void *out, size_t bytes)
{
    struct vv_arrow_input *input = data;
    struct pollfd fds[] = {{.events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
    for (;;) {
        if (input->is_stopping && input->bytes_left == 0)
            return -ECANCELED;
        fds[0].fd = input->is_stopping ? -1 : input->stop_fd; /* it stays readable */
        if (poll(fds, VV_COUNT(fds), -1) < 0) {
            if (errno != EINTR)
                return -errno;
            continue;
        }
        if (fds[0].revents != 0) {
            begin_to_stop(input);
            continue;
        }
        if (fds[1].revents == 0)
            continue;
        if (input->is_stopping && bytes > input->bytes_left)
            bytes = input->bytes_left;
        ssize_t len = read(STDIN_FILENO, out, bytes);
        if (len < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (input->is_stopping && len > 0)
            input->bytes_left -= (size_t)len;
        return len >= 0 ? len : -errno;
    }
}

static void *run(void *data)
{
    struct vv_arrow_input *input = data;
    uint64_t sequence = 0;
    input->status = varve_writer_put_arrow_ipc(input->ingest->writer,
        input->ingest->options->table, read_stdin, input, &sequence, &input->error);
    atomic_store(&input->is_done, true);
    const uint64_t one = 1;
    ssize_t len = write(input->ingest->events.wake_fd, &one, sizeof(one));
    (void)len; /* a counter that is full wakes as well */
    return NULL;
}

varve_status vv_arrow_open(struct vv_ingest *ingest, varve_error *err)
{
    struct vv_arrow_input *input = vv_cli_alloc(1, sizeof(*input));
    *input = (struct vv_arrow_input){
        .ingest = ingest, .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    ingest->arrow = input;
    if (input->stop_fd < 0)
        return vv_error_set(err, VARVE_EIO, "eventfd: %s", vv_errno_text(errno));
    int failure = pthread_create(&input->thread, NULL, run, input);
    if (failure != 0)
        return vv_error_set(err, VARVE_EIO, "a thread for the Arrow stream: %s",
            vv_errno_text(failure));
    input->has_thread = true;
    return VARVE_OK;
}

bool vv_arrow_is_done(const struct vv_arrow_input *input)
{
    return input == NULL || atomic_load(&input->is_done);
}

void vv_arrow_stop(struct vv_arrow_input *input)
{
    const uint64_t one = 1;
    if (input == NULL)
        return;
    ssize_t len = write(input->stop_fd, &one, sizeof(one));
    (void)len;
}

varve_status vv_arrow_result(const struct vv_arrow_input *input, varve_error *err)
{
    if (input == NULL || input->status == VARVE_OK || input->status == VARVE_EINTERRUPTED)
        return VARVE_OK;
    return vv_error_set(err, input->status,
        "stdin: %.500s; the rows of the batches before are in the table", input->error.message);
}

void vv_arrow_close(struct vv_ingest *ingest)
{
    struct vv_arrow_input *input = ingest->arrow;
    ingest->arrow = NULL;
    if (input == NULL)
        return;
    if (input->has_thread && !vv_arrow_is_done(input)) {
        varve_writer_interrupt(ingest->writer); /* it may wait for room in the spool */
        vv_arrow_stop(input);
    }
    if (input->has_thread)
        (void)pthread_join(input->thread, NULL);
    if (input->stop_fd >= 0)
        (void)close(input->stop_fd);
    free(input);
}
