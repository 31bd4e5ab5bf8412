/*
 * A series over time: a line for the terminal, in dots of a quarter of a character where it has
 * them, or an SVG picture. Several series, by the first column of text, are one line each.
 *
 * Time is the first column of times, the value the column that the rows are known for, else the
 * first of numbers. Rows may come in any order; those without a time or a number are left out.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render.h"

#define POINTS_MAX 2000000
#define SERIES_MAX 50
#define WIDTH_DEFAULT 80
#define HEIGHT 12 /* of one line, in rows of the terminal */
#define NONE SIZE_MAX

struct point {
    uint32_t series;
    int64_t at_us;
    double value;
};

struct series {
    struct vv_text name;
    size_t from, len; /* its points, once they are sorted */
    double low, high;
};

struct chart {
    size_t time_column, value_column, name_column;
    struct point *points;
    size_t len, capacity;
    struct series series[SERIES_MAX];
    size_t series_len;
    /* Rows of further series, beyond the most that are drawn, or of a time beyond timestamps. */
    int64_t left_out;
    int64_t first_us, last_us;
    double low, high;
};

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
    struct chart *chart = writer->state;
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

/* SERIES_MAX: there are too many. */
static size_t series_of(struct chart *chart, struct vv_cell row)
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
    if (chart->series_len == SERIES_MAX)
        return SERIES_MAX;
    chart->series[chart->series_len].name = name;
    name = (struct vv_text){0};
    return chart->series_len++;
}

static void take_row(struct vv_writer *writer, struct vv_cell row)
{
    struct chart *chart = writer->state;
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
    size_t series = chart->len < POINTS_MAX ? series_of(chart, row) : SERIES_MAX;
    if (!isfinite(number))
        return;
    if (series == SERIES_MAX) {
        chart->left_out++;
        return;
    }
    if (chart->len == chart->capacity) {
        chart->capacity = chart->capacity > 0 ? 2 * chart->capacity : 1024;
        chart->points = vv_cli_realloc(chart->points, chart->capacity * sizeof(*chart->points));
    }
    chart->points[chart->len++] = (struct point){(uint32_t)series, at_us, number};
}

