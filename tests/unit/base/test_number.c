#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/seam.h"

#include "harness/prop.h"
#include "harness/test.h"

TEST(number, parses_by_the_grammar_of_json_and_the_names)
{
    static const struct {
        const char *text;
        bool ok;
        double value;
    } cases[] = {
        {"0", true, 0},
        {"-0.0", true, -0.0},
        {"1", true, 1},
        {"-12.5", true, -12.5},
        {"1e3", true, 1000},
        {"1.5E-3", true, 0.0015},
        {"0.1", true, 0.1},
        {"9007199254740993", true, 9007199254740992.0},
        {"18446744073709551616", true, 18446744073709551616.0},
        {"1.7976931348623157e308", true, DBL_MAX},
        {"5e-324", true, 5e-324},
        {"1e-999", true, 0},
        {"Infinity", true, (double)INFINITY},
        {"-Infinity", true, -(double)INFINITY},
        {"inf", true, (double)INFINITY},
        {"1e999", false, 0},
        {"-1e999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {".5", false, 0},
        {"5.", false, 0},
        {"01", false, 0},
        {"1e", false, 0},
        {"1,5", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"0x10", false, 0},
        {"infinite", false, 0},
        {"true", false, 0},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        double value = 77;
        CHECK_INT(vv_number_parse(vv_str_of(cases[i].text), &value), cases[i].ok);
        double want = cases[i].ok ? cases[i].value : 77;
        CHECK(memcmp(&value, &want, sizeof(value)) == 0);
    }
    double nan = 0;
    CHECK(vv_str_double(VV_STR("NaN"), &nan));
    CHECK(isnan(nan));
    CHECK(!vv_str_double(VV_STR_NONE, &nan));
    CHECK(!vv_number_parse((struct vv_str){"1\0", 2}, &nan));
}

/* Few digits are read a shorter way, to the same double. */
TEST(number, short_texts_are_rounded_as_long_ones_are)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 20000; i++) {
        char text[64];
        char longer[80];
        int64_t most = prop_int(&prop, 1, INT64_C(9999999999999999));
        size_t decimals = prop_choose(&prop, 5);
        double value = 0;
        double want = 0;
        snprintf(text, sizeof(text), "%s%" PRId64 ".%04d", prop_chance(&prop, 50) ? "-" : "",
            prop_int(&prop, 0, most), (int)prop_choose(&prop, 10000));
        text[strlen(text) - (decimals == 0 ? 5 : 4 - decimals)] = '\0';
        snprintf(longer, sizeof(longer), "%se0", text);
        REQUIRE(vv_number_parse(vv_str_of(text), &value));
        REQUIRE(vv_number_parse(vv_str_of(longer), &want));
        REQUIRE(value == want);
        REQUIRE(value == strtod(text, NULL));
    }
}

TEST(number, long_texts_are_rounded_by_all_their_digits)
{
    /* Just above the middle between 1 and the next double, told by the last of 700 digits. */
    static const char half[] = "1.00000000000000011102230246251565404236316680908203125";
    char text[900];
    snprintf(text, sizeof(text), "%s", half);
    memset(text + sizeof(half) - 1, '0', 700 - sizeof(half));
    text[699] = '\0';
    double value = 0;
    CHECK(vv_number_parse(vv_str_of(text), &value));
    CHECK(value == 1.0);
    text[698] = '1';
    CHECK(vv_number_parse(vv_str_of(text), &value));
    CHECK(value == 1.0 + DBL_EPSILON);
    vv_seam_fail_allocation(1);
    CHECK(!vv_number_parse(vv_str_of(text), &value));
}

TEST(number, formats_stay_floats)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0.0"},
        {-0.0, "-0.0"},
        {1, "1.0"},
        {-250, "-250.0"},
        {0.1, "0.1"},
        {1.0 / 3, "0.3333333333333333"},
        {123456.789, "123456.789"},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        char text[VV_NUMBER_BYTES];
        CHECK_INT(vv_number_format(cases[i].value, text), strlen(cases[i].text));
        CHECK_STR(text, cases[i].text);
    }
}

