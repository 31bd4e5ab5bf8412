#include "engine/arrow_type.h"

#include "base/map.h"
#include "engine/sql.h"

/* What a walk through a schema may not exceed. */
struct walk {
    struct vv_op *op;
    int64_t nodes_left;
    int32_t depth_left;
};

/* Formats of one width that DuckDB stores the same way. */
static const struct scalar {
    const char *format;
    enum vv_arrow_kind kind;
    int32_t width;
    const char *sql;
} scalars[] = {
    {"n", VV_ARROW_NULL, 0, "VARCHAR"}, /* a text that is NULL can be cast to anything */
    {"b", VV_ARROW_BOOL, 0, "BOOLEAN"},
    {"c", VV_ARROW_FIXED, 1, "TINYINT"},
    {"C", VV_ARROW_FIXED, 1, "UTINYINT"},
    {"s", VV_ARROW_FIXED, 2, "SMALLINT"},
    {"S", VV_ARROW_FIXED, 2, "USMALLINT"},
    {"i", VV_ARROW_FIXED, 4, "INTEGER"},
    {"I", VV_ARROW_FIXED, 4, "UINTEGER"},
    {"l", VV_ARROW_FIXED, 8, "BIGINT"},
    {"L", VV_ARROW_FIXED, 8, "UBIGINT"},
    {"f", VV_ARROW_FIXED, 4, "FLOAT"},
    {"g", VV_ARROW_FIXED, 8, "DOUBLE"},
    {"u", VV_ARROW_TEXT, 4, "VARCHAR"},
    {"U", VV_ARROW_TEXT, 8, "VARCHAR"},
    {"z", VV_ARROW_TEXT, 4, "BLOB"},
    {"Z", VV_ARROW_TEXT, 8, "BLOB"},
    {"vu", VV_ARROW_VIEW, 0, "VARCHAR"},
    {"vz", VV_ARROW_VIEW, 0, "BLOB"},
    {"tdD", VV_ARROW_DATE32, 4, "DATE"},
    {"tdm", VV_ARROW_DATE64, 8, "DATE"},
};

static varve_status type_read(struct walk *walk, const struct ArrowSchema *schema,
    struct vv_str parent_path, struct vv_arrow_type *out);

/* In SQL's words, where it has any. */
static varve_status refuse(struct vv_op *op, const struct vv_arrow_type *type,
    const char *format)
{
    if (strncmp(format, "tD", 2) == 0)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "column %.*s is a duration (Arrow's '%s'), which has no place here: give a number",
            VV_ARG(type->path), format);
    if (strncmp(format, "ti", 2) == 0)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "column %.*s is an INTERVAL, which has no place here: take epoch(%.*s), its "
            "seconds, or CAST(%.*s AS VARCHAR)",
            VV_ARG(type->path), VV_ARG(type->path), VV_ARG(type->path));
    if (strncmp(format, "tt", 2) == 0)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "column %.*s is a TIME, which has no place here: take CAST(%.*s AS VARCHAR)",
            VV_ARG(type->path), VV_ARG(type->path));
    return vv_fail(op, VARVE_EUNSUPPORTED,
        "column %.*s: Arrow type '%s' is not supported; cast it before", VV_ARG(type->path),
        format);
}

/* The whole text as a count from `min` to `max`. */
static bool count_read(struct vv_str text, int64_t min, int64_t max, int64_t *out)
{
    int64_t count;
    if (!vv_str_int64(text, &count) || count < min || count > max)
        return false;
    *out = count;
    return true;
}

