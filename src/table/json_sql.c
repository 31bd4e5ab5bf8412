#include "table/json_sql.h"

#include <stdio.h>

#include "base/json_write.h"
#include "engine/sound_json.h"
#include "engine/sql.h"

#define TIME_FORMAT "'%%Y-%%m-%%dT%%H:%%M:%%S.%%f'"

/* A value on its way; `depth` keeps the names of lambdas apart. */
static void add_json(const struct vv_type *type, struct vv_str from, int depth,
    struct vv_buf *sql);

static void add_float(struct vv_str from, const char *quote, struct vv_buf *sql)
{
    vv_buf_addf(sql,
        "CASE WHEN isfinite(%.*s) THEN CAST(%.*s AS VARCHAR) WHEN isnan(%.*s) THEN '%sNaN%s' "
        "WHEN %.*s > 0 THEN '%sInfinity%s' WHEN %.*s < 0 THEN '%s-Infinity%s' END",
        VV_ARG(from), VV_ARG(from), VV_ARG(from), quote, quote, VV_ARG(from), quote, quote,
        VV_ARG(from), quote, quote);
}

static void add_text(const struct vv_type *type, struct vv_str from, int depth,
    struct vv_buf *sql)
{
    switch ((int)type->kind) {
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
        add_float(from, "", sql);
        break;
    case VV_TYPE_DECIMAL:
        vv_buf_addf(sql, VV_SOUND_JSON "(CAST(%.*s AS VARCHAR))", VV_ARG(from));
        break;
    case VV_TYPE_BINARY:
        vv_buf_addf(sql, "to_base64(%.*s)", VV_ARG(from));
        break;
    case VV_TYPE_TIMESTAMP:
        vv_buf_addf(sql, "strftime(make_timestamp(epoch_us(%.*s)), " TIME_FORMAT ") || 'Z'",
            VV_ARG(from));
        break;
    case VV_TYPE_TIMESTAMP_NTZ:
        vv_buf_addf(sql, "strftime(%.*s, " TIME_FORMAT ")", VV_ARG(from));
        break;
    case VV_TYPE_STRUCT:
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        add_json(type, from, depth, sql);
        break;
    default:
        vv_buf_addf(sql, "CAST(%.*s AS VARCHAR)", VV_ARG(from));
        break;
    }
}

/* A part of a nested value, which is never NULL. */
static void add_part(const struct vv_type *type, struct vv_str from, int depth,
    struct vv_buf *sql)
{
    vv_buf_adds(sql, "coalesce(");
    add_json(type, from, depth, sql);
    vv_buf_adds(sql, ", 'null')");
}

static void add_child(const struct vv_type *type, struct vv_str from, struct vv_str name,
    int depth, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf child = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&child, "struct_extract(%.*s, ", VV_ARG(from));
    vv_sql_literal(&child, name);
    vv_buf_addc(&child, ')');
    add_part(type, vv_buf_str(&child), depth, sql);
    sql->failed = sql->failed || !vv_buf_ok(&child);
}

static void add_struct(const struct vv_type *type, struct vv_str from, int depth,
    struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf member = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(sql, "concat('{'");
    for (size_t i = 0; i < type->fields_len; i++) {
        struct vv_json_writer json = VV_JSON_WRITER_INIT(&member);
        vv_buf_clear(&member);
        vv_buf_adds(&member, i == 0 ? "" : ",");
        vv_jw_string(&json, type->fields[i].name);
        vv_buf_addc(&member, ':');
        vv_buf_adds(sql, ", ");
        vv_sql_literal(sql, vv_buf_str(&member));
        vv_buf_adds(sql, ", ");
        add_child(&type->fields[i].type, from, type->fields[i].name, depth, sql);
    }
    vv_buf_adds(sql, ", '}')");
    sql->failed = sql->failed || !vv_buf_ok(&member);
}

/* Of a map a key is the name of a member: its text, whatever it is. */
static void add_items(const struct vv_type *type, struct vv_str from, int depth,
    struct vv_buf *sql)
{
    char element[16], key[48];
    bool is_map = type->kind == VV_TYPE_MAP;
    struct vv_str each = {element, (size_t)snprintf(element, sizeof(element), "e%d", depth)};
    vv_buf_addf(sql,
        "concat('%c', array_to_string(list_transform(%s%.*s%s, lambda %s: ", is_map ? '{' : '[',
        is_map ? "map_entries(" : "", VV_ARG(from), is_map ? ")" : "", element);
    if (is_map) {
        (void)snprintf(key, sizeof(key), "struct_extract(%s, 'key')", element);
        vv_buf_adds(sql, "concat(to_json(");
        add_text(type->key, vv_str_of(key), depth + 1, sql);
        vv_buf_adds(sql, "), ':', ");
        add_child(type->element, each, VV_STR("value"), depth + 1, sql);
        vv_buf_addc(sql, ')');
    } else {
        add_part(type->element, each, depth + 1, sql);
    }
    vv_buf_addf(sql, "), ','), '%c')", is_map ? '}' : ']');
}

static void add_json(const struct vv_type *type, struct vv_str from, int depth,
    struct vv_buf *sql)
{
    switch ((int)type->kind) {
    case VV_TYPE_STRUCT:
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        vv_buf_addf(sql, "CASE WHEN %.*s IS NOT NULL THEN ", VV_ARG(from));
        if (type->kind == VV_TYPE_STRUCT)
            add_struct(type, from, depth, sql);
        else
            add_items(type, from, depth, sql);
        vv_buf_adds(sql, " END");
        break;
    case VV_TYPE_FLOAT:
    case VV_TYPE_DOUBLE:
        add_float(from, "\"", sql);
        break;
    case VV_TYPE_BINARY:
    case VV_TYPE_DATE:
    case VV_TYPE_TIMESTAMP:
    case VV_TYPE_TIMESTAMP_NTZ:
        vv_buf_adds(sql, "'\"' || ");
        add_text(type, from, depth, sql);
        vv_buf_adds(sql, " || '\"'");
        break;
    case VV_TYPE_STRING:
    case VV_TYPE_VARIANT:
        vv_buf_addf(sql, "CAST(to_json(%.*s) AS VARCHAR)", VV_ARG(from));
        break;
    default:
        add_text(type, from, depth, sql);
        break;
    }
}

void vv_text_sql(const struct vv_type *type, struct vv_str from, struct vv_buf *sql)
{
    add_text(type, from, 0, sql);
}

void vv_json_sql(const struct vv_type *type, struct vv_str from, struct vv_buf *sql)
{
    add_json(type, from, 0, sql);
}
