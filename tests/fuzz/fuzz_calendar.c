/*
 * A calendar of a user's. Each line of it is refused by its number, or says something, all of which
 * counts: what was read is written again and read as the same, and has as many sessions as words say.
 */
#include "fuzz.h"

#include <inttypes.h>

#include "base/time.h"
#include "lake/calendar.h"

#define WHERE "calendar w"

static struct vv_str word_of(struct vv_str *rest)
{
    struct vv_str text = vv_str_trim(*rest);
    size_t end = 0;
    while (end < text.len && vv_str_trim((struct vv_str){text.ptr + end, 1}).len > 0)
        end++;
    *rest = vv_str_skip(text, end);
    return vv_str_first(text, end);
}

/* Counted without the reader. What stands behind a day and its hours is for people. */
static void count_facts(struct vv_str text, size_t *out_weekly, size_t *out_days)
{
    struct vv_str line;
    *out_weekly = *out_days = 0;
    while (vv_str_split(&text, '\n', &line)) {
        struct vv_str kind = word_of(&line);
        if (vv_str_eq(kind, VV_STR("closed")) || vv_str_eq(kind, VV_STR("hours"))) {
            ++*out_days;
            continue;
        }
        size_t words = kind.len == 0 || kind.ptr[0] == '#' ? 0 : 1;
        struct vv_str first = VV_STR("");
        struct vv_str word = words > 0 ? word_of(&line) : VV_STR("");
        for (; word.len > 0 && word.ptr[0] != '#'; word = word_of(&line))
            if (words++ == 1)
                first = word;
        if (vv_str_eq(kind, VV_STR("session"))) {
            struct vv_str day;
            VV_PRE(words == 4);
            while (vv_str_split(&first, ',', &day))
                ++*out_weekly;
        } else {
            VV_PRE(words == 0 || words == (vv_str_eq(kind, VV_STR("valid")) ? 3 : 2) ||
                   first.len == 0);
        }
    }
}

static void check_hours(struct vv_hours hours, bool may_be_closed)
{
    bool is_closed = hours.open == 0 && hours.close == 0;
    VV_PRE(hours.open >= 0 && hours.open < 1440);
    VV_PRE(is_closed ? may_be_closed : hours.close > hours.open);
    VV_PRE(hours.close - hours.open <= 1440);
}

static void check(const struct vv_calendar *calendar, struct vv_str text)
{
    size_t weekly = 0;
    size_t days = 0;
    count_facts(text, &weekly, &days);
    VV_PRE(calendar->weekly.len == weekly && calendar->days.len == days && weekly > 0);
    VV_PRE(calendar->first_day <= calendar->last_day && calendar->timezone.len > 0);
    for (size_t i = 0; i < weekly; i++) {
        VV_PRE(calendar->weekly.items[i].day >= 0 && calendar->weekly.items[i].day < 7);
        check_hours(calendar->weekly.items[i].hours, false);
    }
    for (size_t i = 0; i < days; i++) {
        const struct vv_calendar_hours *each = &calendar->days.items[i];
        VV_PRE(each->day >= calendar->first_day && each->day <= calendar->last_day);
        check_hours(each->hours, true);
        if (i == 0 || each->day > each[-1].day)
            continue;
        VV_PRE(each->day == each[-1].day && each->hours.open >= each[-1].hours.close);
    }
}

static void add_hours(struct vv_hours hours, struct vv_buf *out)
{
    int32_t close =
        hours.close > 1440 || hours.close <= hours.open ? hours.close - 1440 : hours.close;
    vv_buf_addf(out, " %02d:%02d %02d:%02d\n", hours.open / 60, hours.open % 60, close / 60,
        close % 60);
}

