/*
 * What makes up a version, found by asking for names instead of listing them. A store on disk
 * looks at every name of a folder to list a few of them, and a log may have a hundred thousand;
 * but a checkpoint is near, and the commits behind it have names that are known.
 */
#ifndef VV_DELTA_LOG_PROBE_H
#define VV_DELTA_LOG_PROBE_H

#include "delta/log.h"

/*
 * As vv_log_find without a limit on checkpoints. `*out_found` false: this does not tell, for
 * there is no usable hint, no checkpoint in one file nearby, or a commit is missing; the listing
 * does, and knows what to say.
 */
varve_status vv_log_probe(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    struct vv_arena *arena, struct vv_log_segment *out, bool *out_found);

/* So many commits that are missing in a row are noticed to be; a longer gap looks like the end. */
#define VV_LOG_GAP_MAX 32
/*
 * Whether a commit is there behind the missing one that follows `version`: then the log has a gap,
 * and no end here. Looks at VV_LOG_GAP_MAX names.
 */
varve_status vv_log_has_gap(struct vv_op *op, const struct vv_log_handle *log, int64_t version,
    bool *out);

#endif
