/*
 * Performance by market regime: a join of each performance row with the regime in force.
 *
 * What was known at an instant is a step function: at each time at which some regime row came to
 * be known, the newest (by event time) of those known so far. So a plain ASOF join on the time of
 * knowledge answers "latest at or before, of the rows known by then".
 *
 * The rows before the range matter too, a strategy's previous row and the regime in force at the
 * range's start. They are looked for in the week before it, and only where that does not answer
 * everywhere, in all that is older.
 */
#include "base/seam.h"
#include "base/time.h"
#include "engine/sql.h"
#include "lake/report_known.h"

#define LOOK_BACK_US (7 * VV_US_PER_DAY)

struct correlate {
    const struct vv_correlate_request *request;
    struct vv_span span;
    struct vv_report_source performance;
    struct vv_report_source regimes;
    struct vv_session *session;
    struct vv_buf sql; /* of the statement that is being made */
    struct vv_correlate_result result;
};

static void correlate_done(struct correlate *work)
{
    vv_session_close(&work->session);
    vv_report_close(&work->performance);
    vv_report_close(&work->regimes);
    vv_buf_done(&work->sql);
}

static varve_status run(struct vv_op *op, struct correlate *work)
{
    if (!vv_buf_ok(&work->sql))
        return vv_fail_memory(op);
    varve_status status = vv_session_exec(op, work->session, vv_buf_str(&work->sql));
    vv_buf_clear(&work->sql);
    return status;
}

static varve_status run_text(struct vv_op *op, struct correlate *work, const char *sql)
{
    return vv_session_exec(op, work->session, vv_str_of(sql));
}

static varve_status count(struct vv_op *op, struct correlate *work, const char *sql,
    int64_t *out)
{
    return vv_session_int64(op, work->session, vv_str_of(sql), out);
}

/* Where to begin looking at what was before the range. */
static int64_t look_back_from(const struct correlate *work)
{
    if (work->span.from_us == INT64_MIN || work->span.from_us < INT64_MIN + LOOK_BACK_US)
        return INT64_MIN;
    return work->span.from_us - LOOK_BACK_US;
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
    vv_buf_adds(&work->sql, "SELECT ");
    vv_report_add_time(&work->sql, columns[0]);
    vv_buf_addf(&work->sql,
        " AS ts, CAST(c%d AS VARCHAR) AS strategy, CASE WHEN isfinite(CAST(c%d AS DOUBLE))"
        " THEN CAST(c%d AS DOUBLE) END AS pnl",
        columns[1], columns[2], columns[2]);
    return vv_report_from(op, source, columns, 3, span, &work->sql);
}

/* The last number of each strategy before the range. */
static varve_status load_older(struct vv_op *op, struct correlate *work, int64_t from_us)
{
    vv_buf_adds(&work->sql, "CREATE OR REPLACE TEMP TABLE older AS SELECT strategy, "
                            "max({'ts': ts, 'pnl': pnl}) AS last FROM (");
    if (work->span.from_us == INT64_MIN)
        vv_buf_adds(&work->sql, "FROM perf LIMIT 0");
    else
        VV_TRY(add_performance(op, work, (struct vv_span){from_us, work->span.from_us}));
    vv_buf_adds(&work->sql, ") WHERE pnl IS NOT NULL GROUP BY strategy");
    return run(op, work);
}

