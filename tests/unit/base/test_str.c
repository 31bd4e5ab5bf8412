#include "base/str.h"

#include <stdio.h>

#include "harness/prop.h"
#include "harness/test.h"

TEST(str, parts_are_clamped_to_the_text)
{
    struct vv_str text = VV_STR("varve");
    CHECK_STR(vv_str_skip(text, 2), "rve");
    CHECK_STR(vv_str_skip(text, 9), "");
    CHECK_STR(vv_str_first(text, 3), "var");
    CHECK_STR(vv_str_first(text, 9), "varve");
    CHECK_INT(vv_str_skip(VV_STR_NONE, 3).len, 0);
    CHECK_INT(vv_str_of(NULL).len, 0);
}

TEST(str, trim_takes_blanks_from_both_ends_only)
{
    CHECK_STR(vv_str_trim(VV_STR(" \t a b\r\n")), "a b");
    CHECK_STR(vv_str_trim(VV_STR(" \v\f ")), "");
    CHECK_STR(vv_str_trim(VV_STR("")), "");
    CHECK_INT(vv_str_trim(VV_STR_NONE).len, 0);
}

TEST(str, compares_by_unsigned_bytes)
{
    CHECK(vv_str_eq(VV_STR("ab"), VV_STR("ab")));
    CHECK(!vv_str_eq(VV_STR("ab"), VV_STR("abc")));
    CHECK(!vv_str_eq(VV_STR("ab"), VV_STR("aB")));
    CHECK(vv_str_eq(VV_STR_NONE, VV_STR("")));
    CHECK(vv_str_eq_nocase(VV_STR("DATE"), VV_STR("date")));
    CHECK(!vv_str_eq_nocase(VV_STR("[a"), VV_STR("{a")));
    CHECK(!vv_str_eq_nocase(VV_STR("a"), VV_STR("ab")));
    CHECK_INT(vv_str_cmp(VV_STR("a"), VV_STR("b")), -1);
    CHECK_INT(vv_str_cmp(VV_STR("a\xff"), VV_STR("a\x01")), 1);
    CHECK_INT(vv_str_cmp(VV_STR("a"), VV_STR("ab")), -1);
    CHECK_INT(vv_str_cmp(VV_STR("ab"), VV_STR("a")), 1);
    CHECK_INT(vv_str_cmp(VV_STR("ab"), VV_STR("ab")), 0);
    CHECK_INT(vv_str_cmp(VV_STR_NONE, VV_STR("")), 0);
}

TEST(str, starts_ends_finds)
{
    CHECK(vv_str_starts(VV_STR("_delta_log/0.json"), VV_STR("_delta_log/")));
    CHECK(!vv_str_starts(VV_STR("_delta"), VV_STR("_delta_log/")));
    CHECK(vv_str_ends(VV_STR("0.json"), VV_STR(".json")));
    CHECK(!vv_str_ends(VV_STR("json"), VV_STR(".json")));
    CHECK(vv_str_ends(VV_STR(""), VV_STR("")));
    CHECK_INT(vv_str_find(VV_STR("a=b=c"), '='), 1);
    CHECK_INT(vv_str_find(VV_STR("abc"), '='), 3);
    CHECK_INT(vv_str_find(VV_STR_NONE, '='), 0);
}

TEST(str, split_gives_every_part_once)
{
    struct vv_str rest = VV_STR("a,,b,");
    struct vv_str part;
    const char *const parts[] = {"a", "", "b", ""};
    for (size_t i = 0; i < VV_COUNT(parts); i++) {
        CHECK(vv_str_split(&rest, ',', &part));
        CHECK_STR(part, parts[i]);
    }
    CHECK(!vv_str_split(&rest, ',', &part));

    rest = VV_STR("");
    CHECK(vv_str_split(&rest, ',', &part));
    CHECK_STR(part, "");
    CHECK(!vv_str_split(&rest, ',', &part));
    rest = VV_STR_NONE;
    CHECK(!vv_str_split(&rest, ',', &part));
}

TEST(str, int64_takes_the_whole_range_and_nothing_else)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"99999999999999999999", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        int64_t value = 77;
        CHECK_INT(vv_str_int64(vv_str_of(cases[i].text), &value), cases[i].ok);
        CHECK_INT(value, cases[i].ok ? cases[i].value : 77);
    }
    int64_t value = 77;
    CHECK(!vv_str_int64(VV_STR_NONE, &value));
}

TEST(str, hash_depends_on_the_bytes_alone)
{
    char copy[] = "alpha";
    CHECK(vv_str_hash(VV_STR("alpha")) == vv_str_hash(vv_str_of(copy)));
    CHECK(vv_str_hash(VV_STR("alpha")) != vv_str_hash(VV_STR("alphb")));
    CHECK(vv_str_hash(VV_STR_NONE) == vv_str_hash(VV_STR("")));
}

