/*
 * What signals led to: how total_pnl of the strategy moved after each of them.
 *
 * Signals and numbers of a strategy lie on one line of time, in microseconds. The number that a
 * signal begins from is the last at or before it; what came of it within a horizon are the numbers
 * in (t, t + horizon], the last of which is its outcome. Windows over that line answer all of it
 * at once, whatever the number of rows within a horizon.
 */
#include "base/time.h"
#include "engine/sql.h"
#include "lake/report_regimes.h"

#define HORIZONS_MAX 16

struct horizon {
    struct vv_str text;
    int64_t us;
};

struct outcomes {
    const struct vv_outcomes_request *request;
    struct vv_span span;
    struct horizon horizons[HORIZONS_MAX];
    size_t horizons_len;
    int64_t longest_us;
    int64_t tolerance_us; /* INT64_MAX: none */
    struct vv_report_source signals;
    struct vv_report_source performance;
    struct vv_report_source regimes;
    struct vv_report_work work;
    struct vv_outcomes_result result;
};

static void outcomes_done(struct outcomes *outcomes)
{
    vv_report_work_close(&outcomes->work);
    vv_report_close(&outcomes->signals);
    vv_report_close(&outcomes->performance);
    vv_report_close(&outcomes->regimes);
}

/* ---- What is asked ---------------------------------------------------------------------------- */

static varve_status add_horizon(struct vv_op *op, struct outcomes *outcomes, struct vv_str text)
{
    int64_t us = 0;
    text = vv_str_trim(text);
    if (!vv_time_parse_duration(text, &us) || us <= 0)
        return vv_fail(op, VARVE_EUSAGE, "horizon \"%.*s\" is not a length of time: say 1h,1d",
            VV_ARG(text));
    if (outcomes->horizons_len == HORIZONS_MAX)
        return vv_fail(op, VARVE_EUSAGE, "more than %d horizons", HORIZONS_MAX);
    outcomes->horizons[outcomes->horizons_len++] = (struct horizon){text, us};
    if (us > outcomes->longest_us)
        outcomes->longest_us = us;
    return VARVE_OK;
}

static varve_status read_request(struct vv_op *op, struct outcomes *outcomes)
{
    const struct vv_outcomes_request *request = outcomes->request;
    struct vv_str rest = request->horizons.ptr != NULL ? request->horizons : VV_STR("1h,1d");
    for (;;) {
        size_t comma = vv_str_find(rest, ',');
        VV_TRY(add_horizon(op, outcomes, vv_str_first(rest, comma)));
        if (comma == rest.len)
            break;
        rest = vv_str_skip(rest, comma + 1);
    }
    outcomes->tolerance_us = INT64_MAX;
    if (request->tolerance.ptr != NULL &&
        (!vv_time_parse_duration(request->tolerance, &outcomes->tolerance_us) ||
            outcomes->tolerance_us < 0))
        return vv_fail(op, VARVE_EUSAGE, "tolerance \"%.*s\" is not a length of time: say 2h",
            VV_ARG(request->tolerance));
    return vv_report_check_at(op, request->at);
}

/* ---- Signals ---------------------------------------------------------------------------------- */

static const char *const signal_columns[] = {
    "strategy_id", "signal_type", "signal_value", "source", "acted_upon"};

