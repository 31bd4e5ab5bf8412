/*
 * Arrow arrays as rows of a table of the engine. Written here instead of by DuckDB's own import,
 * which trusts the arrays of a foreign process (and ignores the offset of a sliced one).
 *
 * arrow_fill.c    values of a checked array into the vectors of a chunk
 * arrow_load.c    the stream, the table and the loop
 * arrow_scan.c    a stream as the rows of one statement
 */
#ifndef VV_ENGINE_ARROW_IN_H
#define VV_ENGINE_ARROW_IN_H

#include "engine/arrow_type.h"
#include "engine/duck.h"

/* Puts the values of a part of a checked array into `vector` from `at` on. */
varve_status vv_arrow_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at);

/* Where record batches come from. */
struct vv_arrow_batches {
    void *data;
    varve_status (*schema)(struct vv_op *op, void *data, struct ArrowSchema *out);
    /* Released: there are no more. */
    varve_status (*next)(struct vv_op *op, void *data, struct ArrowArray *out);
};
/* The batches of a stream, which stays the caller's and where it is. */
struct vv_arrow_batches vv_arrow_batches_of(struct ArrowArrayStream *stream);
/* As vv_session_load_arrow. */
varve_status vv_session_load_batches(struct vv_op *op, struct vv_session *session,
    const struct vv_arrow_batches *from, const struct vv_load_target *target,
    int64_t *out_rows);

#endif
