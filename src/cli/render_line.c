/*
 * A series over time: a line for the terminal, in dots of a quarter of a character where it has
 * them, or an SVG picture. Several series, by the first column of text, are one line each.
 *
 * Time is the first column of times, the value the column that the rows are known for, else the
 * first of numbers. Rows may come in any order; those without a time or a number are left out.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/line_chart.h"

#define POINTS_MAX 2000000
#define NONE SIZE_MAX
#define GAP_STEPS 10 /* of the usual length; of rows that come by chance few are so far apart */
#define GAP_POINTS 4 /* with fewer nothing is usual */

/* ---- Columns ----------------------------------------------------------------------------------- */

static bool is_time(const struct vv_type *type)
{
    return type->kind == VV_KIND_TIMESTAMP || type->kind == VV_KIND_DATE;
}

static bool is_number(const struct vv_type *type)
{
    return !type->dictionary && type->kind >= VV_KIND_INT && type->kind <= VV_KIND_DECIMAL;
}

static bool is_text(const struct vv_type *type)
{
    return type->kind == VV_KIND_TEXT ||
           (type->dictionary != NULL && type->dictionary->kind == VV_KIND_TEXT);
}

static size_t find_first(const struct vv_type *root, bool (*fits)(const struct vv_type *type))
{
    for (size_t i = 0; i < root->children_len; i++)
        if (fits(&root->children[i]))
            return i;
    return NONE;
}

/* One of the names "a|b" that is there, and is of numbers. */
static size_t find_named(const struct vv_type *root, const char *names)
{
    while (names != NULL && *names != '\0') {
        size_t len = strcspn(names, "|");
        for (size_t i = 0; i < root->children_len; i++) {
            const char *name = root->children[i].name;
            if (strlen(name) == len && strncmp(name, names, len) == 0 &&
                is_number(&root->children[i]))
                return i;
        }
        names += len + (names[len] == '|');
    }
    return NONE;
}

static size_t find_value(const struct vv_type *root, const char *names)
{
    size_t named = find_named(root, names);
    return named != NONE ? named : find_first(root, is_number);
}

bool vv_line_fits(const struct vv_type *root, const char *names)
{
    return find_first(root, is_time) != NONE && find_value(root, names) != NONE;
}

static void begin(struct vv_writer *writer)
{
    struct vv_line_chart *chart = writer->state;
    chart->time_column = find_first(writer->root, is_time);
    chart->value_column = find_value(writer->root, writer->options->plot_value);
    chart->name_column = find_first(writer->root, is_text);
}

/* ---- Rows --------------------------------------------------------------------------------------- */

/* In microseconds; false: further off than a timestamp reaches, or infinite. */
static bool find_time(struct vv_cell cell, int64_t *out)
{
    static const int64_t to_us[] = {1000000, 1000, 1};
    int64_t value = vv_cell_int(cell);
    int64_t factor = 1;
    if (value == INT64_MAX || value <= -INT64_MAX)
        return false;
    if (cell.type->kind == VV_KIND_DATE)
        factor = cell.type->width == 8 ? 1000 : INT64_C(86400000000);
    else if (cell.type->digits == 9)
        value /= 1000;
    else
        factor = to_us[cell.type->digits / 3];
    if (value > INT64_MAX / factor || value < -INT64_MAX / factor)
        return false;
    *out = value * factor;
    return true;
}

/* VV_LINE_SERIES_MAX: there are too many. */
static size_t series_of(struct vv_line_chart *chart, struct vv_cell row)
{
    struct vv_text name VV_CLEANUP(vv_text_done) = {0};
    if (chart->name_column != NONE) {
        struct vv_cell cell = vv_cell_child(row, chart->name_column);
        if (vv_cell_resolve(&cell))
            vv_cell_add_text(cell, &name);
    }
    for (size_t i = 0; i < chart->series_len; i++) {
        struct vv_text *other = &chart->series[i].name;
        if (other->len == name.len &&
            memcmp(vv_text_chars(other), vv_text_chars(&name), name.len) == 0)
            return i;
    }
    if (chart->series_len == VV_LINE_SERIES_MAX)
        return VV_LINE_SERIES_MAX;
    chart->series[chart->series_len].name = name;
    name = (struct vv_text){0};
    return chart->series_len++;
}

static void take_row(struct vv_writer *writer, struct vv_cell row)
{
    struct vv_line_chart *chart = writer->state;
    struct vv_cell time = vv_cell_child(row, chart->time_column);
    struct vv_cell value = vv_cell_child(row, chart->value_column);
    if (!vv_cell_resolve(&time) || !vv_cell_resolve(&value))
        return;
    int64_t at_us = 0;
    double number = vv_plot_number(value);
    if (!find_time(time, &at_us)) {
        chart->left_out++;
        return;
    }
    size_t series = chart->len < POINTS_MAX ? series_of(chart, row) : VV_LINE_SERIES_MAX;
    if (!isfinite(number))
        return;
    if (series == VV_LINE_SERIES_MAX) {
        chart->left_out++;
        return;
    }
    if (chart->len == chart->capacity) {
        chart->capacity = chart->capacity > 0 ? 2 * chart->capacity : 1024;
        chart->points = vv_cli_realloc(chart->points, chart->capacity * sizeof(*chart->points));
    }
    chart->points[chart->len++] = (struct vv_line_point){(uint32_t)series, at_us, number};
}

