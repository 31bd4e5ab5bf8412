#include "table/audit/why.h"

#include "base/map.h"
#include "base/time.h"
#include "delta/ledger.h"
#include "delta/list.h"
#include "delta/log_list.h"
#include "engine/engine.h"

#define FILES_MAX 10000 /* that are followed: a compaction of compactions may have many */

/* A file that is asked about. The commits go by newest first: the last add seen is the first. */
struct origin {
    struct vv_str key;
    int64_t depth;
    bool is_leaf;    /* what it was made of is not asked */
    bool is_seen;    /* any commit named it */
    int64_t version; /* VV_NO_VERSION: the commit that brought it is gone */
    int64_t removed_version;
    int64_t bytes;
    bool is_compaction;
    const struct vv_history_entry *entry;
};

struct why {
    struct vv_arena arena;
    struct vv_table *table;
    struct vv_map by_key; /* struct origin */
    VV_ACTION_LIST(struct origin *) all;
    struct vv_ledger_reader ledger;
    bool is_cut; /* more files than are followed */
};

static void why_done(struct why *why)
{
    vv_ledger_reader_done(&why->ledger);
    vv_arena_done(&why->arena);
}

/* `removed`: the version of the commit that took it away; VV_NO_VERSION: it is not known yet. */
static varve_status ask(struct vv_op *op, struct why *why, struct vv_str key, int64_t depth,
    bool is_leaf, int64_t removed)
{
    if (vv_map_has(&why->by_key, key))
        return VARVE_OK;
    if (why->all.len >= FILES_MAX) {
        why->is_cut = true;
        return VARVE_OK;
    }
    struct origin *origin = vv_new(&why->arena, struct origin, 1);
    struct origin **item = VV_LIST_NEW(&why->arena, &why->all);
    struct vv_str copy = vv_arena_str(&why->arena, key);
    if (origin == NULL || item == NULL || copy.ptr == NULL ||
        !vv_map_put(&why->by_key, copy, origin, NULL))
        return vv_fail_memory(op);
    *origin = (struct origin){.key = copy,
        .depth = depth,
        .is_leaf = is_leaf,
        .is_seen = removed != VV_NO_VERSION,
        .version = VV_NO_VERSION,
        .removed_version = removed,
        .bytes = -1};
    *item = origin;
    return VARVE_OK;
}

static bool same_partition(const struct vv_pairs *a, const struct vv_pairs *b)
{
    for (size_t i = 0; i < a->len; i++) {
        struct vv_str other = vv_pairs_get(b, a->items[i].name);
        bool is_null = a->items[i].value.ptr == NULL;
        if (is_null != (other.ptr == NULL) ||
            (!is_null && !vv_str_eq(a->items[i].value, other)))
            return false;
    }
    return true;
}

static bool is_source(const struct vv_file *file, const struct vv_remove *remove)
{
    return !vv_str_eq(remove->key, file->key) &&
           (!remove->extended ||
               same_partition(&file->partition_values, &remove->partition_values));
}

static bool has_source(const struct vv_actions *actions, const struct vv_file *file)
{
    for (size_t i = 0; i < actions->removes.len; i++)
        if (is_source(file, &actions->removes.items[i]))
            return true;
    return false;
}

static bool is_operation(const struct vv_commit_info *info, const char *name)
{
    return info != NULL && vv_str_eq(info->operation, vv_str_of(name));
}

/*
 * Whether rows of the file may have come from another partition. An update inserts none: where it
 * has put rows into a partition that lost no file, it has moved some, to other partitions perhaps,
 * too. A merge may have inserted them,
 * or moved them where it has updated rows.
 */
static bool may_be_moved(const struct vv_actions *actions, const struct vv_commit_info *info,
    const struct vv_file *file)
{
    int64_t updated = 0;
    if (!file->data_change)
        return false;
    if (is_operation(info, "UPDATE")) {
        for (size_t i = 0; i < actions->adds.len; i++)
            if (!has_source(actions, &actions->adds.items[i]))
                return true;
        return false;
    }
    return is_operation(info, "MERGE") && !has_source(actions, file) &&
           vv_json_int64(vv_json_get(info->metrics, "numTargetRowsUpdated"), &updated) &&
           updated > 0;
}

