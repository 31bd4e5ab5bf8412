/*
 * A bar for each row, for a terminal or as an SVG picture: what stands left of the value's column
 * and is no number names the row.
 *
 * Bars begin at zero, to the left for negative values; all of one chart have one scale. Control
 * characters of names never reach the terminal or the picture.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/render.h"

#define BARS_MAX 10000
#define WIDTH_DEFAULT 80
#define BAR_LEAST 10

struct bar {
    struct vv_text name;
    struct vv_text shown; /* the value; "": there is none */
    double value;
};

struct plot {
    size_t value_column;
    struct bar *bars;
    size_t len, capacity;
    int64_t more; /* rows beyond the most that are drawn */
    double low, high;
    size_t name_columns, shown_columns;
};

/* ---- Rows ------------------------------------------------------------------------------------- */

static bool is_number(const struct vv_type *type)
{
    return !type->dictionary && type->kind >= VV_KIND_INT && type->kind <= VV_KIND_DECIMAL;
}

static void begin(struct vv_writer *writer)
{
    struct plot *plot = writer->state;
    while (plot->value_column + 1 < writer->root->children_len &&
           strcmp(writer->root->children[plot->value_column].name,
               writer->options->plot_value) != 0)
        plot->value_column++;
}

static void add_name(struct vv_cell cell, struct vv_text *name)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    if (name->len > 0)
        vv_text_adds(name, "  ");
    if (!vv_cell_resolve(&cell)) {
        vv_text_addc(name, '-');
        return;
    }
    vv_cell_add_text(cell, &text);
    vv_cell_cut_fraction(cell, &text);
    vv_text_add_shown(name, vv_text_chars(&text), text.len);
}

double vv_plot_number(struct vv_cell cell)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    if (cell.type->kind == VV_KIND_INT)
        return (double)vv_cell_int(cell);
    if (cell.type->kind == VV_KIND_UINT)
        return (double)vv_cell_uint(cell);
    if (cell.type->kind != VV_KIND_DECIMAL)
        return vv_cell_double(cell);
    vv_cell_add_text(cell, &text);
    return strtod(vv_text_chars(&text), NULL);
}

