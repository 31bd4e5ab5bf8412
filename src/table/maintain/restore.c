#include "table/maintain/restore.h"

#include <stdio.h>

#include "base/hash_set.h"
#include "base/time.h"
#include "delta/clustering.h"
#include "delta/commit.h"
#include "delta/features.h"
#include "table/maintain/checkpoint.h"
#include "table/maintain/vacuum.h"
#include "table/file_keys.h"
#include "table/file_set.h"
#include "table/read/read.h"
#include "table/record.h"

#define ATTEMPTS_MAX 10
#define ROW_TRACKING "delta.rowTracking" /* a metadata domain */

/* One try: the difference between two snapshots as actions. */
struct attempt {
    struct vv_arena arena;
    const struct vv_restore_request *request;
    struct vv_table *table;
    const struct vv_snapshot *target;
    struct vv_actions actions;
    struct vv_restore_result result;
    int64_t started_us;
};

static void attempt_done(struct attempt *attempt)
{
    vv_arena_done(&attempt->arena);
}

static varve_status fail_gone(struct vv_op *op, const struct attempt *attempt,
    struct vv_str first, int64_t gone)
{
    return vv_fail(op, VARVE_ENOTFOUND,
        "version %" PRId64 " of table %.*s can't be restored: %" PRId64
        " of its files %s gone, such as %.*s (a vacuum?)",
        attempt->target->version, VV_ARG(attempt->table->name), gone, gone == 1 ? "is" : "are",
        VV_ARG(first));
}

/* `*first`: the file that is gone, where none was before. */
static varve_status check_there(struct vv_op *op, const struct attempt *attempt,
    const struct vv_file *file, struct vv_str *first, int64_t *gone)
{
    struct vv_store *store = attempt->table->store;
    struct vv_file_keys keys;
    struct vv_str key = VV_STR_NONE;
    VV_TRY(vv_file_keys_of(op, &op->arena, store, file, &keys));
    VV_TRY(vv_file_keys_gone(op, store, &keys, &key));
    if (key.ptr != NULL && ++*gone == 1)
        *first = key;
    return VARVE_OK;
}

/* Files that come back. All of them, and their deletion vectors, have to be there still. */
static varve_status add_back(struct vv_op *op, struct attempt *attempt)
{
    struct vv_file_set now;
    struct vv_str first = VV_STR_NONE;
    int64_t gone = 0;
    const struct vv_snapshot *latest = attempt->table->snapshot;
    VV_TRY(vv_file_set_init(op, &op->arena, latest->files, latest->files_len, &now));
    for (size_t i = 0; i < attempt->target->files_len; i++) {
        const struct vv_file *file = attempt->target->files[i];
        if (vv_file_set_has(&now, file))
            continue;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(check_there(op, attempt, file, &first, &gone));
        struct vv_file *add = vv_actions_new_add(&attempt->actions, &attempt->arena);
        if (add == NULL)
            return vv_fail_memory(op);
        *add = *file;
        add->data_change = true;
        attempt->result.files_restored++;
        attempt->result.bytes_restored += file->bytes;
    }
    return gone == 0 ? VARVE_OK : fail_gone(op, attempt, first, gone);
}

/*
 * A vacuum that has announced itself does not look at the log again before each file that it
 * removes: what it may remove can't come back before it has ended. One that announces itself from
 * now on takes the version that this restore would have, which is then planned anew.
 */
static varve_status check_vacuum(struct vv_op *op, const struct attempt *attempt)
{
    const struct vv_history_entry *start = NULL;
    const struct vv_snapshot *now = attempt->table->snapshot;
    struct vv_hash_set kept = VV_HASH_SET_INIT(&op->arena);
    if (attempt->result.files_restored == 0)
        return VARVE_OK;
    VV_TRY(vv_vacuum_under_way(op, attempt->table, &start));
    if (start == NULL)
        return VARVE_OK;
    for (size_t i = 0; i < now->tombstones_len; i++)
        if (now->tombstones[i]->deleted_ms > vv_vacuum_until_ms(start) &&
            !vv_hash_set_put(&kept, now->tombstones[i]->hash, NULL))
            return vv_fail_memory(op);
    for (size_t i = 0; i < attempt->actions.adds.len; i++) {
        const struct vv_file *file = &attempt->actions.adds.items[i];
        if (!vv_hash_set_has(&kept, file->hash))
            return vv_fail(op, VARVE_ECONFLICT,
                "version %" PRId64 " of table %.*s can't be restored now: a vacuum began with "
                "version %" PRId64 " and has not ended, which may remove %.*s; try again when "
                "it has (where it was killed, after another one)",
                attempt->target->version, VV_ARG(attempt->table->name), start->version,
                VV_ARG(file->path));
    }
    return VARVE_OK;
}

