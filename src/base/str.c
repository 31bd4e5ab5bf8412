#include "base/str.h"

#include "base/hash.h"
#include "base/number.h"

const char vv_lost_text[4] = "...";

struct vv_str vv_str_skip(struct vv_str text, size_t from)
{
    if (from > text.len)
        from = text.len;
    if (from == 0)
        return text; /* also keeps NULL out of pointer arithmetic */
    return (struct vv_str){text.ptr + from, text.len - from};
}

struct vv_str vv_str_first(struct vv_str text, size_t len)
{
    return (struct vv_str){text.ptr, len < text.len ? len : text.len};
}

static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct vv_str vv_str_trim(struct vv_str text)
{
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = vv_str_skip(text, 1);
    return text;
}

bool vv_str_eq(struct vv_str a, struct vv_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

bool vv_str_eq_nocase(struct vv_str a, struct vv_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

int vv_str_cmp(struct vv_str a, struct vv_str b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.ptr, b.ptr, shorter) : 0;
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

bool vv_str_starts(struct vv_str text, struct vv_str prefix)
{
    return vv_str_eq(vv_str_first(text, prefix.len), prefix);
}

bool vv_str_ends(struct vv_str text, struct vv_str suffix)
{
    return text.len >= suffix.len &&
           vv_str_eq(vv_str_skip(text, text.len - suffix.len), suffix);
}

size_t vv_str_find(struct vv_str text, char byte)
{
    if (text.len == 0)
        return 0;
    const char *found = memchr(text.ptr, byte, text.len);
    return found ? (size_t)(found - text.ptr) : text.len;
}

bool vv_str_split(struct vv_str *rest, char separator, struct vv_str *part)
{
    if (!rest->ptr)
        return false;
    size_t at = vv_str_find(*rest, separator);
    *part = vv_str_first(*rest, at);
    /* A separator at the very end is followed by one more, empty part. */
    *rest = at < rest->len ? vv_str_skip(*rest, at + 1) : VV_STR_NONE;
    return true;
}

bool vv_str_is_digits(struct vv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len > 0;
}

bool vv_str_int64(struct vv_str text, int64_t *out)
{
    bool negative = text.len > 0 && text.ptr[0] == '-';
    struct vv_str digits = vv_str_skip(text, negative ? 1 : 0);
    if (digits.len == 0)
        return false;
    /* Counts downwards, since the negative range is the wider one. */
    int64_t value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        char digit = digits.ptr[i];
        if (digit < '0' || digit > '9')
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit - '0', &value))
            return false;
    }
    if (!negative && __builtin_sub_overflow(0, value, &value))
        return false;
    *out = value;
    return true;
}

bool vv_str_double(struct vv_str text, double *out)
{
    return vv_number_parse(text, out);
}

uint64_t vv_str_hash(struct vv_str text)
{
    return vv_xxh3(text);
}

/* Bytes that follow a lead byte; 4 for a byte that leads nothing. */
static size_t tail_len(unsigned char lead)
{
    if (lead < 0x80)
        return 0;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 2;
    return lead >= 0xF0 && lead <= 0xF4 ? 3 : 4;
}

/* The second byte is what rules out overlong forms, surrogates and points over U+10FFFF. */
static bool second_fits(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return second >= 0x80 && second <= 0xBF;
    }
}

size_t vv_utf8_first(struct vv_str text)
{
    if (text.len == 0)
        return 0;
    unsigned char lead = (unsigned char)text.ptr[0];
    size_t tail = tail_len(lead);
    if (tail == 0)
        return 1;
    if (tail > 3 || tail >= text.len || !second_fits(lead, (unsigned char)text.ptr[1]))
        return 0;
    for (size_t i = 2; i <= tail; i++) {
        if (((unsigned char)text.ptr[i] & 0xC0) != 0x80)
            return 0;
    }
    return tail + 1;
}

bool vv_utf8_valid(struct vv_str text)
{
    size_t at = 0;
    while (at < text.len) {
        uint64_t eight;
        if (text.len - at >= sizeof(eight)) {
            memcpy(&eight, text.ptr + at, sizeof(eight));
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                at += sizeof(eight);
                continue;
            }
        }
        size_t len = vv_utf8_first(vv_str_skip(text, at));
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}
