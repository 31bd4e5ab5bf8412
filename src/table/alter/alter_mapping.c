/*
 * Column mapping: a column's name in files and statistics is a matter of its own, so that it can
 * be renamed or dropped without writing a file anew. Files that are there already hold the columns
 * under the names of today, which therefore become the physical ones.
 */
#include "table/alter/alter_change.h"

#include "base/uuid.h"
#include "delta/features.h"

#define MODE "delta.columnMapping.mode"

varve_status vv_alter_next_id(struct vv_op *op, struct vv_draft *draft, int64_t *out)
{
    int64_t id = 0;
    struct vv_str text = vv_draft_property(draft, VV_STR(VV_MAX_COLUMN_ID));
    if (text.ptr != NULL && (!vv_str_int64(text, &id) || id < 0 || id >= INT32_MAX))
        return vv_fail(op, VARVE_ECORRUPT, "table property " VV_MAX_COLUMN_ID " is \"%.*s\"",
            VV_ARG(text));
    id++;
    struct vv_str value = vv_arena_format(draft->arena, "%" PRId64, id);
    if (value.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_draft_set(op, draft, VV_STR(VV_MAX_COLUMN_ID), value));
    *out = id;
    return VARVE_OK;
}

static varve_status map_column(struct vv_op *op, struct vv_draft *draft, struct vv_field *field)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf name = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&name);
    int64_t id = 0;
    VV_TRY(vv_alter_next_id(op, draft, &id));
    vv_jw_string(&writer, field->name);
    if (!vv_buf_ok(&name))
        return vv_fail_memory(op);
    VV_TRY(vv_draft_mark(op, draft, field, "delta.columnMapping.id",
        vv_arena_format(draft->arena, "%" PRId64, id)));
    return vv_draft_mark(op, draft, field, "delta.columnMapping.physicalName",
        vv_buf_str(&name));
}

/* Parts of a column have ids and physical names of their own, which Varve writes none of. */
static varve_status check_flat(struct vv_op *op, const struct vv_field *field)
{
    const struct vv_type *type = &field->type;
    if (type->fields_len == 0 && type->element == NULL && type->key == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUNSUPPORTED,
        "column %.*s is nested: Varve does not write column mapping for such tables",
        VV_ARG(field->name));
}

varve_status vv_alter_map_new(struct vv_op *op, struct vv_draft *draft, struct vv_field *field)
{
    char uuid[VV_UUID_BYTES];
    int64_t id = 0;
    if (vv_features_mapping(draft->protocol, &draft->metadata) == VV_MAPPING_NONE)
        return VARVE_OK;
    VV_TRY(check_flat(op, field));
    VV_TRY(vv_uuid(op, uuid));
    VV_TRY(vv_alter_next_id(op, draft, &id));
    VV_TRY(vv_draft_mark(op, draft, field, "delta.columnMapping.id",
        vv_arena_format(draft->arena, "%" PRId64, id)));
    return vv_draft_mark(op, draft, field, "delta.columnMapping.physicalName",
        vv_arena_format(draft->arena, "\"col-%s\"", uuid));
}

varve_status vv_alter_map_columns(struct vv_op *op, struct vv_draft *draft)
{
    struct vv_field *fields = NULL;
    if (vv_features_mapping(draft->protocol, &draft->metadata) != VV_MAPPING_NONE)
        return VARVE_OK;
    for (size_t i = 0; i < draft->schema.fields_len; i++)
        VV_TRY(check_flat(op, &draft->schema.fields[i]));
    fields = vv_draft_copy_fields(op, draft);
    if (fields == NULL)
        return op->error.code;
    VV_TRY(vv_draft_need(op, draft, "columnMapping"));
    VV_TRY(vv_draft_set(op, draft, VV_STR(MODE), VV_STR("name")));
    for (size_t i = 0; i < draft->schema.fields_len; i++)
        VV_TRY(map_column(op, draft, &fields[i]));
    return vv_draft_fields(op, draft, fields, draft->schema.fields_len);
}
