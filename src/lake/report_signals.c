/* Signals: what was done about each, what was missed, and how long it took. */
#include <math.h>

#include "base/number.h"
#include "engine/sql.h"
#include "lake/report_source.h"

#define HIGH_CONFIDENCE "0.8"

enum {
    COLUMN_TIME,
    COLUMN_STRATEGY,
    COLUMN_TYPE,
    COLUMN_VALUE,
    COLUMN_ACTED,
    COLUMN_ACTED_AT,
    COLUMN_SOURCE,
    COLUMN_REGIME,
    COLUMNS_LEN
};

static const char *const column_names[COLUMNS_LEN] = {"timestamp", "strategy_id", "signal_type",
    "signal_value", "acted_upon", "acted_at", "source", "regime"};

/* What the reports share: the columns by name, and the seconds from signal to action. */
static varve_status add_rows(struct vv_op *op, struct vv_report_source *source,
    const struct vv_signals_request *request, struct vv_span span, struct vv_buf *sql)
{
    int32_t columns[COLUMNS_LEN];
    for (size_t i = 0; i < COLUMNS_LEN; i++)
        VV_TRY(vv_report_column(op, source, column_names[i], &columns[i]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(sql, "SELECT *, CAST(epoch_us(acted_at) - epoch_us(\"timestamp\") AS DOUBLE) / "
                     "1000000 AS seconds_to_action, signal_value > " HIGH_CONFIDENCE
                     " AND NOT isnan(signal_value) AS high_confidence FROM (SELECT ");
    for (size_t i = 0; i < COLUMNS_LEN; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        if (i == COLUMN_TIME || i == COLUMN_ACTED_AT)
            vv_report_add_time(sql, columns[i]);
        else if (i == COLUMN_VALUE)
            vv_buf_addf(sql, "CAST(c%d AS DOUBLE)", columns[i]);
        else
            vv_buf_addf(sql, "c%d", columns[i]);
        vv_buf_adds(sql, " AS ");
        vv_sql_name(sql, vv_str_of(column_names[i]));
    }
    VV_TRY(vv_report_from(op, source, columns, COLUMNS_LEN, span, sql));
    if (request->strategy.ptr != NULL) {
        vv_buf_addf(sql, " AND c%d = ", columns[COLUMN_STRATEGY]);
        vv_sql_literal(sql, request->strategy);
    }
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

static void add_report(const struct vv_signals_request *request, struct vv_buf *sql)
{
    if (request->report == VV_SIGNALS_LATENCY) {
        vv_buf_adds(sql,
            "SELECT strategy_id, signal_type, count(*) AS count,"
            " count(*) FILTER (acted_upon) AS acted,"
            " quantile_cont(seconds_to_action, 0.5) FILTER (acted_upon) AS p50_seconds,"
            " quantile_cont(seconds_to_action, 0.9) FILTER (acted_upon) AS p90_seconds,"
            " max(seconds_to_action) FILTER (acted_upon) AS max_seconds"
            " FROM signal_rows GROUP BY ALL ORDER BY strategy_id, signal_type");
        return;
    }
    vv_buf_adds(sql, "SELECT \"timestamp\", strategy_id, signal_type, signal_value, acted_upon,"
                     " acted_at, seconds_to_action, high_confidence, source, regime"
                     " FROM signal_rows");
    if (request->report == VV_SIGNALS_MISSED) {
        char text[VV_NUMBER_BYTES];
        size_t len = vv_number_format(request->min_value, text);
        vv_buf_adds(sql,
            " WHERE NOT acted_upon AND NOT isnan(signal_value) AND signal_value > ");
        vv_buf_add(sql, (struct vv_str){text, len});
    }
    vv_buf_adds(sql, " ORDER BY \"timestamp\", strategy_id, signal_type");
}

varve_status vv_lake_signals(struct vv_op *op, struct vv_lake *lake,
    const struct vv_signals_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_report_close) struct vv_report_source source = {0};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_engine *engine = NULL;
    struct vv_span span;
    if (!isfinite(request->min_value))
        return vv_fail(op, VARVE_EUSAGE, "the least value of a missed signal is no number");
    VV_TRY(vv_report_span(op, lake, &request->span, request->at, VV_STR_NONE, &span));
    VV_TRY(vv_report_open(op, lake, VV_STR("signals"), request->at, &source));
    vv_buf_adds(&sql, "WITH signal_rows AS (");
    VV_TRY(add_rows(op, &source, request, span, &sql));
    vv_buf_adds(&sql, ") ");
    add_report(request, &sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_lake_engine(op, lake, &engine));
    VV_TRY(vv_session_open(op, engine, &session));
    struct vv_keep keep = {source.snapshot, vv_snapshot_release_kept};
    VV_TRY(vv_session_stream(op, &session, vv_buf_str(&sql), false, &keep, 1, out));
    source.snapshot = NULL; /* the stream's now */
    return VARVE_OK;
}
