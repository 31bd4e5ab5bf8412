/*
 * A market table as a report reads it: one snapshot, a range of time, columns by name.
 */
#ifndef VV_LAKE_REPORT_SOURCE_H
#define VV_LAKE_REPORT_SOURCE_H

#include "lake/report.h"
#include "table/read/prune.h"
#include "table/rules.h"

/* INT64_MIN and INT64_MAX: open ends. */
struct vv_span {
    int64_t from_us; /* included */
    int64_t to_us;   /* not included */
};

struct vv_report_source {
    struct vv_table *table;       /* owned */
    struct vv_snapshot *snapshot; /* owned */
    struct vv_rules rules;
    int32_t time;                 /* the column `timestamp`, or what vv_report_open_any finds */
    const struct vv_file **files; /* after vv_report_prune */
    size_t files_len;
};

/* ENOTFOUND: no such table or version; EUSAGE: it has no column `timestamp` of that type. */
varve_status vv_report_open(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_str at, struct vv_report_source *out);
/* The same of any table: its time is that of `vv_event_column`, a date maybe. EUSAGE: it has none. */
varve_status vv_report_open_any(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_str at, struct vv_report_source *out);
void vv_report_close(struct vv_report_source *source);

/* What a report takes for now: the time of `at`, where it is one that is past. */
int64_t vv_report_now_us(const struct vv_op *op, const struct vv_lake *lake, struct vv_str at);

/* `default_last` ptr NULL: open where nothing is said. */
varve_status vv_report_span(struct vv_op *op, const struct vv_lake *lake,
    const struct vv_span_request *request, struct vv_str at, struct vv_str default_last,
    struct vv_span *out);

/* Where to begin looking for what was before a span: a week; INT64_MIN: at the very beginning. */
int64_t vv_report_look_back(struct vv_span span);

/* EUSAGE: `at` is a version, and the report reads several tables. */
varve_status vv_report_check_at(struct vv_op *op, struct vv_str at);

/* The span as a range of the time column. */
struct vv_range vv_report_range(const struct vv_report_source *source, struct vv_span span);
/* Keeps the files that may hold rows of the span. */
varve_status vv_report_prune(struct vv_op *op, struct vv_report_source *source,
    struct vv_span span);

/*
 * Appends "FROM (...) AS t WHERE ..." with the columns named and the rows of the span; they are
 * c0, c1, ... by their index in the schema (vv_report_column), and _file.
 */
varve_status vv_report_from(struct vv_op *op, const struct vv_report_source *source,
    const int32_t *columns, size_t columns_len, struct vv_span span, struct vv_buf *sql);

/* Appends a condition for the span over `alias`c0, c1...; the alias has its dot, or is "". */
void vv_report_add_span(const struct vv_report_source *source, struct vv_span span,
    const char *alias, struct vv_buf *sql);

/* EUSAGE: the table is not a market table of that kind. */
varve_status vv_report_column(struct vv_op *op, const struct vv_report_source *source,
    const char *name, int32_t *out);

/* The order column, where it is a time. EUSAGE: nothing says when rows came to be known. */
varve_status vv_report_order(struct vv_op *op, const struct vv_report_source *source,
    int32_t *out);

/* Columns by their names, parted by commas, each once; ptr NULL: none. Lives in the operation's arena. */
varve_status vv_report_columns(struct vv_op *op, const struct vv_report_source *source,
    struct vv_str names, int32_t **out, size_t *out_len);

/* A column as an instant: one without a zone is UTC, and a date its first instant there. */
void vv_report_add_time(struct vv_buf *sql, int32_t column);

#endif
