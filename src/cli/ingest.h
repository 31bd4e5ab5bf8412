/*
 * What `varve ingest` is made of. One thread reads all inputs, puts their rows and answers their
 * clients; the writer of the library has threads of its own, which report through events.
 *
 *     ingest.c           the loop, from the first input to the last flush
 *     ingest_take.c      lines become rows of the spool, or are refused
 *     ingest_header.c    the first line of CSV is held against the table
 *     ingest_answer.c    acknowledgements and refusals, to clients that may stall
 *     ingest_socket.c    clients come and go
 *     ingest_follow.c    a file that grows, and is rotated; trail.h, tail.h
 *     ingest_events.c    what the writer's threads have to say
 *     ingest_report.c    metrics, and messages that do not flood
 *     ingest_arrow.c     an Arrow stream instead of lines; ingest_arrow.h
 *
 * Back-pressure: while the spool is full no input is read, until a flush has made room; a client
 * that does not read its answers is not read either. Nothing is dropped.
 */
#ifndef VV_CLI_INGEST_H
#define VV_CLI_INGEST_H

#include <pthread.h>

#include "cli/cli.h"
#include "cli/csv_row.h"
#include "cli/trail.h"
#include "cli/lines.h"
#include "cli/runs.h"
#include "cli/tail.h"
#include "varve/writer.h"

/* In the order of the choices of --ack. */
enum vv_ack {
    VV_ACK_NONE,
    VV_ACK_ACCEPTED,
    VV_ACK_SPOOLED,
    VV_ACK_COMMITTED
};

struct vv_ingest_options {
    const char *table; /* NULL: each line names its own */
    bool reads_stdin;
    const char *socket; /* NULL: none */
    struct vv_list follow;
    bool is_csv;
    varve_table *csv_table; /* of `table`, to hold headers against; NULL: not needed */
    bool has_table_column;  /* it has one that is called "table" */
    bool is_arrow;          /* of stdin; it is read by a thread */
    enum vv_ack ack;
    bool sync_always;
    int64_t interval_ms;
    int64_t patience_ms; /* with flushes that fail in the end */
    size_t line_bytes_max;
    const char *spool; /* the folder */
    bool maintains;
};

/* ---- Events ----------------------------------------------------------------------------------- */

struct vv_refusal { /* a row that was set aside when it was to be committed */
    uint64_t sequence;
    char *table, *reason;
};

struct vv_trouble { /* a table whose flush fails and is repeated */
    char *table;    /* "": the spool, which can't be sealed */
    uint64_t retries;
    varve_error error;
    int64_t since_ms;
    int64_t retry_ms;
    int64_t again_ms; /* when it is tried again */
    int64_t said_ms;  /* 0: not yet */
    bool is_over;
};

struct vv_upkeep {                              /* what maintenance has done since the start */
    int64_t runs, tasks, left, failed, skipped; /* skipped: at the last run */
    int64_t files_added, files_removed, files_vacuumed, checkpoints;
};

struct vv_events {
    pthread_mutex_t lock;
    int wake_fd;
    /* guarded by: lock */
    struct vv_refusal *refusals;
    size_t refusals_len, refusals_capacity;
    uint64_t refusals_lost; /* too many at once to be told */
    struct vv_trouble *troubles;
    size_t troubles_len;
    struct vv_upkeep upkeep;
};

varve_status vv_events_open(struct vv_events *events, varve_error *err);
void vv_events_close(struct vv_events *events);
/* Sets the callbacks of a writer. */
void vv_events_connect(struct vv_events *events, varve_writer_options *options);
/* Moves the refusals out; vv_refusals_free gives them back. */
struct vv_refusal *vv_events_refusals(struct vv_events *events, size_t *out_len,
    uint64_t *out_lost);
void vv_refusals_free(struct vv_refusal *refusals, size_t len);
struct vv_upkeep vv_events_upkeep(struct vv_events *events);
/* Since when some table has not been flushed; 0: all is well. `out_error` (may be NULL): why. */
int64_t vv_events_failing_since_ms(struct vv_events *events, varve_error *out_error);
/* When the first of such tables is tried again; 0: all is well. */
int64_t vv_events_again_ms(struct vv_events *events);

/* ---- Streams ---------------------------------------------------------------------------------- */

enum vv_stream_kind {
    VV_STREAM_STDIN,
    VV_STREAM_CLIENT,
    VV_STREAM_FILE
};

