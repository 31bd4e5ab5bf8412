/*
 * The lines of an input, one by one, whatever their number: one buffer holds what is looked at.
 */
#ifndef VV_TABLE_LINES_H
#define VV_TABLE_LINES_H

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
};

void vv_lines_done(struct vv_lines *lines);
/* Without its line end, and without a byte order mark. The slice holds until the next call. */
varve_status vv_lines_next(struct vv_op *op, struct vv_lines *lines, bool *out_has,
    struct vv_str *out);

#endif
