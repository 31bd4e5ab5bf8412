#include "cli/text.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/prop.h"
#include "harness/test.h"

TEST(text, doubles_are_the_shortest_that_read_back)
{
    static const struct number {
        double value;
        const char *text;
    } numbers[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {20, "20.0"},
        {-1.5, "-1.5"},
        {0.1, "0.1"},
        {14.07, "14.07"},
        {-0.0001, "-0.0001"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1e11, "100000000000.0"},
        {123456789.123456789, "123456789.12345679"},
        {1e22, "1e+22"},
        {1e-7, "1e-07"},
        {5e-324, "5e-324"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {(double)NAN, "NaN"},
        {(double)INFINITY, "Infinity"},
        {-(double)INFINITY, "-Infinity"},
    };
    for (size_t i = 0; i < VV_COUNT(numbers); i++) {
        struct vv_text text = {0};
        vv_text_add_double(&text, numbers[i].value);
        CHECK_STR(vv_text_chars(&text), numbers[i].text);
        vv_text_done(&text);
    }
}

TEST(text, any_double_reads_back_bit_for_bit)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 20000; i++) {
        struct vv_text text = {0};
        double value = i % 2 == 0 ? prop_double(&prop)
                                  : (double)prop_int(&prop, -1000000000000, 1000000000000) /
                                        (i % 4 == 1 ? 100.0 : 1e4);
        if (!isfinite(value))
            continue;
        vv_text_add_double(&text, value);
        CHECK_DOUBLE(strtod(vv_text_chars(&text), NULL), value);
        vv_text_done(&text);
    }
}

TEST(text, floats_have_the_digits_of_a_float)
{
    struct vv_text text = {0};
    vv_text_add_float(&text, 1.1F);
    vv_text_addc(&text, ' ');
    vv_text_add_float(&text, 16777216.0F);
    vv_text_addc(&text, ' ');
    vv_text_add_float(&text, 1e-45F);
    CHECK_STR(vv_text_chars(&text), "1.1 16777216.0 1e-45");
    vv_text_done(&text);
}

static void check_decimal(int64_t low, int64_t high, int32_t scale, const char *expected)
{
    struct vv_text text = {0};
    uint8_t bytes[16];
    memcpy(bytes, &low, 8);
    memcpy(bytes + 8, &high, 8);
    vv_text_add_decimal(&text, bytes, scale);
    CHECK_STR(vv_text_chars(&text), expected);
    vv_text_done(&text);
}

TEST(text, decimals_are_exact)
{
    check_decimal(0, 0, 0, "0");
    check_decimal(0, 0, 2, "0.00");
    check_decimal(5, 0, 2, "0.05");
    check_decimal(-5, -1, 2, "-0.05");
    check_decimal(12345, 0, 2, "123.45");
    check_decimal(7, 0, -3, "7000");
    check_decimal(-1, INT64_MAX, 0, "170141183460469231731687303715884105727");
    check_decimal(0, INT64_MIN, 38, "-1.70141183460469231731687303715884105728");
    check_decimal(1, 0, 38, "0.00000000000000000000000000000000000001");
}

TEST(text, times_follow_the_calendar)
{
    static const struct moment {
        int64_t us;
        const char *text;
    } moments[] = {
        {0, "1970-01-01T00:00:00.000000"},
        {-1, "1969-12-31T23:59:59.999999"},
        {1738231200123456, "2025-01-30T10:00:00.123456"},
        {951782400000000, "2000-02-29T00:00:00.000000"},
        {-2203891200000000, "1900-03-01T00:00:00.000000"},
        {4107542399999999, "2100-02-28T23:59:59.999999"},
        {4107542400000000, "2100-03-01T00:00:00.000000"},
        {253402300799999999, "9999-12-31T23:59:59.999999"},
        {-62135596800000000, "0001-01-01T00:00:00.000000"},
        {INT64_MAX, "infinity"},
        {-INT64_MAX, "-infinity"},
    };
    for (size_t i = 0; i < VV_COUNT(moments); i++) {
        struct vv_text text = {0};
        vv_text_add_time(&text, moments[i].us, 6);
        CHECK_STR(vv_text_chars(&text), moments[i].text);
        vv_text_done(&text);
    }
}

