/*
 * A table for documents, in the Markdown of GitHub: NULL is an empty cell, numbers stand on the
 * right, and nothing that a value holds ends its cell or becomes markup.
 */
#include <string.h>

#include "cli/render.h"

static bool is_number(const struct vv_type *type)
{
    return !type->dictionary && type->kind >= VV_KIND_INT && type->kind <= VV_KIND_DECIMAL;
}

static void add_escaped(struct vv_text *line, const char *bytes, size_t len)
{
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    vv_text_add_shown(&shown, bytes, len);
    for (size_t i = 0; i < shown.len; i++) {
        if (memchr("\\`*_[]<>|", shown.ptr[i], 10) != NULL)
            vv_text_addc(line, '\\');
        vv_text_addc(line, shown.ptr[i]);
    }
}

static void write_line(struct vv_writer *writer)
{
    vv_text_adds(&writer->line, "|\n");
    (void)fwrite(writer->line.ptr, 1, writer->line.len, writer->file);
    vv_text_clear(&writer->line);
}

static void begin(struct vv_writer *writer)
{
    const struct vv_type *root = writer->root;
    for (size_t i = 0; i < root->children_len; i++) {
        vv_text_adds(&writer->line, "| ");
        add_escaped(&writer->line, root->children[i].name, strlen(root->children[i].name));
        vv_text_addc(&writer->line, ' ');
    }
    write_line(writer);
    for (size_t i = 0; i < root->children_len; i++)
        vv_text_adds(&writer->line, is_number(&root->children[i]) ? "|---:" : "|---");
    write_line(writer);
}

static void write_row(struct vv_writer *writer, struct vv_cell row)
{
    struct vv_text *value = &writer->value;
    for (size_t i = 0; i < writer->root->children_len; i++) {
        struct vv_cell cell = vv_cell_child(row, i);
        vv_text_adds(&writer->line, "| ");
        if (vv_cell_resolve(&cell)) {
            vv_text_clear(value);
            vv_cell_add_text(cell, value);
            add_escaped(&writer->line, vv_text_chars(value), value->len);
        }
        vv_text_addc(&writer->line, ' ');
    }
    write_line(writer);
}

void vv_writer_markdown(struct vv_writer *writer)
{
    writer->begin = begin;
    writer->row = write_row;
}
