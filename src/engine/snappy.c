#include "engine/snappy.h"

#include <string.h>

struct unpacker {
    struct vv_str in;
    char *out;
    size_t done, out_bytes;
};

/* A little-endian number of up to 4 bytes; false where so many are not left. */
static bool take_number(struct vv_str *in, size_t bytes, size_t *out)
{
    if (in->len < bytes)
        return false;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out |= (size_t)(uint8_t)in->ptr[i] << 8 * i;
    *in = vv_str_skip(*in, bytes);
    return true;
}

static bool take_length(struct vv_str *in, size_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift <= 28; shift += 7) {
        size_t byte = 0;
        if (!take_number(in, 1, &byte))
            return false;
        *out |= (byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool put_literal(struct unpacker *unpacker, size_t tag)
{
    size_t len = tag >> 2;
    if (len >= 60 && !take_number(&unpacker->in, len - 59, &len))
        return false;
    len++;
    if (len > unpacker->in.len || len > unpacker->out_bytes - unpacker->done)
        return false;
    memcpy(unpacker->out + unpacker->done, unpacker->in.ptr, len);
    unpacker->in = vv_str_skip(unpacker->in, len);
    unpacker->done += len;
    return true;
}

/* What is copied may overlap what it is copied to: then it repeats. */
static bool put_copy(struct unpacker *unpacker, size_t tag)
{
    static const size_t offset_bytes[] = {0, 1, 2, 4};
    size_t len = (tag >> 2) + 1;
    size_t offset = 0;
    if (!take_number(&unpacker->in, offset_bytes[tag & 3], &offset))
        return false;
    if ((tag & 3) == 1) {
        len = (tag >> 2 & 7) + 4;
        offset |= (tag >> 5) << 8;
    }
    if (offset == 0 || offset > unpacker->done || len > unpacker->out_bytes - unpacker->done)
        return false;
    char *to = unpacker->out + unpacker->done;
    if (offset >= len)
        memcpy(to, to - offset, len);
    else
        for (size_t i = 0; i < len; i++)
            to[i] = to[i - offset];
    unpacker->done += len;
    return true;
}

bool vv_snappy_unpack(struct vv_str bytes, char *out, size_t out_bytes)
{
    struct unpacker unpacker = {.in = bytes, .out = out, .out_bytes = out_bytes};
    size_t length = 0;
    if (!take_length(&unpacker.in, &length) || length != out_bytes)
        return false;
    while (unpacker.in.len > 0) {
        size_t tag = 0;
        (void)take_number(&unpacker.in, 1, &tag);
        if (!((tag & 3) == 0 ? put_literal(&unpacker, tag) : put_copy(&unpacker, tag)))
            return false;
    }
    return unpacker.done == out_bytes;
}
