/*
 * Reports: performance by market regime, regimes, signals and their outcomes; gaps and lateness of
 * any table. docs/reports.md
 * defines the columns. Conventions: varve.h.
 */
#ifndef VARVE_REPORT_H
#define VARVE_REPORT_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Since when a regime counts as known at the time of a performance row. */
typedef enum varve_knowledge {
    VARVE_KNOWLEDGE_ORDER = 0,  /* from its order column, ingested_at */
    VARVE_KNOWLEDGE_COMMIT = 1, /* from the commit of the file that holds it */
    VARVE_KNOWLEDGE_EVENT = 2   /* from its own timestamp: hindsight */
} varve_knowledge;

typedef struct varve_correlate_options {
    uint32_t size;
    int32_t knowledge;  /* varve_knowledge */
    int32_t by_symbol;  /* 1: the answer for each symbol, with a column `symbol` in front */
    const char *symbol; /* whose regimes; NULL: SPY, else the first; with by_symbol: all */
    const char *last; /* back from now: "30d", the default where neither from nor to is given */
    const char *from; /* included */
    const char *to;   /* not included */
    const char *at;   /* a time or tag: the tables as of then; NULL: the latest */
} varve_correlate_options;
#define VARVE_CORRELATE_OPTIONS_INIT                                        \
    {                                                                       \
        sizeof(varve_correlate_options), 0, 0, NULL, NULL, NULL, NULL, NULL \
    }

/*
 * One row a regime: regime, rows, strategies, share_of_time, pnl_change, mean_pnl_change,
 * worst_drawdown, hit_rate. *out_json (may be NULL) says what the answer rests on: {"symbol",
 * "symbols","knowledge","rows","rows_without_pnl","without_regime","late","different",
 * "undated_regimes","undated_files","newest"}.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_correlate(varve_lake *lake,
    const varve_correlate_options *options, struct ArrowArrayStream *out, char **out_json,
    varve_error *err);

/* What outcomes are summed by. */
typedef enum varve_outcomes_by {
    VARVE_OUTCOMES_REGIME = 0, /* as known at the signal's time */
    VARVE_OUTCOMES_STRATEGY = 1,
    VARVE_OUTCOMES_SOURCE = 2,
    VARVE_OUTCOMES_TYPE = 3,
    VARVE_OUTCOMES_CONFIDENCE = 4 /* signal_value, in tenths */
} varve_outcomes_by;

typedef struct varve_outcomes_options {
    uint32_t size;
    int32_t by;            /* varve_outcomes_by */
    int32_t knowledge;     /* varve_knowledge, of regimes */
    int32_t acted;         /* 0: all signals; 1: acted upon; -1: not acted upon */
    const char *horizons;  /* parted by commas; NULL: "1h,1d" */
    const char *tolerance; /* how old a number may be, "2h"; NULL: as old as it is */
    const char *strategy;  /* NULL: all */
    const char *symbol;    /* whose regimes; NULL: SPY, else the first */
    const char *last;      /* back from now: "30d", the default where no range is given */
    const char *from;      /* included */
    const char *to;        /* not included */
    const char *at;        /* a time or tag: the tables as of then; NULL: the latest */
} varve_outcomes_options;
#define VARVE_OUTCOMES_OPTIONS_INIT                                                        \
    {                                                                                      \
        sizeof(varve_outcomes_options), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
            NULL                                                                           \
    }

/*
 * What total_pnl of the strategy did after a signal: one row a group and horizon, with the group
 * (regime, strategy_id, source, signal_type or confidence), horizon, signals, outcomes, pending,
 * hit_rate, pnl_change, mean_pnl_change, median_pnl_change, mean_best, mean_worst, ic. *out_json
 * (may be NULL): {"signals","without_pnl","pending","unknown","newest"}, and by regime what
 * varve_lake_correlate says of regimes.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_outcomes(varve_lake *lake,
    const varve_outcomes_options *options, struct ArrowArrayStream *out, char **out_json,
    varve_error *err);

typedef enum varve_signal_report {
    VARVE_SIGNALS_AUDIT = 0,  /* every signal and what was done about it */
    VARVE_SIGNALS_MISSED = 1, /* strong signals that nobody acted upon */
    VARVE_SIGNALS_LATENCY = 2 /* seconds from signal to action, by strategy and type */
} varve_signal_report;