/* "SELECT ts, us, strategy, type, value, source FROM ...". */
static varve_status add_signals(struct vv_op *op, struct outcomes *outcomes,
    struct vv_span span)
{
    struct vv_report_source *source = &outcomes->signals;
    const struct vv_outcomes_request *request = outcomes->request;
    struct vv_buf *sql = &outcomes->work.sql;
    int32_t columns[VV_COUNT(signal_columns) + 1] = {source->time};
    const int32_t *named = columns + 1; /* in the order of signal_columns */
    for (size_t i = 0; i < VV_COUNT(signal_columns); i++)
        VV_TRY(vv_report_column(op, source, signal_columns[i], &columns[i + 1]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(sql,
        "SELECT ts, epoch_us(ts) AS us, strategy, type, value, source FROM (SELECT ");
    vv_report_add_time(sql, source->time);
    vv_buf_addf(sql,
        " AS ts, CAST(c%d AS VARCHAR) AS strategy, CAST(c%d AS VARCHAR) AS type,"
        " CAST(c%d AS DOUBLE) AS value, CAST(c%d AS VARCHAR) AS source",
        named[0], named[1], named[2], named[3]);
    VV_TRY(vv_report_from(op, source, columns, VV_COUNT(columns), span, sql));
    if (request->acted != VV_ACTED_ALL)
        vv_buf_addf(sql, " AND c%d IS %s TRUE", named[4],
            request->acted == VV_ACTED_YES ? "NOT DISTINCT FROM" : "DISTINCT FROM");
    if (request->strategy.ptr != NULL) {
        vv_buf_addf(sql, " AND c%d = ", named[0]);
        vv_sql_literal(sql, request->strategy);
    }
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

static varve_status load_signals(struct vv_op *op, struct outcomes *outcomes)
{
    struct vv_outcomes_result *result = &outcomes->result;
    vv_buf_adds(&outcomes->work.sql,
        "CREATE TEMP TABLE sig AS SELECT row_number() OVER (ORDER BY us, strategy, type, value,"
        " source) AS id, * FROM (");
    VV_TRY(add_signals(op, outcomes, outcomes->span));
    vv_buf_addc(&outcomes->work.sql, ')');
    VV_TRY(vv_report_run(op, &outcomes->work));
    VV_TRY(vv_report_count(op, &outcomes->work, "SELECT count(*) FROM sig", &result->signals));
    result->newest_us = INT64_MIN;
    if (result->signals > 0)
        return VARVE_OK;
    vv_buf_adds(&outcomes->work.sql, "SELECT coalesce(max(us), -9223372036854775808) FROM (");
    VV_TRY(add_signals(op, outcomes, (struct vv_span){INT64_MIN, outcomes->span.to_us}));
    vv_buf_addc(&outcomes->work.sql, ')');
    return vv_report_number(op, &outcomes->work, &result->newest_us);
}

/* ---- Performance ------------------------------------------------------------------------------ */

/* "SELECT strategy, us, pnl FROM ..." of the signals' strategies; of one instant the greatest. */
static varve_status add_numbers(struct vv_op *op, struct outcomes *outcomes,
    struct vv_span span)
{
    struct vv_report_source *source = &outcomes->performance;
    struct vv_buf *sql = &outcomes->work.sql;
    int32_t columns[3] = {source->time, -1, -1};
    VV_TRY(vv_report_column(op, source, "strategy_id", &columns[1]));
    VV_TRY(vv_report_column(op, source, "total_pnl", &columns[2]));
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(sql, "SELECT strategy, us, max(pnl) AS pnl FROM (SELECT epoch_us(");
    vv_report_add_time(sql, source->time);
    vv_buf_addf(sql, ") AS us, CAST(c%d AS VARCHAR) AS strategy, CAST(c%d AS DOUBLE) AS pnl",
        columns[1], columns[2]);
    VV_TRY(vv_report_from(op, source, columns, 3, span, sql));
    vv_buf_adds(sql, ") WHERE isfinite(pnl) AND strategy IN (SELECT strategy FROM sig)"
                     " GROUP BY strategy, us");
    return VARVE_OK;
}

static int64_t plus(int64_t time_us, int64_t span_us)
{
    int64_t sum = 0;
    return __builtin_add_overflow(time_us, span_us, &sum) ? INT64_MAX : sum;
}

/* The numbers from a week before the span on; where a signal has none, the last of all before. */
static varve_status load_numbers(struct vv_op *op, struct outcomes *outcomes)
{
    struct vv_report_work *work = &outcomes->work;
    int64_t from_us = vv_report_look_back(outcomes->span);
    int64_t missing = 0;
    struct vv_span span = {from_us, plus(plus(outcomes->span.to_us, outcomes->longest_us), 1)};
    vv_buf_adds(&work->sql, "CREATE TEMP TABLE numbers AS ");
    VV_TRY(add_numbers(op, outcomes, span));
    VV_TRY(vv_report_run(op, work));
    VV_TRY(vv_report_count(op, work,
        "SELECT count(*) FROM (SELECT strategy, min(us) AS us FROM sig GROUP BY strategy) s"
        " WHERE NOT EXISTS (FROM numbers n WHERE n.strategy = s.strategy AND n.us <= s.us)",
        &missing));
    if (missing == 0 || from_us == INT64_MIN)
        return VARVE_OK;
    vv_buf_adds(&work->sql,
        "INSERT INTO numbers SELECT strategy, max(us), arg_max(pnl, us) FROM (");
    VV_TRY(add_numbers(op, outcomes, (struct vv_span){INT64_MIN, from_us}));
    vv_buf_adds(&work->sql, ") GROUP BY strategy");
    return vv_report_run(op, work);
}

/* The newest row of any strategy says how far horizons are over. */
static varve_status load_newest(struct vv_op *op, struct outcomes *outcomes)
{
    struct vv_report_source *source = &outcomes->performance;
    struct vv_span span = {outcomes->span.from_us, INT64_MAX};
    vv_buf_adds(&outcomes->work.sql,
        "CREATE TEMP TABLE newest AS SELECT coalesce(max(us), -9223372036854775808) AS us FROM"
        " (SELECT epoch_us(");
    vv_report_add_time(&outcomes->work.sql, source->time);
    vv_buf_adds(&outcomes->work.sql, ") AS us");
    VV_TRY(vv_report_prune(op, source, span));
    VV_TRY(vv_report_from(op, source, &source->time, 1, span, &outcomes->work.sql));
    vv_buf_addc(&outcomes->work.sql, ')');
    return vv_report_run(op, &outcomes->work);
}

/* ---- Outcomes --------------------------------------------------------------------------------- */

/* The signals over one horizon. */
static void add_windows(struct outcomes *outcomes, size_t index)
{
    const struct horizon *horizon = &outcomes->horizons[index];
    struct vv_buf *sql = &outcomes->work.sql;
    vv_buf_addf(sql,
        "SELECT id, %zu AS rank, us + %" PRId64 " AS until, us - base_us AS base_age,"
        " us + %" PRId64 " - last_us AS last_age, base, last, best, worst FROM (SELECT id, us,"
        " last_value(number_us IGNORE NULLS) OVER before AS base_us,"
        " last_value(pnl IGNORE NULLS) OVER before AS base,"
        " last_value(number_us IGNORE NULLS) OVER behind AS last_us,"
        " last_value(pnl IGNORE NULLS) OVER behind AS last,"
        " max(pnl) OVER behind AS best, min(pnl) OVER behind AS worst FROM line"
        " WINDOW before AS (PARTITION BY strategy ORDER BY us"
        "  RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),"
        " behind AS (PARTITION BY strategy ORDER BY us"
        "  RANGE BETWEEN 1 FOLLOWING AND %" PRId64 " FOLLOWING)) WHERE id IS NOT NULL",
        index, horizon->us, horizon->us, horizon->us);
}

/* `change` is NULL where there is no outcome; `state` says why. */
static varve_status load_outcomes(struct vv_op *op, struct outcomes *outcomes)
{
    struct vv_report_work *work = &outcomes->work;
    struct vv_outcomes_result *result = &outcomes->result;
    vv_buf_adds(&work->sql,
        "CREATE TEMP TABLE outcome AS WITH line AS MATERIALIZED (SELECT strategy, us,"
        " us AS number_us, pnl, CAST(NULL AS BIGINT) AS id FROM numbers UNION ALL"
        " SELECT strategy, us, NULL, NULL, id FROM sig), seen AS (");
    for (size_t i = 0; i < outcomes->horizons_len; i++) {
        vv_buf_adds(&work->sql, i == 0 ? "" : " UNION ALL ");
        add_windows(outcomes, i);
    }
    vv_buf_addf(&work->sql,
        ") SELECT id, rank, state, CASE WHEN state = 'known' THEN last - base END AS change,"
        " CASE WHEN state = 'known' THEN greatest(best - base, 0) END AS best,"
        " CASE WHEN state = 'known' THEN least(worst - base, 0) END AS worst FROM (SELECT *,"
        " CASE WHEN base IS NULL THEN 'without' WHEN until > (SELECT us FROM newest)"
        " THEN 'pending' WHEN last IS NULL OR base_age > %" PRId64 " OR last_age > %" PRId64
        " THEN 'unknown' ELSE 'known' END AS state FROM seen)",
        outcomes->tolerance_us, outcomes->tolerance_us);
    VV_TRY(vv_report_run(op, work));
    VV_TRY(vv_report_count(op, work,
        "SELECT count(*) FROM outcome WHERE state = 'without' AND rank = 0",
        &result->without_pnl));
    VV_TRY(vv_report_count(op, work, "SELECT count(*) FROM outcome WHERE state = 'pending'",
        &result->pending));
    return vv_report_count(op, work, "SELECT count(*) FROM outcome WHERE state = 'unknown'",
        &result->unknown);
}

/* ---- The answer ------------------------------------------------------------------------------- */

/* Tenths by their own digits: 0.3 is not less than 0.3. */
static void add_confidence(struct vv_buf *sql)
{
    vv_buf_adds(sql, "CASE WHEN s.value IS NULL OR isnan(s.value) THEN NULL"
                     " WHEN s.value < 0 THEN 'below 0' WHEN s.value > 1 THEN 'above 1'");
    for (int tenth = 1; tenth < 10; tenth++)
        vv_buf_addf(sql, " WHEN s.value < 0.%d THEN '0.%d to 0.%d'", tenth, tenth - 1, tenth);
    vv_buf_adds(sql, " ELSE '0.9 to 1.0' END");
}

static void add_group(struct vv_buf *sql, enum vv_outcomes_by by)
{
    static const char *const groups[] = {
        [VV_OUTCOMES_REGIME] = "m.regime",
        [VV_OUTCOMES_STRATEGY] = "s.strategy",
        [VV_OUTCOMES_SOURCE] = "s.source",
        [VV_OUTCOMES_TYPE] = "s.type",
    };
    if (by == VV_OUTCOMES_CONFIDENCE)
        add_confidence(sql);
    else
        vv_buf_adds(sql, groups[by]);
}

static const char answer_columns[] =
    "count(*) AS signals, count(change) AS outcomes,"
    " count(*) FILTER (state = 'pending') AS pending,"
    " CAST(count(*) FILTER (change > 0) AS DOUBLE) / nullif(count(change), 0) AS hit_rate,"
    " sum(change ORDER BY id) AS pnl_change,"
    " sum(change ORDER BY id) / nullif(count(change), 0) AS mean_pnl_change,"
    " median(change) AS median_pnl_change,"
    " sum(best ORDER BY id) / nullif(count(change), 0) AS mean_best,"
    " sum(worst ORDER BY id) / nullif(count(change), 0) AS mean_worst,"
    " corr(value_rank, change_rank ORDER BY id) AS ic";

/*
 * Ranks are of the outcomes whose signal has a number as its value, equal ones sharing the mean of
 * theirs; where there is no spread the engine's correlation is not finite.
 */
static varve_status answer(struct vv_op *op, struct outcomes *outcomes,
    struct ArrowArrayStream *out)
{
    static const char *const names[] = {[VV_OUTCOMES_REGIME] = "regime",
        [VV_OUTCOMES_STRATEGY] = "strategy_id",
        [VV_OUTCOMES_SOURCE] = "source",
        [VV_OUTCOMES_TYPE] = "signal_type",
        [VV_OUTCOMES_CONFIDENCE] = "confidence"};
    struct vv_buf *sql = &outcomes->work.sql;
    vv_buf_adds(sql, "WITH joined AS (SELECT o.*, ");
    add_group(sql, outcomes->request->by);
    vv_buf_adds(sql, " AS what, CASE WHEN o.change IS NOT NULL AND isfinite(s.value)"
                     " THEN s.value END AS value FROM outcome o JOIN sig s ON o.id = s.id");
    if (outcomes->request->by == VV_OUTCOMES_REGIME)
        vv_buf_adds(sql, " LEFT JOIN matched m ON s.ts = m.ts");
    vv_buf_adds(sql,
        "), ranked_rows AS (SELECT *, CASE WHEN value IS NOT NULL THEN rank() OVER"
        " (PARTITION BY what, rank, value IS NULL ORDER BY value) + (count(*) OVER"
        " (PARTITION BY what, rank, value IS NULL, value) - 1) / 2.0 END AS"
        " value_rank, CASE WHEN value IS NOT NULL THEN rank() OVER"
        " (PARTITION BY what, rank, value IS NULL ORDER BY change) + (count(*) OVER"
        " (PARTITION BY what, rank, value IS NULL, change) - 1) / 2.0 END AS"
        " change_rank FROM joined) SELECT what AS ");
    vv_buf_adds(sql, names[outcomes->request->by]);
    vv_buf_adds(sql, ", ([");
    for (size_t i = 0; i < outcomes->horizons_len; i++) {
        vv_buf_adds(sql, i == 0 ? "" : ", ");
        vv_sql_literal(sql, outcomes->horizons[i].text);
    }
    vv_buf_addf(sql,
        "])[rank + 1] AS horizon, * EXCLUDE (what, rank, ic), CASE WHEN isfinite(ic) THEN ic "
        "END"
        " AS ic FROM (SELECT what, rank, %s FROM ranked_rows GROUP BY what, rank) ORDER BY what"
        " NULLS LAST, rank",
        answer_columns);
    return vv_report_stream(op, &outcomes->work, out);
}

static varve_status open_tables(struct vv_op *op, struct vv_lake *lake,
    struct outcomes *outcomes)
{
    struct vv_str at = outcomes->request->at;
    VV_TRY(vv_report_span(op, lake, &outcomes->request->span, at, VV_STR("30d"),
        &outcomes->span));
    VV_TRY(vv_report_open(op, lake, VV_STR("signals"), at, &outcomes->signals));
    VV_TRY(vv_report_open(op, lake, VV_STR("performance_metrics"), at, &outcomes->performance));
    if (outcomes->request->by == VV_OUTCOMES_REGIME)
        VV_TRY(vv_report_open(op, lake, VV_STR("market_regimes"), at, &outcomes->regimes));
    return vv_report_work_open(op, lake, &outcomes->work);
}

varve_status vv_lake_outcomes(struct vv_op *op, struct vv_lake *lake,
    const struct vv_outcomes_request *request, struct ArrowArrayStream *out,
    struct vv_outcomes_result *out_result)
{
    VV_CLEANUP(outcomes_done) struct outcomes outcomes = {.request = request};
    VV_TRY(read_request(op, &outcomes));
    VV_TRY(open_tables(op, lake, &outcomes));
    VV_TRY(load_signals(op, &outcomes));
    VV_TRY(load_numbers(op, &outcomes));
    VV_TRY(load_newest(op, &outcomes));
    VV_TRY(load_outcomes(op, &outcomes));
    if (request->by == VV_OUTCOMES_REGIME) {
        const struct vv_regimes_request regimes = {
            request->symbol, false, request->knowledge, outcomes.span};
        VV_TRY(vv_regimes_match(op, &outcomes.work, &outcomes.regimes, &regimes, "sig",
            &outcomes.result.regimes));
    }
    struct vv_outcomes_result result = outcomes.result;
    VV_TRY(answer(op, &outcomes, out));
    *out_result = result;
    return VARVE_OK;
}
