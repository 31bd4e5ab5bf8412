#include "table/input/lines.h"

#include "base/seam.h"
#include "table/input/batch_input.h"

#define PIECE_BYTES ((size_t)1 << 20)

void vv_lines_done(struct vv_lines *lines)
{
    vv_free(lines->bytes);
    lines->bytes = NULL;
}

/* Room for more bytes behind `to`: never more than a line of the longest, and a piece. */
static varve_status lines_grow(struct vv_op *op, struct vv_lines *lines)
{
    size_t left = (size_t)(lines->source->bytes - lines->offset);
    size_t more = lines->capacity > PIECE_BYTES ? lines->capacity : PIECE_BYTES;
    if (lines->capacity == 0 && left < PIECE_BYTES)
        more = left + 1;
    if (lines->capacity + more > VV_INPUT_LINE_BYTES_MAX + PIECE_BYTES)
        more = VV_INPUT_LINE_BYTES_MAX + PIECE_BYTES - lines->capacity;
    char *bytes = vv_realloc(lines->bytes, lines->capacity + more);
    if (bytes == NULL)
        return vv_fail_memory(op);
    lines->bytes = bytes;
    lines->capacity += more;
    return VARVE_OK;
}

/* More bytes behind `to`; what is not used up, no more than a line, moves to the front. */
static varve_status lines_fill(struct vv_op *op, struct vv_lines *lines)
{
    if (lines->from > 0) {
        memmove(lines->bytes, lines->bytes + lines->from, lines->to - lines->from);
        lines->to -= lines->from;
        lines->from = 0;
    }
    if (lines->to == lines->capacity)
        VV_TRY(lines_grow(op, lines));
    VV_TRY(vv_progress(op, "read", (uint64_t)lines->offset, (uint64_t)lines->source->bytes));
    size_t got = 0;
    VV_TRY(vv_source_read(op, lines->source, lines->offset, lines->bytes + lines->to,
        lines->capacity - lines->to, &got));
    lines->offset += (int64_t)got;
    lines->to += got;
    lines->ended = got == 0;
    return VARVE_OK;
}

static struct vv_str lines_rest(const struct vv_lines *lines)
{
    return (struct vv_str){
        lines->bytes ? lines->bytes + lines->from : "", lines->to - lines->from};
}

/* What follows of a line that was cut. */
static varve_status lines_pass(struct vv_op *op, struct vv_lines *lines)
{
    bool has_end = !lines->is_cut;
    while (!has_end) {
        struct vv_str rest = lines_rest(lines);
        size_t end = vv_str_find(rest, '\n');
        has_end = end < rest.len || lines->ended;
        lines->from += end < rest.len ? end + 1 : end;
        if (!has_end)
            VV_TRY(lines_fill(op, lines));
    }
    lines->is_cut = false;
    return VARVE_OK;
}

/* A byte order mark is no part of the first line. */
static void line_settle(const struct vv_lines *lines, struct vv_str *line)
{
    if (lines->line == 1 && vv_str_starts(*line, VV_STR("\xEF\xBB\xBF")))
        *line = vv_str_skip(*line, 3);
}

/* Of a source that has its lines in memory. */
static bool line_take(struct vv_lines *lines, struct vv_str *out)
{
    if ((size_t)lines->line >= lines->source->lines_len)
        return false;
    struct vv_str line = lines->source->lines[lines->line++];
    lines->is_cut = line.len > VV_INPUT_LINE_BYTES_MAX;
    *out = vv_str_first(line, VV_INPUT_LINE_BYTES_MAX);
    line_settle(lines, out);
    return true;
}

varve_status vv_lines_next(struct vv_op *op, struct vv_lines *lines, bool *out_has,
    struct vv_str *out)
{
    size_t seen = 0;
    if (lines->source->lines != NULL) {
        *out_has = line_take(lines, out);
        return VARVE_OK;
    }
    VV_TRY(lines_pass(op, lines));
    for (;;) {
        struct vv_str rest = lines_rest(lines);
        size_t end = seen + vv_str_find(vv_str_skip(rest, seen), '\n');
        lines->is_cut = end > VV_INPUT_LINE_BYTES_MAX;
        if (end == rest.len && !lines->ended && !lines->is_cut) {
            seen = rest.len;
            VV_TRY(lines_fill(op, lines));
            continue;
        }
        *out_has = rest.len > 0;
        *out = vv_str_first(rest, lines->is_cut ? VV_INPUT_LINE_BYTES_MAX : end);
        lines->from += end < rest.len && !lines->is_cut ? end + 1 : out->len;
        lines->line++;
        line_settle(lines, out);
        return VARVE_OK;
    }
}

bool vv_lines_is_blank(const struct vv_lines *lines, struct vv_str line)
{
    return !lines->is_cut && vv_str_trim(line).len == 0;
}

varve_status vv_lines_check(struct vv_op *op, const struct vv_lines *lines)
{
    if (!lines->is_cut)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "the line is longer than %zu MB, which no row may be (its first %zu KiB are told)",
        VV_INPUT_LINE_BYTES_MAX >> 20, VV_LINES_CUT_BYTES >> 10);
}

varve_status vv_lines_text(struct vv_op *op, struct vv_arena *arena, struct vv_str line,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str rest = line;
    while (rest.len > 0) {
        size_t len = vv_utf8_first(rest);
        vv_buf_add(&text, len > 0 ? vv_str_first(rest, len) : VV_STR("\xEF\xBF\xBD"));
        rest = vv_str_skip(rest, len > 0 ? len : 1);
    }
    *out = vv_arena_str(arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}