static varve_status take_away(struct vv_op *op, struct attempt *attempt)
{
    struct vv_file_set then;
    int64_t now_ms = vv_now_us(op) / VV_US_PER_MS;
    VV_TRY(vv_file_set_init(op, &op->arena, attempt->target->files, attempt->target->files_len,
        &then));
    for (size_t i = 0; i < attempt->table->snapshot->files_len; i++) {
        const struct vv_file *file = attempt->table->snapshot->files[i];
        if (vv_file_set_has(&then, file))
            continue;
        struct vv_remove *remove = vv_actions_new_remove(&attempt->actions, &attempt->arena);
        if (remove == NULL)
            return vv_fail_memory(op);
        *remove = vv_remove_of(file, now_ms, true);
        attempt->result.files_removed++;
        attempt->result.bytes_removed += file->bytes;
    }
    return VARVE_OK;
}

/* Ids of mapped columns are never used twice, so their greatest never falls. */
static bool is_kept_id(const struct vv_pairs *now, const struct vv_pairs *then)
{
    int64_t now_id = 0;
    int64_t then_id = 0;
    return vv_str_int64(vv_pairs_get(now, VV_STR(VV_MAX_COLUMN_ID)), &now_id) &&
           !(vv_str_int64(vv_pairs_get(then, VV_STR(VV_MAX_COLUMN_ID)), &then_id) &&
               then_id >= now_id);
}

/*
 * What tells of the log, not of the rows. In-commit timestamps count from a version on: those of
 * commits in between, which have none, would be claimed by the properties of an older version.
 */
static bool is_of_log(struct vv_str name)
{
    static const char *const names[] = {"delta.enableInCommitTimestamps",
        "delta.inCommitTimestampEnablementVersion",
        "delta.inCommitTimestampEnablementTimestamp",
        "delta.requireCheckpointProtectionBeforeVersion"};
    for (size_t i = 0; i < VV_COUNT(names); i++)
        if (vv_str_eq(name, vv_str_of(names[i])))
            return true;
    return false;
}

/* The properties of then, but for those that are as they are now. */
static varve_status keep_properties(struct vv_op *op, struct attempt *attempt,
    struct vv_metadata *metadata)
{
    const struct vv_pairs *now = &attempt->table->snapshot->metadata->configuration;
    const struct vv_pairs then = metadata->configuration;
    bool keeps_id = is_kept_id(now, &then);
    size_t len = 0;
    struct vv_pair *pairs = vv_new(&attempt->arena, struct vv_pair, then.len + now->len + 1);
    if (pairs == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < then.len; i++) {
        struct vv_str name = then.items[i].name;
        bool is_kept =
            is_of_log(name) || (keeps_id && vv_str_eq(name, VV_STR(VV_MAX_COLUMN_ID)));
        if (!is_kept)
            pairs[len++] = then.items[i];
        else if (vv_pairs_has(now, name))
            pairs[len++] = (struct vv_pair){name, vv_pairs_get(now, name)};
    }
    for (size_t i = 0; i < now->len; i++) {
        struct vv_str name = now->items[i].name;
        bool is_kept =
            is_of_log(name) || (keeps_id && vv_str_eq(name, VV_STR(VV_MAX_COLUMN_ID)));
        if (is_kept && !vv_pairs_has(&then, name))
            pairs[len++] = now->items[i];
    }
    metadata->configuration = (struct vv_pairs){pairs, len};
    return VARVE_OK;
}

