#include "engine/arrow_ipc.h"
#include "table/input/batch_input.h"

static varve_status source_read(struct vv_op *op, void *data, int64_t offset, char *out,
    size_t len, size_t *out_len)
{
    return vv_source_read(op, data, offset, out, len, out_len);
}

varve_status vv_input_load_ipc(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct vv_batch_input *input)
{
    struct vv_ipc_bytes bytes = {&input->source, input->source.bytes, source_read};
    struct vv_load_target target;
    int64_t rows = 0;
    VV_TRY(vv_input_target(op, work, input, VV_STR(VV_INPUT_ROW_COLUMN), &target));
    target.out_type = &input->arrow;
    if (vv_session_load_ipc(op, work->session, &bytes, &target, &rows) != VARVE_OK)
        return vv_note(op, "%.*s", VV_ARG(input->name));
    vv_input_loaded(work, input, &target, rows);
    return vv_input_columns(op, work, arena, input);
}
