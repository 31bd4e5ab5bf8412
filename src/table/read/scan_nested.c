#include "table/read/scan_nested.h"

#include "engine/sql.h"
#include "engine/variant.h"

static bool is_renamed(const struct vv_type *type)
{
    for (size_t i = 0; i < type->fields_len; i++)
        if (!vv_str_eq(type->fields[i].name, type->fields[i].physical_name))
            return true;
    return false;
}

bool vv_nested_is_rebuilt(const struct vv_type *type)
{
    if (type->kind == VV_TYPE_VARIANT || is_renamed(type))
        return true;
    for (size_t i = 0; i < type->fields_len; i++)
        if (vv_nested_is_rebuilt(&type->fields[i].type))
            return true;
    return (type->element != NULL && vv_nested_is_rebuilt(type->element)) ||
           (type->key != NULL && vv_nested_is_rebuilt(type->key));
}

void vv_nested_read_type_sql(const struct vv_type *type, struct vv_buf *sql)
{
    switch ((int)type->kind) {
    case VV_TYPE_VARIANT:
        vv_buf_adds(sql, "VARIANT");
        break;
    case VV_TYPE_STRUCT:
        vv_buf_adds(sql, "STRUCT(");
        for (size_t i = 0; i < type->fields_len; i++) {
            vv_buf_adds(sql, i > 0 ? ", " : "");
            vv_sql_name(sql, type->fields[i].physical_name);
            vv_buf_addc(sql, ' ');
            vv_nested_read_type_sql(&type->fields[i].type, sql);
        }
        vv_buf_addc(sql, ')');
        break;
    case VV_TYPE_ARRAY:
        vv_nested_read_type_sql(type->element, sql);
        vv_buf_adds(sql, "[]");
        break;
    case VV_TYPE_MAP:
        vv_buf_adds(sql, "MAP(");
        vv_nested_read_type_sql(type->key, sql);
        vv_buf_adds(sql, ", ");
        vv_nested_read_type_sql(type->element, sql);
        vv_buf_addc(sql, ')');
        break;
    default:
        vv_type_sql(type, sql);
        break;
    }
}

/* Where a value is found: a column, the variable of a lambda, or a field of another place. */
struct place {
    const struct place *outer; /* NULL: it is not a field */
    struct vv_str field;       /* its physical name */
    const char *prefix;        /* "r.c" or "e", before `number`, where it is no field */
    int32_t number;
    int32_t lambdas; /* around the term */
};

static void add_place(const struct place *place, struct vv_buf *sql)
{
    if (!place->outer) {
        vv_buf_addf(sql, "%s%" PRId32, place->prefix, place->number);
        return;
    }
    add_place(place->outer, sql);
    vv_buf_addc(sql, '.');
    vv_sql_name(sql, place->field);
}

static void add_shown(const struct vv_type *type, const struct place *place,
    struct vv_buf *sql);

static void add_part(const struct place *place, const char *name, struct vv_buf *sql)
{
    vv_buf_adds(sql, "variant_extract(");
    add_place(place, sql);
    vv_buf_addf(sql, ", '%s')", name);
}

static void add_json(const struct place *place, struct vv_buf *sql)
{
    vv_buf_adds(sql, "CAST(CAST(");
    add_place(place, sql);
    vv_buf_adds(sql, " AS JSON) AS VARCHAR)");
}

/*
 * The Parquet reader decodes what a file calls a variant, shredded or not. Files from before Parquet
 * had the type hold its two halves in a plain struct, which comes out as a variant that is an
 * object of two binaries; where such a struct has shredded parts as well, it is refused. A variant
 * with names like these whose metadata is no binary is what it seems to be.
 */
static void add_variant(const struct place *place, struct vv_buf *sql)
{
    vv_buf_adds(sql, "CASE WHEN variant_typeof(");
    add_place(place, sql);
    vv_buf_adds(sql,
        ") NOT SIMILAR TO "
        "'OBJECT\\((metadata|value|typed_value)(, (metadata|value|typed_value))+\\)' "
        "THEN ");
    add_json(place, sql);
    vv_buf_adds(sql, " WHEN variant_typeof(");
    add_part(place, "metadata", sql);
    vv_buf_adds(sql, ") IS DISTINCT FROM 'BLOB' THEN ");
    add_json(place, sql);
    vv_buf_adds(sql, " WHEN variant_typeof(");
    add_place(place, sql);
    vv_buf_adds(sql, ") LIKE '%typed_value%' THEN error('" VV_VARIANT_IN_PARTS
                     "') ELSE " VV_VARIANT_FUNCTION "(CAST(");
    add_part(place, "metadata", sql);
    vv_buf_adds(sql, " AS BLOB), CAST(");
    add_part(place, "value", sql);
    vv_buf_adds(sql, " AS BLOB)) END");
}

static void add_struct(const struct vv_type *type, const struct place *place,
    struct vv_buf *sql)
{
    vv_buf_addc(sql, '{');
    for (size_t i = 0; i < type->fields_len; i++) {
        struct place field = {
            .outer = place, .field = type->fields[i].physical_name, .lambdas = place->lambdas};
        vv_buf_adds(sql, i > 0 ? ", " : "");
        vv_sql_literal(sql, type->fields[i].name);
        vv_buf_adds(sql, ": ");
        add_shown(&type->fields[i].type, &field, sql);
    }
    vv_buf_addc(sql, '}');
}

static void add_array(const struct vv_type *type, const struct place *place, struct vv_buf *sql)
{
    struct place element = {
        .prefix = "e", .number = place->lambdas, .lambdas = place->lambdas + 1};
    vv_buf_adds(sql, "list_transform(");
    add_place(place, sql);
    vv_buf_addf(sql, ", lambda e%" PRId32 ": ", element.number);
    add_shown(type->element, &element, sql);
    vv_buf_addc(sql, ')');
}

static void add_map(const struct vv_type *type, const struct place *place, struct vv_buf *sql)
{
    struct place entry = {
        .prefix = "e", .number = place->lambdas, .lambdas = place->lambdas + 1};
    struct place key = {.outer = &entry, .field = VV_STR("key"), .lambdas = entry.lambdas};
    struct place element = {
        .outer = &entry, .field = VV_STR("value"), .lambdas = entry.lambdas};
    vv_buf_adds(sql, "map_from_entries(list_transform(map_entries(");
    add_place(place, sql);
    vv_buf_addf(sql, "), lambda e%" PRId32 ": {'key': ", entry.number);
    add_shown(type->key, &key, sql);
    vv_buf_adds(sql, ", 'value': ");
    add_shown(type->element, &element, sql);
    vv_buf_adds(sql, "}))");
}

/* NULL stays NULL at every level; what is shown as it is read is named and no more. */
static void add_shown(const struct vv_type *type, const struct place *place, struct vv_buf *sql)
{
    if (!vv_nested_is_rebuilt(type)) {
        add_place(place, sql);
        return;
    }
    vv_buf_adds(sql, "CASE WHEN ");
    add_place(place, sql);
    vv_buf_adds(sql, " IS NULL THEN NULL ELSE ");
    if (type->kind == VV_TYPE_VARIANT)
        add_variant(place, sql);
    else if (type->kind == VV_TYPE_STRUCT)
        add_struct(type, place, sql);
    else if (type->kind == VV_TYPE_ARRAY)
        add_array(type, place, sql);
    else
        add_map(type, place, sql);
    vv_buf_adds(sql, " END");
}

void vv_nested_shown_sql(const struct vv_type *type, int32_t index, struct vv_buf *sql)
{
    struct place column = {.prefix = "r.c", .number = index};
    add_shown(type, &column, sql);
}
