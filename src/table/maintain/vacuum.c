#include "table/maintain/vacuum.h"

#include "base/number.h"
#include "base/seam.h"
#include "base/time.h"
#include "delta/commit.h"
#include "delta/features.h"
#include "delta/pins.h"
#include "table/record.h"
#include "table/maintain/vacuum_run.h"

#define ATTEMPTS_MAX 100 /* a commit without actions conflicts with nobody */

static void run_done(struct vv_vacuum_run *run)
{
    vv_arena_done(&run->arena);
}

static int64_t promised_us(const struct vv_metadata *metadata)
{
    int64_t retention_us = 7 * VV_US_PER_DAY; /* the protocol's default */
    struct vv_str text =
        vv_pairs_get(&metadata->configuration, VV_STR("delta.deletedFileRetentionDuration"));
    if (text.ptr != NULL && !vv_time_parse_duration(text, &retention_us))
        return INT64_MAX; /* what is not understood keeps everything */
    return retention_us;
}

static varve_status read_retention(struct vv_op *op, struct vv_vacuum_run *run)
{
    const struct vv_vacuum_request *request = run->request;
    const struct vv_metadata *metadata = run->table->snapshot->metadata;
    int64_t now_us = vv_now_us(op);
    run->promised_us = promised_us(metadata);
    run->retention_us = run->promised_us;
    if (request->retain.len > 0 &&
        (!vv_time_parse_duration(request->retain, &run->retention_us) || run->retention_us < 0))
        return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is no time span: say 168h or 7d",
            VV_ARG(request->retain));
    if (run->retention_us < run->promised_us && !request->is_unsafe)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s promises to keep removed files for %.*s "
            "(delta.deletedFileRetentionDuration): readers and writers under way rely on it; "
            "to go below it say `unsafe`",
            VV_ARG(run->table->name),
            VV_ARG(vv_pairs_has(&metadata->configuration,
                       VV_STR("delta.deletedFileRetentionDuration"))
                       ? vv_pairs_get(&metadata->configuration,
                             VV_STR("delta.deletedFileRetentionDuration"))
                       : VV_STR("7 days")));
    run->cutoff_us = run->retention_us >= now_us ? 0 : now_us - run->retention_us;
    return VARVE_OK;
}

static varve_status announce(struct vv_op *op, struct vv_vacuum_run *run, const char *operation,
    struct vv_str parameters, struct vv_str metrics)
{
    struct vv_actions actions = {0};
    struct vv_commit_result committed;
    const struct vv_commit_request request = {.read = run->table->snapshot,
        .actions = &actions,
        .operation = vv_str_of(operation),
        .parameters_json = parameters,
        .metrics_json = metrics,
        .user_name = run->request->user_name,
        .user_metadata = run->request->user_metadata,
        .is_blind_append = true,
        .attempts_max = ATTEMPTS_MAX,
        .judge = vv_vacuum_judge};
    return vv_commit(op, &run->table->log, &request, &committed);
}

static varve_status announce_start(struct vv_op *op, struct vv_vacuum_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf parameters = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_buf_done) struct vv_buf metrics = VV_BUF_INIT(1 << 16);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&parameters);
    vv_jw_object(&writer);
    vv_jw_key_bool(&writer, "retentionCheckEnabled", !run->request->is_unsafe);
    vv_jw_key_int(&writer, "defaultRetentionMillis",
        run->promised_us == INT64_MAX ? INT64_MAX : run->promised_us / VV_US_PER_MS);
    if (run->request->retain.len > 0)
        vv_jw_key_int(&writer, "specifiedRetentionMillis", run->retention_us / VV_US_PER_MS);
    vv_jw_key_string(&writer, "vacuumType",
        run->request->is_lite ? VV_STR("LITE") : VV_STR("FULL"));
    vv_jw_end(&writer);
    writer = VV_JSON_WRITER_INIT(&metrics);
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numFilesToDelete", (int64_t)run->due.len);
    vv_record_metric(&writer, "sizeOfDataToDelete", vv_vacuum_bytes(&run->due));
    vv_jw_end(&writer);
    if (!vv_buf_ok(&parameters) || !vv_buf_ok(&metrics))
        return vv_fail_memory(op);
    return announce(op, run, "VACUUM START", vv_buf_str(&parameters), vv_buf_str(&metrics));
}

