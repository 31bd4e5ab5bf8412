/*
 * Whether the engine can be asked to cast between nested types at all: a struct that has no member of
 * another, at whatever depth, fails the whole statement, and with it the rows that are good.
 */
#include "table/input/convert.h"

/* Takes a type off the front of `*rest`, up to a comma or the end of what it lies in. */
static struct vv_str take_type(struct vv_str *rest)
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

/* Takes `"a ""b" ` or `a ` off the front. */
static void take_name(struct vv_str *rest, struct vv_buf *out)
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

/* What stands between the parentheses of "STRUCT(...)"; false: it is no such type. */
static bool is_within(struct vv_str type, struct vv_str before, struct vv_str *out)
{
    if (!vv_str_starts(type, before) || !vv_str_ends(type, VV_STR(")")))
        return false;
    *out = vv_str_first(vv_str_skip(type, before.len), type.len - before.len - 1);
    return true;
}

/* "T[]" and "T[3]" */
static bool is_list(struct vv_str type, struct vv_str *out_element)
{
    if (!vv_str_ends(type, VV_STR("]")))
        return false;
    size_t len = type.len - 1;
    while (len > 0 && type.ptr[len] != '[')
        len--;
    *out_element = vv_str_first(type, len);
    return true;
}

static bool struct_casts(struct vv_str members, const struct vv_type *type)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    bool is_shared = false;
    while (members.len > 0) {
        take_name(&members, &name);
        if (!vv_buf_ok(&name))
            return false;
        struct vv_str source = take_type(&members);
        for (size_t i = 0; i < type->fields_len; i++) {
            if (!vv_str_eq_nocase(type->fields[i].name, vv_buf_str(&name)))
                continue;
            is_shared = true;
            if (!vv_convert_nested_casts(source, &type->fields[i].type))
                return false;
        }
    }
    return is_shared;
}

static bool is_nested(struct vv_str source)
{
    return vv_str_ends(source, VV_STR("]")) || vv_str_starts(source, VV_STR("STRUCT(")) ||
           vv_str_starts(source, VV_STR("MAP("));
}

bool vv_convert_nested_casts(struct vv_str source, const struct vv_type *type)
{
    struct vv_str within;
    if (type->kind == VV_TYPE_STRUCT && is_within(source, VV_STR("STRUCT("), &within))
        return struct_casts(within, type);
    if (type->kind == VV_TYPE_MAP && is_within(source, VV_STR("MAP("), &within)) {
        struct vv_str key = take_type(&within);
        return vv_convert_nested_casts(key, type->key) &&
               vv_convert_nested_casts(within, type->element);
    }
    if (type->kind == VV_TYPE_ARRAY && is_list(source, &within))
        return vv_convert_nested_casts(within, type->element);
    /* A struct is cast to a map, but not back; whatever else is nested is none of the type's values. */
    if (is_nested(source) && vv_type_is_nested(type))
        return false;
    return true; /* of others the engine says value by value that they are none */
}
