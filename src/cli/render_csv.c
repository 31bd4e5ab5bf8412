/*
 * CSV after RFC 4180 with "\n": NULL is nothing, an empty text is "". What is written here, the
 * CSV input of an upsert reads back as the same values, but for nested ones: they are JSON here.
 */
#include "cli/render.h"

#include <string.h>

void vv_csv_add_field(struct vv_text *line, const char *bytes, size_t len)
{
    bool plain = len > 0 && bytes[0] != ' ' && bytes[len - 1] != ' ';
    for (size_t i = 0; plain && i < len; i++)
        plain = bytes[i] != ',' && bytes[i] != '"' && bytes[i] != '\n' && bytes[i] != '\r';
    if (plain) {
        vv_text_add(line, bytes, len);
        return;
    }
    vv_text_addc(line, '"');
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '"')
            vv_text_addc(line, '"');
        vv_text_addc(line, bytes[i]);
    }
    vv_text_addc(line, '"');
}

/* Their text may hold what needs quotes; that of numbers and times never does. */
static bool is_free_text(const struct vv_type *type)
{
    return type->kind == VV_KIND_TEXT || type->kind == VV_KIND_BINARY ||
           type->kind == VV_KIND_LIST || type->kind == VV_KIND_STRUCT ||
           type->kind == VV_KIND_MAP;
}

static void add_cell(struct vv_writer *writer, struct vv_cell cell, struct vv_text *value)
{
    if (!vv_cell_resolve(&cell))
        return;
    if (!is_free_text(cell.type)) {
        vv_cell_add_text(cell, &writer->line);
        return;
    }
    vv_text_clear(value);
    vv_cell_add_text(cell, value);
    vv_csv_add_field(&writer->line, vv_text_chars(value), value->len);
}

static void write_line(struct vv_writer *writer)
{
    vv_text_addc(&writer->line, '\n');
    (void)fwrite(writer->line.ptr, 1, writer->line.len, writer->file);
    vv_text_clear(&writer->line);
}

static void begin(struct vv_writer *writer)
{
    for (size_t i = 0; i < writer->root->children_len; i++) {
        const char *name = writer->root->children[i].name;
        if (i > 0)
            vv_text_addc(&writer->line, ',');
        vv_csv_add_field(&writer->line, name, strlen(name));
    }
    write_line(writer);
}

static void write_row(struct vv_writer *writer, struct vv_cell row)
{
    struct vv_text *value = &writer->value;
    for (size_t i = 0; i < writer->root->children_len; i++) {
        if (i > 0)
            vv_text_addc(&writer->line, ',');
        add_cell(writer, vv_cell_child(row, i), value);
    }
    write_line(writer);
}

void vv_writer_csv(struct vv_writer *writer)
{
    writer->begin = begin;
    writer->row = write_row;
}
