#include "table/input/guess.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

#define DIGITS_MAX 17  /* that tell a double from every other one */
#define DIGITS_SURE 15 /* every number of so many comes back from a double as it was ... */
#define POWER_SURE 290 /* ... unless it is next to the greatest or the least */

/* "-12.50e3" taken apart. */
struct number {
    struct vv_str whole, fraction;
    int64_t exponent;
    bool is_whole; /* neither fraction nor exponent is written */
};

static size_t digits(struct vv_str text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
        len++;
    return len;
}

/* "-12": a sign, and no zero in front of other digits. What follows comes out. */
static bool take_whole(struct vv_str *text, struct vv_str *out)
{
    struct vv_str rest = *text;
    if (rest.len > 0 && rest.ptr[0] == '-')
        rest = vv_str_skip(rest, 1);
    size_t len = digits(rest);
    if (len == 0 || (len > 1 && rest.ptr[0] == '0'))
        return false;
    *out = vv_str_first(rest, len);
    *text = vv_str_skip(rest, len);
    return true;
}

/* "e+5" up to the end, or nothing. */
static bool take_exponent(struct vv_str text, int64_t *out)
{
    if (text.len == 0)
        return true;
    if (text.ptr[0] != 'e' && text.ptr[0] != 'E')
        return false;
    text = vv_str_skip(text, 1);
    bool is_negative = text.len > 0 && text.ptr[0] == '-';
    if (text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-'))
        text = vv_str_skip(text, 1);
    if (digits(text) != text.len || !vv_str_int64(text, out) || *out > INT32_MAX)
        return false;
    *out = is_negative ? -*out : *out;
    return true;
}

/* As JSON writes numbers. */
static bool is_number(struct vv_str text, struct number *out)
{
    *out = (struct number){.whole = VV_STR("")};
    if (!take_whole(&text, &out->whole))
        return false;
    out->is_whole = text.len == 0;
    if (text.len > 0 && text.ptr[0] == '.') {
        text = vv_str_skip(text, 1);
        out->fraction = vv_str_first(text, digits(text));
        if (out->fraction.len == 0)
            return false;
        text = vv_str_skip(text, out->fraction.len);
    }
    return take_exponent(text, &out->exponent);
}

static char digit_at(const struct number *number, size_t index)
{
    return index < number->whole.len ? number->whole.ptr[index]
                                     : number->fraction.ptr[index - number->whole.len];
}

/*
 * Whether the double that was made of a number, written with as many digits, is that number again. Zeros
 * before and behind the others are none of its digits.
 */
static bool is_kept(const struct number *number, double value)
{
    char written[DIGITS_MAX + 16];
    size_t first = 0;
    size_t end = number->whole.len + number->fraction.len;
    while (first < end && digit_at(number, first) == '0')
        first++;
    while (end > first && digit_at(number, end - 1) == '0')
        end--;
    size_t len = end - first;
    int64_t power = (int64_t)number->whole.len - 1 - (int64_t)first + number->exponent;
    if (len == 0 || len > DIGITS_MAX)
        return len == 0;
    if (len <= DIGITS_SURE && power < POWER_SURE && power > -POWER_SURE)
        return true;
    (void)snprintf(written, sizeof(written), "%.*e", (int)len - 1, value);
    const char *at = written;
    for (; first < end && *at != '\0' && *at != 'e'; at++) {
        if (*at < '0' || *at > '9') /* the sign, and the point whatever it is here */
            continue;
        if (*at != digit_at(number, first++))
            return false;
    }
    return first == end && *at == 'e' && strtol(at + 1, NULL, 10) == power;
}

static bool is_special(struct vv_str text)
{
    static const char *const words[] = {"nan", "inf", "-inf", "infinity", "-infinity"};
    for (size_t i = 0; i < VV_COUNT(words); i++)
        if (vv_str_eq_nocase(text, vv_str_of(words[i])))
            return true;
    return false;
}

static bool is_long(struct vv_str text)
{
    struct vv_str rest = text, whole;
    int64_t value = 0;
    return take_whole(&rest, &whole) && rest.len == 0 && vv_str_int64(text, &value) &&
           !vv_str_eq(text, VV_STR("-0"));
}

static void judge_number(struct vv_guess *guess, struct vv_str text)
{
    struct number number;
    double value = 0;
    bool is_double = is_number(text, &number) && vv_str_double(text, &value) &&
                     value - value == 0.0 && is_kept(&number, value);
    /* Too great for a double: it would become infinite, or another whole number. */
    if (is_double && number.is_whole) {
        int64_t whole = 0;
        is_double = vv_str_int64(text, &whole) && value < 0x1p63 && (int64_t)value == whole;
    }
    guess->not_long = guess->not_long || !is_long(text);
    guess->not_double = guess->not_double || !(is_double || is_special(text));
}

static void judge_time(struct vv_guess *guess, struct vv_str text, bool truncate_time)
{
    int32_t days = 0;
    bool is_finer = false;
    bool is_date = vv_time_parse_date(text, &days);
    bool is_time = vv_time_parse(text, NULL, NULL, &is_finer) && (!is_finer || truncate_time);
    guess->not_date = guess->not_date || !is_date;
    guess->not_timestamp = guess->not_timestamp || !is_time;
}

void vv_guess_take(struct vv_guess *guess, struct vv_str text, enum vv_guess_kind kind,
    bool truncate_time)
{
    bool may_be_number = kind == VV_GUESS_TEXT || kind == VV_GUESS_NUMBER;
    bool may_be_time = kind == VV_GUESS_TEXT || kind == VV_GUESS_STRING;
    bool is_boolean = kind == VV_GUESS_BOOLEAN ||
                      (kind == VV_GUESS_TEXT && (vv_str_eq_nocase(text, VV_STR("true")) ||
                                                    vv_str_eq_nocase(text, VV_STR("false"))));
    if (kind == VV_GUESS_TEXT && text.len == 0)
        return;
    guess->values++;
    guess->has_nested = guess->has_nested || kind == VV_GUESS_NESTED;
    guess->not_boolean = guess->not_boolean || !is_boolean;
    if (may_be_number)
        judge_number(guess, text);
    else
        guess->not_long = guess->not_double = true;
    if (may_be_time)
        judge_time(guess, text, truncate_time);
    else
        guess->not_date = guess->not_timestamp = true;
}

bool vv_guess_type(const struct vv_guess *guess, enum vv_type_kind *out)
{
    if (guess->values == 0)
        return false;
    *out = VV_TYPE_STRING;
    if (!guess->not_long)
        *out = VV_TYPE_LONG;
    else if (!guess->not_double)
        *out = VV_TYPE_DOUBLE;
    else if (!guess->not_boolean)
        *out = VV_TYPE_BOOLEAN;
    else if (!guess->not_date)
        *out = VV_TYPE_DATE;
    else if (!guess->not_timestamp)
        *out = VV_TYPE_TIMESTAMP;
    return true;
}