double vv_plot_share(double value, double low, double high)
{
    if (high <= low)
        return 0.5;
    if (isfinite(high - low))
        return (value - low) / (high - low);
    return (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
}

static void take_value(struct plot *plot, struct vv_cell cell, struct bar *bar)
{
    if (!vv_cell_resolve(&cell))
        return;
    bar->value = vv_plot_number(cell);
    if (cell.type->kind == VV_KIND_DOUBLE && isfinite(bar->value))
        vv_text_addf(&bar->shown, "%.6g", bar->value);
    else
        vv_cell_add_text(cell, &bar->shown);
    if (!isfinite(bar->value))
        bar->value = 0.0;
    plot->low = bar->value < plot->low ? bar->value : plot->low;
    plot->high = bar->value > plot->high ? bar->value : plot->high;
}

static void take_row(struct vv_writer *writer, struct vv_cell row)
{
    struct plot *plot = writer->state;
    if (plot->len == BARS_MAX) {
        plot->more++;
        return;
    }
    if (plot->len == plot->capacity) {
        plot->capacity = plot->capacity > 0 ? 2 * plot->capacity : 64;
        plot->bars = vv_cli_realloc(plot->bars, plot->capacity * sizeof(*plot->bars));
    }
    struct bar *bar = &plot->bars[plot->len++];
    *bar = (struct bar){.value = 0.0};
    for (size_t i = 0; i < plot->value_column; i++)
        if (!is_number(&writer->root->children[i]))
            add_name(vv_cell_child(row, i), &bar->name);
    take_value(plot, vv_cell_child(row, plot->value_column), bar);
    size_t name = vv_text_columns(vv_text_chars(&bar->name), bar->name.len);
    if (name > plot->name_columns)
        plot->name_columns = name;
    if (bar->shown.len > plot->shown_columns)
        plot->shown_columns = bar->shown.len;
}

static void done(struct vv_writer *writer)
{
    struct plot *plot = writer->state;
    for (size_t i = 0; i < plot->len; i++) {
        vv_text_done(&plot->bars[i].name);
        vv_text_done(&plot->bars[i].shown);
    }
    free(plot->bars);
    free(plot);
}

/* Where zero is, from 0 to 1: on the left of a chart without negative values. */
static double zero_of(const struct plot *plot)
{
    return plot->low < 0.0 ? vv_plot_share(0.0, plot->low, plot->high) : 0.0;
}

static const char *value_name(const struct vv_writer *writer)
{
    const struct plot *plot = writer->state;
    return writer->root->children[plot->value_column].name;
}

/* ---- Terminal --------------------------------------------------------------------------------- */

struct canvas {
    size_t name, shown, left, right; /* columns: left of zero, and right of it */
    bool utf8, color;
};

static size_t nearest(double columns)
{
    return columns > 0.0 ? (size_t)(columns + 0.5) : 0;
}

static struct canvas lay_out(const struct vv_writer *writer, const struct plot *plot)
{
    const struct vv_render_options *options = writer->options;
    size_t width = options->width > 0 ? options->width : WIDTH_DEFAULT;
    struct canvas canvas = {.name = plot->name_columns,
        .shown = plot->shown_columns,
        .utf8 = options->utf8,
        .color = options->color};
    size_t taken = canvas.shown + 3;
    size_t room = width > taken + BAR_LEAST ? width - taken - BAR_LEAST : 1;
    if (canvas.name > room)
        canvas.name = room;
    size_t bars = width > canvas.name + taken ? width - canvas.name - taken : 1;
    canvas.left = nearest((double)bars * zero_of(plot));
    if (plot->low < 0.0 && canvas.left == 0)
        canvas.left = 1;
    canvas.right = bars > canvas.left ? bars - canvas.left : 1;
    return canvas;
}

/* In eighths of a column where the terminal can; the last one of a value that is not 0 is seen. */
static void add_right(struct vv_text *line, const struct canvas *canvas, double share)
{
    static const char *const parts[] = {
        "", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589"};
    size_t eighths = nearest(share * (double)canvas->right * 8.0);
    if (eighths == 0 && share > 0.0)
        eighths = 1;
    if (!canvas->utf8) {
        vv_text_fill(line, '#', (eighths + 7) / 8);
        return;
    }
    for (size_t i = 0; i < eighths / 8; i++)
        vv_text_adds(line, "\u2588");
    vv_text_adds(line, parts[eighths % 8]);
}

static void add_left(struct vv_text *line, const struct canvas *canvas, double share)
{
    size_t cells = nearest(share * (double)canvas->left);
    if (cells == 0 && share > 0.0)
        cells = 1;
    vv_text_fill(line, ' ', canvas->left - cells);
    for (size_t i = 0; i < cells; i++)
        vv_text_adds(line, canvas->utf8 ? "\u2588" : "#");
}

static void draw_bar(struct vv_writer *writer, const struct canvas *canvas, struct bar *bar)
{
    const struct plot *plot = writer->state;
    struct vv_text *line = &writer->line;
    vv_text_add_fitted(line, vv_text_chars(&bar->name), bar->name.len, canvas->name,
        canvas->utf8);
    vv_text_addc(line, ' ');
    vv_text_fill(line, ' ', canvas->shown - bar->shown.len);
    vv_text_adds(line, vv_text_chars(&bar->shown));
    vv_text_addc(line, ' ');
    if (canvas->color)
        vv_text_adds(line, bar->value < 0.0 ? "\x1b[31m" : "\x1b[32m");
    if (bar->value < 0.0)
        add_left(line, canvas, bar->value / plot->low);
    else
        vv_text_fill(line, ' ', canvas->left);
    if (canvas->left > 0)
        vv_text_adds(line, canvas->utf8 ? "\u2502" : "|");
    if (bar->value > 0.0)
        add_right(line, canvas, bar->value / plot->high);
    if (canvas->color)
        vv_text_adds(line, "\x1b[0m");
    while (line->len > 0 && line->ptr[line->len - 1] == ' ')
        line->len--;
    vv_text_addc(line, '\n');
    (void)fwrite(vv_text_chars(line), 1, line->len, writer->file);
    vv_text_clear(line);
}

static void end_terminal(struct vv_writer *writer, int64_t rows)
{
    struct plot *plot = writer->state;
    struct canvas canvas = lay_out(writer, plot);
    vv_text_add_shown(&writer->line, value_name(writer), strlen(value_name(writer)));
    vv_text_addc(&writer->line, '\n');
    (void)fwrite(vv_text_chars(&writer->line), 1, writer->line.len, writer->file);
    vv_text_clear(&writer->line);
    for (size_t i = 0; i < plot->len; i++)
        draw_bar(writer, &canvas, &plot->bars[i]);
    if (rows == 0)
        (void)fputs("no rows\n", writer->file);
    if (plot->more > 0)
        (void)fprintf(writer->file, "%" PRId64 " more rows\n", plot->more);
}

/* ---- SVG -------------------------------------------------------------------------------------- */

#define PICTURE_WIDTH 800
#define LINE_HEIGHT 22
#define CHARACTER_WIDTH 7.3

void vv_markup_add(struct vv_text *line, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        switch (bytes[i]) {
        case '&':
            vv_text_adds(line, "&amp;");
            break;
        case '<':
            vv_text_adds(line, "&lt;");
            break;
        case '>':
            vv_text_adds(line, "&gt;");
            break;
        default:
            vv_text_addc(line, bytes[i]);
        }
}

static void add_words(struct vv_text *line, double x, double y, const char *anchor,
    struct vv_text *words)
{
    vv_text_addf(line, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    vv_markup_add(line, vv_text_chars(words), words->len);
    vv_text_adds(line, "</text>\n");
}

/* `zero`: where bars begin; `scale`: how wide it is from the least to the most. */
static void picture_bar(struct vv_writer *writer, size_t index, double zero, double scale)
{
    struct plot *plot = writer->state;
    struct bar *bar = &plot->bars[index];
    struct vv_text *line = &writer->line;
    double top = 34.0 + LINE_HEIGHT * (double)index;
    double part = plot->high > plot->low
                      ? vv_plot_share(bar->value, plot->low, plot->high) - zero_of(plot)
                      : 0.0;
    double width = fabs(part) * scale;
    double left = bar->value < 0.0 ? zero - width : zero;
    double names = CHARACTER_WIDTH * (double)plot->name_columns;
    vv_text_adds(line, "<g>\n");
    add_words(line, 10.0, top + 15.0, "start", &bar->name);
    add_words(line, 20.0 + names + CHARACTER_WIDTH * (double)plot->shown_columns, top + 15.0,
        "end", &bar->shown);
    if (bar->shown.len > 0)
        vv_text_addf(line,
            "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", left,
            top + 3.0, width, LINE_HEIGHT - 6, bar->value < 0.0 ? "#b2182b" : "#2166ac");
    vv_text_adds(line, "</g>\n");
}

static void end_picture(struct vv_writer *writer, int64_t rows)
{
    struct plot *plot = writer->state;
    struct vv_text *line = &writer->line;
    double columns = (double)(plot->name_columns + plot->shown_columns);
    double begin_x = 30.0 + CHARACTER_WIDTH * columns;
    double width = begin_x + 210.0 > PICTURE_WIDTH ? begin_x + 210.0 : PICTURE_WIDTH;
    double scale = width - begin_x - 10.0;
    double zero = begin_x + scale * zero_of(plot);
    double height = 44.0 + LINE_HEIGHT * (double)plot->len;
    struct vv_text title VV_CLEANUP(vv_text_done) = {0};
    (void)rows;
    vv_text_add_shown(&title, value_name(writer), strlen(value_name(writer)));
    vv_text_addf(line,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"%.0f\" "
        "height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" font-family=\"monospace\" "
        "font-size=\"12\">\n<title>",
        width, height, width, height);
    vv_markup_add(line, vv_text_chars(&title), title.len);
    vv_text_adds(line, "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
                       "<g font-weight=\"bold\">\n");
    add_words(line, 10.0, 20.0, "start", &title);
    vv_text_adds(line, "</g>\n");
    for (size_t i = 0; i < plot->len; i++)
        picture_bar(writer, i, zero, scale);
    vv_text_addf(line,
        "<line x1=\"%.1f\" y1=\"30\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#444\"/>\n</svg>\n", zero,
        zero, height - 8.0);
    (void)fwrite(vv_text_chars(line), 1, line->len, writer->file);
    vv_text_clear(line);
}

void vv_writer_plot(struct vv_writer *writer)
{
    writer->state = vv_cli_alloc(1, sizeof(struct plot));
    writer->begin = begin;
    writer->row = take_row;
    writer->end = writer->options->format == VV_FORMAT_SVG ? end_picture : end_terminal;
    writer->done = done;
}
