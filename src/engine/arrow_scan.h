/*
 * The rows of an Arrow stream as those of one statement, in their order, without a table in between:
 * the stream is asked for a batch when the statement wants its rows, and no row is kept once the
 * statement has it. The functions of the stream are called by one thread at a time, which may be
 * one of the engine's.
 *
 *     vv_arrow_scan_open(op, session, stream, &scan);
 *     vv_session_exec(op, session, "... FROM " VV_ARROW_SCAN_FUNCTION "(" vv_arrow_scan_id(scan) ")");
 *     vv_arrow_scan_end(op, scan, status) is how that went
 */
#ifndef VV_ENGINE_ARROW_SCAN_H
#define VV_ENGINE_ARROW_SCAN_H

#include "engine/arrow_in.h"

#define VV_ARROW_SCAN_FUNCTION "vv_arrow_rows"

struct vv_arrow_scan;

/*
 * Takes the stream over, on failure too. What is refused, and what types become, is said of
 * vv_session_load_arrow. The scan belongs to the operation; it can be read once.
 */
varve_status vv_arrow_scan_open(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, struct vv_arrow_scan **out);
int64_t vv_arrow_scan_id(const struct vv_arrow_scan *scan);
/*
 * To be called with the status of the statement: where the rows were what failed, that takes the
 * place of what the engine made of it. Gives the stream back.
 */
varve_status vv_arrow_scan_end(struct vv_op *op, struct vv_arrow_scan *scan,
    varve_status status);

/* Makes the function known to the database. */
varve_status vv_arrow_scan_register(struct vv_op *op, struct vv_session *session);

#endif
