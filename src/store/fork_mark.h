/*
 * A mark by which a process knows itself from the children that were forked from it, at the price
 * of reading a byte.
 */
#ifndef VV_STORE_FORK_MARK_H
#define VV_STORE_FORK_MARK_H

#include "base/op.h"

struct vv_fork_mark {
    unsigned char *page; /* NULL: none */
};

varve_status vv_fork_mark_make(struct vv_op *op, struct vv_fork_mark *out);
void vv_fork_mark_done(struct vv_fork_mark *mark);

/* Whether this process has made the mark. */
static inline bool vv_fork_mark_is_ours(const struct vv_fork_mark *mark)
{
    return *(const volatile unsigned char *)mark->page == 1;
}

#endif
