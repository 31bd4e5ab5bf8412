#include "base/time.h"

#define DAYS_PER_400_YEARS INT64_C(146097)
#define DAYS_PER_100_YEARS INT64_C(36524)
#define DAYS_PER_4_YEARS INT64_C(1461)
#define DAYS_TO_1970 INT64_C(719162)   /* from 0001-01-01 */
#define DAYS_TO_10000 INT64_C(3652059) /* from 0001-01-01 */
#define US_FIRST (-DAYS_TO_1970 * VV_US_PER_DAY)
#define US_LAST ((DAYS_TO_10000 - DAYS_TO_1970) * VV_US_PER_DAY - 1)
#define ZONE_SECONDS_MAX 64800 /* no place was ever more than 18 hours off */

struct date {
    int64_t year;
    int month; /* from 1 */
    int day;   /* from 1 */
};

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of the year before a month; [12] is the length of the year. */
static const int16_t days_before[2][13] = {
    {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
    {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366},
};

static struct date date_of_days(int64_t days)
{
    int64_t rest = days + DAYS_TO_1970;
    int64_t cycles = floor_div(rest, DAYS_PER_400_YEARS);
    rest -= cycles * DAYS_PER_400_YEARS;
    /* The last century of a cycle and the last year of four are one day longer. */
    int64_t centuries = rest / DAYS_PER_100_YEARS;
    centuries -= centuries == 4;
    rest -= centuries * DAYS_PER_100_YEARS;
    int64_t fours = rest / DAYS_PER_4_YEARS;
    rest -= fours * DAYS_PER_4_YEARS;
    int64_t years = rest / 365;
    years -= years == 4;
    rest -= years * 365;

    struct date date = {.year = cycles * 400 + centuries * 100 + fours * 4 + years + 1};
    const int16_t *before = days_before[is_leap(date.year)];
    while (rest >= before[date.month + 1])
        date.month++;
    date.day = (int)(rest - before[date.month]) + 1;
    date.month++;
    return date;
}

/* Of a date with year >= 1. */
static int64_t days_of_date(struct date date)
{
    int64_t past = date.year - 1;
    int64_t days = past * 365 + past / 4 - past / 100 + past / 400;
    return days + days_before[is_leap(date.year)][date.month - 1] + date.day - 1 - DAYS_TO_1970;
}

static char *put_digits(char *at, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

/* Years outside of 0000 to 9999 are no input of ours, but must be told apart in a message. */
static char *put_date(char *at, struct date date)
{
    int64_t year = date.year;
    if (year < 0 || year > 9999)
        *at++ = year < 0 ? '-' : '+';
    if (year < 0)
        year = -year;
    int width = 4;
    for (int64_t limit = 10000; year >= limit; limit *= 10)
        width++;
    at = put_digits(at, year, width);
    *at++ = '-';
    at = put_digits(at, date.month, 2);
    *at++ = '-';
    return put_digits(at, date.day, 2);
}

/* An instant of `per_second` units to the second, with that many digits of fraction. */
static size_t format_instant(int64_t value, int64_t per_second, int digits, char *out)
{
    int64_t per_day = 86400 * per_second;
    int64_t days = floor_div(value, per_day);
    int64_t rest = value % per_day;
    if (rest < 0)
        rest += per_day;
    int64_t seconds = rest / per_second;
    char *at = put_date(out, date_of_days(days));
    *at++ = 'T';
    at = put_digits(at, seconds / 3600, 2);
    *at++ = ':';
    at = put_digits(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = put_digits(at, seconds % 60, 2);
    *at++ = '.';
    at = put_digits(at, rest % per_second, digits);
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

size_t vv_time_format_us(int64_t us, char out[32])
{
    return format_instant(us, VV_US_PER_S, 6, out);
}

size_t vv_time_format_ms(int64_t ms, char out[32])
{
    return format_instant(ms, 1000, 3, out);
}

size_t vv_time_format_date(int32_t days, char out[16])
{
    char *at = put_date(out, date_of_days(days));
    *at = '\0';
    return (size_t)(at - out);
}

int32_t vv_time_date_of(int64_t us)
{
    return (int32_t)floor_div(us, VV_US_PER_DAY);
}

/* Exactly `width` digits off the front of the text. */
static bool take_digits(struct vv_str *text, size_t width, int64_t *out)
{
    if (text->len < width)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i < width; i++) {
        char digit = text->ptr[i];
        if (digit < '0' || digit > '9')
            return false;
        value = value * 10 + (digit - '0');
    }
    *text = vv_str_skip(*text, width);
    *out = value;
    return true;
}

static bool take_byte(struct vv_str *text, char byte)
{
    if (text->len == 0 || text->ptr[0] != byte)
        return false;
    *text = vv_str_skip(*text, 1);
    return true;
}

static bool take_date(struct vv_str *text, int64_t *out_days)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    if (!take_digits(text, 4, &year) || !take_byte(text, '-') ||
        !take_digits(text, 2, &month) || !take_byte(text, '-') || !take_digits(text, 2, &day))
        return false;
    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    const int16_t *before = days_before[is_leap(year)];
    if (day > before[month] - before[month - 1])
        return false;
    *out_days = days_of_date((struct date){year, (int)month, (int)day});
    return true;
}

/* Behind the point: 1 to 9 digits. */
static bool take_fraction(struct vv_str *text, int64_t *out_us, bool *out_finer)
{
    int64_t nanoseconds = 0;
    int64_t unit = 100000000;
    int64_t digit = 0;
    struct vv_str before = *text;
    while (unit > 0 && take_digits(text, 1, &digit)) {
        nanoseconds += digit * unit;
        unit /= 10;
    }
    if (text->len == before.len)
        return false;
    *out_us = nanoseconds / 1000;
    *out_finer = nanoseconds % 1000 != 0;
    return true;
}

/* "hh:mm[:ss[.f...]]" as microseconds of the day. */
static bool take_clock(struct vv_str *text, int64_t *out_us, bool *out_finer)
{
    int64_t hours = 0;
    int64_t minutes = 0;
    int64_t seconds = 0;
    int64_t us = 0;
    if (!take_digits(text, 2, &hours) || !take_byte(text, ':') ||
        !take_digits(text, 2, &minutes))
        return false;
    if (take_byte(text, ':')) {
        if (!take_digits(text, 2, &seconds))
            return false;
        if (take_byte(text, '.') && !take_fraction(text, &us, out_finer))
            return false;
    }
    if (hours > 23 || minutes > 59 || seconds > 59)
        return false;
    *out_us = ((hours * 60 + minutes) * 60 + seconds) * VV_US_PER_S + us;
    return true;
}

/* All that is left: nothing, "Z", "+hh", "+hhmm", "+hh:mm", "+hh:mm:ss". */
static bool take_zone(struct vv_str *text, int64_t *out_seconds, bool *out_has_zone)
{
    *out_seconds = 0;
    *out_has_zone = text->len > 0;
    if (text->len == 0 || take_byte(text, 'Z'))
        return text->len == 0;
    bool west = take_byte(text, '-');
    if (!west && !take_byte(text, '+'))
        return false;
    int64_t hours = 0;
    int64_t minutes = 0;
    int64_t seconds = 0;
    if (!take_digits(text, 2, &hours))
        return false;
    bool colon = take_byte(text, ':');
    if ((colon || text->len > 0) && !take_digits(text, 2, &minutes))
        return false;
    if (colon && take_byte(text, ':') && !take_digits(text, 2, &seconds))
        return false;
    int64_t offset = (hours * 60 + minutes) * 60 + seconds;
    if (text->len > 0 || minutes > 59 || seconds > 59 || offset > ZONE_SECONDS_MAX)
        return false;
    *out_seconds = west ? -offset : offset;
    return true;
}

bool vv_time_parse(struct vv_str text, int64_t *out_us, bool *out_has_zone, bool *out_finer)
{
    int64_t days = 0;
    int64_t us = 0;
    int64_t zone_seconds = 0;
    bool has_zone = false;
    bool finer = false;
    if (!take_date(&text, &days))
        return false;
    if (text.len > 0) {
        if (!take_byte(&text, 'T') && !take_byte(&text, ' '))
            return false;
        if (!take_clock(&text, &us, &finer) || !take_zone(&text, &zone_seconds, &has_zone))
            return false;
    }
    us += days * VV_US_PER_DAY - zone_seconds * VV_US_PER_S;
    if (us < US_FIRST || us > US_LAST)
        return false;
    if (out_us)
        *out_us = us;
    if (out_has_zone)
        *out_has_zone = has_zone;
    if (out_finer)
        *out_finer = finer;
    return true;
}

bool vv_time_parse_date(struct vv_str text, int32_t *out_days)
{
    int64_t days = 0;
    if (!take_date(&text, &days) || text.len > 0)
        return false;
    if (out_days)
        *out_days = (int32_t)days;
    return true;
}

static bool unit_us(struct vv_str name, int64_t *out_us)
{
    static const struct {
        const char *letter; /* what a person types */
        const char *word;   /* what Spark writes, with or without an 's' */
        int64_t us;
    } units[] = {
        {NULL, "microsecond", 1},
        {NULL, "millisecond", VV_US_PER_MS},
        {"s", "second", VV_US_PER_S},
        {"m", "minute", 60 * VV_US_PER_S},
        {"h", "hour", 3600 * VV_US_PER_S},
        {"d", "day", VV_US_PER_DAY},
        {"w", "week", 7 * VV_US_PER_DAY},
    };
    struct vv_str singular = name;
    if (name.len > 1 && (name.ptr[name.len - 1] == 's' || name.ptr[name.len - 1] == 'S'))
        singular.len--;
    for (size_t i = 0; i < VV_COUNT(units); i++) {
        bool is_letter = units[i].letter && vv_str_eq(name, vv_str_of(units[i].letter));
        if (is_letter || vv_str_eq_nocase(singular, vv_str_of(units[i].word))) {
            *out_us = units[i].us;
            return true;
        }
    }
    return false;
}

/* "7 days" or "7d" off the front, with the blanks around it. */
static bool take_amount(struct vv_str *text, int64_t *out_us)
{
    size_t digits = 0;
    while (digits < text->len && text->ptr[digits] >= '0' && text->ptr[digits] <= '9')
        digits++;
    int64_t count = 0;
    if (!vv_str_int64(vv_str_first(*text, digits), &count))
        return false;
    *text = vv_str_trim(vv_str_skip(*text, digits));
    size_t letters = 0;
    while (letters < text->len && text->ptr[letters] != ' ' &&
           (text->ptr[letters] < '0' || text->ptr[letters] > '9'))
        letters++;
    int64_t unit = 0;
    if (!unit_us(vv_str_first(*text, letters), &unit))
        return false;
    *text = vv_str_trim(vv_str_skip(*text, letters));
    return !__builtin_mul_overflow(count, unit, out_us);
}

bool vv_time_parse_duration(struct vv_str text, int64_t *out_us)
{
    static const struct vv_str keyword = {"interval ", 9};
    text = vv_str_trim(text);
    if (vv_str_eq_nocase(vv_str_first(text, keyword.len), keyword))
        text = vv_str_trim(vv_str_skip(text, keyword.len));
    if (text.len == 0)
        return false;
    int64_t total = 0;
    while (text.len > 0) {
        int64_t us = 0;
        if (!take_amount(&text, &us) || __builtin_add_overflow(total, us, &total))
            return false;
    }
    *out_us = total;
    return true;
}

static bool parse_human(struct vv_str text, int64_t now_us, int64_t *out_us, bool *out_finer)
{
    *out_finer = false;
    text = vv_str_trim(text);
    if (vv_str_eq_nocase(text, VV_STR("now"))) {
        *out_us = now_us;
        return true;
    }
    if (!take_byte(&text, '-'))
        return vv_time_parse(text, out_us, NULL, out_finer);
    int64_t back = 0;
    int64_t us = 0;
    if (!vv_time_parse_duration(text, &back) || __builtin_sub_overflow(now_us, back, &us))
        return false;
    if (us < US_FIRST || us > US_LAST)
        return false;
    *out_us = us;
    return true;
}

bool vv_time_parse_human(struct vv_str text, int64_t now_us, int64_t *out_us)
{
    bool is_finer;
    return parse_human(text, now_us, out_us, &is_finer);
}

bool vv_time_parse_bound(struct vv_str text, int64_t now_us, int64_t *out_us)
{
    bool is_finer;
    if (!parse_human(text, now_us, out_us, &is_finer))
        return false;
    *out_us += is_finer ? 1 : 0;
    return true;
}
