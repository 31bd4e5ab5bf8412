#include "base/time.h"

#include <stdio.h>
#include <time.h>

#include "base/arena.h"

#include "harness/prop.h"
#include "harness/test.h"

#define US_FIRST INT64_C(-62135596800000000) /* 0001-01-01 */
#define US_LAST INT64_C(253402300799999999)  /* the last of 9999 */

static struct vv_str format_us(int64_t us, char text[32])
{
    return (struct vv_str){text, vv_time_format_us(us, text)};
}

TEST(time, formats_known_instants)
{
    char text[32];
    CHECK_STR(format_us(0, text), "1970-01-01T00:00:00.000000Z");
    CHECK_STR(format_us(-1, text), "1969-12-31T23:59:59.999999Z");
    CHECK_STR(format_us(INT64_C(1738231200000000), text), "2025-01-30T10:00:00.000000Z");
    CHECK_STR(format_us(INT64_C(951782400000001), text), "2000-02-29T00:00:00.000001Z");
    CHECK_STR(format_us(US_FIRST, text), "0001-01-01T00:00:00.000000Z");
    CHECK_STR(format_us(US_LAST, text), "9999-12-31T23:59:59.999999Z");
    CHECK_INT(vv_time_format_ms(INT64_C(1738231200007), text), 24);
    CHECK_STR(text, "2025-01-30T10:00:00.007Z");
    (void)vv_time_format_ms(-1, text);
    CHECK_STR(text, "1969-12-31T23:59:59.999Z");
    CHECK_INT(vv_time_format_date(-1, text), 10);
    CHECK_STR(text, "1969-12-31");
    (void)vv_time_format_date(20118, text);
    CHECK_STR(text, "2025-01-30");
}

TEST(time, what_no_calendar_holds_still_fits_the_buffer)
{
    char text[32];
    CHECK_STR(format_us(US_LAST + 1, text), "+10000-01-01T00:00:00.000000Z");
    CHECK_STR(format_us(US_FIRST - 1, text), "0000-12-31T23:59:59.999999Z");
    CHECK_STR(format_us(INT64_MIN, text), "-290308-12-21T19:59:05.224192Z");
    CHECK_STR(format_us(INT64_MAX, text), "+294247-01-10T04:00:54.775807Z");
    (void)vv_time_format_ms(INT64_MIN, text);
    CHECK_STR(text, "-292275055-05-16T16:47:04.192Z");
    char date[16];
    (void)vv_time_format_date(INT32_MIN, date);
    CHECK_STR(date, "-5877641-06-23");
    (void)vv_time_format_date(INT32_MAX, date);
    CHECK_STR(date, "+5881580-07-11");
}

