#include "delta/value.h"

#include <math.h>

#include "base/number.h"
#include "base/time.h"
#include "delta/decimal.h"
#include "engine/sql.h"

static int cmp_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/* NaN is one value, above all others; the two zeros are one. */
static int cmp_double(double a, double b)
{
    if (isnan(a) || isnan(b))
        return (isnan(a) ? 1 : 0) - (isnan(b) ? 1 : 0);
    return (a > b) - (a < b);
}

static int cmp_decimal(struct vv_str a, struct vv_str b)
{
    struct vv_decimal left;
    struct vv_decimal right;
    bool is_left = vv_decimal_parse(a, &left);
    bool is_right = vv_decimal_parse(b, &right);

    VV_PRE(is_left && is_right);
    return vv_decimal_cmp(&left, &right);
}

int vv_value_cmp(const struct vv_value *a, const struct vv_value *b)
{
    VV_PRE(a->kind == b->kind);
    VV_PRE(a->kind != VV_VALUE_NONE && a->kind != VV_VALUE_NULL);
    switch (a->kind) {
    case VV_VALUE_BOOL:
    case VV_VALUE_INT:
        return cmp_int(a->integer, b->integer);
    case VV_VALUE_DOUBLE:
        return cmp_double(a->number, b->number);
    case VV_VALUE_DECIMAL:
        return cmp_decimal(a->text, b->text);
    case VV_VALUE_TEXT:
    case VV_VALUE_NONE:
    case VV_VALUE_NULL:
        break;
    }
    return vv_str_cmp(a->text, b->text);
}

bool vv_value_eq(const struct vv_value *a, const struct vv_value *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == VV_VALUE_NULL || a->kind == VV_VALUE_NONE)
        return a->kind == VV_VALUE_NULL;
    return vv_value_cmp(a, b) == 0;
}

static bool parse_int(struct vv_str text, int64_t min, int64_t max, struct vv_value *out)
{
    int64_t number;

    if (text.len > 1 && text.ptr[0] == '+' && text.ptr[1] != '-')
        text = vv_str_skip(text, 1);
    if (!vv_str_int64(text, &number) || number < min || number > max)
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_INT, .integer = number};
    return true;
}

/* From here on a double rounds to infinity: FLT_MAX and half of its last bit. */
#define FLOAT_LIMIT 0x1.ffffffp127

bool vv_double_to_float(double number, double *out)
{
    if (isfinite(number) && fabs(number) >= FLOAT_LIMIT)
        return false;
    *out = (double)(float)number;
    return true;
}

static bool parse_double(struct vv_str text, bool is_float, struct vv_value *out)
{
    double number;

    if (!vv_str_double(text, &number) || (is_float && !vv_double_to_float(number, &number)))
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_DOUBLE, .number = number};
    return true;
}

static bool parse_bool(struct vv_str text, struct vv_value *out)
{
    bool is_true = vv_str_eq_nocase(text, VV_STR("true"));

    if (!is_true && !vv_str_eq_nocase(text, VV_STR("false")))
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_BOOL, .integer = is_true ? 1 : 0};
    return true;
}

static bool parse_date(struct vv_str text, struct vv_value *out)
{
    int32_t days;

    if (!vv_time_parse_date(text, &days))
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_INT, .integer = days};
    return true;
}

/* Digits below a microsecond are no part of the type: such a text is somebody else's. */
static bool parse_timestamp(struct vv_str text, bool allow_zone, struct vv_value *out)
{
    bool has_zone = false;
    bool is_finer = false;
    int64_t us;

    if (!vv_time_parse(text, &us, &has_zone, &is_finer) || is_finer)
        return false;
    if (has_zone && !allow_zone)
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_INT, .integer = us};
    return true;
}

static bool parse_decimal(struct vv_str text, struct vv_value *out)
{
    struct vv_decimal decimal;

    if (!vv_decimal_parse(text, &decimal))
        return false;
    *out = (struct vv_value){.kind = VV_VALUE_DECIMAL, .text = text};
    return true;
}

bool vv_partition_parse(struct vv_str text, const struct vv_type *type, struct vv_value *out)
{
    if (text.len == 0) {
        *out = (struct vv_value){.kind = VV_VALUE_NULL};
        return true;
    }
    switch (type->kind) {
    case VV_TYPE_STRING:
    case VV_TYPE_BINARY:
        *out = (struct vv_value){.kind = VV_VALUE_TEXT, .text = text};
        return true;
    case VV_TYPE_LONG:
        return parse_int(text, INT64_MIN, INT64_MAX, out);
    case VV_TYPE_INTEGER:
        return parse_int(text, INT32_MIN, INT32_MAX, out);
    case VV_TYPE_SHORT:
        return parse_int(text, INT16_MIN, INT16_MAX, out);
    case VV_TYPE_BYTE:
        return parse_int(text, INT8_MIN, INT8_MAX, out);
    case VV_TYPE_FLOAT:
        return parse_double(text, true, out);
    case VV_TYPE_DOUBLE:
        return parse_double(text, false, out);
    case VV_TYPE_BOOLEAN:
        return parse_bool(text, out);
    case VV_TYPE_DATE:
        return parse_date(text, out);
    case VV_TYPE_TIMESTAMP:
        return parse_timestamp(text, true, out);
    case VV_TYPE_TIMESTAMP_NTZ:
        return parse_timestamp(text, false, out);
    case VV_TYPE_DECIMAL:
        return parse_decimal(text, out);
    case VV_TYPE_VARIANT:
    case VV_TYPE_VOID:
    case VV_TYPE_STRUCT:
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        break;
    }
    return false;
}

