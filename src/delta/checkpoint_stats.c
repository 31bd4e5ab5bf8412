#include "delta/checkpoint_stats.h"

#include <math.h>

#include "base/json_write.h"
#include "base/time.h"
#include "delta/decimal.h"
#include "delta/value.h"
#include "engine/sql.h"

/* minValues, maxValues and nullCount: of the columns that have them. */
static const struct kind {
    const char *name;
    bool is_bound;
} kinds[] = {{"minValues", true}, {"maxValues", true}, {"nullCount", false}};

/* Whether `type` holds a leaf that the statistics of this kind can speak of. */
static bool has_leaf(const struct vv_type *type, bool is_bound)
{
    if (type->kind != VV_TYPE_STRUCT)
        return type->kind != VV_TYPE_VOID &&
               (!is_bound || (vv_type_is_ordered(type) && type->kind != VV_TYPE_BOOLEAN));
    for (size_t i = 0; i < type->fields_len; i++)
        if (has_leaf(&type->fields[i].type, is_bound))
            return true;
    return false;
}

/* `top`: the fields are the columns of this one, of which those of the partition are in no file. */
static bool is_there(const struct vv_field *fields, size_t at, bool is_bound,
    const struct vv_snapshot *top)
{
    return (top == NULL || !vv_snapshot_is_partition(top, (int32_t)at)) &&
           has_leaf(&fields[at].type, is_bound);
}

static bool is_any_there(const struct vv_snapshot *snapshot, bool is_bound)
{
    for (size_t i = 0; i < snapshot->schema.fields_len; i++)
        if (is_there(snapshot->schema.fields, i, is_bound, snapshot))
            return true;
    return false;
}

/* ---- Types --------------------------------------------------------------------------------------- */

static void add_leaf_type(const struct vv_type *type, bool is_bound, struct vv_buf *sql)
{
    if (is_bound)
        vv_type_sql(type, sql);
    else
        vv_buf_adds(sql, "BIGINT");
}

/* STRUCT(...), in SQL. */
static void add_type(const struct vv_field *fields, size_t len, bool is_bound,
    const struct vv_snapshot *top, struct vv_buf *sql)
{
    const char *separator = "STRUCT(";
    for (size_t i = 0; i < len; i++) {
        const struct vv_type *type = &fields[i].type;
        if (!is_there(fields, i, is_bound, top))
            continue;
        vv_buf_adds(sql, separator);
        vv_sql_name(sql, fields[i].physical_name);
        vv_buf_addc(sql, ' ');
        if (type->kind == VV_TYPE_STRUCT)
            add_type(type->fields, type->fields_len, is_bound, NULL, sql);
        else
            add_leaf_type(type, is_bound, sql);
        separator = ", ";
    }
    vv_buf_addc(sql, ')');
}

/*
 * The same in the language of from_json, which reads every number with a point as a double: decimals
 * come as texts, and are cast.
 */
static void add_shape(const struct vv_field *fields, size_t len, bool is_bound,
    const struct vv_snapshot *top, struct vv_json_writer *json)
{
    vv_jw_object(json);
    for (size_t i = 0; i < len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
        const struct vv_type *type = &fields[i].type;
        if (!is_there(fields, i, is_bound, top))
            continue;
        vv_jw_key_str(json, fields[i].physical_name);
        if (type->kind == VV_TYPE_STRUCT) {
            add_shape(type->fields, type->fields_len, is_bound, NULL, json);
            continue;
        }
        if (is_bound && type->kind == VV_TYPE_DECIMAL)
            vv_buf_adds(&name, "VARCHAR");
        else
            add_leaf_type(type, is_bound, &name);
        vv_jw_string(json, vv_buf_str(&name));
    }
    vv_jw_end(json);
}

static void add_whole_type(const struct vv_snapshot *snapshot, struct vv_buf *sql)
{
    const struct vv_schema *schema = &snapshot->schema;
    vv_buf_adds(sql, "STRUCT(\"numRecords\" BIGINT, ");
    for (size_t i = 0; i < VV_COUNT(kinds); i++) {
        if (!is_any_there(snapshot, kinds[i].is_bound))
            continue;
        vv_buf_addf(sql, "\"%s\" ", kinds[i].name);
        add_type(schema->fields, schema->fields_len, kinds[i].is_bound, snapshot, sql);
        vv_buf_adds(sql, ", ");
    }
    vv_buf_adds(sql, "\"tightBounds\" BOOLEAN)");
}

