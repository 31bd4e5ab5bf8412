/* Lateness: how long after their time rows came to be known, as a histogram. */
#include "engine/sql.h"
#include "lake/report_source.h"
#include "lake/report_work.h"
#include "table/read/event_time.h"

struct bucket {
    const char *name;
    int64_t to_s; /* not included */
};

static const struct bucket buckets[] = {
    {"before its time", 0},
    {"under 1s", 1},
    {"1s to 5s", 5},
    {"5s to 30s", 30},
    {"30s to 1m", 60},
    {"1m to 5m", 300},
    {"5m to 30m", 1800},
    {"30m to 2h", 7200},
    {"2h to 1d", 86400},
    {"1d and more", INT64_MAX},
};

/*
 * Two times are needed: a table without one in its key has its order column for both, and a date
 * does not say when in its day.
 */
static varve_status find_order(struct vv_op *op, const struct vv_report_source *source,
    int32_t *out)
{
    const struct vv_schema *schema = &source->snapshot->schema;
    if (schema->fields[source->time].type.kind == VV_TYPE_DATE)
        return vv_time_fail(op, source->table->name, source->snapshot, &source->rules);
    VV_TRY(vv_report_order(op, source, out));
    if (*out != source->time)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s has one time, its order column %.*s: lateness is how long after the time "
        "in "
        "its key a row came, and its key has none",
        VV_ARG(source->table->name), VV_ARG(schema->fields[*out].name));
}

static varve_status add_rows(struct vv_op *op, struct vv_report_source *source,
    const int32_t *by, size_t by_len, struct vv_span span, struct vv_buf *sql)
{
    int32_t *columns = NULL;
    size_t len = 0;
    int32_t order = -1;
    VV_TRY(find_order(op, source, &order));
    VV_NEW(op, &columns, int32_t, by_len + 2);
    columns[len++] = source->time;
    columns[len++] = order;
    for (size_t i = 0; i < by_len; i++)
        if (by[i] != source->time && by[i] != order)
            columns[len++] = by[i];
    VV_TRY(vv_report_prune(op, source, span));
    vv_buf_adds(sql, "SELECT ");
    for (size_t i = 0; i < by_len; i++)
        vv_buf_addf(sql, "c%d AS g%zu, ", by[i], i);
    vv_buf_adds(sql, "epoch_us(");
    vv_report_add_time(sql, order);
    vv_buf_adds(sql, ") - epoch_us(");
    vv_report_add_time(sql, source->time);
    vv_buf_adds(sql, ") AS late");
    return vv_report_from(op, source, columns, len, span, sql);
}

/* "g0, g1, ". */
static void add_groups(size_t by_len, struct vv_buf *sql)
{
    for (size_t i = 0; i < by_len; i++)
        vv_buf_addf(sql, "g%zu, ", i);
}

static void add_answer(const struct vv_report_source *source, const int32_t *by, size_t by_len,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "), names AS (SELECT * FROM (VALUES ");
    for (size_t i = 0; i < VV_COUNT(buckets); i++) {
        vv_buf_addf(sql, "%s(%zu, '%s', ", i == 0 ? "" : ", ", i, buckets[i].name);
        if (i == 0)
            vv_buf_adds(sql, "CAST(NULL AS BIGINT), ");
        else
            vv_buf_addf(sql, "CAST(%" PRId64 " AS BIGINT), ", buckets[i - 1].to_s);
        if (i + 1 == VV_COUNT(buckets))
            vv_buf_adds(sql, "CAST(NULL AS BIGINT))");
        else
            vv_buf_addf(sql, "CAST(%" PRId64 " AS BIGINT))", buckets[i].to_s);
    }
    vv_buf_addf(sql,
        ", (%zu, 'unknown', NULL, NULL)) AS n(bucket, name, from_s, to_s)),"
        " counted AS (SELECT ",
        VV_COUNT(buckets));
    add_groups(by_len, sql);
    vv_buf_adds(sql, "CASE WHEN late IS NULL THEN ");
    vv_buf_addf(sql, "%zu", VV_COUNT(buckets));
    for (size_t i = 0; i + 1 < VV_COUNT(buckets); i++)
        vv_buf_addf(sql, " WHEN late < %" PRId64 " THEN %zu", buckets[i].to_s * 1000000, i);
    vv_buf_addf(sql,
        " ELSE %zu END AS bucket, count(*) AS n FROM late_rows GROUP BY ALL) SELECT ",
        VV_COUNT(buckets) - 1);
    for (size_t i = 0; i < by_len; i++) {
        vv_buf_addf(sql, "g%zu AS ", i);
        vv_sql_name(sql, source->snapshot->schema.fields[by[i]].name);
        vv_buf_adds(sql, ", ");
    }
    vv_buf_adds(sql,
        "name AS lateness, from_s AS from_seconds, to_s AS to_seconds, n AS \"rows\","
        " CAST(n AS DOUBLE) / sum(n) OVER whole AS share,"
        " CAST(sum(n) OVER sofar AS DOUBLE) / sum(n) OVER whole AS cumulative_share"
        " FROM counted JOIN names USING (bucket) WINDOW whole AS (");
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < by_len; i++)
            vv_buf_addf(sql, "%sg%zu", i == 0 ? "PARTITION BY " : ", ", i);
        vv_buf_adds(sql, turn == 0 ? "), sofar AS (" : " ORDER BY bucket) ORDER BY ");
    }
    for (size_t i = 0; i < by_len; i++)
        vv_buf_addf(sql, "g%zu NULLS LAST, ", i);
    vv_buf_adds(sql, "bucket");
}

varve_status vv_lake_lateness(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lateness_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_report_close) struct vv_report_source source = {0};
    VV_CLEANUP(vv_report_work_close) struct vv_report_work work = {0};
    struct vv_span span;
    int32_t *by = NULL;
    size_t by_len = 0;
    VV_TRY(vv_report_span(op, lake, &request->span, request->at, VV_STR_NONE, &span));
    VV_TRY(vv_report_open_any(op, lake, request->table, request->at, &source));
    VV_TRY(vv_report_columns(op, &source, request->by, &by, &by_len));
    VV_TRY(vv_report_work_open(op, lake, &work));
    vv_buf_adds(&work.sql, "CREATE TEMP TABLE answer AS WITH late_rows AS (");
    VV_TRY(add_rows(op, &source, by, by_len, span, &work.sql));
    add_answer(&source, by, by_len, &work.sql);
    VV_TRY(vv_report_run(op, &work));
    vv_buf_adds(&work.sql, "FROM answer");
    return vv_report_stream(op, &work, out);
}
