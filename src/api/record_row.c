/* Records as typed rows of the spool. */
#include "api/record.h"
#include "ingest/spool_row.h"

static void release_nothing(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

varve_status vv_record_schema(struct vv_op *op, const struct vv_record_type *type,
    struct vv_buf *out)
{
    struct ArrowSchema *children = NULL;
    struct ArrowSchema **pointers = NULL;
    VV_NEW(op, &children, struct ArrowSchema, type->fields_len + 1);
    VV_NEW(op, &pointers, struct ArrowSchema *, type->fields_len + 1);
    for (size_t i = 0; i < type->fields_len; i++) {
        pointers[i] = &children[i];
        children[i] = (struct ArrowSchema){.format = vv_record_format(type->fields[i].kind),
            .name = type->fields[i].name,
            .release = release_nothing};
    }
    const struct ArrowSchema schema = {.format = "+s",
        .n_children = (int64_t)type->fields_len,
        .children = pointers,
        .release = release_nothing};
    return vv_row_schema_write(op, &schema, out);
}

static varve_status text_put(struct vv_op *op, const struct vv_record_field *field,
    const char *text, struct vv_buf *out, size_t mark, size_t column)
{
    struct vv_str value = vv_str_of(text);
    if (!vv_utf8_valid(value))
        return vv_fail(op, VARVE_EINVALID, "%s is not valid UTF-8", field->name);
    vv_row_put_text(out, mark, column, value);
    return VARVE_OK;
}

static varve_status field_put(struct vv_op *op, const struct vv_record_field *field,
    const void *value, struct vv_buf *out, size_t mark, size_t column)
{
    const char *text = NULL;
    int32_t flag = 0;
    unsigned char byte = 0;
    switch (field->kind) {
    case VV_RECORD_TIME:
    case VV_RECORD_NUMBER:
        vv_row_put(out, mark, column, value, sizeof(int64_t));
        break;
    case VV_RECORD_INT:
        vv_row_put(out, mark, column, value, sizeof(int32_t));
        break;
    case VV_RECORD_BOOL:
        memcpy(&flag, value, sizeof(flag));
        byte = flag != 0;
        vv_row_put(out, mark, column, &byte, sizeof(byte));
        break;
    case VV_RECORD_TEXT:
        memcpy(&text, value, sizeof(text));
        return text_put(op, field, text, out, mark, column);
    }
    return VARVE_OK;
}

varve_status vv_record_row(struct vv_op *op, const struct vv_record_type *type,
    const void *record, struct vv_buf *out)
{
    size_t mark = vv_row_begin(out, type->fields_len);
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct vv_record_field *field = &type->fields[i];
        const void *value = (const char *)record + field->offset;
        if (vv_record_has_value(field->kind, value))
            VV_TRY(field_put(op, field, value, out, mark, i));
    }
    return vv_buf_ok(out) ? VARVE_OK : vv_fail_memory(op);
}
