#include "table/input/convert.h"

#include <stdio.h>

#include "engine/sql.h"
#include "table/input/source_type.h"

/*
 * Shaped JSON goes into a type like the column's but with text in all leaves, and a list of
 * entries for a map; then each leaf is converted like any other text.
 */
struct walk {
    const struct vv_conversion *conversion;
    struct vv_buf *sql;
};

static void text_type(const struct vv_type *type, struct vv_buf *sql)
{
    switch ((int)type->kind) {
    case VV_TYPE_STRUCT:
        vv_buf_adds(sql, "STRUCT(");
        for (size_t index = 0; index < type->fields_len; index++) {
            vv_buf_adds(sql, index > 0 ? ", " : "");
            vv_sql_name(sql, type->fields[index].name);
            vv_buf_addc(sql, ' ');
            text_type(&type->fields[index].type, sql);
        }
        vv_buf_addc(sql, ')');
        break;
    case VV_TYPE_ARRAY:
        text_type(type->element, sql);
        vv_buf_adds(sql, "[]");
        break;
    case VV_TYPE_MAP:
        vv_buf_adds(sql, "STRUCT(\"key\" VARCHAR, \"value\" ");
        text_type(type->element, sql);
        vv_buf_adds(sql, ")[]");
        break;
    default:
        vv_buf_adds(sql, "VARCHAR");
        break;
    }
}

/* "struct_extract(part, 'name')" */
static void extract(struct vv_str part, struct vv_str name, struct vv_buf *out)
{
    vv_buf_addf(out, "struct_extract(%.*s, ", VV_ARG(part));
    vv_sql_literal(out, name);
    vv_buf_addc(out, ')');
}

static void value_of(struct walk *walk, const struct vv_type *type, struct vv_str part,
    int depth);

static void value_of_child(struct walk *walk, const struct vv_type *type, struct vv_str part,
    struct vv_str name, int depth)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf child = VV_BUF_INIT(VV_BUF_MAX);
    extract(part, name, &child);
    value_of(walk, type, vv_buf_str(&child), depth);
    if (!vv_buf_ok(&child))
        walk->sql->failed = true;
}

static void value_of_struct(struct walk *walk, const struct vv_type *type, struct vv_str part,
    int depth)
{
    vv_buf_addf(walk->sql, "CASE WHEN %.*s IS NOT NULL THEN struct_pack(", VV_ARG(part));
    for (size_t index = 0; index < type->fields_len; index++) {
        vv_buf_adds(walk->sql, index > 0 ? ", " : "");
        vv_sql_name(walk->sql, type->fields[index].name);
        vv_buf_adds(walk->sql, " := ");
        value_of_child(walk, &type->fields[index].type, part, type->fields[index].name, depth);
    }
    vv_buf_adds(walk->sql, ") END");
}

static void value_of(struct walk *walk, const struct vv_type *type, struct vv_str part,
    int depth)
{
    struct vv_buf *sql = walk->sql;
    char element[16];
    struct vv_str each = {element, (size_t)snprintf(element, sizeof(element), "e%d", depth)};
    switch ((int)type->kind) {
    case VV_TYPE_STRUCT:
        value_of_struct(walk, type, part, depth);
        break;
    case VV_TYPE_ARRAY:
        vv_buf_addf(sql, "list_transform(%.*s, lambda %s: ", VV_ARG(part), element);
        value_of(walk, type->element, each, depth + 1);
        vv_buf_addc(sql, ')');
        break;
    case VV_TYPE_MAP:
        vv_buf_addf(sql,
            "map_from_entries(list_transform(%.*s, lambda %s: struct_pack(k := ", VV_ARG(part),
            element);
        value_of_child(walk, type->key, each, VV_STR("key"), depth + 1);
        vv_buf_adds(sql, ", v := ");
        value_of_child(walk, type->element, each, VV_STR("value"), depth + 1);
        vv_buf_adds(sql, ")))");
        break;
    default:
        vv_convert_text(type, walk->conversion->time_zone, part, sql);
        break;
    }
}

