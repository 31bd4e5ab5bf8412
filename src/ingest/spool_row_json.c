/*
 * A typed row as text. What the text of a value is says table/input/convert.h; a value that no text of
 * its type stands for (a time beyond the year 9999) becomes one that the table refuses.
 */
#include "ingest/spool_row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "base/number.h"
#include "base/time.h"

static struct vv_str text_of(const char *text, int len)
{
    return (struct vv_str){text, len > 0 ? (size_t)len : 0};
}

static uint64_t bits_of(struct vv_str value)
{
    uint64_t bits = 0;
    memcpy(&bits, value.ptr, value.len < sizeof(bits) ? value.len : sizeof(bits));
    return bits;
}

static int64_t integer_of(struct vv_str value)
{
    uint32_t unused_bits = 64 - 8 * (uint32_t)(value.len < 8 ? value.len : 8);
    return value.len == 0 ? 0 : (int64_t)(bits_of(value) << unused_bits) >> unused_bits;
}

static void float_json(double value, struct vv_json_writer *writer)
{
    if (isfinite(value))
        vv_jw_double(writer, value);
    else if (isnan(value))
        vv_jw_string(writer, VV_STR("NaN"));
    else
        vv_jw_string(writer, value > 0 ? VV_STR("Infinity") : VV_STR("-Infinity"));
}

/* FIXED: which of them it is, DuckDB's name of the type says. */
static void fixed_json(const struct vv_arrow_type *type, struct vv_str value,
    struct vv_json_writer *writer)
{
    char text[24];
    if (strcmp(type->sql, "DOUBLE") == 0) {
        double wide = 0;
        memcpy(&wide, value.ptr, sizeof(wide));
        float_json(wide, writer);
    } else if (strcmp(type->sql, "FLOAT") == 0) {
        float narrow = 0;
        memcpy(&narrow, value.ptr, sizeof(narrow));
        float_json((double)narrow, writer);
    } else if (type->sql[0] == 'U') {
        int len = snprintf(text, sizeof(text), "%" PRIu64, bits_of(value));
        vv_jw_raw(writer, text_of(text, len));
    } else {
        vv_jw_int(writer, integer_of(value));
    }
}

static void day_json(int64_t days, struct vv_json_writer *writer)
{
    char text[40];
    size_t len = 0;
    if (days >= VV_TIME_DAYS_FIRST && days <= VV_TIME_DAYS_LAST)
        len = vv_time_format_date((int32_t)days, text);
    else
        len = (size_t)snprintf(text, sizeof(text), "day %" PRId64 " of 1970", days);
    vv_jw_string(writer, (struct vv_str){text, len});
}

static int64_t floor_of(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static void timestamp_json(const struct vv_arrow_type *type, int64_t value,
    struct vv_json_writer *writer)
{
    int64_t per_day = VV_US_PER_DAY;
    int64_t factor = 1;
    char text[48];
    if (type->unit == 's' || type->unit == 'm') {
        factor = type->unit == 's' ? VV_US_PER_S : VV_US_PER_MS;
        per_day = VV_US_PER_DAY / factor;
    }
    int64_t whole = type->unit == 'n' ? floor_of(value, 1000) : value;
    int64_t day = floor_of(whole, per_day);
    if (day < VV_TIME_DAYS_FIRST || day > VV_TIME_DAYS_LAST) {
        int cut = snprintf(text, sizeof(text), "%" PRId64 " %cs since 1970", value, type->unit);
        vv_jw_string(writer, text_of(text, cut));
        return;
    }
    /* As no clock of UTC shows it: it fits no timestamp_ntz, whatever the place's clock shows. */
    bool is_zoned = type->has_zone && !type->is_utc && day < VV_TIME_DAYS_LAST;
    int64_t shift = is_zoned ? VV_US_PER_S * 3600 : 0;
    size_t len = vv_time_format_us(whole * factor + shift, text) - 1; /* without its Z */
    if (type->unit == 'n')
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%03d",
            (int)(value % 1000 + (value % 1000 < 0 ? 1000 : 0)));
    if (is_zoned)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "+01:00");
    else if (type->has_zone)
        text[len++] = 'Z';
    vv_jw_string(writer, (struct vv_str){text, len});
}

static void decimal_json(const struct vv_arrow_type *type, struct vv_str value,
    struct vv_json_writer *writer)
{
    char text[VV_NUMBER_BYTES];
    size_t len = vv_number_format_decimal(value.ptr, value.len, type->scale, text);
    vv_jw_string(writer, (struct vv_str){text, len});
}

static void base64_json(struct vv_str value, struct vv_json_writer *writer)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_add_base64(&text, value);
    vv_jw_string(writer, vv_buf_str(&text));
    if (!vv_buf_ok(&text))
        writer->buf->failed = true;
}

