/*
 * A line over time on a terminal, in dots of a quarter of a character where it has them; of several
 * series a row each.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/line_chart.h"

#define WIDTH_DEFAULT 80
#define HEIGHT 12 /* of one line, in rows of the terminal */

/* Dots: two in each column, four in each row; without UTF-8 one in each. */
struct grid {
    size_t width, height; /* in characters */
    size_t across, down;  /* dots in a character */
    uint8_t *dots;        /* a bit a dot, by character */
};

static void set_dot(const struct grid *grid, size_t x, size_t y)
{
    static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    size_t at = (y / grid->down) * grid->width + x / grid->across;
    grid->dots[at] |= bits[y % grid->down][x % grid->across];
}

static size_t dot_of(double part, size_t dots)
{
    return (size_t)(part * (double)(dots - 1) + 0.5);
}

/* Dots from one point to the next, which is not left of it. */
static void connect(const struct grid *grid, size_t from_x, size_t from_y, size_t x, size_t y)
{
    size_t across = x - from_x;
    size_t down = y > from_y ? y - from_y : from_y - y;
    size_t steps = across > down ? across : down;
    for (size_t step = 1; step < steps; step++) {
        double part = (double)step / (double)steps;
        double at_y = (double)from_y + part * ((double)y - (double)from_y);
        set_dot(grid, from_x + (size_t)(part * (double)across + 0.5), (size_t)(at_y + 0.5));
    }
}

static void draw_points(const struct vv_line_chart *chart, const struct vv_line_series *series,
    const struct grid *grid)
{
    size_t columns = grid->width * grid->across;
    size_t rows = grid->height * grid->down;
    size_t before_x = 0;
    size_t before_y = 0;
    for (size_t i = 0; i < series->len; i++) {
        const struct vv_line_point *point = &chart->points[series->from + i];
        size_t x = dot_of(vv_line_time_share(chart, point->at_us), columns);
        size_t y =
            rows - 1 - dot_of(vv_plot_share(point->value, chart->low, chart->high), rows);
        if (i > 0 && !vv_line_is_broken(chart, series, i))
            connect(grid, before_x, before_y, x, y);
        set_dot(grid, x, y);
        before_x = x;
        before_y = y;
    }
}

static void add_dots(struct vv_text *line, uint8_t dots, bool utf8)
{
    if (!utf8) {
        vv_text_addc(line, dots != 0 ? '*' : ' ');
        return;
    }
    if (dots == 0) {
        vv_text_addc(line, ' ');
        return;
    }
    const char braille[] = {
        (char)0xe2, (char)(0xa0 | (dots >> 6)), (char)(0x80 | (dots & 0x3f))};
    vv_text_add(line, braille, sizeof(braille));
}

static void flush_line(struct vv_writer *writer)
{
    struct vv_text *line = &writer->line;
    while (line->len > 0 && line->ptr[line->len - 1] == ' ')
        line->len--;
    vv_text_addc(line, '\n');
    (void)fwrite(vv_text_chars(line), 1, line->len, writer->file);
    vv_text_clear(line);
}

static void add_label(struct vv_text *line, struct vv_text *label, size_t width)
{
    vv_text_fill(line, ' ', width > label->len ? width - label->len : 0);
    vv_text_add(line, vv_text_chars(label), label->len);
}

static void draw_axis(struct vv_writer *writer, size_t margin, size_t width)
{
    struct vv_line_chart *chart = writer->state;
    struct vv_text first VV_CLEANUP(vv_text_done) = {0};
    struct vv_text last VV_CLEANUP(vv_text_done) = {0};
    vv_line_add_moment(&first, chart->first_us);
    vv_line_add_moment(&last, chart->last_us);
    vv_text_fill(&writer->line, ' ', margin);
    vv_text_add(&writer->line, vv_text_chars(&first), first.len);
    if (chart->last_us > chart->first_us && width > first.len + last.len) {
        vv_text_fill(&writer->line, ' ', width - first.len - last.len);
        vv_text_add(&writer->line, vv_text_chars(&last), last.len);
    }
    flush_line(writer);
}

