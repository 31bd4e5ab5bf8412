#include "table/input/convert.h"

#include "table/input/naive_time.h"

/*
 * DuckDB's own casts of text take far more than a store should guess at ("1.5" is the integer 2,
 * "2025-1-3", "epoch", "0x10", "1_000"), so that the form is checked before.
 */
#define YEAR "(\\d{3}[1-9]|\\d\\d[1-9]\\d|\\d[1-9]\\d\\d|[1-9]\\d{3})"
#define DATE YEAR "-\\d\\d-\\d\\d"
#define MIDNIGHT \
    "([T ]00:00(:00(\\.0{1,9})?)?)?" /* as dates are written by software that has times alone */
#define ZONE "(Z|[+-]([01]\\d|2[0-3])(:?[0-5]\\d(:[0-5]\\d)?)?)"
#define UTC "(Z|[+-]00(:?00(:00)?)?)"
#define TIME_OF(zone) DATE "([T ]\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,9})?)?" zone "?)?"
#define TIME TIME_OF(ZONE)
#define INTEGER \
    "\\s*[+-]?\\d+(\\.0*)?([eE]\\+?\\d{1,2})?\\s*" /* whole, however it is written */
#define BASE64 "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"

static void add(struct vv_buf *sql, const char *before, struct vv_str part, const char *after)
{
    vv_buf_adds(sql, before);
    vv_buf_add(sql, part);
    vv_buf_adds(sql, after);
}

static void begin_matching(struct vv_buf *sql, struct vv_str part, const char *pattern)
{
    add(sql, "CASE WHEN regexp_full_match(", part, ", '");
    vv_buf_adds(sql, pattern);
    vv_buf_adds(sql, "') THEN ");
}

static void matching_cast(const struct vv_type *type, struct vv_str part, const char *pattern,
    struct vv_buf *sql)
{
    begin_matching(sql, part, pattern);
    add(sql, "TRY_CAST(", part, " AS ");
    vv_type_sql(type, sql);
    vv_buf_adds(sql, ") END");
}

/* The same number without its exponent: the point is moved, between zeros that are always enough. */
static void add_expanded(struct vv_str part, struct vv_buf *sql)
{
    static const char zeros[] = "repeat('0', 100)";
    add(sql, "regexp_extract(", part, ", '^\\s*(-?)', 1) || ");
    for (int half = 0; half < 2; half++) {
        vv_buf_addf(sql, "%s(concat(%s, ", half == 0 ? "left" : " || '.' || substr", zeros);
        add(sql, "regexp_extract(", part, ", '^\\s*[+-]?(\\d*)', 1), ");
        add(sql, "regexp_extract(", part, ", '\\.(\\d*)', 1), ");
        vv_buf_addf(sql, "%s), 10%d + length(", zeros, half);
        add(sql, "regexp_extract(", part, ", '^\\s*[+-]?(\\d*)', 1)) + CAST(");
        add(sql, "regexp_extract(", part, ", '[eE]([+-]?\\d+)', 1) AS INTEGER))");
    }
}

/* Digits that the column holds, or nothing: an exponent only moves the point. */
static void decimal_cast(const struct vv_type *type, struct vv_str part, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf pattern = VV_BUF_INIT(256);
    VV_CLEANUP(vv_buf_done) struct vv_buf expanded = VV_BUF_INIT(VV_BUF_MAX);
    unsigned scale = type->scale;
    /* Zeros behind the last digit that the column holds are no digits. */
    if (scale == 0)
        vv_buf_adds(&pattern, "\\s*[+-]?\\d+(\\.0*)?\\s*");
    else
        vv_buf_addf(&pattern, "\\s*[+-]?(\\d+(\\.\\d{0,%u}0*)?|\\.\\d{1,%u}0*)\\s*", scale,
            scale);
    add_expanded(part, &expanded);
    if (!vv_buf_ok(&pattern) || !vv_buf_ok(&expanded)) {
        sql->failed = true;
        return;
    }
    begin_matching(sql, part, vv_buf_str(&pattern).ptr);
    add(sql, "TRY_CAST(", part, " AS ");
    vv_type_sql(type, sql);
    vv_buf_adds(sql, ") ELSE ");
    begin_matching(sql, part, "\\s*[+-]?(\\d+\\.?\\d*|\\.\\d+)[eE][+-]?\\d{1,2}\\s*");
    matching_cast(type, vv_buf_str(&expanded), vv_buf_str(&pattern).ptr, sql);
    vv_buf_adds(sql, " END END");
}

void vv_convert_naive(struct vv_str time_zone, const char *expression, struct vv_buf *sql)
{
    if (time_zone.len == 0)
        vv_buf_addf(sql, "make_timestamptz(epoch_us(%s))", expression);
    else
        vv_naive_instant_sql(time_zone, vv_str_of(expression), sql);
}