static varve_status announce_end(struct vv_op *op, struct vv_vacuum_run *run, int64_t removed,
    bool is_complete)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf parameters = VV_BUF_INIT(1 << 16);
    VV_CLEANUP(vv_buf_done) struct vv_buf metrics = VV_BUF_INIT(1 << 16);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&parameters);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "status", is_complete ? VV_STR("COMPLETED") : VV_STR("FAILED"));
    vv_jw_end(&writer);
    writer = VV_JSON_WRITER_INIT(&metrics);
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numDeletedFiles", removed);
    vv_record_metric(&writer, "numVacuumedDirectories", run->folders);
    vv_jw_end(&writer);
    if (!vv_buf_ok(&parameters) || !vv_buf_ok(&metrics))
        return vv_fail_memory(op);
    return announce(op, run, "VACUUM END", vv_buf_str(&parameters), vv_buf_str(&metrics));
}

/* What is due was judged before; what must never go is asked for once more. */
static varve_status remove_one(struct vv_op *op, const struct vv_vacuum_run *run,
    struct vv_str key)
{
    if (!vv_vacuum_may_remove(key))
        return vv_fail(op, VARVE_EFAILED, "%.*s is no data file, and no vacuum's to remove",
            VV_ARG(key));
    return vv_store_remove(op, run->table->store, key);
}

/* One that can't go does not keep the others. `*out_removed` counts, whatever comes of it. */
static varve_status remove_due(struct vv_op *op, struct vv_vacuum_run *run,
    int64_t *out_removed, int64_t *out_bytes)
{
    varve_error first = {0};
    int64_t failed = 0;
    for (size_t i = 0; i < run->due.len; i++) {
        const struct vv_object *object = &run->due.items[i];
        VV_TRY(vv_progress(op, "vacuum", i, run->due.len));
        vv_crash_point("vacuum.remove");
        if (remove_one(op, run, object->key) == VARVE_OK) {
            ++*out_removed;
            *out_bytes += object->bytes;
            continue;
        }
        if (failed++ == 0)
            first = op->error;
        vv_forgive(op);
    }
    if (failed == 0)
        return VARVE_OK;
    return vv_fail(op, first.code, "%" PRId64 " of %zu file%s can't be removed: %s", failed,
        run->due.len, vv_plural((int64_t)run->due.len), first.message);
}

/* What was committed before the announcement is known now; what comes after it is young. */
static varve_status remove_announced(struct vv_op *op, struct vv_vacuum_run *run,
    int64_t *out_removed, int64_t *out_bytes)
{
    VV_TRY(vv_table_refresh(op, run->table));
    VV_TRY(vv_vacuum_keep(op, run));
    VV_TRY(vv_vacuum_keep_removed(op, run));
    vv_vacuum_filter(run);
    /* A pin whose removal a power cut undid would promise what is gone. */
    VV_TRY(vv_store_settle(op, run->table->store, VV_STR(VV_PINS_FOLDER)));
    return remove_due(op, run, out_removed, out_bytes);
}

/*
 * The end is announced of a vacuum that failed or was cancelled, too, by an operation that can't be
 * cancelled: tags and holds wait for it.
 */
static varve_status carry_out(struct vv_op *op, struct vv_vacuum_run *run,
    struct vv_vacuum_result *result)
{
    struct vv_env env = *op->env;
    VV_CLEANUP(vv_op_done) struct vv_op own;
    int64_t removed = 0;
    int64_t bytes = 0;
    env.cancel = NULL;
    env.progress = NULL;
    vv_op_init(&own, &env, VV_OP_BYTES_DEFAULT);
    VV_TRY(announce_start(op, run));
    varve_status status = remove_announced(op, run, &removed, &bytes);
    varve_status told = announce_end(&own, run, removed, status == VARVE_OK);
    if (told == VARVE_OK)
        told = vv_table_refresh(&own, run->table);
    if (status != VARVE_OK) {
        if (told != VARVE_OK)
            vv_forgive(&own);
        return status;
    }
    if (told != VARVE_OK)
        return vv_op_pass(op, &own);
    vv_vacuum_note(op, run);
    result->files = removed;
    result->bytes = bytes;
    return VARVE_OK;
}

