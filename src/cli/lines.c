#include "cli/lines.h"

#include <stdlib.h>
#include <string.h>

void vv_desk_init(struct vv_desk *desk, size_t line_bytes_max, size_t room_least,
    size_t kept_bytes_max)
{
    *desk = (struct vv_desk){.capacity = line_bytes_max + room_least + 1,
        .line_bytes_max = line_bytes_max,
        .kept_bytes_max = kept_bytes_max};
    desk->bytes = vv_cli_alloc(desk->capacity, 1);
}

void vv_desk_done(struct vv_desk *desk)
{
    free(desk->bytes);
    *desk = (struct vv_desk){0};
}

static void drop_kept(struct vv_lines *lines, struct vv_desk *desk)
{
    free(lines->kept);
    desk->kept_bytes -= lines->kept_len;
    lines->kept = NULL;
    lines->kept_len = 0;
}

void vv_lines_done(struct vv_lines *lines, struct vv_desk *desk)
{
    drop_kept(lines, desk);
}

char *vv_lines_begin(struct vv_lines *lines, struct vv_desk *desk, size_t *out_room)
{
    desk->from = 0;
    desk->to = lines->kept_len;
    if (lines->kept_len > 0)
        memcpy(desk->bytes, lines->kept, lines->kept_len);
    drop_kept(lines, desk);
    *out_room = desk->capacity - desk->to;
    return desk->bytes + desk->to;
}

void vv_lines_add(struct vv_lines *lines, struct vv_desk *desk, size_t len)
{
    desk->to += len;
    if (!lines->is_skipping)
        return;
    char *begin = desk->bytes + desk->from;
    char *end = memchr(begin, '\n', desk->to - desk->from);
    size_t passed = end ? (size_t)(end - begin) + 1 : desk->to - desk->from;
    lines->is_skipping = end == NULL;
    desk->from += passed;
    lines->offset += passed;
}

/* A field is quoted when a quote is the first of it but for blanks, as in files of CSV. */
enum csv_place {
    FIELD_START,
    IN_TEXT, /* or behind the closing quote */
    IN_QUOTES,
    AFTER_QUOTE /* the closing one, or the first of two that stand for one */
};

static enum csv_place place_after(enum csv_place place, char byte)
{
    if (place == IN_QUOTES)
        return byte == '"' ? AFTER_QUOTE : IN_QUOTES;
    if (byte == ',')
        return FIELD_START;
    if (place == FIELD_START && byte == ' ')
        return FIELD_START;
    return place != IN_TEXT && byte == '"' ? IN_QUOTES : IN_TEXT;
}

/* Length of the record that begins at `bytes`; `len` where it does not end. */
static size_t find_record_end(struct vv_lines *lines, const char *bytes, size_t len)
{
    enum csv_place place = (enum csv_place)lines->csv_place;
    for (size_t at = lines->searched; at < len; at++) {
        if (bytes[at] == '\n' && place != IN_QUOTES)
            return at;
        if (bytes[at] == '\n')
            lines->line_ends_searched++;
        place = place_after(place, bytes[at]);
    }
    lines->csv_place = (int)place;
    return len;
}

static size_t find_end(struct vv_lines *lines, const char *bytes, size_t len)
{
    if (lines->is_csv)
        return find_record_end(lines, bytes, len);
    const char *end = memchr(bytes + lines->searched, '\n', len - lines->searched);
    return end ? (size_t)(end - bytes) : len;
}

static void give(struct vv_lines *lines, struct vv_desk *desk, size_t len, size_t passed,
    struct vv_line *out)
{
    *out = (struct vv_line){.bytes = desk->bytes + desk->from,
        .len = len,
        .number = lines->number + 1,
        .offset = lines->offset};
    lines->number += 1 + lines->line_ends_searched;
    lines->searched = 0;
    lines->csv_place = FIELD_START;
    lines->line_ends_searched = 0;
    lines->offset += passed;
    desk->from += passed;
}

/* A line too long: what is there of it goes, and what comes of it will. */
static void cut(struct vv_lines *lines, struct vv_desk *desk, size_t len, bool has_end,
    struct vv_line *out)
{
    lines->line_ends_searched =
        0; /* after a quote that never ends, the next line is a new one */
    if (lines->is_csv) {
        const char *bytes = desk->bytes + desk->from;
        const char *end = memchr(bytes, '\n', len);
        has_end = end != NULL || has_end;
        len = end ? (size_t)(end - bytes) : len;
    }
    give(lines, desk, len, has_end ? len + 1 : len, out);
    out->is_too_long = true;
    lines->is_skipping = !has_end;
}

bool vv_lines_next(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out)
{
    size_t len = desk->to - desk->from;
    size_t end = find_end(lines, desk->bytes + desk->from, len);
    bool has_end = end < len;
    if (end > desk->line_bytes_max ||
        (!has_end && desk->kept_bytes + end > desk->kept_bytes_max)) {
        cut(lines, desk, end, has_end, out);
        return true;
    }
    if (!has_end) {
        lines->searched = len;
        return false;
    }
    give(lines, desk, end, end + 1, out);
    return true;
}

void vv_lines_again(struct vv_lines *lines, struct vv_desk *desk, const struct vv_line *line)
{
    size_t passed = (size_t)(lines->offset - line->offset);
    desk->from -= passed;
    lines->offset = line->offset;
    lines->number = line->number - 1;
}

bool vv_lines_last(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out)
{
    size_t len = desk->to - desk->from;
    if (len == 0)
        return false;
    /* Within quotes a line end was searched past; the last one begins no further line. */
    if (lines->line_ends_searched > 0 && desk->bytes[desk->to - 1] == '\n')
        lines->line_ends_searched--;
    give(lines, desk, len, len, out);
    return true;
}

void vv_lines_end(struct vv_lines *lines, struct vv_desk *desk)
{
    size_t len = desk->to - desk->from;
    if (len == 0)
        return;
    lines->kept = vv_cli_alloc(len, 1);
    memcpy(lines->kept, desk->bytes + desk->from, len);
    lines->kept_len = len;
    desk->kept_bytes += len;
    desk->from = desk->to = 0;
}

void vv_lines_restart(struct vv_lines *lines, struct vv_desk *desk, uint64_t offset)
{
    drop_kept(lines, desk);
    *lines =
        (struct vv_lines){.is_csv = lines->is_csv, .number = lines->number, .offset = offset};
}

bool vv_line_is_blank(const struct vv_line *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (line->bytes[i] != ' ' && line->bytes[i] != '\t' && line->bytes[i] != '\r')
            return false;
    return true;
}
