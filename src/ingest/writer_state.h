/*
 * The inside of the batch writer, shared by the files writer*.c.
 *
 *     writer.c        open, close, and the calls that wait
 *     writer_claim.c  whether the spool still speaks for its id alone
 *     writer_put.c    a row comes: is it one, whose, and into the spool
 *     writer_ipc.c    rows come as the bytes of an Arrow stream
 *     writer_table.c  what is known of the tables
 *     writer_queue.c  which part of which segment is to be committed when, and what came of it
 *     writer_thread.c the threads that do it
 *     writer_flush.c  a part becomes an upsert
 *     writer_blame.c  which rows the upsert as a whole fails with
 *
 * The spool is a queue of segments. A segment has a part for each table with rows in it. Each table
 * commits its parts one by one, oldest first, whatever becomes of the other tables; a segment whose
 * parts are all committed is removed. All that is kept here in memory is found anew from the spool
 * when a writer is opened, and a part that was committed by a process which died before it could
 * remove the segment is committed again, which its txn makes a no-op.
 *
 * Locks, of which a thread that holds one takes only those further down:
 *     callbacks    one event at a time
 *     spool_use    the calls of the spool that serve one thread at a time
 *     lake_use     likewise of the lake
 *     tables_lock  names of tables to what is known of them, for putting
 *     lock         the queue
 */
#ifndef VV_INGEST_WRITER_STATE_H
#define VV_INGEST_WRITER_STATE_H

#include <pthread.h>

#include "base/map.h"
#include "ingest/spool.h"
#include "ingest/writer.h"
#include "store/fork_mark.h"

#define VV_WRITER_WORKERS 3

struct vv_writer_key {
    struct vv_str name;
    bool is_float;  /* it may be NaN */
    bool is_filled; /* where a row has none: that it can be is judged by the flush */
};

/* What rows of a table must have. Immutable; replaced when the table's metadata changes. */
struct vv_writer_shape {
    struct vv_writer_shape *older; /* which somebody may still look at */
    struct vv_str schema_json;
    struct vv_writer_key *key;
    size_t key_len;
    struct vv_str order; /* the order column; none: there is none, or it takes no times */
};

struct vv_writer_lane {
    struct vv_writer_lane *next;
    struct vv_writer_table *table;
    struct vv_str schema_payload;
    struct vv_str *columns; /* of the schema, in its order */
    size_t columns_len;
    /* Of the shape that the places below are of; guarded by: tables_lock */
    const struct vv_writer_shape *shape;
    int32_t *key_places;
    int32_t order_place; /* -1: rows have no order value */
};

/* The rows of one table in one segment. */
struct vv_writer_part {
    struct vv_writer_part *next; /* of the table */
    struct vv_writer_segment *segment;
    struct vv_writer_table *table;
    int64_t rows, bytes;
    uint64_t first_sequence, last_sequence;
};

struct vv_writer_segment {
    struct vv_writer_segment *next;
    struct vv_arena arena;
    uint64_t number;
    uint64_t first_sequence;
    struct vv_writer_part *parts;
    size_t parts_len;
    size_t parts_left;
};

/* Rows of a table against one of its warn-level rules. */
struct vv_writer_warning {
    struct vv_writer_warning *next;
    int64_t rows;
    size_t name_len;
    char name[VV_WARNING_NAME_BYTES_MAX];
};

/* A search for the rows that an upsert fails with, which found too many. */
struct vv_writer_vain {
    uint64_t segment; /* 0: there was none */
    int64_t version;  /* of the table */
};

struct vv_writer_table {
    struct vv_writer_table *next;
    struct vv_str name;
    struct vv_writer_shape *shape; /* guarded by: tables_lock; NULL: not seen yet */
    struct vv_writer_lane *lanes;  /* guarded by: tables_lock */

    atomic_int_fast64_t rows_put;
    atomic_int_fast64_t blind_until_us; /* it is not opened again for a row before then */

    /* Of the thread that has made the table busy. */
    struct vv_table *handle; /* NULL: not open */
    bool has_claimed;        /* vv_writer_claim was well */
    uint64_t
        doubtful_segment; /* whose part may have been committed by an attempt that failed */
    struct vv_writer_vain vain; /* the last one */
    int64_t ahead_told_us;      /* that a stored time is ahead of the clock; 0: never */
    struct vv_object commit; /* the newest one that the handle knows, as it lay in the store */

