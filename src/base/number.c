#include "base/number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <yyjson.h>

#include "base/seam.h"

static bool parse_terminated(const char *text, size_t len, double *out)
{
    /* "1e999" must not become infinity: names of numbers are allowed only where they can be. */
    char first = text[0] == '-' ? text[1] : text[0];
    yyjson_read_flag flags = first >= '0' && first <= '9' ? 0 : YYJSON_READ_ALLOW_INF_AND_NAN;
    yyjson_val value;
    const char *end = yyjson_read_number(text, &value, flags, NULL, NULL);
    if (!end || end != text + len)
        return false;
    *out = yyjson_get_num(&value);
    return true;
}

/* Of so many digits the whole number and the power of ten are doubles, and so their quotient is right. */
#define EXACT_DIGITS 15

/* "-12.345" and the like, in few digits. False: it is to be read otherwise. */
static bool parse_short(struct vv_str text, double *out)
{
    static const double tens[EXACT_DIGITS + 1] = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool is_negative = text.ptr[0] == '-';
    size_t begin = is_negative ? 1 : 0;
    size_t point = text.len;
    uint64_t digits = 0;
    if (text.len - begin > EXACT_DIGITS + 1)
        return false;
    for (size_t at = begin; at < text.len; at++) {
        if (text.ptr[at] == '.' && point == text.len)
            point = at;
        else if (text.ptr[at] >= '0' && text.ptr[at] <= '9')
            digits = digits * 10 + (uint64_t)(text.ptr[at] - '0');
        else
            return false;
    }
    bool has_zeros = text.len - begin > 1 && text.ptr[begin] == '0' && point != begin + 1;
    bool is_whole = point > begin && point + 1 != text.len;
    if (!is_whole || has_zeros || digits == 0)
        return false;
    double value = (double)digits / tens[point < text.len ? text.len - point - 1 : 0];
    *out = is_negative ? -value : value;
    return true;
}

bool vv_number_parse(struct vv_str text, double *out)
{
    char small[64];
    if (text.len == 0)
        return false;
    if (parse_short(text, out))
        return true;
    if (text.len < sizeof(small)) {
        memcpy(small, text.ptr, text.len);
        small[text.len] = '\0';
        return parse_terminated(small, text.len, out);
    }
    char *copy = vv_malloc(text.len + 1);
    if (!copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    bool ok = parse_terminated(copy, text.len, out);
    vv_free(copy);
    return ok;
}

/* An allocator for the one small block that writing a number needs: the caller's buffer. */
static void *borrow(void *context, size_t bytes)
{
    return bytes <= VV_NUMBER_BYTES ? context : NULL;
}

static void *borrow_again(void *context, void *old, size_t old_bytes, size_t bytes)
{
    (void)old;
    (void)old_bytes;
    return borrow(context, bytes);
}

static void give_back(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

size_t vv_number_format(double value, char out[VV_NUMBER_BYTES])
{
    VV_PRE(isfinite(value));
    yyjson_alc allocator = {borrow, borrow_again, give_back, out};
    yyjson_val number = {0};
    number.tag = (uint64_t)YYJSON_TYPE_NUM | (uint64_t)YYJSON_SUBTYPE_REAL;
    number.uni.f64 = value;
    size_t len = 0;
    char *text = yyjson_val_write_opts(&number, YYJSON_WRITE_NOFLAG, &allocator, &len, NULL);
    VV_PRE(text == out && len < VV_NUMBER_BYTES);
    return len;
}

bool vv_bytes_parse(struct vv_str text, int64_t *out)
{
    static const char units[] = "bkmgt";
    int64_t number = 0;
    size_t unit = 0;
    size_t len = text.len;
    if (len > 1 && (text.ptr[len - 1] == 'b' || text.ptr[len - 1] == 'B') &&
        (text.ptr[len - 2] < '0' || text.ptr[len - 2] > '9'))
        len--;
    for (size_t i = 0; len > 0 && units[i] != '\0'; i++)
        if ((text.ptr[len - 1] | 0x20) == units[i])
            unit = i + 1;
    if (unit > 0)
        len--;
    if (!vv_str_int64((struct vv_str){text.ptr, len}, &number) || number < 0)
        return false;
    for (size_t i = 1; i < unit; i++)
        if (__builtin_mul_overflow(number, INT64_C(1024), &number))
            return false;
    *out = number;
    return true;
}

__extension__ typedef unsigned __int128 uint128;
__extension__ typedef __int128 int128;

size_t vv_number_format_decimal(const void *bytes, size_t len, uint8_t scale,
    char out[VV_NUMBER_BYTES])
{
    uint128 bits = 0;
    char text[VV_NUMBER_BYTES];
    size_t at = sizeof(text);
    VV_PRE(len >= 1 && len <= sizeof(bits) && scale <= 38);
    memcpy(&bits, bytes, len);
    uint32_t unused_bits = 128 - 8 * (uint32_t)len;
    int128 number = (int128)(bits << unused_bits) >> unused_bits;
    uint128 rest = number < 0 ? -(uint128)number : (uint128)number;
    for (uint8_t digit = 0; rest > 0 || digit <= scale; digit++) {
        if (digit == scale && scale > 0)
            text[--at] = '.';
        text[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    }
    if (number < 0)
        text[--at] = '-';
    memcpy(out, text + at, sizeof(text) - at);
    out[sizeof(text) - at] = '\0';
    return sizeof(text) - at;
}

struct vv_size_text vv_size_text(int64_t bytes)
{
    struct vv_size_text text;
    if (bytes < 1000)
        (void)snprintf(text.chars, sizeof(text.chars), "%" PRId64 " byte%s", bytes,
            vv_plural(bytes));
    else if (bytes < 999950)
        (void)snprintf(text.chars, sizeof(text.chars), "%.1f KB", (double)bytes / 1e3);
    else
        (void)snprintf(text.chars, sizeof(text.chars), "%.1f MB", (double)bytes / 1e6);
    return text;
}