TEST(time, every_date_agrees_with_timegm)
{
    struct tm tm = {.tm_year = 1 - 1900, .tm_mday = 1};
    int64_t days = US_FIRST / VV_US_PER_DAY;
    CHECK_INT(timegm(&tm), days * 86400);
    for (; days <= US_LAST / VV_US_PER_DAY; days++) {
        time_t seconds = (time_t)(days * 86400);
        struct tm want;
        (void)gmtime_r(&seconds, &want);
        char text[32];
        (void)vv_time_format_date((int32_t)days, text);
        int32_t back = 0;
        if (!vv_time_parse_date(vv_str_of(text), &back) || back != days ||
            (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 +
                    (text[3] - '0') !=
                want.tm_year + 1900 ||
            (text[5] - '0') * 10 + (text[6] - '0') != want.tm_mon + 1 ||
            (text[8] - '0') * 10 + (text[9] - '0') != want.tm_mday) {
            CHECK_STR(text, "the date of timegm");
            CHECK_INT(days, 0);
            return;
        }
    }
}

TEST(time, parses_what_engines_and_people_write)
{
    static const struct {
        const char *text;
        const char *want;
        bool has_zone;
        bool finer;
    } cases[] = {
        {"2025-01-30", "2025-01-30T00:00:00.000000Z", false, false},
        {"2025-01-30T10:00", "2025-01-30T10:00:00.000000Z", false, false},
        {"2025-01-30 10:00:05", "2025-01-30T10:00:05.000000Z", false, false},
        {"2025-01-30T10:00:05.1", "2025-01-30T10:00:05.100000Z", false, false},
        {"2025-01-30T10:00:05.123456Z", "2025-01-30T10:00:05.123456Z", true, false},
        {"2025-01-30T10:00:05.123456000Z", "2025-01-30T10:00:05.123456Z", true, false},
        {"2025-01-30T10:00:05.123456789Z", "2025-01-30T10:00:05.123456Z", true, true},
        {"1969-12-31T23:59:59.999999999", "1969-12-31T23:59:59.999999Z", false, true},
        {"2025-01-30T10:00:00+02", "2025-01-30T08:00:00.000000Z", true, false},
        {"2025-01-30T10:00:00+0230", "2025-01-30T07:30:00.000000Z", true, false},
        {"2025-01-30T10:00-05:00", "2025-01-30T15:00:00.000000Z", true, false},
        {"1890-01-01T00:00:00-00:01:15", "1890-01-01T00:01:15.000000Z", true, false},
        {"2024-02-29", "2024-02-29T00:00:00.000000Z", false, false},
        {"2000-02-29", "2000-02-29T00:00:00.000000Z", false, false},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z", true, false},
        {"9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z", true, false},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        int64_t us = 42;
        bool has_zone = false;
        bool finer = false;
        char text[32];
        if (!CHECK(vv_time_parse(vv_str_of(cases[i].text), &us, &has_zone, &finer)))
            continue;
        CHECK_STR(format_us(us, text), cases[i].want);
        CHECK_INT(has_zone, cases[i].has_zone);
        CHECK_INT(finer, cases[i].finer);
    }
    CHECK(vv_time_parse(VV_STR("2025-01-30"), NULL, NULL, NULL));
}

TEST(time, refuses_what_is_no_time)
{
    static const char *const cases[] = {
        "2025-02-29",
        "1900-02-29",
        "2025-00-10",
        "2025-13-10",
        "2025-04-31",
        "2025-01-00",
        "0000-01-01",
        "0001-01-01T00:00:00+01:00", /* before the first instant */
        "9999-12-31T23:59:59-01:00", /* after the last */
        "2025-1-30",
        "25-01-30",
        "20250130",
        "2025-01-30T",
        "2025-01-30T10",
        "2025-01-30Z",
        "2025-01-30  10:00",
        "2025-01-30T10:0",
        "2025-01-30T24:00",
        "2025-01-30T10:60",
        "2025-01-30T10:00:60",
        "2025-01-30T10:00:",
        "2025-01-30T10:00:05.",
        "2025-01-30T10:00:05.Z",
        "2025-01-30T10:00:05.1234567890",
        "2025-01-30T10:00:05+",
        "2025-01-30T10:00:05+1",
        "2025-01-30T10:00:05+01:",
        "2025-01-30T10:00:05+01:60",
        "2025-01-30T10:00:05+18:01",
        "2025-01-30T10:00:05+0100:00",
        "2025-01-30T10:00:05Z ",
        " 2025-01-30",
        "",
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        int64_t us = 42;
        if (vv_time_parse(vv_str_of(cases[i]), &us, NULL, NULL))
            CHECK_STR(cases[i], "refused");
        CHECK_INT(us, 42);
    }
    CHECK(!vv_time_parse(VV_STR_NONE, NULL, NULL, NULL));
}

TEST(time, a_date_is_a_date_and_nothing_more)
{
    int32_t days = 42;
    CHECK(!vv_time_parse_date(VV_STR("2025-01-30T00:00"), &days));
    CHECK(!vv_time_parse_date(VV_STR("2025-01-3"), &days));
    CHECK(!vv_time_parse_date(VV_STR("0000-12-31"), &days));
    CHECK_INT(days, 42);
    CHECK(vv_time_parse_date(VV_STR("1969-12-31"), &days));
    CHECK_INT(days, -1);
    CHECK(vv_time_parse_date(VV_STR("1969-12-31"), NULL));
}

TEST(time, durations_of_people_and_of_spark)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: refused */
    } cases[] = {
        {"90s", 90 * VV_US_PER_S},
        {"15m", 15 * 60 * VV_US_PER_S},
        {"2h", 7200 * VV_US_PER_S},
        {"7d", 7 * VV_US_PER_DAY},
        {"2w", 14 * VV_US_PER_DAY},
        {"0s", 0},
        {" 7 days ", 7 * VV_US_PER_DAY},
        {"interval 7 days", 7 * VV_US_PER_DAY},
        {"INTERVAL 1 WEEK", 7 * VV_US_PER_DAY},
        {"interval 1 week 2 days", 9 * VV_US_PER_DAY},
        {"1 week", 7 * VV_US_PER_DAY},
        {"168 hours", 7 * VV_US_PER_DAY},
        {"30 minutes", 1800 * VV_US_PER_S},
        {"5 milliseconds", 5 * VV_US_PER_MS},
        {"5 microseconds", 5},
        {"1h30m", 5400 * VV_US_PER_S},
        {"", -1},
        {"7", -1},
        {"d", -1},
        {"-7d", -1},
        {"1.5h", -1},
        {"7 dayz", -1},
        {"1 month", -1}, /* no fixed length */
        {"1 year", -1},
        {"7 D", -1},
        {"interval", -1},
        {"interval ", -1},
        {"7 days and", -1},
        {"99999999999999999999d", -1},
        {"9223372036854775807s", -1},
        {"9223372036854775807 microseconds 1 microsecond", -1},
    };
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        int64_t us = -1;
        CHECK_INT(vv_time_parse_duration(vv_str_of(cases[i].text), &us), cases[i].us >= 0);
        CHECK_INT(us, cases[i].us);
    }
}

