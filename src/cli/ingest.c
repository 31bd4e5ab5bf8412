/*
 * The loop of `varve ingest`. One thread waits for bytes, for signals and for what the writer's
 * threads report, gives each stream its turn, and after each round answers what is durable.
 *
 * The end: an input that is over (stdin) or a signal. Nothing more is read then but what had come
 * before the signal; everything is flushed, and the last acknowledgements go out. A second signal
 * ends it at once: what was accepted is in the spool, and the next run flushes it.
 */
#include "cli/ingest_arrow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "cli/notify.h"

#define EVENTS_MAX 128
#define ROOM_BYTES ((size_t)1 << 20)       /* of a turn of stdin or a file */
#define KEPT_BYTES_MAX ((size_t)256 << 20) /* of begun lines of all streams */
#define FULL_RETRY_MS 100
#define ACCEPT_RETRY_MS 1000
#define METRICS_MS_LEAST 1000
#define HELD_EVERY_MS 1000

static void watch(int epoll, int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

/* ---- A round ------------------------------------------------------------------------------------ */

/* While the spool is full, inputs are not even looked at. */
static void set_inputs(struct vv_ingest *ingest, bool are_read)
{
    struct epoll_event event = {
        .events = are_read ? EPOLLIN : 0, .data.ptr = &ingest->inputs_fd};
    (void)epoll_ctl(ingest->main_fd, EPOLL_CTL_MOD, ingest->inputs_fd, &event);
}

static void read_inputs(struct vv_ingest *ingest)
{
    struct epoll_event events[EVENTS_MAX];
    int len = epoll_wait(ingest->inputs_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < len && !ingest->is_full; i++) {
        if (events[i].data.ptr == &ingest->listen_fd)
            vv_socket_accept(ingest);
        else
            vv_stream_turn(ingest, events[i].data.ptr);
    }
}

/* A client that has read its answers may be read again. */
static void answer_more(struct vv_ingest *ingest, struct vv_stream *stream)
{
    vv_answer_send(ingest, stream);
    if (vv_answer_is_stalled(stream) || ingest->is_full)
        return;
    if (stream->has_lines || vv_stream_is_over(ingest, stream))
        vv_stream_turn(ingest, stream);
    else
        vv_stream_poll(ingest, stream);
}

static void take_events(struct vv_ingest *ingest, int64_t wait_ms)
{
    struct epoll_event events[EVENTS_MAX];
    uint64_t wakes = 0;
    int len = epoll_wait(ingest->main_fd, events, EVENTS_MAX, (int)wait_ms);
    bool has_inputs = false;
    for (int i = 0; i < len; i++) {
        void *what = events[i].data.ptr;
        if (what == &ingest->signal_fd)
            vv_ingest_take_signals(ingest);
        else if (what == &ingest->events)
            while (read(ingest->events.wake_fd, &wakes, sizeof(wakes)) > 0)
                continue;
        else if (what == &ingest->inputs_fd)
            has_inputs = true;
        else
            answer_more(ingest, what);
    }
    if (has_inputs)
        read_inputs(ingest);
}

/* stdin as a file on disk: it is always ready. */
static bool is_input_ready(const struct vv_ingest *ingest)
{
    return ingest->input && ingest->input->is_ready_always &&
           vv_stream_is_wanted(ingest->input);
}

/* Streams whose lines had to wait for room in the spool. */
static void turn_waiting(struct vv_ingest *ingest)
{
    struct vv_stream *next = NULL, *stream = ingest->do_lines_wait ? ingest->streams : NULL;
    ingest->do_lines_wait = false;
    for (; stream && !ingest->is_full; stream = next) {
        next = stream->next;
        if (stream->kind != VV_STREAM_FILE && stream->has_lines &&
            !vv_answer_is_stalled(stream))
            vv_stream_turn(ingest, stream);
    }
}

static int64_t metrics_interval_ms(const struct vv_ingest_options *options)
{
    return options->interval_ms > METRICS_MS_LEAST ? options->interval_ms : METRICS_MS_LEAST;
}

int64_t vv_ingest_settle(struct vv_ingest *ingest)
{
    varve_error error;
    ingest->has_put = vv_arrow_take(ingest) || ingest->has_put;
    /* If it fails nothing is answered, and what was put is synced with what comes next. */
    if (ingest->options->sync_always && ingest->has_put &&
        varve_writer_sync(ingest->writer, &error) != VARVE_OK)
        vv_report_full(ingest, &error);
    ingest->has_put = false;
    vv_answer_all(ingest);
    vv_arrow_answer(ingest);
    vv_follow_durable(ingest, ingest->stats.sequence_durable);
    int64_t now_ms = vv_now_ms();
    vv_report_troubles(ingest, now_ms);
    if (now_ms >= ingest->metrics_ms) {
        vv_report_metrics(ingest);
        ingest->metrics_ms = now_ms + metrics_interval_ms(ingest->options);
    }
    if (ingest->watchdog_every_ms > 0 && now_ms >= ingest->watchdog_ms) {
        vv_notify("WATCHDOG=1");
        ingest->watchdog_ms = now_ms + ingest->watchdog_every_ms;
    }
    if (ingest->options->is_csv && now_ms >= ingest->held_ms) {
        vv_report_held(ingest, now_ms);
        ingest->held_ms = now_ms + HELD_EVERY_MS;
    }
    int64_t due_ms = ingest->metrics_ms;
    if (ingest->options->is_csv && ingest->held_ms < due_ms)
        due_ms = ingest->held_ms;
    if (ingest->watchdog_every_ms > 0 && ingest->watchdog_ms < due_ms)
        due_ms = ingest->watchdog_ms;
    return due_ms - now_ms;
}

static bool is_over(const struct vv_ingest *ingest)
{
    if (ingest->signals > 0 || ingest->is_refused || ingest->failure.code != VARVE_OK)
        return true;
    if (ingest->arrow)
        return vv_arrow_is_done(ingest->arrow);
    if (ingest->listen_fd >= 0 || ingest->follows_len > 0 || ingest->input == NULL)
        return false;
    bool is_stuck = ingest->full_since_ms != 0 &&
                    vv_now_ms() - ingest->full_since_ms > ingest->options->patience_ms;
    return ingest->input->has_ended && (!ingest->input->has_lines || is_stuck);
}

/* Gives inputs their turn. Returns in how many ms there may be more to do without an event. */
static int64_t give_turns(struct vv_ingest *ingest)
{
    int64_t now_ms = vv_now_ms(), wait_ms = INT64_MAX;
    if (ingest->is_full && now_ms >= ingest->full_retry_ms) {
        ingest->is_full = false;
        ingest->full_retry_ms = now_ms + FULL_RETRY_MS;
    }
    if (!ingest->is_full)
        turn_waiting(ingest);
    if (!ingest->is_full && is_input_ready(ingest))
        vv_stream_turn(ingest, ingest->input);
    if (!ingest->is_full)
        wait_ms = vv_follow_turn(ingest, now_ms);
    vv_socket_resume(ingest, now_ms);
    set_inputs(ingest, !ingest->is_full);
    if (ingest->is_full)
        return FULL_RETRY_MS;
    if (is_input_ready(ingest) || ingest->do_lines_wait)
        return 0;
    bool is_socket_paused = ingest->listen_fd >= 0 && !ingest->is_accepting;
    return is_socket_paused && wait_ms > ACCEPT_RETRY_MS ? ACCEPT_RETRY_MS : wait_ms;
}

static void run_loop(struct vv_ingest *ingest)
{
    while (!is_over(ingest)) {
        int64_t turn_ms = give_turns(ingest);
        int64_t settle_ms = vv_ingest_settle(ingest);
        int64_t wait_ms = turn_ms < settle_ms ? turn_ms : settle_ms;
        /* The turn may have seen the end; then no event will come. */
        take_events(ingest, wait_ms > 0 && !is_over(ingest) ? wait_ms : 0);
    }
}

/* ---- Begin and end ------------------------------------------------------------------------------ */

static varve_status open_all(struct vv_ingest *ingest, varve_writer_options *writer,
    varve_error *err)
{
    const struct vv_ingest_options *options = ingest->options;
    VV_TRY(vv_events_open(&ingest->events, err));
    ingest->main_fd = epoll_create1(EPOLL_CLOEXEC);
    ingest->inputs_fd = epoll_create1(EPOLL_CLOEXEC);
    if (ingest->main_fd < 0 || ingest->inputs_fd < 0)
        return vv_error_set(err, VARVE_EIO, "epoll: %s", vv_errno_text(errno));
    watch(ingest->main_fd, ingest->signal_fd, &ingest->signal_fd);
    watch(ingest->main_fd, ingest->events.wake_fd, &ingest->events);
    watch(ingest->main_fd, ingest->inputs_fd, &ingest->inputs_fd);
    vv_desk_init(&ingest->desk, options->line_bytes_max, ROOM_BYTES, KEPT_BYTES_MAX);
    vv_events_connect(&ingest->events, writer);
    VV_TRY(varve_writer_open(ingest->cli->lake, writer, &ingest->writer, err));
    varve_writer_get_stats(ingest->writer, &ingest->stats);
    ingest->sequence = ingest->stats.sequence_accepted;
    VV_TRY(vv_follow_open(ingest, err));
    if (options->socket)
        VV_TRY(vv_socket_open(ingest, err));
    if (options->is_arrow)
        return vv_arrow_open(ingest, err);
    if (!options->reads_stdin)
        return VARVE_OK;
    ingest->input = vv_stream_add(ingest, VV_STREAM_STDIN, STDIN_FILENO, STDOUT_FILENO);
    vv_text_adds(&ingest->input->name, "stdin");
    vv_stream_poll(ingest, ingest->input);
    return VARVE_OK;
}

static void close_all(struct vv_ingest *ingest)
{
    vv_socket_close(ingest);
    while (ingest->streams)
        vv_stream_remove(ingest, ingest->streams);
    vv_follow_close(ingest);
    vv_arrow_close(ingest);
    varve_writer_abandon(ingest->writer); /* where it was not closed well */
    vv_events_close(&ingest->events);
    vv_desk_done(&ingest->desk);
    vv_text_done(&ingest->row);
    vv_runs_done(&ingest->told);
    const int fds[] = {ingest->signal_fd, ingest->inputs_fd, ingest->main_fd};
    for (size_t i = 0; i < VV_COUNT(fds); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
}

varve_status vv_ingest_run(struct vv_cli *cli, const struct vv_ingest_options *options,
    varve_writer_options *writer, int signal_fd)
{
    int64_t now_ms = vv_now_ms();
    struct vv_ingest ingest = {.cli = cli,
        .options = options,
        .events = {.wake_fd = -1},
        .main_fd = -1,
        .inputs_fd = -1,
        .signal_fd = signal_fd,
        .listen_fd = -1,
        .started_ms = now_ms,
        .metrics_ms = now_ms + metrics_interval_ms(options),
        .watchdog_every_ms = vv_notify_watchdog_ms()};
    varve_status status = open_all(&ingest, writer, &cli->error);
    if (status == VARVE_OK) {
        vv_notify("READY=1");
        run_loop(&ingest);
        vv_notify("STOPPING=1");
        status = vv_ingest_finish(&ingest);
    }
    close_all(&ingest);
    return status;
}
