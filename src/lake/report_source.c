#include "lake/report_source.h"

#include "base/time.h"
#include "engine/sql.h"
#include "table/read/event_time.h"
#include "table/read/lost.h"
#include "table/read/prune.h"
#include "table/read/read.h"
#include "table/read/scan_sql.h"

#define LOOK_BACK_US (7 * VV_US_PER_DAY)

varve_status vv_report_column(struct vv_op *op, const struct vv_report_source *source,
    const char *name, int32_t *out)
{
    int32_t column = vv_schema_find(&source->snapshot->schema, vv_str_of(name));
    if (column < 0)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no column %s, which the report needs: see varve describe %.*s",
            VV_ARG(source->table->name), name, VV_ARG(source->table->name));
    *out = column;
    return VARVE_OK;
}

static bool is_time(const struct vv_report_source *source, int32_t column)
{
    return column >= 0 && vv_type_is_time(&source->snapshot->schema.fields[column].type);
}

static varve_status open_table(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_str at, struct vv_report_source *out)
{
    VV_TRY(vv_lake_table_for_any(op, lake, name, &out->table));
    VV_TRY(vv_table_at(op, out->table, at, &out->snapshot));
    return vv_rules_read(op, &op->arena, out->snapshot, false, &out->rules);
}

varve_status vv_report_open(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_str at, struct vv_report_source *out)
{
    VV_CLEANUP(vv_report_close) struct vv_report_source source = {0};
    VV_TRY(open_table(op, lake, name, at, &source));
    VV_TRY(vv_report_column(op, &source, "timestamp", &source.time));
    if (!is_time(&source, source.time))
        return vv_fail(op, VARVE_EUSAGE, "column timestamp of table %.*s is no timestamp",
            VV_ARG(name));
    *out = source;
    source = (struct vv_report_source){0};
    return VARVE_OK;
}

varve_status vv_report_open_any(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_str at, struct vv_report_source *out)
{
    VV_CLEANUP(vv_report_close) struct vv_report_source source = {0};
    VV_TRY(open_table(op, lake, name, at, &source));
    source.time = vv_event_column(source.snapshot, &source.rules);
    if (source.time < 0)
        return vv_time_fail(op, name, source.snapshot, &source.rules);
    *out = source;
    source = (struct vv_report_source){0};
    return VARVE_OK;
}

varve_status vv_report_order(struct vv_op *op, const struct vv_report_source *source,
    int32_t *out)
{
    if (!is_time(source, source->rules.order))
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no order column that is a time, so nothing says when its rows came "
            "to be known",
            VV_ARG(source->table->name));
    *out = source->rules.order;
    return VARVE_OK;
}

varve_status vv_report_columns(struct vv_op *op, const struct vv_report_source *source,
    struct vv_str names, int32_t **out, size_t *out_len)
{
    struct vv_str *split = NULL;
    *out = NULL;
    *out_len = 0;
    if (names.ptr == NULL)
        return VARVE_OK;
    VV_TRY(vv_rules_split_names(op, &op->arena, names, &split, out_len));
    VV_NEW(op, out, int32_t, *out_len + 1);
    for (size_t i = 0; i < *out_len; i++) {
        (*out)[i] = vv_schema_find(&source->snapshot->schema, split[i]);
        if ((*out)[i] < 0)
            return vv_rules_fail_column(op, source->table->name, &source->snapshot->schema,
                split[i]);
        for (size_t j = 0; j < i; j++)
            if ((*out)[j] == (*out)[i])
                return vv_fail(op, VARVE_EUSAGE, "column %.*s is named twice",
                    VV_ARG(split[i]));
    }
    return VARVE_OK;
}

void vv_report_close(struct vv_report_source *source)
{
    vv_snapshot_release(&source->snapshot);
    vv_table_close(&source->table);
}

static varve_status parse_time(struct vv_op *op, struct vv_str text, int64_t now_us,
    int64_t *out_us)
{
    if (vv_time_parse_bound(text, now_us, out_us))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "\"%.*s\" is not a time: say 2025-01-30T10:00:00Z, now or -2h", VV_ARG(text));
}

int64_t vv_report_now_us(const struct vv_op *op, const struct vv_lake *lake, struct vv_str at)
{
    int64_t now_us = vv_lake_now_us(op, lake);
    int64_t at_us = 0;
    bool is_time = at.ptr != NULL && vv_time_parse_human(at, now_us, &at_us);
    return is_time && at_us < now_us ? at_us : now_us;
}