TEST(str, utf8_is_told_from_what_looks_like_it)
{
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"", true},
        {"plain text longer than eight bytes", true},
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", true},
        {"\xED\x9F\xBF", true},      /* U+D7FF */
        {"\xEE\x80\x80", true},      /* U+E000 */
        {"\xF4\x8F\xBF\xBF", true},  /* U+10FFFF */
        {"\xC0\x80", false},         /* overlong NUL */
        {"\xC1\xBF", false},         /* overlong */
        {"\xE0\x9F\xBF", false},     /* overlong */
        {"\xF0\x8F\xBF\xBF", false}, /* overlong */
        {"\xED\xA0\x80", false},     /* surrogate */
        {"\xF4\x90\x80\x80", false}, /* over U+10FFFF */
        {"\xF5\x80\x80\x80", false},
        {"\x80", false},
        {"\xFF", false},
        {"\xC3", false},
        {"\xE2\x82", false},
        {"\xF0\x9F\x98", false},
        {"\xE2\x28\xA1", false},
        {"\xE2\x82\x28", false},
        {"eight by\xC3", false},
        {"12345678\x80"
         "2345678",
            false},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        CHECK_INT(vv_utf8_valid(vv_str_of(cases[i].text)), cases[i].valid);
        /* The same behind a run that is checked eight bytes at a time. */
        char shifted[64] = "abcdefgh";
        strncat(shifted, cases[i].text, sizeof(shifted) - 9);
        CHECK_INT(vv_utf8_valid(vv_str_of(shifted)), cases[i].valid);
    }
}

TEST(str, a_bad_byte_is_found_wherever_it_is)
{
    for (size_t at = 0; at < 20; at++) {
        char text[] = "twenty ASCII letters";
        CHECK(vv_utf8_valid(vv_str_of(text)));
        text[at] = '\xBF';
        CHECK(!vv_utf8_valid(vv_str_of(text)));
    }
}

TEST(str, first_character_is_measured_within_the_text)
{
    CHECK_INT(vv_utf8_first(VV_STR("")), 0);
    CHECK_INT(vv_utf8_first(VV_STR("a")), 1);
    CHECK_INT(vv_utf8_first(VV_STR("\xE2\x82\xAC!")), 3);
    CHECK_INT(vv_utf8_first(vv_str_first(VV_STR("\xE2\x82\xAC"), 2)), 0);
}

TEST(str, every_int64_is_read_back)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 50000; i++) {
        int64_t value = prop_int(&prop, INT64_MIN, INT64_MAX);
        char text[32];
        snprintf(text, sizeof(text), "%" PRId64, value);
        int64_t back = 0;
        REQUIRE(vv_str_int64(vv_str_of(text), &back));
        REQUIRE(CHECK_INT(back, value));
    }
}

TEST(str, utf8_of_any_kind_is_valid_and_walked_to_its_end)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 20000; i++) {
        char bytes[64];
        struct vv_str text = prop_utf8(&prop, bytes, sizeof(bytes));
        REQUIRE(vv_utf8_valid(text));
        /* Any bytes: the two functions agree. */
        text = prop_bytes(&prop, bytes, 6);
        struct vv_str rest = text;
        while (vv_utf8_first(rest) > 0)
            rest = vv_str_skip(rest, vv_utf8_first(rest));
        REQUIRE(CHECK_INT(vv_utf8_valid(text), rest.len == 0));
    }
}

TEST(str, split_and_join_undo_each_other)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 20000; i++) {
        char bytes[20];
        struct vv_str text = prop_str(&prop, bytes, sizeof(bytes), "ab,");
        char joined[24];
        size_t len = 0;
        struct vv_str rest = text;
        struct vv_str part;
        while (vv_str_split(&rest, ',', &part)) {
            REQUIRE(CHECK_INT(vv_str_find(part, ','), part.len));
            memcpy(joined + len, part.ptr, part.len);
            len += part.len;
            joined[len++] = ',';
        }
        REQUIRE(CHECK_STR(((struct vv_str){joined, len - 1}), text));
    }
}

TEST(str, digits_are_digits_alone)
{
    static const struct {
        const char *text;
        bool is_digits;
    } cases[] = {{"0", true}, {"0123456789", true}, {"99999999999999999999", true}, {"", false},
        {"-1", false}, {"+1", false}, {"1 ", false}, {" 1", false}, {"1a", false}, {"/", false},
        {":", false}};
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_INT(vv_str_is_digits(vv_str_of(cases[i].text)), cases[i].is_digits);
    CHECK(!vv_str_is_digits(VV_STR_NONE));
}
