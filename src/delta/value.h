/*
 * One typed value of the log: a partition value or a bound from statistics.
 *
 * Order is DuckDB's and Spark's: NaN above everything, -0.0 equal to 0.0, strings by UTF-8 bytes.
 */
#ifndef VV_DELTA_VALUE_H
#define VV_DELTA_VALUE_H

#include "base/buf.h"
#include "base/op.h"
#include "delta/schema.h"

enum vv_value_kind {
    VV_VALUE_NONE, /* unknown */
    VV_VALUE_NULL,
    VV_VALUE_BOOL,    /* integer */
    VV_VALUE_INT,     /* integer: byte to long, date (days), timestamp and timestamp_ntz (us) */
    VV_VALUE_DOUBLE,  /* number: float and double */
    VV_VALUE_DECIMAL, /* text: the digits as written; compared as decimals */
    VV_VALUE_TEXT     /* text: string, binary */
};

struct vv_value {
    enum vv_value_kind kind;
    int64_t integer;
    double number;
    struct vv_str text;
};

/* Both of the same kind, neither NONE nor NULL (VV_PRE). <0, 0, >0. */
int vv_value_cmp(const struct vv_value *a, const struct vv_value *b);
bool vv_value_eq(const struct vv_value *a, const struct vv_value *b); /* IS NOT DISTINCT FROM */

/*
 * Partition values, as text in `add.partitionValues` (5-protocol: raw, no escapes). Reading: null
 * and "" are NULL; a timestamp without a zone is UTC. False when the text is not of the type.
 */
bool vv_partition_parse(struct vv_str text, const struct vv_type *type, struct vv_value *out);
/* The text to write; timestamps as 2025-01-30T10:00:00.000000Z, floats as Java prints them. */
void vv_partition_format(const struct vv_value *value, const struct vv_type *type,
    struct vv_buf *out);
/* Rounded to the width of a float; false where it is too big for one. */
bool vv_double_to_float(double number, double *out);
/* A value as a DuckDB literal with a cast to its type. */
void vv_value_sql(const struct vv_value *value, const struct vv_type *type, struct vv_buf *sql);

#endif
