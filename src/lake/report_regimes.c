/*
 * What was known at an instant is a step function: at each time at which some regime row came to
 * be known, the newest (by event time) of those known so far. So a plain ASOF join on the time of
 * knowledge answers "latest at or before, of the rows known by then".
 *
 * Rows before the range matter too: the regime in force at its start. They are looked for in the
 * week before it, and only where that does not answer everywhere, in all that is older.
 */
#include "lake/report_regimes.h"

#include "base/time.h"
#include "engine/sql.h"
#include "lake/report_known.h"

struct regimes {
    struct vv_report_work *work;
    struct vv_report_source *source;
    const struct vv_regimes_request *request;
    const char *table; /* whose instants */
    struct vv_regimes_result result;
};

/* SPY where it is there, else the first. */
static varve_status choose_symbol(struct vv_op *op, struct regimes *regimes)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    VV_TRY(vv_session_query(op, regimes->work->session,
        VV_STR("SELECT symbol FROM symbols ORDER BY symbol <> 'SPY', symbol LIMIT 1"), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row)
        return VARVE_OK;
    regimes->result.symbol = vv_arena_str(&op->arena, vv_rows_text(rows, 0));
    return regimes->result.symbol.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status load_symbols(struct vv_op *op, struct regimes *regimes)
{
    struct vv_report_source *source = regimes->source;
    struct vv_span span = {INT64_MIN, regimes->request->span.to_us};
    int64_t found = 0;
    int32_t columns[2] = {-1, source->time};
    VV_TRY(vv_report_column(op, source, "symbol", &columns[0]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_addf(&regimes->work->sql,
        "CREATE TEMP TABLE symbols AS SELECT symbol FROM (SELECT DISTINCT CAST(c%d AS VARCHAR)"
        " AS symbol",
        columns[0]);
    VV_TRY(vv_report_from(op, source, columns, 2, span, &regimes->work->sql));
    vv_buf_adds(&regimes->work->sql, ") WHERE symbol IS NOT NULL");
    VV_TRY(vv_report_run(op, regimes->work));
    regimes->result.symbol = regimes->request->symbol;
    if (regimes->request->symbol.ptr == NULL && !regimes->request->by_symbol)
        VV_TRY(choose_symbol(op, regimes));
    if (regimes->result.symbol.ptr != NULL) {
        vv_buf_adds(&regimes->work->sql, "DELETE FROM symbols WHERE symbol <> ");
        vv_sql_literal(&regimes->work->sql, regimes->result.symbol);
        VV_TRY(vv_report_run(op, regimes->work));
    }
    VV_TRY(vv_report_count(op, regimes->work, "SELECT count(*) FROM symbols", &found));
    if (found == 0 && regimes->request->symbol.ptr != NULL)
        return vv_fail(op, VARVE_ENOTFOUND, "table %.*s has no regime of symbol %.*s%s",
            VV_ARG(source->table->name), VV_ARG(regimes->request->symbol),
            regimes->request->span.to_us == INT64_MAX ? "" : " before the end of the range");
    regimes->result.symbols = found;
    return VARVE_OK;
}

/* The time from which the row is known, NULL: never. */
static varve_status add_known(struct vv_op *op, struct regimes *regimes, int32_t order)
{
    struct vv_report_source *source = regimes->source;
    int64_t *known_us = NULL;
    if (regimes->request->knowledge == VV_KNOWN_EVENT) {
        vv_report_add_time(&regimes->work->sql, source->time);
        return VARVE_OK;
    }
    if (regimes->request->knowledge == VV_KNOWN_ORDER) {
        vv_buf_addf(&regimes->work->sql, "CASE WHEN c%d IS NOT NULL THEN greatest(", order);
        vv_report_add_time(&regimes->work->sql, source->time);
        vv_buf_adds(&regimes->work->sql, ", ");
        vv_report_add_time(&regimes->work->sql, order);
        vv_buf_adds(&regimes->work->sql, ") END");
        return VARVE_OK;
    }
    VV_TRY(vv_report_commit_times(op, source, &known_us, &regimes->result.files_undated));
    vv_buf_adds(&regimes->work->sql, "greatest(");
    vv_report_add_time(&regimes->work->sql, source->time);
    vv_buf_adds(&regimes->work->sql, ", make_timestamptz(CAST([");
    for (size_t i = 0; i < source->files_len; i++)
        vv_buf_addf(&regimes->work->sql, "%s%" PRId64, i == 0 ? "" : ",", known_us[i]);
    vv_buf_adds(&regimes->work->sql, "] AS BIGINT[])[_file + 1]))");
    return VARVE_OK;
}

/* `ranked`: regime rows, numbered by event time for each symbol; the newest O wins a tie. */
static varve_status load_regimes(struct vv_op *op, struct regimes *regimes, int64_t from_us)
{
    struct vv_report_source *source = regimes->source;
    struct vv_span span = {from_us, regimes->request->span.to_us};
    int32_t columns[4] = {source->time, -1, -1, source->rules.order};
    size_t columns_len = columns[3] >= 0 && columns[3] != source->time ? 4 : 3;
    VV_TRY(vv_report_column(op, source, "symbol", &columns[1]));
    VV_TRY(vv_report_column(op, source, "regime", &columns[2]));
    if (regimes->request->knowledge == VV_KNOWN_ORDER)
        VV_TRY(vv_report_order(op, source, &columns[3]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(&regimes->work->sql,
        "CREATE OR REPLACE TEMP TABLE ranked AS SELECT *, row_number() OVER "
        "(PARTITION BY symbol ORDER BY ts, ord NULLS FIRST, regime) AS rank "
        "FROM (SELECT ");
    vv_report_add_time(&regimes->work->sql, columns[0]);
    vv_buf_addf(&regimes->work->sql,
        " AS ts, CAST(c%d AS VARCHAR) AS symbol, CAST(c%d AS VARCHAR)"
        " AS regime, ",
        columns[1], columns[2]);
    if (columns[3] >= 0)
        vv_buf_addf(&regimes->work->sql, "c%d AS ord, ", columns[3]);
    else
        vv_buf_adds(&regimes->work->sql, "NULL AS ord, ");
    VV_TRY(add_known(op, regimes, columns[3]));
    vv_buf_adds(&regimes->work->sql, " AS known");
    VV_TRY(vv_report_from(op, source, columns, columns_len, span, &regimes->work->sql));
    vv_buf_adds(&regimes->work->sql, ") WHERE symbol IN (SELECT symbol FROM symbols)");
    return vv_report_run(op, regimes->work);
}

/* What was known (rank), and what is in force by event time (event_rank), at each instant. */
static varve_status match(struct vv_op *op, struct regimes *regimes)
{
    vv_buf_addf(&regimes->work->sql,
        "CREATE OR REPLACE TEMP TABLE matched AS WITH"
        " known_steps AS (SELECT DISTINCT symbol, known, max(rank) OVER (PARTITION BY symbol"
        "  ORDER BY known RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS rank"
        "  FROM ranked WHERE known IS NOT NULL),"
        " event_steps AS (SELECT symbol, ts, max(rank) AS rank FROM ranked"
        "  GROUP BY symbol, ts),"
        " pairs AS (SELECT s.symbol, p.ts FROM symbols s, (SELECT DISTINCT ts FROM %s) p),"
        " known AS (SELECT p.symbol, p.ts, k.rank FROM pairs p ASOF LEFT JOIN known_steps k"
        "  ON p.symbol = k.symbol AND p.ts >= k.known),"
        " both_ranks AS (SELECT k.symbol, k.ts, k.rank, e.rank AS event_rank FROM known k"
        "  ASOF LEFT JOIN event_steps e ON k.symbol = e.symbol AND k.ts >= e.ts)"
        " SELECT b.*, r.regime, e.regime AS event_regime FROM both_ranks b"
        " LEFT JOIN ranked r ON b.symbol = r.symbol AND b.rank = r.rank"
        " LEFT JOIN ranked e ON b.symbol = e.symbol AND b.event_rank = e.rank",
        regimes->table);
    return vv_report_run(op, regimes->work);
}

/* Rows of the table, for each symbol, of which something is true. */
static varve_status count_pairs(struct vv_op *op, struct regimes *regimes, const char *where,
    int64_t *out)
{
    vv_buf_addf(&regimes->work->sql,
        "SELECT count(*) FROM %s p LEFT JOIN matched m ON p.ts = m.ts WHERE %s", regimes->table,
        where);
    return vv_report_number(op, regimes->work, out);
}

static varve_status match_all(struct vv_op *op, struct regimes *regimes)
{
    struct vv_regimes_result *result = &regimes->result;
    int64_t from_us = vv_report_look_back(regimes->request->span);
    int64_t missing = 0;
    VV_TRY(load_regimes(op, regimes, from_us));
    VV_TRY(match(op, regimes));
    VV_TRY(vv_report_count(op, regimes->work,
        "SELECT count(*) FROM matched WHERE rank IS NULL OR event_rank IS NULL", &missing));
    if (missing > 0 && from_us != INT64_MIN) {
        VV_TRY(load_regimes(op, regimes, INT64_MIN));
        VV_TRY(match(op, regimes));
    }
    VV_TRY(vv_report_count(op, regimes->work, "SELECT count(*) FROM ranked WHERE known IS NULL",
        &result->regimes_undated));
    VV_TRY(count_pairs(op, regimes, "m.rank IS NULL", &result->pairs_no_regime));
    VV_TRY(count_pairs(op, regimes, "m.rank IS NULL AND m.event_rank IS NOT NULL",
        &result->pairs_late));
    return count_pairs(op, regimes,
        "m.rank IS NOT NULL AND m.regime IS DISTINCT FROM m.event_regime",
        &result->pairs_other);
}

varve_status vv_regimes_match(struct vv_op *op, struct vv_report_work *work,
    struct vv_report_source *source, const struct vv_regimes_request *request,
    const char *table, struct vv_regimes_result *out)
{
    struct regimes regimes = {
        .work = work, .source = source, .request = request, .table = table};
    VV_TRY(load_symbols(op, &regimes));
    VV_TRY(match_all(op, &regimes));
    *out = regimes.result;
    return VARVE_OK;
}
