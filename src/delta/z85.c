#include "delta/z85.h"

#define GROUP_BYTES 4
#define GROUP_CHARS 5
#define BASE 85u

static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             ".-:+=^!/*?&<>()[]{}@%$#";

void vv_z85_encode(struct vv_str bytes, struct vv_buf *out)
{
    for (size_t at = 0; at < bytes.len; at += GROUP_BYTES) {
        char group[GROUP_CHARS];
        uint32_t value = 0;
        for (size_t i = 0; i < GROUP_BYTES; i++)
            value = value << 8 | (at + i < bytes.len ? (unsigned char)bytes.ptr[at + i] : 0u);
        for (size_t i = GROUP_CHARS; i > 0; i--) {
            group[i - 1] = digits[value % BASE];
            value /= BASE;
        }
        vv_buf_add(out, (struct vv_str){group, sizeof(group)});
    }
}

/* -1: not a digit. */
static int32_t digit_of(char character)
{
    const char *found = character != '\0' ? strchr(digits, character) : NULL;
    return found != NULL ? (int32_t)(found - digits) : -1;
}

bool vv_z85_decode(struct vv_str text, struct vv_buf *out)
{
    if (text.len % GROUP_CHARS != 0)
        return false;
    for (size_t at = 0; at < text.len; at += GROUP_CHARS) {
        uint64_t value = 0;
        for (size_t i = 0; i < GROUP_CHARS; i++) {
            int32_t digit = digit_of(text.ptr[at + i]);
            if (digit < 0)
                return false;
            value = value * BASE + (uint64_t)digit;
        }
        if (value > UINT32_MAX)
            return false;
        for (size_t i = GROUP_BYTES; i > 0; i--)
            vv_buf_addc(out, (char)(value >> ((i - 1) * 8) & 0xFF));
    }
    return true;
}
