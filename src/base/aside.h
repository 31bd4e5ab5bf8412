/*
 * A piece of work that a thread of its own does while the caller goes on: for what is needed later
 * and rests on nothing that the caller is about to do.
 *
 * Its operation logs nothing and tells no progress, and nobody is told how it failed: the caller
 * does it again then, which fails again, or not.
 */
#ifndef VV_BASE_ASIDE_H
#define VV_BASE_ASIDE_H

#include "base/op.h"

struct vv_aside;

/*
 * *out is NULL where no thread could be had. `data` belongs to the thread until vv_aside_wait or
 * vv_aside_stop have returned.
 */
void vv_aside_begin(const struct vv_op *op, varve_status (*run)(struct vv_op *op, void *data),
    void *data, struct vv_aside **out);
/* Until it has ended, earlier where the operation is cancelled. True: it was done, all of it. */
bool vv_aside_wait(struct vv_op *op, struct vv_aside **aside); /* accepts a pointer to NULL */
/* Cancels it, and waits for its end. */
void vv_aside_stop(struct vv_aside **aside); /* accepts a pointer to NULL */

#endif
