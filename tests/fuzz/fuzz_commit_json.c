/*
 * A commit of the log. What reads must write, and what was written must read and write the same.
 */
#include "fuzz.h"

#include "delta/action.h"

/* *out is false where it is no commit; any other code than these is a defect. */
static bool render(const char *bytes, size_t len, struct vv_buf *out)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_actions actions;
    varve_status status;

    vv_op_init(&op, NULL, (size_t)1 << 30);
    status = vv_actions_parse(&op, &op.arena, 7, (struct vv_str){bytes, len}, &actions);
    VV_PRE(status == VARVE_OK || status == VARVE_ECORRUPT || status == VARVE_EUNSUPPORTED);
    VV_PRE(op.failed == (status != VARVE_OK));
    if (status == VARVE_OK)
        vv_actions_write(&actions, out);
    return status == VARVE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf once = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf twice = VV_BUF_INIT(VV_BUF_MAX);

    if (!render((const char *)data, size, &once) || once.len == 0)
        return 0;
    bool reads_back = render(vv_buf_str(&once).ptr, once.len, &twice);
    VV_PRE(reads_back);
    VV_PRE(vv_str_eq(vv_buf_str(&once), vv_buf_str(&twice)));
    return 0;
}
