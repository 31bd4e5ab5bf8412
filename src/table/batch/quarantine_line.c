/*
 * A row in quarantine as the line of NDJSON that it is released by.
 *
 * Files of format 1 lack what later ones have. There a map is a list of {"key","value"}, which a line
 * of NDJSON is not to have; and a nested value in the wrong shape is told by its reason alone, so that
 * a row without it would break no rule.
 */
#include "base/json_write.h"
#include "base/time.h"
#include "table/batch/quarantine_file.h"
#include "table/input/batch_input.h"
#include "table/input/convert.h"
#include "table/input/whole.h"

/* The order column's value of a row that has none, as NDJSON takes it; none: no column for it. */
static struct vv_str arrival_text(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_rules *rules, int64_t arrival_us)
{
    char time[32];
    if (rules->order < 0)
        return VV_STR_NONE;
    switch ((int)schema->fields[rules->order].type.kind) {
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ: {
        struct vv_str text = {time, vv_time_format_us(arrival_us, time)};
        return vv_arena_str(&op->arena, text);
    }
    case VV_TYPE_LONG:
        return vv_arena_format(&op->arena, "%" PRId64, arrival_us);
    default:
        return VV_STR_NONE;
    }
}

/* A list of {"key","value"}, as maps were kept. */
static bool is_entries(const struct vv_json *value)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *entry = NULL;
    struct vv_str name;
    while (vv_json_each(value, &iterator, &name, &entry))
        if (vv_json_len(entry) != 2 || !vv_json_is(vv_json_get(entry, "key"), VV_JSON_STRING))
            return false;
    return vv_json_is(value, VV_JSON_ARRAY);
}

static const struct vv_type *field_type(const struct vv_type *type, struct vv_str name)
{
    for (size_t i = 0; type != NULL && i < type->fields_len; i++)
        if (vv_str_eq_nocase(type->fields[i].name, name))
            return &type->fields[i].type;
    return NULL;
}

static varve_status add_as_is(struct vv_op *op, const struct vv_json *value,
    struct vv_json_writer *writer)
{
    struct vv_str json;
    VV_TRY(vv_json_write_value(op, value, &op->arena, &json));
    vv_jw_raw(writer, json);
    return VARVE_OK;
}

/* With objects for the maps within. `type` NULL: it is not known, nor what is in there. */
static varve_status add_old(struct vv_op *op, const struct vv_type *type,
    const struct vv_json *value, struct vv_json_writer *writer)
{
    enum vv_json_kind kind = vv_json_kind(value);
    bool is_map = type != NULL && type->kind == VV_TYPE_MAP && is_entries(value);
    bool is_list = type != NULL && type->kind == VV_TYPE_ARRAY && kind == VV_JSON_ARRAY;
    bool is_struct = type != NULL && type->kind == VV_TYPE_STRUCT && kind == VV_JSON_OBJECT;
    const struct vv_json *iterator = NULL;
    const struct vv_json *part = NULL;
    struct vv_str name;
    if (!is_map && !is_list && !is_struct)
        return add_as_is(op, value, writer);
    if (is_list)
        vv_jw_array(writer);
    else
        vv_jw_object(writer);
    while (vv_json_each(value, &iterator, &name, &part)) {
        if (is_map)
            vv_jw_key_str(writer, vv_json_text(vv_json_get(part, "key")));
        else if (is_struct)
            vv_jw_key_str(writer, name);
        VV_TRY(add_old(op, is_struct ? field_type(type, name) : type->element,
            is_map ? vv_json_get(part, "value") : part, writer));
    }
    vv_jw_end(writer);
    return VARVE_OK;
}

static bool has_member(const struct vv_json *object, struct vv_str name)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str member;
    while (vv_json_each(object, &iterator, &member, &value))
        if (vv_str_eq_nocase(member, name))
            return true;
    return false;
}

