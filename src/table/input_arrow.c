#include "table/batch_input.h"

varve_status vv_input_load_arrow(struct vv_op *op, struct vv_session *session,
    struct vv_arena *arena, struct ArrowArrayStream *stream, struct vv_batch_input *input,
    int64_t *out_rows)
{
    varve_status status = vv_input_drop(op, session, input);
    if (status != VARVE_OK) {
        if (stream->release != NULL)
            stream->release(stream);
        return status;
    }
    const struct vv_load_target target = {
        .table = input->table, .row_column = VV_STR(VV_INPUT_ROW_COLUMN)};
    if (vv_session_load_arrow(op, session, stream, &target, out_rows) != VARVE_OK)
        return vv_note(op, "%.*s", VV_ARG(input->name));
    return vv_input_columns(op, session, arena, input);
}
