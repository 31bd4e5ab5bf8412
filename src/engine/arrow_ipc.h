/*
 * Arrow IPC: record batches as bytes, as the stream format and as the file format around it.
 *
 * Bytes that come in are foreign. Flatbuffers are verified before they are read, what a message
 * says of its body is held against the bytes that are there, and the arrays that come out of it
 * go through the same checks as those of any stream (arrow_in.h).
 *
 * arrow_ipc_read.c     messages in their order, and the dictionaries between them
 * arrow_ipc_schema.c   the schema
 * arrow_ipc_batch.c    the buffers of a message as arrays
 * arrow_ipc_write.c    the other way
 */
#ifndef VV_ENGINE_ARROW_IPC_H
#define VV_ENGINE_ARROW_IPC_H

#include "engine/engine.h"

/* Where the bytes lie. */
struct vv_ipc_bytes {
    void *data;
    int64_t len;
    /* `len` bytes at `offset`, which are there; fewer only where somebody has cut them since. */
    varve_status (*read)(struct vv_op *op, void *data, int64_t offset, char *out, size_t len,
        size_t *out_len);
};

/*
 * As vv_session_load_arrow, for a stream or a file, which begins with ARROW1. EINVALID: no Arrow
 * IPC, broken, or not there to its end: a stream without its end mark, a file without its footer
 * may have been cut. EUNSUPPORTED: a type without a place here, a dictionary that grows, big-endian
 * values, messages of before Arrow 0.15, Feather V1.
 *
 * Bodies may be compressed (lz4, zstd). One record batch may have VV_IPC_INFLATED_MAX bytes.
 */
#define VV_IPC_INFLATED_MAX ((int64_t)8 << 30)
varve_status vv_session_load_ipc(struct vv_op *op, struct vv_session *session,
    const struct vv_ipc_bytes *from, const struct vv_load_target *target, int64_t *out_rows);

/*
 * Record batches as they come, from bytes that come one after the other: `len` of `from` is
 * VV_IPC_LEN_UNKNOWN, and `read` waits; it is asked for bytes in their order, those of a message's
 * head twice. A stream ends with its mark, or where no more bytes come between two messages. What
 * the taker is given it may use until it returns.
 */
#define VV_IPC_LEN_UNKNOWN INT64_MAX
struct vv_ipc_taker {
    void *data;
    varve_status (*schema)(struct vv_op *op, void *data, const struct ArrowSchema *schema);
    varve_status (*batch)(struct vv_op *op, void *data, const struct ArrowArray *batch);
};
varve_status vv_ipc_each(struct vv_op *op, const struct vv_ipc_bytes *from,
    const struct vv_ipc_taker *to);

/* Where bytes go. */
struct vv_ipc_sink {
    void *data;
    varve_status (*write)(struct vv_op *op, void *data, const void *bytes, size_t len);
};

/*
 * Encodes the rows of a stream, which is released, uncompressed: as a stream, or as a file, which
 * others can read from any place. EUNSUPPORTED: a dictionary (an SQL enum). `out_rows` may be NULL.
 */
varve_status vv_ipc_write(struct vv_op *op, struct ArrowArrayStream *stream, bool as_file,
    const struct vv_ipc_sink *to, int64_t *out_rows);

#endif