static varve_status load_performance(struct vv_op *op, struct correlate *work)
{
    int64_t from_us = look_back_from(work);
    int64_t missing = 0;
    vv_buf_adds(&work->sql, "CREATE TEMP TABLE perf AS ");
    VV_TRY(add_performance(op, work, work->span));
    VV_TRY(run(op, work));
    VV_TRY(load_older(op, work, from_us));
    VV_TRY(count(op, work,
        "SELECT count(*) FROM (SELECT strategy FROM perf EXCEPT SELECT strategy FROM older)",
        &missing));
    if (missing > 0 && from_us != INT64_MIN)
        VV_TRY(load_older(op, work, INT64_MIN));
    VV_TRY(run_text(op, work,
        "CREATE TEMP TABLE moves AS SELECT ts, strategy, change, drawdown FROM ("
        "SELECT *, pnl - lag(pnl IGNORE NULLS) OVER strategies AS change,"
        " pnl - max(CASE WHEN inside THEN pnl END) OVER strategies AS drawdown FROM ("
        "SELECT ts, strategy, pnl, true AS inside FROM perf UNION ALL"
        " SELECT last.ts, strategy, last.pnl, false FROM older)"
        " WINDOW strategies AS (PARTITION BY strategy ORDER BY ts, pnl"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) WHERE inside"));
    VV_TRY(count(op, work, "SELECT count(*) FROM perf", &work->result.rows));
    return count(op, work, "SELECT count(*) FROM perf WHERE pnl IS NULL",
        &work->result.rows_no_pnl);
}

/* For an empty answer: where the rows are. */
static varve_status find_newest(struct vv_op *op, struct correlate *work)
{
    work->result.newest_us = INT64_MIN;
    vv_buf_adds(&work->sql, "SELECT coalesce(epoch_us(max(ts)), -9223372036854775808) FROM (");
    VV_TRY(add_performance(op, work, (struct vv_span){INT64_MIN, work->span.to_us}));
    vv_buf_addc(&work->sql, ')');
    if (!vv_buf_ok(&work->sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, work->session, vv_buf_str(&work->sql),
        &work->result.newest_us));
    vv_buf_clear(&work->sql);
    return VARVE_OK;
}

/* ---- Regimes ---------------------------------------------------------------------------------- */

/* SPY where it is there, else the first. */
static varve_status choose_symbol(struct vv_op *op, struct correlate *work)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    VV_TRY(vv_session_query(op, work->session,
        VV_STR("SELECT symbol FROM symbols ORDER BY symbol <> 'SPY', symbol LIMIT 1"), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row)
        return VARVE_OK;
    work->result.symbol = vv_arena_str(&op->arena, vv_rows_text(rows, 0));
    return work->result.symbol.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status load_symbols(struct vv_op *op, struct correlate *work)
{
    struct vv_report_source *source = &work->regimes;
    struct vv_span span = {INT64_MIN, work->span.to_us};
    int64_t found = 0;
    int32_t columns[2] = {-1, source->time};
    VV_TRY(vv_report_column(op, source, "symbol", &columns[0]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_addf(&work->sql,
        "CREATE TEMP TABLE symbols AS SELECT symbol FROM (SELECT DISTINCT CAST(c%d AS VARCHAR)"
        " AS symbol",
        columns[0]);
    VV_TRY(vv_report_from(op, source, columns, 2, span, &work->sql));
    vv_buf_adds(&work->sql, ") WHERE symbol IS NOT NULL");
    VV_TRY(run(op, work));
    work->result.symbol = work->request->symbol;
    if (work->request->symbol.ptr == NULL && !work->request->by_symbol)
        VV_TRY(choose_symbol(op, work));
    if (work->result.symbol.ptr != NULL) {
        vv_buf_adds(&work->sql, "DELETE FROM symbols WHERE symbol <> ");
        vv_sql_literal(&work->sql, work->result.symbol);
        VV_TRY(run(op, work));
    }
    VV_TRY(count(op, work, "SELECT count(*) FROM symbols", &found));
    if (found == 0 && work->request->symbol.ptr != NULL)
        return vv_fail(op, VARVE_ENOTFOUND, "table %.*s has no regime of symbol %.*s%s",
            VV_ARG(source->table->name), VV_ARG(work->request->symbol),
            work->span.to_us == INT64_MAX ? "" : " before the end of the range");
    work->result.symbols = found;
    return VARVE_OK;
}

static varve_status find_order(struct vv_op *op, const struct vv_report_source *source,
    int32_t *out)
{
    int32_t order = source->rules.order;
    enum vv_type_kind kind =
        order >= 0 ? source->snapshot->schema.fields[order].type.kind : VV_TYPE_STRING;
    if (kind != VV_TYPE_TIMESTAMP && kind != VV_TYPE_TIMESTAMP_NTZ)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no order column that is a time, so nothing says when its rows came "
            "to be known: use the knowledge of commits or of events",
            VV_ARG(source->table->name));
    *out = order;
    return VARVE_OK;
}

/* The time from which the row is known, NULL: never. */
static varve_status add_known(struct vv_op *op, struct correlate *work, int32_t order)
{
    struct vv_report_source *source = &work->regimes;
    int64_t *known_us = NULL;
    if (work->request->knowledge == VV_KNOWN_EVENT) {
        vv_report_add_time(&work->sql, source->time);
        return VARVE_OK;
    }
    if (work->request->knowledge == VV_KNOWN_ORDER) {
        vv_buf_addf(&work->sql, "CASE WHEN c%d IS NOT NULL THEN greatest(", order);
        vv_report_add_time(&work->sql, source->time);
        vv_buf_adds(&work->sql, ", ");
        vv_report_add_time(&work->sql, order);
        vv_buf_adds(&work->sql, ") END");
        return VARVE_OK;
    }
    VV_TRY(vv_report_commit_times(op, source, &known_us, &work->result.files_undated));
    vv_buf_adds(&work->sql, "greatest(");
    vv_report_add_time(&work->sql, source->time);
    vv_buf_adds(&work->sql, ", make_timestamptz(CAST([");
    for (size_t i = 0; i < source->files_len; i++)
        vv_buf_addf(&work->sql, "%s%" PRId64, i == 0 ? "" : ",", known_us[i]);
    vv_buf_adds(&work->sql, "] AS BIGINT[])[_file + 1]))");
    return VARVE_OK;
}

/* `ranked`: regime rows, numbered by event time for each symbol; the newest O wins a tie. */
static varve_status load_regimes(struct vv_op *op, struct correlate *work, int64_t from_us)
{
    struct vv_report_source *source = &work->regimes;
    struct vv_span span = {from_us, work->span.to_us};
    int32_t columns[4] = {source->time, -1, -1, source->rules.order};
    size_t columns_len = columns[3] >= 0 && columns[3] != source->time ? 4 : 3;
    VV_TRY(vv_report_column(op, source, "symbol", &columns[1]));
    VV_TRY(vv_report_column(op, source, "regime", &columns[2]));
    if (work->request->knowledge == VV_KNOWN_ORDER)
        VV_TRY(find_order(op, source, &columns[3]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(&work->sql,
        "CREATE OR REPLACE TEMP TABLE ranked AS SELECT *, row_number() OVER "
        "(PARTITION BY symbol ORDER BY ts, ord NULLS FIRST, regime) AS rank "
        "FROM (SELECT ");
    vv_report_add_time(&work->sql, columns[0]);
    vv_buf_addf(&work->sql,
        " AS ts, CAST(c%d AS VARCHAR) AS symbol, CAST(c%d AS VARCHAR)"
        " AS regime, ",
        columns[1], columns[2]);
    if (columns[3] >= 0)
        vv_buf_addf(&work->sql, "c%d AS ord, ", columns[3]);
    else
        vv_buf_adds(&work->sql, "NULL AS ord, ");
    VV_TRY(add_known(op, work, columns[3]));
    vv_buf_adds(&work->sql, " AS known");
    VV_TRY(vv_report_from(op, source, columns, columns_len, span, &work->sql));
    vv_buf_adds(&work->sql, ") WHERE symbol IN (SELECT symbol FROM symbols)");
    return run(op, work);
}

/* What was known (rank), and what is in force by event time (event_rank), at each instant. */
static varve_status match(struct vv_op *op, struct correlate *work)
{
    return run_text(op, work,
        "CREATE OR REPLACE TEMP TABLE matched AS WITH"
        " known_steps AS (SELECT DISTINCT symbol, known, max(rank) OVER (PARTITION BY symbol"
        "  ORDER BY known RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS rank"
        "  FROM ranked WHERE known IS NOT NULL),"
        " event_steps AS (SELECT symbol, ts, max(rank) AS rank FROM ranked"
        "  GROUP BY symbol, ts),"
        " pairs AS (SELECT s.symbol, p.ts FROM symbols s, (SELECT DISTINCT ts FROM perf) p),"
        " known AS (SELECT p.symbol, p.ts, k.rank FROM pairs p ASOF LEFT JOIN known_steps k"
        "  ON p.symbol = k.symbol AND p.ts >= k.known),"
        " both_ranks AS (SELECT k.symbol, k.ts, k.rank, e.rank AS event_rank FROM known k"
        "  ASOF LEFT JOIN event_steps e ON k.symbol = e.symbol AND k.ts >= e.ts)"
        " SELECT b.*, r.regime, e.regime AS event_regime FROM both_ranks b"
        " LEFT JOIN ranked r ON b.symbol = r.symbol AND b.rank = r.rank"
        " LEFT JOIN ranked e ON b.symbol = e.symbol AND b.event_rank = e.rank");
}

static varve_status match_regimes(struct vv_op *op, struct correlate *work)
{
    struct vv_correlate_result *result = &work->result;
    int64_t from_us = look_back_from(work);
    int64_t missing = 0;
    VV_TRY(load_regimes(op, work, from_us));
    VV_TRY(match(op, work));
    VV_TRY(count(op, work,
        "SELECT count(*) FROM matched WHERE rank IS NULL OR event_rank IS NULL", &missing));
    if (missing > 0 && from_us != INT64_MIN) {
        VV_TRY(load_regimes(op, work, INT64_MIN));
        VV_TRY(match(op, work));
    }
    VV_TRY(count(op, work, "SELECT count(*) FROM ranked WHERE known IS NULL",
        &result->regimes_undated));
    VV_TRY(count(op, work,
        "SELECT count(*) FROM perf p LEFT JOIN matched m ON p.ts = m.ts "
        "WHERE m.rank IS NULL",
        &result->pairs_no_regime));
    VV_TRY(count(op, work,
        "SELECT count(*) FROM perf p JOIN matched m ON p.ts = m.ts"
        " WHERE m.rank IS NULL AND m.event_rank IS NOT NULL",
        &result->pairs_late));
    return count(op, work,
        "SELECT count(*) FROM perf p JOIN matched m ON p.ts = m.ts"
        " WHERE m.rank IS NOT NULL AND m.regime IS DISTINCT FROM m.event_regime",
        &result->pairs_other);
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
    vv_buf_adds(&work->sql, by_symbol ? "SELECT m.symbol, " : "SELECT ");
    vv_buf_adds(&work->sql, answer_columns);
    vv_buf_adds(&work->sql, by_symbol ? " GROUP BY m.symbol, m.regime"
                                        " ORDER BY m.symbol NULLS LAST, m.regime NULLS LAST"
                                      : " GROUP BY m.regime ORDER BY m.regime NULLS LAST");
    if (!vv_buf_ok(&work->sql))
        return vv_fail_memory(op);
    return vv_session_stream(op, &work->session, vv_buf_str(&work->sql), false, NULL, 0, out);
}

varve_status vv_lake_correlate(struct vv_op *op, struct vv_lake *lake,
    const struct vv_correlate_request *request, struct ArrowArrayStream *out,
    struct vv_correlate_result *out_result)
{
    VV_CLEANUP(correlate_done)
    struct correlate work = {.request = request, .sql = VV_BUF_INIT(VV_BUF_MAX)};
    struct vv_engine *engine = NULL;
    int64_t version = 0;
    if (request->at.ptr != NULL && vv_str_int64(request->at, &version))
        return vv_fail(op, VARVE_EUSAGE,
            "--at %.*s is a version, and the report reads two tables, each with versions of "
            "its "
            "own: give a time instead",
            VV_ARG(request->at));
    VV_TRY(vv_report_span(op, lake, &request->span, request->at, VV_STR("30d"), &work.span));
    VV_TRY(vv_report_open(op, lake, VV_STR("performance_metrics"), request->at,
        &work.performance));
    VV_TRY(vv_report_open(op, lake, VV_STR("market_regimes"), request->at, &work.regimes));
    VV_TRY(vv_lake_engine(op, lake, &engine));
    VV_TRY(vv_session_open(op, engine, &work.session));
    VV_TRY(load_performance(op, &work));
    if (work.result.rows == 0)
        VV_TRY(find_newest(op, &work));
    VV_TRY(load_symbols(op, &work));
    VV_TRY(match_regimes(op, &work));
    struct vv_correlate_result result = work.result;
    VV_TRY(answer(op, &work, out));
    *out_result = result;
    return VARVE_OK;
}
