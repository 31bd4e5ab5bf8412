/*
 * A schema: the first byte says whether the rest is JSON ('n', 'p', 'i': not mapped, by name, by
 * id) or what a person types. What reads must write, and read and write the same again.
 */
#include "fuzz.h"

#include "delta/schema.h"

static bool render(char kind, struct vv_str text, struct vv_buf *out)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf types = VV_BUF_INIT(VV_BUF_MAX);
    enum vv_column_mapping mapping = kind == 'p'   ? VV_MAPPING_NAME
                                     : kind == 'i' ? VV_MAPPING_ID
                                                   : VV_MAPPING_NONE;
    struct vv_schema schema;
    varve_status status;

    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (kind == 'n' || kind == 'p' || kind == 'i') {
        status = vv_schema_parse(&op, &op.arena, text, mapping, &schema);
        VV_PRE(status == VARVE_OK || status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED);
    } else {
        status = vv_schema_parse_ddl(&op, &op.arena, text, &schema);
        VV_PRE(status == VARVE_OK || status == VARVE_EUSAGE);
    }
    VV_PRE(op.failed == (status != VARVE_OK));
    if (status != VARVE_OK)
        return false;
    vv_schema_write(&schema, out);
    for (size_t i = 0; i < schema.fields_len; i++) {
        VV_PRE(vv_schema_find(&schema, schema.fields[i].name) >= 0);
        VV_PRE(vv_type_eq(&schema.fields[i].type, &schema.fields[i].type));
        vv_type_sql(&schema.fields[i].type, &types);
        vv_type_name(&schema.fields[i].type, &types);
    }
    if (vv_schema_check_names(&op, &schema, mapping) != VARVE_OK)
        VV_PRE(op.error.code == VARVE_EINVALID);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf once = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf twice = VV_BUF_INIT(VV_BUF_MAX);
    char kind = size > 0 ? (char)data[0] : 'd';
    struct vv_str text = vv_str_skip((struct vv_str){(const char *)data, size}, 1);

    if (!render(kind, text, &once))
        return 0;
    bool reads_back =
        render(kind == 'p' || kind == 'i' ? kind : 'n', vv_buf_str(&once), &twice);
    VV_PRE(reads_back);
    VV_PRE(vv_str_eq(vv_buf_str(&once), vv_buf_str(&twice)));
    return 0;
}