static varve_status take_add(struct vv_op *op, struct why *why,
    const struct vv_actions *actions, const struct vv_file *file,
    const struct vv_history_entry *entry)
{
    struct origin *origin = vv_map_get(&why->by_key, file->key);
    if (origin == NULL)
        return VARVE_OK;
    origin->is_seen = true;
    origin->version = entry->version;
    origin->bytes = file->bytes;
    origin->entry = entry;
    origin->is_compaction = !file->data_change;
    /* A file that came back was made when it was first added: what left then is not in it. */
    if (origin->is_leaf || is_operation(entry->info, "RESTORE"))
        return VARVE_OK;
    bool is_moved = may_be_moved(actions, entry->info, file);
    for (size_t i = 0; i < actions->removes.len; i++) {
        const struct vv_remove *remove = &actions->removes.items[i];
        if (is_source(file, remove) || (is_moved && !vv_str_eq(remove->key, file->key)))
            VV_TRY(ask(op, why, remove->key, origin->depth + 1, file->data_change,
                entry->version));
    }
    return VARVE_OK;
}

static bool adds(const struct vv_actions *actions, struct vv_str key)
{
    for (size_t i = 0; i < actions->adds.len; i++)
        if (vv_str_eq(actions->adds.items[i].key, key))
            return true;
    return false;
}

static varve_status take_commit(struct vv_op *op, struct why *why,
    const struct vv_history_entry *entry)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_actions actions = {0};
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_log_read_listed_actions(op, &why->table->log, &why->ledger, &entry->commit,
        &arena, &actions, NULL));
    for (size_t i = 0; i < actions.removes.len; i++) {
        struct origin *origin = vv_map_get(&why->by_key, actions.removes.items[i].key);
        if (origin != NULL && !origin->is_seen && !adds(&actions, origin->key))
            origin->removed_version = entry->version;
        if (origin != NULL)
            origin->is_seen = true;
    }
    for (size_t i = 0; i < actions.adds.len; i++)
        VV_TRY(take_add(op, why, &actions, &actions.adds.items[i], entry));
    return VARVE_OK;
}

/* ---- Which file ----------------------------------------------------------------------------------- */

static bool is_meant(struct vv_str key, struct vv_str file)
{
    if (vv_str_eq(key, file))
        return true;
    struct vv_str longer = key.len > file.len ? key : file;
    struct vv_str shorter = key.len > file.len ? file : key;
    return longer.len > shorter.len && shorter.len > 0 && vv_str_ends(longer, shorter) &&
           longer.ptr[longer.len - shorter.len - 1] == '/';
}

/* The one file among those that commits have added that is meant. */
static varve_status find_file(struct vv_op *op, struct why *why,
    const struct vv_history_entry *entries, size_t len, struct vv_str file)
{
    struct vv_str found = VV_STR_NONE;
    for (size_t e = 0; e < len; e++) {
        VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
        struct vv_actions actions = {0};
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_log_read_listed_actions(op, &why->table->log, &why->ledger,
            &entries[e].commit, &arena, &actions, NULL));
        for (size_t i = 0; i < actions.adds.len; i++) {
            struct vv_str key = actions.adds.items[i].key;
            if (!is_meant(key, file) || (found.ptr != NULL && vv_str_eq(found, key)))
                continue;
            if (found.ptr != NULL)
                return vv_fail(op, VARVE_EUSAGE,
                    "\"%.*s\" may be %.*s or %.*s: say more of the path", VV_ARG(file),
                    VV_ARG(found), VV_ARG(key));
            found = vv_arena_str(&why->arena, key);
            if (found.ptr == NULL)
                return vv_fail_memory(op);
        }
    }
    if (found.ptr != NULL)
        return ask(op, why, found, 0, false, VV_NO_VERSION);
    return vv_fail(op, VARVE_ENOTFOUND,
        "no commit of table %.*s that is there has added a file %.*s", VV_ARG(why->table->name),
        VV_ARG(file));
}

