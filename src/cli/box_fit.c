/* Pure: how much room each column of a box gets, and how its name is laid out in it. */
#include <ctype.h>
#include <string.h>

#include "cli/render.h"

#define WIDTH_GAP 1 /* the mark that stands for hidden columns */

static size_t given(const struct vv_box_column *column, size_t cap)
{
    size_t width = column->wanted < cap ? column->wanted : cap;
    return width > column->least ? width : column->least;
}

/* "| a | b |": two blanks and a line each, and one line more. A run of hidden ones is one mark. */
static size_t total(const struct vv_box_column *columns, size_t len, size_t cap)
{
    size_t sum = 1;
    for (size_t i = 0; i < len; i++) {
        if (!columns[i].hidden)
            sum += given(&columns[i], cap) + 3;
        else if (i == 0 || !columns[i - 1].hidden)
            sum += WIDTH_GAP + 3;
    }
    return sum;
}

/* The greatest rank; of equals the one on the right. */
static void hide_one(struct vv_box_column *columns, size_t len)
{
    size_t found = len;
    for (size_t i = 0; i < len; i++)
        if (!columns[i].hidden && (found == len || columns[i].rank >= columns[found].rank))
            found = i;
    columns[found].hidden = true;
}

static bool tighten_one(struct vv_box_column *columns, size_t len)
{
    for (size_t i = len; i-- > 0;) {
        struct vv_box_column *column = &columns[i];
        if (!column->hidden && column->tight > 0 && column->tight < column->least) {
            column->least = column->tight;
            return true;
        }
    }
    return false;
}

void vv_box_fit(struct vv_box_column *columns, size_t len, size_t width)
{
    size_t shown = len, cap = 0;
    for (size_t i = 0; i < len; i++) {
        columns[i].hidden = false;
        cap = columns[i].wanted > cap ? columns[i].wanted : cap;
    }
    while (width > 0 && shown > 1 && total(columns, len, 0) > width) {
        if (tighten_one(columns, len))
            continue;
        hide_one(columns, len);
        shown--;
    }
    while (width > 0 && cap > 0 && total(columns, len, cap) > width)
        cap--;
    size_t used = total(columns, len, cap);
    for (size_t i = 0; i < len; i++) {
        columns[i].width = columns[i].hidden ? 0 : given(&columns[i], cap);
        /* One column that is too wide by itself: something has to be seen of it. */
        if (columns[i].width > 0 && shown == 1 && width > 0 && used > width)
            columns[i].width =
                columns[i].width > used - width + 4 ? columns[i].width - (used - width) : 4;
    }
}

/* Behind "_", and where a capital follows a small letter: share_|of_|time, user|Name. */
static bool may_break(const char *name, size_t len, size_t at)
{
    if (at == 0 || at >= len)
        return at == len;
    return name[at - 1] == '_' ||
           (islower((unsigned char)name[at - 1]) && isupper((unsigned char)name[at]));
}

size_t vv_box_name_part(const char *name, size_t len, size_t width)
{
    size_t best = 0;
    for (size_t at = 1; at <= len; at++) {
        if (!may_break(name, len, at))
            continue;
        if (best > 0 && vv_text_columns(name, at) > width)
            break;
        best = at;
    }
    return best;
}

size_t vv_box_name_least(const char *name, size_t len)
{
    size_t least = 0;
    while (len > 0) {
        size_t part = vv_box_name_part(name, len, 0);
        size_t columns = vv_text_columns(name, part);
        least = columns > least ? columns : least;
        name += part;
        len -= part;
    }
    return least;
}
