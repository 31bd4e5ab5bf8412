/*
 * What is kept in memory of data files that are read again and again in one process: their
 * columns, decoded, those alone that were asked for. A data file never changes, so what is held of
 * it is never wrong; what goes out of use is thrown away.
 *
 * The bytes that are held are counted and bounded. Where more are to come, the files go whose
 * columns were used longest ago; a statement takes nothing away from itself or from one that has
 * begun later, and does without where that leaves no room. To hold nothing is never a failure.
 *
 * Several engines may share one, and several threads use it at once. What statements read and how
 * it comes to be held: engine/held_files.h.
 */
#ifndef VV_ENGINE_HELD_H
#define VV_ENGINE_HELD_H

#include "base/op.h"

struct vv_held;

struct vv_held_counts {
    uint64_t bytes, bytes_max; /* that are held, about; and may be */
    uint64_t files, columns;   /* of which something is held; columns of files */
    uint64_t hits, misses; /* columns of files that were there, and that had to be decoded */
    uint64_t evicted;      /* files thrown away to make room */
};

/* With one use, which is the caller's. */
varve_status vv_held_new(struct vv_op *op, size_t bytes_max, struct vv_held **out);
struct vv_held *vv_held_retain(struct vv_held *held); /* NULL stays NULL */
void vv_held_release(struct vv_held **held);          /* accepts a pointer to NULL */
struct vv_held_counts vv_held_count(struct vv_held *held);
/* Gives all memory back; statements that are running keep what they read. */
void vv_held_clear(struct vv_held *held);

#endif
