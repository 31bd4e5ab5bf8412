/*
 * The commits after the version are walked back, newest first. The first that took a file which is
 * gone made the oldest version that can still be read; the one that took the file which the read
 * needs says which vacuum may have removed it: the first that came later and reached that far.
 */
#include "table/read/lost.h"

#include "base/time.h"
#include "delta/ledger.h"
#include "delta/list.h"
#include "delta/pins.h"
#include "table/file_keys.h"
#include "table/maintain/vacuum.h"

struct vacuum {
    const struct vv_history_entry *entry;
    int64_t until_ms; /* what was taken from the table by then it may remove */
};

struct lost {
    struct vv_table *table;
    bool of_changes;
    bool is_told;
    int64_t floor;       /* the newest version that is not walked */
    struct vv_str key;   /* of the file that the read needs; ptr NULL: none is missing */
    int64_t taken;       /* the version that took it from the table; VV_NO_VERSION: none */
    int64_t whole_from;  /* from it on nothing is missing */
    bool is_whole_known; /* whole_from is */
    const struct vacuum *taker;            /* NULL: none that the history knows */
    VV_ACTION_LIST(struct vacuum) vacuums; /* newest first */
};

/* The latest version needs it, too: no matter of old versions. */
static varve_status is_live(struct vv_op *op, const struct lost *lost, struct vv_str key,
    bool *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_snapshot *latest = lost->table->snapshot;
    *out = false;
    for (size_t i = 0; i < latest->files_len && !*out; i++) {
        const struct vv_file *file = latest->files[i];
        struct vv_file_keys keys;
        VV_TRY(vv_file_keys_of(op, &arena, lost->table->store, file, &keys));
        *out = vv_file_keys_have(&keys, key);
    }
    return VARVE_OK;
}

/* The first file that is not there; ptr NULL: none is missing. */
static varve_status find_gone(struct vv_op *op, const struct lost *lost,
    const struct vv_file *const *files, size_t files_len, struct vv_str *out)
{
    *out = VV_STR_NONE;
    for (size_t i = 0; i < files_len && out->ptr == NULL; i++) {
        struct vv_file_keys keys;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_file_keys_of(op, &op->arena, lost->table->store, files[i], &keys));
        VV_TRY(vv_file_keys_gone(op, lost->table->store, &keys, out));
    }
    return VARVE_OK;
}

static varve_status find_missing(struct vv_op *op, struct lost *lost,
    const struct vv_file *const *files, size_t files_len)
{
    bool is_needed = false;
    VV_TRY(find_gone(op, lost, files, files_len, &lost->key));
    if (lost->key.ptr == NULL)
        return VARVE_OK;
    VV_TRY(is_live(op, lost, lost->key, &is_needed));
    if (is_needed)
        lost->key = VV_STR_NONE;
    return VARVE_OK;
}

/* ---- The walk back ---------------------------------------------------------------------------- */

static varve_status note_vacuum(struct vv_op *op, struct lost *lost,
    const struct vv_history_entry *entry)
{
    const struct vv_commit_info *info = entry->info;
    if (info == NULL || !vv_str_eq(info->operation, VV_STR("VACUUM START")))
        return VARVE_OK;
    struct vacuum *vacuum = VV_LIST_NEW(&op->arena, &lost->vacuums);
    if (vacuum == NULL)
        return vv_fail_memory(op);
    *vacuum = (struct vacuum){entry, vv_vacuum_until_ms(entry)};
    return VARVE_OK;
}

/*
 * The commit took the file: the first vacuum behind it that may have removed it did. None removes what
 * lies outside the table's folder.
 */
static void note_taken(struct lost *lost, const struct vv_history_entry *entry,
    const struct vv_file_keys *keys, int64_t taken_ms)
{
    if (lost->taken != VV_NO_VERSION || !vv_file_keys_have(keys, lost->key))
        return;
    lost->taken = entry->version;
    bool is_outside =
        vv_str_eq(keys->data_outside, lost->key) || vv_str_eq(keys->vector_outside, lost->key);
    for (size_t i = 0; i < lost->vacuums.len && !is_outside; i++)
        if (lost->vacuums.items[i].until_ms >= taken_ms)
            lost->taker = &lost->vacuums.items[i];
}

