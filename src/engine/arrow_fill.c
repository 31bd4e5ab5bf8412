/*
 * Values of checked arrays into the vectors of a chunk. Texts are copied only where that is asked
 * for: a vector's string points into the Arrow buffer, so the chunk must be appended before the
 * array is released.
 */
#include "engine/arrow_in.h"

/* DuckDB's finite range is a little less; what lies outside cannot be printed or compared. */
static const int64_t timestamp_us_max = INT64_C(9223372022400000000);
static const int64_t us_per_second = 1000000;
/* A chunk may hold this many list elements: some gigabytes at most. */
static const int64_t elements_max = INT64_C(1) << 26;

static varve_status bad_value(struct vv_op *op, const struct vv_arrow_part *part,
    const char *what)
{
    return vv_fail(op, VARVE_EINVALID, "column %.*s: %s", VV_ARG(part->type->path), what);
}

static bool is_null_at(const struct vv_arrow_part *part, int64_t index)
{
    const void *validity = part->array->buffers[0];
    return validity && !vv_arrow_bit(validity, part->array->offset + part->from + index);
}

static const char *values_of(const struct vv_arrow_part *part)
{
    return (const char *)part->array->buffers[1] +
           (part->array->offset + part->from) * part->type->width;
}

static void null_set(duckdb_vector vector, idx_t row)
{
    duckdb_vector_ensure_validity_writable(vector);
    duckdb_validity_set_row_invalid(duckdb_vector_get_validity(vector), row);
}

/* DuckDB looks for NULL in the field alone, so a NULL struct has NULL fields. */
static void null_set_deep(const struct vv_arrow_type *type, duckdb_vector vector, idx_t row)
{
    null_set(vector, row);
    if (type->kind == VV_ARROW_DICTIONARY) {
        if (type->children[0].kind == VV_ARROW_STRUCT)
            null_set_deep(&type->children[0], vector, row);
    } else if (type->kind == VV_ARROW_STRUCT) {
        for (int64_t index = 0; index < type->children_len; index++)
            null_set_deep(&type->children[index],
                duckdb_struct_vector_get_child(vector, (idx_t)index), row);
    } else if (type->kind == VV_ARROW_TIMESTAMP && type->unit == 'n' && type->has_zone) {
        null_set(duckdb_struct_vector_get_child(vector, 0), row);
        null_set(duckdb_struct_vector_get_child(vector, 1), row);
    }
}

static void nulls_fill(const struct vv_arrow_part *part, duckdb_vector vector, idx_t at)
{
    const void *validity = part->array->buffers[0];
    int64_t start = part->array->offset + part->from;
    for (int64_t index = 0; validity && index < part->len; index++)
        if (!vv_arrow_bit(validity, start + index))
            null_set_deep(part->type, vector, at + (idx_t)index);
}

static void bool_fill(const struct vv_arrow_part *part, duckdb_vector vector, idx_t at)
{
    bool *values = (bool *)duckdb_vector_get_data(vector) + at;
    int64_t start = part->array->offset + part->from;
    for (int64_t index = 0; index < part->len; index++)
        values[index] = vv_arrow_bit(part->array->buffers[1], start + index);
}

static varve_status date_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    static const int64_t ms_per_day = 86400000;
    int32_t *dates = (int32_t *)duckdb_vector_get_data(vector) + at;
    const char *values = values_of(part);
    for (int64_t index = 0; index < part->len; index++) {
        dates[index] = 0;
        if (is_null_at(part, index))
            continue;
        int64_t days = vv_arrow_offset(values, part->type->width, index);
        if (part->type->kind == VV_ARROW_DATE64)
            days = days / ms_per_day - (days % ms_per_day < 0);
        /* The ends of the range are DuckDB's infinities. */
        if (days <= -INT32_MAX || days >= INT32_MAX)
            return bad_value(op, part, "a date is out of range");
        dates[index] = (int32_t)days;
    }
    return VARVE_OK;
}

/* Nanoseconds with a zone, which DuckDB has no type for: microseconds and the rest. */
static void zoned_ns_fill(const struct vv_arrow_part *part, duckdb_vector vector, idx_t at)
{
    int64_t *micros =
        (int64_t *)duckdb_vector_get_data(duckdb_struct_vector_get_child(vector, 0)) + at;
    int16_t *rests =
        (int16_t *)duckdb_vector_get_data(duckdb_struct_vector_get_child(vector, 1)) + at;
    const char *values = values_of(part);
    for (int64_t index = 0; index < part->len; index++) {
        int64_t value = vv_arrow_offset(values, 8, index);
        int64_t rest = value % 1000;
        micros[index] = value / 1000 - (rest < 0);
        rests[index] = (int16_t)(rest < 0 ? rest + 1000 : rest);
    }
}

