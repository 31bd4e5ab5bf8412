/* Where in a statement a node of its tree stands, for people. */
#include "engine/sql_tree.h"

#include <stdio.h>

#define BEFORE_BYTES_MAX 60 /* of the line, in front of the place */
#define SHOWN_BYTES_MAX 100

/* A line of the statement that holds the place, or the part of it around the place. */
struct window {
    size_t number; /* of the line, from 1 */
    size_t from, to;
    bool is_cut; /* in front */
};

static bool is_inside(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80; /* of a character of several bytes */
}

static struct window find_window(struct vv_str text, size_t at)
{
    struct window window = {.number = 1};
    for (size_t i = 0; i < at; i++) {
        if (text.ptr[i] == '\n') {
            window.number++;
            window.from = i + 1;
        }
    }
    if (at - window.from > BEFORE_BYTES_MAX) {
        window.is_cut = true;
        window.from = at - BEFORE_BYTES_MAX;
        while (window.from < at && is_inside(text.ptr[window.from]))
            window.from++;
    }
    window.to = at + vv_str_find(vv_str_skip(text, at), '\n');
    if (window.to - window.from > SHOWN_BYTES_MAX) {
        window.to = window.from + SHOWN_BYTES_MAX;
        while (window.to > at && is_inside(text.ptr[window.to]))
            window.to--;
    }
    return window;
}

void vv_sql_point(struct vv_op *op, const struct vv_sql_statement *statement,
    const struct vv_json *node)
{
    struct vv_str text = statement->text;
    char shown[SHOWN_BYTES_MAX];
    char front[32];
    int64_t offset = -1;
    size_t len = 0;
    if (op->error.code == VARVE_EINTERRUPTED || /* wherever it was just then */
        op->error.detail[0] != '\0' ||
        !vv_json_int64(vv_json_get(node, "query_location"), &offset) || offset < 0 ||
        (uint64_t)offset >= text.len - statement->select_offset)
        return;
    size_t at = statement->select_offset + (size_t)offset;
    struct window window = find_window(text, at);
    int column = snprintf(front, sizeof(front), "LINE %zu: %s", window.number,
        window.is_cut ? "..." : "");
    for (size_t i = window.from; i < window.to; i++) {
        char byte = text.ptr[i];
        shown[len++] = byte;
        if (byte == '\t' || byte == '\r') /* one column each */
            shown[len - 1] = ' ';
        column += i < at && !is_inside(byte) ? 1 : 0;
    }
    vv_detail(op, "%s%.*s\n%*s^", front, (int)len, shown, column, "");
}