/* A file that says what is asked for, up to this commit: is it there? */
static varve_status note_needed(struct vv_op *op, struct lost *lost,
    const struct vv_history_entry *entry, const struct vv_file_keys *keys)
{
    bool is_live_too = false;
    struct vv_str gone = VV_STR_NONE;
    if (lost->is_whole_known)
        return VARVE_OK;
    VV_TRY(vv_file_keys_gone(op, lost->table->store, keys, &gone));
    if (gone.ptr == NULL)
        return VARVE_OK;
    VV_TRY(is_live(op, lost, gone, &is_live_too));
    if (is_live_too)
        return VARVE_OK;
    lost->is_whole_known = true;
    lost->whole_from = lost->of_changes ? entry->version + 1 : entry->version;
    return VARVE_OK;
}

/* Change files say what a commit changed; without them the files that it added and removed do. */
static varve_status look_at_changes(struct vv_op *op, struct lost *lost, struct vv_arena *arena,
    const struct vv_history_entry *entry, const struct vv_actions *actions)
{
    struct vv_file_keys keys;
    for (size_t i = 0; i < actions->cdcs.len; i++) {
        keys = (struct vv_file_keys){.data = actions->cdcs.items[i].key};
        note_taken(lost, entry, &keys, entry->timestamp_ms);
        VV_TRY(note_needed(op, lost, entry, &keys));
    }
    for (size_t i = 0; actions->cdcs.len == 0 && i < actions->adds.len; i++) {
        const struct vv_file *file = &actions->adds.items[i];
        VV_TRY(vv_file_keys_of(op, arena, lost->table->store, file, &keys));
        if (file->data_change)
            VV_TRY(note_needed(op, lost, entry, &keys));
    }
    return VARVE_OK;
}

static varve_status look(struct vv_op *op, struct lost *lost, struct vv_ledger_reader *ledger,
    const struct vv_history_entry *entry)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_actions actions = {0};
    VV_TRY(vv_check_cancel(op));
    VV_TRY(note_vacuum(op, lost, entry));
    VV_TRY(vv_log_read_listed_actions(op, &lost->table->log, ledger, &entry->commit, &arena,
        &actions, NULL));
    if (lost->of_changes)
        VV_TRY(look_at_changes(op, lost, &arena, entry, &actions));
    for (size_t i = 0; i < actions.removes.len; i++) {
        const struct vv_remove *remove = &actions.removes.items[i];
        struct vv_file_keys keys;
        VV_TRY(vv_file_keys_of_remove(op, &arena, lost->table->store, remove, &keys));
        note_taken(lost, entry, &keys, remove->deleted_ms);
        if (!lost->of_changes || (remove->data_change && actions.cdcs.len == 0))
            VV_TRY(note_needed(op, lost, entry, &keys));
    }
    return VARVE_OK;
}

static bool is_found(const struct lost *lost)
{
    return lost->taken != VV_NO_VERSION && lost->is_whole_known;
}

static varve_status walk_back(struct vv_op *op, struct lost *lost)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    int64_t latest = lost->table->snapshot->version;
    VV_TRY(vv_log_history_latest(op, &lost->table->log, latest, (size_t)(latest - lost->floor),
        &op->arena, &entries, &len));
    for (size_t i = 0; i < len && !is_found(lost); i++)
        if (entries[i].version > lost->floor)
            VV_TRY(look(op, lost, &ledger, &entries[i]));
    return VARVE_OK;
}

/* ---- What is said ----------------------------------------------------------------------------- */

static void add_taker(const struct lost *lost, struct vv_buf *text)
{
    char time[32];
    if (lost->taker == NULL) {
        vv_buf_addf(text, "the data file %.*s is missing, and no vacuum of the history took it",
            VV_ARG(lost->key));
        return;
    }
    const struct vv_history_entry *entry = lost->taker->entry;
    (void)vv_time_format_us(entry->timestamp_ms * VV_US_PER_MS, time);
    vv_buf_addf(text, "the vacuum of version %" PRId64 " (%s", entry->version, time);
    if (entry->info->user_name.len > 0)
        vv_buf_addf(text, ", by %.*s", VV_ARG(entry->info->user_name));
    vv_buf_addf(text, ") took data files that are needed, such as %.*s", VV_ARG(lost->key));
}

static varve_status is_whole(struct vv_op *op, const struct lost *lost, int64_t version,
    bool *out)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
    struct vv_str gone = VV_STR_NONE;
    varve_status status = vv_table_snapshot(op, lost->table, version, &snapshot);
    if (status == VARVE_ECORRUPT || status == VARVE_ENOTFOUND || status == VARVE_EIO) {
        vv_forgive(op);
        *out = false;
        return VARVE_OK;
    }
    VV_TRY(status);
    VV_TRY(find_gone(op, lost, snapshot->files, snapshot->files_len, &gone));
    *out = gone.ptr == NULL;
    return VARVE_OK;
}