static void scalar_json(const struct vv_arrow_type *type, struct vv_str value,
    struct vv_json_writer *writer)
{
    switch (type->kind) {
    case VV_ARROW_BOOL:
        vv_jw_bool(writer, value.ptr[0] != 0);
        break;
    case VV_ARROW_FIXED:
        fixed_json(type, value, writer);
        break;
    case VV_ARROW_DATE32:
        day_json(integer_of(value), writer);
        break;
    case VV_ARROW_DATE64:
        day_json(floor_of(integer_of(value), VV_US_PER_DAY / VV_US_PER_MS), writer);
        break;
    case VV_ARROW_TIMESTAMP:
        timestamp_json(type, integer_of(value), writer);
        break;
    case VV_ARROW_DECIMAL:
        decimal_json(type, value, writer);
        break;
    case VV_ARROW_BYTES:
        base64_json(value, writer);
        break;
    case VV_ARROW_TEXT:
        if (type->is_text)
            vv_jw_string(writer, value);
        else
            base64_json(value, writer);
        break;
    case VV_ARROW_NULL:
    case VV_ARROW_VIEW:
    case VV_ARROW_LIST:
    case VV_ARROW_ARRAY:
    case VV_ARROW_STRUCT:
    case VV_ARROW_DICTIONARY:
        vv_jw_null(writer); /* no scalars */
        break;
    }
}

static bool value_json(const struct vv_arrow_type *type, struct vv_row_bytes *from,
    struct vv_json_writer *writer);

static bool struct_json(const struct vv_arrow_type *type, struct vv_row_bytes *from,
    struct vv_json_writer *writer)
{
    const unsigned char *bits = vv_row_take_bits(from, (uint64_t)type->children_len);
    if (bits == NULL)
        return false;
    vv_jw_object(writer);
    for (int64_t i = 0; i < type->children_len; i++) {
        if (!vv_arrow_bit(bits, i))
            continue;
        vv_jw_key_str(writer, type->children[i].name);
        if (!value_json(&type->children[i], from, writer))
            return false;
    }
    vv_jw_end(writer);
    return true;
}

static bool list_json(const struct vv_arrow_type *type, uint64_t len, struct vv_row_bytes *from,
    struct vv_json_writer *writer)
{
    const unsigned char *bits = vv_row_take_bits(from, len);
    if (bits == NULL)
        return false;
    vv_jw_array(writer);
    for (uint64_t i = 0; i < len; i++) {
        if (!vv_arrow_bit(bits, (int64_t)i))
            vv_jw_null(writer);
        else if (!value_json(&type->children[0], from, writer))
            return false;
    }
    vv_jw_end(writer);
    return true;
}

/* The key of a map's entry: the text of its value, without the quotes that it may bear. */
static bool key_json(const struct vv_arrow_type *type, struct vv_row_bytes *from,
    struct vv_json_writer *writer)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer part = VV_JSON_WRITER_INIT(&text);
    struct vv_str value;
    if (type->kind == VV_ARROW_TEXT && type->is_text) {
        if (!vv_row_take_scalar(from, type, &value))
            return false;
        vv_jw_key_str(writer, value);
        return true;
    }
    if (!value_json(type, from, &part))
        return false;
    struct vv_str key = vv_buf_str(&text);
    if (vv_str_starts(key, VV_STR("\"")))
        key = vv_str_first(vv_str_skip(key, 1), key.len - 2);
    vv_jw_key_str(writer, key);
    return vv_buf_ok(&text);
}

static bool map_json(const struct vv_arrow_type *type, uint64_t len, struct vv_row_bytes *from,
    struct vv_json_writer *writer)
{
    const struct vv_arrow_type *entry = &type->children[0];
    const unsigned char *entries = vv_row_take_bits(from, len);
    if (entries == NULL)
        return false;
    vv_jw_object(writer);
    for (uint64_t i = 0; i < len; i++) {
        const unsigned char *bits = NULL;
        if (vv_arrow_bit(entries, (int64_t)i))
            bits = vv_row_take_bits(from, 2);
        /* A map has no NULL among its entries or keys. */
        if (bits == NULL || !vv_arrow_bit(bits, 0) ||
            !key_json(&entry->children[0], from, writer))
            return false;
        if (!vv_arrow_bit(bits, 1))
            vv_jw_null(writer);
        else if (!value_json(&entry->children[1], from, writer))
            return false;
    }
    vv_jw_end(writer);
    return true;
}

static bool value_json(const struct vv_arrow_type *type, struct vv_row_bytes *from,
    struct vv_json_writer *writer)
{
    uint64_t len = (uint64_t)type->width;
    struct vv_str value;
    switch (type->kind) {
    case VV_ARROW_STRUCT:
        return struct_json(type, from, writer);
    case VV_ARROW_LIST:
        if (!vv_row_take_count(from, &len))
            return false;
        return type->is_map ? map_json(type, len, from, writer)
                            : list_json(type, len, from, writer);
    case VV_ARROW_ARRAY:
        return list_json(type, len, from, writer);
    case VV_ARROW_NULL:
        return false; /* there is no value of this type */
    case VV_ARROW_BOOL:
    case VV_ARROW_FIXED:
    case VV_ARROW_DATE32:
    case VV_ARROW_DATE64:
    case VV_ARROW_TIMESTAMP:
    case VV_ARROW_DECIMAL:
    case VV_ARROW_TEXT:
    case VV_ARROW_VIEW:
    case VV_ARROW_BYTES:
    case VV_ARROW_DICTIONARY:
        break;
    }
    if (!vv_row_take_scalar(from, type, &value))
        return false;
    scalar_json(type, value, writer);
    return true;
}

varve_status vv_row_json(struct vv_op *op, const struct vv_row_schema *schema,
    struct vv_str payload, struct vv_buf *out)
{
    struct vv_row_bytes from = {(const unsigned char *)payload.ptr, payload.len};
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    if (!struct_json(&schema->type, &from, &writer) || from.left > 0)
        return vv_fail(op, VARVE_ECORRUPT, "a typed row of %zu bytes is not of its schema",
            payload.len);
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
