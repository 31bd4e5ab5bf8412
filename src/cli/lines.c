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

/* A field is quoted when a quote is the first of it but for one blank, as in files of CSV. */
enum csv_place {
    FIELD_START,
    FIELD_BLANK,
    IN_TEXT,
    IN_QUOTES,
    AFTER_QUOTE, /* the closing one, or the first of two that stand for one */
    AFTER_FIELD, /* blanks behind the closing one */
    BEHIND_QUOTE /* text there, which makes the record none */
};

static enum csv_place place_after(enum csv_place place, char byte)
{
    if (place == IN_QUOTES)
        return byte == '"' ? AFTER_QUOTE : IN_QUOTES;
    if (byte == ',')
        return FIELD_START;
    bool may_open = place == FIELD_START || place == FIELD_BLANK || place == AFTER_QUOTE;
    if (byte == '"' && may_open)
        return IN_QUOTES;
    if (place == FIELD_START && byte == ' ')
        return FIELD_BLANK;
    if (place == FIELD_START || place == FIELD_BLANK)
        return IN_TEXT;
    if (place != AFTER_QUOTE && place != AFTER_FIELD)
        return place;
    return byte == ' ' || byte == '\r' ? AFTER_FIELD : BEHIND_QUOTE; /* a CR may end the line */
}

enum outcome {
    NO_END, /* in what is there */
    ENDS,
    IS_STRAY
};

/*
 * Looks for the end of the record that begins at `bytes`, which is at search.to then. A search that
 * is within quotes at a line end which an earlier one has passed, within quotes too, would see what
 * that one has seen: it goes on where that ended. So each byte is looked at twice at most, however
 * many stray quotes there are.
 */
static enum outcome find_record_end(struct vv_lines *lines, const char *bytes, size_t len)
{
    struct vv_search *search = &lines->search;
    enum csv_place place = (enum csv_place)search->place;
    size_t at = search->to;
    for (; at < len && !(place == BEHIND_QUOTE && search->line_ends > 0); at++) {
        if (bytes[at] != '\n') {
            place = place_after(place, bytes[at]);
            continue;
        }
        if (place != IN_QUOTES)
            break;
        search->line_ends++;
        if (at < lines->ahead.to) {
            *search = lines->ahead;
            lines->ahead = (struct vv_search){0};
            place = (enum csv_place)search->place;
            at = search->to - 1;
        }
    }
    search->to = at;
    search->place = (int)place;
    if (place == BEHIND_QUOTE && search->line_ends > 0)
        return IS_STRAY;
    return at < len ? ENDS : NO_END;
}

static enum outcome find_end(struct vv_lines *lines, const char *bytes, size_t len)
{
    if (lines->is_csv)
        return find_record_end(lines, bytes, len);
    size_t from = lines->search.to;
    const char *end = memchr(bytes + from, '\n', len - from);
    lines->search.to = end ? (size_t)(end - bytes) : len;
    return end ? ENDS : NO_END;
}

/* What was seen ahead is of use while it is ahead of what is left. */
static void pass_ahead(struct vv_search *ahead, size_t passed, uint64_t line_ends)
{
    if (ahead->to > passed)
        *ahead =
            (struct vv_search){ahead->to - passed, ahead->place, ahead->line_ends - line_ends};
    else
        *ahead = (struct vv_search){0};
}

/* Gives out `len` bytes, which have that many line ends, and passes over its own behind them. */
static void give(struct vv_lines *lines, struct vv_desk *desk, size_t len, uint64_t line_ends,
    bool has_end, struct vv_line *out)
{
    size_t passed = has_end ? len + 1 : len;
    *out = (struct vv_line){.bytes = desk->bytes + desk->from,
        .len = len,
        .number = lines->number + 1,
        .offset = lines->offset};
    pass_ahead(&lines->ahead, passed, line_ends + 1);
    lines->search = (struct vv_search){0};
    lines->number += 1 + line_ends;
    lines->offset += passed;
    desk->from += passed;
}

/* Of a record that is none its first line, be it one that is too long itself and goes on. */
static void give_first(struct vv_lines *lines, struct vv_desk *desk, enum vv_line_fault fault,
    struct vv_line *out)
{
    const char *bytes = desk->bytes + desk->from;
    size_t len = desk->to - desk->from;
    const char *end = memchr(bytes, '\n', len);
    len = end ? (size_t)(end - bytes) : len;
    bool is_cut = end == NULL || len > desk->line_bytes_max;
    /* Of a record of one line there is nothing to go back to. */
    if (lines->search.line_ends > 0)
        lines->ahead = lines->search;
    give(lines, desk, len, 0, end != NULL, out);
    out->fault = is_cut ? VV_LINE_TOO_LONG : fault;
    lines->is_skipping = end == NULL;
}

bool vv_lines_next(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out)
{
    size_t len = desk->to - desk->from;
    enum outcome outcome = find_end(lines, desk->bytes + desk->from, len);
    size_t end = lines->search.to;
    bool is_much = outcome == NO_END && desk->kept_bytes + end > desk->kept_bytes_max;
    if (end > desk->line_bytes_max || is_much)
        give_first(lines, desk, VV_LINE_LONG_QUOTE, out);
    else if (outcome == IS_STRAY)
        give_first(lines, desk, VV_LINE_STRAY, out);
    else if (outcome == ENDS)
        give(lines, desk, end, lines->search.line_ends, true, out);
    else
        return false;
    return true;
}

void vv_lines_again(struct vv_lines *lines, struct vv_desk *desk, const struct vv_line *line)
{
    size_t passed = (size_t)(lines->offset - line->offset);
    desk->from -= passed;
    lines->offset = line->offset;
    lines->number = line->number - 1;
    lines->ahead = (struct vv_search){0};
}

static bool take_last(struct vv_lines *lines, struct vv_desk *desk, bool is_cut,
    struct vv_line *out)
{
    if (vv_lines_next(lines, desk, out))
        return true;
    size_t len = desk->to - desk->from;
    if (len == 0)
        return false;
    if (!is_cut && lines->search.line_ends > 0 && lines->search.place == IN_QUOTES) {
        give_first(lines, desk, VV_LINE_OPEN_QUOTE, out);
        return true;
    }
    /* A line end within quotes that nothing comes behind begins no further line. */
    uint64_t line_ends = lines->search.line_ends;
    give(lines, desk, len, line_ends - (line_ends > 0 && desk->bytes[desk->to - 1] == '\n'),
        false, out);
    out->is_half = true;
    return true;
}

bool vv_lines_last(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out)
{
    return take_last(lines, desk, false, out);
}

bool vv_lines_last_cut(struct vv_lines *lines, struct vv_desk *desk, struct vv_line *out)
{
    return take_last(lines, desk, true, out);
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

uint64_t vv_lines_held(const struct vv_lines *lines)
{
    return lines->kept_len > 0 ? lines->search.line_ends : 0;
}

bool vv_line_is_blank(const struct vv_line *line)
{
    for (size_t i = 0; i < line->len; i++)
        if (line->bytes[i] != ' ' && line->bytes[i] != '\t' && line->bytes[i] != '\r')
            return false;
    return true;
}
