/*
 * Decimal numbers as the log spells them, of any precision that Delta knows and then some. They
 * never go through a double, which would round beyond 15 digits.
 */
#ifndef VV_DELTA_DECIMAL_H
#define VV_DELTA_DECIMAL_H

#include "base/buf.h"
#include "base/str.h"

#define VV_DECIMAL_DIGITS_MAX 80
#define VV_DECIMAL_POINT_MAX 400
#define VV_DOUBLE_DIGITS 15 /* decimal digits that survive a double */

/* 0.d1d2d3... * 10^point, without zeros at either end of the digits; len 0: zero. */
struct vv_decimal {
    bool negative;
    int32_t point;
    size_t len;
    char digits[VV_DECIMAL_DIGITS_MAX];
};

/* "-12.50", "1E-7", "+3"; false on anything else and beyond the limits above. */
bool vv_decimal_parse(struct vv_str text, struct vv_decimal *out);
int vv_decimal_cmp(const struct vv_decimal *a, const struct vv_decimal *b);
/* To `len` digits, half away from zero. */
void vv_decimal_round(struct vv_decimal *decimal, size_t len);
/* "-12.50": without an exponent, with at least `scale` digits behind the point. */
void vv_decimal_write_plain(const struct vv_decimal *decimal, size_t scale, struct vv_buf *out);
/* "-1.25E-7": one digit before the point, at least one behind it. */
void vv_decimal_write_scientific(const struct vv_decimal *decimal, struct vv_buf *out);

#endif
