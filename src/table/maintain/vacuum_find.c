/*
 * What is there, old and not kept; and what its going means.
 */
#include "base/json.h"
#include "base/json_write.h"
#include "base/time.h"
#include "delta/log_list.h"
#include "table/file_keys.h"
#include "table/folder_walk.h"
#include "table/maintain/vacuum_run.h"

#define NOTE_KEY "_delta_log/_last_vacuum_info"
#define NOTE_MEMBER "latestCommitVersionOutsideOfRetentionWindow"

/* Counts what is not due by its own clock alone. */
static bool is_due(struct vv_vacuum_run *run, const struct vv_object *object)
{
    if (vv_vacuum_is_due(object, &run->kept, run->cutoff_us))
        return true;
    run->young_files += !vv_map_has(&run->kept, object->key);
    return false;
}

static varve_status add_due(struct vv_op *op, struct vv_vacuum_run *run,
    const struct vv_object *object)
{
    void *items = run->due.items;
    if (!is_due(run, object))
        return VARVE_OK;
    if (run->looked_until == VV_NO_VERSION) {
        VV_TRY(vv_vacuum_keep_removed(op, run));
        if (vv_map_has(&run->kept, object->key))
            return VARVE_OK;
    }
    if (vv_map_has(&run->pinned, object->key)) {
        const uint64_t *bits = vv_map_get(&run->pinned, object->key);
        for (size_t i = 0; i < vv_vacuum_pin_words(run); i++)
            run->pins_used[i] |= bits[i];
        run->pinned_files++;
        return VARVE_OK;
    }
    if (!vv_arena_grow(&run->arena, &items, run->due.len, &run->due.capacity, sizeof(*object),
            _Alignof(struct vv_object)))
        return vv_fail_memory(op);
    run->due.items = items;
    struct vv_object *due = &run->due.items[run->due.len++];
    *due = *object;
    due->key = vv_arena_str(&run->arena, object->key);
    return due->key.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* A link is no file of the table; what it leads to may be what the log names by it. */
static varve_status see(struct vv_op *op, void *data, const struct vv_object *object)
{
    struct vv_vacuum_run *run = data;
    if (object->is_link)
        return vv_vacuum_keep_link(op, run, object->key);
    return vv_vacuum_sees(object->key) ? add_due(op, run, object) : VARVE_OK;
}

static struct vv_folder_walk walk_of(struct vv_vacuum_run *run)
{
    return (struct vv_folder_walk){.store = run->table->store,
        .metadata = run->table->snapshot->metadata,
        .schema = &run->table->snapshot->schema,
        .see = see,
        .data = run};
}

varve_status vv_vacuum_find(struct vv_op *op, struct vv_vacuum_run *run)
{
    struct vv_folder_walk walk = walk_of(run);
    VV_TRY(vv_folder_walk(op, &walk));
    run->folders = walk.folders;
    vv_vacuum_filter(run); /* a link may be met after what it leads to */
    return VARVE_OK;
}

/* The commits that a lite vacuum has to look at begin here; 0 where none was noted. */
static varve_status read_note(struct vv_op *op, const struct vv_vacuum_run *run, int64_t *out)
{
    struct vv_str bytes = VV_STR_NONE;
    const struct vv_json *note = NULL;
    int64_t version = -1;
    *out = 0;
    varve_status status =
        vv_store_get(op, run->table->store, &op->arena, VV_STR(NOTE_KEY), &bytes);
    if (status == VARVE_OK && vv_json_parse(op, &op->arena, bytes, &note) == VARVE_OK &&
        vv_json_int64(vv_json_get(note, NOTE_MEMBER), &version) && version >= 0)
        *out = version + 1;
    if (op->failed) {
        if (status != VARVE_OK && status != VARVE_ENOTFOUND)
            return status;
        vv_forgive(op); /* not there, or not to be understood: a hint */
    }
    return VARVE_OK;
}

/* What a lite vacuum was told of. */
struct told {
    struct vv_map keys;    /* looked at already */
    struct vv_map entered; /* of the walk */
};

/* A log can name whatever lies in the folder, the log itself and other tables' files too. */
static varve_status add_reached(struct vv_op *op, struct vv_vacuum_run *run, struct told *told,
    const struct vv_object *object)
{
    const struct vv_folder_walk walk = walk_of(run);
    bool is_reached = false;
    if (!vv_vacuum_sees(object->key) || !is_due(run, object))
        return VARVE_OK;
    VV_TRY(vv_folder_walk_reaches(op, &walk, &told->entered, object->key, &is_reached));
    return is_reached ? add_due(op, run, object) : VARVE_OK;
}

/* `key` with ptr NULL: none. */
static varve_status add_by_key(struct vv_op *op, struct vv_vacuum_run *run, struct told *told,
    struct vv_str key)
{
    struct vv_object object = {0};
    struct vv_str real = VV_STR_NONE;
    bool was_there = false;
    if (key.ptr == NULL)
        return VARVE_OK;
    struct vv_str copy = vv_arena_str(&run->arena, key);
    if (copy.ptr == NULL || !vv_map_put(&told->keys, copy, run, &was_there))
        return vv_fail_memory(op);
    if (was_there || vv_map_has(&run->kept, key))
        return VARVE_OK;
    VV_TRY(vv_store_real_key(op, &op->arena, run->table->store, copy, &real));
    if (!vv_str_eq(real, copy)) /* gone, or behind a link */
        return VARVE_OK;
    varve_status status = vv_store_head(op, run->table->store, copy, &object);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    object.key = copy;
    return add_reached(op, run, told, &object);
}

/* What a commit took from the table: a file, and the deletion vector that it had. */
static varve_status add_removed(struct vv_op *op, struct vv_vacuum_run *run, struct told *told,
    const struct vv_remove *remove)
{
    struct vv_file_keys keys;
    VV_TRY(vv_file_keys_of_remove(op, &op->arena, run->table->store, remove, &keys));
    VV_TRY(add_by_key(op, run, told, keys.data));
    return add_by_key(op, run, told, keys.vector);
}

varve_status vv_vacuum_find_lite(struct vv_op *op, struct vv_vacuum_run *run)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_log_list list = {0};
    struct told told = {VV_MAP_INIT(&run->arena), VV_MAP_INIT(&run->arena)};
    int64_t from = 0;
    VV_TRY(read_note(op, run, &from));
    VV_TRY(vv_vacuum_commits(op, run, VV_NO_VERSION, &list));
    if (list.commits.len == 0 || list.commits.items[0].version > from)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s: the log was cleaned up since the last vacuum, so that it does not "
            "name "
            "every file: run a vacuum without --lite",
            VV_ARG(run->table->name));
    for (size_t i = vv_log_list_lower(&list, from); i < list.commits.len; i++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_vacuum_read(op, run, &ledger, &list.commits.items[i], &arena, &actions));
        int64_t left_before = run->pinned_files + run->young_files;
        for (size_t r = 0; r < actions.removes.len; r++)
            VV_TRY(add_removed(op, run, &told, &actions.removes.items[r]));
        for (size_t c = 0; c < actions.cdcs.len; c++)
            VV_TRY(add_by_key(op, run, &told, actions.cdcs.items[c].key));
        if (run->pinned_files + run->young_files > left_before)
            vv_vacuum_left_by(run, list.commits.items[i].version);
    }
    return VARVE_OK;
}

