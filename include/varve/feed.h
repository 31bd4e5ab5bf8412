/*
 * A simulated market: a deterministic, regime-switching feed of the three market tables, for
 * demonstrations, tests and load. Conventions: varve.h.
 */
#ifndef VARVE_FEED_H
#define VARVE_FEED_H

#include "varve/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_feed varve_feed;

typedef struct varve_feed_options {
    uint32_t size;
    uint32_t days;     /* trading days; 0: 1 */
    const char *start; /* first day; NULL: so that the last day is the latest one before now */
    const char *symbols;     /* parted by commas; NULL: SPY,QQQ,IWM */
    uint32_t strategies;     /* 0: 3 */
    uint64_t seed;           /* the same seed and options give the same lines */
    double late_share;       /* of rows delivered late; < 0: none; 0: the default 0.01 */
    double repeat_share;     /* of rows delivered twice; likewise */
    double correction_share; /* of rows corrected later; likewise */
    const char *table;       /* rows of this table only; NULL: of all three */
    double bad_share;        /* of further lines that no table takes; 0: none */
    double rate;             /* rows a second, for varve_feed_due_us; 0: no pace */
    double burst;            /* in every tenth second so many times the rate; 0: 1 */
    int32_t live;            /* 1: events are now, day and night, for ever; needs a rate */
} varve_feed_options;
#define VARVE_FEED_OPTIONS_INIT                                                                \
    {                                                                                          \
        sizeof(varve_feed_options), 0, NULL, NULL, 0, 0, 0.0, 0.0, 0.0, NULL, 0.0, 0.0, 0.0, 0 \
    }

/* A deterministic, regime-switching market feed of the three tables. */
VARVE_API VARVE_MUST_CHECK varve_status varve_feed_open(const varve_feed_options *options,
    varve_feed **out, varve_error *err);
/*
 * The next line, NDJSON that starts with "table" and has no newline, in order of delivery;
 * borrowed until the next call. *out_line NULL: the end.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_feed_next(varve_feed *feed, const char **out_line,
    varve_error *err);
/* When the line that varve_feed_next gave last is due, in us since the feed was opened. */
VARVE_API int64_t varve_feed_due_us(const varve_feed *feed);
VARVE_API void varve_feed_close(varve_feed *feed);

#ifdef __cplusplus
}
#endif

#endif