varve_status vv_report_span(struct vv_op *op, const struct vv_lake *lake,
    const struct vv_span_request *request, struct vv_str at, struct vv_str default_last,
    struct vv_span *out)
{
    struct vv_span span = {INT64_MIN, INT64_MAX};
    struct vv_str last = request->last;
    int64_t now_us = vv_report_now_us(op, lake, at);
    int64_t span_us = 0;
    bool is_range = request->from.ptr != NULL || request->to.ptr != NULL;
    if (last.ptr != NULL && is_range)
        return vv_fail(op, VARVE_EUSAGE, "give a last, or a from and a to, not both");
    if (last.ptr == NULL && !is_range)
        last = default_last;
    if (last.ptr != NULL) {
        if (!vv_time_parse_duration(last, &span_us) || span_us <= 0 ||
            __builtin_sub_overflow(now_us, span_us, &span.from_us))
            return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is not a length of time: say 30d or 12h",
                VV_ARG(last));
    }
    if (request->from.ptr != NULL)
        VV_TRY(parse_time(op, request->from, now_us, &span.from_us));
    if (request->to.ptr != NULL)
        VV_TRY(parse_time(op, request->to, now_us, &span.to_us));
    if (span.from_us > span.to_us)
        return vv_fail(op, VARVE_EUSAGE, "the range begins at %.*s, after its end, %.*s",
            VV_ARG(request->from), VV_ARG(request->to));
    *out = span;
    return VARVE_OK;
}

int64_t vv_report_look_back(struct vv_span span)
{
    if (span.from_us < INT64_MIN + LOOK_BACK_US)
        return INT64_MIN;
    return span.from_us - LOOK_BACK_US;
}

varve_status vv_report_check_at(struct vv_op *op, struct vv_str at)
{
    int64_t version = 0;
    if (at.ptr == NULL || !vv_str_int64(at, &version))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "%.*s is a version, and the report reads several tables, each with versions of "
        "its own: give a time instead",
        VV_ARG(at));
}

struct vv_range vv_report_range(const struct vv_report_source *source, struct vv_span span)
{
    struct vv_range range = {.column = source->time};
    const struct vv_type *type = &source->snapshot->schema.fields[source->time].type;
    if (span.from_us != INT64_MIN)
        range.low = vv_event_at_or_after(type, span.from_us);
    if (span.to_us != INT64_MAX) {
        range.high = vv_event_at_or_after(type, span.to_us);
        range.high_excluded = true;
    }
    return range;
}

varve_status vv_report_prune(struct vv_op *op, struct vv_report_source *source,
    struct vv_span span)
{
    struct vv_range range = vv_report_range(source, span);
    struct vv_ranges ranges = {&range, 1};
    return vv_prune(op, &op->arena, source->snapshot, &source->rules, &ranges, &source->files,
        &source->files_len);
}

/* The bare column, so that the engine can skip row groups by it. */
static void add_bound(const struct vv_report_source *source, const char *alias,
    const char *operator, const struct vv_value * value, struct vv_buf *sql)
{
    vv_buf_addf(sql, " AND %sc%d %s ", alias, source->time, operator);
    vv_value_sql(value, &source->snapshot->schema.fields[source->time].type, sql);
}

void vv_report_add_span(const struct vv_report_source *source, struct vv_span span,
    const char *alias, struct vv_buf *sql)
{
    const struct vv_range range = vv_report_range(source, span);
    vv_buf_adds(sql, "true");
    if (range.low.kind != VV_VALUE_NONE)
        add_bound(source, alias, ">=", &range.low, sql);
    if (range.high.kind != VV_VALUE_NONE)
        add_bound(source, alias, "<", &range.high, sql);
}

varve_status vv_report_from(struct vv_op *op, const struct vv_report_source *source,
    const int32_t *columns, size_t columns_len, struct vv_span span, struct vv_buf *sql)
{
    struct vv_scan_source scan = {.store = source->table->store,
        .engine = source->table->engine,
        .snapshot = source->snapshot,
        .files = source->files,
        .files_len = source->files_len,
        .columns = columns,
        .columns_len = columns_len,
        .names = VV_SCAN_INDEXED,
        .may_hold = true};
    vv_buf_adds(sql, " FROM (");
    if (vv_scan_sql(op, &scan, sql) != VARVE_OK)
        return vv_lost_version(op, source->table, source->snapshot, source->files,
            source->files_len);
    vv_buf_adds(sql, ") AS t WHERE ");
    vv_report_add_span(source, span, "", sql);
    return VARVE_OK;
}

void vv_report_add_time(struct vv_buf *sql, int32_t column)
{
    vv_buf_addf(sql, "CAST(c%d AS TIMESTAMPTZ)", column);
}