typedef struct varve_signals_options {
    uint32_t size;
    int32_t report;        /* varve_signal_report */
    const char *strategy;  /* NULL: all */
    double min_value;      /* of MISSED, not included */
    int32_t min_value_set; /* 0: min_value is 0.8 */
    const char *last;      /* back from now; NULL with neither from nor to: all */
    const char *from;      /* included */
    const char *to;        /* not included */
    const char *at;        /* version, time or tag; NULL: the latest */
} varve_signals_options;
#define VARVE_SIGNALS_OPTIONS_INIT                                             \
    {                                                                          \
        sizeof(varve_signals_options), 0, NULL, 0.0, 0, NULL, NULL, NULL, NULL \
    }

/*
 * Signals and what was done about them (docs/reports.md). AUDIT and MISSED: timestamp, strategy_id,
 * signal_type, signal_value, acted_upon, acted_at, seconds_to_action, high_confidence, source, regime;
 * LATENCY: strategy_id, signal_type, count, acted, p50_seconds, p90_seconds, max_seconds. ENOTFOUND: no
 * table signals, or no such version.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_signals(varve_lake *lake,
    const varve_signals_options *options, struct ArrowArrayStream *out, varve_error *err);

typedef struct varve_gaps_options {
    uint32_t size;
    int32_t coverage;     /* 1: a row a group instead of a row a gap */
    const char *every;    /* a row is expected so often: "1m", up to "1d" */
    const char *calendar; /* "XNYS", "24x7" or a file; NULL: 24x7 */
    const char *by;       /* columns parted by commas; NULL: the table as one */
    const char *last;     /* back from now, until now; NULL with neither from nor to: all */
    const char *from;     /* included */
    const char *to; /* not included; NULL (and no `last`): the newest row ends the range */
    const char *at; /* version, time or tag; NULL: the latest */
} varve_gaps_options;
#define VARVE_GAPS_OPTIONS_INIT                                                 \
    {                                                                           \
        sizeof(varve_gaps_options), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
    }

/*
 * Intervals in the sessions of a calendar that have no row of a table. A row a gap: the columns of
 * `by`, from, to, missing, sessions; a row a group: the columns of `by`, expected, present, missing,
 * coverage, longest_gap, rows, outside, first, last. *out_json (may be NULL): {"calendar","time",
 * "by_order","from","to","groups","expected","missing","coverage","rows","outside","newest"}. `time`
 * is the column that rows are placed by; `by_order`: the key has no time, and it is the order column;
 * `newest`: the newest row of the range, or before its end.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_gaps(varve_lake *lake, const char *table,
    const varve_gaps_options *options, struct ArrowArrayStream *out, char **out_json,
    varve_error *err);

typedef struct varve_lateness_options {
    uint32_t size;
    int32_t reserved; /* 0 */
    const char *by;   /* columns parted by commas; NULL: the table as one */
    const char *last; /* back from now; NULL with neither from nor to: all */
    const char *from; /* included */
    const char *to;   /* not included */
    const char *at;   /* version, time or tag; NULL: the latest */
} varve_lateness_options;
#define VARVE_LATENESS_OPTIONS_INIT                                     \
    {                                                                   \
        sizeof(varve_lateness_options), 0, NULL, NULL, NULL, NULL, NULL \
    }

/*
 * How long after their time rows came, by their order column: the columns of `by`, lateness,
 * from_seconds, to_seconds, rows, share, cumulative_share.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_lateness(varve_lake *lake, const char *table,
    const varve_lateness_options *options, struct ArrowArrayStream *out, varve_error *err);

typedef struct varve_transitions_options {
    uint32_t size;
    int32_t by_symbol;    /* 1: the answer for each symbol, with a column `symbol` in front */
    int32_t changes_only; /* 1: a row whose regime is that of the row before does not count */
    int32_t reserved;     /* 0 */
    const char *symbol;   /* whose regimes; NULL: SPY, else the first */
    const char *last;     /* back from now; NULL with neither from nor to: all */
    const char *from;     /* included */
    const char *to;       /* not included */
    const char *at;       /* version, time or tag; NULL: the latest */
} varve_transitions_options;
#define VARVE_TRANSITIONS_OPTIONS_INIT                                           \
    {                                                                            \
        sizeof(varve_transitions_options), 0, 0, 0, NULL, NULL, NULL, NULL, NULL \
    }

/*
 * How regimes follow each other: from_regime, to_regime, count, probability, mean_stay_seconds.
 * *out_symbol (may be NULL): whose; "" for all, or where there is none.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_lake_transitions(varve_lake *lake,
    const varve_transitions_options *options, struct ArrowArrayStream *out, char **out_symbol,
    varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
