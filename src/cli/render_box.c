/*
 * A box for a terminal: cells cut to the width, control characters escaped, the first and the
 * last rows of a long answer, and a line that says how many there are.
 */
#include "cli/render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct box_row {
    struct vv_text *cells; /* ptr NULL: NULL */
};

/*
 * Longer texts are cut down to this, and times to the second; numbers never, half of them would
 * lie.
 */
#define TEXT_LEAST 12
#define TEXT_SHORT 16
#define TIME_LEAST 20

struct box {
    size_t *positions;     /* of the columns in the stream */
    struct vv_text *names; /* of the columns, as they are shown */
    struct vv_box_column *columns;
    size_t columns_len;
    struct box_row *head;
    size_t head_len, head_capacity;
    struct box_row *tail; /* a ring of the last rows */
    size_t tail_max, tail_next;
    int64_t rows;
};

struct frame {
    const char *line, *bar, *cut, *gap;
    const char *corners[3][3]; /* top, middle, bottom: left, cross, right */
};

static const struct frame frame_utf8 = {"\u2500", "\u2502", "\u2026", "\u00b7",
    {{"\u250c", "\u252c", "\u2510"}, {"\u251c", "\u253c", "\u2524"},
        {"\u2514", "\u2534", "\u2518"}}};
static const struct frame frame_ascii = {
    "-", "|", "~", ".", {{"+", "+", "+"}, {"+", "+", "+"}, {"+", "+", "+"}}};

static bool is_number(const struct vv_type *type)
{
    return !type->dictionary && type->kind >= VV_KIND_INT && type->kind <= VV_KIND_DECIMAL;
}

static const struct vv_type *type_at(const struct vv_writer *writer, size_t column)
{
    const struct box *box = writer->state;
    return &writer->root->children[box->positions[column]];
}

/* The columns asked for that are there, in the order asked for. */
static void choose_columns(struct vv_writer *writer, struct box *box)
{
    const char *const *names = writer->options->box_columns;
    size_t len = writer->root->children_len;
    for (size_t i = 0; names == NULL && i < len; i++)
        box->positions[box->columns_len++] = i;
    for (; names && *names; names++)
        for (size_t i = 0; i < len; i++)
            if (strcmp(writer->root->children[i].name, *names) == 0 && box->columns_len < len)
                box->positions[box->columns_len++] = i;
}

static void begin(struct vv_writer *writer)
{
    struct box *box = writer->state;
    size_t len = writer->root->children_len;
    box->positions = vv_cli_alloc(len, sizeof(*box->positions));
    box->columns = vv_cli_alloc(len, sizeof(*box->columns));
    choose_columns(writer, box);
    box->names = vv_cli_alloc(box->columns_len + 1, sizeof(*box->names));
    for (size_t i = 0; i < box->columns_len; i++) {
        const char *name = type_at(writer, i)->name;
        vv_text_add_shown(&box->names[i], name, strlen(name));
    }
    box->tail_max = writer->options->rows_max / 2;
    box->tail = vv_cli_alloc(box->tail_max, sizeof(*box->tail));
}

/* Of a long fraction a box shows what a person looks at; CSV and JSON have all of its digits. */
#define DIGITS_SHORT 8   /* so few are shown as they are */
#define DIGITS_BELOW_1 6 /* that count */
#define DIGITS_BEHIND 4  /* the point */

static void round_number(struct vv_cell cell, struct vv_text *text)
{
    char rounded[64];
    double value = 0;
    char *end = NULL;
    bool is_float = cell.type->kind == VV_KIND_FLOAT || cell.type->kind == VV_KIND_DOUBLE;
    if (!is_float || cell.type->dictionary || text->len <= DIGITS_SHORT)
        return;
    value = strtod(vv_text_chars(text), &end);
    if (*end != '\0' || value - value != 0.0) /* NaN, infinities */
        return;
    double size = value < 0 ? -value : value;
    if (size >= 1e15 || size < 1e-4)
        (void)snprintf(rounded, sizeof(rounded), "%.*e", DIGITS_BELOW_1 - 1, value);
    else if (size < 1)
        (void)snprintf(rounded, sizeof(rounded), "%.*g", DIGITS_BELOW_1, value);
    else
        (void)snprintf(rounded, sizeof(rounded), "%.*f", DIGITS_BEHIND, value);
    size_t len = strlen(rounded);
    if (len >= text->len)
        return;
    vv_text_clear(text);
    vv_text_add(text, rounded, len);
}

