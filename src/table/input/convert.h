/*
 * How a value of an input becomes a value of a column, in SQL: exactly, or not at all.
 *
 * Texts (CSV, NDJSON, Arrow strings), by the type of the column:
 *     string       as it is
 *     integers     a whole number with a sign: 5, 5.0, 5e3; no digit behind the point but zeros
 *     floats       a decimal number with or without exponent; NaN, Inf and Infinity in any case
 *     decimal      digits with a sign, a point and an exponent; no more digits behind the point than
 *                  the column has, wherever the exponent puts it
 *     boolean      true, True, 1, false, False, 0
 *     date         2025-01-30
 *     timestamps   2025-01-30, or with T or a blank 10:00, 10:00:00, 10:00:00.123456789, and then
 *                  nothing (the time zone of the batch: of a time that it has twice the earlier
 *                  one, none of a time that it leaves out), Z, +hh, +hhmm, +hh:mm or +hh:mm:ss
 *     timestamp_ntz  the same, as it stands: it is of no zone, that of the batch is not for it; an
 *                  offset that is not zero names a zone, and does not convert; nor does an Arrow
 *                  time of a zone but UTC
 *     binary       base64
 *                  (words that are no JSON: row_json.h)
 *     nested       NDJSON only: JSON brought into the type's shape by vv_json_shape (json_shape.h);
 *                  any other text is lost
 * Blanks around a number are passed over. Typed values (Arrow) convert where nothing is lost:
 * to a wider type, and to a narrower one that holds the value. Only floats may be rounded.
 */
#ifndef VV_TABLE_INPUT_CONVERT_H
#define VV_TABLE_INPUT_CONVERT_H

#include "base/buf.h"
#include "delta/schema.h"

struct vv_conversion {
    const struct vv_type *type;        /* of the column */
    struct vv_str source_type;         /* DuckDB's name of the input's type; VARCHAR: text */
    const struct vv_arrow_type *arrow; /* that of an Arrow input; NULL: it is none */
    struct vv_str time_zone;           /* of naive times in timestamps; none: UTC */
    bool shaped_json;                  /* nested values are text from vv_json_shape */
    bool empty_is_null;                /* "" is NULL: a partition column cannot hold it */
    bool truncate_time;                /* within nested values; else see vv_convert_finer */
};

/* Whether each Arrow time in a timestamp_ntz, within nested values too, has no zone, or UTC. */
bool vv_convert_zone_fits(const struct vv_type *type, const struct vv_arrow_type *source);
/* EINVALID when values of the input's type never convert to the column's. */
varve_status vv_convert_check(struct vv_op *op, const struct vv_conversion *conversion,
    struct vv_str column);
/* The value in the column's type; NULL where it does not convert. `from` is an SQL expression. */
void vv_convert_value(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql);
/*
 * TRUE where the value does not convert without a loss; `value` is what vv_convert_value made of
 * it, and neither is touched by a filled-in default. False, nothing appended: never happens.
 */
bool vv_convert_loss(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql);
/* TRUE where a timestamp has digits below a microsecond, which the value lacks. As above. */
bool vv_convert_finer(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql);
/*
 * TRUE where a time without a zone is one that conversion->time_zone leaves out, whose value is
 * NULL; and where it is one that the zone has twice. As above; neither looks into nested values.
 */
bool vv_convert_gap(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql);
bool vv_convert_twice(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql);
/* TRUE where a date or time is outside of the years 0001 to 9999. As above. */
bool vv_convert_range(const struct vv_conversion *conversion, struct vv_str value,
    struct vv_buf *sql);

/*
 * Whether whole numbers (integers) are what floats of the column, at whatever depth, are made of: they
 * are held exactly or lost, where a text of the same digits is rounded.
 */
bool vv_convert_is_whole(const struct vv_conversion *conversion);

/* The value of an input as a text, with all of its digits. */
void vv_convert_shown(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql);

/* For the files convert_*.c. `part` is an expression of type VARCHAR; time_zone as above. */
void vv_convert_text(const struct vv_type *type, struct vv_str time_zone, struct vv_str part,
    struct vv_buf *sql);
void vv_convert_text_float_loss(struct vv_str part, struct vv_str value, struct vv_buf *sql);
void vv_convert_text_finer(struct vv_str part, struct vv_str value, struct vv_buf *sql);
/* The time that a text names without a zone, as TIMESTAMP; NULL: it is no time, or has a zone. */
void vv_convert_text_naive(struct vv_str part, struct vv_buf *sql);
/*
 * A naive TIMESTAMP of a time zone, or of UTC, as TIMESTAMP WITH TIME ZONE; NULL where the zone
 * leaves it out (naive_time.h).
 */
void vv_convert_naive(struct vv_str time_zone, const char *expression, struct vv_buf *sql);
/* Whether an input's type is a date or a time without a zone: a timestamp made of it is in one. */
bool vv_convert_is_naive(struct vv_str source_type);
/* Of a nested column: the value, and whether some part of it is lost. */
void vv_convert_nested(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql);
void vv_convert_nested_loss(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql);
/* Whether typed values of a nested type can be cast to the column's: false, each of them is lost. */
bool vv_convert_nested_casts(struct vv_str source, const struct vv_type *type);
/* A nested value of a typed input as text: the JSON that a line of NDJSON has for it. */
void vv_convert_json(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql);
/* Of a value in a nested column's own type: a part is NULL that must not be. */
bool vv_convert_nested_null(const struct vv_type *type, struct vv_str value,
    struct vv_buf *sql);

static inline bool vv_type_is_nested(const struct vv_type *type)
{
    return type->kind == VV_TYPE_STRUCT || type->kind == VV_TYPE_ARRAY ||
           type->kind == VV_TYPE_MAP;
}

#endif