static varve_status decimal_read(struct vv_op *op, const char *format,
    struct vv_arrow_type *type)
{
    struct vv_str rest = vv_str_skip(vv_str_of(format), 2);
    struct vv_str precision_text = VV_STR_NONE;
    struct vv_str scale_text = VV_STR_NONE;
    struct vv_str bits_text = VV_STR("128");
    vv_str_split(&rest, ',', &precision_text);
    vv_str_split(&rest, ',', &scale_text);
    vv_str_split(&rest, ',', &bits_text);
    int64_t precision;
    int64_t scale;
    int64_t bits;
    if (rest.len > 0 || !count_read(precision_text, 1, 38, &precision) ||
        !count_read(scale_text, 0, precision, &scale) ||
        !count_read(bits_text, 32, 128, &bits) || (bits != 32 && bits != 64 && bits != 128))
        return refuse(op, type, format);
    type->kind = VV_ARROW_DECIMAL;
    type->precision = (uint8_t)precision;
    type->scale = (uint8_t)scale;
    type->width = (int32_t)bits / 8;
    struct vv_str sql =
        vv_arena_format(&op->arena, "DECIMAL(%d, %d)", (int)precision, (int)scale);
    type->sql = sql.ptr;
    return sql.ptr ? VARVE_OK : vv_fail_memory(op);
}

static bool names_utc(const char *zone)
{
    static const char *const names[] = {"UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT", "+00:00"};
    for (size_t i = 0; i < VV_COUNT(names); i++)
        if (vv_str_eq_nocase(vv_str_of(zone), vv_str_of(names[i])))
            return true;
    return false;
}

/* "tsu:Europe/Paris": values are UTC where there is a zone, whichever it is. */
static varve_status timestamp_read(struct vv_op *op, const char *format,
    struct vv_arrow_type *type)
{
    type->kind = VV_ARROW_TIMESTAMP;
    type->width = 8;
    type->unit = format[2];
    if (strchr("smun", type->unit) == NULL || format[3] != ':')
        return refuse(op, type, format);
    type->has_zone = format[4] != '\0';
    type->is_utc = names_utc(format + 4);
    if (type->unit != 'n')
        type->sql = type->has_zone ? "TIMESTAMPTZ" : "TIMESTAMP";
    else
        type->sql =
            type->has_zone ? "STRUCT(\"at\" TIMESTAMPTZ, \"ns\" SMALLINT)" : "TIMESTAMP_NS";
    return VARVE_OK;
}

static varve_status children_read(struct walk *walk, const struct ArrowSchema *schema,
    struct vv_arrow_type *type, int64_t expected_len)
{
    struct vv_op *op = walk->op;
    if (schema->n_children < 0 || (schema->n_children > 0 && schema->children == NULL) ||
        (expected_len >= 0 && schema->n_children != expected_len))
        return vv_fail(op, VARVE_EINVALID,
            "column %.*s: the Arrow schema has %" PRId64 " children below type '%s'",
            VV_ARG(type->path), schema->n_children, schema->format);
    if (schema->n_children > walk->nodes_left)
        return vv_fail(op, VARVE_ELIMIT, "the Arrow schema has more than %d fields",
            VV_ARROW_NODES_MAX);
    walk->nodes_left -= schema->n_children;
    VV_NEW(op, &type->children, struct vv_arrow_type, (size_t)schema->n_children + 1);
    type->children_len = schema->n_children;
    for (int64_t index = 0; index < schema->n_children; index++)
        VV_TRY(type_read(walk, schema->children[index], type->path, &type->children[index]));
    return VARVE_OK;
}

static varve_status names_check(struct vv_op *op, const struct vv_arrow_type *type)
{
    struct vv_map seen = VV_MAP_INIT(&op->arena);
    for (int64_t index = 0; index < type->children_len; index++) {
        struct vv_arrow_type *child = &type->children[index];
        if (child->name.len == 0)
            return vv_fail(op, VARVE_EINVALID, "column %" PRId64 " of the input has no name",
                index + 1);
        bool was_there = false;
        struct vv_str key = vv_arena_lower(&op->arena, child->name);
        if (key.ptr == NULL || !vv_map_put(&seen, key, child, &was_there))
            return vv_fail_memory(op);
        if (was_there)
            return vv_fail(op, VARVE_EINVALID,
                "column %.*s is in the input twice: give one of them another name",
                VV_ARG(child->path));
    }
    return VARVE_OK;
}

