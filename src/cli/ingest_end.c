/*
 * How a run ends. What had come before the signal is taken, whatever was accepted is flushed, and
 * the last answers go out. A second signal, or a SIGINT while that lasts, ends it at once; so does a
 * lake that can't be written to, after a while: what was accepted is in the spool, and the next run
 * flushes it.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/ingest_arrow.h"

#define FLUSH_SLICE_MS 100
#define LAST_WORDS_MS 2000 /* for clients to take their answers */

varve_status vv_ingest_catch_signals(int *out_fd, varve_error *err)
{
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGINT);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0)
        return vv_error_set(err, VARVE_EIO, "signals cannot be blocked");
    int fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    *out_fd = fd;
    if (fd < 0)
        return vv_error_set(err, VARVE_EIO, "signalfd: %s", vv_errno_text(errno));
    /* One that came while the program started is answered as if it came now. */
    int early = vv_interrupt_signal();
    if (early != 0) {
        vv_interrupt_forget(early);
        (void)raise(early);
    }
    return VARVE_OK;
}

void vv_ingest_take_signals(struct vv_ingest *ingest)
{
    struct signalfd_siginfo signal;
    varve_error error;
    while (read(ingest->signal_fd, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
        if (signal.ssi_signo != SIGHUP) {
            /* Somebody who sits there asks again; a supervisor's SIGTERM may come with the end of stdin. */
            ingest->signals += ingest->is_ending && signal.ssi_signo == SIGINT ? 2 : 1;
            continue;
        }
        vv_say(ingest->cli, "varve: flushes on SIGHUP");
        /* Begun, not waited for: a client must not wait either. */
        varve_status status = varve_writer_flush(ingest->writer, 0, &error);
        if (status != VARVE_OK && status != VARVE_ELIMIT)
            vv_report_error(&error);
    }
}

/* "1 row stays", "2 rows stay", the number before it. */
static const char *rows_stay(int64_t rows)
{
    return rows == 1 ? "row stays" : "rows stay";
}

static _Noreturn void end_at_once(struct vv_ingest *ingest)
{
    varve_writer_get_stats(ingest->writer, &ingest->stats);
    vv_socket_close(ingest);
    vv_say(ingest->cli,
        "varve: ended before everything was flushed: %" PRId64
        " %s in the spool %s; the next varve ingest or varve spool flush writes what is there",
        ingest->stats.rows_waiting, rows_stay(ingest->stats.rows_waiting),
        ingest->options->spool);
    _exit(VARVE_EINTERRUPTED);
}

/* What lies in pipes and sockets now was sent before the end was asked for. */
static void mark_what_came(struct vv_ingest *ingest)
{
    for (struct vv_stream *stream = ingest->streams; stream; stream = stream->next) {
        int bytes = 0;
        bool is_file = stream->kind == VV_STREAM_FILE || stream->is_ready_always;
        if (!is_file && ioctl(stream->in_fd, FIONREAD, &bytes) == 0 && bytes > 0)
            stream->bytes_left = (size_t)bytes;
    }
}

/* False: not everything yet. */
static bool drain(struct vv_ingest *ingest)
{
    bool is_drained = true;
    ingest->is_full = false;
    for (struct vv_stream *stream = ingest->streams; stream; stream = stream->next) {
        if (stream->kind == VV_STREAM_FILE) /* it is still there when the next run comes */
            continue;
        vv_answer_send(ingest, stream);
        bool is_stalled = vv_answer_is_stalled(stream);
        is_drained = (vv_stream_drain(ingest, stream) || is_stalled) && is_drained;
        vv_answer_stream(ingest, stream);
    }
    return is_drained;
}

static varve_status give_up(struct vv_ingest *ingest, const varve_error *why)
{
    varve_error *err = &ingest->cli->error;
    *err = *why;
    varve_writer_get_stats(ingest->writer, &ingest->stats);
    return vv_error_set(err, why->code,
        "ended without everything flushed: %" PRId64
        " %s in the spool %s, and the next varve ingest or varve spool flush writes what is "
        "there%s: %.300s",
        ingest->stats.rows_waiting, rows_stay(ingest->stats.rows_waiting),
        ingest->options->spool, ingest->is_full ? "; lines that came are not taken" : "",
        why->message);
}

/* Has it been so since then, for longer than is waited? */
static bool is_enough(const struct vv_ingest *ingest, int64_t since_ms, int64_t begun_ms)
{
    if (since_ms != 0 && since_ms < begun_ms)
        since_ms = begun_ms;
    return since_ms != 0 && vv_now_ms() - since_ms > ingest->options->patience_ms;
}

/*
 * For a moment. A table whose flush fails is tried again by the writer when its time has come; to ask for
 * a flush before would be another attempt at once, ten times a second. `asked`: the newest row that a
 * flush was asked for with; those behind it may be of tables that are well.
 */
static varve_status flush_slice(struct vv_ingest *ingest, uint64_t *asked)
{
    struct pollfd signals = {.fd = ingest->signal_fd, .events = POLLIN};
    if (*asked != ingest->sequence || vv_events_again_ms(&ingest->events) <= vv_now_ms()) {
        *asked = ingest->sequence;
        return varve_writer_flush(ingest->writer, FLUSH_SLICE_MS, &ingest->cli->error);
    }
    (void)poll(&signals, 1, FLUSH_SLICE_MS);
    return VARVE_ELIMIT;
}

/* Until all is committed. */
static varve_status flush(struct vv_ingest *ingest)
{
    uint64_t asked = UINT64_MAX;
    int64_t begun_ms = vv_now_ms();
    varve_error error = {.code = VARVE_OK};
    for (;;) {
        bool is_drained = drain(ingest) && vv_arrow_is_done(ingest->arrow);
        varve_status status = flush_slice(ingest, &asked);
        (void)vv_ingest_settle(ingest);
        if (status == VARVE_OK && is_drained)
            return VARVE_OK;
        if (status != VARVE_OK && status != VARVE_ELIMIT)
            return status;
        vv_ingest_take_signals(ingest);
        if (ingest->signals > 1)
            end_at_once(ingest);
        if (is_enough(ingest, vv_events_failing_since_ms(&ingest->events, &error), begun_ms))
            return give_up(ingest, &error);
        if (status != VARVE_OK || !ingest->is_full)
            continue;
        /* Nothing is left to flush, and yet lines that came can't be taken. */
        if (is_enough(ingest, ingest->full_since_ms, begun_ms))
            return give_up(ingest, &ingest->full_error);
        (void)poll(NULL, 0, FLUSH_SLICE_MS);
    }
}

/* Clients get their last acknowledgements, if they take them. */
static void say_last_words(struct vv_ingest *ingest)
{
    int64_t end_ms = vv_now_ms() + LAST_WORDS_MS;
    for (bool has_more = true; has_more && vv_now_ms() < end_ms;) {
        has_more = false;
        (void)vv_arrow_take(ingest);
        vv_arrow_answer(ingest);
        for (struct vv_stream *stream = ingest->streams; stream; stream = stream->next) {
            vv_answer_stream(ingest, stream);
            vv_answer_send(ingest, stream);
            has_more = has_more || (stream->is_waiting && !stream->is_deaf);
        }
        if (has_more)
            (void)poll(NULL, 0, 10);
    }
}

/* What could not be flushed must not hide what ended the run. */
static varve_status tell_both(struct vv_ingest *ingest)
{
    varve_error *err = &ingest->cli->error;
    const varve_error flushed = *err;
    if (ingest->failure.code == VARVE_OK)
        return flushed.code;
    return vv_error_set(err, flushed.code, "%.300s; %s", ingest->failure.message,
        flushed.message);
}

varve_status vv_ingest_finish(struct vv_ingest *ingest)
{
    ingest->is_ending = true;
    vv_socket_close(ingest); /* nobody comes any more */
    vv_arrow_stop(ingest->arrow);
    if (ingest->signals > 0 || ingest->failure.code != VARVE_OK)
        mark_what_came(ingest);
    if (ingest->signals > 1)
        end_at_once(ingest);
    varve_status status = flush(ingest);
    say_last_words(ingest);
    vv_report_left(ingest);
    if (status != VARVE_OK)
        return tell_both(ingest);
    varve_writer_get_stats(ingest->writer, &ingest->stats);
    vv_report_metrics(ingest);
    VV_TRY(vv_report_end(ingest));
    varve_writer *writer = ingest->writer;
    ingest->writer = NULL;
    VV_TRY(varve_writer_close(writer, &ingest->cli->error));
    if (ingest->failure.code != VARVE_OK) {
        ingest->cli->error = ingest->failure;
        return ingest->failure.code;
    }
    return vv_arrow_result(ingest->arrow, &ingest->cli->error);
}
