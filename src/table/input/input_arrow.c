#include "table/input/batch_input.h"

varve_status vv_input_load_arrow(struct vv_op *op, struct vv_work *work, struct vv_arena *arena,
    struct ArrowArrayStream *stream, struct vv_batch_input *input, int64_t *out_rows)
{
    struct vv_load_target target;
    varve_status status =
        vv_input_target(op, work, input, VV_STR(VV_INPUT_ROW_COLUMN), &target);
    if (status != VARVE_OK) {
        if (stream->release != NULL)
            stream->release(stream);
        return status;
    }
    target.out_type = &input->arrow;
    if (vv_session_load_arrow(op, work->session, stream, &target, out_rows) != VARVE_OK)
        return vv_note(op, "%.*s", VV_ARG(input->name));
    vv_input_loaded(work, input, &target, *out_rows);
    return vv_input_columns(op, work, arena, input);
}