static void write_again(const struct vv_calendar *calendar, struct vv_buf *out)
{
    static const char *const names[] = {"mon", "TUE", "wed", "Thu", "fri", "sat", "sun"};
    char from[16];
    char to[16];
    vv_buf_adds(out, "calendar ");
    vv_buf_add(out, calendar->name);
    vv_buf_adds(out, "\r\n\ttimezone  ");
    vv_buf_add(out, calendar->timezone);
    vv_buf_adds(out, " # its own\n");
    if (calendar->first_day != INT32_MIN) {
        (void)vv_time_format_date(calendar->first_day, from);
        (void)vv_time_format_date(calendar->last_day, to);
        vv_buf_addf(out, "valid %s %s\n", from, to);
    }
    for (size_t i = 0; i < calendar->weekly.len; i++) {
        vv_buf_addf(out, "session %s", names[calendar->weekly.items[i].day]);
        add_hours(calendar->weekly.items[i].hours, out);
    }
    for (size_t i = 0; i < calendar->days.len; i++) {
        const struct vv_calendar_hours *each = &calendar->days.items[i];
        bool is_closed = each->hours.close == each->hours.open;
        (void)vv_time_format_date(each->day, from);
        vv_buf_addf(out, "%s %s", is_closed ? "closed" : "hours", from);
        if (is_closed)
            vv_buf_adds(out, " for people\n");
        else
            add_hours(each->hours, out);
    }
}

static void check_same(const struct vv_calendar *a, const struct vv_calendar *b)
{
    VV_PRE(vv_str_eq(a->name, b->name) && vv_str_eq(a->timezone, b->timezone));
    VV_PRE(a->first_day == b->first_day && a->last_day == b->last_day);
    VV_PRE(a->weekly.len == b->weekly.len && a->days.len == b->days.len);
    VV_PRE(memcmp(a->weekly.items, b->weekly.items, a->weekly.len * sizeof(*a->weekly.items)) ==
           0);
    VV_PRE(a->days.len == 0 ||
           memcmp(a->days.items, b->days.items, a->days.len * sizeof(*a->days.items)) == 0);
}

/* Those of some days are those of the first of them and of the others. */
static void check_sessions(struct vv_op *op, const struct vv_calendar *calendar, int32_t day)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf all = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf parts = VV_BUF_INIT(VV_BUF_MAX);
    size_t len = 0;
    size_t len_first = 0;
    size_t len_rest = 0;
    varve_status status = vv_calendar_sessions(op, calendar, day, day + 9, &all, &len);
    bool is_known = day >= calendar->first_day && day + 9 <= calendar->last_day;
    VV_PRE(status == (is_known ? VARVE_OK : VARVE_EUSAGE));
    if (status != VARVE_OK) {
        VV_PRE(vv_str_starts(vv_str_of(op->error.message), VV_STR("calendar ")));
        vv_forgive(op);
        return;
    }
    status = vv_calendar_sessions(op, calendar, day, day + 2, &parts, &len_first);
    VV_PRE(status == VARVE_OK);
    vv_buf_adds(&parts, len_first > 0 && len > len_first ? ", " : "");
    status = vv_calendar_sessions(op, calendar, day + 3, day + 9, &parts, &len_rest);
    VV_PRE(status == VARVE_OK && len == len_first + len_rest);
    VV_PRE(vv_str_eq(vv_buf_str(&all), vv_buf_str(&parts)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf written = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str text = {(const char *)data, size};
    struct vv_calendar calendar;
    struct vv_calendar again;
    vv_op_init(&op, NULL, (size_t)1 << 30);
    varve_status status = vv_calendar_parse(&op, VV_STR("w"), text, &calendar);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_EUSAGE);
        VV_PRE(vv_str_starts(vv_str_of(op.error.message), VV_STR(WHERE)));
        return 0;
    }
    check(&calendar, text);
    write_again(&calendar, &written);
    status = vv_calendar_parse(&op, VV_STR("w"), vv_buf_str(&written), &again);
    VV_PRE(status == VARVE_OK);
    check_same(&calendar, &again);
    check_sessions(&op, &calendar, 20000);
    if (calendar.days.len > 0)
        check_sessions(&op, &calendar, calendar.days.items[0].day);
    check_sessions(&op, &calendar, calendar.last_day > 40000 ? 0 : calendar.last_day - 9);
    return 0;
}
