#include "delta/schema.h"

#include "base/map.h"

int32_t vv_schema_find(const struct vv_schema *schema, struct vv_str name)
{
    for (size_t index = 0; index < schema->fields_len; index++) {
        if (vv_str_eq_nocase(schema->fields[index].name, name))
            return (int32_t)index;
    }
    return -1;
}

const struct vv_field *vv_fields_find_physical(const struct vv_field *fields, size_t len,
    struct vv_str physical_name)
{
    for (size_t i = 0; i < len; i++)
        if (vv_str_eq(fields[i].physical_name, physical_name))
            return &fields[i];
    return NULL;
}

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static varve_status check_name(struct vv_op *op, struct vv_str name,
    enum vv_column_mapping mapping)
{
    if (name.len == 0)
        return vv_fail(op, VARVE_EINVALID, "a column without a name");
    if (memchr(name.ptr, '\0', name.len))
        return vv_fail(op, VARVE_EINVALID, "the column name \"%.*s\" holds a zero byte",
            VV_ARG(name));
    for (size_t index = 0; mapping == VV_MAPPING_NONE && index < name.len; index++) {
        if (strchr(" ,;{}()\n\t=", name.ptr[index]))
            return vv_fail(op, VARVE_EINVALID,
                "the column name \"%.*s\" holds one of \" ,;{}()=\", a tab or a line end: "
                "Spark can't write it without column mapping; choose another name",
                VV_ARG(name));
    }
    return VARVE_OK;
}

static varve_status check_fields(struct vv_op *op, const struct vv_field *fields, size_t len,
    enum vv_column_mapping mapping);

static varve_status check_type(struct vv_op *op, const struct vv_type *type,
    enum vv_column_mapping mapping)
{
    if (type->key)
        VV_TRY(check_type(op, type->key, mapping));
    if (type->element)
        VV_TRY(check_type(op, type->element, mapping));
    return check_fields(op, type->fields, type->fields_len, mapping);
}

static varve_status check_fields(struct vv_op *op, const struct vv_field *fields, size_t len,
    enum vv_column_mapping mapping)
{
    struct vv_map names = VV_MAP_INIT(&op->arena);
    bool was_there = false;

    for (size_t index = 0; index < len; index++) {
        struct vv_str name = fields[index].name;
        char *folded;

        VV_TRY(check_name(op, name, mapping));
        VV_NEW(op, &folded, char, name.len);
        for (size_t at = 0; at < name.len; at++)
            folded[at] = lower(name.ptr[at]);
        if (!vv_map_put(&names, (struct vv_str){folded, name.len}, folded, &was_there))
            return vv_fail_memory(op);
        if (was_there)
            return vv_fail(op, VARVE_EINVALID,
                "the column \"%.*s\" is there twice (upper and lower case are one)",
                VV_ARG(name));
        VV_TRY(check_type(op, &fields[index].type, mapping));
    }
    return VARVE_OK;
}

varve_status vv_schema_check_names(struct vv_op *op, const struct vv_schema *schema,
    enum vv_column_mapping mapping)
{
    return check_fields(op, schema->fields, schema->fields_len, mapping);
}

bool vv_schema_has_defaults(const struct vv_schema *schema)
{
    for (size_t index = 0; index < schema->fields_len; index++)
        if (vv_json_get(schema->fields[index].metadata, "CURRENT_DEFAULT") != NULL)
            return true;
    return false;
}

varve_status vv_schema_prefix(struct vv_op *op, const struct vv_schema *schema,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf prefix = VV_BUF_INIT(1 << 16);
    vv_buf_adds(&prefix, "vv_");
    for (size_t index = 0; index < schema->fields_len; index++) {
        struct vv_str name = schema->fields[index].name;
        /* A name that did not begin with the shorter one does not begin with the longer one. */
        while (vv_buf_ok(&prefix) &&
               vv_str_eq_nocase(vv_str_first(name, prefix.len), vv_buf_str(&prefix)))
            vv_buf_addc(&prefix, '_');
    }
    *out = vv_arena_str(&op->arena, vv_buf_str(&prefix));
    return vv_buf_ok(&prefix) && out->ptr ? VARVE_OK : vv_fail_memory(op);
}
