/*
 * `metaData.schemaString` into a schema.
 */
#include "delta/schema.h"

#include "base/hash_set.h"
#include "base/map.h"

struct schema_reader {
    struct vv_op *op;
    struct vv_arena *arena;
    enum vv_column_mapping mapping;
    struct vv_hash_set *ids; /* of columns so far, at whatever depth */
};

/* Parts that hold types: their number bounds the recursion here and that of the writer. */
#define LEVELS_MAX VV_SCHEMA_DEPTH_MAX

static varve_status read_type(const struct schema_reader *reader, const struct vv_json *json,
    uint32_t levels, struct vv_type *out);

/* "decimal(10,2)"; "decimal" alone is (10,0). */
static varve_status read_decimal(struct vv_op *op, struct vv_str name, struct vv_type *out)
{
    struct vv_str rest = vv_str_skip(name, strlen("decimal"));
    struct vv_str part;
    int64_t precision = 10;
    int64_t scale = 0;
    bool is_fine = rest.len == 0;

    if (rest.len > 2 && rest.ptr[0] == '(' && rest.ptr[rest.len - 1] == ')') {
        rest = vv_str_first(vv_str_skip(rest, 1), rest.len - 2);
        is_fine =
            vv_str_split(&rest, ',', &part) && vv_str_int64(vv_str_trim(part), &precision);
        if (is_fine && rest.ptr)
            is_fine = vv_str_int64(vv_str_trim(rest), &scale);
    }
    if (!is_fine || precision < 1 || precision > 38 || scale < 0 || scale > precision)
        return vv_fail(op, VARVE_ECORRUPT, "\"%.*s\" is no decimal type", VV_ARG(name));
    *out = (struct vv_type){
        .kind = VV_TYPE_DECIMAL,
        .precision = (uint8_t)precision,
        .scale = (uint8_t)scale,
    };
    return VARVE_OK;
}

varve_status vv_type_parse_name(struct vv_op *op, struct vv_str name, struct vv_type *out)
{
    enum vv_type_kind kind;

    if (vv_type_simple_kind(name, &kind)) {
        *out = (struct vv_type){.kind = kind};
        return VARVE_OK;
    }
    if (vv_str_starts(name, VV_STR("decimal")))
        return read_decimal(op, name, out);
    if (vv_str_eq(name, VV_STR("null"))) {
        *out = (struct vv_type){.kind = VV_TYPE_VOID};
        return VARVE_OK;
    }
    return vv_fail(op, VARVE_EUNSUPPORTED, "Varve does not know the type \"%.*s\"",
        VV_ARG(name));
}

/* In SQL it could not be called. */
static varve_status check_name(const struct schema_reader *reader, struct vv_str name)
{
    if (name.len == 0)
        return vv_fail(reader->op, VARVE_EUNSUPPORTED,
            "a column without a name, which Varve can't call");
    if (memchr(name.ptr, '\0', name.len))
        return vv_fail(reader->op, VARVE_EUNSUPPORTED,
            "a column with a zero byte in its name, by which Varve can't call it");
    return VARVE_OK;
}

/* Numbers are for all columns, not for those of one struct. */
static varve_status check_id(const struct schema_reader *reader, int32_t id)
{
    bool was_there = false;

    if (reader->mapping != VV_MAPPING_ID)
        return VARVE_OK;
    if (!vv_hash_set_put(reader->ids, (uint64_t)id, &was_there))
        return vv_fail_memory(reader->op);
    return !was_there ? VARVE_OK
                      : vv_fail(reader->op, VARVE_ECORRUPT,
                            "another column has the same delta.columnMapping.id, %" PRId32, id);
}

/* How the column is called in files, and its number there. */
static varve_status read_mapping(const struct schema_reader *reader, struct vv_field *field)
{
    const struct vv_json *physical =
        vv_json_get_kind(field->metadata, "delta.columnMapping.physicalName", VV_JSON_STRING);
    int64_t id = 0;

    field->physical_name = field->name;
    if (reader->mapping == VV_MAPPING_NONE)
        return VARVE_OK;
    if (!physical || vv_json_text(physical).len == 0)
        return vv_fail(reader->op, VARVE_ECORRUPT,
            "the column has no delta.columnMapping.physicalName, though the table maps "
            "columns");
    field->physical_name = vv_json_text(physical);
    if (vv_json_int64(vv_json_get(field->metadata, "delta.columnMapping.id"), &id) && id > 0 &&
        id <= INT32_MAX)
        field->field_id = (int32_t)id;
    if (reader->mapping == VV_MAPPING_ID && field->field_id == 0)
        return vv_fail(reader->op, VARVE_ECORRUPT,
            "the column has no delta.columnMapping.id, though the table maps columns by id");
    return check_id(reader, field->field_id);
}

