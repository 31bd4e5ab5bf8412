/*
 * DuckDB's name of a type, such as `STRUCT(a INTEGER, "b c" VARCHAR[])`, as a type of Delta: the
 * narrowest one that holds all of its values.
 */
#include "delta/schema.h"

struct cursor {
    struct vv_op *op;
    struct vv_arena *arena;
    struct vv_str rest;
    struct vv_str all; /* for messages */
    int32_t depth_left;
};

static const struct scalar {
    const char *sql;
    enum vv_type_kind kind;
    uint8_t precision; /* of DECIMAL */
} scalars[] = {
    {"BOOLEAN", VV_TYPE_BOOLEAN, 0},
    {"TINYINT", VV_TYPE_BYTE, 0},
    {"SMALLINT", VV_TYPE_SHORT, 0},
    {"INTEGER", VV_TYPE_INTEGER, 0},
    {"BIGINT", VV_TYPE_LONG, 0},
    {"UTINYINT", VV_TYPE_SHORT, 0},
    {"USMALLINT", VV_TYPE_INTEGER, 0},
    {"UINTEGER", VV_TYPE_LONG, 0},
    {"UBIGINT", VV_TYPE_DECIMAL, 20},
    {"FLOAT", VV_TYPE_FLOAT, 0},
    {"DOUBLE", VV_TYPE_DOUBLE, 0},
    {"VARCHAR", VV_TYPE_STRING, 0},
    {"BLOB", VV_TYPE_BINARY, 0},
    {"UUID", VV_TYPE_STRING, 0},
    {"JSON", VV_TYPE_STRING, 0},
    {"DATE", VV_TYPE_DATE, 0},
    {"TIMESTAMP WITH TIME ZONE", VV_TYPE_TIMESTAMP, 0},
    {"TIMESTAMP", VV_TYPE_TIMESTAMP, 0}, /* a naive time is in the zone of the batch */
    {"TIMESTAMP_S", VV_TYPE_TIMESTAMP, 0},
    {"TIMESTAMP_MS", VV_TYPE_TIMESTAMP, 0},
    {"TIMESTAMP_NS", VV_TYPE_TIMESTAMP, 0},
};

static varve_status refuse(const struct cursor *cursor)
{
    return vv_fail(cursor->op, VARVE_EUNSUPPORTED, "no column can be of type %.*s",
        VV_ARG(cursor->all));
}

static bool take(struct cursor *cursor, const char *word)
{
    struct vv_str prefix = vv_str_of(word);
    if (!vv_str_starts(cursor->rest, prefix))
        return false;
    cursor->rest = vv_str_skip(cursor->rest, prefix.len);
    return true;
}

static varve_status number_take(struct cursor *cursor, char end, uint8_t *out)
{
    size_t len = vv_str_find(cursor->rest, end);
    int64_t value = 0;
    if (len == cursor->rest.len ||
        !vv_str_int64(vv_str_trim(vv_str_first(cursor->rest, len)), &value) || value < 0 ||
        value > 38)
        return refuse(cursor);
    *out = (uint8_t)value;
    cursor->rest = vv_str_skip(cursor->rest, len + 1);
    return VARVE_OK;
}

/* A name is quoted where it is no plain word, with its own quotes doubled. */
static varve_status name_take(struct cursor *cursor, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(VV_BUF_MAX);
    if (!take(cursor, "\"")) {
        size_t len = vv_str_find(cursor->rest, ' ');
        vv_buf_add(&name, vv_str_first(cursor->rest, len));
        cursor->rest = vv_str_skip(cursor->rest, len);
    } else {
        do {
            size_t len = vv_str_find(cursor->rest, '"');
            if (len == cursor->rest.len)
                return refuse(cursor);
            vv_buf_add(&name, vv_str_first(cursor->rest, len));
            cursor->rest = vv_str_skip(cursor->rest, len + 1);
        } while (take(cursor, "\"") && (vv_buf_addc(&name, '"'), true));
    }
    if (!take(cursor, " "))
        return refuse(cursor);
    *out = vv_arena_str(cursor->arena, vv_buf_str(&name));
    return vv_buf_ok(&name) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(cursor->op);
}

static varve_status type_take(struct cursor *cursor, struct vv_type *out);

static varve_status part_take(struct cursor *cursor, const struct vv_type **out)
{
    struct vv_type *part = vv_new(cursor->arena, struct vv_type, 1);
    if (part == NULL)
        return vv_fail_memory(cursor->op);
    VV_TRY(type_take(cursor, part));
    *out = part;
    return VARVE_OK;
}

