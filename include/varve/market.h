/*
 * The records of the three market tables as C structs: rows in and out without Arrow.
 * Conventions: varve.h.
 *
 * No value (NULL in the table) is a NULL text, a NaN number, VARVE_NO_INT, VARVE_NO_TIME. So a NaN
 * can't be stored this way: in market data it means that there is none. The column `date` is not
 * in the structs: it is the UTC date of `timestamp`. Begin a record with its ..._INIT, which sets
 * all that has no value.
 */
#ifndef VARVE_MARKET_H
#define VARVE_MARKET_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

#define VARVE_NO_NUMBER (__builtin_nan(""))
#define VARVE_NO_INT INT32_MIN
#define VARVE_NO_TIME INT64_MIN

/* A row of market_regimes; its key: timestamp, symbol. */
typedef struct varve_market_regime {
    int64_t timestamp;  /* us since 1970, of the classification */
    const char *symbol; /* "SPY" */
    const char *regime; /* "bullish_low", ...: those that `init` was given */
    double vix;         /* >= 0 */
    double put_call_ratio;
    const char *futures_trend; /* "up", "down", "flat" */
    double confidence;         /* 0 to 1 */
    const char *model_version;
    const char *source;
    int64_t ingested_at; /* us since 1970; decides which write is the last; none: now */
} varve_market_regime;
#define VARVE_MARKET_REGIME_INIT                                                            \
    {                                                                                       \
        VARVE_NO_TIME, NULL, NULL, VARVE_NO_NUMBER, VARVE_NO_NUMBER, NULL, VARVE_NO_NUMBER, \
            NULL, NULL, VARVE_NO_TIME                                                       \
    }

/* A row of performance_metrics; its key: timestamp, strategy_id. */
typedef struct varve_performance {
    int64_t timestamp;
    const char *strategy_id;
    double unrealized_pnl, realized_pnl, total_pnl; /* in the account's currency */
    double delta, gamma, theta, vega;
    int32_t dte; /* days to expiry */
    double entry_price, current_price;
    const char *regime_at_entry;
    const char *regime_current;
    int64_t ingested_at;
} varve_performance;
#define VARVE_PERFORMANCE_INIT                                                                \
    {                                                                                         \
        VARVE_NO_TIME, NULL, VARVE_NO_NUMBER, VARVE_NO_NUMBER, VARVE_NO_NUMBER,               \
            VARVE_NO_NUMBER, VARVE_NO_NUMBER, VARVE_NO_NUMBER, VARVE_NO_NUMBER, VARVE_NO_INT, \
            VARVE_NO_NUMBER, VARVE_NO_NUMBER, NULL, NULL, VARVE_NO_TIME                       \
    }

/* A row of signals; its key: timestamp, strategy_id, signal_type. */
typedef struct varve_signal {
    int64_t timestamp;
    const char *strategy_id;
    const char *signal_type; /* "ml_entry", ...: those that `init` was given */
    double signal_value;     /* 0 to 1 */
    const char *source;
    const char *source_version;
    int32_t acted_upon; /* 0 or 1 */
    int64_t acted_at;   /* only with acted_upon */
    const char *regime;
    const char *futures_trend;
    int64_t ingested_at;
} varve_signal;
#define VARVE_SIGNAL_INIT                                                                     \
    {                                                                                         \
        VARVE_NO_TIME, NULL, NULL, VARVE_NO_NUMBER, NULL, NULL, 0, VARVE_NO_TIME, NULL, NULL, \
            VARVE_NO_TIME                                                                     \
    }

/*
 * varve_table_upsert with records: `table` has the columns of the record (more may be there and
 * stay NULL). EINVALID names the record by its number, from 1, as a row ("row 2"). A text that is not
 * UTF-8, or a time out of range, is what is wrong with that record alone: it is told, or goes to the
 * quarantine, as JSON (with a U+FFFD for each byte that is none), which a release leaves there.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_upsert_regimes(varve_table *table,
    const varve_market_regime *rows, size_t rows_len, const varve_upsert_options *options,
    varve_upsert_result *out, varve_error *err);
VARVE_API VARVE_MUST_CHECK varve_status varve_table_upsert_performance(varve_table *table,
    const varve_performance *rows, size_t rows_len, const varve_upsert_options *options,
    varve_upsert_result *out, varve_error *err);
VARVE_API VARVE_MUST_CHECK varve_status varve_table_upsert_signals(varve_table *table,
    const varve_signal *rows, size_t rows_len, const varve_upsert_options *options,
    varve_upsert_result *out, varve_error *err);

/*
 * The rows of a stream that a read has given, as records, by the names of its columns, in any case; those
 * that it lacks have no value. The stream is taken over. One varve_free(*out) gives back the records
 * and their texts.
 * EUSAGE    a column is of another type than the record's, as one of an enum is, or is there twice
 * EINVALID  a text holds a NUL, where a text of C ends: the message says in which row and column
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_read_regimes(struct ArrowArrayStream *stream,
    varve_market_regime **out, size_t *out_len, varve_error *err);
VARVE_API VARVE_MUST_CHECK varve_status varve_read_performance(struct ArrowArrayStream *stream,
    varve_performance **out, size_t *out_len, varve_error *err);
VARVE_API VARVE_MUST_CHECK varve_status varve_read_signals(struct ArrowArrayStream *stream,
    varve_signal **out, size_t *out_len, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