    /* All below is guarded by: lock. */
    struct vv_writer_part *first, *last;
    bool is_busy;
    uint64_t busy_segment; /* while it is */
    bool gave_up;          /* an attempt has failed since a flush was asked for */
    uint32_t failures;     /* in a row */
    int64_t next_attempt_us;
    varve_error failure; /* of the last attempt; code OK: there was none, or it was well */
    uint64_t sequence_committed;
    int64_t rows_waiting; /* in sealed segments */
    int64_t version;
    struct vv_writer_counts counts;
    struct vv_writer_warning *warnings; /* by rule */
};

struct vv_writer {
    struct vv_arena arena; /* guarded by: tables_lock */
    struct vv_lake *lake;
    struct vv_env env;
    atomic_bool cancel; /* of operations that flush */
    atomic_bool interrupted;
    atomic_bool is_refused; /* the spool does not speak for its id: `refusal` says why */
    struct vv_writer_options options; /* without zeros */
    struct vv_spool *spool;
    struct vv_fork_mark fork_mark;

    pthread_mutex_t callbacks, spool_use, lake_use;
    pthread_rwlock_t tables_lock;
    struct vv_map tables_by_name; /* guarded by: tables_lock */

    atomic_int_fast64_t rows_open, bytes_open; /* put since the last seal, about */
    atomic_int_fast64_t rows_put;
    atomic_bool is_full; /* what was put since then is enough for a flush */

    pthread_mutex_t lock;
    pthread_cond_t work;     /* there may be something to do for the threads */
    pthread_cond_t progress; /* something was done */
    /* All below is guarded by: lock. */
    struct vv_writer_table *tables;
    struct vv_writer_segment *first, *last; /* those that are not removed */
    uint64_t seals_wanted, seals_done;      /* by flush: a ticket */
    uint64_t listed_number; /* the newest segment whose parts are in the queue */
    uint64_t durable_told;  /* by the event */
    int64_t next_seal_us;
    varve_error refusal;
    uint32_t removals;        /* of segments, that go on: they count as waiting until then */
    uint32_t scans;           /* that are reading segments, which must stay meanwhile */
    varve_error seal_failure; /* of the last seal; code OK: it was well */
    int64_t seal_told_us;     /* when a failure was told; 0: since then none */
    uint32_t closing;         /* who waits for one attempt more of each table, and no success */
    bool stopping;
    pthread_t threads[VV_WRITER_WORKERS + 1];
    size_t threads_len;
};

/* Time that only goes on, in microseconds: of back-off and intervals. */
int64_t vv_writer_clock(const struct vv_writer *writer);
/* EUSAGE in a child of the process that opened the writer. */
varve_status vv_writer_check(struct vv_op *op, const struct vv_writer *writer);
/* Waits for `condition`, at most `wait_us` (< 0: a while) and never long without looking up. */
void vv_writer_wait(struct vv_writer *writer, pthread_cond_t *condition, int64_t wait_us);

/* writer_claim.c */

/* ECONFLICT: the spool was found not to speak for its id alone. */
varve_status vv_writer_refusal(struct vv_op *op, struct vv_writer *writer);
/* Before the first row or commit of a table: none that is begun now may be recorded. ECONFLICT. */
varve_status vv_writer_claim(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    const struct vv_snapshot *snapshot);
/* The part of a busy table was found to be applied: by us? ECONFLICT. */
varve_status vv_writer_judge_applied(struct vv_op *op, struct vv_writer *writer,
    const struct vv_writer_table *table, uint64_t segment);

/* writer_table.c */

/* The table, opened where it was not seen yet. ENOTFOUND. */
varve_status vv_writer_table(struct vv_op *op, struct vv_writer *writer, struct vv_str name,
    struct vv_writer_table **out);
/* The same without looking whether it is there: for rows that are in the spool. */
varve_status vv_writer_table_known(struct vv_op *op, struct vv_writer *writer,
    struct vv_str name, struct vv_writer_table **out);
/*
 * The table of a row that comes. One that is there and can't be read now (its log is damaged, the
 * disk fails, a feature is not known) is given all the same, its shape NULL where it was not seen
 * before: the row is kept in the spool, and its flush is repeated until it can be.
 */
varve_status vv_writer_table_of_row(struct vv_op *op, struct vv_writer *writer,
    struct vv_str name, struct vv_writer_table **out);
