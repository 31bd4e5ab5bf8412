/*
 * The spool: an append-only log of rows on local disk, from which the writer makes batches.
 * Byte by byte: docs/format-spool.md.
 *
 * A spool is a folder of numbered segments, one of which is open for appending; the others are
 * sealed and wait for their tables to commit. Segment numbers rise strictly for the life of a
 * spool, also when all segments are gone, and serve as txn versions under the app id of the spool.
 *
 * Levels. When append returns, the record is in the mapped file: it survives the death of the
 * process (accepted). When vv_spool_wait_durable has returned for its sequence, it survives a
 * power cut (spooled).
 *
 * Threads: append, wait_durable and stats may be called from any thread; the others from one at a
 * time (the writer's flusher).
 */
#ifndef VV_INGEST_SPOOL_H
#define VV_INGEST_SPOOL_H

#include "base/op.h"
#include "base/str.h"

struct vv_spool;

struct vv_spool_options {
    int64_t bytes_max;        /* of all segments; 0: 1 GiB */
    int64_t segment_bytes;    /* capacity of one; 0: 64 MiB (a greater record gets its own) */
    int64_t sync_interval_us; /* group fsync; 0: 100 ms; < 0: only when somebody waits */
    int64_t sync_bytes;       /* and after so many; 0: 1 MiB */
    bool no_sync;             /* durability=off */
    bool adopt;               /* a copied spool: take it over under a new id */
    const struct vv_env *env; /* clock and log of the sync thread; NULL: the system's */
};

/* What a record is; the payload is the writer's matter (ingest/spool_row.h). */
enum vv_spool_kind {
    VV_SPOOL_TABLE = 1,  /* payload: a table's name; later records name it by `table` */
    VV_SPOOL_SCHEMA = 2, /* payload: columns of the typed rows that name it by `schema` */
    VV_SPOOL_JSON = 3,   /* payload: a JSON object, the row's text */
    VV_SPOOL_TYPED = 4,  /* payload: values in the order of the schema */
    VV_SPOOL_GAP = 5     /* rows up to its sequence are lost; readers never see one */
};

struct vv_spool_record {
    enum vv_spool_kind kind;
    uint16_t table;  /* within the segment; declarations are repeated in each segment */
    uint16_t schema; /* TYPED: within the segment */
    bool is_stamped; /* the row has no order value of its own: arrival_us is it */
    int64_t
        arrival_us; /* of the put; never falls within a spool, strictly rises for stamped rows */
    uint64_t sequence; /* of a row, from 1, for the life of the spool; 0: a declaration */
    struct vv_str payload;
};

/*
 * Opens or makes the spool in a local folder, takes its lock, recovers: the tail of the newest segment that was
 * never whole is cut (out_recovery says what), other damage is ECORRUPT naming segment and offset.
 * ECONFLICT: another process owns it (the message has pid and host). EUSAGE: a copied spool.
 */
struct vv_spool_recovery {
    int64_t rows;      /* waiting in segments */
    int64_t bytes_cut; /* of a torn tail */
    int64_t rows_cut;  /* whole records behind the tear: accepted but never spooled */
};
varve_status vv_spool_open(struct vv_op *op, struct vv_str folder,
    const struct vv_spool_options *options, struct vv_spool_recovery *out_recovery,
    struct vv_spool **out);
/* The same on a journal (store/journal.h), which is taken over, also on failure. For tests. */
struct vv_journal;
varve_status vv_spool_open_on(struct vv_op *op, struct vv_journal *journal,
    const struct vv_spool_options *options, struct vv_spool_recovery *out_recovery,
    struct vv_spool **out);
/* Syncs, gives the lock back. What was not flushed stays for the next open. */
varve_status vv_spool_close(struct vv_op *op, struct vv_spool **pointer);

/* "varve-spool:" + 32 hex digits. Static for the life of the spool. */
struct vv_str vv_spool_app_id(const struct vv_spool *spool);
/* Segments from this number on were begun since the spool was opened. */
uint64_t vv_spool_first_number(const struct vv_spool *spool);
/*
 * Somebody else has used our id: from the next open on the spool is refused like a copy (EUSAGE)
 * until it is adopted. Durable when it returns.
 */
varve_status vv_spool_disown(struct vv_op *op, struct vv_spool *spool);

/*
 * Appends one row of table `table_name`. Declarations that the open segment lacks are written
 * first: `schema_payload` (TYPED) is compared by pointer and length first, so keep it stable.
 * record->table, schema, sequence, arrival_us (for stamped rows; 0: now) are filled in.
 * ELIMIT: the spool is full (bytes_max); nothing was appended; wait with vv_spool_wait_room.
 */
varve_status vv_spool_append(struct vv_op *op, struct vv_spool *spool, struct vv_str table_name,
    struct vv_str schema_payload, struct vv_spool_record *record);
/* Until a segment was removed or `wait_us` is over (< 0: for ever). False: still full. */
bool vv_spool_wait_room(struct vv_op *op, struct vv_spool *spool, int64_t wait_us);
/* Until everything up to `sequence` is durable; one fsync serves all who wait. */
varve_status vv_spool_wait_durable(struct vv_op *op, struct vv_spool *spool, uint64_t sequence);

/* Seals the open segment, durably, if it has rows; the next append begins a new one. *out_number: of the newest sealed; 0: none waits. */
varve_status vv_spool_seal(struct vv_op *op, struct vv_spool *spool, uint64_t *out_number);
/* Numbers of the sealed segments that are there, ascending. */
varve_status vv_spool_sealed(struct vv_op *op, struct vv_spool *spool, struct vv_arena *arena,
    uint64_t **out, size_t *out_len);

/* Reads a sealed segment (or, for read-through, what the open one holds so far). */
struct vv_spool_reader;
varve_status vv_spool_reader_open(struct vv_op *op, struct vv_spool *spool, uint64_t number,
    struct vv_spool_reader **out);
/* Payloads live until the reader is closed. *out_has_record false: the end. ECORRUPT names segment and offset. */
varve_status vv_spool_reader_next(struct vv_op *op, struct vv_spool_reader *reader,
    struct vv_spool_record *out, bool *out_has_record);
void vv_spool_reader_close(struct vv_spool_reader **reader);

/* All its tables have committed or quarantined their part: gone, durably. */
varve_status vv_spool_remove(struct vv_op *op, struct vv_spool *spool, uint64_t number);

struct vv_spool_stats {
    uint64_t open_number; /* 0: none open */
    int64_t segments;     /* with the open one */
    int64_t rows, bytes;  /* waiting */
    int64_t bytes_max;
    uint64_t sequence_accepted; /* newest */
    uint64_t sequence_durable;
    int64_t oldest_arrival_us;     /* of a waiting row; INT64_MIN: none */
    int64_t syncs;                 /* so far */
    int64_t open_rows, open_bytes; /* of the open segment */
};
void vv_spool_stats(struct vv_spool *spool, struct vv_spool_stats *out);
/* The newest sequence behind which all waiting rows are of segments above `number`. */
uint64_t vv_spool_sequence_until(struct vv_spool *spool, uint64_t number);

/*
 * Without taking the lock: what `spool status` and `spool verify` show. Checks every record of every
 * segment; damage is described in *out_json, not an error.
 */
varve_status vv_spool_inspect(struct vv_op *op, struct vv_str folder, struct vv_arena *arena,
    struct vv_str *out_json, bool *out_is_sound);

#endif
