/* Rows waiting for their time: out comes the one that is due first, of equals the first in. */
#ifndef VV_INGEST_DELIVERY_H
#define VV_INGEST_DELIVERY_H

#include "base/op.h"
#include "ingest/market.h"

struct vv_delivery_item;

struct vv_delivery {
    struct vv_delivery_item *items; /* a heap: each is due no later than its children */
    size_t len, capacity;
    uint64_t numbered;
};

void vv_delivery_done(struct vv_delivery *delivery);
varve_status vv_delivery_put(struct vv_op *op, struct vv_delivery *delivery, int64_t due_us,
    const struct vv_feed_row *row);
/* False: nothing is due before `before_us`. */
bool vv_delivery_take(struct vv_delivery *delivery, int64_t before_us, struct vv_feed_row *out,
    int64_t *out_due_us);

#endif
