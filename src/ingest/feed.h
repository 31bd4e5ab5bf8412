/*
 * A simulated feed of the three market tables, in order of delivery. Rows carry the time at
 * which their source gave them out (`ingested_at`): shortly after the event, or minutes to hours
 * after it for late ones. Some are delivered twice, some are corrected later: the same key with
 * a newer `ingested_at`. What belongs to a UTC day is delivered within that day.
 *
 * A live feed goes by the clock, day and night: what is a minute of the market otherwise is as
 * long as its rows take at the rate, and what takes minutes takes seconds.
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
    double bad_share;    /* lines that no table takes, beside the good ones; 0: none */
    double rate;         /* rows a second; 0: no pace */
    double burst;        /* in every tenth second so many times the rate; 0: 1 */
    bool live;           /* events are now and never end; needs a rate */
    struct vv_str table; /* the rows of this one only; none: all */
};

/* EUSAGE: a date, symbol or number that makes no sense. */
varve_status vv_feed_open(struct vv_op *op, const struct vv_feed_options *options,
    struct vv_feed **out);
void vv_feed_close(struct vv_feed **feed);
/* The next line, borrowed until the next call; VV_STR_NONE at the end. */
varve_status vv_feed_next(struct vv_op *op, struct vv_feed *feed, struct vv_str *out_line);
/* When the line that vv_feed_next gave last is due: us since the feed was opened. */
int64_t vv_feed_due_us(const struct vv_feed *feed);

#endif