static int compare(const void *left, const void *right)
{
    const struct point *a = left;
    const struct point *b = right;
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

static void sort_points(struct chart *chart)
{
    if (chart->len > 0)
        qsort(chart->points, chart->len, sizeof(*chart->points), compare);
    for (size_t i = 0; i < chart->len; i++) {
        const struct point *point = &chart->points[i];
        struct series *series = &chart->series[point->series];
        if (series->len++ == 0)
            *series = (struct series){series->name, i, 1, point->value, point->value};
        series->low = least_of(series->low, point->value);
        series->high = most_of(series->high, point->value);
        chart->first_us =
            i == 0 || point->at_us < chart->first_us ? point->at_us : chart->first_us;
        chart->last_us =
            i == 0 || point->at_us > chart->last_us ? point->at_us : chart->last_us;
        chart->low = i == 0 ? point->value : least_of(chart->low, point->value);
        chart->high = i == 0 ? point->value : most_of(chart->high, point->value);
    }
}

static void done(struct vv_writer *writer)
{
    struct chart *chart = writer->state;
    for (size_t i = 0; i < chart->series_len; i++)
        vv_text_done(&chart->series[i].name);
    free(chart->points);
    free(chart);
}

/* Two times may be further apart than an int64_t reaches, not than a uint64_t. */
static double time_share(const struct chart *chart, int64_t at_us)
{
    uint64_t first = (uint64_t)chart->first_us;
    return vv_plot_share((double)((uint64_t)at_us - first), 0.0,
        (double)((uint64_t)chart->last_us - first));
}

static const char *value_name(const struct vv_writer *writer)
{
    const struct chart *chart = writer->state;
    return writer->root->children[chart->value_column].name;
}

/* To the second. */
static void add_moment(struct vv_text *text, int64_t us)
{
    size_t start = text->len;
    vv_text_add_time(text, us / 1000000 - (us % 1000000 < 0 ? 1 : 0), 0);
    const char *point = memchr(vv_text_chars(text) + start, '.', text->len - start);
    if (point != NULL)
        text->len = (size_t)(point - vv_text_chars(text));
    vv_text_addc(text, 'Z');
}

/* ---- One line on a terminal --------------------------------------------------------------------- */

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

static void draw_points(const struct chart *chart, const struct series *series,
    const struct grid *grid)
{
    size_t columns = grid->width * grid->across;
    size_t rows = grid->height * grid->down;
    size_t before_x = 0;
    size_t before_y = 0;
    for (size_t i = 0; i < series->len; i++) {
        const struct point *point = &chart->points[series->from + i];
        size_t x = dot_of(time_share(chart, point->at_us), columns);
        size_t y =
            rows - 1 - dot_of(vv_plot_share(point->value, chart->low, chart->high), rows);
        if (i > 0)
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
    struct chart *chart = writer->state;
    struct vv_text first VV_CLEANUP(vv_text_done) = {0};
    struct vv_text last VV_CLEANUP(vv_text_done) = {0};
    add_moment(&first, chart->first_us);
    add_moment(&last, chart->last_us);
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
    struct chart *chart = writer->state;
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

static void add_spark(struct vv_writer *writer, const struct series *series, size_t width)
{
    static const char *const blocks[] = {
        "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char plain[] = "_.-=+*#@";
    const struct chart *chart = writer->state;
    size_t next = 0;
    double value = (double)NAN;
    for (size_t x = 0; x < width; x++) {
        while (next < series->len &&
               dot_of(time_share(chart, chart->points[series->from + next].at_us), width) <= x)
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
    struct chart *chart = writer->state;
    size_t names = 0;
    size_t numbers = 0;
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    struct vv_text label VV_CLEANUP(vv_text_done) = {0};
    for (size_t pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < chart->series_len; i++) {
            struct series *series = &chart->series[i];
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
            size_t head = vv_text_head(vv_text_chars(&shown), shown.len, most);
            size_t taken = vv_text_columns(vv_text_chars(&shown), head);
            vv_text_add(&writer->line, vv_text_chars(&shown), head);
            vv_text_fill(&writer->line, ' ', most - taken + 1);
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

static void end_terminal(struct vv_writer *writer, int64_t rows)
{
    struct chart *chart = writer->state;
    size_t width = writer->options->width > 0 ? writer->options->width : WIDTH_DEFAULT;
    sort_points(chart);
    vv_text_add_shown(&writer->line, value_name(writer), strlen(value_name(writer)));
    flush_line(writer);
    if (chart->len == 0)
        (void)fputs(rows == 0 ? "no rows\n" : "no row has a time and a number\n", writer->file);
    else if (chart->series_len == 1)
        draw_line(writer, width);
    else
        draw_sparks(writer, width);
    if (chart->left_out > 0)
        (void)fprintf(writer->file, "%" PRId64 " rows more are not drawn\n", chart->left_out);
}

/* ---- SVG ----------------------------------------------------------------------------------------- */

#define PICTURE_WIDTH 800
#define PICTURE_HEIGHT 400
#define LEFT 80.0
#define TOP 40.0
#define PLOT_WIDTH 700.0
#define PLOT_HEIGHT 320.0
#define LEGEND_HEIGHT 18

static double x_of(const struct chart *chart, int64_t at_us)
{
    return LEFT + PLOT_WIDTH * time_share(chart, at_us);
}

static double y_of(const struct chart *chart, double value)
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

/* Points that fall on one another are drawn once. */
static void picture_series(struct vv_writer *writer, size_t index)
{
    static const char *const colors[] = {
        "#2166ac", "#b2182b", "#1b7837", "#762a83", "#b35806", "#01665e", "#c51b7d", "#4d4d4d"};
    struct chart *chart = writer->state;
    struct series *series = &chart->series[index];
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    const char *color = colors[index % VV_COUNT(colors)];
    double before_x = -1.0;
    double before_y = -1.0;
    vv_text_addf(&writer->line,
        "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" points=\"", color);
    for (size_t i = 0; i < series->len; i++) {
        const struct point *point = &chart->points[series->from + i];
        double x = x_of(chart, point->at_us);
        double y = y_of(chart, point->value);
        if (i > 0 && i + 1 < series->len && fabs(x - before_x) < 0.1 &&
            fabs(y - before_y) < 0.5)
            continue;
        vv_text_addf(&writer->line, "%.1f,%.1f ", x, y);
        before_x = x;
        before_y = y;
    }
    vv_text_adds(&writer->line, "\"/>\n");
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
    struct chart *chart = writer->state;
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    double bottom = TOP + PLOT_HEIGHT;
    vv_text_addf(&text, "%.6g", chart->high);
    add_words(&writer->line, LEFT - 8.0, TOP + 4.0, "end", &text);
    vv_text_clear(&text);
    vv_text_addf(&text, "%.6g", chart->low);
    add_words(&writer->line, LEFT - 8.0, bottom + 4.0, "end", &text);
    vv_text_clear(&text);
    add_moment(&text, chart->first_us);
    add_words(&writer->line, LEFT, bottom + 20.0, "start", &text);
    vv_text_clear(&text);
    add_moment(&text, chart->last_us);
    add_words(&writer->line, LEFT + PLOT_WIDTH, bottom + 20.0, "end", &text);
    vv_text_addf(&writer->line,
        "<path d=\"M%.1f %.1f V%.1f H%.1f\" fill=\"none\" stroke=\"#444\"/>\n", LEFT, TOP,
        bottom, LEFT + PLOT_WIDTH);
    if (chart->low < 0.0 && chart->high > 0.0)
        vv_text_addf(&writer->line,
            "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#bbb\"/>\n", LEFT,
            LEFT + PLOT_WIDTH, y_of(chart, 0.0), y_of(chart, 0.0));
}

static void end_picture(struct vv_writer *writer, int64_t rows)
{
    struct chart *chart = writer->state;
    struct vv_text title VV_CLEANUP(vv_text_done) = {0};
    (void)rows;
    sort_points(chart);
    size_t legend = chart->series_len > 1 ? chart->series_len * LEGEND_HEIGHT : 0;
    vv_text_add_shown(&title, value_name(writer), strlen(value_name(writer)));
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

void vv_writer_line(struct vv_writer *writer)
{
    writer->state = vv_cli_alloc(1, sizeof(struct chart));
    writer->begin = begin;
    writer->row = take_row;
    writer->end = writer->options->format == VV_FORMAT_SVG ? end_picture : end_terminal;
    writer->done = done;
}
