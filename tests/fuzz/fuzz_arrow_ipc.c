/*
 * Arrow IPC as a stream and as a file: bytes of others, up to rows in a table.
 */
#include "fuzz.h"

#include "engine/arrow_ipc.h"

#include "base/buf.h"

/* Making an engine takes longer than reading an input. */
static struct vv_engine *engine;
static struct vv_session *session;

static bool engine_start(void)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_engine_options options = {.threads = 1};
    vv_op_init(&op, NULL, (size_t)1 << 30);
    return engine != NULL || (vv_engine_open(&op, &options, &engine) == VARVE_OK &&
                                 vv_session_open(&op, engine, &session) == VARVE_OK);
}

static varve_status bytes_read(struct vv_op *op, void *data, int64_t offset, char *out,
    size_t len, size_t *out_len)
{
    const struct vv_str *text = data;
    (void)op;
    VV_PRE(offset >= 0 && (uint64_t)offset + len <= text->len);
    memcpy(out, text->ptr + offset, len);
    *out_len = len;
    return VARVE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_str text = {(const char *)data, size};
    struct vv_ipc_bytes bytes = {&text, (int64_t)size, bytes_read};
    int64_t rows = 0;

    VV_PRE(engine_start());
    vv_op_init(&op, NULL, (size_t)1 << 30);
    const struct vv_load_target target = {
        .table = VV_STR("fuzz rows"), .row_column = VV_STR("row number")};
    varve_status status = vv_session_load_ipc(&op, session, &bytes, &target, &rows);
    if (status != VARVE_OK) {
        VV_PRE(status == VARVE_EINVALID || status == VARVE_EUNSUPPORTED ||
               status == VARVE_ELIMIT);
        vv_forgive(&op);
    }
    VV_PRE(vv_session_exec(&op, session, VV_STR("DROP TABLE IF EXISTS temp.\"fuzz rows\"")) ==
           VARVE_OK);
    return 0;
}