static void read_row(struct box *box, struct vv_cell row, struct box_row *out)
{
    struct vv_text plain VV_CLEANUP(vv_text_done) = {0};
    if (out->cells == NULL)
        out->cells = vv_cli_alloc(box->columns_len, sizeof(*out->cells));
    for (size_t i = 0; i < box->columns_len; i++) {
        struct vv_cell cell = vv_cell_child(row, box->positions[i]);
        vv_text_done(&out->cells[i]);
        if (!vv_cell_resolve(&cell))
            continue;
        vv_text_clear(&plain);
        vv_cell_add_text(cell, &plain);
        vv_cell_cut_fraction(cell, &plain);
        round_number(cell, &plain);
        vv_text_add_shown(&out->cells[i], vv_text_chars(&plain), plain.len);
        vv_text_addc(&out->cells[i], '\0'); /* an empty text is not NULL */
        out->cells[i].len--;
    }
}

static struct box_row *add_head_row(struct box *box)
{
    if (box->head_len == box->head_capacity) {
        box->head_capacity = box->head_capacity ? box->head_capacity * 2 : 64;
        box->head = vv_cli_realloc(box->head, box->head_capacity * sizeof(*box->head));
    }
    box->head[box->head_len] = (struct box_row){0};
    return &box->head[box->head_len++];
}

static void take_row(struct vv_writer *writer, struct vv_cell row)
{
    struct box *box = writer->state;
    size_t head_max = writer->options->rows_max - box->tail_max;
    box->rows++;
    if (writer->options->rows_max == 0 || box->head_len < head_max) {
        read_row(box, row, add_head_row(box));
    } else if (box->tail_max > 0) {
        read_row(box, row, &box->tail[box->tail_next % box->tail_max]);
        box->tail_next++;
    }
}

static size_t tail_len(const struct box *box)
{
    return box->tail_next < box->tail_max ? box->tail_next : box->tail_max;
}

static const struct box_row *tail_row(const struct box *box, size_t index)
{
    size_t first = box->tail_next - tail_len(box);
    return &box->tail[(first + index) % box->tail_max];
}

static void widen(struct box *box, const struct box_row *row)
{
    for (size_t i = 0; i < box->columns_len; i++) {
        const struct vv_text *cell = &row->cells[i];
        size_t width = cell->ptr ? vv_text_columns(cell->ptr, cell->len) : 4;
        if (width > box->columns[i].wanted)
            box->columns[i].wanted = width;
    }
}

static bool is_text(const struct vv_type *type)
{
    return type->dictionary || !(is_number(type) || type->kind == VV_KIND_TIMESTAMP ||
                                   type->kind == VV_KIND_DATE || type->kind == VV_KIND_TIME);
}

/* Down to how many columns the cells of a column may be cut, `cells` show all of them. */
static size_t least_of(const struct vv_type *type, size_t cells)
{
    if (!type->dictionary && type->kind == VV_KIND_TIMESTAMP)
        return cells < TIME_LEAST ? cells : TIME_LEAST;
    return is_text(type) && cells > TEXT_SHORT ? TEXT_LEAST : cells;
}

/* By the lists of those that go first and last; the others from the right, or from the middle. */
static size_t rank_of(const struct vv_writer *writer, const struct box *box, size_t column)
{
    const char *const *hides = writer->options->box_hides;
    const char *const *keeps = writer->options->box_keeps;
    size_t len = box->columns_len, right = len - 1 - column, kept = 0;
    for (size_t i = 0; hides && hides[i]; i++)
        if (strcmp(hides[i], type_at(writer, column)->name) == 0)
            return 9 * len - (i < len ? i : len);
    for (; keeps && keeps[kept]; kept++)
        if (strcmp(keeps[kept], type_at(writer, column)->name) == 0)
            return kept;
    if (!writer->options->box_keeps_ends)
        return kept + column;
    /* Three from the left for one from the right: what a row is, and what was asked for last. */
    return 2 * column < 6 * right + 1 ? 2 * column : 6 * right + 1;
}

