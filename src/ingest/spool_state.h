/*
 * The inside of an open spool, shared by the files spool*.c.
 *
 * Two kinds of work meet here. Callers of append write records into the mapping of the open
 * segment under `lock` and make no system call. Everything that touches the disk is done without
 * the lock by whoever holds the charge (spool_thread.c), one at a time, mostly the spool's own
 * thread: the header, the files, the making, sealing and removing of segments.
 */
#ifndef VV_INGEST_SPOOL_STATE_H
#define VV_INGEST_SPOOL_STATE_H

#include <pthread.h>

#include "base/map.h"
#include "ingest/spool.h"
#include "ingest/spool_header.h"
#include "ingest/spool_segment.h"
#include "store/journal.h"

enum vv_spool_stage {
    VV_STAGE_OPEN,  /* takes records */
    VV_STAGE_ENDED, /* has its end, waits to be sealed */
    VV_STAGE_SEALED
};

struct vv_spool_segment {
    struct vv_spool_segment *next; /* guarded by: lock */
    uint64_t number;
    uint64_t seed;
    size_t capacity;
    enum vv_spool_stage stage;       /* guarded by: lock */
    uint32_t generation;             /* guarded by: lock; written by the charge */
    size_t used_bytes;               /* guarded by: lock; of the file, with its head */
    size_t durable_bytes;            /* guarded by: lock; written by the charge */
    struct vv_segment_counts counts; /* guarded by: lock */
    struct vv_journal_file file;     /* guarded by: lock; set by the charge; {0}: sealed */
    struct vv_segment_head head;     /* the charge's: what its newest slot says */
    uint32_t oldest_generation;      /* the charge's: files of it and later may be there */
    bool head_is_dirty;              /* the charge's: that slot was not synced yet */
    bool is_spoiled;                 /* the charge's: a sync of the file has failed */
};

/* What the open segment has declared. */
struct vv_spool_names {
    struct vv_arena arena;
    struct vv_map tables;  /* name -> struct vv_spool_name */
    struct vv_map schemas; /* payload -> struct vv_spool_name */
    const struct vv_spool_name *last_table;
    const struct vv_spool_name *last_schema;
};

struct vv_spool {
    struct vv_journal *journal;
    struct vv_spool_options options; /* without zeros */
    unsigned char boot[VV_JOURNAL_BOOT_BYTES];
    char app_id[64];

    struct vv_journal_file header_file; /* the charge's */
    struct vv_spool_header header;      /* the charge's */
    uint64_t first_number;              /* immutable once open */
    unsigned header_failures;           /* the charge's: in a row */
    int64_t sync_told_us;  /* the charge's, monotonic: a failure; 0: since then none */
    int64_t spare_told_us; /* likewise */

    pthread_mutex_t lock;
    pthread_cond_t work;     /* for the thread */
    pthread_cond_t progress; /* for those who wait for the thread */
    pthread_t thread;
    bool thread_runs;

    /* All below is guarded by: lock. */
    struct vv_spool_segment *first; /* oldest */
    struct vv_spool_segment *last;
    struct vv_spool_segment *open;  /* the last one, or NULL */
    struct vv_spool_segment *spare; /* made, numbered, durable, empty; or NULL */
    size_t spare_bytes_wanted;      /* capacity that somebody waits for */
    uint64_t spare_failures;        /* tries to make one that failed, so far */
    varve_error spare_error;        /* of the last try */
    struct vv_spool_names names;
    int64_t bytes;         /* of all segments */
    int64_t bytes_refused; /* what the last append that met a full spool wanted */
    uint64_t next_sequence;
    uint64_t durable_sequence;
    uint64_t wanted_sequence; /* somebody waits for it to be durable */
    int64_t newest_arrival_us;
    int64_t unsynced_bytes;
    int64_t first_unsynced_us; /* monotonic: when the oldest of them was written; 0: none */
    int64_t syncs;
    varve_error failure;  /* why nothing gets durable at present; code VARVE_OK: it does */
    int64_t retry_at_us;  /* monotonic; while `failure` */
    int64_t settle_at_us; /* monotonic; when a dirty head is synced if nothing comes */
    int64_t spare_at_us;  /* monotonic; not before, unless somebody wants it */
    bool is_busy;         /* somebody holds the charge */
    bool stop;
};

/* Microseconds of a clock that nobody sets. */
int64_t vv_spool_clock(void);

/* Fails with a copy of an error that another operation recorded. */
varve_status vv_spool_fail_as(struct vv_op *op, const varve_error *error);

/* spool.c: the steps of opening one */

/* Takes the journal over, unless it fails. */
varve_status vv_spool_new(struct vv_op *op, const struct vv_spool_options *options,
    struct vv_journal *journal, struct vv_spool **out);
void vv_spool_free(struct vv_spool **pointer); /* accepts a pointer to NULL */
/*
 * Whether no row was ever put: there is no segment, and the file "spool" is empty, or its slots
 * are zeros. A full disk, or a crash, at the very beginning leaves that.
 */
varve_status vv_spool_is_unbegun(struct vv_op *op, struct vv_journal *journal,
    struct vv_str header, bool *out);
/*
 * Takes the lock, reads the header or makes a new one, and tells a copy. Where there are segments
 * and no header that is ECORRUPT, or with out_is_lost true there, and only header.file is set.
 */
varve_status vv_spool_claim(struct vv_op *op, struct vv_spool *spool, bool *out_is_lost);
/* Recovers, and notes in the header what the segments have shown. */
varve_status vv_spool_settle(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_recovery *out_recovery);

/* spool_names.c */

struct vv_str vv_spool_segment_name(struct vv_arena *arena, uint64_t number,
    uint32_t generation);
bool vv_spool_segment_name_parse(struct vv_str name, uint64_t *out_number,
    uint32_t *out_generation);

/* spool_file.c: what is done to files; with the charge, or in open and close */

/* Puts the header, as it is in memory, on the disk. */
varve_status vv_spool_header_sync(struct vv_op *op, struct vv_spool *spool);
/* A new segment, durable and numbered. */
varve_status vv_spool_segment_make(struct vv_op *op, struct vv_spool *spool, size_t capacity,
    struct vv_spool_segment **out);
/* Makes all that it holds durable, in another file if need be. */
varve_status vv_spool_segment_sync(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment);
/* Of a segment that is ended and durable. */
void vv_spool_segment_seal(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment);
/* Removes a sealed one from the disk. */
varve_status vv_spool_segment_remove(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_segment *segment);
void vv_spool_segment_free(struct vv_spool_segment *segment); /* accepts NULL */

/* spool_thread.c */

varve_status vv_spool_thread_start(struct vv_op *op, struct vv_spool *spool);
void vv_spool_thread_stop(struct vv_spool *spool);
/* Syncs and seals what there is, oldest first. */
varve_status vv_spool_sync_now(struct vv_op *op, struct vv_spool *spool);
/*
 * Waits for progress of others, for a short while and at most until then (vv_spool_clock). False:
 * that is over. With the lock.
 */
bool vv_spool_wait_progress(struct vv_spool *spool, int64_t until_us);

/* spool_recover.c */

/* Reads what is there into the list of segments, all sealed afterwards. */
varve_status vv_spool_recover(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_recovery *out_recovery);

/* spool_append.c */

/* Ends the open segment, if there is one. With the lock. */
void vv_spool_end_open(struct vv_spool *spool);
void vv_spool_names_done(struct vv_spool_names *names);

#endif
