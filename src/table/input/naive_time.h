/*
 * A time that says no zone, read in one. When clocks are put forward some times are in no day of the
 * zone; when they are put back some come twice, and the earlier is meant. Whatever reads such times
 * (upsert, append, merge, overwrite, adopt) does it by these expressions.
 */
#ifndef VV_TABLE_INPUT_NAIVE_TIME_H
#define VV_TABLE_INPUT_NAIVE_TIME_H

#include "base/buf.h"

/* Of `naive`, an expression of type TIMESTAMP: its instant, or NULL where the zone leaves it out. */
void vv_naive_instant_sql(struct vv_str zone, struct vv_str naive, struct vv_buf *sql);
/* TRUE where the zone leaves it out; never NULL. */
void vv_naive_gap_sql(struct vv_str zone, struct vv_str naive, struct vv_buf *sql);
/* TRUE where the zone has it twice; never NULL. */
void vv_naive_twice_sql(struct vv_str zone, struct vv_str naive, struct vv_buf *sql);

#endif
