/*
 * Rows out: scan, latest, range. Each answer is one stream over one pinned snapshot.
 */
#ifndef VV_TABLE_READ_READ_H
#define VV_TABLE_READ_READ_H

#include "table/read/plan.h"
#include "table/table.h"
#include "varve/arrow.h"

/*
 * The version that a text means: a number, whether it is there or not; a time; a tag. No version is put
 * together. `table` is its name, for messages.
 */
varve_status vv_log_at(struct vv_op *op, const struct vv_log_handle *log, struct vv_str table,
    struct vv_str at, int64_t *out);
/*
 * A version by what a person says: all digits = version, else a time ("2025-01-15", "-7d");
 * ptr NULL = the latest, or what was known at table->known. NOT_FOUND: no such version, or a name, which no tag has; EUSAGE: nothing
 * of these.
 */
varve_status vv_table_at(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct vv_snapshot **out);

/* Whether without an `at` it is read as it was known at a time. */
bool vv_table_is_known_at(const struct vv_table *table);

/*
 * The same, of the table as it is now. A newest version that is damaged is no hindrance to one that
 * needs none of what is: `at` names it, or table->known.
 */
varve_status vv_table_seek(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct vv_snapshot **out);

/* The version that a tag or hold names. NOT_FOUND: the table has none of that name. */
varve_status vv_table_at_tag(struct vv_op *op, struct vv_table *table, struct vv_str name,
    struct vv_snapshot **out);

/*
 * What was known of the table at a time: its version then; of a table that was not made by then no
 * row, with a warning in the log. NOT_FOUND: there was something, and it is gone.
 */
varve_status vv_table_known_at(struct vv_op *op, struct vv_table *table, int64_t time_us,
    struct vv_snapshot **out);

/* Of a time to come: what is committed until then would be in the answer, but is not there yet. */
void vv_table_warn_future(struct vv_op *op, const struct vv_table *table, int64_t time_us,
    const struct vv_snapshot *snapshot);
/* The version that was the latest at a time. NOT_FOUND: there was none yet, or it is gone. */
varve_status vv_table_at_time(struct vv_op *op, struct vv_table *table, int64_t time_us,
    struct vv_snapshot **out);

struct vv_scan_request {
    struct vv_str columns; /* names parted by commas; ptr NULL: all */
    struct vv_str where;   /* SQL; ptr NULL: none */
    struct vv_str at;
    int64_t limit; /* 0: none */
};
/* Reads the files that the condition leaves. */
varve_status vv_table_scan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct ArrowArrayStream *out);
/* What it would read, and how; nothing is read. *out_text lives in the operation's arena. */
varve_status vv_table_scan_plan(struct vv_op *op, struct vv_table *table,
    const struct vv_scan_request *request, struct vv_table_plan *out, struct vv_str *out_text);

struct vv_latest_request {
    struct vv_str by;    /* names parted by commas; ptr NULL: the key without its time column */
    struct vv_str until; /* time, included; ptr NULL: none */
    struct vv_str at;
};
varve_status vv_table_latest(struct vv_op *op, struct vv_table *table,
    const struct vv_latest_request *request, struct ArrowArrayStream *out);

struct vv_range_request {
    struct vv_str column; /* to be equal to `value`; ptr NULL: no such condition */
    struct vv_str value;
    int64_t from_us; /* included; INT64_MIN: open */
    int64_t to_us;   /* not included; INT64_MAX: open */
    struct vv_str at;
};
/* *out_newest_us: event time of the newest row with that value, INT64_MIN where there is none. */
varve_status vv_table_range(struct vv_op *op, struct vv_table *table,
    const struct vv_range_request *request, struct ArrowArrayStream *out,
    int64_t *out_newest_us);

#endif
