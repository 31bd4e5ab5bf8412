/* Streams: their list, and their turns. */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cli/ingest.h"

#define CLIENT_BYTES_MAX (64 << 10) /* in a turn, so that the next client gets its own soon */

struct vv_stream *vv_stream_add(struct vv_ingest *ingest, enum vv_stream_kind kind, int in_fd,
    int out_fd)
{
    struct vv_stream *stream = vv_cli_alloc(1, sizeof(*stream));
    *stream = (struct vv_stream){.kind = kind,
        .in_fd = in_fd,
        .out_fd = out_fd,
        .lines = {.is_csv = ingest->options->is_csv},
        .next = ingest->streams};
    if (ingest->streams)
        ingest->streams->previous = stream;
    ingest->streams = stream;
    return stream;
}

static void set_polled(struct vv_ingest *ingest, struct vv_stream *stream, bool is_polled)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = stream};
    if (stream->is_polled == is_polled || stream->is_ready_always)
        return;
    int how = is_polled ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    if (epoll_ctl(ingest->inputs_fd, how, stream->in_fd, &event) == 0)
        stream->is_polled = is_polled;
    else if (errno == EPERM) /* a file on disk */
        stream->is_ready_always = true;
}

void vv_stream_remove(struct vv_ingest *ingest, struct vv_stream *stream)
{
    if (stream->is_waiting)
        (void)epoll_ctl(ingest->main_fd, EPOLL_CTL_DEL, stream->out_fd, NULL);
    set_polled(ingest, stream, false);
    if (stream->kind == VV_STREAM_CLIENT)
        ingest->clients_len--;
    if (stream->kind != VV_STREAM_STDIN && stream->in_fd >= 0)
        (void)close(stream->in_fd);
    if (stream->previous)
        stream->previous->next = stream->next;
    else
        ingest->streams = stream->next;
    if (stream->next)
        stream->next->previous = stream->previous;
    vv_text_done(&stream->name);
    vv_lines_done(&stream->lines, &ingest->desk);
    vv_csv_names_done(&stream->names);
    vv_runs_done(&stream->runs);
    vv_text_done(&stream->answers);
    free(stream);
}

bool vv_stream_is_wanted(const struct vv_stream *stream)
{
    return !stream->has_ended && !stream->has_lines && !vv_answer_is_stalled(stream);
}

void vv_stream_poll(struct vv_ingest *ingest, struct vv_stream *stream)
{
    if (stream->kind == VV_STREAM_FILE)
        return;
    set_polled(ingest, stream, vv_stream_is_wanted(stream) && !ingest->is_ending);
}

/*
 * stdin that can't be read is no end of rows. Nor is an empty one of CSV, where a source that has no
 * rows has a header still: it has failed before its first line.
 */
static void judge_end(struct vv_ingest *ingest, const struct vv_stream *stream, int number)
{
    const struct vv_lines *lines = &stream->lines;
    bool is_empty = lines->offset == 0 && lines->kept_len == 0;
    if (number != 0)
        (void)vv_error_set(&ingest->failure, VARVE_EIO, "cannot read stdin: %s",
            vv_errno_text(number));
    else if (ingest->options->is_csv && is_empty && ingest->signals == 0)
        (void)vv_error_set(&ingest->failure, VARVE_EINVALID,
            "stdin is empty: CSV needs at least a line with the names of the columns");
}

/* Bytes read; 0: none now, or no more. */
static size_t read_more(struct vv_ingest *ingest, struct vv_stream *stream, size_t bytes_max)
{
    size_t room = 0;
    char *bytes = vv_lines_begin(&stream->lines, &ingest->desk, &room);
    if (room > bytes_max)
        room = bytes_max;
    ssize_t len = read(stream->in_fd, bytes, room);
    if (len > 0) {
        vv_lines_add(&stream->lines, &ingest->desk, (size_t)len);
        vv_take_lines(ingest, stream);
        return (size_t)len;
    }
    int number = len < 0 ? errno : 0;
    bool is_for_now = number == EAGAIN || number == EINTR;
    vv_lines_end(&stream->lines, &ingest->desk);
    stream->has_ended = !is_for_now;
    if (stream->kind == VV_STREAM_STDIN && !is_for_now)
        judge_end(ingest, stream, number);
    else
        stream->is_deaf = stream->is_deaf || (len < 0 && !is_for_now);
    return 0;
}

/* Lines that wait are taken before more is read. */
static size_t turn(struct vv_ingest *ingest, struct vv_stream *stream, size_t bytes_max)
{
    size_t room = 0, len = 0;
    if (stream->has_lines) {
        (void)vv_lines_begin(&stream->lines, &ingest->desk, &room);
        vv_take_lines(ingest, stream);
    } else if (!stream->has_ended) {
        len = read_more(ingest, stream, bytes_max);
    }
    if (stream->has_ended && !stream->has_lines && stream->lines.kept_len > 0)
        vv_take_last(ingest, stream);
    return len;
}

bool vv_stream_is_over(const struct vv_ingest *ingest, const struct vv_stream *stream)
{
    return stream->has_ended && !stream->has_lines && vv_answer_is_done(ingest, stream);
}

void vv_stream_turn(struct vv_ingest *ingest, struct vv_stream *stream)
{
    size_t bytes_max = stream->kind == VV_STREAM_CLIENT ? CLIENT_BYTES_MAX : SIZE_MAX;
    (void)turn(ingest, stream, bytes_max);
    vv_answer_stream(ingest, stream);
    if (stream->has_lines && !vv_answer_is_stalled(stream))
        ingest->do_lines_wait = true;
    if (stream->kind == VV_STREAM_CLIENT && vv_stream_is_over(ingest, stream))
        vv_stream_remove(ingest, stream);
    else
        vv_stream_poll(ingest, stream);
}

bool vv_stream_drain(struct vv_ingest *ingest, struct vv_stream *stream)
{
    while (!ingest->is_full && !vv_answer_is_stalled(stream) &&
           (stream->has_lines || (stream->bytes_left > 0 && !stream->has_ended))) {
        size_t len = turn(ingest, stream, stream->bytes_left);
        bool is_none = len == 0 && !stream->has_lines;
        stream->bytes_left -= len < stream->bytes_left ? len : stream->bytes_left;
        vv_answer_stream(ingest, stream);
        if (is_none)
            stream->bytes_left = 0;
    }
    return !stream->has_lines && (stream->bytes_left == 0 || stream->has_ended);
}
