/* One JSON object a row: alone on its line (NDJSON), or as the elements of an array. */
#include "cli/render.h"

#include <stdlib.h>
#include <string.h>

#include "cli/json_view.h"

struct json_state {
    bool *is_json; /* a bit per column: its texts are JSON */
    int64_t rows;
};

static bool is_listed(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

static void begin(struct vv_writer *writer)
{
    struct json_state *state = writer->state;
    state->is_json = vv_cli_alloc(writer->root->children_len, sizeof(bool));
    for (size_t i = 0; i < writer->root->children_len; i++)
        state->is_json[i] =
            is_listed(writer->options->json_columns, writer->root->children[i].name);
    if (writer->options->format == VV_FORMAT_JSON)
        (void)fputc('[', writer->file);
}

/* The text as it is where it is a JSON value; anything else as a string. */
static void add_embedded(struct vv_cell cell, struct vv_json_style style, struct vv_text *line)
{
    struct vv_cell value = cell;
    struct vv_node node = {0};
    if (vv_cell_resolve(&value) && value.type->kind == VV_KIND_TEXT) {
        size_t len = 0;
        const char *bytes = vv_cell_bytes(value, &len);
        if (vv_node_read(bytes, len, &node)) {
            vv_node_done(&node);
            vv_text_add(line, bytes, len);
            return;
        }
    }
    vv_cell_add_json(cell, style, line);
}

static void write_row(struct vv_writer *writer, struct vv_cell row)
{
    struct json_state *state = writer->state;
    struct vv_text *line = &writer->line;
    bool is_array = writer->options->format == VV_FORMAT_JSON;
    vv_text_clear(line);
    if (is_array)
        vv_text_adds(line, state->rows > 0 ? ",\n" : "\n");
    vv_text_addc(line, '{');
    for (size_t i = 0; i < writer->root->children_len; i++) {
        const char *name = writer->root->children[i].name;
        struct vv_cell cell = vv_cell_child(row, i);
        if (i > 0)
            vv_text_addc(line, ',');
        vv_text_add_json(line, name, strlen(name));
        vv_text_addc(line, ':');
        if (state->is_json[i])
            add_embedded(cell, writer->options->json, line);
        else
            vv_cell_add_json(cell, writer->options->json, line);
    }
    vv_text_adds(line, is_array ? "}" : "}\n");
    (void)fwrite(line->ptr, 1, line->len, writer->file);
    state->rows++;
}

static void end(struct vv_writer *writer, int64_t rows)
{
    if (writer->options->format == VV_FORMAT_JSON)
        (void)fputs(rows > 0 ? "\n]\n" : "]\n", writer->file);
}

static void done(struct vv_writer *writer)
{
    struct json_state *state = writer->state;
    free(state->is_json);
    free(state);
}

void vv_writer_json(struct vv_writer *writer)
{
    writer->state = vv_cli_alloc(1, sizeof(struct json_state));
    writer->begin = begin;
    writer->row = write_row;
    writer->end = end;
    writer->done = done;
}