static varve_status bring_back_rules(struct vv_op *op, struct attempt *attempt)
{
    if (vv_rules_same(attempt->table->snapshot, attempt->target))
        return VARVE_OK;
    struct vv_metadata *metadata = vv_new(&attempt->arena, struct vv_metadata, 1);
    if (metadata == NULL)
        return vv_fail_memory(op);
    *metadata = *attempt->target->metadata;
    metadata->id = attempt->table->snapshot->metadata->id;
    VV_TRY(keep_properties(op, attempt, metadata));
    struct vv_snapshot would = *attempt->target;
    would.metadata = metadata;
    would.protocol = attempt->table->snapshot->protocol; /* by bring_back_features */
    if (!vv_rules_same(attempt->table->snapshot, &would))
        attempt->actions.metadata = metadata;
    return VARVE_OK;
}

static varve_status add_domain(struct vv_op *op, struct attempt *attempt,
    const struct vv_domain *domain, bool is_removed)
{
    struct vv_domain *action = vv_actions_new_domain(&attempt->actions, &attempt->arena);
    if (action == NULL)
        return vv_fail_memory(op);
    *action = *domain;
    action->removed = is_removed;
    return VARVE_OK;
}

/* Metadata domains as they were: what the table was clustered by, and what others keep there. */
static varve_status bring_back_domains(struct vv_op *op, struct attempt *attempt)
{
    const struct vv_snapshot *now = attempt->table->snapshot;
    const struct vv_snapshot *then = attempt->target;
    for (size_t i = 0; i < then->domains_len; i++) {
        const struct vv_domain *old = vv_snapshot_domain(now, then->domains[i]->domain);
        /* Row ids are never used twice: what it says of the highest stays. */
        bool is_kept = old != NULL && vv_str_eq(old->domain, VV_STR(ROW_TRACKING));
        if (!is_kept &&
            (old == NULL || !vv_str_eq(old->configuration, then->domains[i]->configuration)))
            VV_TRY(add_domain(op, attempt, then->domains[i], false));
    }
    for (size_t i = 0; i < now->domains_len; i++)
        if (vv_snapshot_domain(then, now->domains[i]->domain) == NULL &&
            !vv_str_eq(now->domains[i]->domain, VV_STR(ROW_TRACKING)))
            VV_TRY(add_domain(op, attempt, now->domains[i], true));
    return VARVE_OK;
}

/*
 * What comes back may need a feature that was dropped since: the table gets those of that version
 * again, and keeps its own.
 */
static varve_status bring_back_features(struct vv_op *op, struct attempt *attempt)
{
    const struct vv_snapshot *then = attempt->target;
    const struct vv_snapshot *now = attempt->table->snapshot;
    const struct vv_metadata *metadata = attempt->actions.metadata;
    const struct vv_protocol *merged = NULL;
    varve_status status =
        vv_features_merge(op, &attempt->arena, now->protocol, then->protocol, &merged);
    /* What could be written to no more could not be restored to what it is now either. */
    if (status == VARVE_OK)
        status =
            vv_features_check_write(op, merged, metadata != NULL ? metadata : now->metadata,
                metadata != NULL ? &then->schema : &now->schema);
    if (status != VARVE_OK)
        return vv_note(op, "version %" PRId64 " of table %.*s can't be restored", then->version,
            VV_ARG(attempt->table->name));
    if (merged != now->protocol)
        attempt->actions.protocol = merged;
    return VARVE_OK;
}

/*
 * A time is told as such where it says the same for ever, as Spark does. What a tag means goes with
 * the tag, and "-2h" is another time tomorrow: of these the version is told.
 */
static varve_status parameters(struct vv_op *op, struct attempt *attempt, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    struct vv_str at = vv_str_trim(attempt->request->at);
    int64_t now_us = 0;
    int64_t then_us = 0;
    bool is_time = !vv_str_is_digits(at) && vv_time_parse_human(at, vv_now_us(op), &now_us);
    bool is_lasting = is_time && vv_time_parse_human(at, 0, &then_us) && now_us == then_us;
    vv_jw_object(&writer);
    vv_jw_key(&writer, "version");
    if (is_lasting)
        vv_jw_null(&writer);
    else
        vv_jw_int(&writer, attempt->target->version);
    vv_jw_key_string(&writer, "timestamp", is_lasting ? at : VV_STR_NONE);
    if (!is_time && !vv_str_is_digits(at))
        vv_jw_key_string(&writer, "tag", at);
    vv_jw_end(&writer);
    return vv_record_keep(op, &attempt->arena, &json, out);
}

