/*
 * What stays. Keys are compared as they are in the table's folder; a file that the log names by an
 * absolute path is kept too where that path leads into the folder.
 */
#include "base/time.h"
#include "delta/deletion_vector.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "table/vacuum_run.h"

static varve_status keep_key(struct vv_op *op, struct vv_vacuum_run *run, struct vv_str key,
    bool is_absolute)
{
    struct vv_str root = run->table->store->location;
    if (is_absolute) {
        if (key.len <= root.len + 1 || !vv_str_starts(key, root) || key.ptr[root.len] != '/')
            return VARVE_OK;
        key = vv_str_skip(key, root.len + 1);
    }
    key = vv_arena_str(&run->arena, key);
    return key.ptr != NULL && vv_map_put(&run->kept, key, run, NULL) ? VARVE_OK
                                                                     : vv_fail_memory(op);
}

static varve_status keep_vector(struct vv_op *op, struct vv_vacuum_run *run,
    const struct vv_deletion_vector *dv)
{
    struct vv_str key = VV_STR_NONE;
    bool is_absolute = false;
    if (dv == NULL || dv->storage == 'i')
        return VARVE_OK;
    VV_TRY(vv_dv_key(op, &run->arena, dv, &key, &is_absolute));
    return keep_key(op, run, key, is_absolute);
}

static varve_status keep_remove(struct vv_op *op, struct vv_vacuum_run *run,
    const struct vv_remove *remove)
{
    if (remove->deleted_ms < run->cutoff_us / VV_US_PER_MS)
        return VARVE_OK;
    VV_TRY(keep_key(op, run, remove->key, remove->absolute));
    return keep_vector(op, run, remove->dv);
}

/* A snapshot forgets tombstones after the table's own retention: for a longer one, the commits. */
static varve_status keep_removed_since(struct vv_op *op, struct vv_vacuum_run *run)
{
    struct vv_log_list list = {0};
    VV_TRY(vv_log_list_read(op, &run->table->log, 0, &op->arena, &list));
    if (list.commits.len > 0 && list.commits.items[0].version > 0)
        VV_TRY(vv_ledger_extend(op, &run->table->log, &op->arena, &list));
    for (size_t i = list.commits.len; i > 0; i--) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_log_read_listed_actions(op, &run->table->log, &list.commits.items[i - 1],
            &arena, &actions, NULL));
        for (size_t r = 0; r < actions.removes.len; r++)
            VV_TRY(keep_remove(op, run, &actions.removes.items[r]));
        bool is_older =
            actions.commit_info != NULL && actions.commit_info->timestamp_ms != VV_NO_TIME &&
            actions.commit_info->timestamp_ms < (run->cutoff_us - VV_US_PER_DAY) / VV_US_PER_MS;
        if (is_older)
            return VARVE_OK;
    }
    return VARVE_OK;
}

varve_status vv_vacuum_keep(struct vv_op *op, struct vv_vacuum_run *run)
{
    const struct vv_snapshot *snapshot = run->table->snapshot;
    run->kept = VV_MAP_INIT(&run->arena);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        VV_TRY(keep_key(op, run, file->key, file->absolute));
        VV_TRY(keep_vector(op, run, file->dv));
    }
    for (size_t i = 0; i < snapshot->tombstones_len; i++)
        VV_TRY(keep_remove(op, run, snapshot->tombstones[i]));
    return run->retention_us > run->promised_us ? keep_removed_since(op, run) : VARVE_OK;
}