static varve_status map_read(struct walk *walk, const struct ArrowSchema *schema,
    struct vv_arrow_type *type)
{
    type->kind = VV_ARROW_LIST;
    type->width = 4;
    type->is_map = true;
    VV_TRY(children_read(walk, schema, type, 1));
    if (type->children[0].kind != VV_ARROW_STRUCT || type->children[0].children_len != 2)
        return vv_fail(walk->op, VARVE_EINVALID,
            "column %.*s: the entries of an Arrow map are not structs of key and value",
            VV_ARG(type->path));
    return VARVE_OK;
}

static varve_status nested_read(struct walk *walk, const struct ArrowSchema *schema,
    struct vv_arrow_type *type)
{
    const char *format = schema->format;
    int64_t width;
    if (strcmp(format, "+s") == 0) {
        type->kind = VV_ARROW_STRUCT;
        VV_TRY(children_read(walk, schema, type, -1));
        bool is_top = walk->depth_left == VV_ARROW_DEPTH_MAX - 1;
        if (type->children_len == 0 && !is_top)
            return refuse(walk->op, type, "+s (a struct without fields)");
        return names_check(walk->op, type);
    }
    if (strcmp(format, "+m") == 0)
        return map_read(walk, schema, type);
    type->kind = VV_ARROW_LIST;
    type->width = format[1] == 'L' ? 8 : 4;
    if (strcmp(format, "+l") == 0 || strcmp(format, "+L") == 0)
        return children_read(walk, schema, type, 1);
    if (strncmp(format, "+w:", 3) != 0 ||
        !count_read(vv_str_of(format + 3), 0, INT32_MAX, &width))
        return refuse(walk->op, type, format);
    type->kind = VV_ARROW_ARRAY;
    type->width = (int32_t)width;
    return children_read(walk, schema, type, 1);
}

static varve_status plain_read(struct walk *walk, const struct ArrowSchema *schema,
    struct vv_arrow_type *type)
{
    const char *format = schema->format;
    int64_t width;
    for (size_t index = 0; index < VV_COUNT(scalars); index++) {
        if (strcmp(scalars[index].format, format) != 0)
            continue;
        type->kind = scalars[index].kind;
        type->width = scalars[index].width;
        type->sql = scalars[index].sql;
        type->is_text = strcmp(type->sql, "VARCHAR") == 0;
        return VARVE_OK;
    }
    if (format[0] == '+')
        return nested_read(walk, schema, type);
    if (strncmp(format, "d:", 2) == 0)
        return decimal_read(walk->op, format, type);
    if (strncmp(format, "ts", 2) == 0 && strlen(format) >= 4)
        return timestamp_read(walk->op, format, type);
    if (strncmp(format, "w:", 2) == 0 &&
        count_read(vv_str_of(format + 2), 0, INT32_MAX, &width)) {
        type->kind = VV_ARROW_BYTES;
        type->width = (int32_t)width;
        type->sql = "BLOB";
        return VARVE_OK;
    }
    return refuse(walk->op, type, format);
}

/* The format of an array with a dictionary is that of its indexes. */
static varve_status dictionary_read(struct walk *walk, const struct ArrowSchema *schema,
    struct vv_arrow_type *type)
{
    const struct vv_str indexes = VV_STR("cCsSiIlL");
    size_t index = vv_str_find(indexes, schema->format[0]);
    if (index == indexes.len || schema->format[1] != '\0')
        return vv_fail(walk->op, VARVE_EINVALID,
            "column %.*s: '%s' cannot be the index of an Arrow dictionary", VV_ARG(type->path),
            schema->format);
    type->kind = VV_ARROW_DICTIONARY;
    type->width = 1 << index / 2;
    type->is_signed = index % 2 == 0;
    type->children_len = 1;
    VV_NEW(walk->op, &type->children, struct vv_arrow_type, 1);
    VV_TRY(type_read(walk, schema->dictionary, type->path, &type->children[0]));
    type->children[0].path = type->path;
    return VARVE_OK;
}

