#include "delta/action_copy.h"
#include "delta/features.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "table/audit/changes_run.h"

#include "base/time.h"

static varve_status add_file(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_change_files *files, const struct vv_file *file, int64_t version,
    int64_t timestamp_ms)
{
    if (run->filter != NULL && !run->filter->keeps(run->filter->data, file->key))
        return VARVE_OK;
    struct vv_change_file *added = VV_LIST_NEW(&op->arena, &files->list);
    const struct vv_file *copy = vv_file_copy(&op->arena, file);
    if (added == NULL || copy == NULL)
        return vv_fail_memory(op);
    *added = (struct vv_change_file){
        .file = copy, .version = version, .timestamp_us = timestamp_ms * VV_US_PER_MS};
    return VARVE_OK;
}

/* A removed file as one to be read. */
static struct vv_file file_of_remove(const struct vv_remove *remove)
{
    return (struct vv_file){.path = remove->path,
        .key = remove->key,
        .absolute = remove->absolute,
        .dv_id = remove->dv_id,
        .hash = remove->hash,
        .partition_values = remove->partition_values,
        .bytes = remove->bytes > 0 ? remove->bytes : 0,
        .tags = remove->tags,
        .dv = remove->dv};
}

static const struct vv_remove *find_remove(const struct vv_actions *actions, struct vv_str key)
{
    for (size_t i = 0; i < actions->removes.len; i++)
        if (vv_str_eq(actions->removes.items[i].key, key))
            return &actions->removes.items[i];
    return NULL;
}

static const struct vv_file *find_add(const struct vv_actions *actions, struct vv_str key)
{
    for (size_t i = 0; i < actions->adds.len; i++)
        if (vv_str_eq(actions->adds.items[i].key, key))
            return &actions->adds.items[i];
    return NULL;
}

static varve_status sort_add(struct vv_op *op, struct vv_changes_run *run,
    const struct vv_actions *actions, const struct vv_file *file, bool net,
    int64_t timestamp_ms)
{
    if (!file->data_change)
        return VARVE_OK;
    const struct vv_remove *old = find_remove(actions, file->key);
    if (old == NULL)
        return add_file(op, run, &run->files[VV_CHANGE_INSERTS][net], file, actions->version,
            timestamp_ms);
    struct vv_file before = file_of_remove(old);
    if (before.partition_values.len == 0)
        before.partition_values = file->partition_values;
    VV_TRY(add_file(op, run, &run->files[VV_CHANGE_PAIR_OLD][net], &before, actions->version,
        timestamp_ms));
    return add_file(op, run, &run->files[VV_CHANGE_PAIR_NEW][net], file, actions->version,
        timestamp_ms);
}

/* Whether a commit took files and gave others: a row may be in both. */
static bool has_both_sides(const struct vv_actions *actions)
{
    bool has_add = false;
    bool has_remove = false;
    for (size_t i = 0; i < actions->adds.len && !has_add; i++)
        has_add = actions->adds.items[i].data_change;
    for (size_t i = 0; i < actions->removes.len && !has_remove; i++)
        has_remove = actions->removes.items[i].data_change;
    return has_add && has_remove;
}

static varve_status sort_commit(struct vv_op *op, struct vv_changes_run *run,
    const struct vv_actions *actions, bool net, int64_t timestamp_ms)
{
    net = net && has_both_sides(actions);
    for (size_t i = 0; i < actions->cdcs.len; i++) {
        const struct vv_cdc *cdc = &actions->cdcs.items[i];
        const struct vv_file file = {.path = cdc->path,
            .key = cdc->key,
            .dv_id = VV_STR(""),
            .partition_values = cdc->partition_values,
            .bytes = cdc->bytes,
            .tags = cdc->tags};
        VV_TRY(add_file(op, run, &run->files[VV_CHANGE_FEED][0], &file, actions->version,
            timestamp_ms));
    }
    if (actions->cdcs.len > 0)
        return VARVE_OK;
    for (size_t i = 0; i < actions->adds.len; i++)
        VV_TRY(sort_add(op, run, actions, &actions->adds.items[i], net, timestamp_ms));
    for (size_t i = 0; i < actions->removes.len; i++) {
        const struct vv_remove *remove = &actions->removes.items[i];
        if (!remove->data_change || find_add(actions, remove->key) != NULL)
            continue;
        const struct vv_file file = file_of_remove(remove);
        VV_TRY(add_file(op, run, &run->files[VV_CHANGE_DELETES][net], &file, actions->version,
            timestamp_ms));
    }
    return VARVE_OK;
}