TEST(text, every_day_of_four_centuries_follows_the_one_before)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = 1970, month = 1, day = 1;
    for (int64_t days = 0; days < 146097; days++) {
        char expected[48];
        struct vv_text text = {0};
        (void)snprintf(expected, sizeof(expected), "%04d-%02d-%02d", year, month, day);
        vv_text_add_date(&text, days);
        if (!CHECK_STR(vv_text_chars(&text), (const char *)expected))
            return;
        vv_text_done(&text);
        bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int length = lengths[month - 1] + (month == 2 && is_leap ? 1 : 0);
        day = day == length ? 1 : day + 1;
        month = day > 1 ? month : month % 12 + 1;
        year = day == 1 && month == 1 ? year + 1 : year;
    }
}

TEST(text, units_of_time_are_kept_apart)
{
    struct vv_text text = {0};
    vv_text_add_time(&text, 1738231200, 0);
    vv_text_addc(&text, ' ');
    vv_text_add_time(&text, 1738231200123, 3);
    vv_text_addc(&text, ' ');
    vv_text_add_time(&text, 1738231200123456789, 9);
    vv_text_addc(&text, ' ');
    vv_text_add_clock(&text, 36001500, 3);
    CHECK_STR(vv_text_chars(&text), "2025-01-30T10:00:00.000000 2025-01-30T10:00:00.123000 "
                                    "2025-01-30T10:00:00.123456789 10:00:01.500000");
    vv_text_done(&text);
}

static void check_shown(const char *bytes, size_t len, const char *expected)
{
    struct vv_text text = {0};
    vv_text_add_shown(&text, bytes, len);
    CHECK_STR(vv_text_chars(&text), expected);
    vv_text_done(&text);
}

TEST(text, nothing_shown_steers_a_terminal)
{
    check_shown("plain \xc3\xa4", 8, "plain \xc3\xa4");
    check_shown("a\nb\rc\td", 7, "a\\nb\\rc\\td");
    check_shown("\x1b[31m", 5, "\\x1b[31m");
    check_shown("\0", 1, "\\x00");
    check_shown("\x7f", 1, "\\x7f");
    check_shown("\xc2\x9b", 2, "\\u{9b}");             /* CSI in one character */
    check_shown("\xe2\x80\xae", 3, "\\u{202e}");       /* right to left from here */
    check_shown("\xe2\x80\x8b", 3, "\\u{200b}");       /* no width */
    check_shown("\xff\xc3", 2, "\\xff\\xc3");          /* not UTF-8 */
    check_shown("\xc0\x80", 2, "\\xc0\\x80");          /* NUL, too long */
    check_shown("\xed\xa0\x80", 3, "\\xed\\xa0\\x80"); /* half a surrogate pair */
}

static void check_json(const char *bytes, size_t len, const char *expected)
{
    struct vv_text text = {0};
    vv_text_add_json(&text, bytes, len);
    CHECK_STR(vv_text_chars(&text), expected);
    vv_text_done(&text);
}

TEST(text, json_strings_are_valid_whatever_the_bytes)
{
    check_json("", 0, "\"\"");
    check_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    check_json("\n\t\x01", 3, "\"\\n\\u0009\\u0001\"");
    check_json("\xe2\x82\xac!", 4, "\"\xe2\x82\xac!\"");
    check_json("a\xff z", 4, "\"a\xef\xbf\xbd z\"");
}

TEST(text, base64_pads)
{
    static const char *const expected[] = {"", "YQ==", "YWI=", "YWJj", "YWJjZA=="};
    for (size_t len = 0; len < VV_COUNT(expected); len++) {
        struct vv_text text = {0};
        vv_text_add_base64(&text, (const uint8_t *)"abcd", len);
        CHECK_STR(vv_text_chars(&text), expected[len]);
        vv_text_done(&text);
    }
}

TEST(text, columns_of_wide_and_combining_characters)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    CHECK_INT(vv_text_columns("abc", 3), 3);
    CHECK_INT(vv_text_columns("\xc3\xa4", 2), 1);
    CHECK_INT(vv_text_columns("\xe6\xbc\xa2", 3), 2);
    CHECK_INT(vv_text_columns("e\xcc\x81", 3), 1);
    CHECK_INT(vv_text_head("\xe6\xbc\xa2\xe6\xbc\xa2", 6, 3), 3);
    CHECK_INT(vv_text_head("abc", 3, 2), 2);
    CHECK_INT(vv_text_head("abc", 3, 5), 3);
}

TEST(text, long_formats_are_not_cut)
{
    struct vv_text text = {0};
    vv_text_addf(&text, "%0500d", 7);
    CHECK_INT(text.len, 500);
    CHECK(vv_text_chars(&text)[499] == '7');
    vv_text_done(&text);
}
