/* Pure: how much room each column of a box gets. */
#include "cli/render.h"

#define WIDTH_GAP 1 /* the mark that stands for hidden columns */

static size_t given(const struct vv_box_column *column, size_t cap)
{
    size_t width = column->wanted < cap ? column->wanted : cap;
    return width > column->least ? width : column->least;
}

/* "| a | b |": two blanks and a line each, and one line more. */
static size_t total(const struct vv_box_column *columns, size_t shown, size_t len, size_t cap)
{
    size_t sum = 1;
    for (size_t i = 0; i < shown; i++)
        sum += given(&columns[i], cap) + 3;
    return sum + (shown < len ? WIDTH_GAP + 3 : 0);
}

void vv_box_fit(struct vv_box_column *columns, size_t len, size_t width)
{
    size_t shown = len, cap = 0;
    for (size_t i = 0; i < len; i++)
        cap = columns[i].wanted > cap ? columns[i].wanted : cap;
    while (width > 0 && shown > 1 && total(columns, shown, len, 0) > width)
        shown--;
    while (width > 0 && cap > 0 && total(columns, shown, len, cap) > width)
        cap--;
    for (size_t i = 0; i < len; i++)
        columns[i].width = i < shown ? given(&columns[i], cap) : 0;
    /* One column that is too wide by itself: something has to be seen of it. */
    size_t used = total(columns, shown, len, cap);
    if (width > 0 && shown == 1 && used > width) {
        size_t over = used - width;
        columns[0].width = columns[0].width > over + 4 ? columns[0].width - over : 4;
    }
}
