/*
 * A file is lines of words; what a line does not say by its form is refused by its number, since a
 * misread holiday would be a gap, or hide one.
 */
#include "lake/calendar.h"

#include "base/time.h"
#include "store/source.h"

#define FILE_BYTES_MAX (4 << 20)
#define MINUTES_PER_DAY 1440
#define US_PER_MINUTE INT64_C(60000000)

struct parser {
    struct vv_calendar *calendar;
    struct vv_str where;
    struct vv_str rest; /* of the line */
    size_t line;
};

static varve_status fail_line(struct vv_op *op, const struct parser *parser, const char *what)
{
    return vv_fail(op, VARVE_EUSAGE, "calendar %.*s, line %zu: %s", VV_ARG(parser->where),
        parser->line, what);
}

static struct vv_str next_word(struct parser *parser)
{
    struct vv_str rest = vv_str_trim(parser->rest);
    size_t end = 0;
    while (end < rest.len && vv_str_trim((struct vv_str){rest.ptr + end, 1}).len > 0)
        end++;
    parser->rest = vv_str_skip(rest, end);
    return vv_str_first(rest, end);
}

/* "09:30" in minutes, to 24:00. */
static bool read_clock(struct vv_str text, int32_t *out)
{
    int64_t hour = 0;
    int64_t minute = 0;
    if (text.len != 5 || text.ptr[2] != ':' || !vv_str_is_digits(vv_str_first(text, 2)) ||
        !vv_str_is_digits(vv_str_skip(text, 3)) ||
        !vv_str_int64(vv_str_first(text, 2), &hour) ||
        !vv_str_int64(vv_str_skip(text, 3), &minute) || minute > 59)
        return false;
    *out = (int32_t)(hour * 60 + minute);
    return *out <= MINUTES_PER_DAY;
}

/* An end at or before the beginning is one of the next day. */
static varve_status read_hours(struct vv_op *op, struct parser *parser, struct vv_hours *out)
{
    if (!read_clock(next_word(parser), &out->open) ||
        !read_clock(next_word(parser), &out->close))
        return fail_line(op, parser, "it needs two times such as 09:30 16:00");
    if (out->open == MINUTES_PER_DAY) /* until 00:00 it would be no time at all */
        return fail_line(op, parser, "what opens at 24:00 opens at 00:00 of the next day");
    if (out->close <= out->open)
        out->close += MINUTES_PER_DAY;
    return VARVE_OK;
}

static varve_status add_hours(struct vv_op *op, struct parser *parser, bool is_weekly,
    int32_t day, struct vv_hours hours)
{
    struct vv_calendar_hours *added = is_weekly
                                          ? VV_LIST_NEW(&op->arena, &parser->calendar->weekly)
                                          : VV_LIST_NEW(&op->arena, &parser->calendar->days);
    if (added == NULL)
        return vv_fail_memory(op);
    *added = (struct vv_calendar_hours){day, hours};
    return VARVE_OK;
}

/* What would be passed over could be a second session, or the half of a name. */
static varve_status end_line(struct vv_op *op, struct parser *parser)
{
    struct vv_str word = next_word(parser);
    if (word.len == 0 || word.ptr[0] == '#')
        return VARVE_OK;
    return fail_line(op, parser,
        "it goes on behind what it says; several sessions are several lines");
}

/* "mon,tue" 09:30 16:00 */
static varve_status read_session(struct vv_op *op, struct parser *parser)
{
    static const char *const names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    struct vv_str days = next_word(parser);
    struct vv_hours hours = {0, 0};
    struct vv_str day;
    VV_TRY(read_hours(op, parser, &hours));
    while (vv_str_split(&days, ',', &day)) {
        int32_t number = 0;
        while (number < 7 && !vv_str_eq_nocase(day, vv_str_of(names[number])))
            number++;
        if (number == 7)
            return fail_line(op, parser, "days are mon, tue, wed, thu, fri, sat, sun");
        VV_TRY(add_hours(op, parser, true, number, hours));
    }
    parser->calendar->has_sessions = true;
    return end_line(op, parser);
}