static void add_whole_shape(const struct vv_snapshot *snapshot, struct vv_buf *out)
{
    struct vv_json_writer json = VV_JSON_WRITER_INIT(out);
    const struct vv_schema *schema = &snapshot->schema;
    vv_jw_object(&json);
    vv_jw_key_string(&json, "numRecords", VV_STR("BIGINT"));
    for (size_t i = 0; i < VV_COUNT(kinds); i++) {
        if (!is_any_there(snapshot, kinds[i].is_bound))
            continue;
        vv_jw_key(&json, kinds[i].name);
        add_shape(schema->fields, schema->fields_len, kinds[i].is_bound, snapshot, &json);
    }
    vv_jw_key_string(&json, "tightBounds", VV_STR("BOOLEAN"));
    vv_jw_end(&json);
}

varve_status vv_checkpoint_stats_sql(struct vv_op *op, const struct vv_snapshot *snapshot,
    const char *column, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf shape = VV_BUF_INIT(VV_BUF_MAX);
    add_whole_shape(snapshot, &shape);
    if (!vv_buf_ok(&shape))
        return vv_fail_memory(op);
    vv_buf_addf(sql, "TRY_CAST(from_json(%s, ", column);
    vv_sql_literal(sql, vv_buf_str(&shape));
    vv_buf_adds(sql, ") AS ");
    add_whole_type(snapshot, sql);
    vv_buf_addc(sql, ')');
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* ---- Values -------------------------------------------------------------------------------------- */

static bool is_in_range(int64_t number, enum vv_type_kind kind)
{
    switch ((int)kind) {
    case VV_TYPE_INTEGER:
        return number >= INT32_MIN && number <= INT32_MAX;
    case VV_TYPE_SHORT:
        return number >= INT16_MIN && number <= INT16_MAX;
    case VV_TYPE_BYTE:
        return number >= INT8_MIN && number <= INT8_MAX;
    default:
        return true;
    }
}

/* More digits than the type has would be rounded, one bound the wrong way. */
static bool add_decimal(struct vv_str text, const struct vv_type *type, struct vv_buf *out)
{
    struct vv_decimal decimal;
    if (!vv_decimal_parse(text, &decimal) ||
        (int64_t)decimal.len - decimal.point > type->scale ||
        (decimal.len > 0 && decimal.point > type->precision - type->scale))
        return false;
    vv_decimal_write_plain(&decimal, 0, out);
    return true;
}

static bool add_double(const struct vv_json *json, enum vv_type_kind kind, struct vv_buf *out)
{
    double number = 0;
    if (!vv_json_double(json, &number) || !isfinite(number) ||
        (kind == VV_TYPE_FLOAT && !vv_double_to_float(number, &number)))
        return false;
    vv_buf_add(out, vv_json_text(json));
    return true;
}

/* A text without a zone is in its writer's, which nobody knows. */
static bool add_timestamp(struct vv_str text, bool is_ntz, struct vv_buf *out)
{
    char formatted[32];
    bool has_zone = false;
    bool is_finer = false;
    int64_t us = 0;
    if (!vv_time_parse(text, &us, &has_zone, &is_finer) || is_finer)
        return false;
    if (is_ntz ? has_zone && !vv_str_ends(text, VV_STR("Z")) : !has_zone)
        return false;
    size_t len = vv_time_format_us(us, formatted);
    vv_buf_add(out, (struct vv_str){formatted, is_ntz ? len - 1 : len});
    return true;
}

static bool add_date(struct vv_str text, struct vv_buf *out)
{
    char formatted[16];
    int32_t days = 0;
    if (!vv_time_parse_date(text, &days))
        return false;
    vv_buf_add(out, (struct vv_str){formatted, vv_time_format_date(days, formatted)});
    return true;
}

/* False: it is no value of the type. `*out_is_text`: what was appended goes between quotes. */
static bool add_bound(const struct vv_json *json, const struct vv_type *type, bool *out_is_text,
    struct vv_buf *out)
{
    bool is_number = vv_json_is(json, VV_JSON_NUMBER);
    bool is_text = vv_json_is(json, VV_JSON_STRING);
    int64_t integer = 0;
    *out_is_text = is_text;
    switch ((int)type->kind) {
    case VV_TYPE_STRING:
        if (is_text)
            vv_buf_add(out, vv_json_text(json));
        return is_text;
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
        return is_number && add_double(json, type->kind, out);
    case VV_TYPE_DATE:
        return is_text && add_date(vv_json_text(json), out);
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ:
        return is_text &&
               add_timestamp(vv_json_text(json), type->kind == VV_TYPE_TIMESTAMP_NTZ, out);
    case VV_TYPE_DECIMAL:
        *out_is_text = true;
        return is_number && add_decimal(vv_json_text(json), type, out);
    default:
        if (!is_number || !vv_json_int64(json, &integer) || !is_in_range(integer, type->kind))
            return false;
        vv_buf_addf(out, "%" PRId64, integer);
        return true;
    }
}

static bool read_count(const struct vv_json *json, int64_t *out)
{
    return vv_json_is(json, VV_JSON_NUMBER) && vv_json_int64(json, out) && *out >= 0;
}

static void add_values(const struct vv_json *from, const struct vv_field *fields, size_t len,
    bool is_bound, const struct vv_snapshot *top, struct vv_json_writer *json)
{
    vv_jw_object(json);
    for (size_t i = 0; i < len; i++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
        const struct vv_type *type = &fields[i].type;
        const struct vv_json *value = vv_json_get_str(from, fields[i].physical_name);
        int64_t count = 0;
        bool is_text = false;
        if (value == NULL || !is_there(fields, i, is_bound, top))
            continue;
        if (type->kind == VV_TYPE_STRUCT && vv_json_is(value, VV_JSON_OBJECT)) {
            vv_jw_key_str(json, fields[i].physical_name);
            add_values(value, type->fields, type->fields_len, is_bound, NULL, json);
        } else if (!is_bound && type->kind != VV_TYPE_STRUCT && read_count(value, &count)) {
            vv_jw_key_str(json, fields[i].physical_name);
            vv_jw_int(json, count);
        } else if (is_bound && type->kind != VV_TYPE_STRUCT &&
                   add_bound(value, type, &is_text, &text)) {
            vv_jw_key_str(json, fields[i].physical_name);
            if (is_text)
                vv_jw_string(json, vv_buf_str(&text));
            else
                vv_jw_raw(json, vv_buf_str(&text));
        }
    }
    vv_jw_end(json);
}

static void add_whole(const struct vv_snapshot *snapshot, const struct vv_json *stats,
    struct vv_buf *out)
{
    struct vv_json_writer json = VV_JSON_WRITER_INIT(out);
    const struct vv_schema *schema = &snapshot->schema;
    const struct vv_json *tight = vv_json_get_kind(stats, "tightBounds", VV_JSON_BOOL);
    int64_t rows = 0;
    vv_jw_object(&json);
    if (read_count(vv_json_get(stats, "numRecords"), &rows))
        vv_jw_key_int(&json, "numRecords", rows);
    for (size_t i = 0; i < VV_COUNT(kinds); i++) {
        const struct vv_json *from = vv_json_get_kind(stats, kinds[i].name, VV_JSON_OBJECT);
        if (from == NULL || !is_any_there(snapshot, kinds[i].is_bound))
            continue;
        vv_jw_key(&json, kinds[i].name);
        add_values(from, schema->fields, schema->fields_len, kinds[i].is_bound, snapshot,
            &json);
    }
    if (tight != NULL)
        vv_jw_key_bool(&json, "tightBounds", vv_json_bool(tight, true));
    vv_jw_end(&json);
}

varve_status vv_checkpoint_stats(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_str stats, struct vv_buf *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_json *json = NULL;
    VV_TRY(vv_json_parse_hint(op, &scratch, stats, &json));
    if (vv_json_is(json, VV_JSON_OBJECT))
        add_whole(snapshot, json, out);
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
