/*
 * An object of the quarantine, as somebody may have left it: its rows are read, or it is refused.
 */
#include "fuzz.h"

#include "table/batch/quarantine_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    VV_CLEANUP(vv_store_close) struct vv_store *store = NULL;
    struct vv_quarantine_file file;
    const struct vv_str id = VV_STR("a-1");
    const struct vv_str key = VV_STR(VV_QUARANTINE_FOLDER "/a-1.ndjson");

    vv_op_init(&op, NULL, (size_t)1 << 30);
    varve_status status = vv_store_open_memory(&op, &store);
    VV_PRE(status == VARVE_OK);
    status = vv_store_put(&op, store, key, (struct vv_str){(const char *)data, size});
    VV_PRE(status == VARVE_OK);
    struct vv_table table = {.name = VV_STR("t"), .store = store};
    status = vv_quarantine_read(&op, &table, &op.arena, id, &file);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_ECORRUPT);
        return 0;
    }
    for (size_t i = 0; i < file.lines_len; i++) {
        struct vv_quarantine_row row;
        status = vv_quarantine_row_read(&op, &op.arena, &file, i, &row);
        VV_PRE(status == VARVE_OK || status == VARVE_ECORRUPT);
        if (status != VARVE_OK)
            vv_forgive(&op);
        else
            VV_PRE(vv_json_is(row.values, VV_JSON_OBJECT) && vv_json_len(row.reasons) > 0);
    }
    return 0;
}