/* The pins that none of the files stays for are not named: to drop them frees nothing. */
static void tell_pinned(struct vv_op *op, const struct vv_vacuum_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(VV_BUF_MAX);
    if (run->pinned_files == 0)
        return;
    for (size_t i = 0; i < run->pins_len; i++)
        if ((run->pins_used[i / 64] >> i % 64 & 1) != 0)
            vv_buf_addf(&names, "%s%.*s", names.len == 0 ? "" : ", ",
                VV_ARG(run->pins[i].name));
    struct vv_str told = vv_buf_ok(&names) ? vv_buf_str(&names) : VV_STR("(out of memory)");
    bool is_one = run->pinned_files == 1;
    vv_log(op, VV_LOG_WARN, "vacuum.pinned",
        "%" PRId64 " file%s of table %.*s stay%s for tags and holds: %.*s", run->pinned_files,
        is_one ? "" : "s", VV_ARG(run->table->name), is_one ? "s" : "", VV_ARG(told));
}

/*
 * One at a time on a machine: the end of one would be taken for the end of the other, by whoever
 * waits for it to tag, hold or restore.
 */
static varve_status take_turn(struct vv_op *op, const struct vv_vacuum_run *run,
    struct vv_turn *out)
{
    if (vv_store_try_turn(op, run->table->store, VV_STR(""), out))
        return VARVE_OK;
    return vv_fail(op, VARVE_ECONFLICT,
        "table %.*s: another vacuum is removing files of it right now; try again when it has "
        "ended",
        VV_ARG(run->table->name));
}

/*
 * One of Varve's that has not ended was killed, since the turn is ours: it is ended by the next one,
 * though that finds nothing more to remove.
 */
static varve_status is_wanted(struct vv_op *op, const struct vv_vacuum_run *run, bool *out)
{
    const struct vv_history_entry *start = NULL;
    *out = run->request->removes && run->due.len > 0;
    if (!run->request->removes || run->due.len > 0)
        return VARVE_OK;
    VV_TRY(vv_vacuum_under_way(op, run->table, &start));
    *out = start != NULL && start->info->by_varve;
    return VARVE_OK;
}

varve_status vv_vacuum(struct vv_op *op, struct vv_table *table,
    const struct vv_vacuum_request *request, struct vv_vacuum_result *out,
    struct ArrowArrayStream *out_files)
{
    VV_CLEANUP(vv_turn_give) struct vv_turn turn = {0};
    VV_CLEANUP(run_done)
    struct vv_vacuum_run run = {.arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT),
        .table = table,
        .request = request,
        .looked_until = VV_NO_VERSION,
        .left_version = VV_NO_VERSION};
    struct vv_vacuum_result result = {.readable_version = VV_NO_VERSION};
    bool is_carried_out = false;
    if (request->removes)
        VV_TRY(take_turn(op, &run, &turn));
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_features_check_write(op, table->snapshot->protocol, table->snapshot->metadata,
        &table->snapshot->schema));
    VV_TRY(read_retention(op, &run));
    run.kept = VV_MAP_INIT(&run.arena);
    run.places =
        (struct vv_folder_places){.store = table->store, .real = VV_MAP_INIT(&run.arena)};
    VV_TRY(vv_vacuum_keep(op, &run));
    VV_TRY(request->is_lite ? vv_vacuum_find_lite(op, &run) : vv_vacuum_find(op, &run));
    tell_pinned(op, &run);
    result.files = (int64_t)run.due.len;
    result.pinned_files = run.pinned_files;
    result.bytes = vv_vacuum_bytes(&run.due);
    result.retention_ms =
        run.retention_us == INT64_MAX ? INT64_MAX : run.retention_us / VV_US_PER_MS;
    VV_TRY(vv_vacuum_readable(op, &run, &result.readable_version));
    VV_TRY(is_wanted(op, &run, &is_carried_out));
    if (is_carried_out)
        VV_TRY(carry_out(op, &run, &result));
    result.version = table->snapshot->version;
    if (out_files != NULL)
        VV_TRY(vv_vacuum_list(op, &run, out_files));
    *out = result;
    return VARVE_OK;
}
