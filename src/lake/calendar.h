/*
 * Calendars: when an exchange is open. docs/format-calendar.md describes the files.
 */
#ifndef VV_LAKE_CALENDAR_H
#define VV_LAKE_CALENDAR_H

#include "base/buf.h"
#include "base/op.h"
#include "delta/action.h"
#include "delta/list.h"

/* One stretch of trading, in minutes after the day's local midnight; may end on the next day. */
struct vv_hours {
    int32_t open, close;
};

struct vv_calendar_hours {
    int32_t day; /* 0 to 6: each Monday to Sunday; or days since 1970 */
    struct vv_hours hours;
};

struct vv_calendar {
    struct vv_str name;
    struct vv_str timezone;
    int32_t first_day, last_day; /* that it knows of, since 1970; INT32_MIN, INT32_MAX: any */
    bool has_sessions;
    VV_ACTION_LIST(struct vv_calendar_hours) weekly;
    /* Days that are not as the week says, ascending; one that is closed has open = close = 0. */
    VV_ACTION_LIST(struct vv_calendar_hours) days;
};

/*
 * "24x7", a calendar that Varve has ("XNYS"), or else a file. Lives in the operation's arena.
 * ENOTFOUND: neither; EUSAGE: a line of the file means nothing, by its number.
 */
varve_status vv_calendar_open(struct vv_op *op, struct vv_str name, struct vv_calendar *out);
/* The text of a file; `where` is for messages. */
varve_status vv_calendar_parse(struct vv_op *op, struct vv_str where, struct vv_str text,
    struct vv_calendar *out);

/*
 * Appends "(day, open, close), ..." of the sessions that begin on the days from `first` to `last`:
 * days since 1970, and local times in microseconds since 1970. *out_len counts them. EUSAGE: the
 * calendar does not know those days.
 */
varve_status vv_calendar_sessions(struct vv_op *op, const struct vv_calendar *calendar,
    int32_t first, int32_t last, struct vv_buf *out, size_t *out_len);

/* The files that are part of the library; the last one's name is NULL. */
struct vv_calendar_data {
    const char *name;
    const char *text;
};
extern const struct vv_calendar_data vv_calendar_data[];

#endif