/* The value of a nested column that only the reason has: whole, or cut, which is no value at all. */
static varve_status add_blamed(struct vv_op *op, const struct vv_schema *schema,
    const struct vv_quarantine_row *row, struct vv_json_writer *writer)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *reason = NULL;
    const struct vv_json *value = NULL;
    struct vv_str name;
    while (vv_json_each(row->reasons, &iterator, &name, &reason)) {
        struct vv_str text = vv_json_text(vv_json_get(reason, "value"));
        struct vv_str blamed = vv_json_text(vv_json_get(reason, "column"));
        int32_t column = vv_schema_find(schema, blamed);
        if (column < 0 || text.ptr == NULL ||
            !vv_type_is_nested(&schema->fields[column].type) ||
            has_member(row->values, schema->fields[column].name))
            continue;
        vv_jw_key_str(writer, schema->fields[column].name);
        if (vv_json_parse(op, &op->arena, text, &value) == VARVE_OK)
            return add_as_is(op, value, writer); /* no other fault was kept */
        if (op->error.code != VARVE_ECORRUPT)
            return op->error.code;
        vv_forgive(op);
        vv_jw_string(writer, text);
        return VARVE_OK;
    }
    return VARVE_OK;
}

/* A line that was no row: it is none now, for the same reason. */
static bool add_no_row(const struct vv_quarantine_row *row, struct vv_json_writer *writer)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *reason = NULL;
    struct vv_str name;
    struct vv_str text =
        vv_json_text(vv_json_get_kind(row->values, VV_NDJSON_LINE_TEXT, VV_JSON_STRING));
    (void)vv_json_each(row->reasons, &iterator, &name, &reason);
    if (text.ptr == NULL ||
        !vv_str_eq(vv_json_text(vv_json_get(reason, "column")), VV_STR(VV_NDJSON_LINE_TEXT)))
        return false;
    vv_jw_key_string(writer, VV_NDJSON_LINE_TEXT, text);
    vv_jw_key_string(writer, VV_NDJSON_LINE_FAULT,
        vv_str_or_lost(vv_json_text(vv_json_get(reason, "rule"))));
    return true;
}

static bool is_whole(const struct vv_quarantine_row *row, struct vv_str column)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *name = NULL;
    struct vv_str none;
    while (vv_json_each(row->whole, &iterator, &none, &name))
        if (vv_str_eq_nocase(vv_json_text(name), column))
            return true;
    return false;
}

static varve_status add_members(struct vv_op *op, const struct vv_quarantine_file *file,
    const struct vv_schema *schema, const struct vv_rules *rules,
    const struct vv_quarantine_row *row, struct vv_json_writer *writer)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value = NULL;
    struct vv_str arrival = arrival_text(op, schema, rules, file->arrival_us);
    struct vv_str name;
    bool has_order = false;
    while (vv_json_each(row->values, &iterator, &name, &value)) {
        int32_t column = vv_schema_find(schema, name);
        bool is_order = column >= 0 && column == rules->order;
        if (is_order && vv_json_is(value, VV_JSON_NULL))
            continue;
        has_order = has_order || is_order;
        vv_jw_key_str(writer, name);
        bool is_old = file->format < VV_QUARANTINE_FORMAT && column >= 0;
        VV_TRY(add_old(op, is_old ? &schema->fields[column].type : NULL, value, writer));
        if (column >= 0 && is_whole(row, name))
            VV_TRY(vv_whole_fault(op, &schema->fields[column], value, true, writer));
    }
    if (file->format < VV_QUARANTINE_FORMAT)
        VV_TRY(add_blamed(op, schema, row, writer));
    if (!has_order && arrival.ptr != NULL) {
        vv_jw_key_str(writer, schema->fields[rules->order].name);
        vv_jw_string(writer, arrival);
    }
    return VARVE_OK;
}

varve_status vv_quarantine_row_line(struct vv_op *op, const struct vv_quarantine_file *file,
    const struct vv_schema *schema, const struct vv_rules *rules,
    const struct vv_quarantine_row *row, struct vv_buf *out)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out);
    vv_jw_object(&writer);
    if (!add_no_row(row, &writer))
        VV_TRY(add_members(op, file, schema, rules, row, &writer));
    vv_jw_end(&writer);
    vv_buf_addc(out, '\n');
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
