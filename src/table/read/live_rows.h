/*
 * The rows that deletion vectors leave of some data files, as a condition of a scan.
 */
#ifndef VV_TABLE_READ_LIVE_ROWS_H
#define VV_TABLE_READ_LIVE_ROWS_H

#include "delta/action.h"
#include "engine/engine.h"
#include "store/store.h"

struct vv_live_rows {
    bool all;    /* no file has a deletion vector */
    uint64_t id; /* else: of the filter in the engine (engine/row_filter.h) */
};

/*
 * Reads the vectors of the files, by the order of which the scan numbers them. What the condition
 * needs is in `engine` until the operation ends. Failures: vv_dv_read.
 */
varve_status vv_live_rows(struct vv_op *op, struct vv_engine *engine, struct vv_store *store,
    const struct vv_file *const *files, size_t files_len, struct vv_live_rows *out);

#endif
