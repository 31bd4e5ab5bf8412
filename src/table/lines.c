#include "table/lines.h"

#include "base/seam.h"
#include "table/batch_input.h"

#define PIECE_BYTES ((size_t)1 << 20)

void vv_lines_done(struct vv_lines *lines)
{
    vv_free(lines->bytes);
    lines->bytes = NULL;
}

/* More bytes behind `to`; what is not used up moves to the front. */
static varve_status lines_fill(struct vv_op *op, struct vv_lines *lines)
{
    if (lines->from > 0) {
        memmove(lines->bytes, lines->bytes + lines->from, lines->to - lines->from);
        lines->to -= lines->from;
        lines->from = 0;
    }
    if (lines->to == lines->capacity) {
        if (lines->capacity > VV_INPUT_LINE_BYTES_MAX)
            return vv_fail(op, VARVE_EINVALID, "%.*s: line %" PRId64 " is longer than %zu MB",
                VV_ARG(lines->name), lines->line + 1, VV_INPUT_LINE_BYTES_MAX >> 20);
        size_t left = (size_t)(lines->source->bytes - lines->offset);
        size_t more = lines->capacity > PIECE_BYTES ? lines->capacity : PIECE_BYTES;
        if (lines->capacity == 0 && left < PIECE_BYTES)
            more = left + 1;
        char *bytes = vv_realloc(lines->bytes, lines->capacity + more);
        if (bytes == NULL)
            return vv_fail_memory(op);
        lines->bytes = bytes;
        lines->capacity += more;
    }
    VV_TRY(vv_progress(op, "read", (uint64_t)lines->offset, (uint64_t)lines->source->bytes));
    size_t got = 0;
    VV_TRY(vv_source_read(op, lines->source, lines->offset, lines->bytes + lines->to,
        lines->capacity - lines->to, &got));
    lines->offset += (int64_t)got;
    lines->to += got;
    lines->ended = got == 0;
    return VARVE_OK;
}

varve_status vv_lines_next(struct vv_op *op, struct vv_lines *lines, bool *out_has,
    struct vv_str *out)
{
    size_t seen = 0;
    for (;;) {
        struct vv_str rest = {
            lines->bytes ? lines->bytes + lines->from : "", lines->to - lines->from};
        size_t end = seen + vv_str_find(vv_str_skip(rest, seen), '\n');
        if (end == rest.len && !lines->ended) {
            seen = rest.len;
            VV_TRY(lines_fill(op, lines));
            continue;
        }
        *out_has = rest.len > 0;
        *out = vv_str_first(rest, end);
        lines->from += end < rest.len ? end + 1 : end;
        lines->line++;
        if (lines->line == 1 && vv_str_starts(*out, VV_STR("\xEF\xBB\xBF")))
            *out = vv_str_skip(*out, 3);
        return VARVE_OK;
    }
}
