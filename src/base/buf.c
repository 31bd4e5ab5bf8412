#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/seam.h"

#define CAPACITY_MIN ((size_t)64)

void vv_buf_done(struct vv_buf *buf)
{
    vv_free(buf->private_ptr);
    *buf = VV_BUF_INIT(buf->len_max);
}

void vv_buf_wipe(struct vv_buf *buf)
{
    if (buf->private_ptr != NULL)
        explicit_bzero(buf->private_ptr, buf->capacity);
    vv_buf_done(buf);
}

char *vv_buf_take(struct vv_buf *buf)
{
    char *text = buf->failed                ? NULL
                 : buf->private_ptr != NULL ? buf->private_ptr
                                            : vv_malloc_zeroed(1);
    if (text != NULL)
        *buf = VV_BUF_INIT(buf->len_max);
    return text;
}

void vv_buf_clear(struct vv_buf *buf)
{
    buf->failed = false;
    vv_buf_cut(buf, 0);
}

void vv_buf_add_base64(struct vv_buf *buf, struct vv_str bytes)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t len = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < len ? (unsigned char)bytes.ptr[i + k] : 0U);
        for (size_t k = 0; k < 4; k++)
            vv_buf_addc(buf, k <= len ? digits[bits >> (18 - 6 * k) & 63] : '=');
    }
}

void vv_buf_cut(struct vv_buf *buf, size_t len)
{
    VV_PRE(len <= buf->len);
    buf->len = len;
    if (buf->private_ptr)
        buf->private_ptr[len] = '\0';
}

/* Room for `extra` bytes and the NUL; false, and failed from then on, where there is none. */
static bool reserve(struct vv_buf *buf, size_t extra)
{
    VV_PRE(buf->len <= buf->len_max && buf->len_max < SIZE_MAX / 2);
    if (buf->failed)
        return false;
    if (extra > buf->len_max - buf->len) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->len + extra + 1;
    if (needed <= buf->capacity)
        return true;
    size_t wider = buf->capacity * 2;
    if (wider < CAPACITY_MIN)
        wider = CAPACITY_MIN;
    if (wider < needed)
        wider = needed;
    if (wider > buf->len_max + 1)
        wider = buf->len_max + 1;
    char *moved = vv_realloc(buf->private_ptr, wider);
    if (!moved) {
        buf->failed = true;
        return false;
    }
    buf->private_ptr = moved;
    buf->capacity = wider;
    return true;
}

void vv_buf_add(struct vv_buf *buf, struct vv_str text)
{
    buf->failed = buf->failed || vv_str_is_lost(text);
    if (text.len == 0 || !reserve(buf, text.len))
        return;
    memcpy(buf->private_ptr + buf->len, text.ptr, text.len);
    buf->len += text.len;
    buf->private_ptr[buf->len] = '\0';
}

void vv_buf_adds(struct vv_buf *buf, const char *text)
{
    vv_buf_add(buf, vv_str_of(text));
}

void vv_buf_addc(struct vv_buf *buf, char byte)
{
    vv_buf_add(buf, (struct vv_str){&byte, 1});
}

void vv_buf_addf(struct vv_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0) {
        buf->failed = true;
        return;
    }
    if (len == 0 || !reserve(buf, (size_t)len))
        return;
    va_start(args, format);
    (void)vsnprintf(buf->private_ptr + buf->len, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}