static varve_status timestamp_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    char unit = part->type->unit;
    if (unit == 'n' && part->type->has_zone) {
        zoned_ns_fill(part, vector, at);
        return VARVE_OK;
    }
    int64_t *stamps = (int64_t *)duckdb_vector_get_data(vector) + at;
    const char *values = values_of(part);
    int64_t factor = unit == 's' ? us_per_second : (unit == 'm' ? 1000 : 1);
    for (int64_t index = 0; index < part->len; index++) {
        stamps[index] = 0;
        if (is_null_at(part, index))
            continue;
        int64_t value = vv_arrow_offset(values, 8, index);
        /* In nanoseconds every value but DuckDB's infinities is in range. */
        int64_t limit = unit == 'n' ? INT64_MAX - 1 : timestamp_us_max / factor;
        if (value > limit || value < -limit)
            return bad_value(op, part, "a timestamp is out of range");
        stamps[index] = value * factor;
    }
    return VARVE_OK;
}

static duckdb_hugeint decimal_at(const char *values, int32_t width, int64_t index)
{
    duckdb_hugeint value;
    if (width == 16) {
        memcpy(&value, values + index * 16, 16);
        return value;
    }
    int64_t narrow = vv_arrow_offset(values, width, index);
    return (duckdb_hugeint){(uint64_t)narrow, narrow < 0 ? -1 : 0};
}

__extension__ typedef unsigned __int128 uint128;

/* The least magnitude that has more than `precision` digits. */
static uint128 decimal_limit(uint8_t precision)
{
    uint128 limit = 1;
    for (uint8_t digit = 0; digit < precision; digit++)
        limit *= 10;
    return limit;
}

static uint128 magnitude_of(duckdb_hugeint value)
{
    uint128 magnitude = ((uint128)(uint64_t)value.upper << 64) | value.lower;
    return value.upper < 0 ? -magnitude : magnitude;
}

/* DuckDB stores a decimal in as many bytes as its precision needs. */
static varve_status decimal_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    uint8_t precision = part->type->precision;
    uint128 limit = decimal_limit(precision);
    void *data = duckdb_vector_get_data(vector);
    const char *values = values_of(part);
    for (int64_t index = 0; index < part->len; index++) {
        duckdb_hugeint value = {0, 0};
        if (!is_null_at(part, index))
            value = decimal_at(values, part->type->width, index);
        if (magnitude_of(value) >= limit)
            return bad_value(op, part, "a decimal has more digits than its type");
        idx_t row = at + (idx_t)index;
        if (precision <= 4)
            ((int16_t *)data)[row] = (int16_t)value.lower;
        else if (precision <= 9)
            ((int32_t *)data)[row] = (int32_t)value.lower;
        else if (precision <= 18)
            ((int64_t *)data)[row] = (int64_t)value.lower;
        else
            ((duckdb_hugeint *)data)[row] = value;
    }
    return VARVE_OK;
}

/* DuckDB's string: up to 12 bytes inside, else four of them and where they are. */
static duckdb_string_t string_of(const char *bytes, size_t len)
{
    duckdb_string_t string;
    memset(&string, 0, sizeof(string));
    string.value.inlined.length = (uint32_t)len;
    if (len <= sizeof(string.value.inlined.inlined)) {
        if (len > 0)
            memcpy(string.value.inlined.inlined, bytes, len);
        return string;
    }
    memcpy(string.value.pointer.prefix, bytes, sizeof(string.value.pointer.prefix));
    /* DuckDB's type is not const; it copies from there when the chunk is appended. */
    memcpy(&string.value.pointer.ptr, &bytes, sizeof(bytes));
    return string;
}

static void texts_fill(const struct vv_arrow_part *part, duckdb_vector vector, idx_t at)
{
    duckdb_string_t *strings = (duckdb_string_t *)duckdb_vector_get_data(vector) + at;
    int64_t start = part->array->offset + part->from;
    for (int64_t index = 0; index < part->len; index++) {
        struct vv_arrow_view view;
        struct vv_str text = VV_STR_NONE;
        if (!is_null_at(part, index))
            text = vv_arrow_text_at(part->type, part->array, start + index, &view);
        if (part->type->is_copied && text.len > sizeof(strings->value.inlined.inlined))
            duckdb_vector_assign_string_element_len(vector, at + (idx_t)index, text.ptr,
                text.len);
        else
            strings[index] = string_of(text.ptr, text.len);
    }
}

