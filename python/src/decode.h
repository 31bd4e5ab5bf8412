/*
 * Values of Arrow arrays as objects of Python, by their own types alone: int, float, str, bytes,
 * bool, None, datetime, date, time, timedelta, Decimal, list, dict. The arrays come from the
 * library and are believed.
 */
#ifndef VP_DECODE_H
#define VP_DECODE_H

#include "common.h"

struct vp_column;

/* Reads a schema. NULL with an exception: Unsupported for a type that has no object here. */
struct vp_column *vp_column_new(struct vp_state *state, const struct ArrowSchema *schema);
void vp_column_free(struct vp_column *column);

/* A list of the names of those columns of the rows that are, or hold, intervals. */
PyObject *vp_column_intervals(const struct vp_column *columns);

/*
 * The value at `index` (without the array's own offset). NULL with an exception: ValueError for a
 * time that datetime can't hold, which names the column.
 */
PyObject *vp_column_value(struct vp_column *column, const struct ArrowArray *array,
    int64_t index);

/* Appends the rows of a batch (an array of a struct) to a list, as dicts. 0 or -1. */
int vp_column_rows(struct vp_column *columns, const struct ArrowArray *batch, PyObject *list);

#endif