static varve_status struct_take(struct cursor *cursor, struct vv_type *out)
{
    struct vv_field *fields = NULL;
    size_t len = 0, capacity = 0;
    do {
        void *items = fields;
        struct vv_field field = {.nullable = true};
        VV_TRY(name_take(cursor, &field.name));
        field.physical_name = field.name;
        VV_TRY(type_take(cursor, &field.type));
        if (!vv_arena_grow(cursor->arena, &items, len, &capacity, sizeof(*fields),
                _Alignof(struct vv_field)))
            return vv_fail_memory(cursor->op);
        fields = items;
        fields[len++] = field;
    } while (take(cursor, ", "));
    *out = (struct vv_type){.kind = VV_TYPE_STRUCT, .fields = fields, .fields_len = len};
    return take(cursor, ")") ? VARVE_OK : refuse(cursor);
}

static varve_status map_take(struct cursor *cursor, struct vv_type *out)
{
    struct vv_type map = {.kind = VV_TYPE_MAP, .contains_null = true};
    VV_TRY(part_take(cursor, &map.key));
    if (!take(cursor, ", "))
        return refuse(cursor);
    VV_TRY(part_take(cursor, &map.element));
    *out = map;
    return take(cursor, ")") ? VARVE_OK : refuse(cursor);
}

/* The end of a list of labels, which are quoted. */
static varve_status enum_take(struct cursor *cursor, struct vv_type *out)
{
    bool is_quoted = false;
    for (size_t index = 0; index < cursor->rest.len; index++) {
        char byte = cursor->rest.ptr[index];
        if (byte == '\'')
            is_quoted = !is_quoted;
        if (byte != ')' || is_quoted)
            continue;
        cursor->rest = vv_str_skip(cursor->rest, index + 1);
        *out = (struct vv_type){.kind = VV_TYPE_STRING};
        return VARVE_OK;
    }
    return refuse(cursor);
}

/* Up to the end of the word: TIMESTAMP is also the beginning of other names. */
static varve_status scalar_take(struct cursor *cursor, struct vv_type *out)
{
    for (size_t i = 0; i < VV_COUNT(scalars); i++) {
        struct vv_str name = vv_str_of(scalars[i].sql);
        char next = cursor->rest.len > name.len ? cursor->rest.ptr[name.len] : ',';
        if (!vv_str_starts(cursor->rest, name) || strchr(",)[", next) == NULL)
            continue;
        cursor->rest = vv_str_skip(cursor->rest, name.len);
        *out = (struct vv_type){.kind = scalars[i].kind, .precision = scalars[i].precision};
        return VARVE_OK;
    }
    return refuse(cursor);
}

static varve_status base_take(struct cursor *cursor, struct vv_type *out)
{
    if (take(cursor, "STRUCT("))
        return struct_take(cursor, out);
    if (take(cursor, "MAP("))
        return map_take(cursor, out);
    if (take(cursor, "ENUM("))
        return enum_take(cursor, out);
    if (!take(cursor, "DECIMAL("))
        return scalar_take(cursor, out);
    *out = (struct vv_type){.kind = VV_TYPE_DECIMAL};
    VV_TRY(number_take(cursor, ',', &out->precision));
    return number_take(cursor, ')', &out->scale);
}

/* A nanosecond of a time with a zone is a struct of two, as the engine loads it. */
static bool is_instant(const struct vv_type *type)
{
    return type->kind == VV_TYPE_STRUCT && type->fields_len == 2 &&
           vv_str_eq(type->fields[0].name, VV_STR("at")) &&
           type->fields[0].type.kind == VV_TYPE_TIMESTAMP &&
           vv_str_eq(type->fields[1].name, VV_STR("ns")) &&
           type->fields[1].type.kind == VV_TYPE_SHORT;
}

static varve_status type_take(struct cursor *cursor, struct vv_type *out)
{
    struct vv_type type;
    if (cursor->depth_left-- == 0)
        return vv_fail(cursor->op, VARVE_ELIMIT, "a type is nested more than %d deep",
            VV_SCHEMA_DEPTH_MAX);
    VV_TRY(base_take(cursor, &type));
    if (is_instant(&type))
        type = (struct vv_type){.kind = VV_TYPE_TIMESTAMP};
    while (take(cursor, "[")) { /* of any length, or of the one that is given */
        struct vv_type *element = vv_new(cursor->arena, struct vv_type, 1);
        size_t len = vv_str_find(cursor->rest, ']');
        if (element == NULL)
            return vv_fail_memory(cursor->op);
        if (len == cursor->rest.len)
            return refuse(cursor);
        cursor->rest = vv_str_skip(cursor->rest, len + 1);
        *element = type;
        type =
            (struct vv_type){.kind = VV_TYPE_ARRAY, .element = element, .contains_null = true};
    }
    cursor->depth_left++;
    *out = type;
    return VARVE_OK;
}

varve_status vv_type_of_sql(struct vv_op *op, struct vv_arena *arena, struct vv_str sql,
    struct vv_type *out)
{
    struct cursor cursor = {op, arena, sql, sql, VV_SCHEMA_DEPTH_MAX};
    struct vv_type type;
    VV_TRY(type_take(&cursor, &type));
    if (cursor.rest.len > 0)
        return refuse(&cursor);
    *out = type;
    return VARVE_OK;
}
