/*
 * A few threads that share the numbered pieces of one operation.
 *
 * Each piece has an operation of its own, which dies with it: what is to stay goes to memory of the
 * caller's that belongs to that thread or to that piece alone. The thread that called does none of
 * the work: it waits, tells the progress, logs what the others log, and sees to it that all stop when the operation is
 * cancelled or a piece has failed.
 */
#ifndef VV_BASE_CREW_H
#define VV_BASE_CREW_H

#include "base/op.h"

#define VV_CREW_MAX 16

struct vv_crew_work {
    size_t len;           /* pieces */
    const char *phase;    /* for the progress, NULL: none is told; of which it may be a part: */
    size_t before, total; /* pieces that are done already, and all of them; 0: these alone */
    /* Does one piece; `thread` counts from 0. No two calls at once have the same thread. */
    varve_status (*run)(struct vv_op *op, void *data, size_t thread, size_t piece);
    void *data;
};

/*
 * Runs all pieces, begun in their order, by up to `threads` threads (at most VV_CREW_MAX); with one,
 * or where none can be started, in the calling thread and in `op` itself. On failure the first one
 * is recorded, not what it made of the others; what has not begun then never does. All threads have
 * ended when it returns.
 */
varve_status vv_crew_run(struct vv_op *op, size_t threads, const struct vv_crew_work *work);

#endif