static varve_status read_day(struct vv_op *op, struct parser *parser, bool is_closed)
{
    const struct vv_calendar *calendar = parser->calendar;
    struct vv_hours hours = {0, 0};
    int32_t day = 0;
    if (!vv_time_parse_date(next_word(parser), &day))
        return fail_line(op, parser, "it needs a date such as 2025-12-25");
    if (day < calendar->first_day || day > calendar->last_day)
        return fail_line(op, parser, "the day is outside of the days that are valid");
    if (!is_closed)
        VV_TRY(read_hours(op, parser, &hours));
    if (calendar->days.len > 0) {
        const struct vv_calendar_hours *before = &calendar->days.items[calendar->days.len - 1];
        bool is_same = before->day == day;
        bool was_closed = before->hours.open == before->hours.close;
        if (day < before->day || (is_same && (is_closed || was_closed)) ||
            (is_same && hours.open < before->hours.close))
            return fail_line(op, parser, "days must be in order of time, each said once");
    }
    return add_hours(op, parser, false, day, hours);
}

static varve_status read_valid(struct vv_op *op, struct parser *parser)
{
    struct vv_calendar *calendar = parser->calendar;
    if (calendar->days.len > 0)
        return fail_line(op, parser, "it has to be before all days");
    if (!vv_time_parse_date(next_word(parser), &calendar->first_day) ||
        !vv_time_parse_date(next_word(parser), &calendar->last_day) ||
        calendar->last_day < calendar->first_day)
        return fail_line(op, parser, "it needs two dates, the first and the last");
    return end_line(op, parser);
}

static varve_status read_text(struct vv_op *op, struct parser *parser, struct vv_str *out)
{
    *out = next_word(parser);
    return out->len > 0 ? end_line(op, parser) : fail_line(op, parser, "it needs a name");
}

static varve_status read_line(struct vv_op *op, struct parser *parser)
{
    struct vv_str word = next_word(parser);
    if (word.len == 0 || word.ptr[0] == '#')
        return VARVE_OK;
    if (vv_str_eq(word, VV_STR("closed")))
        return read_day(op, parser, true);
    if (vv_str_eq(word, VV_STR("hours")))
        return read_day(op, parser, false);
    if (vv_str_eq(word, VV_STR("session")))
        return read_session(op, parser);
    if (vv_str_eq(word, VV_STR("valid")))
        return read_valid(op, parser);
    if (vv_str_eq(word, VV_STR("timezone")))
        return read_text(op, parser, &parser->calendar->timezone);
    if (vv_str_eq(word, VV_STR("calendar")))
        return read_text(op, parser, &parser->calendar->name);
    return fail_line(op, parser,
        "a line begins with calendar, timezone, valid, session, hours, closed or #");
}

varve_status vv_calendar_parse(struct vv_op *op, struct vv_str where, struct vv_str text,
    struct vv_calendar *out)
{
    struct vv_calendar calendar = {.name = where,
        .timezone = VV_STR("UTC"),
        .first_day = INT32_MIN,
        .last_day = INT32_MAX};
    struct parser parser = {.calendar = &calendar, .where = where};
    struct vv_str line;
    if (!vv_utf8_valid(text) || vv_str_find(text, '\0') < text.len)
        return vv_fail(op, VARVE_EUSAGE, "calendar %.*s is no text", VV_ARG(where));
    while (vv_str_split(&text, '\n', &line)) {
        parser.line++;
        parser.rest = vv_str_ends(line, VV_STR("\r")) ? vv_str_first(line, line.len - 1) : line;
        VV_TRY(read_line(op, &parser));
    }
    if (!calendar.has_sessions)
        return vv_fail(op, VARVE_EUSAGE,
            "calendar %.*s has no session: a line such as \"session mon,tue,wed,thu,fri 09:30 "
            "16:00\"",
            VV_ARG(where));
    *out = calendar;
    return VARVE_OK;
}

