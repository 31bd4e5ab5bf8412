/* Numbers and times as text that reads back as the same value. */
#include "cli/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void vv_text_add_uint(struct vv_text *text, uint64_t value, uint32_t digits)
{
    char reversed[24];
    size_t first = sizeof(reversed);
    while (value > 0 || sizeof(reversed) - first < digits) {
        reversed[--first] = (char)('0' + (int)(value % 10));
        value /= 10;
    }
    vv_text_add(text, reversed + first, sizeof(reversed) - first);
}

void vv_text_add_int(struct vv_text *text, int64_t value)
{
    if (value < 0)
        vv_text_addc(text, '-');
    vv_text_add_uint(text, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 1);
}

/*
 * Prices and money have few decimals: n / 10^4 with n below 2^53 is correctly rounded, so when
 * it equals the value, the digits of n are its text, and (below 16 digits) the shortest one.
 */
static bool add_short_decimal(struct vv_text *text, double value)
{
    double size = fabs(value);
    if (!(size < 1e11) || (size == 0.0 && signbit(value)))
        return false;
    uint64_t scaled = (uint64_t)(size * 1e4 + 0.5);
    if ((double)scaled / 1e4 < size || (double)scaled / 1e4 > size)
        return false;
    uint64_t fraction = scaled % 10000;
    uint32_t digits = 4;
    while (digits > 1 && fraction % 10 == 0) {
        fraction /= 10;
        digits--;
    }
    if (value < 0)
        vv_text_addc(text, '-');
    vv_text_add_uint(text, scaled / 10000, 1);
    vv_text_addc(text, '.');
    vv_text_add_uint(text, fraction, digits);
    return true;
}

static bool add_special(struct vv_text *text, double value)
{
    if (isnan(value))
        vv_text_adds(text, "NaN");
    else if (isinf(value))
        vv_text_adds(text, value < 0 ? "-Infinity" : "Infinity");
    else
        return false;
    return true;
}

/* Digits that look like an integer get ".0", so that a reader sees the type. */
static void add_digits(struct vv_text *text, const char *digits)
{
    vv_text_adds(text, digits);
    if (strpbrk(digits, ".e") == NULL)
        vv_text_adds(text, ".0");
}

void vv_text_add_double(struct vv_text *text, double value)
{
    char digits[40];
    if (add_special(text, value) || add_short_decimal(text, value))
        return;
    int precision = fpclassify(value) == FP_SUBNORMAL ? 1 : 15;
    for (; precision <= 17; precision++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, value);
        double back = strtod(digits, NULL);
        if (memcmp(&back, &value, sizeof(value)) == 0)
            break;
    }
    add_digits(text, digits);
}

void vv_text_add_float(struct vv_text *text, float value)
{
    char digits[40];
    if (add_special(text, (double)value))
        return;
    int precision = fpclassify(value) == FP_SUBNORMAL ? 1 : 6;
    for (; precision <= 9; precision++) {
        (void)snprintf(digits, sizeof(digits), "%.*g", precision, (double)value);
        float back = strtof(digits, NULL);
        if (memcmp(&back, &value, sizeof(value)) == 0)
            break;
    }
    add_digits(text, digits);
}

void vv_text_add_decimal(struct vv_text *text, const uint8_t value[16], int32_t scale)
{
    __extension__ unsigned __int128 size = 0;
    for (size_t i = 16; i > 0; i--)
        size = size << 8 | value[i - 1];
    bool negative = value[15] >> 7 != 0;
    if (negative)
        size = ~size + 1;
    /* 39 digits are the most that 128 bits hold; the scale may ask for zeros before them. */
    char digits[96];
    size_t first = sizeof(digits);
    int32_t written = 0;
    while (first > 2 && (size > 0 || written <= scale)) {
        if (written == scale && scale > 0)
            digits[--first] = '.';
        digits[--first] = (char)('0' + (int)(size % 10));
        size /= 10;
        written++;
    }
    if (negative)
        vv_text_addc(text, '-');
    vv_text_add(text, digits + first, sizeof(digits) - first);
    for (int32_t i = scale; i < 0; i++)
        vv_text_addc(text, '0');
}

