/* Lines over time as an SVG picture. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "cli/line_chart.h"

#define PICTURE_WIDTH 800
#define PICTURE_HEIGHT 400
#define LEFT 80.0
#define TOP 40.0
#define PLOT_WIDTH 700.0
#define PLOT_HEIGHT 320.0
#define LEGEND_HEIGHT 18

static double x_of(const struct vv_line_chart *chart, int64_t at_us)
{
    return LEFT + PLOT_WIDTH * vv_line_time_share(chart, at_us);
}

static double y_of(const struct vv_line_chart *chart, double value)
{
    return TOP + PLOT_HEIGHT * (1.0 - vv_plot_share(value, chart->low, chart->high));
}

static void add_words(struct vv_text *line, double x, double y, const char *anchor,
    struct vv_text *words)
{
    vv_text_addf(line, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    vv_markup_add(line, vv_text_chars(words), words->len);
    vv_text_adds(line, "</text>\n");
}

/* A piece of one point is a dot. */
static void add_point(struct vv_text *line, double x, double y, size_t times)
{
    for (size_t i = 0; i < times; i++)
        vv_text_addf(line, "%.1f,%.1f ", x, y);
}

/* One unbroken piece of a line. Points that fall on one another are drawn once. */
static void picture_piece(struct vv_writer *writer, const struct vv_line_series *series,
    size_t from, size_t to, const char *color)
{
    const struct vv_line_chart *chart = writer->state;
    double before_x = -1.0;
    double before_y = -1.0;
    vv_text_addf(&writer->line,
        "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" "
        "stroke-linecap=\"round\" points=\"",
        color);
    for (size_t i = from; i < to; i++) {
        const struct vv_line_point *point = &chart->points[series->from + i];
        double x = x_of(chart, point->at_us);
        double y = y_of(chart, point->value);
        if (i > from && i + 1 < to && fabs(x - before_x) < 0.1 && fabs(y - before_y) < 0.5)
            continue;
        add_point(&writer->line, x, y, to - from == 1 ? 2 : 1);
        before_x = x;
        before_y = y;
    }
    vv_text_adds(&writer->line, "\"/>\n");
}

static void picture_series(struct vv_writer *writer, size_t index)
{
    static const char *const colors[] = {
        "#2166ac", "#b2182b", "#1b7837", "#762a83", "#b35806", "#01665e", "#c51b7d", "#4d4d4d"};
    struct vv_line_chart *chart = writer->state;
    struct vv_line_series *series = &chart->series[index];
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    const char *color = colors[index % VV_COUNT(colors)];
    size_t from = 0;
    for (size_t i = 1; i <= series->len; i++)
        if (i == series->len || vv_line_is_broken(chart, series, i)) {
            picture_piece(writer, series, from, i, color);
            from = i;
        }
    vv_text_add_shown(&shown, vv_text_chars(&series->name), series->name.len);
    if (chart->series_len == 1)
        return;
    vv_text_addf(&writer->line, "<g fill=\"%s\">\n", color);
    add_words(&writer->line, LEFT, PICTURE_HEIGHT + LEGEND_HEIGHT * (double)(index + 1) - 4.0,
        "start", &shown);
    vv_text_adds(&writer->line, "</g>\n");
}

static void picture_axes(struct vv_writer *writer)
{
    struct vv_line_chart *chart = writer->state;
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    double bottom = TOP + PLOT_HEIGHT;
    vv_text_addf(&text, "%.6g", chart->high);
    add_words(&writer->line, LEFT - 8.0, TOP + 4.0, "end", &text);
    vv_text_clear(&text);
    vv_text_addf(&text, "%.6g", chart->low);
    add_words(&writer->line, LEFT - 8.0, bottom + 4.0, "end", &text);
    vv_text_clear(&text);
    vv_line_add_moment(&text, chart->first_us);
    add_words(&writer->line, LEFT, bottom + 20.0, "start", &text);
    vv_text_clear(&text);
    vv_line_add_moment(&text, chart->last_us);
    add_words(&writer->line, LEFT + PLOT_WIDTH, bottom + 20.0, "end", &text);
    vv_text_addf(&writer->line,
        "<path d=\"M%.1f %.1f V%.1f H%.1f\" fill=\"none\" stroke=\"#444\"/>\n", LEFT, TOP,
        bottom, LEFT + PLOT_WIDTH);
    if (chart->low < 0.0 && chart->high > 0.0)
        vv_text_addf(&writer->line,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#bbb\"/>\n", LEFT,
            LEFT + PLOT_WIDTH, y_of(chart, 0.0), y_of(chart, 0.0));
}

void vv_line_end_picture(struct vv_writer *writer, int64_t rows)
{
    struct vv_line_chart *chart = writer->state;
    struct vv_text title VV_CLEANUP(vv_text_done) = {0};
    (void)rows;
    vv_line_sort(chart);
    size_t legend = chart->series_len > 1 ? chart->series_len * LEGEND_HEIGHT : 0;
    vv_text_add_shown(&title, vv_line_value_name(writer), strlen(vv_line_value_name(writer)));
    vv_text_addf(&writer->line,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%d\" height=\"%zu\" "
        "viewBox=\"0 0 %d %zu\" font-family=\"monospace\" font-size=\"12\">\n<title>",
        PICTURE_WIDTH, PICTURE_HEIGHT + legend, PICTURE_WIDTH, PICTURE_HEIGHT + legend);
    vv_markup_add(&writer->line, vv_text_chars(&title), title.len);
    vv_text_adds(&writer->line,
        "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<g "
        "font-weight=\"bold\">\n");
    add_words(&writer->line, 10.0, 20.0, "start", &title);
    vv_text_adds(&writer->line, "</g>\n");
    if (chart->len > 0)
        picture_axes(writer);
    for (size_t i = 0; i < chart->series_len && chart->len > 0; i++)
        picture_series(writer, i);
    vv_text_adds(&writer->line, "</svg>\n");
    (void)fwrite(vv_text_chars(&writer->line), 1, writer->line.len, writer->file);
    vv_text_clear(&writer->line);
}
