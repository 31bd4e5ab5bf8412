/*
 * The batch writer (2-semantics "The batch writer"): rows one by one into the spool, from there by
 * segments into the tables, exactly once. include/varve/writer.h is its contract towards programs.
 *
 * Threads: put, flush, sync, scan, interrupt and the statistics from any number at a time; open
 * before, close or abandon after all others.
 */
#ifndef VV_INGEST_WRITER_H
#define VV_INGEST_WRITER_H

#include "lake/lake.h"
#include "table/read/read.h"
#include "table/upsert/upsert.h"

struct vv_writer;

/* The longest row of JSON. */
#define VV_WRITER_ROW_BYTES_MAX ((size_t)16 << 20)
/* Of a row that can't be taken: in JSON, where a byte may need six, it is no longer than a line may be. */
#define VV_WRITER_REJECTED_BYTES_MAX ((size_t)10 << 20)

struct vv_writer_commit {
    struct vv_str table;
    uint64_t segment;
    uint64_t sequence; /* of the last row of the table in the segment */
    const struct vv_upsert_result *result;
    int64_t duration_us;
};

/* Called one at a time, from threads of the writer or of who closes it; each may be NULL. */
struct vv_writer_events {
    void *data;
    void (*commit)(void *data, const struct vv_writer_commit *commit);
    void (*durable)(void *data, uint64_t sequence);
    void (*quarantine)(void *data, struct vv_str table, uint64_t sequence,
        struct vv_str row_json, struct vv_str reason);
    /* `table` empty: the spool could not be sealed. */
    void (*retry)(void *data, struct vv_str table, const varve_error *error, int64_t retry_us);
};

struct vv_writer_options {
    struct vv_str spool;     /* a local folder; none: _varve/spool of the lake */
    int64_t interval_us;     /* 0: 60 s; < 0: only on demand */
    int64_t rows_max;        /* 0: 1,000,000 */
    int64_t bytes_max;       /* 0: 64 MiB */
    int64_t spool_bytes_max; /* 0: 1 GiB */
    int64_t sync_us;         /* 0: 100 ms */
    bool sync_always, full_fails, adopt, no_sync;
    bool tries_once; /* a flush waits for one attempt on each table, not for its success */
    /*
     * No threads: what they do is done by flush and close in the caller's, and time is that of the
     * operation's environment. For tests.
     */
    bool is_manual;
    struct vv_writer_events events;
};

/* The folder of a lake's own spool; ptr NULL: memory is out. */
struct vv_str vv_writer_spool_of(struct vv_arena *arena, const struct vv_lake *lake);
/*
 * `lake` is the writer's alone while it is open, and so is the environment of `op`, but for its
 * cancel flag. ECONFLICT, ECORRUPT, EUSAGE: as vv_spool_open.
 */
varve_status vv_writer_open(struct vv_op *op, struct vv_lake *lake,
    const struct vv_writer_options *options, struct vv_writer **out);
/* Tries once to flush everything. The writer is gone afterwards, whatever came of it. */
varve_status vv_writer_close(struct vv_op *op, struct vv_writer **writer);
/* Without a flush. */
void vv_writer_abandon(struct vv_writer **writer);
/* Calls that wait end with EINTERRUPTED from now on. Signal safe. */
void vv_writer_interrupt(struct vv_writer *writer);

/* A typed row's schema, and where its rows go: found once, good as long as the writer. */
struct vv_writer_lane;
/*
 * The lane of rows with that schema payload (spool_row.h) to that table. EINVALID: a key column is
 * not in it; ENOTFOUND: no such table.
 */
varve_status vv_writer_lane(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    struct vv_str schema_payload, struct vv_writer_lane **out);
/* EINVALID: a key column is NULL, unless `allows_null_key`: then the row goes to the quarantine. */
varve_status vv_writer_put_typed(struct vv_op *op, struct vv_writer *writer,
    struct vv_writer_lane *lane, struct vv_str row_payload, bool allows_null_key,
    uint64_t *out_sequence);
/* `table` none: the member "table" names it. */
varve_status vv_writer_put_json(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    struct vv_str json, uint64_t *out_sequence);
varve_status vv_writer_put_rejected(struct vv_op *op, struct vv_writer *writer,
    struct vv_str table, struct vv_str text, struct vv_str reason, uint64_t *out_sequence);
/* *out_sequence: of the last row; 0: there was none. */
varve_status vv_writer_put_arrow(struct vv_op *op, struct vv_writer *writer,
    struct vv_str table, struct ArrowArrayStream *stream, uint64_t *out_sequence);

/*
 * The bytes of an Arrow IPC stream as they come: `read` is as read(2), and waits; it gives -errno,
 * ECANCELED for an end that somebody asked for (EINTERRUPTED). Where the spool is full it is waited
 * for. Rows before a failure are accepted. *out_sequence: of the last row; 0: there was none.
 */
struct vv_writer_bytes {
    void *data;
    int64_t (*read)(void *data, void *out, size_t bytes);
    /* A batch is put, with so many rows, the last of this sequence. NULL: nobody asks. */
    void (*took)(void *data, uint64_t rows, uint64_t last_sequence);
};
varve_status vv_writer_put_ipc(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    const struct vv_writer_bytes *from, uint64_t *out_sequence);

varve_status vv_writer_sync(struct vv_op *op, struct vv_writer *writer);
/* `timeout_us` < 0: for ever. ELIMIT: time is up. */
varve_status vv_writer_flush(struct vv_op *op, struct vv_writer *writer, int64_t timeout_us);

struct vv_writer_counts {
    int64_t inserted, updated, unchanged, stale, duplicates_in_batch, quarantined;
    int64_t commits, retries, warnings;
};
struct vv_writer_stats {
    uint64_t sequence_accepted, sequence_durable, sequence_committed;
    int64_t rows_put, rows_waiting, bytes_waiting, segments_waiting, syncs;
    int64_t oldest_waiting_us; /* INT64_MIN: none */
    struct vv_writer_counts counts;
};
void vv_writer_stats(struct vv_writer *writer, struct vv_writer_stats *out);
/* A JSON object: the figures above and those of each table. */
varve_status vv_writer_metrics(struct vv_op *op, struct vv_writer *writer, struct vv_buf *out);

/* The rows of a table as if everything put so far were committed; request->at must be none. */
varve_status vv_writer_scan(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    const struct vv_scan_request *request, struct ArrowArrayStream *out);

#endif
