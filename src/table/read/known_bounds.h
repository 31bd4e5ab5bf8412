/*
 * What the statistics of files say of some columns, kept from one operation to the next: to read
 * them anew of a thousand files takes longer than to upsert a few hundred rows. By the name of the
 * file, and only as long as the log says the same of it.
 */
#ifndef VV_TABLE_READ_KNOWN_BOUNDS_H
#define VV_TABLE_READ_KNOWN_BOUNDS_H

#include "base/map.h"
#include "delta/stats.h"

/* With so much in memory no more is kept. */
#define VV_KNOWN_BYTES_MAX ((size_t)16 << 20)

struct vv_known_bounds {
    struct vv_arena arena;
    struct vv_map by_key;
    struct vv_str of; /* the schema, partition columns and columns that they are of */
    size_t asked, hits;
};

void vv_known_bounds_init(struct vv_known_bounds *known);
void vv_known_bounds_done(struct vv_known_bounds *known);
/* Before files are asked for these columns: forgets what is of others, or of files that are gone. */
varve_status vv_known_bounds_begin(struct vv_op *op, struct vv_known_bounds *known,
    const struct vv_stats_columns *columns);
/* As vv_stats_read, of the columns of _begin; good until the next _begin. */
varve_status vv_known_bounds_read(struct vv_op *op, struct vv_known_bounds *known,
    const struct vv_file *file, const struct vv_stats_columns *columns,
    struct vv_file_stats *out);

#endif