/* Opens or refreshes the handle, and the shape by it. The table must be busy, or new. */
varve_status vv_writer_table_refresh(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_table *table);
/* The places of a lane anew, after the table's metadata has changed. */
varve_status vv_writer_lane_refit(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_lane *lane);
/* After a commit of our own. */
void vv_writer_table_note_commit(struct vv_op *op, struct vv_writer_table *table);
void vv_writer_table_close(struct vv_writer_table *table);

/* writer_put.c */

struct vv_arrow_type;
/* The rows of a batch; *out_sequence: of the last one. `waits`: for room, whatever the options say. */
varve_status vv_writer_put_array(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_lane *lane, const struct vv_arrow_type *type,
    const struct ArrowArray *array, bool waits, uint64_t *out_sequence);

/* writer_queue.c */

/* Seals what is open and brings the parts of all new segments into the queue. */
varve_status vv_writer_seal(struct vv_op *op, struct vv_writer *writer);
/* Segments whose parts are all committed leave the spool, unless somebody reads there. */
void vv_writer_remove_done(struct vv_op *op, struct vv_writer *writer);
/* A table with a part to commit now, made busy; NULL: none. *out_wait_us: until the next one. */
struct vv_writer_table *vv_writer_pick(struct vv_writer *writer, int64_t *out_wait_us);
/* What came of the attempt on a busy table's first part; `failure` NULL: it is committed. */
struct vv_writer_outcome {
    const varve_error *failure;
    struct vv_upsert_result result;
    int64_t duration_us;
};
void vv_writer_settle(struct vv_op *op, struct vv_writer *writer, struct vv_writer_table *table,
    const struct vv_writer_outcome *outcome);
/* Whether all segments up to a number are committed, and that was told. Under lock. */
bool vv_writer_is_done(const struct vv_writer *writer, uint64_t number);
void vv_writer_queue_free(struct vv_writer *writer);

/* writer_flush.c */

/* The rows of one part, as the inputs of an upsert. */
struct vv_writer_batch {
    struct vv_spool_reader *reader; /* whose file the rows of JSON lie in */
    struct vv_input *inputs;
    size_t inputs_len;
    struct ArrowArrayStream *streams;
    const uint64_t *sequences; /* by row, over all inputs */
    size_t rows_len;
    bool has_own;          /* a row that came with its order value */
    struct vv_str rejects; /* of the upsert: vv_upsert_options.out_rejects */
};
/*
 * Reads the rows of a table in a segment, the open one too. `as_text`: all of them as NDJSON, so
 * that whatever is wrong is wrong with a row.
 */
varve_status vv_writer_batch_read(struct vv_op *op, struct vv_writer *writer,
    const struct vv_table *table, uint64_t segment, bool as_text, struct vv_writer_batch *out);
void vv_writer_batch_done(struct vv_writer_batch *batch);
/*
 * The rows of a segment become one upsert of the table, by the txn of the segment. Of the batch no
 * more is of use afterwards than sequences and rejects. `vain`: see vv_writer_blame.
 */
varve_status vv_writer_upsert(struct vv_op *op, struct vv_writer *writer,
    struct vv_table *table, uint64_t segment, struct vv_writer_vain *vain,
    struct vv_writer_batch *out_batch, struct vv_upsert_result *out);
/* An attempt on the first part of a busy table, and what follows from it. */
void vv_writer_attempt(struct vv_writer *writer, struct vv_writer_table *table);

/* writer_blame.c */

/* Whether an upsert that fails so may do so for the sake of its rows. */
bool vv_writer_is_of_rows(varve_status status);
/*
 * The upsert of a batch, all of it as text, has just failed so. The rows that it fails with get
 * their fault; where there are none, that failure stays. A search takes seconds of the processor where
 * nearly every row fails: what was in vain is noted in `vain`, and not done again for the same rows and
 * the same version of the table, but by each scan that reads waiting rows.
 */
varve_status vv_writer_blame(struct vv_op *op, struct vv_table *table, uint64_t segment,
    struct vv_writer_vain *vain, struct vv_writer_batch *batch);

/* writer_thread.c */

varve_status vv_writer_threads_start(struct vv_op *op, struct vv_writer *writer);
void vv_writer_threads_stop(struct vv_writer *writer);
/* Does what the threads would do now. False: there was nothing. For writers without threads. */
bool vv_writer_step(struct vv_op *op, struct vv_writer *writer, int64_t *out_wait_us);

#endif
