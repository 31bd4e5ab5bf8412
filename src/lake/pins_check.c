/*
 * A tag needs the files of its version. A hold needs those that later commits brought, too, and each
 * of those commits: what a vacuum has to keep for it is read from them. They are walked down from
 * the newest one, so that of a file that is gone it is known which version does without it.
 */
#include "lake/pins_check.h"

#include "base/map.h"
#include "delta/ledger.h"
#include "table/file_keys.h"
#include "table/maintain/vacuum.h"

struct hold {
    struct vv_table *table;
    int64_t version;   /* that it is from */
    int64_t from;      /* the first that it could be from, by what was seen; INT64_MAX: none */
    struct vv_str why; /* what is gone; ptr NULL: nothing is */
    struct vv_log_list list;
    struct vv_map
        taken; /* keys that commits after the one that is looked at took: the last of them */
};

/*
 * A vacuum that began before the pin was there may not have read it, and remove what is found to be
 * there still. One that begins later reads it.
 */
static varve_status check_vacuum(struct vv_op *op, const struct vv_table *table)
{
    const struct vv_history_entry *start = NULL;
    VV_TRY(vv_vacuum_under_way(op, table, &start));
    if (start == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_ECONFLICT,
        "a vacuum of table %.*s began with version %" PRId64
        " and has not ended: what is to be kept may be gone soon; try again when it has "
        "(where it was killed, after another one)",
        VV_ARG(table->name), start->version);
}

/* A clean-up of the log that had read the pins before may have taken it. */
static varve_status check_version(struct vv_op *op, const struct vv_table *table,
    int64_t version)
{
    struct vv_log_segment segment;
    return vv_log_find(op, &table->log, version, INT64_MAX, &op->arena, &segment) == VARVE_OK
               ? VARVE_OK
               : vv_note(op, "table %.*s", VV_ARG(table->name));
}

/* *out: what of the file is gone; ptr NULL: nothing is. */
static varve_status find_gone(struct vv_op *op, const struct vv_table *table,
    const struct vv_file *file, struct vv_str *out)
{
    struct vv_file_keys keys;
    VV_TRY(vv_file_keys_of(op, &op->arena, table->store, file, &keys));
    return vv_file_keys_gone(op, table->store, &keys, out);
}

static varve_status check_files(struct vv_op *op, const struct vv_table *table,
    const struct vv_snapshot *snapshot)
{
    for (size_t i = 0; i < snapshot->files_len; i++) {
        struct vv_str gone = VV_STR_NONE;
        VV_TRY(vv_progress(op, "pin", i, snapshot->files_len));
        VV_TRY(find_gone(op, table, snapshot->files[i], &gone));
        if (gone.ptr != NULL)
            return vv_fail(op, VARVE_ENOTFOUND,
                "version %" PRId64 " of table %.*s can't be kept: its file %.*s is gone "
                "(a vacuum?)",
                snapshot->version, VV_ARG(table->name), VV_ARG(gone));
    }
    return VARVE_OK;
}

/* ---- Holds ------------------------------------------------------------------------------------ */