/* ---- Rows ------------------------------------------------------------------------------------------ */

enum {
    DEPTH,
    FILE_KEY,
    VERSION,
    TIMESTAMP,
    USER,
    OPERATION,
    MESSAGE,
    BYTES,
    COMPACTION,
    REMOVED,
    COLUMNS
};

static varve_status number(struct vv_op *op, int64_t value, struct vv_str *out)
{
    *out = vv_arena_format(&op->arena, "%" PRId64, value);
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status add_row(struct vv_op *op, struct vv_text_appender *appender, int64_t row,
    const struct origin *origin)
{
    struct vv_str values[COLUMNS] = {[FILE_KEY] = origin->key};
    char time[32];
    VV_TRY(number(op, origin->depth, &values[DEPTH]));
    if (origin->removed_version != VV_NO_VERSION)
        VV_TRY(number(op, origin->removed_version, &values[REMOVED]));
    if (origin->version != VV_NO_VERSION) {
        size_t len = vv_time_format_ms(origin->entry->timestamp_ms, time);
        VV_TRY(number(op, origin->version, &values[VERSION]));
        VV_TRY(number(op, origin->bytes, &values[BYTES]));
        values[TIMESTAMP] = (struct vv_str){time, len};
        values[COMPACTION] = origin->is_compaction ? VV_STR("true") : VV_STR("false");
    }
    if (origin->version != VV_NO_VERSION && origin->entry->info != NULL) {
        values[USER] = origin->entry->info->user_name;
        values[OPERATION] = origin->entry->info->operation;
        values[MESSAGE] = origin->entry->info->user_metadata;
    }
    return vv_text_appender_row(op, appender, row, values);
}

static varve_status give_rows(struct vv_op *op, const struct why *why,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_text_appender_close) struct vv_text_appender *appender = NULL;
    const struct vv_str columns[COLUMNS] = {VV_STR("depth"), VV_STR("file"), VV_STR("version"),
        VV_STR("timestamp"), VV_STR("userName"), VV_STR("operation"), VV_STR("userMetadata"),
        VV_STR("bytes"), VV_STR("is_compaction"), VV_STR("removed_version")};
    VV_TRY(vv_session_open(op, why->table->engine, &session));
    VV_TRY(vv_text_appender_open(op, session, VV_STR("why"), VV_STR("_row"), columns, COLUMNS,
        &appender));
    for (size_t i = 0; i < why->all.len; i++)
        VV_TRY(add_row(op, appender, (int64_t)i, why->all.items[i]));
    VV_TRY(vv_text_appender_finish(op, appender));
    vv_text_appender_close(&appender);
    return vv_session_stream(op, &session,
        VV_STR("SELECT depth::BIGINT AS depth, file, \"version\"::BIGINT AS \"version\", "
               "\"timestamp\"::TIMESTAMPTZ AS \"timestamp\", \"userName\", operation, "
               "\"userMetadata\", bytes::BIGINT AS bytes, is_compaction::BOOLEAN AS "
               "is_compaction, removed_version::BIGINT AS removed_version FROM why "
               "ORDER BY depth, \"version\" DESC NULLS LAST, file"),
        false, NULL, 0, out);
}

varve_status vv_why(struct vv_op *op, struct vv_table *table, struct vv_str file,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(why_done)
    struct why why = {.arena = VV_ARENA_INIT(op->arena.bytes_max), .table = table};
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    why.ledger.arena = VV_ARENA_INIT(op->arena.bytes_max);
    why.by_key = VV_MAP_INIT(&why.arena);
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_log_history_there(op, &table->log, VV_NO_VERSION, 0, &op->arena, &entries, &len));
    VV_TRY(find_file(op, &why, entries, len, file));
    for (size_t i = 0; i < len; i++)
        VV_TRY(take_commit(op, &why, &entries[i]));
    if (why.is_cut)
        vv_log(op, VV_LOG_WARN, "why.many",
            "the file is made of more than %d others: those beyond are not told", FILES_MAX);
    return give_rows(op, &why, out);
}
