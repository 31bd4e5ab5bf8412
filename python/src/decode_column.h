/*
 * What the files that decode share.
 *
 * decode_type.c   schemas, as a tree of what is understood
 * decode_time.c   dates and times
 * decode.c        all other values, and rows
 */
#ifndef VP_DECODE_COLUMN_H
#define VP_DECODE_COLUMN_H

#include "decode.h"

enum vp_kind {
    VP_NULL,
    VP_BOOL,
    VP_INT,  /* `width` bytes */
    VP_UINT, /* likewise */
    VP_FLOAT,
    VP_DOUBLE,
    VP_TEXT, /* with `width` bytes an offset */
    VP_BYTES,
    VP_FIXED, /* `width` bytes each */
    VP_TEXT_VIEW,
    VP_BYTES_VIEW,
    VP_DATE,      /* days */
    VP_DATE_MS,   /* milliseconds */
    VP_TIMESTAMP, /* `unit` nanoseconds each */
    VP_TIME,      /* likewise; `width` bytes */
    VP_DURATION,  /* likewise */
    VP_INTERVAL,  /* months, days, nanoseconds */
    VP_DECIMAL,   /* `width` bytes, `scale` */
    VP_LIST,      /* with `width` bytes an offset */
    VP_ARRAY,     /* `width` elements each */
    VP_MAP,
    VP_STRUCT,
    VP_DICTIONARY /* the index is an integer of `width` bytes; the values are the only child */
};

struct vp_column {
    struct vp_state *state; /* borrowed */
    enum vp_kind kind;
    bool has_zone;        /* of TIMESTAMP */
    bool index_is_signed; /* of DICTIONARY */
    int32_t width;
    int32_t scale;
    int64_t unit;
    PyObject *name;
    struct vp_column *children;
    int64_t children_len;
    /* The last date or time made: feeds have many rows of one instant. */
    PyObject *last;
    int64_t last_value;
};

/* A date, datetime, time or timedelta: the value at `at`, which counts with the array's offset. */
PyObject *vp_instant_at(struct vp_column *column, const struct ArrowArray *array, int64_t at);
PyObject *vp_time_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at);
PyObject *vp_duration_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at);
PyObject *vp_interval_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at);

/* Buffers need not be aligned. */
static inline int64_t vp_int_at(const void *bytes, int32_t width, int64_t index)
{
    int64_t value = 0;
    memcpy(&value, (const char *)bytes + index * width, (size_t)width);
    int shift = 64 - 8 * width;
    return (int64_t)((uint64_t)value << shift) >> shift;
}

#endif