/* Something that versions before `from` need is gone. */
static varve_status note_gone(struct vv_op *op, struct hold *hold, int64_t from,
    struct vv_str why)
{
    if (hold->why.ptr != NULL && from <= hold->from)
        return VARVE_OK;
    hold->from = from;
    hold->why = why;
    return why.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Without the commit a version can be put together again from the next checkpoint on. */
static varve_status note_commit_gone(struct vv_op *op, struct hold *hold, int64_t version,
    const char *how)
{
    int64_t from = INT64_MAX;
    for (size_t i = hold->list.checkpoints.len; i > 0; i--)
        if (hold->list.checkpoints.items[i - 1].version >= version)
            from = hold->list.checkpoints.items[i - 1].version;
    return note_gone(op, hold, from,
        vv_arena_format(&op->arena, "the commit of version %" PRId64 " is %s", version, how));
}

static varve_status look_at_file(struct vv_op *op, struct hold *hold,
    const struct vv_file *file, int64_t version)
{
    struct vv_str gone = VV_STR_NONE;
    VV_TRY(find_gone(op, hold->table, file, &gone));
    if (gone.ptr == NULL)
        return VARVE_OK;
    const struct vv_log_commit *taken = vv_map_get(&hold->taken, gone);
    return note_gone(op, hold, taken != NULL ? taken->version : INT64_MAX,
        vv_arena_format(&op->arena, "the file %.*s of version %" PRId64 " is gone (a vacuum?)",
            VV_ARG(gone), version));
}

static varve_status note_taken(struct vv_op *op, struct hold *hold, struct vv_str key,
    struct vv_log_commit *commit)
{
    if (key.ptr == NULL)
        return VARVE_OK;
    struct vv_str copy = vv_arena_str(&op->arena, key);
    return copy.ptr != NULL && vv_map_put(&hold->taken, copy, commit, NULL)
               ? VARVE_OK
               : vv_fail_memory(op);
}

static varve_status look_at_commit(struct vv_op *op, struct hold *hold,
    struct vv_log_commit *commit, const struct vv_actions *actions)
{
    struct vv_store *store = hold->table->store;
    for (size_t i = 0; i < actions->adds.len; i++)
        VV_TRY(look_at_file(op, hold, &actions->adds.items[i], commit->version));
    for (size_t i = 0; i < actions->cdcs.len; i++) {
        const struct vv_file_keys keys = {.data = actions->cdcs.items[i].key};
        struct vv_str gone = VV_STR_NONE;
        VV_TRY(vv_file_keys_gone(op, store, &keys, &gone));
        if (gone.ptr != NULL) /* what that one changed, a hold from it on does not keep */
            VV_TRY(note_gone(op, hold, commit->version,
                vv_arena_format(&op->arena, "the change file %.*s is gone (a vacuum?)",
                    VV_ARG(gone))));
    }
    for (size_t i = 0; i < actions->removes.len; i++) {
        struct vv_file_keys keys;
        VV_TRY(vv_file_keys_of_remove(op, &op->arena, store, &actions->removes.items[i],
            &keys));
        VV_TRY(note_taken(op, hold, keys.data, commit));
        VV_TRY(note_taken(op, hold, keys.vector, commit));
        VV_TRY(note_taken(op, hold, keys.data_outside, commit));
        VV_TRY(note_taken(op, hold, keys.vector_outside, commit));
    }
    return VARVE_OK;
}

/* *out_is_whole: each commit was there. */
static varve_status walk_down(struct vv_op *op, struct hold *hold, bool *out_is_whole)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    int64_t next = vv_log_list_last(&hold->list);
    *out_is_whole = false;
    for (size_t i = hold->list.commits.len; i > 0 && next > hold->version; i--, next--) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_log_commit *commit = &hold->list.commits.items[i - 1];
        struct vv_actions actions = {0};
        VV_TRY(vv_check_cancel(op));
        if (commit->version != next)
            break;
        varve_status status = vv_log_read_listed_actions(op, &hold->table->log, &ledger, commit,
            &arena, &actions, NULL);
        if (status == VARVE_ECORRUPT) {
            vv_forgive(op);
            if (hold->table->snapshot != NULL)
                return note_commit_gone(op, hold, next, "damaged");
            continue; /* the table waits for it to come back: the last good version can be held */
        }
        VV_TRY(status);
        VV_TRY(look_at_commit(op, hold, commit, &actions));
    }
    *out_is_whole = next <= hold->version;
    return *out_is_whole ? VARVE_OK : note_commit_gone(op, hold, next, "gone");
}

static varve_status check_hold(struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot)
{
    struct hold hold = {
        .table = table, .version = snapshot->version, .taken = VV_MAP_INIT(&op->arena)};
    bool is_whole = false;
    VV_TRY(vv_log_list_read(op, &table->log, hold.version + 1, &op->arena, &hold.list));
    if (vv_log_list_last(&hold.list) > hold.version &&
        !vv_log_list_has_all_from(&hold.list, hold.version + 1))
        VV_TRY(vv_ledger_extend(op, &table->log, &op->arena, &hold.list));
    VV_TRY(walk_down(op, &hold, &is_whole));
    for (size_t i = 0; is_whole && i < snapshot->files_len; i++) {
        VV_TRY(vv_progress(op, "pin", i, snapshot->files_len));
        VV_TRY(look_at_file(op, &hold, snapshot->files[i], hold.version));
    }
    if (hold.why.ptr == NULL)
        return VARVE_OK;
    struct vv_str other = VV_STR_NONE;
    if (hold.from != INT64_MAX)
        other = vv_str_or_lost(vv_arena_format(&op->arena,
            "; version %" PRId64 " is the first that can be held from", hold.from));
    return vv_fail(op, VARVE_ENOTFOUND,
        "the versions from %" PRId64 " on of table %.*s can't be held: %.*s%.*s", hold.version,
        VV_ARG(table->name), VV_ARG(hold.why), VV_ARG(other));
}

varve_status vv_pin_check(struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, enum vv_pin_kind kind)
{
    VV_TRY(check_vacuum(op, table));
    VV_TRY(check_version(op, table, snapshot->version));
    return kind == VV_PIN_HOLD ? check_hold(op, table, snapshot)
                               : check_files(op, table, snapshot);
}