static int compare(const void *left, const void *right)
{
    const struct vv_line_point *a = left;
    const struct vv_line_point *b = right;
    if (a->series != b->series)
        return a->series < b->series ? -1 : 1;
    return a->at_us < b->at_us ? -1 : a->at_us > b->at_us;
}

static double least_of(double a, double b)
{
    return a < b ? a : b;
}

static double most_of(double a, double b)
{
    return a > b ? a : b;
}

/* Two times may be further apart than an int64_t reaches, not than a uint64_t. */
static uint64_t step_to(const struct vv_line_chart *chart, size_t point)
{
    return (uint64_t)chart->points[point].at_us - (uint64_t)chart->points[point - 1].at_us;
}

static int compare_steps(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    return *a < *b ? -1 : *a > *b;
}

/* By the step that as many are shorter than as are longer. */
static void find_gap(struct vv_line_chart *chart, struct vv_line_series *series)
{
    series->gap_us = UINT64_MAX;
    if (series->len < GAP_POINTS)
        return;
    size_t len = series->len - 1;
    uint64_t *steps = vv_cli_alloc(len, sizeof(*steps));
    for (size_t i = 0; i < len; i++)
        steps[i] = step_to(chart, series->from + i + 1);
    qsort(steps, len, sizeof(*steps), compare_steps);
    uint64_t usual = steps[len / 2];
    free(steps);
    if (usual > 0 && usual < UINT64_MAX / GAP_STEPS)
        series->gap_us = usual * GAP_STEPS;
}

bool vv_line_is_broken(const struct vv_line_chart *chart, const struct vv_line_series *series,
    size_t point)
{
    return point > 0 && step_to(chart, series->from + point) > series->gap_us;
}

void vv_line_sort(struct vv_line_chart *chart)
{
    if (chart->len > 0)
        qsort(chart->points, chart->len, sizeof(*chart->points), compare);
    for (size_t i = 0; i < chart->len; i++) {
        const struct vv_line_point *point = &chart->points[i];
        struct vv_line_series *series = &chart->series[point->series];
        if (series->len++ == 0)
            *series = (struct vv_line_series){.name = series->name,
                .from = i,
                .len = 1,
                .low = point->value,
                .high = point->value};
        series->low = least_of(series->low, point->value);
        series->high = most_of(series->high, point->value);
        chart->first_us =
            i == 0 || point->at_us < chart->first_us ? point->at_us : chart->first_us;
        chart->last_us =
            i == 0 || point->at_us > chart->last_us ? point->at_us : chart->last_us;
        chart->low = i == 0 ? point->value : least_of(chart->low, point->value);
        chart->high = i == 0 ? point->value : most_of(chart->high, point->value);
    }
    for (size_t i = 0; i < chart->series_len; i++)
        find_gap(chart, &chart->series[i]);
}

static void done(struct vv_writer *writer)
{
    struct vv_line_chart *chart = writer->state;
    for (size_t i = 0; i < chart->series_len; i++)
        vv_text_done(&chart->series[i].name);
    free(chart->points);
    free(chart);
}

double vv_line_time_share(const struct vv_line_chart *chart, int64_t at_us)
{
    uint64_t first = (uint64_t)chart->first_us;
    return vv_plot_share((double)((uint64_t)at_us - first), 0.0,
        (double)((uint64_t)chart->last_us - first));
}

const char *vv_line_value_name(const struct vv_writer *writer)
{
    const struct vv_line_chart *chart = writer->state;
    return writer->root->children[chart->value_column].name;
}

void vv_line_add_moment(struct vv_text *text, int64_t us)
{
    size_t start = text->len;
    vv_text_add_time(text, us / 1000000 - (us % 1000000 < 0 ? 1 : 0), 0);
    const char *point = memchr(vv_text_chars(text) + start, '.', text->len - start);
    if (point != NULL)
        text->len = (size_t)(point - vv_text_chars(text));
    vv_text_addc(text, 'Z');
}

void vv_writer_line(struct vv_writer *writer)
{
    writer->state = vv_cli_alloc(1, sizeof(struct vv_line_chart));
    writer->begin = begin;
    writer->row = take_row;
    writer->end =
        writer->options->format == VV_FORMAT_SVG ? vv_line_end_picture : vv_line_end_terminal;
    writer->done = done;
}