/*
 * The shortest digits that read back as the same float or double; of floats two at least, as
 * Java has it.
 */
static bool shortest_digits(double number, bool is_float, struct vv_decimal *out)
{
    char text[VV_NUMBER_BYTES];
    struct vv_decimal full;

    vv_number_format(number, text);
    if (!vv_decimal_parse(vv_str_of(text), &full))
        return false;
    *out = full;
    for (size_t len = 2; is_float && len < full.len; len++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf buf = VV_BUF_INIT(VV_NUMBER_BYTES);
        double read;

        *out = full;
        vv_decimal_round(out, len);
        vv_decimal_write_scientific(out, &buf);
        if (!vv_buf_ok(&buf))
            return false;
        if (vv_str_double(vv_buf_str(&buf), &read) && vv_double_to_float(read, &read) &&
            cmp_double(read, number) == 0)
            return true;
        *out = full;
    }
    return true;
}

/* As Java's Double.toString: plain from 1e-3 to below 1e7, else with an exponent. */
static void format_double(double number, bool is_float, struct vv_buf *out)
{
    struct vv_decimal digits;

    if (isnan(number)) {
        vv_buf_adds(out, "NaN");
        return;
    }
    if (isinf(number)) {
        vv_buf_adds(out, number < 0 ? "-Infinity" : "Infinity");
        return;
    }
    if (!shortest_digits(number, is_float, &digits)) {
        out->failed = true; /* memory is out: a double always has digits */
        return;
    }
    if (digits.len == 0) {
        vv_buf_adds(out, signbit(number) ? "-0.0" : "0.0");
        return;
    }
    if (digits.point > -3 && digits.point <= 7)
        vv_decimal_write_plain(&digits, 1, out);
    else
        vv_decimal_write_scientific(&digits, out);
}

/* "2025-01-30T10:00:00.000000Z" without zone, `T` and a fraction of zero. */
static void format_ntz(int64_t us, struct vv_buf *out)
{
    char text[32];
    size_t len = vv_time_format_us(us, text);
    size_t date_len = vv_str_find((struct vv_str){text, len}, 'T');

    text[date_len] = ' ';
    len -= us % VV_US_PER_S == 0 ? strlen(".000000Z") : strlen("Z");
    vv_buf_add(out, (struct vv_str){text, len});
}

static void format_int(int64_t integer, const struct vv_type *type, struct vv_buf *out)
{
    char text[32];

    switch ((int)type->kind) {
    case VV_TYPE_DATE:
        vv_buf_add(out, (struct vv_str){text, vv_time_format_date((int32_t)integer, text)});
        break;
    case VV_TYPE_TIMESTAMP:
        vv_buf_add(out, (struct vv_str){text, vv_time_format_us(integer, text)});
        break;
    case VV_TYPE_TIMESTAMP_NTZ:
        format_ntz(integer, out);
        break;
    default:
        vv_buf_addf(out, "%" PRId64, integer);
        break;
    }
}

void vv_partition_format(const struct vv_value *value, const struct vv_type *type,
    struct vv_buf *out)
{
    struct vv_decimal decimal;

    switch (value->kind) {
    case VV_VALUE_NONE:
    case VV_VALUE_NULL:
        break;
    case VV_VALUE_BOOL:
        vv_buf_adds(out, value->integer != 0 ? "true" : "false");
        break;
    case VV_VALUE_INT:
        format_int(value->integer, type, out);
        break;
    case VV_VALUE_DOUBLE:
        format_double(value->number, type->kind == VV_TYPE_FLOAT, out);
        break;
    case VV_VALUE_DECIMAL:
        if (vv_decimal_parse(value->text, &decimal))
            vv_decimal_write_plain(&decimal, type->scale, out);
        break;
    case VV_VALUE_TEXT:
        vv_buf_add(out, value->text);
        break;
    }
}

static void add_hex(struct vv_str bytes, struct vv_buf *sql)
{
    vv_buf_adds(sql, "from_hex('");
    for (size_t index = 0; index < bytes.len; index++)
        vv_buf_addf(sql, "%02X", (unsigned int)(unsigned char)bytes.ptr[index]);
    vv_buf_adds(sql, "')");
}

void vv_value_sql(const struct vv_value *value, const struct vv_type *type, struct vv_buf *sql)
{
    bool is_null = value->kind == VV_VALUE_NULL || value->kind == VV_VALUE_NONE;

    if (!is_null && type->kind == VV_TYPE_TIMESTAMP) {
        vv_sql_timestamptz(sql, value->integer);
        return;
    }
    if (!is_null && type->kind == VV_TYPE_TIMESTAMP_NTZ) {
        vv_sql_timestamp(sql, value->integer);
        return;
    }
    if (!is_null && type->kind == VV_TYPE_DATE) {
        vv_sql_date(sql, (int32_t)value->integer);
        return;
    }
    if (!is_null && type->kind == VV_TYPE_BINARY) {
        add_hex(value->text, sql);
        return;
    }
    vv_buf_adds(sql, "CAST(");
    if (is_null) {
        vv_buf_adds(sql, "NULL");
    } else if (value->kind == VV_VALUE_TEXT) {
        vv_sql_literal(sql, value->text);
    } else {
        vv_buf_addc(sql, '\'');
        vv_partition_format(value, type, sql);
        vv_buf_addc(sql, '\'');
    }
    vv_buf_adds(sql, " AS ");
    vv_type_sql(type, sql);
    vv_buf_addc(sql, ')');
}