static int64_t floor_divide(int64_t value, int64_t by, int64_t *out_rest)
{
    int64_t whole = value / by, rest = value % by;
    if (rest < 0) {
        rest += by;
        whole--;
    }
    *out_rest = rest;
    return whole;
}

/* Counts years from 1 March, so that the leap day is the last of its year. */
void vv_text_add_date(struct vv_text *text, int64_t days)
{
    static const int32_t days_before[] = {
        0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337};
    int64_t day_of_era = 0;
    int64_t era = floor_divide(days + 719468, 146097, &day_of_era);
    int64_t century = day_of_era / 36524 < 4 ? day_of_era / 36524 : 3;
    int64_t day = day_of_era - century * 36524;
    int64_t fours = day / 1461;
    day -= fours * 1461;
    int64_t single = day / 365 < 4 ? day / 365 : 3;
    day -= single * 365;
    int32_t month = 11;
    while (day < days_before[month])
        month--;
    int64_t year = era * 400 + century * 100 + fours * 4 + single + (month >= 10 ? 1 : 0);
    if (year < 0)
        vv_text_addc(text, '-');
    vv_text_add_uint(text, (uint64_t)(year < 0 ? -year : year), 4);
    vv_text_addc(text, '-');
    vv_text_add_uint(text, (uint64_t)(month >= 10 ? month - 9 : month + 3), 2);
    vv_text_addc(text, '-');
    vv_text_add_uint(text, (uint64_t)(day - days_before[month]) + 1, 2);
}

static int64_t units_per_second(uint32_t digits)
{
    return digits >= 9 ? 1000000000 : digits >= 6 ? 1000000 : digits >= 3 ? 1000 : 1;
}

void vv_text_add_clock(struct vv_text *text, int64_t units, uint32_t digits)
{
    int64_t fraction = 0;
    int64_t seconds = floor_divide(units, units_per_second(digits), &fraction);
    uint64_t minutes = (uint64_t)seconds / 60;
    vv_text_add_uint(text, minutes / 60, 2);
    vv_text_addc(text, ':');
    vv_text_add_uint(text, minutes % 60, 2);
    vv_text_addc(text, ':');
    vv_text_add_uint(text, (uint64_t)seconds % 60, 2);
    vv_text_addc(text, '.');
    if (digits >= 9)
        vv_text_add_uint(text, (uint64_t)fraction, 9);
    else
        vv_text_add_uint(text, (uint64_t)(fraction * (1000000 / units_per_second(digits))), 6);
}

void vv_text_add_time(struct vv_text *text, int64_t units, uint32_t digits)
{
    int64_t rest = 0;
    /* How DuckDB stores the two timestamps that lie outside the calendar. */
    if (units == INT64_MAX || units == -INT64_MAX) {
        vv_text_adds(text, units < 0 ? "-infinity" : "infinity");
        return;
    }
    int64_t days = floor_divide(units, 86400 * units_per_second(digits), &rest);
    vv_text_add_date(text, days);
    vv_text_addc(text, 'T');
    vv_text_add_clock(text, rest, digits);
}

struct vv_text_size vv_text_size(int64_t bytes)
{
    struct vv_text_size text;
    bool is_small = bytes < 999950;
    if (bytes < 1000)
        (void)snprintf(text.chars, sizeof(text.chars), "%" PRId64 " byte%s", bytes,
            vv_text_plural(bytes));
    else
        (void)snprintf(text.chars, sizeof(text.chars), "%.1f %s",
            (double)bytes / (is_small ? 1e3 : 1e6), is_small ? "KB" : "MB");
    return text;
}

const char *vv_text_plural(int64_t count)
{
    return count == 1 ? "" : "s";
}
