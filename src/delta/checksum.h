/*
 * `<version>.crc`: what a version of a table has, in figures, so that whoever has replayed the log
 * can tell whether it came to the same. A hint: a table is read without it, and never by it.
 */
#ifndef VV_DELTA_CHECKSUM_H
#define VV_DELTA_CHECKSUM_H

#include "delta/snapshot.h"

/* In op's arena. */
struct vv_str vv_checksum_key(struct vv_op *op, int64_t version);
/* For the snapshot's version; one that is there already stays. */
varve_status vv_checksum_write(struct vv_op *op, struct vv_store *store,
    const struct vv_snapshot *snapshot);
/*
 * Holds the file of the snapshot's version against the snapshot. *out_wrong: a sentence on what
 * differs, in op's arena; len 0: nothing. ENOTFOUND: there is no file.
 */
varve_status vv_checksum_check(struct vv_op *op, struct vv_store *store,
    const struct vv_snapshot *snapshot, struct vv_str *out_wrong);

#endif