/* Seconds are left out rarely: only where the cast fails are they put in. */
static void cast_instant(struct vv_str part, const char *type, struct vv_buf *sql)
{
    add(sql, "coalesce(TRY_CAST(", part, " AS ");
    vv_buf_adds(sql, type);
    add(sql, "), TRY_CAST(left(", part, ", 16) || ':00' || ");
    add(sql, "substr(", part, ", 17) AS ");
    vv_buf_adds(sql, type);
    vv_buf_adds(sql, "))");
}

#define SAYS_ZONE "regexp_matches(substr(%.*s, 17), '[Z+-]')"

void vv_convert_text_naive(struct vv_str part, struct vv_buf *sql)
{
    vv_buf_addf(sql,
        "CASE WHEN regexp_full_match(%.*s, '" TIME "') AND NOT " SAYS_ZONE
        " THEN TRY_CAST(%.*s AS TIMESTAMP) END",
        VV_ARG(part), VV_ARG(part), VV_ARG(part));
}

static void time_cast(struct vv_str time_zone, struct vv_str part, struct vv_buf *sql)
{
    begin_matching(sql, part, TIME);
    if (time_zone.len > 0) {
        VV_CLEANUP(vv_buf_done) struct vv_buf naive = VV_BUF_INIT(VV_BUF_MAX);
        add(&naive, "TRY_CAST(", part, " AS TIMESTAMP)");
        vv_buf_addf(sql, "CASE WHEN NOT " SAYS_ZONE " THEN ", VV_ARG(part));
        if (vv_buf_ok(&naive))
            vv_convert_naive(time_zone, vv_buf_str(&naive).ptr, sql);
        else
            sql->failed = true;
        vv_buf_adds(sql, " ELSE ");
    }
    cast_instant(part, "TIMESTAMP WITH TIME ZONE", sql);
    vv_buf_adds(sql, time_zone.len > 0 ? " END END" : " END");
}

/* What a clock shows: an offset that is not zero says that it may be another one. */
static void clock_cast(struct vv_str part, struct vv_buf *sql)
{
    begin_matching(sql, part, TIME_OF(UTC));
    vv_buf_adds(sql, "make_timestamp(epoch_us(");
    cast_instant(part, "TIMESTAMP WITH TIME ZONE", sql);
    vv_buf_adds(sql, ")) END");
}

void vv_convert_text(const struct vv_type *type, struct vv_str time_zone, struct vv_str part,
    struct vv_buf *sql)
{
    switch ((int)type->kind) {
    case VV_TYPE_STRING:
        vv_buf_add(sql, part);
        break;
    case VV_TYPE_LONG:
    case VV_TYPE_INTEGER:
    case VV_TYPE_SHORT:
    case VV_TYPE_BYTE:
        matching_cast(type, part, INTEGER, sql);
        break;
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
        add(sql, "TRY_CAST(", part, " AS ");
        vv_type_sql(type, sql);
        vv_buf_addc(sql, ')');
        break;
    case VV_TYPE_DECIMAL:
        decimal_cast(type, part, sql);
        break;
    case VV_TYPE_BOOLEAN:
        add(sql, "CASE WHEN lower(", part, ") IN ('true', '1') THEN true WHEN ");
        add(sql, "lower(", part, ") IN ('false', '0') THEN false END");
        break;
    case VV_TYPE_BINARY:
        begin_matching(sql, part, BASE64);
        add(sql, "from_base64(", part, ") END");
        break;
    case VV_TYPE_DATE:
        begin_matching(sql, part, DATE MIDNIGHT);
        add(sql, "TRY_CAST(left(", part, ", 10) AS DATE) END");
        break;
    case VV_TYPE_TIMESTAMP:
        time_cast(time_zone, part, sql);
        break;
    case VV_TYPE_TIMESTAMP_NTZ:
        clock_cast(part, sql);
        break;
    default: /* void: it holds nothing but NULL */
        vv_buf_adds(sql, "CAST(NULL AS ");
        vv_type_sql(type, sql);
        vv_buf_addc(sql, ')');
        break;
    }
}

/*
 * Floats are judged behind the cast, since nearly all of them are numbers that are finite: what
 * is wrong then is an underscore between digits, or a number too big, which reads as infinity.
 */
void vv_convert_text_float_loss(struct vv_str part, struct vv_str value, struct vv_buf *sql)
{
    add(sql, "CASE WHEN isfinite(", value, ") THEN ");
    add(sql, "contains(", part, ", '_') ELSE ");
    add(sql, "", part, " IS NOT NULL AND NOT regexp_full_match(");
    add(sql, "", part, ", '(?i)\\s*[+-]?(nan|inf|infinity)\\s*') END");
}

/* The form is known to be right, so the seventh digit of a fraction is character 27. */
void vv_convert_text_finer(struct vv_str part, struct vv_str value, struct vv_buf *sql)
{
    add(sql, "CASE WHEN substr(", part, ", 27, 1) BETWEEN '0' AND '9' THEN ");
    add(sql, "", value, " IS NOT NULL AND regexp_matches(");
    add(sql, "substr(", part, ", 21), '^\\d{6}\\d*[1-9]') ELSE false END");
}
