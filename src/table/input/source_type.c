#include "table/input/source_type.h"

#include <stdio.h>

#include "engine/sql.h"

struct vv_str vv_source_take_type(struct vv_str *rest)
{
    size_t at = 0;
    int depth = 0;
    char quote = '\0';
    for (; at < rest->len; at++) {
        char c = rest->ptr[at];
        if (quote != '\0')
            quote = c == quote ? '\0' : quote; /* a doubled one opens again at once */
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '(')
            depth++;
        else if (c == ')')
            depth--;
        else if (c == ',' && depth == 0)
            break;
    }
    struct vv_str type = vv_str_first(*rest, at);
    *rest = vv_str_trim(vv_str_skip(*rest, at < rest->len ? at + 1 : at));
    return type;
}

void vv_source_take_name(struct vv_str *rest, struct vv_buf *out)
{
    bool is_quoted = rest->len > 0 && rest->ptr[0] == '"';
    size_t at = is_quoted ? 1 : 0;
    vv_buf_clear(out);
    for (; at < rest->len && (is_quoted || rest->ptr[at] != ' '); at++) {
        if (is_quoted && rest->ptr[at] == '"') {
            bool is_doubled = at + 1 < rest->len && rest->ptr[at + 1] == '"';
            if (!is_doubled)
                break;
            at++;
        }
        vv_buf_addc(out, rest->ptr[at]);
    }
    *rest = vv_str_trim(vv_str_skip(*rest, is_quoted ? at + 1 : at));
}

bool vv_source_is_within(struct vv_str type, struct vv_str before, struct vv_str *out)
{
    if (!vv_str_starts(type, before) || !vv_str_ends(type, VV_STR(")")))
        return false;
    *out = vv_str_first(vv_str_skip(type, before.len), type.len - before.len - 1);
    return true;
}

bool vv_source_is_list(struct vv_str type, struct vv_str *out_element)
{
    if (!vv_str_ends(type, VV_STR("]")))
        return false;
    size_t len = type.len - 1;
    while (len > 0 && type.ptr[len] != '[')
        len--;
    *out_element = vv_str_first(type, len);
    return true;
}

static bool struct_has(const struct vv_source_change *change, struct vv_str members)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    while (members.len > 0) {
        vv_source_take_name(&members, &name);
        if (vv_source_has(change, vv_source_take_type(&members)))
            return true;
    }
    return false;
}

bool vv_source_has(const struct vv_source_change *change, struct vv_str type)
{
    struct vv_str within;
    if (change->is_changed != NULL && change->is_changed(type))
        return true;
    if (vv_source_is_list(type, &within))
        return vv_source_has(change, within);
    if (vv_source_is_within(type, VV_STR("STRUCT("), &within))
        return struct_has(change, within);
    if (!vv_source_is_within(type, VV_STR("MAP("), &within))
        return false;
    struct vv_str key = vv_source_take_type(&within);
    return change->maps == VV_SOURCE_MAPS_MADE || vv_source_has(change, key) ||
           vv_source_has(change, within);
}

/* A value on its way; `depth` keeps the names of lambdas apart. */
struct walk {
    const struct vv_source_change *change;
    struct vv_buf *sql;
};

static void value_of(const struct walk *walk, struct vv_str type, struct vv_str part,
    bool is_key, int depth);

static void value_of_child(const struct walk *walk, struct vv_str type, struct vv_str part,
    struct vv_str name, bool is_key, int depth)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf child = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&child, "struct_extract(%.*s, ", VV_ARG(part));
    vv_sql_literal(&child, name);
    vv_buf_addc(&child, ')');
    value_of(walk, type, vv_buf_str(&child), is_key, depth);
    walk->sql->failed = walk->sql->failed || !vv_buf_ok(&child);
}

static void value_of_struct(const struct walk *walk, struct vv_str members, struct vv_str part,
    int depth)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    const char *before = "";
    vv_buf_addf(walk->sql, "CASE WHEN %.*s IS NOT NULL THEN struct_pack(", VV_ARG(part));
    for (; members.len > 0; before = ", ") {
        vv_source_take_name(&members, &name);
        vv_buf_adds(walk->sql, before);
        vv_sql_name(walk->sql, vv_buf_str(&name));
        vv_buf_adds(walk->sql, " := ");
        value_of_child(walk, vv_source_take_type(&members), part, vv_buf_str(&name), false,
            depth);
    }
    vv_buf_adds(walk->sql, ") END");
    walk->sql->failed = walk->sql->failed || !vv_buf_ok(&name);
}

