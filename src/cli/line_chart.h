/*
 * A series over time, as the rows of a writer: what the line in a terminal and the picture of it
 * are both drawn from.
 */
#ifndef VV_CLI_LINE_CHART_H
#define VV_CLI_LINE_CHART_H

#include "cli/render.h"

#define VV_LINE_SERIES_MAX 50

struct vv_line_point {
    uint32_t series;
    int64_t at_us;
    double value;
};

struct vv_line_series {
    struct vv_text name;
    size_t from, len; /* its points, once they are sorted */
    double low, high;
    uint64_t gap_us; /* a longer step from one point to the next is a gap: no line is drawn */
};

struct vv_line_chart {
    size_t time_column, value_column, name_column;
    struct vv_line_point *points;
    size_t len, capacity;
    struct vv_line_series series[VV_LINE_SERIES_MAX];
    size_t series_len;
    /* Rows of further series, beyond the most that are drawn, or of a time beyond timestamps. */
    int64_t left_out;
    int64_t first_us, last_us;
    double low, high;
};

/* By series and time, and what they lie between: once all rows are there. */
void vv_line_sort(struct vv_line_chart *chart);
/* Whether the line is broken before a point of a series: nights, holidays, what is missing. */
bool vv_line_is_broken(const struct vv_line_chart *chart, const struct vv_line_series *series,
    size_t point);
/* Where a time lies between the first and the last, from 0 to 1. */
double vv_line_time_share(const struct vv_line_chart *chart, int64_t at_us);
const char *vv_line_value_name(const struct vv_writer *writer);
/* A time to the second. */
void vv_line_add_moment(struct vv_text *text, int64_t us);

/* The two ways of a writer to end: vv_writer.end. */
void vv_line_end_terminal(struct vv_writer *writer, int64_t rows);
void vv_line_end_picture(struct vv_writer *writer, int64_t rows);

#endif
