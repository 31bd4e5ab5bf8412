/*
 * Answers to clients: {"ack":N} when all lines up to N are dealt with, and the reason for each line
 * that no row was made of, always before the acknowledgement that counts it.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/ingest_arrow.h"

#define ANSWERS_BYTES_MAX (64 << 10) /* then nothing more is read */
#define ANSWERS_BYTES_LAST (1 << 20) /* then what comes late is dropped, and counted */
#define REASON_BYTES_MAX 1000
#define STDOUT_BYTES_MAX 4096 /* so many a pipe takes at once when it says that it takes any */

static size_t waiting(const struct vv_stream *stream)
{
    return stream->answers.len - stream->answers_sent;
}

bool vv_answer_is_stalled(const struct vv_stream *stream)
{
    return !stream->is_deaf && waiting(stream) > ANSWERS_BYTES_MAX;
}

bool vv_answer_can_hear(const struct vv_ingest *ingest, const struct vv_stream *stream)
{
    bool is_asked = stream->kind == VV_STREAM_CLIENT || ingest->options->ack != VV_ACK_NONE;
    return stream->out_fd >= 0 && !stream->is_deaf && is_asked;
}

void vv_answer_refusal(struct vv_ingest *ingest, struct vv_stream *stream, uint64_t line,
    bool is_kept, const char *reason, varve_status code)
{
    struct vv_text *answers = &stream->answers;
    size_t len = strlen(reason);
    if (!vv_answer_can_hear(ingest, stream)) {
        vv_report_refusal(ingest, vv_text_chars(&stream->name), "line", line, is_kept, reason);
        return;
    }
    if (waiting(stream) > ANSWERS_BYTES_LAST) {
        ingest->counts.answers_dropped++;
        return;
    }
    vv_text_addf(answers, "{\"line\":%" PRIu64 ",\"error\":", line);
    vv_text_add_json(answers, reason, len < REASON_BYTES_MAX ? len : REASON_BYTES_MAX);
    vv_text_addf(answers, ",\"code\":\"%s\"}\n", varve_status_name(code));
}

/* ---- Sending ----------------------------------------------------------------------------------- */

/* -1 with EAGAIN: not now. */
static ssize_t send_some(const struct vv_stream *stream, const char *bytes, size_t len)
{
    struct pollfd ready = {.fd = stream->out_fd, .events = POLLOUT};
    if (stream->kind == VV_STREAM_CLIENT)
        return send(stream->out_fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (poll(&ready, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(stream->out_fd, bytes, len < STDOUT_BYTES_MAX ? len : STDOUT_BYTES_MAX);
}

static void set_waiting(struct vv_ingest *ingest, struct vv_stream *stream, bool is_waiting)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = stream};
    if (stream->is_waiting == is_waiting)
        return;
    stream->is_waiting = is_waiting;
    int how = is_waiting ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    (void)epoll_ctl(ingest->main_fd, how, stream->out_fd, &event);
}

void vv_answer_send(struct vv_ingest *ingest, struct vv_stream *stream)
{
    struct vv_text *answers = &stream->answers;
    while (waiting(stream) > 0 && !stream->is_deaf) {
        ssize_t len = send_some(stream, answers->ptr + stream->answers_sent, waiting(stream));
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN) {
            set_waiting(ingest, stream, true);
            return;
        }
        stream->is_deaf = len < 0; /* it has gone, or reads no more */
        stream->answers_sent += len > 0 ? (size_t)len : 0;
    }
    set_waiting(ingest, stream, false);
    stream->answers_sent = 0;
    if (answers->capacity > ANSWERS_BYTES_MAX)
        vv_text_done(answers);
    vv_text_clear(answers);
}

/* ---- Acknowledgements --------------------------------------------------------------------------- */

uint64_t vv_answer_sequence(const struct vv_ingest *ingest)
{
    switch (ingest->options->ack) {
    case VV_ACK_NONE:
    case VV_ACK_ACCEPTED:
        break;
    case VV_ACK_SPOOLED:
        return ingest->stats.sequence_durable;
    case VV_ACK_COMMITTED:
        return ingest->stats.sequence_committed;
    }
    return UINT64_MAX;
}

static void acknowledge(struct vv_ingest *ingest, struct vv_stream *stream, uint64_t sequence)
{
    uint64_t line = vv_runs_line_until(&stream->runs, sequence);
    if (line <= stream->line_acked)
        return;
    stream->line_acked = line;
    if (vv_answer_can_hear(ingest, stream))
        vv_text_addf(&stream->answers, "{\"ack\":%" PRIu64 "}\n", line);
}

void vv_answer_stream(struct vv_ingest *ingest, struct vv_stream *stream)
{
    if (ingest->options->ack != VV_ACK_NONE)
        acknowledge(ingest, stream, vv_answer_sequence(ingest));
    if (waiting(stream) > 0 && !stream->is_waiting)
        vv_answer_send(ingest, stream);
}

/* Rows that were set aside when they were to be committed. */
static void tell_refusals(struct vv_ingest *ingest)
{
    size_t len = 0;
    uint64_t lost = 0;
    struct vv_refusal *refusals = vv_events_refusals(&ingest->events, &len, &lost);
    for (size_t i = 0; i < len; i++) {
        struct vv_stream *stream = ingest->streams;
        uint64_t line = 0;
        if (vv_runs_find(&ingest->told, refusals[i].sequence) != 0)
            continue;
        while (stream && (line = vv_runs_find(&stream->runs, refusals[i].sequence)) == 0)
            stream = stream->next;
        if (stream == NULL && vv_arrow_refuse(ingest, refusals[i].sequence, refusals[i].reason))
            continue;
        if (stream == NULL) {
            vv_report_quarantined(ingest, &refusals[i]);
            continue;
        }
        vv_answer_refusal(ingest, stream, line, true, refusals[i].reason, VARVE_EINVALID);
        if (!stream->is_waiting)
            vv_answer_send(ingest, stream);
    }
    vv_refusals_free(refusals, len);
    ingest->counts.answers_dropped += lost;
}

void vv_answer_all(struct vv_ingest *ingest)
{
    struct vv_stream *next = NULL;
    /* Counts first: what they call committed has had its refusals before. */
    varve_writer_get_stats(ingest->writer, &ingest->stats);
    const varve_writer_stats *stats = &ingest->stats;
    tell_refusals(ingest);
    if (stats->sequence_durable == ingest->answered_durable &&
        stats->sequence_committed == ingest->answered_committed)
        return;
    vv_runs_forget(&ingest->told, stats->sequence_committed);
    ingest->answered_durable = stats->sequence_durable;
    ingest->answered_committed = stats->sequence_committed;
    for (struct vv_stream *stream = ingest->streams; stream; stream = next) {
        next = stream->next;
        vv_answer_stream(ingest, stream);
        vv_runs_forget(&stream->runs, stats->sequence_committed);
        if (stream->kind == VV_STREAM_CLIENT && vv_stream_is_over(ingest, stream))
            vv_stream_remove(ingest, stream);
    }
}

bool vv_answer_is_done(const struct vv_ingest *ingest, const struct vv_stream *stream)
{
    bool is_acked =
        ingest->options->ack == VV_ACK_NONE || stream->line_acked >= stream->runs.line_last;
    return stream->is_deaf || (is_acked && waiting(stream) == 0);
}
