/*
 * A simulated feed of the three market tables, in order of delivery. Rows carry the time at
 * which their source gave them out (`ingested_at`): shortly after the event, or minutes to hours
 * after it for late ones. Some are delivered twice, some are corrected later: the same key with
 * a newer `ingested_at`. What belongs to a UTC day is delivered within that day.
 */
#ifndef VV_INGEST_FEED_H
#define VV_INGEST_FEED_H

#include "base/buf.h"
#include "base/op.h"

struct vv_feed;

struct vv_feed_options {
    uint32_t days;       /* 0: 1 */
    struct vv_str start; /* first day; none: so that the last day is the latest before today */
    struct vv_str symbols; /* parted by commas; none: SPY,QQQ,IWM */
    uint32_t strategies;   /* 0: 3 */
    uint64_t seed;
    double late_share, repeat_share, correction_share; /* < 0: none; 0: 0.01 */
};

/* EUSAGE: a date, symbol or number that makes no sense. */
varve_status vv_feed_open(struct vv_op *op, const struct vv_feed_options *options,
    struct vv_feed **out);
void vv_feed_close(struct vv_feed **feed);
/* The next line, borrowed until the next call; VV_STR_NONE at the end. */
varve_status vv_feed_next(struct vv_op *op, struct vv_feed *feed, struct vv_str *out_line);

#endif
