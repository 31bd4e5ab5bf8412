/*
 * The four encodings of a path (value, partitionValues, folder, add.path) and nothing else knows
 * them. See "Partition values and paths" in docs/delta-notes.md.
 */
#ifndef VV_DELTA_PATH_H
#define VV_DELTA_PATH_H

#include "base/buf.h"
#include "base/op.h"

/* "date=2025-01-30": Hive-escaped name and value; NULL (ptr NULL) and "" give the default name. One
 * that no file system takes (over 255 bytes) is a hash of it: paths say nothing of values. */
void vv_path_partition_folder(struct vv_str column, struct vv_str value,
    struct vv_buf *out_key);
/* A store key (relative) as `add.path`: URI-encoded. vv_path_decode gives the key back. */
void vv_path_encode(struct vv_str key, struct vv_buf *out_path);
/*
 * `add.path` as a canonical key: URI-decoded once; "file:/x", "file:///x" and "/x" are one
 * absolute path. ECORRUPT for bad escapes, NUL, or ".." that leaves the table.
 * *out_absolute: outside the table's root or spelled as a URL (shallow clones). The key is `path`
 * itself where there is nothing to decode, else in `arena`.
 */
varve_status vv_path_decode(struct vv_op *op, struct vv_arena *arena, struct vv_str path,
    struct vv_str *out_key, bool *out_absolute);

#endif