static void measure(struct vv_writer *writer, struct box *box)
{
    for (size_t i = 0; i < box->head_len; i++)
        widen(box, &box->head[i]);
    for (size_t i = 0; i < tail_len(box); i++)
        widen(box, tail_row(box, i));
    for (size_t i = 0; i < box->columns_len; i++) {
        struct vv_box_column *column = &box->columns[i];
        const char *name = vv_text_chars(&box->names[i]);
        size_t name_columns = vv_text_columns(name, strlen(name));
        size_t name_least = vv_box_name_least(name, strlen(name));
        column->least = least_of(type_at(writer, i), column->wanted);
        column->tight = is_text(type_at(writer, i)) ? TEXT_LEAST : 0;
        if (column->least < name_least)
            column->least = name_least <= TEXT_SHORT ? name_least : TEXT_SHORT;
        if (column->wanted < name_columns)
            column->wanted = name_columns;
        column->rank = rank_of(writer, box, i);
    }
    vv_box_fit(box->columns, box->columns_len, writer->options->width);
}

static const struct frame *frame_of(const struct vv_writer *writer)
{
    return writer->options->utf8 ? &frame_utf8 : &frame_ascii;
}

static void add_times(struct vv_text *line, const char *what, size_t times)
{
    for (size_t i = 0; i < times; i++)
        vv_text_adds(line, what);
}

/* One mark stands for all hidden columns. */
static bool starts_gap(const struct box *box, size_t i)
{
    return box->columns[i].width == 0 && (i == 0 || box->columns[i - 1].width > 0);
}

static void write_rule(struct vv_writer *writer, size_t which)
{
    const struct box *box = writer->state;
    const struct frame *frame = frame_of(writer);
    struct vv_text *line = &writer->line;
    vv_text_clear(line);
    for (size_t i = 0; i < box->columns_len; i++) {
        if (box->columns[i].width == 0 && !starts_gap(box, i))
            continue;
        vv_text_adds(line, frame->corners[which][i == 0 ? 0 : 1]);
        add_times(line, frame->line, (box->columns[i].width ? box->columns[i].width : 1) + 2);
    }
    vv_text_adds(line, frame->corners[which][2]);
    vv_text_addc(line, '\n');
    (void)fwrite(line->ptr, 1, line->len, writer->file);
}

static void add_cell(struct vv_writer *writer, const char *bytes, size_t len, size_t width,
    bool right)
{
    struct vv_text *line = &writer->line;
    size_t needed = vv_text_columns(bytes, len);
    if (right && needed < width) {
        vv_text_fill(line, ' ', width - needed);
        vv_text_add(line, bytes, len);
    } else {
        vv_text_add_fitted(line, bytes, len, width, writer->options->utf8);
    }
}

/* One cell with its frame in front; `bytes` NULL: NULL. */
static void add_column(struct vv_writer *writer, size_t i, const char *style, const char *bytes,
    size_t len)
{
    const struct box *box = writer->state;
    vv_text_addf(&writer->line, "%s %s", frame_of(writer)->bar, style);
    add_cell(writer, bytes ? bytes : "NULL", bytes ? len : 4, box->columns[i].width,
        is_number(type_at(writer, i)));
    vv_text_adds(&writer->line, *style ? "\x1b[0m " : " ");
}

static void end_line(struct vv_writer *writer)
{
    vv_text_addf(&writer->line, "%s\n", frame_of(writer)->bar);
    (void)fwrite(writer->line.ptr, 1, writer->line.len, writer->file);
}

static void write_line(struct vv_writer *writer, const struct box_row *row)
{
    const struct box *box = writer->state;
    const struct frame *frame = frame_of(writer);
    vv_text_clear(&writer->line);
    for (size_t i = 0; i < box->columns_len; i++) {
        if (starts_gap(box, i))
            vv_text_addf(&writer->line, "%s %s ", frame->bar, frame->gap);
        if (box->columns[i].width == 0)
            continue;
        bool is_null = row->cells[i].ptr == NULL;
        add_column(writer, i, writer->options->color && is_null ? "\x1b[2m" : "",
            row->cells[i].ptr, row->cells[i].len);
    }
    end_line(writer);
}