struct vv_stream {
    enum vv_stream_kind kind;
    struct vv_text name; /* for messages: "stdin", "client 7", the file */
    int in_fd, out_fd;   /* -1: none */
    struct vv_lines lines;
    bool has_lines;       /* whole lines wait: they could not be taken */
    bool has_ended;       /* nothing more comes */
    bool is_polled;       /* for bytes to read */
    bool is_ready_always; /* a file as stdin: it can't be polled */
    struct vv_csv_names names;
    struct vv_runs runs;
    uint64_t line_acked;
    struct vv_text answers; /* not sent from `answers_sent` on */
    size_t answers_sent;
    bool is_deaf;           /* takes no answers any more */
    bool is_waiting;        /* until answers can be sent */
    size_t bytes_left;      /* that had come when the end was asked for */
    uint64_t held_offset;   /* of lines behind an open quote */
    int64_t held_since_ms;  /* 0: there are none; INT64_MAX: it was said */
    struct vv_trail *trail; /* of a followed file: what was taken */
    struct vv_stream *next, *previous;
};

struct vv_counts {    /* since the start */
    uint64_t lines;   /* whole ones */
    uint64_t refused; /* no rows, and in no quarantine */
    uint64_t cut;     /* half lines of clients that went away */
    uint64_t clients, answers_dropped;
    uint64_t full; /* times that the spool was found full */
};

/* So many messages of a kind in an interval, then a count of the others. */
struct vv_limiter {
    uint32_t said;
    uint64_t more;
};

struct vv_follow;
struct vv_arrow_input;

struct vv_ingest {
    struct vv_cli *cli;
    const struct vv_ingest_options *options;
    varve_writer *writer;
    struct vv_events events;
    struct vv_desk desk;
    struct vv_text row;  /* of CSV, as JSON */
    uint64_t sequence;   /* newest accepted */
    struct vv_runs told; /* rows that go to quarantine, whose senders know it already */
    bool has_put;        /* since the last sync */
    bool is_full;        /* the spool or its disk: no input is read */
    bool is_refused;     /* the spool is another's too: the run ends */
    varve_error failure; /* an input that can give no row, and comes from no client: so, too */
    bool is_full_said;
    int64_t full_since_ms; /* a line has waited since then, and none was taken; 0: none waits */
    varve_error full_error;
    int64_t full_retry_ms;
    bool do_lines_wait; /* of some stream, which has to have its turn without an event */
    uint64_t answered_durable, answered_committed; /* sequences that all streams know of */

    int main_fd, inputs_fd, signal_fd; /* epoll, epoll, signalfd; -1 */
    int signals;                       /* that ask for an end */
    bool is_ending;
    struct vv_stream *streams;
    struct vv_stream *input;      /* stdin; NULL: not read */
    struct vv_arrow_input *arrow; /* stdin, another way; NULL: not read so */

    int listen_fd; /* -1: none */
    bool is_accepting;
    int64_t accept_retry_ms;
    uint64_t socket_device, socket_inode;
    size_t clients_len, clients_max;

    struct vv_follow *follows;
    size_t follows_len;
    struct vv_counts counts;
    struct vv_limiter refusals_said, clients_said, full_said, held_said;
    int64_t started_ms;
    int64_t metrics_ms, watchdog_ms, held_ms; /* when the next ones are due */
    int64_t watchdog_every_ms;                /* 0: none */
    varve_writer_stats stats;                 /* as of the last turn */
};

struct vv_stream *vv_stream_add(struct vv_ingest *ingest, enum vv_stream_kind kind, int in_fd,
    int out_fd);
/* Closes what it has opened itself. */
void vv_stream_remove(struct vv_ingest *ingest, struct vv_stream *stream);
/* Whether more of it may be read: what came has been taken, its answers go out. */
bool vv_stream_is_wanted(const struct vv_stream *stream);
/* Waits for bytes, or no longer. */
void vv_stream_poll(struct vv_ingest *ingest, struct vv_stream *stream);
/* One turn: lines that wait, else what can be read. A client that is over is removed. */
void vv_stream_turn(struct vv_ingest *ingest, struct vv_stream *stream);
/* Nothing more comes, all lines are taken, all answers sent. */
bool vv_stream_is_over(const struct vv_ingest *ingest, const struct vv_stream *stream);
/* At the end: takes what had come. False: not all of it, the spool is full or answers stall. */
bool vv_stream_drain(struct vv_ingest *ingest, struct vv_stream *stream);

/* ---- ingest_take.c, ingest_header.c ---------------------------------------------------------- */

/* Puts the whole lines on the desk, until there is none, the spool is full or answers stall. */
void vv_take_lines(struct vv_ingest *ingest, struct vv_stream *stream);
/* What a stream that has ended has begun: a half line is one of a file, nothing of a client. */
void vv_take_last(struct vv_ingest *ingest, struct vv_stream *stream);
/* Of CSV: fills stream->names. EINVALID, ELIMIT: no header, or one under which no row could be good. */
varve_status vv_header_read(const struct vv_ingest *ingest, struct vv_stream *stream,
    const struct vv_line *line, varve_error *err);

