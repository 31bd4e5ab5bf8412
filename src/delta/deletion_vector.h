/*
 * Deletion vectors: where the rows lie that a file has lost, and how they get there.
 *
 * In the log (storage 'i'), in a file of the table ('u', named by a UUID), or at an absolute path
 * ('p'). Such a file is a version byte, then for each vector its size and its CRC-32, both
 * big-endian, around its bytes (row_set.h).
 */
#ifndef VV_DELTA_DELETION_VECTOR_H
#define VV_DELTA_DELETION_VECTOR_H

#include "base/map.h"
#include "base/uuid.h"
#include "delta/action.h"
#include "delta/row_set.h"
#include "store/store.h"

/* The vectors of many files, which often share one file of vectors: each is fetched once. */
struct vv_dv_reader {
    struct vv_store *store; /* of the table */
    struct vv_arena arena;
    struct vv_map files; /* what the log calls it to its bytes (struct vv_str) */
};
void vv_dv_reader_init(struct vv_dv_reader *reader, struct vv_store *store);
void vv_dv_reader_done(struct vv_dv_reader *reader);

/*
 * The rows that `file`, which has a vector, has lost. ECORRUPT: size, checksum, bitmap, number of
 * rows or the last row don't agree with each other or with the log; ENOTFOUND, EIO: its file
 * can't be read; EUNSUPPORTED: a storage that the protocol does not have.
 */
varve_status vv_dv_read(struct vv_op *op, struct vv_dv_reader *reader,
    const struct vv_file *file, struct vv_row_set **out);

/*
 * The file that a vector lies in, which is not in the log itself: a key in the table's store, or
 * *out_absolute. ECORRUPT: what the log says names no file.
 */
varve_status vv_dv_key(struct vv_op *op, struct vv_arena *arena,
    const struct vv_deletion_vector *dv, struct vv_str *out, bool *out_absolute);

/* A file of vectors that is being put together. {0} is not started. */
struct vv_dv_writer {
    char uuid[VV_UUID_BYTES];
    struct vv_str name; /* how the log calls it, in the arena of vv_dv_begin */
    struct vv_str key;  /* likewise */
    struct vv_buf bytes;
};
varve_status vv_dv_begin(struct vv_op *op, struct vv_arena *arena,
    struct vv_dv_writer *out); /* the name is chosen here */
void vv_dv_writer_done(struct vv_dv_writer *writer);
/* One more vector, and what the log says of it. ELIMIT: it is too large for Delta. */
varve_status vv_dv_add(struct vv_op *op, struct vv_dv_writer *writer, struct vv_row_set *rows,
    struct vv_deletion_vector *out);
/* Stores the file; it is durable afterwards. */
varve_status vv_dv_store(struct vv_op *op, struct vv_store *store,
    const struct vv_dv_writer *writer);

#endif
