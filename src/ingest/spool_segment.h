/*
 * One segment: bytes in, records out, and back. No I/O.
 *
 * A segment is a head of two pages, each with a slot, and records one behind the other, the last
 * of which is the end. The first word of a record is its checksum, written last, in one go: while
 * it is zero nothing is there.
 */
#ifndef VV_INGEST_SPOOL_SEGMENT_H
#define VV_INGEST_SPOOL_SEGMENT_H

#include "ingest/spool.h"
#include "ingest/spool_layout.h"
#include "store/journal.h"

#define VV_SEGMENT_HEAD_BYTES ((size_t)2 * VV_SPOOL_PAGE_BYTES)
#define VV_SEGMENT_RECORD_HEAD_BYTES ((size_t)40)
#define VV_SEGMENT_END_BYTES ((size_t)72)
#define VV_SEGMENT_PAYLOAD_BYTES_MAX ((size_t)256 << 20)

enum vv_segment_state {
    VV_SEGMENT_OPEN = 1,
    VV_SEGMENT_SEALED = 2
};

/* What a slot of the head says. */
struct vv_segment_head {
    enum vv_segment_state state;
    uint32_t generation;
    unsigned char key[VV_SPOOL_KEY_BYTES];
    uint64_t number;
    unsigned char boot[VV_JOURNAL_BOOT_BYTES]; /* of the machine, when it was made */
    uint64_t durable_bytes;                    /* of the file, known to have been synced */
    uint64_t capacity;                         /* bytes of the file while it is open */
    uint64_t turn;                             /* the greatest is the newest */
};

/* The newest slot that is whole; false where none is. */
bool vv_segment_head_read(struct vv_str file, struct vv_segment_head *out);
/* Into the slot of its turn. */
void vv_segment_head_write(const struct vv_segment_head *head, unsigned char *file);

/* What the checksums of a segment's records begin from. */
uint64_t vv_segment_seed(const unsigned char key[VV_SPOOL_KEY_BYTES], uint64_t number);

static inline size_t vv_segment_record_bytes(size_t payload_bytes)
{
    return VV_SEGMENT_RECORD_HEAD_BYTES + (payload_bytes + 7) / 8 * 8;
}

/* Of a segment, or of what was read of it. */
struct vv_segment_counts {
    uint64_t rows;
    uint64_t records;        /* without the end */
    uint64_t first_sequence; /* of a row, or of one that is lost */
    uint64_t last_sequence;
    int64_t first_arrival_us; /* INT64_MIN: no row */
    int64_t last_arrival_us;
};
#define VV_SEGMENT_COUNTS_INIT ((struct vv_segment_counts){0, 0, 0, 0, INT64_MIN, INT64_MIN})

void vv_segment_count(struct vv_segment_counts *counts, const struct vv_spool_record *record);

/* At `at`, where zero bytes are. There must be room. */
void vv_segment_write(unsigned char *file, size_t at, uint64_t seed,
    const struct vv_spool_record *record);
void vv_segment_write_end(unsigned char *file, size_t at, uint64_t seed,
    const struct vv_segment_counts *counts);

enum vv_segment_step {
    VV_SEGMENT_STEP_RECORD,
    VV_SEGMENT_STEP_END,   /* of a whole segment; `at` is behind it */
    VV_SEGMENT_STEP_BLANK, /* nothing was published at `at` */
    VV_SEGMENT_STEP_BAD    /* something was, and `fault` says what is wrong with it */
};

/* Reads records in their order. What has been returned is whole and follows what came before. */
struct vv_segment_cursor {
    const unsigned char *bytes; /* of the file, from its start */
    size_t len;
    uint64_t seed;
    size_t at;
    struct vv_segment_counts counts;
    uint32_t tables, schemas; /* declared so far */
    const char *fault;
};

void vv_segment_cursor_init(struct vv_segment_cursor *cursor, struct vv_str file,
    const unsigned char key[VV_SPOOL_KEY_BYTES], uint64_t number);
enum vv_segment_step vv_segment_next(struct vv_segment_cursor *cursor,
    struct vv_spool_record *out);

/*
 * A record that is whole, whatever lies around it; 0: there is none at `at`, else its bytes. `kind`
 * may be one that this version does not know. An end has its counts in *out_end; else its `records`
 * are 0. `*hashed_bytes_left` bounds the work on bytes that look like ever new records.
 */
size_t vv_segment_record_at(struct vv_str file, uint64_t seed, size_t at,
    size_t *hashed_bytes_left, struct vv_spool_record *out, struct vv_segment_counts *out_end);
/* The record that vv_segment_record_at has found there. */
void vv_segment_record_view(struct vv_str file, size_t at, struct vv_spool_record *out);
/* What `hashed_bytes_left` begins with. */
size_t vv_segment_hashed_bytes_max(struct vv_str file);
/* Whether a record of vv_segment_record_at uses what a later version of Varve added. */
bool vv_segment_record_is_newer(struct vv_str file, size_t at);
/* Whole records anywhere from `from` on, whatever lies between; `*out_rows` of them are rows. */
uint64_t vv_segment_records_behind(struct vv_str file, uint64_t seed, size_t from,
    uint64_t *out_rows);
/* Bytes from `from` to the last that is not zero. */
size_t vv_segment_bytes_behind(struct vv_str file, size_t from);

#endif
