#include "table/input/json_cell.h"

#include "base/json.h"
#include "base/number.h"
#include "base/time.h"

#define DATE_BYTES 10   /* 2025-01-30 */
#define SECOND_BYTES 19 /* 2025-01-30T10:00:00 */

bool vv_json_cell_fits(enum vv_type_kind kind)
{
    switch (kind) {
    case VV_TYPE_STRING:
    case VV_TYPE_LONG:
    case VV_TYPE_INTEGER:
    case VV_TYPE_SHORT:
    case VV_TYPE_BYTE:
    case VV_TYPE_DOUBLE:
    case VV_TYPE_BOOLEAN:
    case VV_TYPE_DATE:
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ:
        return true;
    case VV_TYPE_FLOAT: /* to round twice would be wrong */
    case VV_TYPE_BINARY:
    case VV_TYPE_DECIMAL:
    case VV_TYPE_VARIANT:
    case VV_TYPE_VOID:
    case VV_TYPE_STRUCT:
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        break;
    }
    return false;
}

static bool integer_read(const struct vv_json *value, int64_t least, int64_t most,
    struct vv_cell *out)
{
    return vv_json_is(value, VV_JSON_NUMBER) &&
           vv_str_int64(vv_json_text(value), &out->as.integer) && out->as.integer >= least &&
           out->as.integer <= most;
}

/* A zero below zero is one of the engine's. */
static bool double_read(const struct vv_json *value, struct vv_cell *out)
{
    struct vv_str text = vv_json_text(value);
    return vv_json_is(value, VV_JSON_NUMBER) && vv_number_parse(text, &out->as.number) &&
           (text.ptr[0] != '-' || out->as.number < 0);
}

static bool date_read(const struct vv_json *value, struct vv_cell *out)
{
    struct vv_str text = vv_json_text(value);
    int32_t days = 0;
    if (!vv_json_is(value, VV_JSON_STRING) || text.len != DATE_BYTES ||
        !vv_time_parse_date(text, &days))
        return false;
    out->as.integer = days;
    return true;
}

/* Date, T, time with seconds; then nothing, Z or +00:00. */
static bool time_read(const struct vv_json *value, bool is_naive, struct vv_cell *out)
{
    static const struct vv_str utc = {"+00:00", 6};
    struct vv_str text = vv_json_text(value);
    bool has_zone = false;
    bool is_finer = false;
    if (!vv_json_is(value, VV_JSON_STRING) || text.len < SECOND_BYTES ||
        text.ptr[DATE_BYTES] != 'T' || text.ptr[SECOND_BYTES - 3] != ':' ||
        !vv_time_parse(text, &out->as.integer, &has_zone, &is_finer) || is_finer)
        return false;
    bool is_utc = text.ptr[text.len - 1] == 'Z' || vv_str_ends(text, utc);
    return !has_zone || (is_utc && !is_naive);
}

bool vv_json_cell(enum vv_type_kind kind, const struct vv_json *value, struct vv_cell *out)
{
    out->is_null = vv_json_is(value, VV_JSON_NULL);
    if (out->is_null)
        return true;
    switch ((int)kind) {
    case VV_TYPE_STRING:
        out->as.text = vv_json_text(value);
        return vv_json_is(value, VV_JSON_STRING);
    case VV_TYPE_LONG:
        return integer_read(value, INT64_MIN, INT64_MAX, out);
    case VV_TYPE_INTEGER:
        return integer_read(value, INT32_MIN, INT32_MAX, out);
    case VV_TYPE_SHORT:
        return integer_read(value, INT16_MIN, INT16_MAX, out);
    case VV_TYPE_BYTE:
        return integer_read(value, INT8_MIN, INT8_MAX, out);
    case VV_TYPE_DOUBLE:
        return double_read(value, out);
    case VV_TYPE_BOOLEAN:
        out->as.integer = vv_json_bool(value, false);
        return vv_json_is(value, VV_JSON_BOOL);
    case VV_TYPE_DATE:
        return date_read(value, out);
    case VV_TYPE_TIMESTAMP:
        return time_read(value, false, out);
    case VV_TYPE_TIMESTAMP_NTZ:
        return time_read(value, true, out);
    default:
        return false;
    }
}