static void json_parts(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *out)
{
    vv_buf_addf(out, "CAST(CAST(%.*s AS JSON) AS ", VV_ARG(from));
    text_type(conversion->type, out);
    vv_buf_addc(out, ')');
}

/* ---- Typed values ------------------------------------------------------------------------------- */

/* Stands around the type of a leaf that is a time of the batch's zone. */
#define MARK "NAIVE("

static bool is_marked(struct vv_str type, struct vv_str *out_within)
{
    return vv_source_is_within(type, VV_STR(MARK), out_within);
}

static void mark(struct vv_str source, const struct vv_type *type, bool as_made,
    struct vv_buf *out);

static void mark_struct(struct vv_str members, const struct vv_type *type, bool as_made,
    struct vv_buf *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    const char *before = "STRUCT(";
    for (; members.len > 0; before = ", ") {
        const struct vv_type *member = NULL;
        vv_source_take_name(&members, &name);
        for (size_t i = 0; i < type->fields_len; i++)
            if (vv_str_eq_nocase(type->fields[i].name, vv_buf_str(&name)))
                member = &type->fields[i].type;
        vv_buf_adds(out, before);
        vv_sql_name(out, vv_buf_str(&name));
        vv_buf_addc(out, ' ');
        struct vv_str source = vv_source_take_type(&members);
        if (member != NULL)
            mark(source, member, as_made, out);
        else
            vv_buf_add(out, source);
    }
    vv_buf_addc(out, ')');
    out->failed = out->failed || !vv_buf_ok(&name);
}

/* The input's type, its leaves that become timestamps of the zone marked, or as what they become. */
static void mark(struct vv_str source, const struct vv_type *type, bool as_made,
    struct vv_buf *out)
{
    struct vv_str within;
    if (type->kind == VV_TYPE_STRUCT &&
        vv_source_is_within(source, VV_STR("STRUCT("), &within)) {
        mark_struct(within, type, as_made, out);
    } else if (type->kind == VV_TYPE_MAP &&
               vv_source_is_within(source, VV_STR("MAP("), &within)) {
        struct vv_str key = vv_source_take_type(&within);
        vv_buf_adds(out, "MAP(");
        mark(key, type->key, as_made, out);
        vv_buf_adds(out, ", ");
        mark(within, type->element, as_made, out);
        vv_buf_addc(out, ')');
    } else if (type->kind == VV_TYPE_ARRAY && vv_source_is_list(source, &within)) {
        mark(within, type->element, as_made, out);
        vv_buf_add(out, vv_str_skip(source, within.len));
    } else if (type->kind != VV_TYPE_TIMESTAMP || !vv_convert_is_naive(source)) {
        vv_buf_add(out, source);
    } else if (as_made) {
        vv_buf_adds(out, "TIMESTAMP WITH TIME ZONE");
    } else {
        vv_buf_addf(out, MARK "%.*s)", VV_ARG(source));
    }
}

/* A marked leaf, as a column by itself. */
static struct vv_conversion leaf_of(const struct vv_conversion *conversion,
    struct vv_str source_type)
{
    static const struct vv_type timestamp = {.kind = VV_TYPE_TIMESTAMP};
    return (struct vv_conversion){.type = &timestamp,
        .source_type = source_type,
        .time_zone = conversion->time_zone,
        .truncate_time = conversion->truncate_time};
}

static bool is_time(struct vv_str type)
{
    struct vv_str within;
    return vv_source_is_pair(type) || is_marked(type, &within);
}

/* With a time alone where it has nanoseconds beside, and as an instant where it is of the zone. */
static void time_of(const void *data, struct vv_str type, struct vv_str part, bool is_key,
    struct vv_buf *sql)
{
    struct vv_str within;
    (void)is_key;
    if (!is_marked(type, &within)) {
        vv_buf_addf(sql, "struct_extract(%.*s, 'at')", VV_ARG(part));
        return;
    }
    const struct vv_conversion leaf = leaf_of(data, within);
    vv_convert_value(&leaf, part, sql);
}

