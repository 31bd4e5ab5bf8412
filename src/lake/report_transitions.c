/*
 * How regimes follow each other: each row of a symbol and the next one by event time.
 *
 * A stay is a run of rows of one regime; it lasts from its first row to the first of the next one.
 */
#include "engine/sql.h"
#include "lake/report_source.h"
#include "lake/report_work.h"

static varve_status add_rows(struct vv_op *op, struct vv_report_source *source,
    struct vv_span span, struct vv_buf *sql)
{
    int32_t columns[4] = {source->time, -1, -1, source->rules.order};
    size_t columns_len = columns[3] >= 0 && columns[3] != source->time ? 4 : 3;
    VV_TRY(vv_report_column(op, source, "symbol", &columns[1]));
    VV_TRY(vv_report_column(op, source, "regime", &columns[2]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(sql, "SELECT epoch_us(");
    vv_report_add_time(sql, source->time);
    vv_buf_addf(sql,
        ") AS us, CAST(c%d AS VARCHAR) AS symbol, CAST(c%d AS VARCHAR) AS regime, ", columns[1],
        columns[2]);
    if (columns_len == 4)
        vv_buf_addf(sql, "c%d AS ord", columns[3]);
    else
        vv_buf_adds(sql, "NULL AS ord");
    return vv_report_from(op, source, columns, columns_len, span, sql);
}

/* Of the rows of one instant (tables that others wrote) the newest one counts. */
static varve_status load_rows(struct vv_op *op, struct vv_report_source *source,
    struct vv_span span, struct vv_report_work *work)
{
    vv_buf_adds(&work->sql, "CREATE TEMP TABLE seen AS SELECT us, symbol, regime FROM (");
    VV_TRY(add_rows(op, source, span, &work->sql));
    vv_buf_adds(&work->sql,
        ") WHERE symbol IS NOT NULL QUALIFY row_number() OVER (PARTITION BY "
        "symbol, us ORDER BY ord DESC NULLS LAST, regime DESC) = 1");
    return vv_report_run(op, work);
}

static varve_status choose_symbol(struct vv_op *op,
    const struct vv_transitions_request *request, struct vv_report_source *source,
    struct vv_report_work *work, struct vv_str *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    bool has_row = false;
    *out = request->symbol;
    if (request->symbol.ptr == NULL && request->by_symbol)
        return VARVE_OK;
    if (request->symbol.ptr != NULL) {
        vv_buf_adds(&work->sql, "SELECT symbol FROM seen WHERE symbol = ");
        vv_sql_literal(&work->sql, request->symbol);
        vv_buf_adds(&work->sql, " LIMIT 1");
    } else {
        vv_buf_adds(&work->sql,
            "SELECT symbol FROM seen ORDER BY symbol <> 'SPY', symbol LIMIT 1");
    }
    if (!vv_buf_ok(&work->sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, work->session, vv_buf_str(&work->sql), &rows));
    vv_buf_clear(&work->sql);
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row && request->symbol.ptr != NULL)
        return vv_fail(op, VARVE_ENOTFOUND, "table %.*s has no regime of symbol %.*s%s",
            VV_ARG(source->table->name), VV_ARG(request->symbol),
            request->span.from.ptr != NULL || request->span.to.ptr != NULL ||
                    request->span.last.ptr != NULL
                ? " in the range"
                : "");
    if (!has_row)
        return VARVE_OK;
    *out = vv_arena_str(&op->arena, vv_rows_text(rows, 0));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static void add_answer(const struct vv_transitions_request *request, struct vv_str symbol,
    struct vv_buf *sql)
{
    const char *group = request->by_symbol ? "symbol, " : "";
    vv_buf_adds(sql, "WITH picked AS (FROM seen");
    if (symbol.ptr != NULL) {
        vv_buf_adds(sql, " WHERE symbol = ");
        vv_sql_literal(sql, symbol);
    }
    vv_buf_addf(sql,
        "), steps AS (SELECT *, lead(regime) OVER next_one AS following,"
        " lead(us) OVER next_one AS until, regime IS DISTINCT FROM lag(regime) OVER next_one AS"
        " begins FROM picked WINDOW next_one AS (PARTITION BY symbol ORDER BY us)),"
        " stays AS (SELECT *, max(CASE WHEN begins THEN us END) OVER (PARTITION BY symbol"
        " ORDER BY us ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS since FROM steps),"
        " counted AS (SELECT %sregime, following, count(*) AS n,"
        " sum(CASE WHEN following <> regime THEN until - since END) AS stay FROM stays"
        " WHERE following IS NOT NULL%s GROUP BY ALL) SELECT %sregime AS from_regime,"
        " following AS to_regime, n AS count,"
        " CAST(n AS DOUBLE) / sum(n) OVER (PARTITION BY %sregime) AS probability,"
        " CAST(stay AS DOUBLE) / 1000000 / n AS mean_stay_seconds FROM counted"
        " ORDER BY %sfrom_regime, to_regime",
        group, request->changes_only ? " AND following <> regime" : "", group, group, group);
}

varve_status vv_lake_transitions(struct vv_op *op, struct vv_lake *lake,
    const struct vv_transitions_request *request, struct ArrowArrayStream *out,
    struct vv_str *out_symbol)
{
    VV_CLEANUP(vv_report_close) struct vv_report_source source = {0};
    VV_CLEANUP(vv_report_work_close) struct vv_report_work work = {0};
    struct vv_str symbol = VV_STR_NONE;
    struct vv_span span;
    VV_TRY(vv_report_span(op, lake, &request->span, request->at, VV_STR_NONE, &span));
    VV_TRY(vv_report_open(op, lake, VV_STR("market_regimes"), request->at, &source));
    VV_TRY(vv_report_work_open(op, lake, &work));
    VV_TRY(load_rows(op, &source, span, &work));
    VV_TRY(choose_symbol(op, request, &source, &work, &symbol));
    add_answer(request, symbol, &work.sql);
    VV_TRY(vv_report_stream(op, &work, out));
    *out_symbol = symbol;
    return VARVE_OK;
}
