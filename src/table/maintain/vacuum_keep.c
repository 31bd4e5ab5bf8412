/*
 * What stays. Keys are compared as they are in the table's folder without its links; a file that the log
 * names by an absolute path is kept too where that path leads into the folder (table/file_keys.h).
 */
#include "base/time.h"
#include "delta/commit_time.h"
#include "delta/log_list.h"
#include "table/file_keys.h"
#include "table/folder_walk.h"
#include "table/maintain/vacuum_run.h"

/* Which pins keep a key, with the one that is being read; NULL: no memory. */
static uint64_t *mark_pin(struct vv_vacuum_run *run, struct vv_str key)
{
    uint64_t *bits = vv_map_get(&run->pinned, key);
    if (bits == NULL)
        bits = vv_new(&run->arena, uint64_t, vv_vacuum_pin_words(run));
    if (bits != NULL)
        bits[run->pin_now / 64] |= UINT64_C(1) << run->pin_now % 64;
    return bits;
}

/* `key` with ptr NULL: none. */
static varve_status add_key(struct vv_op *op, struct vv_vacuum_run *run, struct vv_map *map,
    struct vv_str key)
{
    if (key.ptr == NULL)
        return VARVE_OK;
    VV_TRY(vv_folder_place(op, &run->places, &key));
    void *value = map == &run->pinned ? (void *)mark_pin(run, key) : run;
    if (value != NULL && vv_map_has(map, key))
        return VARVE_OK;
    key = vv_arena_str(&run->arena, key);
    return value != NULL && key.ptr != NULL && vv_map_put(map, key, value, NULL)
               ? VARVE_OK
               : vv_fail_memory(op);
}

static varve_status add_file(struct vv_op *op, struct vv_vacuum_run *run, struct vv_map *map,
    const struct vv_file *file)
{
    struct vv_file_keys keys;
    VV_TRY(vv_file_keys_of(op, &run->arena, run->table->store, file, &keys));
    VV_TRY(add_key(op, run, map, keys.data));
    return add_key(op, run, map, keys.vector);
}

varve_status vv_vacuum_keep_link(struct vv_op *op, struct vv_vacuum_run *run, struct vv_str key)
{
    struct vv_str real = VV_STR_NONE;
    VV_TRY(vv_store_real_key(op, &run->arena, run->table->store, key, &real));
    return add_key(op, run, &run->kept, real);
}

static bool is_young(const struct vv_vacuum_run *run, int64_t taken_ms)
{
    return taken_ms >= run->cutoff_us / VV_US_PER_MS;
}

static varve_status keep_remove(struct vv_op *op, struct vv_vacuum_run *run,
    const struct vv_remove *remove, int64_t taken_ms)
{
    struct vv_file_keys keys;
    if (!is_young(run, taken_ms))
        return VARVE_OK;
    VV_TRY(vv_file_keys_of_remove(op, &run->arena, run->table->store, remove, &keys));
    VV_TRY(add_key(op, run, &run->kept, keys.data));
    return add_key(op, run, &run->kept, keys.vector);
}

void vv_vacuum_left_by(struct vv_vacuum_run *run, int64_t version)
{
    if (run->left_version == VV_NO_VERSION || version < run->left_version)
        run->left_version = version;
}

varve_status vv_vacuum_commits(struct vv_op *op, const struct vv_vacuum_run *run, int64_t after,
    struct vv_log_list *out)
{
    VV_TRY(vv_log_list_read(op, &run->table->log, after + 1, &op->arena, out));
    if (vv_log_list_has_all_from(out, after + 1))
        return VARVE_OK;
    return vv_ledger_extend(op, &run->table->log, &op->arena, out);
}

varve_status vv_vacuum_read(struct vv_op *op, const struct vv_vacuum_run *run,
    struct vv_ledger_reader *ledger, const struct vv_log_commit *commit, struct vv_arena *arena,
    struct vv_actions *out)
{
    varve_status status =
        vv_log_read_listed_actions(op, &run->table->log, ledger, commit, arena, out, NULL);
    if (status != VARVE_ECORRUPT)
        return status;
    return vv_note(op,
        "table %.*s: what version %" PRId64
        " took from it is not known, and so what has to stay "
        "(varve verify tells more)",
        VV_ARG(run->table->name), commit->version);
}

/* By the latest of its clocks, since any of them may be wrong, or made up. */
static int64_t time_of(const struct vv_log_commit *commit, const struct vv_commit_info *info)
{
    int64_t latest_ms = commit->modified_us / VV_US_PER_MS;
    if (info != NULL && info->timestamp_ms > latest_ms)
        latest_ms = info->timestamp_ms;
    if (info != NULL && info->in_commit_timestamp_ms > latest_ms)
        latest_ms = info->in_commit_timestamp_ms;
    return latest_ms;
}