/* ---- ingest_answer.c -------------------------------------------------------------------------- */

/* It is answered: stdout is a client's only if it asked for that. */
bool vv_answer_can_hear(const struct vv_ingest *ingest, const struct vv_stream *stream);
/* Tells whoever can be told that a line is not in its table. `line` 0: not known. */
void vv_answer_refusal(struct vv_ingest *ingest, struct vv_stream *stream, uint64_t line,
    bool is_kept, const char *reason, varve_status code);
/* Of all streams: what is durable by now, after what was refused of it. Removes who is over. */
void vv_answer_all(struct vv_ingest *ingest);
/* Of one stream, after its turn. */
void vv_answer_stream(struct vv_ingest *ingest, struct vv_stream *stream);
/* Sends what can be sent; the rest waits. */
void vv_answer_send(struct vv_ingest *ingest, struct vv_stream *stream);
/* All lines of the stream are acknowledged, as far as that was asked for, and all answers sent. */
bool vv_answer_is_done(const struct vv_ingest *ingest, const struct vv_stream *stream);
/* It has more answers than it should before more of it is read. */
bool vv_answer_is_stalled(const struct vv_stream *stream);

/* ---- ingest_socket.c -------------------------------------------------------------------------- */

/* ECONFLICT: somebody listens there. EUSAGE: the path is no socket, or too long. */
varve_status vv_socket_open(struct vv_ingest *ingest, varve_error *err);
void vv_socket_close(struct vv_ingest *ingest);
void vv_socket_accept(struct vv_ingest *ingest);
/* After a pause for want of descriptors. */
void vv_socket_resume(struct vv_ingest *ingest, int64_t now_ms);

/* ---- ingest_follow.c -------------------------------------------------------------------------- */

varve_status vv_follow_open(struct vv_ingest *ingest, varve_error *err);
void vv_follow_close(struct vv_ingest *ingest);
/* What has come since; returns in how many ms to look again. */
int64_t vv_follow_turn(struct vv_ingest *ingest, int64_t now_ms);
/* What is durable need not be found again. */
void vv_follow_durable(struct vv_ingest *ingest, uint64_t sequence);

/* ---- ingest_report.c -------------------------------------------------------------------------- */

/* For whoever cannot be answered. `unit`: "line", "byte"; `is_kept`: in the quarantine, now or later. */
void vv_report_refusal(struct vv_ingest *ingest, const char *name, const char *unit,
    uint64_t at, bool is_kept, const char *reason);
void vv_report_quarantined(struct vv_ingest *ingest, const struct vv_refusal *refusal);
/* Rows can't be put for now; and again. */
void vv_report_full(struct vv_ingest *ingest, const varve_error *error);
void vv_report_room(struct vv_ingest *ingest);
/* Clients have to wait. */
void vv_report_clients(struct vv_ingest *ingest, const char *why);
/* Flushes that fail, and those that work again: once, then once a minute. */
void vv_report_troubles(struct vv_ingest *ingest, int64_t now_ms);
/* Lines behind quotes that are not closed: when they have waited for a while; not taken, at the end. */
void vv_report_held(struct vv_ingest *ingest, int64_t now_ms);
void vv_report_left(struct vv_ingest *ingest);
/* A line of JSON on stderr; and at the end the sum of it. */
void vv_report_metrics(struct vv_ingest *ingest);
varve_status vv_report_end(struct vv_ingest *ingest);

uint64_t vv_answer_sequence(const struct vv_ingest *ingest); /* --ack's level reaches so far */

/* ---- ingest.c --------------------------------------------------------------------------------- */

/*
 * Until its inputs are over or a signal ends it, and everything is flushed. Closes `signal_fd`,
 * which comes from vv_ingest_catch_signals.
 */
varve_status vv_ingest_run(struct vv_cli *cli, const struct vv_ingest_options *options,
    varve_writer_options *writer, int signal_fd);
/* What is due by the clock. Returns in how many ms the next of it is. */
int64_t vv_ingest_settle(struct vv_ingest *ingest);

/* ---- ingest_end.c ------------------------------------------------------------------------------- */

/* Takes what had come, flushes all of it, answers. A failure: rows stay in the spool. */
varve_status vv_ingest_finish(struct vv_ingest *ingest);
/* Before there are threads, so that signals are left for the loop; it hears of earlier ones, too. */
varve_status vv_ingest_catch_signals(int *out_fd, varve_error *err);
/* SIGHUP flushes, the others are counted. */
void vv_ingest_take_signals(struct vv_ingest *ingest);

#endif
