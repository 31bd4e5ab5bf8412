/*
 * A set of row numbers of one data file, counted from 0: what a deletion vector holds. By
 * CRoaring, which knows 32-bit numbers, so there is one of its bitmaps for each upper half.
 *
 * Its bytes are Delta's RoaringBitmapArray: a magic number, then the bitmaps in the format that
 * all Roaring libraries share. The older layout that Spark calls "native" is read too. CRoaring
 * trusts what it reads; therefore row_set_check.c looks at every byte before.
 */
#ifndef VV_DELTA_ROW_SET_H
#define VV_DELTA_ROW_SET_H

#include "base/buf.h"
#include "base/op.h"

#define VV_ROW_MAX INT64_MAX

struct vv_row_set;

/* Empty; NULL when memory is out. */
struct vv_row_set *vv_row_set_new(void);
void vv_row_set_free(struct vv_row_set **set); /* accepts a pointer to NULL */

/* In any order, fastest in ascending order; not negative. False when memory is out. */
bool vv_row_set_add(struct vv_row_set *set, const int64_t *rows, size_t len);
/* Adds what is in the other. False when memory is out. */
bool vv_row_set_unite(struct vv_row_set *set, const struct vv_row_set *other);

int64_t vv_row_set_len(const struct vv_row_set *set);
int64_t vv_row_set_greatest(const struct vv_row_set *set); /* -1: it is empty */
bool vv_row_set_overlaps(const struct vv_row_set *set, const struct vv_row_set *other);
/* out_has[i]: rows[i] is in the set. Fastest for rows that follow each other. */
void vv_row_set_find(const struct vv_row_set *set, const int64_t *rows, size_t len,
    bool *out_has);

/* ECORRUPT: the bytes are not what the format says; nothing in them is believed unchecked. */
varve_status vv_row_set_read(struct vv_op *op, struct vv_str bytes, struct vv_row_set **out);
/* Appends the set's bytes, in the portable layout. Compresses it, hence not const. */
void vv_row_set_write(struct vv_row_set *set, struct vv_buf *out);

/*
 * For row_set.c. What is wrong with the standard Roaring bitmap (32 bit) at the front of the
 * bytes, NULL where nothing is; *out_bytes: how many it takes.
 */
const char *vv_roaring_fault(struct vv_str bytes, size_t *out_bytes);

#endif
