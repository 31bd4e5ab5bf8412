#include "delta/decimal.h"

/* Takes the digits up to the first other byte; those in front of the point count into `point`. */
static bool take_digits(struct vv_str *text, bool is_fraction, struct vv_decimal *decimal,
    size_t *zeros, bool *any)
{
    for (; text->len > 0 && text->ptr[0] >= '0' && text->ptr[0] <= '9';
         *text = vv_str_skip(*text, 1)) {
        *any = true;
        if (decimal->len == 0 && *zeros == 0 && text->ptr[0] == '0') {
            decimal->point -= is_fraction ? 1 : 0;
            continue;
        }
        decimal->point += is_fraction ? 0 : 1;
        if (decimal->point > VV_DECIMAL_POINT_MAX)
            return false;
        /* Zeros are kept back: those at the end are no digits. */
        if (text->ptr[0] == '0') {
            (*zeros)++;
            continue;
        }
        if (decimal->len + *zeros >= VV_DECIMAL_DIGITS_MAX)
            return false;
        memset(decimal->digits + decimal->len, '0', *zeros);
        decimal->len += *zeros;
        *zeros = 0;
        decimal->digits[decimal->len++] = text->ptr[0];
    }
    return decimal->point >= -VV_DECIMAL_POINT_MAX;
}

static bool take_exponent(struct vv_str text, struct vv_decimal *decimal)
{
    int64_t exponent;

    if (text.len == 0)
        return true;
    if (text.ptr[0] != 'e' && text.ptr[0] != 'E')
        return false;
    text = vv_str_skip(text, 1);
    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-')
        text = vv_str_skip(text, 1);
    if (!vv_str_int64(text, &exponent) || exponent < -2 * VV_DECIMAL_POINT_MAX ||
        exponent > 2 * VV_DECIMAL_POINT_MAX)
        return false;
    decimal->point += (int32_t)exponent;
    return true;
}

bool vv_decimal_parse(struct vv_str text, struct vv_decimal *out)
{
    struct vv_decimal decimal = {0};
    size_t zeros = 0;
    bool any = false;

    if (text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+')) {
        decimal.negative = text.ptr[0] == '-';
        text = vv_str_skip(text, 1);
    }
    if (!take_digits(&text, false, &decimal, &zeros, &any))
        return false;
    if (text.len > 0 && text.ptr[0] == '.') {
        text = vv_str_skip(text, 1);
        if (!take_digits(&text, true, &decimal, &zeros, &any))
            return false;
    }
    if (!any || !take_exponent(text, &decimal))
        return false;
    if (decimal.len == 0) {
        decimal.point = 0;
        decimal.negative = false;
    }
    if (decimal.point < -VV_DECIMAL_POINT_MAX || decimal.point > VV_DECIMAL_POINT_MAX)
        return false;
    *out = decimal;
    return true;
}

static int cmp_magnitude(const struct vv_decimal *a, const struct vv_decimal *b)
{
    if (a->len == 0 || b->len == 0)
        return (a->len > 0) - (b->len > 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    return vv_str_cmp((struct vv_str){a->digits, a->len}, (struct vv_str){b->digits, b->len});
}

int vv_decimal_cmp(const struct vv_decimal *a, const struct vv_decimal *b)
{
    if (a->negative != b->negative)
        return a->negative ? -1 : 1;
    return a->negative ? cmp_magnitude(b, a) : cmp_magnitude(a, b);
}

void vv_decimal_round(struct vv_decimal *decimal, size_t len)
{
    VV_PRE(len > 0);
    if (decimal->len <= len)
        return;
    bool up = decimal->digits[len] >= '5';
    decimal->len = len;
    while (up && decimal->len > 0 && decimal->digits[decimal->len - 1] == '9')
        decimal->len--;
    if (up && decimal->len > 0) {
        decimal->digits[decimal->len - 1]++;
    } else if (up) {
        decimal->digits[decimal->len++] = '1';
        decimal->point++;
    }
    while (decimal->len > 1 && decimal->digits[decimal->len - 1] == '0')
        decimal->len--;
}

/* The digit with the weight 10^-index after the decimal point of the digits: 0 beyond them. */
static char digit_at(const struct vv_decimal *decimal, int32_t index)
{
    return index >= 0 && (size_t)index < decimal->len ? decimal->digits[index] : '0';
}

void vv_decimal_write_plain(const struct vv_decimal *decimal, size_t scale, struct vv_buf *out)
{
    int32_t end = decimal->point + (int32_t)scale;

    if (end < (int32_t)decimal->len)
        end = (int32_t)decimal->len;
    if (decimal->negative)
        vv_buf_addc(out, '-');
    if (decimal->point <= 0)
        vv_buf_addc(out, '0');
    for (int32_t index = 0; index < decimal->point; index++)
        vv_buf_addc(out, digit_at(decimal, index));
    if (end > decimal->point)
        vv_buf_addc(out, '.');
    for (int32_t index = decimal->point; index < end; index++)
        vv_buf_addc(out, digit_at(decimal, index));
}

void vv_decimal_write_scientific(const struct vv_decimal *decimal, struct vv_buf *out)
{
    if (decimal->negative)
        vv_buf_addc(out, '-');
    vv_buf_addc(out, digit_at(decimal, 0));
    vv_buf_addc(out, '.');
    vv_buf_addc(out, digit_at(decimal, 1));
    for (size_t index = 2; index < decimal->len; index++)
        vv_buf_addc(out, decimal->digits[index]);
    vv_buf_addf(out, "E%" PRId32, decimal->point - 1);
}
