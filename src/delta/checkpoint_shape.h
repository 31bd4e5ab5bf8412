/*
 * Which columns a checkpoint file has: writers leave out what they do not know or need.
 */
#ifndef VV_DELTA_CHECKPOINT_SHAPE_H
#define VV_DELTA_CHECKPOINT_SHAPE_H

#include "base/map.h"
#include "engine/engine.h"

struct vv_checkpoint_shape {
    struct vv_map members; /* "add", "add.path", "add.deletionVector" ... */
    bool has_null_stats;   /* rows with add.path and without add.stats, for all we know */
    /* The SQL type that add.stats_parsed is to be cast to: without what is not believed. */
    struct vv_str stats_type; /* none: as it is */
    bool has_vectors;         /* rows with add.deletionVector, for all we know */
};

/* Reads the footer of a local Parquet file. Lives in the arena of `op`. */
varve_status vv_checkpoint_shape_read(struct vv_op *op, struct vv_session *session,
    struct vv_str path, struct vv_checkpoint_shape *out);
/* "add.path" */
bool vv_checkpoint_shape_has(const struct vv_checkpoint_shape *shape, const char *member);
/* Of some file stats_parsed alone says the statistics, for all we know. */
bool vv_checkpoint_shape_reads_parsed(const struct vv_checkpoint_shape *shape);

#endif
