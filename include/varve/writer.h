/*
 * The batch writer: rows one by one, from any thread, into a crash-safe spool on local disk; from
 * there in batches into the lake, exactly once. Conventions: varve.h, but for threads: put, sync,
 * flush, scan, interrupt and statistics may be called from any number of threads at a time; close
 * and abandon are the last call. A process that forks goes on with its writer; in the child every
 * call on it is EUSAGE, close and abandon too, which leave all to the parent.
 *
 * Acknowledgement levels of a row:
 *   accepted   put has returned: the row survives the death of the process
 *   spooled    it survives a power cut: put with sync_always, varve_writer_sync, on_durable
 *   committed  it is in the Delta table (or in its quarantine): varve_writer_flush, on_commit
 *
 * A flush (each interval, by rows, by bytes, on demand) makes one upsert a table, with a txn that
 * makes its repetition a no-op; one that fails is repeated until it succeeds, while the spool has
 * room. Rows that break a rule of their table go to its quarantine (quarantine.h).
 */
#ifndef VARVE_WRITER_H
#define VARVE_WRITER_H

#include "varve/maintain.h"
#include "varve/market.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_writer varve_writer;

#define VARVE_WRITER_ROW_BYTES_MAX ((size_t)16 << 20)
/* Of a row that can't be taken: in JSON, where a byte may need six, it is no longer than a line may be. */
#define VARVE_WRITER_REJECTED_BYTES_MAX ((size_t)10 << 20)

typedef struct varve_writer_commit { /* of one table's part of one segment */
    uint32_t size;
    const char *table;
    uint64_t segment;
    uint64_t sequence; /* all rows of the table up to it are committed or in quarantine */
    const varve_upsert_result *result;
    int64_t duration_us;
} varve_writer_commit;

typedef struct varve_writer_options {
    uint32_t size;
    const char *spool;       /* folder; NULL: <lake>/_varve/spool */
    int64_t interval_ms;     /* between flushes; 0: 60,000; < 0: on demand only */
    int64_t rows_max;        /* flush when so many wait; 0: 1,000,000 */
    int64_t bytes_max;       /* or so many bytes; 0: 64 MiB */
    int64_t spool_bytes_max; /* 0: 1 GiB */
    int64_t sync_ms;         /* group fsync; 0: 100 */
    int32_t sync_always;     /* 1: put returns when the row is spooled */
    int32_t full_fails;      /* spool full: 0: put blocks; 1: ELIMIT */
    int32_t adopt;           /* 1: take over a copied or rolled back spool under a new id */
    int32_t durability_off;  /* 1: no fsync anywhere; benchmarks */
    /*
     * Callbacks come from the writer's own threads (or from one that closes it), one at a time, and
     * must not call the writer. A batch that is repeated after a crash is told of again.
     */
    void (*on_commit)(void *data, const varve_writer_commit *commit);
    void (*on_durable)(void *data, uint64_t sequence);
    /* One row set aside: its table, sequence, text (JSON) and reason; borrowed. */
    void (*on_quarantine)(void *data, const char *table, uint64_t sequence,
        const char *row_json, const char *reason);
    /* A flush failed and is repeated after `retry_ms`; `table` "": the spool could not be sealed. */
    void (*on_retry)(void *data, const char *table, const varve_error *error, int64_t retry_ms);
    void *callback_data;
    /*
     * Above zero: a thread of low priority does what varve_lake_maintain does, so often, on all
     * tables of the lake, and writes the checkpoints that commits of the writer would be held up by.
     */
    int64_t maintain_ms;
    /* After each of its runs, from that thread, perhaps while another callback is under way. */
    void (*on_maintain)(void *data, const varve_maintain_result *result);
    int32_t tries_once; /* 1: a flush ends with the failure of an attempt, as close does */
} varve_writer_options;
#define VARVE_WRITER_OPTIONS_INIT                                                              \
    {                                                                                          \
        sizeof(varve_writer_options), NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, \
            NULL, 0, NULL, 0                                                                   \
    }

/*
 * Opens the writer of a lake; what an earlier one left in the spool is flushed first, in the
 * background. The lake stays the caller's and must outlive the writer; the writer has handles of its
 * own on its tables, so the lake may be used at the same time.
 * ECONFLICT: another process owns the spool, or (not `retryable`) another state of it has committed rows, which put and flush
 * refuse likewise when they find it. ECORRUPT: damage, named. EUSAGE: a copied spool.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_open(varve_lake *lake,
    const varve_writer_options *options, varve_writer **out, varve_error *err);
/*
 * Flushes everything and closes. A flush that fails is not tried again: its error, the rows stay in
 * the spool for the next open, and the writer is closed all the same.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_close(varve_writer *writer,
    varve_error *err);
/* Closes without a flush: rows stay in the spool for the next open. */
VARVE_API void varve_writer_abandon(varve_writer *writer);
/*
 * Makes calls that wait (put on a full spool, sync, flush, close), and scans, end with EINTERRUPTED,
 * now and from now on, and a flush that is under way stop as soon as it can. Signal safe. Rows that
 * were accepted stay in the spool. What is left to do then is abandon. While a writer is being opened
 * varve_lake_interrupt ends that.
 */
VARVE_API void varve_writer_interrupt(varve_writer *writer);
/*
 * Ends the scans that run on it, and the next read of each open stream of one, EINTERRUPTED, until the
 * next scan begins; all else goes on. Signal safe.
 */
VARVE_API void varve_writer_interrupt_scans(varve_writer *writer);

