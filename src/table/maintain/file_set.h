/*
 * The live logical files of a snapshot by (key, deletion vector).
 */
#ifndef VV_TABLE_MAINTAIN_FILE_SET_H
#define VV_TABLE_MAINTAIN_FILE_SET_H

#include "base/map.h"
#include "delta/snapshot.h"

struct vv_file_set {
    struct vv_map map;
};

/* In op's arena. */
varve_status vv_file_set_init(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_file_set *out);
varve_status vv_file_set_has(struct vv_op *op, const struct vv_file_set *set,
    const struct vv_file *file, bool *out);

#endif
