#include "delta/schema.h"

#include "engine/sql.h"

/* Names of the types that have neither parameters nor parts. */
static const struct simple_type {
    enum vv_type_kind kind;
    const char *name;
    const char *sql;
} simple_types[] = {
    {VV_TYPE_STRING, "string", "VARCHAR"},
    {VV_TYPE_LONG, "long", "BIGINT"},
    {VV_TYPE_INTEGER, "integer", "INTEGER"},
    {VV_TYPE_SHORT, "short", "SMALLINT"},
    {VV_TYPE_BYTE, "byte", "TINYINT"},
    {VV_TYPE_FLOAT, "float", "FLOAT"},
    {VV_TYPE_DOUBLE, "double", "DOUBLE"},
    {VV_TYPE_BOOLEAN, "boolean", "BOOLEAN"},
    {VV_TYPE_BINARY, "binary", "BLOB"},
    {VV_TYPE_DATE, "date", "DATE"},
    {VV_TYPE_TIMESTAMP, "timestamp", "TIMESTAMP WITH TIME ZONE"},
    {VV_TYPE_TIMESTAMP_NTZ, "timestamp_ntz", "TIMESTAMP"},
    {VV_TYPE_VARIANT, "variant", "VARCHAR"}, /* shown as JSON text */
    {VV_TYPE_VOID, "void", "\"NULL\""},
};

static const struct simple_type *simple_of(enum vv_type_kind kind)
{
    size_t index = 0;

    while (index < VV_COUNT(simple_types) && simple_types[index].kind != kind)
        index++;
    VV_PRE(index < VV_COUNT(simple_types));
    return &simple_types[index];
}

bool vv_type_simple_kind(struct vv_str name, enum vv_type_kind *out)
{
    for (size_t index = 0; index < VV_COUNT(simple_types); index++) {
        if (vv_str_eq(name, vv_str_of(simple_types[index].name))) {
            *out = simple_types[index].kind;
            return true;
        }
    }
    return false;
}

void vv_type_sql(const struct vv_type *type, struct vv_buf *out)
{
    switch ((int)type->kind) {
    case VV_TYPE_DECIMAL:
        vv_buf_addf(out, "DECIMAL(%u,%u)", type->precision, type->scale);
        break;
    case VV_TYPE_STRUCT:
        vv_buf_adds(out, "STRUCT(");
        for (size_t index = 0; index < type->fields_len; index++) {
            vv_buf_adds(out, index > 0 ? ", " : "");
            vv_sql_name(out, type->fields[index].name);
            vv_buf_addc(out, ' ');
            vv_type_sql(&type->fields[index].type, out);
        }
        vv_buf_addc(out, ')');
        break;
    case VV_TYPE_ARRAY:
        vv_type_sql(type->element, out);
        vv_buf_adds(out, "[]");
        break;
    case VV_TYPE_MAP:
        vv_buf_adds(out, "MAP(");
        vv_type_sql(type->key, out);
        vv_buf_adds(out, ", ");
        vv_type_sql(type->element, out);
        vv_buf_addc(out, ')');
        break;
    default:
        vv_buf_adds(out, simple_of(type->kind)->sql);
        break;
    }
}

static bool is_bare_name(struct vv_str name)
{
    for (size_t index = 0; index < name.len; index++) {
        unsigned char byte = (unsigned char)name.ptr[index];
        bool is_word = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= '0' && byte <= '9') || byte == '_' || byte >= 0x80;

        if (!is_word)
            return false;
    }
    return name.len > 0;
}

/* As the DDL of vv_schema_parse_ddl wants it: back-quoted where it is no word. */
static void add_name(struct vv_str name, struct vv_buf *out)
{
    if (is_bare_name(name)) {
        vv_buf_add(out, name);
        return;
    }
    vv_buf_addc(out, '`');
    for (size_t index = 0; index < name.len; index++) {
        if (name.ptr[index] == '`')
            vv_buf_addc(out, '`');
        vv_buf_addc(out, name.ptr[index]);
    }
    vv_buf_addc(out, '`');
}

void vv_type_name(const struct vv_type *type, struct vv_buf *out)
{
    switch ((int)type->kind) {
    case VV_TYPE_DECIMAL:
        vv_buf_addf(out, "decimal(%u,%u)", type->precision, type->scale);
        break;
    case VV_TYPE_STRUCT:
        vv_buf_adds(out, "struct<");
        for (size_t index = 0; index < type->fields_len; index++) {
            vv_buf_adds(out, index > 0 ? "," : "");
            add_name(type->fields[index].name, out);
            vv_buf_addc(out, ':');
            vv_type_name(&type->fields[index].type, out);
        }
        vv_buf_addc(out, '>');
        break;
    case VV_TYPE_ARRAY:
        vv_buf_adds(out, "array<");
        vv_type_name(type->element, out);
        vv_buf_addc(out, '>');
        break;
    case VV_TYPE_MAP:
        vv_buf_adds(out, "map<");
        vv_type_name(type->key, out);
        vv_buf_addc(out, ',');
        vv_type_name(type->element, out);
        vv_buf_addc(out, '>');
        break;
    default:
        vv_buf_adds(out, simple_of(type->kind)->name);
        break;
    }
}

bool vv_type_is_float(const struct vv_type *type)
{
    return type->kind == VV_TYPE_FLOAT || type->kind == VV_TYPE_DOUBLE;
}

bool vv_type_is_time(const struct vv_type *type)
{
    return type->kind == VV_TYPE_TIMESTAMP || type->kind == VV_TYPE_TIMESTAMP_NTZ;
}

bool vv_type_holds(const struct vv_type *type, enum vv_type_kind kind)
{
    if (type->kind == kind || (type->element && vv_type_holds(type->element, kind)) ||
        (type->key && vv_type_holds(type->key, kind)))
        return true;
    for (size_t index = 0; index < type->fields_len; index++) {
        if (vv_type_holds(&type->fields[index].type, kind))
            return true;
    }
    return false;
}

static bool fields_eq(const struct vv_type *a, const struct vv_type *b)
{
    if (a->fields_len != b->fields_len)
        return false;
    for (size_t index = 0; index < a->fields_len; index++) {
        if (!vv_str_eq(a->fields[index].name, b->fields[index].name) ||
            !vv_type_eq(&a->fields[index].type, &b->fields[index].type))
            return false;
    }
    return true;
}

bool vv_type_eq(const struct vv_type *a, const struct vv_type *b)
{
    if (a->kind != b->kind)
        return false;
    switch ((int)a->kind) {
    case VV_TYPE_DECIMAL:
        return a->precision == b->precision && a->scale == b->scale;
    case VV_TYPE_STRUCT:
        return fields_eq(a, b);
    case VV_TYPE_ARRAY:
        return vv_type_eq(a->element, b->element);
    case VV_TYPE_MAP:
        return vv_type_eq(a->key, b->key) && vv_type_eq(a->element, b->element);
    default:
        return true;
    }
}

bool vv_type_is_ordered(const struct vv_type *type)
{
    switch ((int)type->kind) {
    case VV_TYPE_BINARY:
    case VV_TYPE_VARIANT:
    case VV_TYPE_VOID:
    case VV_TYPE_STRUCT:
    case VV_TYPE_ARRAY:
    case VV_TYPE_MAP:
        return false;
    default:
        return true;
    }
}