/* How many of the snapshot's partition columns the values are of. */
static size_t count_known(const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_pairs *values)
{
    size_t known = 0;
    for (size_t i = 0; i < rules->partitions_len; i++)
        known +=
            vv_pairs_has(values, snapshot->schema.fields[rules->partitions[i]].physical_name);
    return known;
}

/* Whether the values are of the snapshot's partition columns, of each of them. */
static bool is_of_partitions(const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_pairs *values)
{
    return values->len == rules->partitions_len &&
           count_known(snapshot, rules, values) == values->len;
}

struct vv_unclear vv_changes_unclear(const struct vv_snapshot *snapshot,
    const struct vv_rules *rules, const struct vv_actions *actions)
{
    static const char unsaid[] = "is removed without its partition being said";
    static const char other[] = "was written when the table had other partition columns";
    for (size_t i = 0; i < actions->cdcs.len; i++)
        if (!is_of_partitions(snapshot, rules, &actions->cdcs.items[i].partition_values))
            return (struct vv_unclear){actions->cdcs.items[i].path, other};
    if (actions->cdcs.len > 0)
        return (struct vv_unclear){VV_STR_NONE, NULL};
    for (size_t i = 0; i < actions->adds.len; i++) {
        const struct vv_file *file = &actions->adds.items[i];
        if (file->data_change && !is_of_partitions(snapshot, rules, &file->partition_values))
            return (struct vv_unclear){file->path, other};
    }
    for (size_t i = 0; i < actions->removes.len; i++) {
        const struct vv_remove *remove = &actions->removes.items[i];
        if (!remove->data_change || find_add(actions, remove->key) != NULL)
            continue;
        if (rules->partitions_len > 0 && remove->partition_values.len == 0)
            return (struct vv_unclear){remove->path, unsaid};
        /* Spark leaves those that are NULL out of a remove, unless these are others from it on. */
        size_t known = count_known(snapshot, rules, &remove->partition_values);
        if (known < remove->partition_values.len ||
            (actions->metadata != NULL && known < rules->partitions_len))
            return (struct vv_unclear){remove->path, other};
    }
    return (struct vv_unclear){VV_STR_NONE, NULL};
}

static bool has_feed(const struct vv_metadata *metadata)
{
    return vv_property_bool(metadata, "delta.enableChangeDataFeed", false);
}

/* Says which versions can be told, for the range has others. */
static varve_status fail_gone(struct vv_op *op, const struct vv_changes_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf there = VV_BUF_INIT(1 << 16);
    const struct vv_log_handle *log = &run->table->log;
    struct vv_log_list list = {0};
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
    VV_TRY(vv_ledger_extend(op, log, &op->arena, &list));
    vv_log_spell(list.commits.items, list.commits.len, &there);
    if (!vv_buf_ok(&there))
        return vv_fail_memory(op);
    return vv_fail(op, VARVE_ENOTFOUND,
        "not all commits from version %" PRId64 " to %" PRId64
        " of table %.*s are there: those "
        "of versions %.*s are, ask for what these changed",
        run->from, run->to, VV_ARG(run->table->name), VV_ARG(vv_buf_str(&there)));
}

varve_status vv_changes_entries(struct vv_op *op, struct vv_changes_run *run)
{
    struct vv_history_entry *entries = NULL;
    size_t len = 0;
    if (run->entries_len > 0)
        return VARVE_OK;
    VV_TRY(vv_log_history(op, &run->table->log, run->to, (size_t)(run->to - run->from + 1),
        &op->arena, &entries, &len));
    if (len != (size_t)(run->to - run->from + 1) || entries[len - 1].version != run->from)
        return fail_gone(op, run);
    run->entries = entries;
    run->entries_len = len;
    return VARVE_OK;
}

