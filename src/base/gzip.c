#include "base/gzip.h"

/* Old zlib takes input by a pointer to bytes that it does not write to. */
#define ZLIB_CONST
#include <zlib.h>

#define WINDOW_GZIP (15 + 16) /* zlib: the largest window, in a gzip wrapper */
#define MEMORY_LEVEL 8
#define OUTPUT_BYTES 16384

static varve_status fail_zlib(struct vv_op *op, int code)
{
    return code == Z_MEM_ERROR ? vv_fail_memory(op)
                               : vv_fail(op, VARVE_EFAILED, "zlib failed with code %d", code);
}

varve_status vv_gzip(struct vv_op *op, struct vv_str bytes, struct vv_buf *out)
{
    unsigned char block[OUTPUT_BYTES];
    z_stream stream = {0};
    if (bytes.len > UINT32_MAX)
        return vv_fail(op, VARVE_ELIMIT, "%zu bytes are too many to compress at once",
            bytes.len);
    int code = deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_GZIP,
        MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
    if (code != Z_OK)
        return fail_zlib(op, code);
    stream.next_in = (const unsigned char *)bytes.ptr;
    stream.avail_in = (unsigned)bytes.len;
    do {
        stream.next_out = block;
        stream.avail_out = sizeof(block);
        code = deflate(&stream, Z_FINISH);
        vv_buf_add(out, (struct vv_str){(char *)block, sizeof(block) - stream.avail_out});
    } while (code == Z_OK);
    (void)deflateEnd(&stream);
    if (code != Z_STREAM_END)
        return fail_zlib(op, code);
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}

/* A byte more than is expected shows a member that holds too much. */
static int inflate_whole(struct vv_str member, unsigned char *out, size_t out_bytes,
    z_stream *stream)
{
    int code = inflateInit2(stream, WINDOW_GZIP);
    if (code != Z_OK)
        return code;
    stream->next_in = (const unsigned char *)member.ptr;
    stream->avail_in = (unsigned)member.len;
    stream->next_out = out;
    stream->avail_out = (unsigned)out_bytes;
    code = inflate(stream, Z_FINISH);
    (void)inflateEnd(stream);
    return code;
}

varve_status vv_gunzip(struct vv_op *op, struct vv_arena *arena, struct vv_str member,
    size_t bytes_expected, struct vv_str *out)
{
    z_stream stream = {0};
    if (member.len > UINT32_MAX || bytes_expected >= UINT32_MAX)
        return vv_fail(op, VARVE_ECORRUPT, "a gzip member of %zu bytes that holds %zu",
            member.len, bytes_expected);
    unsigned char *bytes = vv_new(arena, unsigned char, bytes_expected + 1);
    if (bytes == NULL)
        return vv_fail_memory(op);
    int code = inflate_whole(member, bytes, bytes_expected + 1, &stream);
    if (code == Z_MEM_ERROR)
        return vv_fail_memory(op);
    if (code != Z_STREAM_END || stream.avail_in != 0 || stream.total_out != bytes_expected)
        return vv_fail(op, VARVE_ECORRUPT, "a gzip member is damaged");
    *out = (struct vv_str){(char *)bytes, bytes_expected};
    return VARVE_OK;
}