/* A line of the names; `done` counts their bytes that were written before. False: none is left. */
static bool write_names(struct vv_writer *writer, size_t *done, bool is_first)
{
    const struct box *box = writer->state;
    const struct frame *frame = frame_of(writer);
    bool is_left = false;
    vv_text_clear(&writer->line);
    for (size_t i = 0; i < box->columns_len; i++) {
        const char *name = vv_text_chars(&box->names[i]) + done[i];
        size_t len = strlen(name), part = vv_box_name_part(name, len, box->columns[i].width);
        if (starts_gap(box, i))
            vv_text_addf(&writer->line, "%s %s ", frame->bar, is_first ? frame->cut : " ");
        if (box->columns[i].width == 0)
            continue;
        add_column(writer, i, writer->options->color ? "\x1b[1m" : "", name, part);
        done[i] += part;
        is_left = is_left || part < len;
    }
    end_line(writer);
    return is_left;
}

static void write_head(struct vv_writer *writer)
{
    const struct box *box = writer->state;
    size_t *done = vv_cli_alloc(box->columns_len + 1, sizeof(*done));
    for (bool is_first = true; write_names(writer, done, is_first); is_first = false) {
    }
    free(done);
}

/* Whether the box has a column of the rows, and room for it. */
static bool is_shown(const struct box *box, size_t column)
{
    for (size_t i = 0; i < box->columns_len; i++)
        if (box->positions[i] == column)
            return box->columns[i].width > 0;
    return false;
}

/* Those that there was no room for, and those that the box is not of. */
static void write_hidden(struct vv_writer *writer)
{
    const struct box *box = writer->state;
    struct vv_text names VV_CLEANUP(vv_text_done) = {0};
    for (size_t i = 0; i < writer->root->children_len; i++) {
        const char *name = writer->root->children[i].name;
        if (is_shown(box, i))
            continue;
        vv_text_adds(&names, names.len > 0 ? ", " : "");
        vv_text_add_shown(&names, name, strlen(name));
    }
    (void)fprintf(writer->file, "\nnot shown: %s", vv_text_chars(&names));
}

/* "120 rows (50 shown), 14 columns (9 shown, .mode csv has all)", and a line that names the others. */
static void write_footer(struct vv_writer *writer)
{
    const struct box *box = writer->state;
    size_t rows_shown = box->head_len + tail_len(box), columns_shown = 0;
    size_t columns = writer->root->children_len;
    for (size_t i = 0; i < columns; i++)
        columns_shown += is_shown(box, i) ? 1 : 0;
    (void)fprintf(writer->file, "%" PRId64 " row%s", box->rows, vv_text_plural(box->rows));
    if ((int64_t)rows_shown < box->rows)
        (void)fprintf(writer->file, " (%zu shown)", rows_shown);
    if (columns_shown < columns) {
        const char *all = writer->options->all_columns;
        (void)fprintf(writer->file, ", %zu columns (%zu shown%s%s%s)", columns, columns_shown,
            all ? ", " : "", all ? all : "", all ? " has all" : "");
        write_hidden(writer);
    }
    (void)fputc('\n', writer->file);
}

static void end(struct vv_writer *writer, int64_t rows)
{
    struct box *box = writer->state;
    (void)rows;
    if (box->columns_len == 0) {
        write_footer(writer);
        return;
    }
    measure(writer, box);
    write_rule(writer, 0);
    write_head(writer);
    write_rule(writer, 1);
    for (size_t i = 0; i < box->head_len; i++)
        write_line(writer, &box->head[i]);
    if ((int64_t)(box->head_len + tail_len(box)) < box->rows)
        write_rule(writer, 1);
    for (size_t i = 0; i < tail_len(box); i++)
        write_line(writer, tail_row(box, i));
    write_rule(writer, 2);
    write_footer(writer);
}

static void rows_done(struct box *box, struct box_row *rows, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        for (size_t j = 0; rows[i].cells && j < box->columns_len; j++)
            vv_text_done(&rows[i].cells[j]);
        free(rows[i].cells);
    }
    free(rows);
}

static void done(struct vv_writer *writer)
{
    struct box *box = writer->state;
    rows_done(box, box->head, box->head_len);
    rows_done(box, box->tail, box->tail ? box->tail_max : 0);
    for (size_t i = 0; box->names && i < box->columns_len; i++)
        vv_text_done(&box->names[i]);
    free(box->names);
    free(box->positions);
    free(box->columns);
    free(box);
}

void vv_writer_box(struct vv_writer *writer)
{
    writer->state = vv_cli_alloc(1, sizeof(struct box));
    writer->begin = begin;
    writer->row = take_row;
    writer->end = end;
    writer->done = done;
}
