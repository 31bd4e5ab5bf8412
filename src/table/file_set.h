/*
 * A list of logical files, a path with a deletion vector each, that can be asked whether a file is
 * one of them, and which.
 */
#ifndef VV_TABLE_FILE_SET_H
#define VV_TABLE_FILE_SET_H

#include "base/map.h"
#include "delta/snapshot.h"

struct vv_file_set {
    struct vv_map by_path;
};

/* Of files that outlive it, in an arena that does. ENOMEM. */
varve_status vv_file_set_init(struct vv_op *op, struct vv_arena *arena,
    const struct vv_file *const *files, size_t len, struct vv_file_set *out);
/* The place of a file in the list, in *out (may be NULL); false: it is none of them. */
bool vv_file_set_find(const struct vv_file_set *set, struct vv_str key, struct vv_str dv_id,
    size_t *out);
bool vv_file_set_has(const struct vv_file_set *set, const struct vv_file *file);

#endif