TEST(time, human_times_count_back_from_now)
{
    int64_t now_us = INT64_C(1738231200000000);
    int64_t us = 0;
    CHECK(vv_time_parse_human(VV_STR("now"), now_us, &us));
    CHECK_INT(us, now_us);
    CHECK(vv_time_parse_human(VV_STR(" -2h "), now_us, &us));
    CHECK_INT(us, now_us - 7200 * VV_US_PER_S);
    CHECK(vv_time_parse_human(VV_STR("-7d"), now_us, &us));
    CHECK_INT(us, now_us - 7 * VV_US_PER_DAY);
    CHECK(vv_time_parse_human(VV_STR("2025-01-30T10:00:00Z"), 0, &us));
    CHECK_INT(us, now_us);
    us = 42;
    CHECK(!vv_time_parse_human(VV_STR("2h"), now_us, &us));
    CHECK(!vv_time_parse_human(VV_STR("-"), now_us, &us));
    CHECK(!vv_time_parse_human(VV_STR("yesterday"), now_us, &us));
    CHECK(!vv_time_parse_human(VV_STR("-9000000d"), now_us, &us));
    CHECK(!vv_time_parse_human(VV_STR("-1d"), INT64_MIN, &us));
    CHECK_INT(us, 42);
}

TEST(time, the_date_of_an_instant_is_rounded_down)
{
    CHECK_INT(vv_time_date_of(0), 0);
    CHECK_INT(vv_time_date_of(-1), -1);
    CHECK_INT(vv_time_date_of(-VV_US_PER_DAY), -1);
    CHECK_INT(vv_time_date_of(-VV_US_PER_DAY - 1), -2);
    CHECK_INT(vv_time_date_of(VV_US_PER_DAY - 1), 0);
    CHECK_INT(vv_time_date_of(VV_US_PER_DAY), 1);
}

TEST(time, formatting_and_parsing_undo_each_other)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 30000; i++) {
        int64_t us = prop_int(&prop, US_FIRST, US_LAST);
        char text[32];
        int64_t back = 0;
        bool has_zone = false;
        bool finer = true;
        REQUIRE(vv_time_parse(format_us(us, text), &back, &has_zone, &finer));
        REQUIRE(CHECK_INT(back, us));
        REQUIRE(has_zone && !finer);

        int64_t ms = us / VV_US_PER_MS;
        REQUIRE(vv_time_parse((struct vv_str){text, vv_time_format_ms(ms, text)}, &back, NULL,
            NULL));
        REQUIRE(CHECK_INT(back, ms * VV_US_PER_MS));

        int32_t days = vv_time_date_of(us);
        int32_t days_back = 0;
        REQUIRE(vv_time_parse_date((struct vv_str){text, vv_time_format_date(days, text)},
            &days_back));
        REQUIRE(CHECK_INT(days_back, days));
        REQUIRE(days * VV_US_PER_DAY <= us && us - days * VV_US_PER_DAY < VV_US_PER_DAY);
    }
}

TEST(time, seconds_agree_with_timegm)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 20000; i++) {
        int64_t us = prop_int(&prop, US_FIRST, US_LAST) / VV_US_PER_S * VV_US_PER_S;
        time_t seconds = (time_t)(us / VV_US_PER_S);
        struct tm tm;
        (void)gmtime_r(&seconds, &tm);
        char want[64];
        (void)strftime(want, sizeof(want), "-%m-%dT%H:%M:%S.000000Z", &tm);
        char text[32];
        REQUIRE(CHECK_STR(vv_str_skip(format_us(us, text), 4), want));
    }
}

TEST(time, an_offset_shifts_the_instant)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 20000; i++) {
        int64_t us = prop_int(&prop, US_FIRST + VV_US_PER_DAY, US_LAST - VV_US_PER_DAY);
        int64_t zone_minutes = prop_int(&prop, 0, 18 * 60);
        bool west = prop_chance(&prop, 50);
        char text[64];
        struct vv_str local = format_us(us, text);
        snprintf(text + local.len - 1, sizeof(text) - local.len + 1, "%c%02d:%02d",
            west ? '-' : '+', (int)(zone_minutes / 60), (int)(zone_minutes % 60));
        int64_t back = 0;
        REQUIRE(vv_time_parse(vv_str_of(text), &back, NULL, NULL));
        int64_t shift = zone_minutes * 60 * VV_US_PER_S;
        REQUIRE(CHECK_INT(back, west ? us + shift : us - shift));
    }
}

TEST(time, no_text_reads_beyond_itself_or_out_of_range)
{
    struct prop prop = prop_start();
    for (int i = 0; i < 60000; i++) {
        /* One wrong byte at a random place, in memory that ends where the text ends. */
        char whole[32];
        size_t len = vv_time_format_us(prop_int(&prop, US_FIRST, US_LAST), whole);
        len = (size_t)prop_int(&prop, 0, (int64_t)len);
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(100);
        char *text = vv_new(&arena, char, len);
        memcpy(text, whole, len);
        if (len > 0)
            text[prop_choose(&prop, len)] = "0129-+:.TZ x"[prop_choose(&prop, 12)];
        int64_t us = 0;
        if (vv_time_parse((struct vv_str){text, len}, &us, NULL, NULL))
            REQUIRE(us >= US_FIRST && us <= US_LAST);
        (void)vv_time_parse_human((struct vv_str){text, len}, 0, &us);
        (void)vv_time_parse_duration((struct vv_str){text, len}, &us);
    }
}