static varve_status metrics(struct vv_op *op, struct attempt *attempt, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(1 << 20);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    int64_t bytes = 0;
    for (size_t i = 0; i < attempt->target->files_len; i++)
        bytes += attempt->target->files[i]->bytes;
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numRestoredFiles", attempt->result.files_restored);
    vv_record_metric(&writer, "restoredFilesSize", attempt->result.bytes_restored);
    vv_record_metric(&writer, "numRemovedFiles", attempt->result.files_removed);
    vv_record_metric(&writer, "removedFilesSize", attempt->result.bytes_removed);
    vv_record_metric(&writer, "numOfFilesAfterRestore", (int64_t)attempt->target->files_len);
    vv_record_metric(&writer, "tableSizeAfterRestore", bytes);
    vv_record_metric(&writer, "executionTimeMs",
        vv_ms_between(attempt->started_us, vv_now_us(op)));
    vv_jw_end(&writer);
    return vv_record_keep(op, &attempt->arena, &json, out);
}

static varve_status plan(struct vv_op *op, struct attempt *attempt)
{
    const struct vv_snapshot *now = attempt->table->snapshot;
    VV_TRY(vv_features_check_write(op, now->protocol, now->metadata, &now->schema));
    VV_TRY(add_back(op, attempt));
    VV_TRY(check_vacuum(op, attempt));
    VV_TRY(take_away(op, attempt));
    VV_TRY(bring_back_rules(op, attempt));
    VV_TRY(bring_back_domains(op, attempt));
    if (attempt->result.files_removed > 0 &&
        vv_property_bool(now->metadata, "delta.appendOnly", false))
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s is append-only (delta.appendOnly): a restore would remove rows",
            VV_ARG(attempt->table->name));
    attempt->result.restored = attempt->target->version;
    attempt->result.version = now->version;
    VV_TRY(bring_back_features(op, attempt));
    attempt->result.is_changed =
        attempt->result.files_restored > 0 || attempt->result.files_removed > 0 ||
        attempt->actions.metadata != NULL || attempt->actions.domains.len > 0 ||
        attempt->actions.protocol != NULL;
    return VARVE_OK;
}

static varve_status commit(struct vv_op *op, struct attempt *attempt, uint32_t attempts_used,
    struct vv_commit_result *out)
{
    struct vv_commit_request request = {.read = attempt->table->snapshot,
        .actions = &attempt->actions,
        .operation = VV_STR("RESTORE"),
        .user_name = attempt->request->user_name,
        .user_metadata = attempt->request->user_metadata,
        .attempts_max = ATTEMPTS_MAX,
        .attempts_used = attempts_used};
    VV_TRY(parameters(op, attempt, &request.parameters_json));
    VV_TRY(metrics(op, attempt, &request.metrics_json));
    return vv_commit(op, &attempt->table->log, &request, out);
}

varve_status vv_restore(struct vv_op *op, struct vv_table *table,
    const struct vv_restore_request *request, struct vv_restore_result *out)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *target = NULL;
    uint32_t attempts = 0;
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_table_at(op, table, request->at, &target));
    for (;;) {
        VV_CLEANUP(attempt_done)
        struct attempt attempt = {.arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT),
            .request = request,
            .table = table,
            .target = target,
            .started_us = vv_now_us(op)};
        struct vv_commit_result committed = {
            .outcome = VV_COMMIT_DONE, .version = table->snapshot->version};
        VV_TRY(plan(op, &attempt));
        if (attempt.result.is_changed && !request->dry_run)
            VV_TRY(commit(op, &attempt, attempts, &committed));
        attempts += committed.attempts;
        if (committed.outcome == VV_COMMIT_DONE) {
            if (committed.attempts == 0 && !request->dry_run)
                VV_TRY(vv_log_settle(op, &table->log));
            *out = attempt.result;
            out->version = committed.version;
            if (committed.attempts > 0)
                vv_table_checkpoint_if_due(op, table, committed.version);
            return VARVE_OK;
        }
        VV_TRY(vv_table_refresh(op, table));
    }
}
