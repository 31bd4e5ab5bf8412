/*
 * Tags and holds as witnesses: each was made of a version that was there, and promises that it can be
 * read. A log that was cut off, or put back from an old copy, does not have what they name.
 *
 * A pin may have been made since the log was listed, of a commit made since: that commit is there.
 */
#include "table/audit/verify_run.h"

static bool has_entry(const struct vv_verify_run *run, int64_t version)
{
    for (size_t i = 0; i < run->ledger.len; i++)
        if (run->ledger.items[i].version == version)
            return true;
    return false;
}

static bool has_checkpoint(const struct vv_verify_run *run, int64_t version)
{
    for (size_t i = 0; i < run->list.checkpoints.len; i++)
        if (run->list.checkpoints.items[i].version == version)
            return true;
    return false;
}

/* In the log, in the ledger, or kept by a checkpoint. */
static varve_status is_there(struct vv_op *op, const struct vv_verify_run *run, int64_t version,
    bool *out)
{
    const struct vv_log_list *list = &run->list;
    size_t i = vv_log_list_lower(list, version);
    *out = (i < list->commits.len && list->commits.items[i].version == version) ||
           has_entry(run, version) || has_checkpoint(run, version);
    if (*out || version <= run->last_version)
        return VARVE_OK;
    struct vv_object object = {0};
    struct vv_str key = vv_log_commit_key(&op->arena, version);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    varve_status status = vv_store_head(op, run->log->store, key, &object);
    *out = status == VARVE_OK;
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    return VARVE_OK;
}

static const char *kind_of(const struct vv_pin *pin)
{
    return pin->kind == VV_PIN_HOLD ? "hold" : "tag";
}

static varve_status tell_unknown(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_pin *pin)
{
    struct vv_str key = vv_log_commit_key(&op->arena, pin->version);
    const struct vv_finding finding = {"commit.missing", true, pin->version, key, VV_STR_NONE};
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    if (pin->version > run->last_version)
        return vv_verify_tell(op, run, &finding,
            "%s %.*s names version %" PRId64 ", the log ends at %" PRId64
            ": its end was cut off, or the table was put back from an older copy",
            kind_of(pin), VV_ARG(pin->name), pin->version, run->last_version);
    return vv_verify_tell(op, run, &finding,
        "%s %.*s names version %" PRId64 ", and its commit is neither in the log nor in the "
        "ledger",
        kind_of(pin), VV_ARG(pin->name), pin->version);
}

/* Its own commit alone does not make a version: what leads up to it has to be there, too. */
static varve_status check_readable(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_pin *pin)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_log_segment segment;
    const struct vv_finding finding = {
        "pin.unreadable", true, pin->version, VV_STR_NONE, VV_STR_NONE};
    if (vv_log_find(op, run->log, pin->version, INT64_MAX, &arena, &segment) == VARVE_OK)
        return VARVE_OK;
    (void)vv_note(op, "%s %.*s names version %" PRId64 ", which can't be put together",
        kind_of(pin), VV_ARG(pin->name), pin->version);
    return vv_verify_tell_error(op, run, &finding);
}

varve_status vv_verify_pins(struct vv_op *op, struct vv_verify_run *run,
    const struct vv_pins *pins)
{
    for (size_t i = 0; i < pins->len; i++) {
        bool there = false;
        VV_TRY(is_there(op, run, pins->items[i].version, &there));
        VV_TRY(there ? check_readable(op, run, &pins->items[i])
                     : tell_unknown(op, run, &pins->items[i]));
    }
    return VARVE_OK;
}
