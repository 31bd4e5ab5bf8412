/*
 * A schema as `metaData.schemaString`, in the order of members that everybody writes.
 */
#include "delta/schema.h"

#include "base/json_write.h"

static void write_type(const struct vv_type *type, struct vv_json_writer *writer);

static void write_fields(const struct vv_field *fields, size_t len,
    struct vv_json_writer *writer)
{
    vv_jw_object(writer);
    vv_jw_key_string(writer, "type", VV_STR("struct"));
    vv_jw_key(writer, "fields");
    vv_jw_array(writer);
    for (size_t index = 0; index < len; index++) {
        vv_jw_object(writer);
        vv_jw_key_string(writer, "name", fields[index].name);
        vv_jw_key(writer, "type");
        write_type(&fields[index].type, writer);
        vv_jw_key_bool(writer, "nullable", fields[index].nullable);
        vv_jw_key(writer, "metadata");
        if (fields[index].metadata) {
            vv_jw_json(writer, fields[index].metadata);
        } else {
            vv_jw_object(writer);
            vv_jw_end(writer);
        }
        vv_jw_end(writer);
    }
    vv_jw_end(writer);
    vv_jw_end(writer);
}

static void write_array(const struct vv_type *type, struct vv_json_writer *writer)
{
    vv_jw_object(writer);
    vv_jw_key_string(writer, "type", VV_STR("array"));
    vv_jw_key(writer, "elementType");
    write_type(type->element, writer);
    vv_jw_key_bool(writer, "containsNull", type->contains_null);
    vv_jw_end(writer);
}

static void write_map(const struct vv_type *type, struct vv_json_writer *writer)
{
    vv_jw_object(writer);
    vv_jw_key_string(writer, "type", VV_STR("map"));
    vv_jw_key(writer, "keyType");
    write_type(type->key, writer);
    vv_jw_key(writer, "valueType");
    write_type(type->element, writer);
    vv_jw_key_bool(writer, "valueContainsNull", type->contains_null);
    vv_jw_end(writer);
}

static void write_type(const struct vv_type *type, struct vv_json_writer *writer)
{
    switch ((int)type->kind) {
    case VV_TYPE_STRUCT:
        write_fields(type->fields, type->fields_len, writer);
        break;
    case VV_TYPE_ARRAY:
        write_array(type, writer);
        break;
    case VV_TYPE_MAP:
        write_map(type, writer);
        break;
    default: {
        VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(64);
        vv_type_name(type, &name);
        vv_jw_string(writer, vv_buf_str(&name));
        break;
    }
    }
}

void vv_schema_write(const struct vv_schema *schema, struct vv_buf *out_json)
{
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(out_json);

    write_fields(schema->fields, schema->fields_len, &writer);
}