/*
 * Put one row: accepted when it returns VARVE_OK; *out_sequence (may be NULL) counts rows from 1
 * for the life of the spool.
 * EINVALID: the row can't be taken at all (no key, not JSON ...): varve_writer_put_rejected keeps
 * it; ENOTFOUND: no such table; ELIMIT: the spool is full (full_fails); EIO: the disk.
 * Rows that can be taken and break a rule of the table go to its quarantine when they are flushed.
 * A row of JSON is taken for a table that can't be read now, too: it waits until it can be.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_put_market_regime(varve_writer *writer,
    const varve_market_regime *row, uint64_t *out_sequence, varve_error *err);
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_put_performance(varve_writer *writer,
    const varve_performance *row, uint64_t *out_sequence, varve_error *err);
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_put_signal(varve_writer *writer,
    const varve_signal *row, uint64_t *out_sequence, varve_error *err);
/*
 * A JSON object; `table` NULL: its member "table" says which. Not ended by NUL: `json_bytes` long,
 * at most VARVE_WRITER_ROW_BYTES_MAX. It means what a line of it would to `varve upsert`.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_put_json(varve_writer *writer,
    const char *table, const char *json, size_t json_bytes, uint64_t *out_sequence,
    varve_error *err);
/*
 * A row that can't be taken (text of any kind, the reason in words), for the quarantine of a table,
 * where it comes by way of the spool like any other. Of text beyond VARVE_WRITER_REJECTED_BYTES_MAX
 * the beginning is kept, and the reason says so.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_put_rejected(varve_writer *writer,
    const char *table, const char *text, size_t text_bytes, const char *reason,
    uint64_t *out_sequence, varve_error *err);
/* All rows of a stream, which is taken over; *out_sequence: of the last one (0: there was none). Rows before a failure are accepted. */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_put_arrow(varve_writer *writer,
    const char *table, struct ArrowArrayStream *stream, uint64_t *out_sequence,
    varve_error *err);

/*
 * The bytes of an Arrow IPC stream, put as they come, batch by batch, until it ends. `read` is as
 * read(2), waits where nothing is there, and gives 0 at the end, or -errno; -ECANCELED ends the call
 * with EINTERRUPTED. A full spool is waited for. Rows before a failure are accepted. `on_batch`
 * (NULL: none) is told of each batch that is accepted: so many rows, the last of that sequence, the
 * others before it, next to each other unless other threads put meanwhile.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_put_arrow_ipc(varve_writer *writer,
    const char *table, int64_t (*read)(void *data, void *out, size_t bytes),
    void (*on_batch)(void *data, uint64_t rows, uint64_t last_sequence), void *data,
    uint64_t *out_sequence, varve_error *err);

/* Until everything put before is spooled. */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_sync(varve_writer *writer,
    varve_error *err);
/*
 * Until everything put before is committed or in quarantine; `timeout_ms` < 0: for ever (as long as
 * it is retried). ELIMIT: time is up; the last failure is in the message; rows stay and go on being tried.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_flush(varve_writer *writer,
    int64_t timeout_ms, varve_error *err);

typedef struct varve_writer_stats {
    uint64_t sequence_accepted, sequence_durable, sequence_committed;
    int64_t rows_put, rows_waiting, bytes_waiting, segments_waiting;
    int64_t inserted, updated, unchanged, stale, duplicates_in_batch, quarantined;
    int64_t commits, retries, syncs;
    int64_t oldest_waiting_us; /* arrival of the oldest row that waits; VARVE_NO_TIME: none */
    int64_t warnings; /* rows against a warn-level rule (varve.warn.NAME) of their table */
} varve_writer_stats;
/* In a forked child, which has no writer: those of one that was given nothing. */
VARVE_API void varve_writer_get_stats(varve_writer *writer, varve_writer_stats *out);
/* All of it, by table and by warn-level rule too, as a JSON object: the metrics line of `ingest`. varve_free. EUSAGE: in a forked child. */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_metrics(varve_writer *writer,
    char **out_json, varve_error *err);

/* Read-through: rows of a table as they would be if everything put so far were committed. Options as of varve_table_scan (without at). The stream is released before the writer is closed. */
VARVE_API VARVE_MUST_CHECK varve_status varve_writer_scan(varve_writer *writer,
    const char *table, const varve_scan_options *options, struct ArrowArrayStream *out,
    varve_error *err);

/* What waits in a spool, without owning it; `spool` NULL: the lake's. JSON. `verify` 1: every record is checked; EVERIFY: damage, in *out_json too. ENOTFOUND: there is no spool: nothing waits. */
VARVE_API VARVE_MUST_CHECK varve_status varve_spool_inspect(varve_lake *lake, const char *spool,
    int32_t verify, char **out_json, varve_error *err);

typedef struct varve_spool_salvage_options {
    uint32_t size;
    const char *spool; /* folder; NULL: <lake>/_varve/spool */
    const char *table; /* of rows that have lost the record that names theirs; NULL: none */
    int32_t aside;     /* 1: such rows go to a file of lines beside the segments instead */
    int32_t dry_run;   /* 1: says what it would do, and changes nothing */
    int32_t adopt;     /* 1: of a copied or rolled back spool, under a new id */
} varve_spool_salvage_options;
#define VARVE_SPOOL_SALVAGE_OPTIONS_INIT                             \
    {                                                                \
        (uint32_t)sizeof(varve_spool_salvage_options), 0, 0, 0, 0, 0 \
    }
/*
 * Makes of a spool that is refused as damaged (ECORRUPT) one that opens again, with every row that
 * can be read. *out_json says what was saved, which bytes could not be read, and the sequences of
 * the rows that are lost; it is kept in the spool's folder too, and so are the damaged files. A
 * spool without damage is left alone.
 * ENOTFOUND: there is no spool. ECONFLICT: another process owns it. EUSAGE: a copy, or rows whose table is not known and neither
 * `table` nor `aside`; nothing was changed.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_spool_salvage(varve_lake *lake,
    const varve_spool_salvage_options *options, char **out_json, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
