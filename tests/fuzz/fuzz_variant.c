/*
 * A variant: a byte that says how long the metadata is, the metadata, the value. Whatever they
 * hold, the text is JSON or there is none.
 */
#include "fuzz.h"

#include "base/json.h"
#include "engine/variant.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT((size_t)1 << 20);
    const struct vv_json *root = NULL;
    struct vv_str bytes = {(const char *)data, size};
    if (size == 0)
        return 0;
    struct vv_str rest = vv_str_skip(bytes, 1);
    struct vv_str metadata = vv_str_first(rest, data[0]);
    vv_op_init(&op, NULL, (size_t)1 << 30);
    if (!vv_variant_json(metadata, vv_str_skip(rest, metadata.len), &json))
        return 0;
    VV_PRE(vv_buf_ok(&json));
    varve_status status = vv_json_parse(&op, &op.arena, vv_buf_str(&json), &root);
    VV_PRE(status == VARVE_OK || op.error.code == VARVE_ELIMIT);
    vv_forgive(&op);
    return 0;
}
