/*
 * The lines of an input, one by one, whatever their number and length: one buffer holds what is
 * looked at, and no more than VV_INPUT_LINE_BYTES_MAX of a line, which is then cut.
 */
#ifndef VV_TABLE_INPUT_LINES_H
#define VV_TABLE_INPUT_LINES_H

#include "store/source.h"

struct vv_lines {
    const struct vv_source *source;
    struct vv_str name; /* for messages */
    char *bytes;
    size_t capacity;
    size_t from, to; /* what of `bytes` is not used up */
    int64_t offset;  /* in the file, of what comes behind `to` */
    int64_t line;    /* number of the last one given out */
    bool ended;
    bool is_cut; /* the last line given out; the next call passes over what follows of it */
};

void vv_lines_done(struct vv_lines *lines);
/* Without its line end, and without a byte order mark. The slice holds until the next call. */
varve_status vv_lines_next(struct vv_op *op, struct vv_lines *lines, bool *out_has,
    struct vv_str *out);
/* The last line given out: nothing but blanks, and so no row. One that was cut is none of those. */
bool vv_lines_is_blank(const struct vv_lines *lines, struct vv_str line);
/* EINVALID where the last line given out was cut. */
varve_status vv_lines_check(struct vv_op *op, const struct vv_lines *lines);
/* So much is told of a line that was cut. */
#define VV_LINES_CUT_BYTES ((size_t)64 << 10)
/* Of a line that is no row: all of it, as valid UTF-8. */
varve_status vv_lines_text(struct vv_op *op, struct vv_arena *arena, struct vv_str line,
    struct vv_str *out);

#endif