static bool is_naive(struct vv_str type)
{
    struct vv_str within;
    return is_marked(type, &within);
}

/* NULL where it is a time that the zone leaves out, or has digits that would be cut. */
static void sound_of(const void *data, struct vv_str type, struct vv_str part, bool is_key,
    struct vv_buf *sql)
{
    struct vv_str within;
    (void)is_key;
    if (!is_marked(type, &within))
        return;
    const struct vv_conversion leaf = leaf_of(data, within);
    VV_CLEANUP(vv_buf_done) struct vv_buf finer = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(sql, "CASE WHEN (");
    vv_convert_value(&leaf, part, sql);
    vv_buf_adds(sql, ") IS NOT NULL");
    if (!leaf.truncate_time && vv_convert_finer(&leaf, part, part, &finer))
        vv_buf_addf(sql, " AND NOT (%.*s)", VV_ARG(vv_buf_str(&finer)));
    vv_buf_addf(sql, " THEN %.*s END", VV_ARG(part));
    sql->failed = sql->failed || !vv_buf_ok(&finer);
}

static void coarse_of(const void *data, struct vv_str type, struct vv_str part, bool is_key,
    struct vv_buf *sql)
{
    (void)data;
    (void)type;
    (void)is_key;
    vv_buf_addf(sql,
        "CASE WHEN %.*s IS NOT NULL THEN struct_pack(at := struct_extract(%.*s, 'at'), ns := "
        "CAST(0 AS SMALLINT)) END",
        VV_ARG(part), VV_ARG(part));
}

/* Without the nanoseconds beside it. */
static const struct vv_source_change coarse = {
    .is_changed = vv_source_is_pair, .change = coarse_of, .maps = VV_SOURCE_MAPS_KEPT};
/* Which fails where a key is twice in a map. */
static const struct vv_source_change made = {.maps = VV_SOURCE_MAPS_MADE};

/* NULL where a map with a changed key has that twice. */
static void changed(const struct vv_source_change *change, struct vv_str type,
    struct vv_str from, struct vv_buf *sql)
{
    bool has = vv_source_has(change, type);
    vv_buf_adds(sql, has ? "TRY(" : "");
    vv_source_value(change, type, from, sql);
    vv_buf_adds(sql, has ? ")" : "");
}

/* The value with instants for its times; what is left is a cast. */
static void with_instants(const struct vv_conversion *conversion, struct vv_str marked,
    struct vv_str from, struct vv_buf *sql)
{
    const struct vv_source_change times = {.is_changed = is_time,
        .change = time_of,
        .maps = VV_SOURCE_MAPS_KEPT,
        .data = conversion};
    changed(&times, marked, from, sql);
}

/* Its type as `mark` has it; as it is where times without a zone are those of UTC. */
static void mark_of(const struct vv_conversion *conversion, bool as_made, struct vv_buf *out)
{
    if (conversion->time_zone.len > 0)
        mark(conversion->source_type, conversion->type, as_made, out);
    else
        vv_buf_add(out, conversion->source_type);
}

static void typed_value(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf marked = VV_BUF_INIT(VV_BUF_MAX);
    mark_of(conversion, false, &marked);
    vv_buf_adds(sql, "TRY_CAST(");
    with_instants(conversion, vv_buf_str(&marked), from, sql);
    vv_buf_adds(sql, " AS ");
    vv_type_sql(conversion->type, sql);
    vv_buf_addc(sql, ')');
    sql->failed = sql->failed || !vv_buf_ok(&marked);
}

