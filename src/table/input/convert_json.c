/*
 * A nested value of a typed input as the JSON that a line of NDJSON has for it. The engine's JSON has NaN
 * and infinities as bare words, which no reader takes, and bytes as a text of escapes, which as base64
 * would be other bytes or none: these leaves are texts that convert.h takes.
 */
#include <stdio.h>

#include "engine/sql.h"
#include "table/input/convert.h"

/* Whether the engine's JSON will do. */
static bool is_plain(const struct vv_type *type)
{
    bool plain = !vv_type_is_float(type) && type->kind != VV_TYPE_BINARY;
    for (size_t i = 0; i < type->fields_len && plain; i++)
        plain = is_plain(&type->fields[i].type);
    if (type->key != NULL && type->key->kind == VV_TYPE_BINARY)
        return false;
    return plain && (type->element == NULL || is_plain(type->element));
}

static void value_of(const struct vv_type *type, struct vv_str part, int depth,
    struct vv_buf *sql);

static void value_of_child(const struct vv_type *type, struct vv_str part, struct vv_str name,
    int depth, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf child = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&child, "struct_extract(%.*s, ", VV_ARG(part));
    vv_sql_literal(&child, name);
    vv_buf_addc(&child, ')');
    value_of(type, vv_buf_str(&child), depth, sql);
    sql->failed = sql->failed || !vv_buf_ok(&child);
}

static void value_of_struct(const struct vv_type *type, struct vv_str part, int depth,
    struct vv_buf *sql)
{
    vv_buf_addf(sql, "CASE WHEN %.*s IS NOT NULL THEN struct_pack(", VV_ARG(part));
    for (size_t i = 0; i < type->fields_len; i++) {
        vv_buf_adds(sql, i > 0 ? ", " : "");
        vv_sql_name(sql, type->fields[i].name);
        vv_buf_adds(sql, " := ");
        value_of_child(&type->fields[i].type, part, type->fields[i].name, depth, sql);
    }
    vv_buf_adds(sql, ") END");
}

/* A key is a text in any case, NaN too. As text, since a map of Arrow may have one twice. */
static void value_of_map(const struct vv_type *type, struct vv_str part, struct vv_str each,
    int depth, struct vv_buf *sql)
{
    bool is_bytes = type->key->kind == VV_TYPE_BINARY;
    vv_buf_addf(sql,
        "CASE WHEN %.*s IS NOT NULL THEN CAST(concat('{', array_to_string(list_transform("
        "map_entries(%.*s), lambda %.*s: concat(to_json(%sstruct_extract(%.*s, 'key')%s), ':', "
        "coalesce(CAST(to_json(",
        VV_ARG(part), VV_ARG(part), VV_ARG(each), is_bytes ? "to_base64(" : "CAST(",
        VV_ARG(each), is_bytes ? ")" : " AS VARCHAR)");
    value_of_child(type->element, each, VV_STR("value"), depth, sql);
    vv_buf_adds(sql, ") AS VARCHAR), 'null'))), ','), '}') AS JSON) END");
}

static void value_of(const struct vv_type *type, struct vv_str part, int depth,
    struct vv_buf *sql)
{
    char element[16];
    struct vv_str each = {element, (size_t)snprintf(element, sizeof(element), "e%d", depth)};
    if (is_plain(type)) {
        vv_buf_add(sql, part);
        return;
    }
    switch ((int)type->kind) {
    case VV_TYPE_STRUCT:
        value_of_struct(type, part, depth, sql);
        break;
    case VV_TYPE_ARRAY:
        vv_buf_addf(sql, "list_transform(%.*s, lambda %.*s: ", VV_ARG(part), VV_ARG(each));
        value_of(type->element, each, depth + 1, sql);
        vv_buf_addc(sql, ')');
        break;
    case VV_TYPE_MAP:
        value_of_map(type, part, each, depth + 1, sql);
        break;
    case VV_TYPE_BINARY:
        vv_buf_addf(sql, "to_base64(%.*s)", VV_ARG(part));
        break;
    default: /* a float */
        vv_buf_addf(sql,
            "CASE WHEN isfinite(%.*s) THEN to_json(%.*s) ELSE to_json(CAST(%.*s AS VARCHAR)) "
            "END",
            VV_ARG(part), VV_ARG(part), VV_ARG(part));
        break;
    }
}

varve_status vv_convert_json(struct vv_op *op, const struct vv_conversion *conversion,
    struct vv_str from, struct vv_buf *sql)
{
    struct vv_type type;
    varve_status status = vv_type_of_sql(op, &op->arena, conversion->source_type, &type);
    if (status != VARVE_OK && status != VARVE_EUNSUPPORTED)
        return status;
    vv_buf_adds(sql, "CAST(to_json(");
    if (status == VARVE_OK) {
        value_of(&type, from, 0, sql);
    } else {
        vv_forgive(op); /* as a text, in which NaN and bytes are none of JSON's */
        vv_buf_addf(sql, "CAST(%.*s AS VARCHAR)", VV_ARG(from));
    }
    vv_buf_adds(sql, ") AS VARCHAR)");
    return VARVE_OK;
}
