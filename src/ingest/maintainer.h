/*
 * Maintenance in the process of a writer: a thread of low priority, with handles and an engine of
 * one thread of its own, that looks after the tables of a lake every so often.
 */
#ifndef VV_INGEST_MAINTAINER_H
#define VV_INGEST_MAINTAINER_H

#include "lake/maintain.h"

struct vv_maintainer;

struct vv_maintainer_options {
    int64_t
        interval_us; /* from one run to the next; the first one is so long after the start */
    /*
     * Called from the thread after each run; may be NULL. `failure` not NULL: the run itself failed,
     * such as for a lake that is gone; it is tried again.
     */
    void (*ran)(void *data, const struct vv_lake_maintained *result,
        const varve_error *failure);
    void *data;
};

/*
 * `like` is where, and on whose behalf; it is not used any more afterwards. The environment of `op`,
 * which outlives the maintainer, is used from the thread, but for its cancel flag and progress.
 */
varve_status vv_maintainer_start(struct vv_op *op, const struct vv_lake *like,
    const struct vv_maintainer_options *options, struct vv_maintainer **out);
/* Cancels what is under way, which stays as far as it is committed. Accepts a pointer to NULL. */
void vv_maintainer_stop(struct vv_maintainer **maintainer);

#endif