/* Makes room for `len` more elements behind those that are there; their position comes out. */
static varve_status elements_add(struct vv_op *op, duckdb_vector vector, int64_t len,
    idx_t *out_at)
{
    idx_t at = duckdb_list_vector_get_size(vector);
    if ((int64_t)at + len > elements_max)
        return vv_fail(op, VARVE_ELIMIT,
            "2,048 rows hold more than %" PRId64 " list elements; hand over shorter lists",
            elements_max);
    if (duckdb_list_vector_reserve(vector, at + (idx_t)len) != DuckDBSuccess ||
        duckdb_list_vector_set_size(vector, at + (idx_t)len) != DuckDBSuccess)
        return vv_fail_memory(op);
    *out_at = at;
    return VARVE_OK;
}

static varve_status list_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    int64_t start = part->array->offset + part->from;
    int32_t width = part->type->width;
    bool is_fixed = part->type->kind == VV_ARROW_ARRAY;
    const void *offsets = is_fixed ? NULL : part->array->buffers[1];
    int64_t first = is_fixed ? start * width : vv_arrow_offset(offsets, width, start);
    int64_t last = is_fixed ? (start + part->len) * width
                            : vv_arrow_offset(offsets, width, start + part->len);
    idx_t elements_at = 0;
    VV_TRY(elements_add(op, vector, last - first, &elements_at));
    struct vv_arrow_part elements = {
        &part->type->children[0], part->array->children[0], first, last - first};
    VV_TRY(vv_arrow_fill(op, &elements, duckdb_list_vector_get_child(vector), elements_at));
    duckdb_list_entry *entries = (duckdb_list_entry *)duckdb_vector_get_data(vector) + at;
    for (int64_t index = 0; index < part->len; index++) {
        int64_t from =
            is_fixed ? (start + index) * width : vv_arrow_offset(offsets, width, start + index);
        int64_t to =
            is_fixed ? from + width : vv_arrow_offset(offsets, width, start + index + 1);
        bool is_null = is_null_at(part, index);
        entries[index].offset = is_null ? elements_at : elements_at + (uint64_t)(from - first);
        entries[index].length = is_null ? 0 : (uint64_t)(to - from);
    }
    return VARVE_OK;
}

static varve_status struct_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    for (int64_t index = 0; index < part->type->children_len; index++) {
        struct vv_arrow_part child = {&part->type->children[index],
            part->array->children[index], part->array->offset + part->from, part->len};
        VV_TRY(vv_arrow_fill(op, &child, duckdb_struct_vector_get_child(vector, (idx_t)index),
            at));
    }
    return VARVE_OK;
}

static varve_status dictionary_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    int64_t start = part->array->offset + part->from;
    struct vv_arrow_part value = {&part->type->children[0], part->array->dictionary, 0, 1};
    for (int64_t index = 0; index < part->len; index++) {
        if (is_null_at(part, index))
            continue; /* the vector is zeroed or marked by the caller */
        value.from = vv_arrow_index(part->type, part->array, start + index);
        VV_TRY(vv_arrow_fill(op, &value, vector, at + (idx_t)index));
    }
    return VARVE_OK;
}

static varve_status values_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    switch (part->type->kind) {
    case VV_ARROW_BOOL:
        bool_fill(part, vector, at);
        break;
    case VV_ARROW_FIXED:
        memcpy((char *)duckdb_vector_get_data(vector) + at * (idx_t)part->type->width,
            values_of(part), (size_t)(part->len * part->type->width));
        break;
    case VV_ARROW_TEXT:
    case VV_ARROW_VIEW:
    case VV_ARROW_BYTES:
        texts_fill(part, vector, at);
        break;
    case VV_ARROW_DATE32:
    case VV_ARROW_DATE64:
        return date_fill(op, part, vector, at);
    case VV_ARROW_TIMESTAMP:
        return timestamp_fill(op, part, vector, at);
    case VV_ARROW_DECIMAL:
        return decimal_fill(op, part, vector, at);
    case VV_ARROW_LIST:
    case VV_ARROW_ARRAY:
        return list_fill(op, part, vector, at);
    case VV_ARROW_STRUCT:
        return struct_fill(op, part, vector, at);
    case VV_ARROW_DICTIONARY:
        return dictionary_fill(op, part, vector, at);
    case VV_ARROW_NULL:
        break;
    }
    return VARVE_OK;
}

varve_status vv_arrow_fill(struct vv_op *op, const struct vv_arrow_part *part,
    duckdb_vector vector, idx_t at)
{
    if (part->len == 0)
        return VARVE_OK;
    if (part->type->kind == VV_ARROW_NULL) {
        for (int64_t index = 0; index < part->len; index++)
            null_set(vector, at + (idx_t)index);
        return VARVE_OK;
    }
    VV_TRY(values_fill(op, part, vector, at));
    nulls_fill(part, vector, at);
    return VARVE_OK;
}