/* Metadata is written back by a writer with a bound of its own. */
static bool is_shallow(const struct vv_json *json, uint32_t levels)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_str name;

    if (vv_json_len(json) > 0 && levels == 0)
        return false;
    while (vv_json_each(json, &iterator, &name, &value)) {
        if (!is_shallow(value, levels - 1))
            return false;
    }
    return true;
}

static varve_status read_field(const struct schema_reader *reader, const struct vv_json *json,
    uint32_t levels, struct vv_field *out)
{
    const struct vv_json *name = vv_json_get_kind(json, "name", VV_JSON_STRING);
    struct vv_field field = {
        .nullable = vv_json_bool(vv_json_get(json, "nullable"), true),
        .metadata = vv_json_get_kind(json, "metadata", VV_JSON_OBJECT),
    };

    if (!name)
        return vv_fail(reader->op, VARVE_ECORRUPT, "a field without a name");
    field.name = vv_json_text(name);
    VV_TRY(check_name(reader, field.name));
    if (!is_shallow(field.metadata, LEVELS_MAX))
        return vv_fail(reader->op, VARVE_EUNSUPPORTED,
            "column \"%.*s\": metadata nested deeper than %d levels", VV_ARG(field.name),
            LEVELS_MAX);
    if (read_type(reader, vv_json_get(json, "type"), levels, &field.type) != VARVE_OK ||
        read_mapping(reader, &field) != VARVE_OK)
        return vv_note(reader->op, "column \"%.*s\"", VV_ARG(field.name));
    *out = field;
    return VARVE_OK;
}

/*
 * By each of its two names a column is one. The engine takes upper and lower case for one: of columns
 * that is told here, of fields within one where its values are read, so that the others can be, and it
 * can be dropped.
 */
static varve_status check_once(struct vv_op *op, struct vv_field *fields, size_t len,
    bool is_nested)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_map names = VV_MAP_INIT(&scratch);
    struct vv_map physical = VV_MAP_INIT(&scratch);
    bool was_there = false;

    for (size_t index = 0; index < len; index++) {
        struct vv_str name = fields[index].name;
        struct vv_str lower = is_nested ? name : vv_arena_lower(&scratch, name);
        const struct vv_str *other = lower.ptr ? vv_map_get(&names, lower) : NULL;

        if (other && vv_str_eq(*other, name))
            return vv_fail(op, VARVE_ECORRUPT, "the column \"%.*s\" is there twice",
                VV_ARG(name));
        if (other)
            return vv_fail(op, VARVE_EUNSUPPORTED,
                "the columns \"%.*s\" and \"%.*s\" differ in case alone, and Varve takes them "
                "for one",
                VV_ARG(*other), VV_ARG(name));
        if (!lower.ptr || !vv_map_put(&names, lower, &fields[index].name, NULL) ||
            !vv_map_put(&physical, fields[index].physical_name, op, &was_there))
            return vv_fail_memory(op);
        if (was_there)
            return vv_fail(op, VARVE_ECORRUPT,
                "column \"%.*s\": another one has the same name in files, \"%.*s\"",
                VV_ARG(name), VV_ARG(fields[index].physical_name));
    }
    return VARVE_OK;
}

