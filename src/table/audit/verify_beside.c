/*
 * What others do to a table while it is verified: commits that come after the log was listed, and a
 * clean-up that takes old commits and checkpoints from it. None of that is an alarm.
 *
 * A clean-up takes commits at the old end alone, and only what the ledger has: a commit that is
 * gone though the one before it is there was taken by somebody else.
 */
#include "table/audit/verify_run.h"

static varve_status is_there(struct vv_op *op, const struct vv_verify_run *run,
    struct vv_str key, bool *out)
{
    struct vv_object object = {0};
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = vv_store_head(op, run->log->store, key, &object);
    *out = status == VARVE_OK;
    if (status == VARVE_ENOTFOUND)
        vv_forgive(op);
    return status == VARVE_ENOTFOUND ? VARVE_OK : status;
}

varve_status vv_verify_ledger_since(struct vv_op *op, struct vv_verify_run *run)
{
    size_t len = run->list.commits.len;
    if (len == 0)
        return VARVE_OK;
    int64_t last = run->list.commits.items[len - 1].version;
    bool is_new = true;
    while (is_new && run->ledger.len > 0 &&
           run->ledger.items[run->ledger.len - 1].version > last) {
        int64_t version = run->ledger.items[run->ledger.len - 1].version;
        VV_TRY(is_there(op, run, vv_log_commit_key(&op->arena, version), &is_new));
        run->ledger.len -= is_new ? 1 : 0;
    }
    return VARVE_OK;
}

/* The bytes of a commit that the ledger has now; *out_there false: it has not. */
static varve_status read_ledger(struct vv_op *op, const struct vv_verify_run *run,
    int64_t version, struct vv_arena *arena, struct vv_str *out, bool *out_there)
{
    struct vv_log_list list = {0};
    *out_there = false;
    VV_TRY(vv_log_list_read(op, run->log, 0, arena, &list));
    VV_TRY(vv_ledger_extend(op, run->log, arena, &list));
    size_t i = vv_log_list_lower(&list, version);
    if (i == list.commits.len || list.commits.items[i].version != version ||
        list.commits.items[i].ledger_key.len == 0)
        return VARVE_OK;
    *out_there = true;
    return vv_ledger_read(op, run->log, &list.commits.items[i], arena, out);
}

varve_status vv_verify_read_commit(struct vv_op *op, struct vv_verify_run *run, int64_t version,
    struct vv_arena *arena, struct vv_str *out)
{
    bool is_hole = false;
    bool is_kept = false;
    varve_status status = vv_log_read(op, run->log, version, arena, out);
    if (status != VARVE_ENOTFOUND)
        return status;
    const varve_error error = op->error;
    vv_forgive(op);
    if (version > 0)
        VV_TRY(is_there(op, run, vv_log_commit_key(&op->arena, version - 1), &is_hole));
    if (!is_hole)
        VV_TRY(read_ledger(op, run, version, arena, out, &is_kept));
    return is_kept ? VARVE_OK : vv_fail(op, error.code, "%s", error.message);
}

varve_status vv_verify_checkpoint_left(struct vv_op *op, const struct vv_verify_run *run,
    size_t index, bool *out)
{
    bool is_there_still = true;
    *out = false;
    if (index + 1 == run->list.checkpoints.len) /* a clean-up never takes the newest */
        return VARVE_OK;
    VV_TRY(is_there(op, run, run->list.checkpoints.items[index].keys[0], &is_there_still));
    *out = !is_there_still;
    return VARVE_OK;
}