/* There and back again: whatever was rounded, cut or left out shows. */
static void typed_loss(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf marked = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf zoned = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_source_change sound = {.is_changed = is_naive,
        .change = sound_of,
        .maps = VV_SOURCE_MAPS_KEPT,
        .data = conversion};
    mark_of(conversion, false, &marked);
    mark_of(conversion, true, &zoned);
    vv_source_times(vv_buf_str(&zoned), &type);
    vv_buf_addf(sql, "TRY_CAST(%.*s AS %.*s) IS DISTINCT FROM ", VV_ARG(value),
        VV_ARG(vv_buf_str(&type)));
    with_instants(conversion, vv_buf_str(&marked), from, sql);
    if (vv_source_has(&sound, vv_buf_str(&marked))) {
        vv_buf_addf(sql, " OR %.*s IS DISTINCT FROM ", VV_ARG(from));
        changed(&sound, vv_buf_str(&marked), from, sql);
    }
    if (vv_source_has(&coarse, conversion->source_type) && !conversion->truncate_time) {
        vv_buf_addf(sql, " OR %.*s IS DISTINCT FROM ", VV_ARG(from));
        changed(&coarse, conversion->source_type, from, sql);
    }
    if (vv_source_has(&made, conversion->source_type)) {
        vv_buf_adds(sql, " OR ");
        changed(&made, conversion->source_type, from, sql);
        vv_buf_adds(sql, " IS NULL");
    }
    sql->failed = sql->failed || !vv_buf_ok(&marked) || !vv_buf_ok(&zoned) || !vv_buf_ok(&type);
}

/* ---- Both --------------------------------------------------------------------------------------- */

void vv_convert_nested(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_buf *sql)
{
    if (!conversion->shaped_json) {
        typed_value(conversion, from, sql);
        return;
    }
    VV_CLEANUP(vv_buf_done) struct vv_buf parts = VV_BUF_INIT(VV_BUF_MAX);
    struct walk walk = {.conversion = conversion, .sql = sql};
    json_parts(conversion, from, &parts);
    /* Two keys of a map that are the same in its type, and a key of NULL, are errors. */
    vv_buf_adds(sql, "CAST(TRY(");
    value_of(&walk, conversion->type, vv_buf_str(&parts), 0);
    vv_buf_adds(sql, ") AS ");
    vv_type_sql(conversion->type, sql);
    vv_buf_addc(sql, ')');
    if (!vv_buf_ok(&parts))
        sql->failed = true;
}

static void lost(struct walk *walk, const struct vv_type *type, struct vv_str part, int depth);

static void lost_child(struct walk *walk, const struct vv_type *type, struct vv_str part,
    struct vv_str name, int depth)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf child = VV_BUF_INIT(VV_BUF_MAX);
    extract(part, name, &child);
    lost(walk, type, vv_buf_str(&child), depth);
    if (!vv_buf_ok(&child))
        walk->sql->failed = true;
}

static void lost_leaf(struct walk *walk, const struct vv_type *type, struct vv_str part)
{
    struct vv_buf *sql = walk->sql;
    if (type->kind == VV_TYPE_STRING) {
        vv_buf_adds(sql, "false");
        return;
    }
    VV_CLEANUP(vv_buf_done) struct vv_buf value = VV_BUF_INIT(VV_BUF_MAX);
    vv_convert_text(type, walk->conversion->time_zone, part, &value);
    struct vv_str converted = vv_buf_str(&value);
    if (!vv_buf_ok(&value))
        sql->failed = true;
    if (vv_type_is_float(type)) {
        vv_convert_text_float_loss(part, converted, sql);
        return;
    }
    vv_buf_addf(sql, "(%.*s IS NOT NULL AND ((%.*s) IS NULL", VV_ARG(part), VV_ARG(converted));
    if (vv_type_is_time(type) && !walk->conversion->truncate_time) {
        vv_buf_adds(sql, " OR ");
        vv_convert_text_finer(part, part, sql);
    }
    vv_buf_adds(sql, "))");
}