TEST(number, the_locale_changes_nothing)
{
    static const char *const names[] = {
        "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "fr_FR.utf8"};
    bool set = false;
    for (size_t i = 0; i < VV_COUNT(names) && !set; i++)
        set = setlocale(LC_ALL, names[i]) != NULL;
    if (!set)
        SKIP("no locale with a decimal comma on this machine");
    double value = 0;
    CHECK(vv_number_parse(VV_STR("1.5"), &value));
    CHECK(value == 1.5);
    char text[VV_NUMBER_BYTES];
    (void)vv_number_format(1.5, text);
    CHECK_STR(text, "1.5");
}

TEST(number, every_double_comes_back_bit_for_bit)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 50000; i++) {
        double value = prop_double(&prop);
        if (!isfinite(value))
            continue;
        char text[VV_NUMBER_BYTES];
        size_t len = vv_number_format(value, text);
        double back = 0;
        REQUIRE(vv_number_parse((struct vv_str){text, len}, &back));
        REQUIRE(CHECK_DOUBLE(back, value));
        REQUIRE(CHECK_DOUBLE(strtod(text, NULL), value));
        REQUIRE(strpbrk(text, ".eE") != NULL);

        /* Not more digits than the shortest that printf finds. */
        char want[64];
        int digits = 1;
        do
            snprintf(want, sizeof(want), "%.*e", digits++ - 1, value);
        while (strtod(want, NULL) != value);
        size_t shortest = strspn(want + (want[0] == '-'), "0123456789.");
        size_t figures = 0;
        size_t zeros = 0;
        for (size_t at = 0; at < len && text[at] != 'e'; at++) {
            bool digit = text[at] >= '0' && text[at] <= '9';
            if (digit && (figures > 0 || text[at] != '0'))
                figures++;
            zeros = text[at] == '0' ? zeros + 1 : digit ? 0 : zeros;
        }
        REQUIRE(figures - (figures > 0 ? zeros : 0) <= shortest);
    }
}

TEST(number, parsing_agrees_with_strtod)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 50000; i++) {
        char text[80];
        snprintf(text, sizeof(text), "%s%d.%llde%d", prop_chance(&prop, 50) ? "-" : "",
            (int)prop_int(&prop, 0, 99999), (long long)prop_int(&prop, 0, INT64_MAX),
            (int)prop_int(&prop, -340, 300));
        double value = 0;
        REQUIRE(vv_number_parse(vv_str_of(text), &value));
        REQUIRE(CHECK_DOUBLE(value, strtod(text, NULL)));
    }
}

TEST(number, sizes_are_shown_in_the_unit_that_says_something)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {{0, "0 bytes"}, {1, "1 byte"}, {999, "999 bytes"}, {1000, "1.0 KB"},
        {999949, "999.9 KB"}, {999950, "1.0 MB"}, {431000000, "431.0 MB"}};
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_STR(vv_str_of(vv_size_text(cases[i].bytes).chars), vv_str_of(cases[i].text));
}

TEST(number, bytes_are_read_as_spark_writes_them)
{
    static const struct {
        const char *text;
        int64_t bytes; /* -1: none */
    } cases[] = {{"0", 0}, {"104857600", 104857600}, {"7b", 7}, {"1k", 1024}, {"1KB", 1024},
        {"100mb", 104857600}, {"2G", INT64_C(2) << 30}, {"1tb", INT64_C(1) << 40}, {"", -1},
        {"b", -1}, {"mb", -1}, {"-1", -1}, {"1x", -1}, {"1.5m", -1}, {"1 m", -1},
        {"9223372036854775807", INT64_MAX}, {"9007199254740992k", -1}};
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        int64_t bytes = -1;
        CHECK_INT(vv_bytes_parse(vv_str_of(cases[i].text), &bytes), cases[i].bytes >= 0);
        if (!CHECK_INT(bytes, cases[i].bytes))
            printf("# %s\n", cases[i].text);
    }
}