static void draw_line(struct vv_writer *writer, size_t width)
{
    struct vv_line_chart *chart = writer->state;
    struct vv_text high VV_CLEANUP(vv_text_done) = {0};
    struct vv_text low VV_CLEANUP(vv_text_done) = {0};
    struct vv_text none = {0};
    bool utf8 = writer->options->utf8;
    vv_text_addf(&high, "%.6g", chart->high);
    vv_text_addf(&low, "%.6g", chart->low);
    size_t margin = high.len > low.len ? high.len : low.len;
    struct grid grid = {.width = width > margin + 11 ? width - margin - 1 : 10,
        .height = HEIGHT,
        .across = utf8 ? 2 : 1,
        .down = utf8 ? 4 : 1};
    grid.dots = vv_cli_alloc(grid.width * grid.height, 1);
    draw_points(chart, &chart->series[0], &grid);
    for (size_t row = 0; row < grid.height; row++) {
        add_label(&writer->line,
            row == 0                 ? &high
            : row + 1 == grid.height ? &low
                                     : &none,
            margin);
        vv_text_addc(&writer->line, ' ');
        for (size_t x = 0; x < grid.width; x++)
            add_dots(&writer->line, grid.dots[row * grid.width + x], utf8);
        flush_line(writer);
    }
    free(grid.dots);
    draw_axis(writer, margin + 1, grid.width);
}

/* ---- Several: a line of blocks each --------------------------------------------------------------- */

static void add_spark(struct vv_writer *writer, const struct vv_line_series *series,
    size_t width)
{
    static const char *const blocks[] = {
        "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char plain[] = "_.-=+*#@";
    const struct vv_line_chart *chart = writer->state;
    size_t next = 0;
    double value = (double)NAN;
    for (size_t x = 0; x < width; x++) {
        while (next < series->len &&
               dot_of(vv_line_time_share(chart, chart->points[series->from + next].at_us),
                   width) <= x)
            value = chart->points[series->from + next++].value;
        if (isnan(value)) {
            vv_text_addc(&writer->line, ' ');
            continue;
        }
        size_t level = dot_of(vv_plot_share(value, series->low, series->high), 8);
        if (writer->options->utf8)
            vv_text_adds(&writer->line, blocks[level]);
        else
            vv_text_addc(&writer->line, plain[level]);
    }
}

static void draw_sparks(struct vv_writer *writer, size_t width)
{
    struct vv_line_chart *chart = writer->state;
    size_t names = 0;
    size_t numbers = 0;
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    struct vv_text label VV_CLEANUP(vv_text_done) = {0};
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < chart->series_len; i++) {
            struct vv_line_series *series = &chart->series[i];
            vv_text_clear(&shown);
            vv_text_clear(&label);
            vv_text_add_shown(&shown, vv_text_chars(&series->name), series->name.len);
            if (series->len > 0)
                vv_text_addf(&label, "%.6g..%.6g", series->low, series->high);
            size_t columns = vv_text_columns(vv_text_chars(&shown), shown.len);
            names = pass == 0 && columns > names ? columns : names;
            numbers = pass == 0 && label.len > numbers ? label.len : numbers;
            if (pass == 0)
                continue;
            size_t most = names < width / 3 ? names : width / 3;
            vv_text_add_fitted(&writer->line, vv_text_chars(&shown), shown.len, most,
                writer->options->utf8);
            vv_text_addc(&writer->line, ' ');
            add_label(&writer->line, &label, numbers);
            vv_text_addc(&writer->line, ' ');
            size_t used = most + numbers + 2;
            add_spark(writer, series, width > used + 10 ? width - used : 10);
            flush_line(writer);
        }
    }
    draw_axis(writer, (names < width / 3 ? names : width / 3) + numbers + 2,
        width > numbers + names + 12 ? width - numbers - names - 2 : 10);
}

void vv_line_end_terminal(struct vv_writer *writer, int64_t rows)
{
    struct vv_line_chart *chart = writer->state;
    size_t width = writer->options->width > 0 ? writer->options->width : WIDTH_DEFAULT;
    vv_line_sort(chart);
    vv_text_add_shown(&writer->line, vv_line_value_name(writer),
        strlen(vv_line_value_name(writer)));
    flush_line(writer);
    if (chart->len == 0)
        (void)fputs(rows == 0 ? "no rows\n" : "no row has a time and a number\n", writer->file);
    else if (chart->series_len == 1)
        draw_line(writer, width);
    else
        draw_sparks(writer, width);
    if (chart->left_out > 0)
        (void)fprintf(writer->file, "%" PRId64 " row%s more %s not drawn\n", chart->left_out,
            vv_text_plural(chart->left_out), chart->left_out == 1 ? "is" : "are");
}
