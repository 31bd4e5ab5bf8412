/*
 * Performance by market regime: a join of each performance row with the regime in force.
 *
 * The rows before the range matter too: a strategy's previous row. It is looked for in the week
 * before the range, and only where that does not answer everywhere, in all that is older.
 */
#include "base/seam.h"
#include "base/time.h"
#include "engine/sql.h"
#include "lake/report_regimes.h"

#define MOVE_BYTES 128 /* of a row in a list, and of what is made of it, about */
#define MEMORY_PARTS 4 /* of the lake's memory that they may take one */
#define MEMORY_BYTES_DEFAULT ((size_t)1 << 30)

struct correlate {
    const struct vv_correlate_request *request;
    struct vv_span span;
    struct vv_report_source performance;
    struct vv_report_source regimes;
    struct vv_report_work work;
    size_t memory_bytes; /* of the lake; 0: as the engine has it */
    struct vv_correlate_result result;
};

static void correlate_done(struct correlate *work)
{
    vv_report_work_close(&work->work);
    vv_report_close(&work->performance);
    vv_report_close(&work->regimes);
}

/* ---- Performance ------------------------------------------------------------------------------ */

/* "SELECT at, strategy, pnl FROM ...": pnl is NULL where it is no number to count with. */
static varve_status add_performance(struct vv_op *op, struct correlate *work,
    struct vv_span span)
{
    struct vv_report_source *source = &work->performance;
    int32_t columns[3] = {source->time, -1, -1};
    VV_TRY(vv_report_column(op, source, "strategy_id", &columns[1]));
    VV_TRY(vv_report_column(op, source, "total_pnl", &columns[2]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(&work->work.sql, "SELECT ");
    vv_report_add_time(&work->work.sql, columns[0]);
    vv_buf_addf(&work->work.sql,
        " AS ts, CAST(c%d AS VARCHAR) AS strategy, CASE WHEN isfinite(CAST(c%d AS DOUBLE))"
        " THEN CAST(c%d AS DOUBLE) END AS pnl",
        columns[1], columns[2], columns[2]);
    return vv_report_from(op, source, columns, 3, span, &work->work.sql);
}

/* The last number of each strategy before the range. */
static varve_status load_older(struct vv_op *op, struct correlate *work, int64_t from_us)
{
    vv_buf_adds(&work->work.sql, "CREATE OR REPLACE TEMP TABLE older AS SELECT strategy, "
                                 "max({'ts': ts, 'pnl': pnl}) AS last FROM (");
    if (work->span.from_us == INT64_MIN)
        vv_buf_adds(&work->work.sql, "FROM perf LIMIT 0");
    else
        VV_TRY(add_performance(op, work, (struct vv_span){from_us, work->span.from_us}));
    vv_buf_adds(&work->work.sql, ") WHERE pnl IS NOT NULL GROUP BY strategy");
    return vv_report_run(op, &work->work);
}

static const char moves_by_windows[] =
    "CREATE TEMP TABLE moves AS SELECT ts, strategy, change, drawdown FROM ("
    "SELECT *, pnl - lag(pnl IGNORE NULLS) OVER strategies AS change,"
    " pnl - max(CASE WHEN inside THEN pnl END) OVER strategies AS drawdown FROM ("
    "SELECT ts, strategy, pnl, true AS inside FROM perf UNION ALL"
    " SELECT last.ts, strategy, last.pnl, false FROM older)"
    " WINDOW strategies AS (PARTITION BY strategy ORDER BY ts, pnl"
    " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) WHERE inside";

/* The same; engine/moves_function.c. */
static const char moves_by_lists[] =
    "CREATE TEMP TABLE moves AS SELECT m.ts AS ts, strategy, m.change AS change,"
    " m.drawdown AS drawdown FROM (SELECT strategy, unnest(varve_moves("
    "list({'ts': ts, 'pnl': pnl}) FILTER (inside), max(pnl) FILTER (NOT inside))) AS m FROM ("
    "SELECT ts, strategy, pnl, true AS inside FROM perf WHERE pnl IS NOT NULL UNION ALL"
    " SELECT last.ts, strategy, last.pnl, false FROM older) GROUP BY strategy)"
    " UNION ALL SELECT ts, strategy, NULL, NULL FROM perf WHERE pnl IS NULL";

/*
 * Lists take a fifth of the time of windows, and memory for all rows at once, which the engine does
 * not count.
 */
static varve_status load_moves(struct vv_op *op, struct correlate *work)
{
    size_t memory = work->memory_bytes > 0 ? work->memory_bytes : MEMORY_BYTES_DEFAULT;
    bool is_few = (uint64_t)work->result.rows <= memory / MEMORY_PARTS / MOVE_BYTES;
    return vv_report_run_text(op, &work->work, is_few ? moves_by_lists : moves_by_windows);
}

static varve_status load_performance(struct vv_op *op, struct correlate *work)
{
    int64_t from_us = vv_report_look_back(work->span);
    int64_t missing = 0;
    vv_buf_adds(&work->work.sql, "CREATE TEMP TABLE perf AS ");
    VV_TRY(add_performance(op, work, work->span));
    VV_TRY(vv_report_run(op, &work->work));
    VV_TRY(load_older(op, work, from_us));
    VV_TRY(vv_report_count(op, &work->work,
        "SELECT count(*) FROM (SELECT strategy FROM perf EXCEPT SELECT strategy FROM older)",
        &missing));
    if (missing > 0 && from_us != INT64_MIN)
        VV_TRY(load_older(op, work, INT64_MIN));
    VV_TRY(vv_report_count(op, &work->work, "SELECT count(*) FROM perf", &work->result.rows));
    VV_TRY(vv_report_count(op, &work->work, "SELECT count(*) FROM perf WHERE pnl IS NULL",
        &work->result.rows_no_pnl));
    return load_moves(op, work);
}

/* For an empty answer: where the rows are. */
static varve_status find_newest(struct vv_op *op, struct correlate *work)
{
    work->result.newest_us = INT64_MIN;
    vv_buf_adds(&work->work.sql,
        "SELECT coalesce(epoch_us(max(ts)), -9223372036854775808) FROM (");
    VV_TRY(add_performance(op, work, (struct vv_span){INT64_MIN, work->span.to_us}));
    vv_buf_addc(&work->work.sql, ')');
    return vv_report_number(op, &work->work, &work->result.newest_us);
}

/* ---- The answer ------------------------------------------------------------------------------- */

/* Sums are ordered, so that the same rows give the same digits whatever the threads do. */
static const char answer_columns[] =
    "m.regime, count(*) AS \"rows\", count(DISTINCT v.strategy) AS strategies,"
    " CAST(count(DISTINCT v.ts) AS DOUBLE) / (SELECT count(DISTINCT ts) FROM moves)"
    " AS share_of_time,"
    " sum(v.change ORDER BY v.ts, v.strategy, v.change) AS pnl_change,"
    " sum(v.change ORDER BY v.ts, v.strategy, v.change) / nullif(count(v.change), 0)"
    " AS mean_pnl_change,"
    " min(v.drawdown) AS worst_drawdown,"
    " CAST(count(*) FILTER (v.change > 0) AS DOUBLE) / nullif(count(v.change), 0) AS hit_rate"
    " FROM moves v LEFT JOIN matched m ON v.ts = m.ts";

static varve_status answer(struct vv_op *op, struct correlate *work,
    struct ArrowArrayStream *out)
{
    bool by_symbol = work->request->by_symbol;
    vv_buf_adds(&work->work.sql, by_symbol ? "SELECT m.symbol, " : "SELECT ");
    vv_buf_adds(&work->work.sql, answer_columns);
    vv_buf_adds(&work->work.sql, by_symbol
                                     ? " GROUP BY m.symbol, m.regime"
                                       " ORDER BY m.symbol NULLS LAST, m.regime NULLS LAST"
                                     : " GROUP BY m.regime ORDER BY m.regime NULLS LAST");
    return vv_report_stream(op, &work->work, out);
}

varve_status vv_lake_correlate(struct vv_op *op, struct vv_lake *lake,
    const struct vv_correlate_request *request, struct ArrowArrayStream *out,
    struct vv_correlate_result *out_result)
{
    VV_CLEANUP(correlate_done)
    struct correlate work = {
        .request = request, .memory_bytes = lake->engine_options.memory_bytes};
    VV_TRY(vv_report_check_at(op, request->at));
    VV_TRY(vv_report_span(op, lake, &request->span, request->at, VV_STR("30d"), &work.span));
    VV_TRY(vv_report_open(op, lake, VV_STR("performance_metrics"), request->at,
        &work.performance));
    VV_TRY(vv_report_open(op, lake, VV_STR("market_regimes"), request->at, &work.regimes));
    VV_TRY(vv_report_work_open(op, lake, &work.work));
    VV_TRY(load_performance(op, &work));
    if (work.result.rows == 0)
        VV_TRY(find_newest(op, &work));
    const struct vv_regimes_request regimes = {
        request->symbol, request->by_symbol, request->knowledge, work.span};
    VV_TRY(vv_regimes_match(op, &work.work, &work.regimes, &regimes, "perf",
        &work.result.regimes));
    struct vv_correlate_result result = work.result;
    VV_TRY(answer(op, &work, out));
    *out_result = result;
    return VARVE_OK;
}