static void lost(struct walk *walk, const struct vv_type *type, struct vv_str part, int depth)
{
    struct vv_buf *sql = walk->sql;
    char element[16];
    struct vv_str each = {element, (size_t)snprintf(element, sizeof(element), "e%d", depth)};
    switch ((int)type->kind) {
    case VV_TYPE_STRUCT:
        vv_buf_adds(sql, "(false");
        for (size_t index = 0; index < type->fields_len; index++) {
            vv_buf_adds(sql, " OR ");
            lost_child(walk, &type->fields[index].type, part, type->fields[index].name, depth);
        }
        vv_buf_addc(sql, ')');
        break;
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        vv_buf_addf(sql, "coalesce(list_bool_or(list_transform(%.*s, lambda %s: ", VV_ARG(part),
            element);
        if (type->kind == VV_TYPE_MAP) {
            lost_child(walk, type->key, each, VV_STR("key"), depth + 1);
            vv_buf_adds(sql, " OR ");
            lost_child(walk, type->element, each, VV_STR("value"), depth + 1);
        } else {
            lost(walk, type->element, each, depth + 1);
        }
        vv_buf_adds(sql, ")), false)");
        break;
    default:
        lost_leaf(walk, type, part);
        break;
    }
}

void vv_convert_nested_loss(const struct vv_conversion *conversion, struct vv_str from,
    struct vv_str value, struct vv_buf *sql)
{
    vv_buf_addf(sql, "(%.*s IS NOT NULL AND (%.*s IS NULL OR ", VV_ARG(from), VV_ARG(value));
    if (conversion->shaped_json) {
        VV_CLEANUP(vv_buf_done) struct vv_buf parts = VV_BUF_INIT(VV_BUF_MAX);
        struct walk walk = {.conversion = conversion, .sql = sql};
        json_parts(conversion, from, &parts);
        lost(&walk, conversion->type, vv_buf_str(&parts), 0);
        if (!vv_buf_ok(&parts))
            sql->failed = true;
    } else {
        typed_loss(conversion, from, value, sql);
    }
    vv_buf_adds(sql, "))");
}

static bool has_required(const struct vv_type *type)
{
    for (size_t index = 0; index < type->fields_len; index++)
        if (!type->fields[index].nullable || has_required(&type->fields[index].type))
            return true;
    return type->element && (!type->contains_null || has_required(type->element));
}

static void null_within(const struct vv_type *type, struct vv_str part, int depth,
    struct vv_buf *sql);

static void null_within_struct(const struct vv_type *type, struct vv_str part, int depth,
    struct vv_buf *sql)
{
    vv_buf_addf(sql, "(%.*s IS NOT NULL AND (false", VV_ARG(part));
    for (size_t index = 0; index < type->fields_len; index++) {
        const struct vv_field *field = &type->fields[index];
        VV_CLEANUP(vv_buf_done) struct vv_buf child = VV_BUF_INIT(VV_BUF_MAX);
        extract(part, field->name, &child);
        if (!field->nullable)
            vv_buf_addf(sql, " OR %.*s IS NULL", VV_ARG(vv_buf_str(&child)));
        if (has_required(&field->type)) {
            vv_buf_adds(sql, " OR ");
            null_within(&field->type, vv_buf_str(&child), depth, sql);
        }
        if (!vv_buf_ok(&child))
            sql->failed = true;
    }
    vv_buf_adds(sql, "))");
}

/* TRUE or FALSE, never NULL. */
static void null_within(const struct vv_type *type, struct vv_str part, int depth,
    struct vv_buf *sql)
{
    char element[16];
    struct vv_str each = {element, (size_t)snprintf(element, sizeof(element), "e%d", depth)};
    if (type->kind == VV_TYPE_STRUCT) {
        null_within_struct(type, part, depth, sql);
        return;
    }
    vv_buf_addf(sql, "coalesce(list_bool_or(list_transform(%s%.*s%s, lambda %s: %s",
        type->kind == VV_TYPE_MAP ? "map_values(" : "", VV_ARG(part),
        type->kind == VV_TYPE_MAP ? ")" : "", element, type->contains_null ? "false" : "");
    if (!type->contains_null)
        vv_buf_addf(sql, "%s IS NULL", element);
    if (has_required(type->element)) {
        vv_buf_adds(sql, " OR ");
        null_within(type->element, each, depth + 1, sql);
    }
    vv_buf_adds(sql, ")), false)");
}

bool vv_convert_nested_null(const struct vv_type *type, struct vv_str value, struct vv_buf *sql)
{
    if (!vv_type_is_nested(type) || !has_required(type))
        return false;
    null_within(type, value, 0, sql);
    return true;
}
