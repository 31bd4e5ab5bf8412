/*
 * Gzip members (RFC 1952), by zlib: what `gunzip` reads. The same bytes always give the same
 * member: it bears no time and no name.
 */
#ifndef VV_BASE_GZIP_H
#define VV_BASE_GZIP_H

#include "base/buf.h"
#include "base/op.h"

/* Appends `bytes` to `out` as one member. */
varve_status vv_gzip(struct vv_op *op, struct vv_str bytes, struct vv_buf *out);
/*
 * What one member that fills `member` holds, which must be exactly `bytes_expected` bytes:
 * nobody's length field allocates anything else. ECORRUPT where it is not so.
 */
varve_status vv_gunzip(struct vv_op *op, struct vv_arena *arena, struct vv_str member,
    size_t bytes_expected, struct vv_str *out);

#endif
