/*
 * Points in time: microseconds since 1970-01-01T00:00:00Z as int64_t, proleptic Gregorian
 * calendar, years 0001 to 9999. No time zone but UTC and fixed offsets lives here.
 */
#ifndef VV_BASE_TIME_H
#define VV_BASE_TIME_H

#include "base/common.h"
#include "base/str.h"

#define VV_US_PER_MS INT64_C(1000)
#define VV_US_PER_S INT64_C(1000000)
#define VV_US_PER_DAY (INT64_C(86400) * VV_US_PER_S)

#define VV_TIME_DAYS_FIRST (-719162) /* 0001-01-01 */
#define VV_TIME_DAYS_LAST 2932896    /* 9999-12-31 */

/* "2025-01-30T10:00:00.000000Z" and its NUL: 28 bytes. Returns the length. */
size_t vv_time_format_us(int64_t us, char out[32]);
/* "2025-01-30T10:00:00.000Z". */
size_t vv_time_format_ms(int64_t ms, char out[32]);
/* "2025-01-30". `days` since 1970. */
size_t vv_time_format_date(int32_t days, char out[16]);

/*
 * ISO 8601: "2025-01-30", "2025-01-30T10:00[:00[.f...]]" with `T` or one blank, then nothing
 * (UTC), "Z", "+hh:mm", "+hhmm", "+hh" or "+hh:mm:ss" (Spark writes seconds for old zones). Up
 * to 9 fraction digits; those below a microsecond are cut off and reported by `*finer`. The
 * pointers may be NULL.
 */
bool vv_time_parse(struct vv_str text, int64_t *out_us, bool *out_has_zone, bool *out_finer);
bool vv_time_parse_date(struct vv_str text, int32_t *out_days);

/* What a person types: ISO 8601, "now", or "-2h", "-7d" (s, m, h, d, w) back from `now_us`. */
bool vv_time_parse_human(struct vv_str text, int64_t now_us, int64_t *out_us);
/* The same for where a range begins or ends: a time within a microsecond is the end of that. */
bool vv_time_parse_bound(struct vv_str text, int64_t now_us, int64_t *out_us);
/* "90s", "15m", "2h", "7d", "2w"; also Spark's "interval 7 days", "7 days", "1 week". */
bool vv_time_parse_duration(struct vv_str text, int64_t *out_us);

/* Days since 1970 of the UTC date that holds the instant (floor, also before 1970). */
int32_t vv_time_date_of(int64_t us);

/* Milliseconds from one look at the wall clock to the next; 0 where it was set back meanwhile. */
static inline int64_t vv_ms_between(int64_t from_us, int64_t to_us)
{
    return to_us > from_us ? (to_us - from_us) / VV_US_PER_MS : 0;
}

#endif
