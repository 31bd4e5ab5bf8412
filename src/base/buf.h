/*
 * A growable byte buffer with a maximum. Errors are sticky: append freely, then take the content
 * with vv_buf_str. A buffer that failed gives VV_STR_LOST, never what it had until then: who takes
 * texts on refuses it, and who does anything else with them asks vv_buf_ok too, which
 * tools/check_buffers.py sees to. There is always a NUL behind the content.
 */
#ifndef VV_BASE_BUF_H
#define VV_BASE_BUF_H

#include "base/common.h"
#include "base/str.h"

struct vv_buf {
    char *private_ptr; /* NULL while empty; see vv_buf_str */
    size_t len;
    size_t capacity;
    size_t len_max;
    bool failed; /* an append found no memory or met the maximum; the content is cut */
};

#define VV_BUF_INIT(max) ((struct vv_buf){.len_max = (max)})
#define VV_BUF_MAX ((size_t)1 << 31)

void vv_buf_done(struct vv_buf *buf);
void vv_buf_wipe(struct vv_buf *buf);  /* the same, with zeros over the content first */
void vv_buf_clear(struct vv_buf *buf); /* forgets content and failure, keeps the memory */
void vv_buf_add(struct vv_buf *buf, struct vv_str text);
void vv_buf_adds(struct vv_buf *buf, const char *text);
void vv_buf_addc(struct vv_buf *buf, char byte);
void vv_buf_addf(struct vv_buf *buf, const char *format, ...) VV_PRINTF(2, 3);
void vv_buf_add_base64(struct vv_buf *buf, struct vv_str bytes); /* RFC 4648, padded */
void vv_buf_cut(struct vv_buf *buf, size_t len);                 /* back to `len` bytes */
/*
 * The content and its NUL, to be freed with vv_free; the buffer is empty then. NULL: it failed, or no
 * memory is left for an empty text; what has anything in it needs none.
 */
char *vv_buf_take(struct vv_buf *buf);
static inline bool vv_buf_ok(const struct vv_buf *buf)
{
    return !buf->failed;
}
static inline struct vv_str vv_buf_str(const struct vv_buf *buf)
{
    if (buf->failed)
        return VV_STR_LOST;
    return (struct vv_str){buf->private_ptr ? buf->private_ptr : "", buf->len};
}

#endif