/*
 * A column that a commit dropped and a later one, a restore, brought back. All rows are told by the
 * columns of the last version: in between with what files from before the drop hold of it, and with
 * NULL where later files do not.
 */
static varve_status note_columns(struct vv_op *op, struct vv_changes_run *run,
    const struct vv_schema *schema, int64_t version)
{
    const struct vv_schema *last = &run->snapshot->schema;
    if (run->had_column == NULL)
        VV_NEW(op, &run->had_column, bool, last->fields_len + 1);
    for (size_t i = 0; i < last->fields_len; i++) {
        bool is_there = vv_fields_find_physical(schema->fields, schema->fields_len,
                            last->fields[i].physical_name) != NULL;
        if (!is_there && run->had_column[i])
            vv_log(op, VV_LOG_WARN, "changes.dropped",
                "table %.*s: version %" PRId64
                " dropped the column %.*s, which is back since: what "
                "is told in between to have changed in it, to NULL and from it, nobody has "
                "changed",
                VV_ARG(run->table->name), version, VV_ARG(last->fields[i].name));
        run->had_column[i] = is_there;
    }
    return VARVE_OK;
}

static varve_status note_metadata(struct vv_op *op, struct vv_changes_run *run,
    const struct vv_metadata *metadata, int64_t version)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_schema schema = {0};
    run->feed = has_feed(metadata) ? VV_CHANGES_FEED_ON : VV_CHANGES_FEED_OFF;
    varve_status status = vv_schema_parse(op, &arena, metadata->schema_json,
        vv_features_mapping(run->snapshot->protocol, metadata), &schema);
    if (status == VARVE_OK)
        return note_columns(op, run, &schema, version);
    if (status != VARVE_ECORRUPT && status != VARVE_EUNSUPPORTED)
        return status;
    vv_forgive(op); /* its rows are told all the same */
    return VARVE_OK;
}

/* Where the versions before are gone, the first commit that says so shows it. */
static varve_status find_feed(struct vv_op *op, struct vv_changes_run *run)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *before = NULL;
    if (run->feed != VV_CHANGES_FEED_UNKNOWN)
        return VARVE_OK;
    run->feed = VV_CHANGES_FEED_OFF;
    if (run->from == 0)
        return VARVE_OK;
    varve_status status = vv_table_snapshot(op, run->table, run->from - 1, &before);
    if (status == VARVE_ENOTFOUND || status == VARVE_ECORRUPT) {
        vv_forgive(op);
        return VARVE_OK;
    }
    VV_TRY(status);
    run->feed = has_feed(before->metadata) ? VV_CHANGES_FEED_ON : VV_CHANGES_FEED_OFF;
    return note_columns(op, run, &before->schema, before->version);
}

static varve_status read_commit(struct vv_op *op, struct vv_changes_run *run,
    struct vv_ledger_reader *ledger, const struct vv_history_entry *entry)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_actions actions = {0};
    bool is_skipped = false;
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_log_read_listed_actions(op, &run->table->log, ledger, &entry->commit, &arena,
        &actions, NULL));
    actions.version = entry->version;
    if (actions.metadata != NULL)
        VV_TRY(note_metadata(op, run, actions.metadata, actions.version));
    if (run->filter != NULL)
        VV_TRY(run->filter->look(op, run->filter->data, &actions, &is_skipped));
    if (is_skipped)
        return VARVE_OK;
    const struct vv_unclear unclear = vv_changes_unclear(run->snapshot, &run->rules, &actions);
    if (unclear.why != NULL)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "what version %" PRId64 " changed can't be told: %.*s %s", actions.version,
            VV_ARG(unclear.path), unclear.why);
    return sort_commit(op, run, &actions, run->feed == VV_CHANGES_FEED_OFF,
        entry->timestamp_ms);
}

varve_status vv_changes_read(struct vv_op *op, struct vv_changes_run *run)
{
    VV_CLEANUP(vv_ledger_reader_done)
    struct vv_ledger_reader ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)};
    VV_TRY(vv_changes_entries(op, run));
    VV_TRY(find_feed(op, run));
    for (size_t i = run->entries_len; i > 0; i--)
        VV_TRY(read_commit(op, run, &ledger, &run->entries[i - 1]));
    return VARVE_OK;
}
