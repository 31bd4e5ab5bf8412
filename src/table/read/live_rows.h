/*
 * The rows that stay of some data files, as a condition of a scan: those that neither a deletion
 * vector nor the operation itself has taken.
 */
#ifndef VV_TABLE_READ_LIVE_ROWS_H
#define VV_TABLE_READ_LIVE_ROWS_H

#include "delta/action.h"
#include "delta/row_set.h"
#include "engine/engine.h"
#include "store/store.h"

struct vv_live_rows {
    bool all;    /* no file has lost any */
    uint64_t id; /* else: of the filter in the engine (engine/row_filter.h) */
};

/* The files, in the order in which the scan numbers them. */
struct vv_live_source {
    struct vv_store *store;
    const struct vv_file *const *files;
    size_t files_len;
    const struct vv_row_set *const *taken; /* by file, NULL: none; itself NULL: of no file */
};

/*
 * Reads the vectors of the files. What the condition needs is copied, and in `engine` until the
 * operation ends. Failures: vv_dv_read.
 */
varve_status vv_live_rows(struct vv_op *op, struct vv_engine *engine,
    const struct vv_live_source *source, struct vv_live_rows *out);

#endif