static varve_status read_struct(const struct schema_reader *reader, const struct vv_json *json,
    uint32_t levels, struct vv_type *out)
{
    const struct vv_json *array = vv_json_get_kind(json, "fields", VV_JSON_ARRAY);
    const struct vv_json *iterator = NULL;
    const struct vv_json *value;
    struct vv_field *fields;
    struct vv_str none;
    size_t len = 0;

    if (!array)
        return vv_fail(reader->op, VARVE_ECORRUPT, "a struct without fields");
    if (vv_json_len(array) > VV_SCHEMA_FIELDS_MAX)
        return vv_fail(reader->op, VARVE_ELIMIT,
            "%zu columns, or fields of a struct; Varve has room for %d", vv_json_len(array),
            VV_SCHEMA_FIELDS_MAX);
    fields = vv_new(reader->arena, struct vv_field, vv_json_len(array) + 1);
    if (!fields)
        return vv_fail_memory(reader->op);
    while (vv_json_each(array, &iterator, &none, &value))
        VV_TRY(read_field(reader, value, levels, &fields[len++]));
    VV_TRY(check_once(reader->op, fields, len, levels < LEVELS_MAX - 1));
    *out = (struct vv_type){.kind = VV_TYPE_STRUCT, .fields = fields, .fields_len = len};
    return VARVE_OK;
}

static varve_status read_part(const struct schema_reader *reader, const struct vv_json *json,
    uint32_t levels, const struct vv_type **out)
{
    struct vv_type *part = vv_new(reader->arena, struct vv_type, 1);

    if (!part)
        return vv_fail_memory(reader->op);
    VV_TRY(read_type(reader, json, levels, part));
    *out = part;
    return VARVE_OK;
}

static varve_status read_nested(const struct schema_reader *reader, const struct vv_json *json,
    uint32_t levels, struct vv_type *out)
{
    struct vv_str kind = vv_json_text(vv_json_get(json, "type"));
    struct vv_type type = {0};

    if (levels == 0)
        return vv_fail(reader->op, VARVE_EUNSUPPORTED, "types nested deeper than %d levels",
            LEVELS_MAX);
    if (vv_str_eq(kind, VV_STR("struct"))) {
        VV_TRY(read_struct(reader, json, levels - 1, out));
        /* A table may have no columns; a value without fields no engine can write. */
        return out->fields_len > 0 || levels == LEVELS_MAX
                   ? VARVE_OK
                   : vv_fail(reader->op, VARVE_EUNSUPPORTED, "a struct without fields");
    }
    if (vv_str_eq(kind, VV_STR("array"))) {
        type.kind = VV_TYPE_ARRAY;
        type.contains_null = vv_json_bool(vv_json_get(json, "containsNull"), true);
        VV_TRY(read_part(reader, vv_json_get(json, "elementType"), levels - 1, &type.element));
    } else if (vv_str_eq(kind, VV_STR("map"))) {
        type.kind = VV_TYPE_MAP;
        type.contains_null = vv_json_bool(vv_json_get(json, "valueContainsNull"), true);
        VV_TRY(read_part(reader, vv_json_get(json, "keyType"), levels - 1, &type.key));
        VV_TRY(read_part(reader, vv_json_get(json, "valueType"), levels - 1, &type.element));
    } else {
        return vv_fail(reader->op, VARVE_EUNSUPPORTED, "Varve does not know the type \"%.*s\"",
            VV_ARG(kind));
    }
    *out = type;
    return VARVE_OK;
}

static varve_status read_type(const struct schema_reader *reader, const struct vv_json *json,
    uint32_t levels, struct vv_type *out)
{
    switch ((int)vv_json_kind(json)) {
    case VV_JSON_STRING:
        return vv_type_parse_name(reader->op, vv_json_text(json), out);
    case VV_JSON_OBJECT:
        return read_nested(reader, json, levels, out);
    default:
        return vv_fail(reader->op, VARVE_ECORRUPT,
            "a type that is neither a name nor an object");
    }
}

varve_status vv_schema_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str json,
    enum vv_column_mapping mapping, struct vv_schema *out)
{
    struct vv_hash_set ids = VV_HASH_SET_INIT(&op->arena);
    struct schema_reader reader = {op, arena, mapping, &ids};
    const struct vv_json *root;
    struct vv_type type = {0};

    if (json.len == 0) {
        *out = (struct vv_schema){0};
        return VARVE_OK;
    }
    if (vv_json_parse(op, arena, json, &root) != VARVE_OK ||
        read_type(&reader, root, LEVELS_MAX, &type) != VARVE_OK)
        return vv_note(op, "the table's schema");
    if (type.kind != VV_TYPE_STRUCT)
        return vv_fail(op, VARVE_ECORRUPT, "the table's schema is not a struct");
    *out = (struct vv_schema){.fields = type.fields, .fields_len = type.fields_len};
    return VARVE_OK;
}
