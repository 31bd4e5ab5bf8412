#include "table/input/guess.h"

#include <stdio.h>

#include "harness/test.h"

#define NO_TYPE VV_TYPE_VOID

struct text_case {
    const char *values; /* parted by bars; "" is an empty text */
    enum vv_type_kind kind;
};

static enum vv_type_kind guess_of(const char *values, enum vv_guess_kind kind, bool truncate)
{
    struct vv_guess guess = {0};
    struct vv_str rest = vv_str_of(values), value;
    enum vv_type_kind type = NO_TYPE;
    while (vv_str_split(&rest, '|', &value))
        vv_guess_take(&guess, value, kind, truncate);
    return vv_guess_type(&guess, &type) ? type : NO_TYPE;
}

TEST(guess, a_text_is_what_loses_nothing)
{
    static const struct text_case cases[] = {
        {"1|-2|0", VV_TYPE_LONG},
        {"9223372036854775807|-9223372036854775808", VV_TYPE_LONG},
        {"9223372036854775808", VV_TYPE_STRING}, /* a double would be another number */
        {"12345678901234567", VV_TYPE_LONG},
        {"12345678901234567.5", VV_TYPE_STRING}, /* 18 digits */
        {"007", VV_TYPE_STRING},
        {"0", VV_TYPE_LONG},
        {"-0", VV_TYPE_DOUBLE}, /* a long has no such zero */
        {"00", VV_TYPE_STRING},
        {"+1", VV_TYPE_STRING},
        {" 1", VV_TYPE_STRING},
        {"1_000", VV_TYPE_STRING},
        {"0x10", VV_TYPE_STRING},
        {"1.5|2", VV_TYPE_DOUBLE},
        {"1e5|-2.5E-3", VV_TYPE_DOUBLE},
        {"1e999", VV_TYPE_STRING},
        {"1.", VV_TYPE_STRING},
        {".5", VV_TYPE_STRING},
        {"1e", VV_TYPE_STRING},
        {"0.1234567890123456", VV_TYPE_DOUBLE},
        {"0.30000000000000004|-0.30000000000000004", VV_TYPE_DOUBLE}, /* 17 digits */
        {"0.10000000149011612", VV_TYPE_DOUBLE},                      /* a float of 0.1 */
        {"0.10000000000000001", VV_TYPE_DOUBLE}, /* as 0.1 is written with 17 */
        {"0.30000000000000001", VV_TYPE_STRING}, /* which 0.3 is not */
        {"0.300000000000000040", VV_TYPE_DOUBLE},
        {"0.300000000000000041", VV_TYPE_STRING},
        {"9007199254740993.0", VV_TYPE_STRING}, /* a double would be another number */
        {"9007199254740992.0|100000000000000000000000.0", VV_TYPE_DOUBLE},
        {"1000000000000000000|1.5", VV_TYPE_DOUBLE},
        {"9223372036854775807|1.5", VV_TYPE_STRING},
        {"9.5e-05|5e0|0e9", VV_TYPE_DOUBLE},
        {"1.7976931348623157e308|5e-324|2.2250738585072014E-308", VV_TYPE_DOUBLE},
        {"1e-400", VV_TYPE_STRING},
        {"1.5e-324", VV_TYPE_STRING},
        {"0.0|-0.00|0e-400", VV_TYPE_DOUBLE},
        {"1.5|NaN|-inf", VV_TYPE_DOUBLE},
        {"NaN|nan", VV_TYPE_DOUBLE},
        {"-Infinity|5", VV_TYPE_DOUBLE},
        {"NaN|x", VV_TYPE_STRING},
        {"9007199254740992|1.5", VV_TYPE_DOUBLE},
        {"9007199254740993|1.5", VV_TYPE_STRING}, /* a double would be another number */
        {"true|False|TRUE", VV_TYPE_BOOLEAN},
        {"true|1", VV_TYPE_STRING},
        {"yes|no", VV_TYPE_STRING},
        {"2025-01-30|1999-12-31", VV_TYPE_DATE},
        {"2025-02-30", VV_TYPE_STRING},
        {"2025-01-30|2025-01-30T10:00:00Z", VV_TYPE_TIMESTAMP},
        {"2025-01-30 10:00|2025-01-30T10:00:00.123456+01:00", VV_TYPE_TIMESTAMP},
        {"2025-01-30T10:00:00.1234567", VV_TYPE_STRING},
        {"2025-01-30T10:00:00.1234560", VV_TYPE_TIMESTAMP},
        {"20250130", VV_TYPE_LONG},
        {"1|x", VV_TYPE_STRING},
        {"2025-01-30|x", VV_TYPE_STRING},
        {"", NO_TYPE}, /* NULL but in a string */
        {"1||2", VV_TYPE_LONG},
        {"|x", VV_TYPE_STRING},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++)
        if (!CHECK_INT(guess_of(cases[i].values, VV_GUESS_TEXT, false), cases[i].kind))
            printf("# %s\n", cases[i].values);
}

TEST(guess, json_says_what_is_a_number)
{
    CHECK_INT(guess_of("1|2", VV_GUESS_STRING, false), VV_TYPE_STRING);
    CHECK_INT(guess_of("2025-01-30", VV_GUESS_STRING, false), VV_TYPE_DATE);
    CHECK_INT(guess_of("true", VV_GUESS_STRING, false), VV_TYPE_STRING);
    CHECK_INT(guess_of("true|false", VV_GUESS_BOOLEAN, false), VV_TYPE_BOOLEAN);
    CHECK_INT(guess_of("1|2.5", VV_GUESS_NUMBER, false), VV_TYPE_DOUBLE);
    CHECK_INT(guess_of("1|2", VV_GUESS_NUMBER, false), VV_TYPE_LONG);
    CHECK_INT(guess_of("Infinity", VV_GUESS_NUMBER, false), VV_TYPE_DOUBLE);
    CHECK_INT(guess_of("Infinity", VV_GUESS_STRING, false), VV_TYPE_STRING);
}

TEST(guess, digits_that_may_go_make_no_text)
{
    CHECK_INT(guess_of("2025-01-30T10:00:00.1234567", VV_GUESS_TEXT, true), VV_TYPE_TIMESTAMP);
}

TEST(guess, kinds_that_differ_make_a_text)
{
    struct vv_guess guess = {0};
    enum vv_type_kind type = NO_TYPE;
    CHECK(!vv_guess_type(&guess, &type));
    vv_guess_take(&guess, VV_STR("1"), VV_GUESS_NUMBER, false);
    vv_guess_take(&guess, VV_STR("true"), VV_GUESS_BOOLEAN, false);
    CHECK(vv_guess_type(&guess, &type));
    CHECK_INT(type, VV_TYPE_STRING);
    CHECK(!guess.has_nested);
    vv_guess_take(&guess, VV_STR(""), VV_GUESS_NESTED, false);
    CHECK(guess.has_nested);
}
