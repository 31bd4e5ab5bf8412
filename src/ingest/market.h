/*
 * A simulated market, minute by minute: regimes (direction x volatility) that switch by chance,
 * prices that follow them, strategies that hold options on them, and their signals.
 *
 * Numbers are integers of their smallest unit (cents, thousandths), so that sums agree to the
 * cent and the same seed gives the same digits everywhere.
 */
#ifndef VV_INGEST_MARKET_H
#define VV_INGEST_MARKET_H

#include "base/op.h"
#include "ingest/random.h"

enum vv_feed_table {
    VV_FEED_REGIMES,
    VV_FEED_METRICS,
    VV_FEED_SIGNALS
};
/* Their names, in that order. */
#define VV_FEED_TABLE_NAMES                                \
    {                                                      \
        "market_regimes", "performance_metrics", "signals" \
    }

struct vv_regimes_row {
    struct vv_str symbol;
    const char *regime, *futures_trend, *model_version, *source;
    int64_t vix_cents, put_call_thousandths, confidence_thousandths;
};

struct vv_metrics_row {
    struct vv_str strategy;
    const char *regime_at_entry, *regime_current;
    int64_t multiplier; /* contracts x 100, negative for short positions */
    int64_t entry_cents, current_cents, realized_cents;
    int64_t delta_e4, gamma_e4, theta_e4, vega_e4; /* of the position, ten-thousandths */
    int64_t dte;
};
/* Profit of the open position; with realized_cents it makes the total. */
static inline int64_t vv_metrics_unrealized_cents(const struct vv_metrics_row *row)
{
    return row->multiplier * (row->current_cents - row->entry_cents);
}

struct vv_signals_row {
    struct vv_str strategy;
    const char *type, *source, *source_version, *regime, *futures_trend;
    int64_t value_thousandths;
    int64_t acted_us; /* 0: not acted upon */
};

struct vv_feed_row {
    enum vv_feed_table table;
    int64_t timestamp_us;
    int64_t ingested_us;
    union {
        struct vv_regimes_row regimes;
        struct vv_metrics_row metrics;
        struct vv_signals_row signals;
    } as;
};

struct vv_market_symbol;
struct vv_market_strategy;

struct vv_market {
    struct vv_random random;
    struct vv_market_symbol *symbols;
    size_t symbols_len;
    struct vv_market_strategy *strategies;
    size_t strategies_len;
    int direction;  /* of the whole market: 0 bullish, 1 bearish, 2 neutral */
    int volatility; /* 0 low, 1 high */
    double vix, vix_change;
    int64_t days;
};

/* `symbols` live as long as `arena`, which holds all of the market. */
varve_status vv_market_new(struct vv_op *op, struct vv_arena *arena, uint64_t seed,
    const struct vv_str *symbols, size_t symbols_len, size_t strategies_len,
    struct vv_market **out);
/* A new day, `days` after the one before: gaps in prices, options nearer to their end. */
void vv_market_open(struct vv_market *market, int32_t days);
/* The next minute; afterwards the rows below are those of `timestamp_us`. */
void vv_market_step(struct vv_market *market);

void vv_market_regimes(struct vv_market *market, size_t index, struct vv_regimes_row *out);
void vv_market_metrics(struct vv_market *market, size_t index, struct vv_metrics_row *out);
/* False: no signal of that strategy in this minute. */
bool vv_market_signal(struct vv_market *market, size_t strategy, int64_t minute_us,
    int64_t *out_timestamp_us, struct vv_signals_row *out);
/* Changes what a source would correct: never the key. */
void vv_market_correct(struct vv_market *market, struct vv_feed_row *row);

#endif