void vv_vacuum_filter(struct vv_vacuum_run *run)
{
    size_t left = 0;
    for (size_t i = 0; i < run->due.len; i++)
        if (!vv_map_has(&run->kept, run->due.items[i].key) &&
            !vv_map_has(&run->pinned, run->due.items[i].key))
            run->due.items[left++] = run->due.items[i];
    run->due.len = left;
}

int64_t vv_vacuum_bytes(const struct vv_objects *objects)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < objects->len; i++)
        bytes += objects->items[i].bytes;
    return bytes;
}

/* *out: the commit took a file, or the deletion vector of one, from the table that is due now. */
static varve_status takes_one(struct vv_op *op, struct vv_vacuum_run *run,
    struct vv_arena *arena, const struct vv_actions *actions, const struct vv_map *due,
    bool *out)
{
    *out = false;
    for (size_t r = 0; r < actions->removes.len && !*out; r++) {
        struct vv_file_keys keys;
        VV_TRY(vv_file_keys_of_remove(op, arena, run->table->store, &actions->removes.items[r],
            &keys));
        VV_TRY(vv_folder_place(op, &run->places, &keys.data));
        VV_TRY(vv_folder_place(op, &run->places, &keys.vector));
        *out = (keys.data.ptr != NULL && vv_map_has(due, keys.data)) ||
               (keys.vector.ptr != NULL && vv_map_has(due, keys.vector));
    }
    return VARVE_OK;
}