static varve_status type_read(struct walk *walk, const struct ArrowSchema *schema,
    struct vv_str parent_path, struct vv_arrow_type *out)
{
    struct vv_op *op = walk->op;
    if (schema == NULL || schema->release == NULL || schema->format == NULL)
        return vv_fail(op, VARVE_EINVALID, "the Arrow schema is released or has no format");
    struct vv_str name = vv_str_of(schema->name ? schema->name : "");
    if (!vv_utf8_valid(name) || !vv_utf8_valid(vv_str_of(schema->format)))
        return vv_fail(op, VARVE_EINVALID, "the Arrow schema has a name that is not UTF-8");
    struct vv_arrow_type type = {.name = vv_arena_str(&op->arena, name)};
    /* The rows themselves: what a program calls them is a part of no path. */
    if (walk->depth_left == VV_ARROW_DEPTH_MAX)
        type.path = VV_STR("");
    else if (parent_path.len > 0)
        type.path = vv_arena_format(&op->arena, "%.*s.%.*s", VV_ARG(parent_path), VV_ARG(name));
    else
        type.path = type.name;
    if (type.name.ptr == NULL || type.path.ptr == NULL)
        return vv_fail_memory(op);
    if (walk->depth_left == 0)
        return vv_fail(op, VARVE_ELIMIT, "the Arrow schema is nested more than %d deep",
            VV_ARROW_DEPTH_MAX);
    walk->depth_left--;
    VV_TRY(schema->dictionary ? dictionary_read(walk, schema, &type)
                              : plain_read(walk, schema, &type));
    walk->depth_left++;
    *out = type;
    return VARVE_OK;
}

varve_status vv_arrow_type_read(struct vv_op *op, const struct ArrowSchema *schema,
    struct vv_arrow_type *out)
{
    struct walk walk = {op, VV_ARROW_NODES_MAX, VV_ARROW_DEPTH_MAX};
    struct vv_arrow_type type;
    if (schema->format && strcmp(schema->format, "+s") != 0)
        return vv_fail(op, VARVE_EINVALID,
            "the Arrow stream is not one of record batches: its type is '%s'", schema->format);
    VV_TRY(type_read(&walk, schema, VV_STR_NONE, &type));
    *out = type;
    return VARVE_OK;
}

static void struct_sql(struct vv_buf *sql, const struct vv_arrow_type *type)
{
    vv_buf_adds(sql, "STRUCT(");
    for (int64_t index = 0; index < type->children_len; index++) {
        if (index > 0)
            vv_buf_adds(sql, ", ");
        vv_sql_name(sql, type->children[index].name);
        vv_buf_addc(sql, ' ');
        vv_arrow_type_sql(sql, &type->children[index]);
    }
    vv_buf_addc(sql, ')');
}

void vv_arrow_type_sql(struct vv_buf *sql, const struct vv_arrow_type *type)
{
    if (type->sql) {
        vv_buf_adds(sql, type->sql);
    } else if (type->is_map) {
        vv_buf_adds(sql, "MAP(");
        vv_arrow_type_sql(sql, &type->children[0].children[0]);
        vv_buf_adds(sql, ", ");
        vv_arrow_type_sql(sql, &type->children[0].children[1]);
        vv_buf_addc(sql, ')');
    } else if (type->kind == VV_ARROW_STRUCT) {
        struct_sql(sql, type);
    } else {
        vv_arrow_type_sql(sql, &type->children[0]);
        if (type->kind != VV_ARROW_DICTIONARY)
            vv_buf_adds(sql, "[]");
    }
}

/* As deep as the type is: VV_ARROW_DEPTH_MAX. */
void vv_arrow_type_copied(struct vv_arrow_type *type)
{
    type->is_copied = true;
    for (int64_t index = 0; index < type->children_len; index++)
        vv_arrow_type_copied(&type->children[index]);
}
