#include "ingest/session.h"

#include <stdio.h>
#include <string.h>

#include "base/time.h"

/* 0 is Sunday; 1970-01-01 was a Thursday. */
static int32_t weekday(int32_t day)
{
    int32_t rest = (day + 4) % 7;
    return rest < 0 ? rest + 7 : rest;
}

bool vv_session_is_day(int32_t day)
{
    return weekday(day) >= 1 && weekday(day) <= 5;
}

/* The first Sunday on or after the first of a month ("-03-01") of the year that holds `day`. */
static int32_t first_sunday(int32_t day, const char *month)
{
    char date[16];
    int32_t first = 0;
    (void)vv_time_format_date(day, date);
    (void)memcpy(date + 4, month, strlen(month) + 1);
    VV_PRE(vv_time_parse_date(vv_str_of(date), &first));
    return first + (7 - weekday(first)) % 7;
}

/* From the second Sunday of March to the first Sunday of November. */
static bool is_summer(int32_t day)
{
    return day >= first_sunday(day, "-03-01") + 7 && day < first_sunday(day, "-11-01");
}

int64_t vv_session_open_us(int32_t day)
{
    int64_t minutes = is_summer(day) ? 13 * 60 + 30 : 14 * 60 + 30;
    return day * VV_US_PER_DAY + minutes * 60 * VV_US_PER_S;
}