/* No file left the table before the commit that removed it, whatever that says or leaves out. */
static varve_status keep_removed_by(struct vv_op *op, struct vv_vacuum_run *run,
    const struct vv_log_commit *commit, const struct vv_actions *actions)
{
    int64_t commit_ms = time_of(commit, actions->commit_info);
    for (size_t i = 0; i < actions->removes.len; i++) {
        const struct vv_remove *remove = &actions->removes.items[i];
        int64_t taken_ms = remove->deleted_ms > commit_ms ? remove->deleted_ms : commit_ms;
        VV_TRY(keep_remove(op, run, remove, taken_ms));
        if (is_young(run, taken_ms))
            vv_vacuum_left_by(run, commit->version);
    }
    return VARVE_OK;
}

varve_status vv_vacuum_keep_removed(struct vv_op *op, struct vv_vacuum_run *run)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_log_list list = {0};
    int64_t after = run->looked_until;
    bool is_enough = false;
    VV_TRY(vv_vacuum_commits(op, run, after, &list));
    for (size_t i = list.commits.len; i > 0 && !is_enough; i--) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        if (list.commits.items[i - 1].version <= after)
            break;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_vacuum_read(op, run, &ledger, &list.commits.items[i - 1], &arena, &actions));
        VV_TRY(keep_removed_by(op, run, &list.commits.items[i - 1], &actions));
        /* Whatever it and those before it took, they took before the cut-off. */
        is_enough = vv_commit_time_is_before(&list.commits.items[i - 1], actions.commit_info,
            run->cutoff_us - VV_US_PER_DAY);
    }
    run->looked_until =
        list.commits.len > 0 ? vv_log_list_last(&list) : run->table->snapshot->version;
    return VARVE_OK;
}

static varve_status fail_unknown(struct vv_op *op, int64_t version)
{
    return vv_fail(op, VARVE_ENOTFOUND,
        "the commit of version %" PRId64 " is gone, and what it brought is not known", version);
}

/* A hold keeps whatever a version after its own has brought, too. */
static varve_status pin_later(struct vv_op *op, struct vv_vacuum_run *run, int64_t after)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_log_list list = {0};
    int64_t next = after + 1;
    VV_TRY(vv_vacuum_commits(op, run, after, &list));
    for (size_t i = vv_log_list_lower(&list, after + 1); i < list.commits.len; i++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        VV_TRY(vv_check_cancel(op));
        if (list.commits.items[i].version != next++)
            return fail_unknown(op, next - 1);
        VV_TRY(vv_vacuum_read(op, run, &ledger, &list.commits.items[i], &arena, &actions));
        for (size_t a = 0; a < actions.adds.len; a++)
            VV_TRY(add_file(op, run, &run->pinned, &actions.adds.items[a]));
        for (size_t c = 0; c < actions.cdcs.len; c++)
            VV_TRY(add_key(op, run, &run->pinned, actions.cdcs.items[c].key));
    }
    return next > run->table->snapshot->version ? VARVE_OK : fail_unknown(op, next);
}

static varve_status pin_one(struct vv_op *op, struct vv_vacuum_run *run,
    const struct vv_pin *pin)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    varve_status status = vv_table_snapshot(op, run->table, pin->version, &snapshot);
    for (size_t i = 0; status == VARVE_OK && i < snapshot->files_len; i++)
        status = add_file(op, run, &run->pinned, snapshot->files[i]);
    if (status == VARVE_OK && pin->kind == VV_PIN_HOLD)
        status = pin_later(op, run, pin->version);
    return status == VARVE_OK
               ? VARVE_OK
               : vv_note(op, "what the %s %.*s keeps is not known",
                     pin->kind == VV_PIN_TAG ? "tag" : "hold", VV_ARG(pin->name));
}

static varve_status keep_pinned(struct vv_op *op, struct vv_vacuum_run *run)
{
    struct vv_pins pins = {0};
    run->pinned = VV_MAP_INIT(&run->arena);
    VV_TRY(vv_pins_read(op, &run->table->log, &run->arena, &pins));
    run->pins = pins.items;
    run->pins_len = pins.len;
    run->pins_used = vv_new(&run->arena, uint64_t, vv_vacuum_pin_words(run));
    if (run->pins_used == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < pins.len; i++) {
        run->pin_now = i;
        VV_TRY(pin_one(op, run, &pins.items[i]));
    }
    return VARVE_OK;
}

varve_status vv_vacuum_keep(struct vv_op *op, struct vv_vacuum_run *run)
{
    const struct vv_snapshot *snapshot = run->table->snapshot;
    for (size_t i = 0; i < snapshot->files_len; i++)
        VV_TRY(add_file(op, run, &run->kept, snapshot->files[i]));
    for (size_t i = 0; i < snapshot->tombstones_len; i++)
        VV_TRY(keep_remove(op, run, snapshot->tombstones[i],
            snapshot->tombstones[i]->deleted_ms));
    return keep_pinned(op, run);
}