static void value_of_map(const struct walk *walk, struct vv_str within, struct vv_str part,
    struct vv_str each, int depth)
{
    struct vv_str key = vv_source_take_type(&within);
    vv_buf_addf(walk->sql,
        "map_from_entries(list_transform(map_entries(%.*s), lambda %.*s: struct_pack(k := ",
        VV_ARG(part), VV_ARG(each));
    value_of_child(walk, key, each, VV_STR("key"), true, depth);
    vv_buf_adds(walk->sql, ", v := ");
    value_of_child(walk, within, each, VV_STR("value"), false, depth);
    vv_buf_adds(walk->sql, ")))");
}

static void json_of_map(const struct walk *walk, struct vv_str within, struct vv_str part,
    struct vv_str each, int depth)
{
    struct vv_str key = vv_source_take_type(&within);
    vv_buf_addf(walk->sql,
        "CASE WHEN %.*s IS NOT NULL THEN CAST(concat('{', array_to_string(list_transform("
        "map_entries(%.*s), lambda %.*s: concat(to_json(CAST(",
        VV_ARG(part), VV_ARG(part), VV_ARG(each));
    value_of_child(walk, key, each, VV_STR("key"), true, depth);
    vv_buf_adds(walk->sql, " AS VARCHAR)), ':', coalesce(CAST(to_json(");
    value_of_child(walk, within, each, VV_STR("value"), false, depth);
    vv_buf_adds(walk->sql, ") AS VARCHAR), 'null'))), ','), '}') AS JSON) END");
}

static void value_of(const struct walk *walk, struct vv_str type, struct vv_str part,
    bool is_key, int depth)
{
    char element[16];
    struct vv_str each = {element, (size_t)snprintf(element, sizeof(element), "e%d", depth)};
    struct vv_str within;
    if (!vv_source_has(walk->change, type)) {
        vv_buf_add(walk->sql, part);
    } else if (walk->change->is_changed != NULL && walk->change->is_changed(type)) {
        walk->change->change(walk->change->data, type, part, is_key, walk->sql);
    } else if (vv_source_is_list(type, &within)) {
        vv_buf_addf(walk->sql, "list_transform(%.*s, lambda %.*s: ", VV_ARG(part),
            VV_ARG(each));
        value_of(walk, within, each, false, depth + 1);
        vv_buf_addc(walk->sql, ')');
    } else if (vv_source_is_within(type, VV_STR("STRUCT("), &within)) {
        value_of_struct(walk, within, part, depth);
    } else if (vv_source_is_within(type, VV_STR("MAP("), &within)) {
        if (walk->change->maps == VV_SOURCE_MAPS_JSON)
            json_of_map(walk, within, part, each, depth + 1);
        else
            value_of_map(walk, within, part, each, depth + 1);
    }
}

void vv_source_value(const struct vv_source_change *change, struct vv_str type,
    struct vv_str part, struct vv_buf *sql)
{
    const struct walk walk = {change, sql};
    value_of(&walk, type, part, false, 0);
}

void vv_source_pair_text(struct vv_str type, struct vv_str part, struct vv_buf *sql)
{
    vv_buf_addf(sql,
        "CASE WHEN struct_extract(%.*s, 'ns') <> 0 THEN "
        "concat(strftime(make_timestamp(epoch_us(struct_extract(%.*s, 'at'))), "
        "'%%Y-%%m-%%dT%%H:%%M:%%S.%%f'), lpad(CAST(struct_extract(%.*s, 'ns') AS VARCHAR), 3, "
        "'0'), '%s') ELSE CAST(struct_extract(%.*s, 'at') AS VARCHAR) END",
        VV_ARG(part), VV_ARG(part), VV_ARG(part),
        vv_str_eq(type, VV_STR(VV_SOURCE_PAIR)) ? "" : "Z", VV_ARG(part));
}

void vv_source_times(struct vv_str type, struct vv_buf *out)
{
    const struct vv_str pairs[] = {VV_STR(VV_SOURCE_PAIR_TZ), VV_STR(VV_SOURCE_PAIR)};
    const struct vv_str times[] = {VV_STR("TIMESTAMP WITH TIME ZONE"), VV_STR("TIMESTAMP")};
    while (type.len > 0) {
        size_t pair = vv_str_starts(type, pairs[0]) ? 0 : 1;
        if (!vv_str_starts(type, pairs[pair])) {
            vv_buf_addc(out, type.ptr[0]);
            type = vv_str_skip(type, 1);
            continue;
        }
        vv_buf_add(out, times[pair]);
        type = vv_str_skip(type, pairs[pair].len);
    }
}
