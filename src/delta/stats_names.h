/*
 * The value of delta.dataSkippingStatsColumns: "a, s.x, `odd.name`", paths of logical names of the
 * columns that alone have statistics. One that is a struct stands for all that is in it.
 */
#ifndef VV_DELTA_STATS_NAMES_H
#define VV_DELTA_STATS_NAMES_H

#include "base/buf.h"
#include "base/op.h"

#define VV_PROPERTY_STATS_COLUMNS "delta.dataSkippingStatsColumns"

struct vv_name_path {
    struct vv_str *names;
    size_t len;
};

/* Any text is one, in the operation's arena. Fails for memory alone. */
varve_status vv_stats_names_read(struct vv_op *op, struct vv_str text,
    const struct vv_name_path **out, size_t *out_len);
/* Names that are more than letters, digits and _ are back-quoted, so that Spark's parser takes them. */
void vv_stats_names_write(const struct vv_name_path *paths, size_t len, struct vv_buf *out);

#endif
