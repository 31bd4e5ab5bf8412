/*
 * What the number means that a stream fails with: Arrow's interface has nothing else. varve.h has the
 * table; a stream that Varve gave and gets back fails with the code that it had.
 */
#ifndef VV_ENGINE_ARROW_STREAM_H
#define VV_ENGINE_ARROW_STREAM_H

#include "base/op.h"
#include "varve/arrow.h"

int vv_arrow_number(varve_status status);
varve_status vv_arrow_status(int number);

/* Records that get_schema or get_next failed: "doing: why". `doing` NULL: why alone. */
varve_status vv_arrow_fail(struct vv_op *op, struct ArrowArrayStream *stream, int number,
    const char *doing);
/* EINVALID: there is nothing to be read any more, nor to be released. */
varve_status vv_arrow_check_unread(struct vv_op *op, const struct ArrowArrayStream *stream);

#endif
