/*
 * When a row happened: which column of a table says so, and what an instant is in its type.
 *
 * A timestamp without a zone is UTC; a date stands for its first instant, UTC.
 */
#ifndef VV_TABLE_READ_EVENT_TIME_H
#define VV_TABLE_READ_EVENT_TIME_H

#include "table/rules.h"
#include "table/table.h"

/*
 * The column by which rows are in order of time: the source of a derived date partition, else the
 * first timestamp of the key, else its first date, else the order column where it is a timestamp;
 * -1: none.
 */
int32_t vv_event_column(const struct vv_snapshot *snapshot, const struct vv_rules *rules);

/*
 * The same where an instant is needed: -1 where it is a date, which does not say when in its day,
 * and the order column says still less when a row of a day happened.
 */
int32_t vv_time_column(const struct vv_snapshot *snapshot, const struct vv_rules *rules);

/* EUSAGE: the table has no time column, and if that is so, that its key has a date alone. */
varve_status vv_time_fail(struct vv_op *op, struct vv_str table,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules);
/*
 * Logs, once a handle, that the time column is the order column: what is found by it goes by when
 * rows were written, which nobody shall take for when they happened.
 */
void vv_time_tell_order(const struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int32_t time);

/* Of a timestamp, timestamp_ntz or date: the least value at or after an instant, in microseconds. */
struct vv_value vv_event_at_or_after(const struct vv_type *type, int64_t us);
/* The greatest value at or before it. */
struct vv_value vv_event_at_or_before(const struct vv_type *type, int64_t us);
/* The instant of a value, as vv_rows_int64 has it: microseconds, or days. INT64_MIN where none is. */
int64_t vv_event_us(const struct vv_type *type, int64_t value);

#endif