/* Versions that tags and holds kept whole, below those that are. */
static varve_status add_pinned(struct vv_op *op, const struct lost *lost, struct vv_buf *text)
{
    struct vv_pins pins = {0};
    const char *between = ", and ";
    VV_TRY(vv_pins_read(op, &lost->table->log, &op->arena, &pins));
    for (size_t i = 0; i < pins.len; i++) {
        const struct vv_pin *pin = &pins.items[i];
        bool is_kept = pin->version < lost->whole_from && pin->version != lost->floor;
        if (is_kept)
            VV_TRY(is_whole(op, lost, pin->version, &is_kept));
        if (!is_kept)
            continue;
        vv_buf_addf(text, "%sversion %" PRId64 " (%s %.*s)", between, pin->version,
            pin->kind == VV_PIN_TAG ? "tag" : "hold", VV_ARG(pin->name));
        between = ", ";
    }
    return VARVE_OK;
}

static varve_status fail_lost(struct vv_op *op, struct lost *lost)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(1 << 16);
    int64_t latest = lost->table->snapshot->version;
    if (lost->of_changes)
        vv_buf_addf(&text, "changes of table %.*s from version %" PRId64 " on can't be told: ",
            VV_ARG(lost->table->name), lost->floor + 1);
    else
        vv_buf_addf(&text, "version %" PRId64 " of table %.*s can't be read: ", lost->floor,
            VV_ARG(lost->table->name));
    add_taker(lost, &text);
    if (lost->of_changes)
        vv_buf_addf(&text, "; from version %" PRId64 " on they can", lost->whole_from);
    else if (lost->whole_from < latest)
        vv_buf_addf(&text, "; versions %" PRId64 " to %" PRId64 " can be read",
            lost->whole_from, latest);
    else
        vv_buf_addf(&text, "; version %" PRId64 " can be read", latest);
    if (!lost->of_changes)
        VV_TRY(add_pinned(op, lost, &text));
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    lost->is_told = true;
    return vv_fail(op, VARVE_ENOTFOUND, "%.*s", VV_ARG(vv_buf_str(&text)));
}

static varve_status find(struct vv_op *op, struct lost *lost,
    const struct vv_file *const *files, size_t files_len)
{
    VV_TRY(vv_table_refresh(op, lost->table));
    if (lost->table->snapshot->version <= lost->floor)
        return VARVE_OK;
    VV_TRY(find_missing(op, lost, files, files_len));
    if (lost->key.ptr != NULL)
        VV_TRY(walk_back(op, lost));
    return is_found(lost) ? fail_lost(op, lost) : VARVE_OK;
}

/* Where nothing is found, or finding fails itself, the failure stays what it was. */
static varve_status explain(struct vv_op *op, struct lost *lost,
    const struct vv_file *const *files, size_t files_len)
{
    const varve_error error = op->error;
    if (error.code != VARVE_EIO && error.code != VARVE_ENOTFOUND &&
        error.code != VARVE_ECORRUPT)
        return error.code;
    vv_forgive(op);
    varve_status status = find(op, lost, files, files_len);
    if (lost->is_told)
        return status;
    if (status != VARVE_OK)
        vv_forgive(op);
    op->failed = true;
    op->error = error;
    return error.code;
}

varve_status vv_lost_version(struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, const struct vv_file *const *files, size_t files_len)
{
    struct lost lost = {.table = table, .floor = snapshot->version, .taken = VV_NO_VERSION};
    return explain(op, &lost, files, files_len);
}

varve_status vv_lost_changes(struct vv_op *op, struct vv_table *table, int64_t from,
    const struct vv_file *const *files, size_t files_len)
{
    struct lost lost = {
        .table = table, .of_changes = true, .floor = from - 1, .taken = VV_NO_VERSION};
    return explain(op, &lost, files, files_len);
}

varve_status vv_lost_taker(struct vv_op *op, struct vv_table *table, int64_t version,
    struct vv_str key, struct vv_buf *text)
{
    struct lost lost = {.table = table,
        .of_changes = true,
        .floor = version - 1,
        .key = key,
        .taken = VV_NO_VERSION};
    VV_TRY(walk_back(op, &lost));
    add_taker(&lost, text);
    return VARVE_OK;
}
