/*
 * stdin as an Arrow stream. A thread of its own reads it, since the reader of a stream waits for
 * its bytes; the loop sees to signals, metrics and flushes meanwhile. When an end is asked for, what
 * had come is still taken; a batch that is not there to its end is not.
 *
 * With --ack each batch gets a line, since its rows have none: {"ack":B,"rows":N,
 * "first_sequence":S,"last_sequence":T}, where no other input puts rows in between; and a row of it that
 * is set aside {"batch":B,"row":R,"sequence":S,"error":...}, before that if it is known by then.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/ingest_arrow.h"

struct batch {
    uint64_t number; /* in the stream, from 1 */
    uint64_t rows;
    uint64_t last_sequence;
};

struct batches {
    struct batch *items;
    size_t len, capacity;
};

struct vv_arrow_input {
    struct vv_ingest *ingest;
    struct vv_stream *stream; /* for its answers; NULL: none are asked for */
    uint64_t batches;         /* the thread's: so many so far */
    pthread_mutex_t lock;
    struct batches accepted; /* guarded by: lock; since the loop has looked */
    struct batches waiting;  /* the loop's: not committed yet, or not acknowledged */
    uint64_t batch_acked;
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

static void add_batch(struct batches *batches, const struct batch *batch)
{
    if (batches->len == batches->capacity) {
        size_t capacity = batches->capacity ? batches->capacity * 2 : 64;
        batches->items = vv_cli_realloc(batches->items, capacity * sizeof(*batches->items));
        batches->capacity = capacity;
    }
    batches->items[batches->len++] = *batch;
}

static void wake(const struct vv_arrow_input *input)
{
    const uint64_t one = 1;
    ssize_t len = write(input->ingest->events.wake_fd, &one, sizeof(one));
    (void)len; /* a counter that is full wakes as well */
}

static void on_batch(void *data, uint64_t rows, uint64_t last_sequence)
{
    struct vv_arrow_input *input = data;
    const struct batch batch = {++input->batches, rows, last_sequence};
    if (input->stream) {
        (void)pthread_mutex_lock(&input->lock);
        add_batch(&input->accepted, &batch);
        (void)pthread_mutex_unlock(&input->lock);
    }
    wake(input);
}

static void *run(void *data)
{
    struct vv_arrow_input *input = data;
    uint64_t sequence = 0;
    input->status = varve_writer_put_arrow_ipc(input->ingest->writer,
        input->ingest->options->table, read_stdin, on_batch, input, &sequence, &input->error);
    atomic_store(&input->is_done, true);
    wake(input);
    return NULL;
}

varve_status vv_arrow_open(struct vv_ingest *ingest, varve_error *err)
{
    struct vv_arrow_input *input = vv_cli_alloc(1, sizeof(*input));
    *input = (struct vv_arrow_input){
        .ingest = ingest, .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    ingest->arrow = input;
    (void)pthread_mutex_init(&input->lock, NULL);
    if (ingest->options->ack != VV_ACK_NONE) {
        input->stream = vv_stream_add(ingest, VV_STREAM_STDIN, -1, STDOUT_FILENO);
        input->stream->has_ended = true; /* nothing comes by lines */
    }
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
        input->batches > 0 ? "stdin: %.500s; the rows of the batches before are in the table"
                           : "stdin: %.500s",
        input->error.message);
}

/* ---- Answers ------------------------------------------------------------------------------------ */

bool vv_arrow_take(struct vv_ingest *ingest)
{
    struct vv_arrow_input *input = ingest->arrow;
    if (input == NULL || input->stream == NULL)
        return false;
    (void)pthread_mutex_lock(&input->lock);
    size_t len = input->accepted.len;
    for (size_t i = 0; i < len; i++)
        add_batch(&input->waiting, &input->accepted.items[i]);
    input->accepted.len = 0;
    (void)pthread_mutex_unlock(&input->lock);
    return len > 0;
}

bool vv_arrow_refuse(struct vv_ingest *ingest, uint64_t sequence, const char *reason)
{
    struct vv_arrow_input *input = ingest->arrow;
    for (size_t i = 0; input && input->stream && i < input->waiting.len; i++) {
        const struct batch *batch = &input->waiting.items[i];
        if (sequence > batch->last_sequence || sequence + batch->rows <= batch->last_sequence)
            continue;
        struct vv_text *answers = &input->stream->answers;
        vv_text_addf(answers,
            "{\"batch\":%" PRIu64 ",\"row\":%" PRIu64 ",\"sequence\":%" PRIu64 ",\"error\":",
            batch->number, sequence + batch->rows - batch->last_sequence, sequence);
        vv_text_add_json(answers, reason, strlen(reason));
        vv_text_addf(answers, ",\"code\":\"%s\"}\n", varve_status_name(VARVE_EINVALID));
        return true;
    }
    return false;
}

static void acknowledge(struct vv_stream *stream, const struct batch *batch)
{
    struct vv_text *answers = &stream->answers;
    vv_text_addf(answers, "{\"ack\":%" PRIu64 ",\"rows\":%" PRIu64, batch->number, batch->rows);
    if (batch->rows > 0)
        vv_text_addf(answers, ",\"first_sequence\":%" PRIu64 ",\"last_sequence\":%" PRIu64,
            batch->last_sequence - batch->rows + 1, batch->last_sequence);
    vv_text_adds(answers, "}\n");
}

void vv_arrow_answer(struct vv_ingest *ingest)
{
    struct vv_arrow_input *input = ingest->arrow;
    if (input == NULL || input->stream == NULL)
        return;
    struct vv_stream *stream = input->stream;
    struct batches *waiting = &input->waiting;
    uint64_t durable = vv_answer_sequence(ingest);
    size_t kept = 0;
    for (size_t i = 0; i < waiting->len; i++) {
        const struct batch *batch = &waiting->items[i];
        bool is_next = batch->number == input->batch_acked + 1;
        if (is_next && batch->last_sequence <= durable && !vv_answer_is_stalled(stream)) {
            acknowledge(stream, batch);
            input->batch_acked = batch->number;
        }
        /* Rows of it may still be set aside until it is committed. */
        if (batch->number > input->batch_acked ||
            batch->last_sequence > ingest->stats.sequence_committed)
            waiting->items[kept++] = *batch;
    }
    waiting->len = kept;
    vv_answer_send(ingest, stream);
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
    (void)pthread_mutex_destroy(&input->lock);
    free(input->accepted.items);
    free(input->waiting.items);
    free(input);
}