/* Where no commit is as old as the cut-off, those that are there are young by a clock that is wrong. */
static varve_status newest_before_cutoff(struct vv_op *op, const struct vv_vacuum_run *run,
    int64_t *out)
{
    varve_status status =
        vv_log_version_there(op, &run->table->log, run->cutoff_us + VV_US_PER_DAY, out);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    *out = run->table->snapshot->version;
    return VARVE_OK;
}

/*
 * Files that are due were removed before the cut-off: the newest commit that removed one of them
 * made the first version that does not need it. Walking down from the cut-off it is soon met.
 */
varve_status vv_vacuum_readable(struct vv_op *op, struct vv_vacuum_run *run, int64_t *out)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    struct vv_log_list list = {0};
    struct vv_map due = VV_MAP_INIT(&op->arena);
    int64_t version = VV_NO_VERSION;
    *out = VV_NO_VERSION;
    if (run->due.len == 0)
        return VARVE_OK;
    for (size_t i = 0; i < run->due.len; i++)
        if (!vv_map_put(&due, run->due.items[i].key, &due, NULL))
            return vv_fail_memory(op);
    VV_TRY(newest_before_cutoff(op, run, &version));
    VV_TRY(vv_vacuum_commits(op, run, VV_NO_VERSION, &list));
    for (size_t i = vv_log_list_lower(&list, version + 1); i > 0; i--) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        bool is_first = false; /* version that does without what is due */
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_vacuum_read(op, run, &ledger, &list.commits.items[i - 1], &arena, &actions));
        VV_TRY(takes_one(op, run, &arena, &actions, &due, &is_first));
        if (is_first) {
            *out = list.commits.items[i - 1].version;
            return VARVE_OK;
        }
    }
    return VARVE_OK;
}

void vv_vacuum_note(struct vv_op *op, const struct vv_vacuum_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 10);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    int64_t version = VV_NO_VERSION;
    /* By listing it is not found which commits removed what stayed: what was noted stays noted. */
    if (!run->request->is_lite && run->pinned_files + run->young_files > 0)
        return;
    varve_status status = vv_log_version_there(op, &run->table->log, run->cutoff_us, &version);
    if (status == VARVE_OK && run->left_version > 0 && version >= run->left_version)
        version = run->left_version - 1;
    if (status == VARVE_OK) {
        vv_jw_object(&writer);
        vv_jw_key_int(&writer, NOTE_MEMBER, version);
        vv_jw_end(&writer);
        status = vv_buf_ok(&json)
                     ? vv_store_put(op, run->table->store, VV_STR(NOTE_KEY), vv_buf_str(&json))
                     : vv_fail_memory(op);
    }
    if (status == VARVE_OK)
        return;
    vv_log(op, VV_LOG_DEBUG, "vacuum.note", "no note for the next lite vacuum: %s",
        op->error.message);
    vv_forgive(op);
}

varve_status vv_vacuum_judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    (void)op;
    (void)data;
    (void)winner;
    *out = VV_VERDICT_REBASE;
    return VARVE_OK;
}

varve_status vv_vacuum_list(struct vv_op *op, const struct vv_vacuum_run *run,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str names[] = {VV_STR("path"), VV_STR("bytes"), VV_STR("modified")};
    VV_TRY(vv_session_open(op, run->table->engine, &session));
    VV_TRY(vv_text_appender_open(op, session, VV_STR("due"), VV_STR("_row"), names,
        VV_COUNT(names), &appender));
    for (size_t i = 0; i < run->due.len; i++) {
        char time[32];
        const struct vv_object *object = &run->due.items[i];
        struct vv_str values[] = {object->key,
            vv_str_or_lost(vv_arena_format(&op->arena, "%" PRId64, object->bytes)),
            VV_STR_NONE};
        size_t time_len = vv_time_format_us(object->modified_us, time);
        values[2] = (struct vv_str){time, time_len};
        if (values[1].ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(vv_text_appender_row(op, appender, (int64_t)i, values));
    }
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_text_appender_close(&appender);
    return vv_session_stream(op, &session,
        VV_STR("SELECT path, bytes::BIGINT AS bytes, modified::TIMESTAMPTZ AS modified "
               "FROM due ORDER BY path"),
        false, NULL, 0, out);
}
