#include "delta/decimal.h"

#include "harness/prop.h"
#include "harness/test.h"

static struct vv_str plain(const char *text, size_t scale, struct vv_buf *buf)
{
    struct vv_decimal decimal;

    vv_buf_clear(buf);
    if (!vv_decimal_parse(vv_str_of(text), &decimal))
        return VV_STR("no decimal");
    vv_decimal_write_plain(&decimal, scale, buf);
    return vv_buf_str(buf);
}

TEST(decimal, is_written_plain_with_its_scale)
{
    static const struct {
        const char *text;
        size_t scale;
        const char *plain;
    } cases[] = {
        {"0", 0, "0"},
        {"-0", 2, "0.00"},
        {"1", 0, "1"},
        {"1.23", 18, "1.230000000000000000"},
        {"-12.50", 2, "-12.50"},
        {"00012.5", 1, "12.5"},
        {"100", 0, "100"},
        {"100.500", 1, "100.5"},
        {"0.05", 2, "0.05"},
        {"+7", 1, "7.0"},
        {".5", 1, "0.5"},
        {"5.", 0, "5"},
        {"1E-7", 0, "0.0000001"},
        {"1e+3", 0, "1000"},
        {"1.25E3", 0, "1250"},
        {"12.345", 1, "12.345"},
        {"99999999999999999999999999999999999999", 0, "99999999999999999999999999999999999999"},
    };
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);

    for (size_t i = 0; i < VV_COUNT(cases); i++)
        CHECK_STR(plain(cases[i].text, cases[i].scale, &buf), cases[i].plain);
}

TEST(decimal, refuses_what_is_none)
{
    static const char *const texts[] = {"", "-", "+", ".", "-.", "1.2.3", "1e", "1e+", "1e+-3",
        "e5", "1x", " 1", "1 ", "--1", "NaN", "1e401", "1e-402", "1e99999999999999999999",
        "0x10"};
    struct vv_decimal decimal;
    char digits[VV_DECIMAL_DIGITS_MAX + 1];

    for (size_t i = 0; i < VV_COUNT(texts); i++)
        if (!CHECK(!vv_decimal_parse(vv_str_of(texts[i]), &decimal)))
            CHECK_STR(texts[i], "");
    memset(digits, '9', sizeof(digits));
    CHECK(vv_decimal_parse((struct vv_str){digits, sizeof(digits) - 1}, &decimal));
    CHECK(!vv_decimal_parse((struct vv_str){digits, sizeof(digits)}, &decimal));
}

TEST(decimal, is_ordered_by_value_not_by_text)
{
    /* Ascending; those in one row are equal. */
    static const char *const rows[][3] = {
        {"-1e30", "-1000000000000000000000000000000", "-1E+30"},
        {"-10", "-10.0", "-1e1"},
        {"-9.99", "-9.990", "-009.99"},
        {"-0.001", "-1e-3", "-.001"},
        {"0", "-0.0", "0e10"},
        {"0.000000000000000000000000000000000001", "1e-36", "1E-36"},
        {"0.1", ".10", "1e-1"},
        {"9", "9.0", "+9"},
        {"10", "1e1", "10.00"},
        {"12345678901234567890.123456789012345678", "12345678901234567890.1234567890123456780",
            "1234567890123456789.0123456789012345678e1"},
        {"12345678901234567890.123456789012345679", "12345678901234567890.1234567890123456790",
            "+12345678901234567890.123456789012345679"},
    };

    for (size_t i = 0; i < VV_COUNT(rows) * 3; i++) {
        for (size_t j = 0; j < VV_COUNT(rows) * 3; j++) {
            struct vv_decimal a;
            struct vv_decimal b;

            REQUIRE(vv_decimal_parse(vv_str_of(rows[i / 3][i % 3]), &a));
            REQUIRE(vv_decimal_parse(vv_str_of(rows[j / 3][j % 3]), &b));
            CHECK_INT(vv_decimal_cmp(&a, &b), (i / 3 > j / 3) - (i / 3 < j / 3));
        }
    }
}

TEST(decimal, rounds_half_away_from_zero)
{
    static const struct {
        const char *text;
        size_t len;
        const char *rounded;
    } cases[] = {
        {"1.25", 2, "1.3"},
        {"1.249", 2, "1.2"},
        {"9.99", 2, "10"},
        {"999.5", 3, "1000"},
        {"0.0996", 2, "0.1"},
        {"-1.25", 2, "-1.3"},
        {"1.2", 5, "1.2"},
        {"1.98", 1, "2"},
        {"1.904", 2, "1.9"},
        {"1.004", 2, "1"},
    };
    VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_BUF_MAX);

    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        struct vv_decimal decimal;

        REQUIRE(vv_decimal_parse(vv_str_of(cases[i].text), &decimal));
        vv_decimal_round(&decimal, cases[i].len);
        vv_buf_clear(&buf);
        vv_decimal_write_plain(&decimal, 0, &buf);
        CHECK_STR(vv_buf_str(&buf), cases[i].rounded);
    }
}

TEST(decimal, agrees_with_integers)
{
    struct prop prop = prop_start();

    for (int i = 0; i < 50000; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(64);
        int64_t a = prop_int(&prop, INT64_MIN, INT64_MAX);
        int64_t b = prop_chance(&prop, 20) ? a : prop_int(&prop, INT64_MIN, INT64_MAX);
        struct vv_decimal left;
        struct vv_decimal right;

        vv_buf_addf(&text, "%" PRId64, a);
        REQUIRE(vv_decimal_parse(vv_buf_str(&text), &left));
        vv_buf_clear(&text);
        vv_decimal_write_plain(&left, 0, &text);
        int64_t back = 0;
        CHECK(vv_str_int64(vv_buf_str(&text), &back));
        CHECK_INT(back, a);
        vv_buf_clear(&text);
        vv_buf_addf(&text, "%" PRId64 ".00", b);
        REQUIRE(vv_decimal_parse(vv_buf_str(&text), &right));
        CHECK_INT(vv_decimal_cmp(&left, &right), (a > b) - (a < b));
    }
}
