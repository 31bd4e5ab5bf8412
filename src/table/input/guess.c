#include "table/input/guess.h"

#include "base/time.h"

/* Every decimal number of so many digits comes back from a double as it was. */
#define DOUBLE_DIGITS_MAX 17

static size_t digits(struct vv_str text)
{
    size_t len = 0;
    while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
        len++;
    return len;
}

/* "-12": a sign, and no zero in front of other digits. What follows comes out. */
static bool take_whole(struct vv_str *text, size_t *out_digits)
{
    struct vv_str rest = *text;
    if (rest.len > 0 && rest.ptr[0] == '-')
        rest = vv_str_skip(rest, 1);
    size_t len = digits(rest);
    if (len == 0 || (len > 1 && rest.ptr[0] == '0'))
        return false;
    *out_digits = len;
    *text = vv_str_skip(rest, len);
    return true;
}

/* A JSON number of few enough digits; *out_whole: it has neither a fraction nor an exponent. */
static bool is_number(struct vv_str text, bool *out_whole)
{
    size_t whole_len = 0, fraction_len = 0;
    if (!take_whole(&text, &whole_len))
        return false;
    *out_whole = text.len == 0;
    if (text.len > 0 && text.ptr[0] == '.') {
        text = vv_str_skip(text, 1);
        fraction_len = digits(text);
        if (fraction_len == 0)
            return false;
        text = vv_str_skip(text, fraction_len);
    }
    if (text.len > 0 && (text.ptr[0] == 'e' || text.ptr[0] == 'E')) {
        text = vv_str_skip(text, 1);
        if (text.len > 0 && (text.ptr[0] == '+' || text.ptr[0] == '-'))
            text = vv_str_skip(text, 1);
        size_t len = digits(text);
        if (len == 0)
            return false;
        text = vv_str_skip(text, len);
    }
    return text.len == 0 && whole_len + fraction_len <= DOUBLE_DIGITS_MAX;
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
    struct vv_str rest = text;
    size_t len = 0;
    int64_t value = 0;
    return take_whole(&rest, &len) && rest.len == 0 && vv_str_int64(text, &value) &&
           !vv_str_eq(text, VV_STR("-0"));
}

static void judge_number(struct vv_guess *guess, struct vv_str text)
{
    bool is_whole = false;
    bool is_plain = is_number(text, &is_whole);
    double value = 0;
    int64_t whole = 0;
    /* Too great for a double: it would become infinite, or another whole number. */
    bool is_double = is_plain && vv_str_double(text, &value) && value - value == 0.0 &&
                     (!is_whole || (vv_str_int64(text, &whole) && (int64_t)value == whole));
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
