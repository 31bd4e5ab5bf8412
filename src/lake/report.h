/*
 * Reports on the market tables: performance by market regime, and signals.
 *
 * A report reads each table at one version and only the files that its range of time needs;
 * joins and sums are the engine's. docs/reports.md says what the columns mean.
 */
#ifndef VV_LAKE_REPORT_H
#define VV_LAKE_REPORT_H

#include "lake/lake.h"

/* A range of event times as a person says it; ptr NULL: not said. */
struct vv_span_request {
    struct vv_str last; /* back from now, or from the time of `at`: "30d" */
    struct vv_str from; /* included */
    struct vv_str to;   /* not included */
};

struct vv_correlate_request {
    struct vv_span_request span; /* nothing said: the last 30 days */
    struct vv_str symbol;        /* ptr NULL: SPY, else the first; by symbol: all */
    struct vv_str at;            /* a time; ptr NULL: the latest */
    enum vv_knowledge knowledge;
    bool by_symbol;
};

/* How regimes were matched with rows. Pairs: rows times symbols. */
struct vv_regimes_result {
    struct vv_str symbol; /* in the operation's arena; ptr NULL: there is none, or all */
    int64_t symbols;
    int64_t pairs_no_regime; /* no regime is known at the row's timestamp */
    int64_t pairs_late;      /* of them: one is there, but was not known in time */
    int64_t pairs_other;     /* the regime known then is not the one in force by event time */
    int64_t regimes_undated; /* regime rows without an order value: never known */
    int64_t files_undated;   /* older than the commits that are kept without a hole */
};

/* What the answer rests on. */
struct vv_correlate_result {
    struct vv_regimes_result regimes;
    int64_t rows;        /* performance rows */
    int64_t rows_no_pnl; /* of them: total_pnl NULL, NaN or infinite */
    int64_t newest_us;   /* of performance rows before the end; INT64_MIN: none */
};

/*
 * regime, rows, strategies, share_of_time, pnl_change, mean_pnl_change, worst_drawdown, hit_rate;
 * with `by_symbol` symbol in front. EUSAGE: a version as `at`, no order column to know by.
 */
varve_status vv_lake_correlate(struct vv_op *op, struct vv_lake *lake,
    const struct vv_correlate_request *request, struct ArrowArrayStream *out,
    struct vv_correlate_result *out_result);

/* What outcomes are summed by. */
enum vv_outcomes_by {
    VV_OUTCOMES_REGIME, /* as known at the signal's time */
    VV_OUTCOMES_STRATEGY,
    VV_OUTCOMES_SOURCE,
    VV_OUTCOMES_TYPE,
    VV_OUTCOMES_CONFIDENCE /* signal_value, in tenths */
};

enum vv_acted {
    VV_ACTED_ALL,
    VV_ACTED_YES,
    VV_ACTED_NO
};

struct vv_outcomes_request {
    struct vv_span_request span; /* nothing said: the last 30 days */
    struct vv_str horizons;      /* parted by commas; ptr NULL: "1h,1d" */
    struct vv_str tolerance;     /* how old a number may be; ptr NULL: as old as it is */
    struct vv_str strategy;      /* ptr NULL: all */
    struct vv_str symbol;        /* of regimes; ptr NULL: SPY, else the first */
    struct vv_str at;            /* a time; ptr NULL: the latest */
    enum vv_outcomes_by by;
    enum vv_acted acted;
    enum vv_knowledge knowledge;
};

struct vv_outcomes_result {
    struct vv_regimes_result regimes; /* by regime alone */
    int64_t signals;
    int64_t without_pnl; /* no number of the strategy is there at or before the signal */
    int64_t pending;     /* signals times horizons that end after the newest performance row */
    int64_t unknown;     /* of the others: no number within the horizon, or too old a one */
    int64_t
        newest_us; /* of signals before the end, where none is in the span; INT64_MIN: none */
};

/*
 * What total_pnl of the strategy did after a signal. One row a group and horizon: the group,
 * horizon, signals, outcomes, pending, hit_rate, pnl_change, mean_pnl_change, median_pnl_change,
 * mean_best, mean_worst, ic. EUSAGE: see vv_lake_correlate; a horizon that is no length of time.
 */
varve_status vv_lake_outcomes(struct vv_op *op, struct vv_lake *lake,
    const struct vv_outcomes_request *request, struct ArrowArrayStream *out,
    struct vv_outcomes_result *out_result);

struct vv_gaps_request {
    struct vv_str table;
    struct vv_span_request
        span;               /* `last` ends now; an end that is not said is the newest row */
    struct vv_str every;    /* a length of time up to "1d" */
    struct vv_str calendar; /* see vv_calendar_open; ptr NULL: 24x7 */
    struct vv_str by;       /* columns parted by commas; ptr NULL: the table as one */
    struct vv_str at;
    bool is_coverage; /* a row a group instead of a row a gap */
};

struct vv_gaps_result {
    struct vv_str calendar; /* in the operation's arena; likewise `time` */
    struct vv_str time;     /* the column that says when a row is of */
    bool by_order;          /* that is the order column: when rows were written */
    int64_t from_us, to_us; /* that were looked at */
    int64_t groups;
    int64_t expected; /* intervals */
    int64_t missing;
    int64_t rows;
    int64_t outside;   /* rows at a time when the calendar is closed */
    int64_t newest_us; /* the newest row: of the span, or before its end; INT64_MIN: none */
};

/*
 * Intervals of the calendar's sessions without a row. By gap: the groups, from, to, missing,
 * sessions; by group: the groups, expected, present, missing, coverage, longest_gap, rows, outside,
 * first, last. EUSAGE: a length of time, column or calendar that is none.
 */
varve_status vv_lake_gaps(struct vv_op *op, struct vv_lake *lake,
    const struct vv_gaps_request *request, struct ArrowArrayStream *out,
    struct vv_gaps_result *out_result);

struct vv_lateness_request {
    struct vv_str table;
    struct vv_span_request span; /* nothing said: all */
    struct vv_str by;
    struct vv_str at;
};

/*
 * How long after their time rows came, by their order column: the groups, lateness, from_seconds,
 * to_seconds, rows, share, cumulative_share.
 */
varve_status vv_lake_lateness(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lateness_request *request, struct ArrowArrayStream *out);

struct vv_transitions_request {
    struct vv_span_request span; /* nothing said: all */
    struct vv_str symbol;        /* ptr NULL: SPY, else the first; by symbol: all */
    struct vv_str at;
    bool by_symbol;
    bool changes_only; /* rows in which the regime stays do not count */
};

/*
 * How regimes follow each other: from_regime, to_regime, count, probability, mean_stay_seconds; by
 * symbol with symbol in front. *out_symbol: whose; ptr NULL: none, or all.
 */
varve_status vv_lake_transitions(struct vv_op *op, struct vv_lake *lake,
    const struct vv_transitions_request *request, struct ArrowArrayStream *out,
    struct vv_str *out_symbol);

enum vv_signal_report {
    VV_SIGNALS_AUDIT,
    VV_SIGNALS_MISSED,
    VV_SIGNALS_LATENCY
};

struct vv_signals_request {
    enum vv_signal_report report;
    struct vv_span_request span; /* nothing said: all */
    struct vv_str strategy;      /* ptr NULL: all */
    struct vv_str at;
    double min_value; /* of MISSED, not included */
};

varve_status vv_lake_signals(struct vv_op *op, struct vv_lake *lake,
    const struct vv_signals_request *request, struct ArrowArrayStream *out);

#endif