static varve_status read_file(struct vv_op *op, struct vv_str name, struct vv_calendar *out)
{
    VV_CLEANUP(vv_source_close) struct vv_source source = VV_SOURCE_NONE;
    size_t len = 0;
    char *bytes = NULL;
    VV_TRY(vv_source_open_short(op, name, FILE_BYTES_MAX, &source));
    if (source.bytes > FILE_BYTES_MAX)
        return vv_fail(op, VARVE_EUSAGE, "calendar %.*s is larger than 4 MB: it is none",
            VV_ARG(name));
    VV_NEW(op, &bytes, char, (size_t)source.bytes + 1);
    VV_TRY(vv_source_read(op, &source, 0, bytes, (size_t)source.bytes, &len));
    return vv_calendar_parse(op, name, (struct vv_str){bytes, len}, out);
}

varve_status vv_calendar_open(struct vv_op *op, struct vv_str name, struct vv_calendar *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(1 << 12);
    if (vv_str_eq_nocase(name, VV_STR("24x7")))
        return vv_calendar_parse(op, VV_STR("24x7"),
            VV_STR("session mon,tue,wed,thu,fri,sat,sun 00:00 24:00"), out);
    for (const struct vv_calendar_data *data = vv_calendar_data; data->name != NULL; data++) {
        if (vv_str_eq_nocase(name, vv_str_of(data->name)))
            return vv_calendar_parse(op, vv_str_of(data->name), vv_str_of(data->text), out);
        vv_buf_addf(&names, ", %s", data->name);
    }
    if (read_file(op, name, out) == VARVE_OK)
        return VARVE_OK;
    if (op->error.code != VARVE_ENOTFOUND)
        return op->error.code;
    vv_forgive(op);
    return vv_fail(op, VARVE_ENOTFOUND,
        "no calendar %.*s: neither a file, nor one of 24x7%.*s (docs/format-calendar.md says "
        "what a file has in it)",
        VV_ARG(name), VV_ARG(vv_buf_str(&names)));
}

/* ---- Sessions --------------------------------------------------------------------------------- */

static void add_session(int32_t day, struct vv_hours hours, struct vv_buf *out, size_t *out_len)
{
    int64_t midnight_us = day * VV_US_PER_DAY;
    vv_buf_addf(out, "%s(%" PRId32 ", %" PRId64 ", %" PRId64 ")", *out_len == 0 ? "" : ", ",
        day, midnight_us + hours.open * US_PER_MINUTE,
        midnight_us + hours.close * US_PER_MINUTE);
    ++*out_len;
}

/* 1970-01-01 was a Thursday. */
static int32_t weekday_of(int32_t day)
{
    return (int32_t)((((int64_t)day + 3) % 7 + 7) % 7);
}

static varve_status check_days(struct vv_op *op, const struct vv_calendar *calendar,
    int32_t first, int32_t last)
{
    char from[16];
    char to[16];
    if (first >= calendar->first_day && last <= calendar->last_day)
        return VARVE_OK;
    (void)vv_time_format_date(calendar->first_day, from);
    (void)vv_time_format_date(calendar->last_day, to);
    return vv_fail(op, VARVE_EUSAGE,
        "calendar %.*s knows the days from %s to %s: give a range within them (--from, --to)",
        VV_ARG(calendar->name), from, to);
}

varve_status vv_calendar_sessions(struct vv_op *op, const struct vv_calendar *calendar,
    int32_t first, int32_t last, struct vv_buf *out, size_t *out_len)
{
    size_t next = 0;
    *out_len = 0;
    VV_TRY(check_days(op, calendar, first, last));
    while (next < calendar->days.len && calendar->days.items[next].day < first)
        next++;
    for (int32_t day = first; day <= last; day++) {
        bool is_special = next < calendar->days.len && calendar->days.items[next].day == day;
        for (; next < calendar->days.len && calendar->days.items[next].day == day; next++) {
            struct vv_hours hours = calendar->days.items[next].hours;
            if (hours.open != hours.close)
                add_session(day, hours, out, out_len);
        }
        for (size_t i = 0; !is_special && i < calendar->weekly.len; i++)
            if (calendar->weekly.items[i].day == weekday_of(day))
                add_session(day, calendar->weekly.items[i].hours, out, out_len);
    }
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
