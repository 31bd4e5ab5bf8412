#include "table/maintain/maintain.h"

#include "base/map.h"
#include "base/number.h"
#include "base/seam.h"
#include "base/time.h"
#include "delta/checkpoint_write.h"
#include "delta/features.h"
#include "delta/ledger.h"
#include "delta/list.h"
#include "delta/log_clean.h"
#include "table/maintain/maintain_run.h"
#include "table/maintain/vacuum.h"

static varve_status add_task(struct vv_op *op, struct vv_maintain_run *run,
    const struct vv_maintain_task *task)
{
    struct vv_maintain_report *report = run->report;
    struct vv_maintain_task *added = VV_LIST_NEW(report->arena, report);
    if (added == NULL || task->reason.ptr == NULL)
        return vv_fail_memory(op);
    *added = *task;
    return VARVE_OK;
}

/* What came of the tasks from `first` on. */
static void settle(struct vv_maintain_run *run, size_t first, enum vv_task_outcome outcome,
    struct vv_str note)
{
    for (size_t i = first; i < run->report->len; i++) {
        run->report->items[i].outcome = outcome;
        run->report->items[i].note = note.ptr != NULL ? note : VV_STR("");
    }
}

/*
 * A duty's failure, memory that is out as well, is the outcome of its tasks: what others were
 * faster at is left to the next run. Only an interrupt ends the run.
 */
static enum vv_task_outcome outcome_of(varve_status status)
{
    if (status == VARVE_EUNSUPPORTED)
        return VV_TASK_SKIPPED;
    return status == VARVE_ECONFLICT ? VV_TASK_LEFT : VV_TASK_FAILED;
}

static varve_status settle_failure(struct vv_op *op, struct vv_maintain_run *run, size_t first,
    varve_status status)
{
    if (status == VARVE_EINTERRUPTED)
        return status;
    struct vv_str note = vv_arena_str(run->report->arena, vv_str_of(op->error.message));
    vv_log(op, VV_LOG_WARN, "maintain.failed", "table %.*s: %s", VV_ARG(run->table->name),
        op->error.message);
    vv_forgive(op);
    settle(run, first, outcome_of(status), note);
    for (size_t i = first; i < run->report->len; i++)
        run->report->items[i].code = status;
    return VARVE_OK;
}

/* ---- Files ------------------------------------------------------------------------------------ */

/* One duty, or two that are one run of optimize. */
struct work {
    struct vv_maintain_choice choice;
    struct vv_optimize_request request;
};

static void work_init(const struct vv_maintain_run *run, bool is_layout, struct work *out)
{
    *out = (struct work){.choice = {.run = run},
        .request = {.is_auto = true,
            .target_bytes = run->policy.tiers.target_bytes,
            .choice = {vv_maintain_choose, &out->choice},
            .user_name = run->request->user_name,
            .user_metadata = run->request->user_metadata}};
    out->choice.wanted[VV_PLACE_OPEN] = !is_layout;
    out->choice.wanted[VV_PLACE_LATE] = !is_layout;
    out->choice.wanted[VV_PLACE_SEAL] = is_layout;
    out->choice.wanted[VV_PLACE_RECLUSTER] = is_layout;
    if (is_layout && !run->policy.is_clustered)
        out->request.zorder = run->policy.zorder;
    if (!is_layout)
        out->request.tier_files = run->policy.tiers.files;
}

static enum vv_duty duty_of(const struct vv_maintain_place *place)
{
    if (place->verdict.state == VV_PLACE_SEAL)
        return VV_DUTY_SEAL;
    return place->verdict.state == VV_PLACE_RECLUSTER ? VV_DUTY_RECLUSTER : VV_DUTY_COMPACT;
}

/* The place of a bin among those that were judged for the same snapshot. */
static varve_status find_place(struct vv_op *op, const struct vv_maintain_run *run,
    const struct work *work, const struct vv_rules *rules, const struct vv_optimize_bin *bin,
    struct vv_maintain_place *out)
{
    struct vv_str key = VV_STR_NONE;
    VV_TRY(vv_partition_key(op, &op->arena, run->table->snapshot, rules, bin->partition, &key));
    for (size_t i = 0; i < work->choice.places_len; i++)
        if (vv_str_eq(work->choice.places[i].key, key)) {
            *out = work->choice.places[i];
            return VARVE_OK;
        }
    return vv_fail(op, VARVE_EFAILED, "a partition that nobody judged");
}

/* A task a partition: its bins lie next to each other. */
static varve_status add_place_tasks(struct vv_op *op, struct vv_maintain_run *run,
    const struct work *work, const struct vv_optimize_plan *plan)
{
    struct vv_rules rules;
    VV_TRY(vv_rules_read(op, &op->arena, run->table->snapshot, false, &rules));
    for (size_t first = 0, end = 0; first < plan->bins_len; first = end) {
        struct vv_maintain_place place = {0};
        struct vv_maintain_task task = {0};
        for (; end < plan->bins_len && plan->bins[end].partition == plan->bins[first].partition;
             end++) {
            task.files += (int64_t)plan->bins[end].files_len;
            task.bytes += plan->bins[end].bytes;
        }
        VV_TRY(find_place(op, run, work, &rules, &plan->bins[first], &place));
        task.duty = duty_of(&place);
        task.place = place.name;
        task.reason = vv_maintain_say_place(run, task.duty, &place, &task, end - first);
        VV_TRY(add_task(op, run, &task));
    }
    return VARVE_OK;
}

static varve_status carry_out(struct vv_op *op, struct vv_maintain_run *run,
    const struct work *work, size_t first)
{
    struct vv_optimize_result result = {0};
    varve_status status = vv_optimize(op, run->table, &work->request, &result);
    struct vv_maintain_report *report = run->report;
    if (status != VARVE_OK)
        return settle_failure(op, run, first, status);
    report->files_added += result.files_added;
    report->files_removed += result.files_removed;
    report->bytes_added += result.bytes_added;
    report->bytes_removed += result.bytes_removed;
    if (result.files_skipped == 0) {
        settle(run, first, VV_TASK_DONE, VV_STR(""));
        return VARVE_OK;
    }
    settle(run, first, VV_TASK_LEFT,
        vv_arena_format(report->arena,
            "%" PRId64 " of the files were left to the next run, since other writers were at "
            "them",
            result.files_skipped));
    return VARVE_OK;
}

/* *out: what was judged; good as long as the report. */
static varve_status look_after_files(struct vv_op *op, struct vv_maintain_run *run,
    bool is_layout, struct vv_maintain_choice *out)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct work work;
    struct vv_optimize_plan plan;
    size_t first = run->report->len;
    work_init(run, is_layout, &work);
    VV_TRY(vv_optimize_preview(op, run->table, &work.request, &arena, &plan));
    *out = work.choice;
    VV_TRY(add_place_tasks(op, run, &work, &plan));
    if (run->report->len == first || run->request->is_plan)
        return VARVE_OK;
    return carry_out(op, run, &work, first);
}

/* ---- The log ---------------------------------------------------------------------------------- */

static varve_status look_after_checkpoint(struct vv_op *op, struct vv_maintain_run *run)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *latest = NULL;
    struct vv_arena *arena = run->report->arena;
    struct vv_maintain_task task = {.duty = VV_DUTY_CHECKPOINT};
    /* Anew, since a refreshed snapshot goes by the checkpoint that it began with. */
    VV_TRY(vv_snapshot_load(op, &run->table->log, VV_NO_VERSION, &latest));
    VV_TRY(vv_features_check_write(op, latest->protocol, latest->metadata, &latest->schema));
    if (!vv_checkpoint_is_due(&run->policy, latest->version, latest->checkpoint_version))
        return VARVE_OK;
    int64_t since =
        latest->version - (latest->checkpoint_version < 0 ? 0 : latest->checkpoint_version);
    task.reason = vv_arena_format(arena,
        "%" PRId64 " commit%s since %s: the table wants a checkpoint every %" PRId64
        " (delta.checkpointInterval, or by its size), so that it opens fast",
        since, vv_plural(since),
        latest->checkpoint_version < 0 ? "it was made" : "the last checkpoint",
        run->policy.checkpoint_every);
    VV_TRY(add_task(op, run, &task));
    if (run->request->is_plan)
        return VARVE_OK;
    size_t first = run->report->len - 1;
    varve_status status = vv_checkpoint_write(op, &run->table->log, latest);
    if (status != VARVE_OK)
        return settle_failure(op, run, first, status);
    run->report->checkpoints++;
    settle(run, first, VV_TASK_DONE, VV_STR(""));
    return VARVE_OK;
}

/* The ledger gets what it lacks, so that no other software's clean-up can take it. */
static varve_status keep_and_clean(struct vv_op *op, struct vv_maintain_run *run,
    size_t *out_kept, struct vv_log_cleaned *out)
{
    struct vv_log_list list = {0};
    VV_TRY(vv_table_refresh(op, run->table));
    const struct vv_snapshot *latest = run->table->snapshot;
    /* Others may have given the table a feature since it was begun with. */
    VV_TRY(vv_features_check_write(op, latest->protocol, latest->metadata, &latest->schema));
    VV_TRY(vv_log_list_read(op, &run->table->log, 0, &op->arena, &list));
    VV_TRY(vv_ledger_keep(op, &run->table->log, &list, run->table->snapshot->version + 1,
        out_kept));
    return vv_log_clean(op, &run->table->log, run->table->snapshot, out);
}

/* "has never been" or "was last ... 3 days ago": around a participle. */
static struct vv_str last(const struct vv_maintain_run *run, const char *done, int64_t us)
{
    struct vv_arena *arena = run->report->arena;
    if (us <= 0 || us > run->now_us)
        return vv_str_or_lost(vv_arena_format(arena, "has never been %s", done));
    return vv_str_or_lost(vv_arena_format(arena, "was last %s %.*s ago", done,
        VV_ARG(vv_str_or_lost(vv_maintain_say_span(arena, run->now_us - us)))));
}

static varve_status look_after_log(struct vv_op *op, struct vv_maintain_run *run)
{
    struct vv_arena *arena = run->report->arena;
    struct vv_maintain_task task = {.duty = VV_DUTY_LOG};
    struct vv_log_cleaned cleaned = {0};
    size_t kept = 0;
    if (!vv_turn_is_due(VV_US_PER_DAY, run->state.log_us, run->now_us))
        return VARVE_OK;
    task.reason = vv_arena_format(arena,
        "the log %.*s: the ledger gets its commits, and what is older than "
        "delta.logRetentionDuration leaves it",
        VV_ARG(last(run, "looked after", run->state.log_us)));
    VV_TRY(add_task(op, run, &task));
    if (run->request->is_plan)
        return VARVE_OK;
    size_t first = run->report->len - 1;
    varve_status status = keep_and_clean(op, run, &kept, &cleaned);
    if (status != VARVE_OK)
        return settle_failure(op, run, first, status);
    settle(run, first, VV_TASK_DONE,
        vv_arena_format(arena, "%zu commit%s new in the ledger, %zu left the log", kept,
            vv_plural((int64_t)kept), cleaned.commits));
    run->state.log_us = run->now_us;
    return vv_maintain_state_write(op, run->table, &run->state);
}

/* ---- The folder ------------------------------------------------------------------------------- */

static struct vv_str say_vacuum(const struct vv_maintain_run *run,
    const struct vv_vacuum_result *result)
{
    struct vv_arena *arena = run->report->arena;
    struct vv_str pinned = VV_STR("");
    if (result->pinned_files > 0)
        pinned = vv_str_or_lost(vv_arena_format(arena,
            "; %" PRId64 " more stay for tags and holds", result->pinned_files));
    return vv_arena_format(arena,
        "the folder %.*s: %" PRId64 " file%s (%s) %s needed by no version of the last %.*s%.*s",
        VV_ARG(last(run, "looked through", run->state.vacuum_us)), result->files,
        vv_plural(result->files), vv_size_text(result->bytes).chars,
        result->files == 1 ? "is" : "are",
        VV_ARG(vv_str_or_lost(vv_maintain_say_span(arena,
            result->retention_ms * VV_US_PER_MS))),
        VV_ARG(pinned));
}

static varve_status vacuum(struct vv_op *op, struct vv_maintain_run *run)
{
    struct vv_maintain_task task = {.duty = VV_DUTY_VACUUM};
    struct vv_vacuum_result result = {0};
    struct vv_vacuum_request request = {
        .user_name = run->request->user_name, .user_metadata = run->request->user_metadata};
    size_t first = run->report->len;
    task.reason = vv_arena_format(run->report->arena, "the folder %.*s",
        VV_ARG(last(run, "looked through", run->state.vacuum_us)));
    VV_TRY(add_task(op, run, &task));
    varve_status status = vv_vacuum(op, run->table, &request, &result, NULL);
    if (status != VARVE_OK)
        return settle_failure(op, run, first, status);
    if (result.retention_ms > INT64_MAX / VV_US_PER_MS) {
        run->report->len = first; /* it keeps everything: there is nothing to look for */
        if (run->request->is_plan)
            return VARVE_OK;
        run->state.vacuum_us = run->now_us;
        return vv_maintain_state_write(op, run->table, &run->state);
    }
    struct vv_maintain_task *added = &run->report->items[first];
    added->files = result.files;
    added->bytes = result.bytes;
    added->reason = say_vacuum(run, &result);
    if (added->reason.ptr == NULL)
        return vv_fail_memory(op);
    if (run->request->is_plan)
        return VARVE_OK;
    request.removes = true;
    if (result.files > 0)
        status = vv_vacuum(op, run->table, &request, &result, NULL);
    if (status != VARVE_OK)
        return settle_failure(op, run, first, status);
    run->report->files_vacuumed += result.files;
    run->report->bytes_vacuumed += result.bytes;
    settle(run, first, VV_TASK_DONE, VV_STR(""));
    run->state.vacuum_us = run->now_us;
    return vv_maintain_state_write(op, run->table, &run->state);
}

static varve_status look_after_folder(struct vv_op *op, struct vv_maintain_run *run)
{
    if (!vv_turn_is_due(run->policy.vacuum_every_us, run->state.vacuum_us, run->now_us))
        return VARVE_OK;
    return vacuum(op, run);
}

/* ---- All of it -------------------------------------------------------------------------------- */

/* A failure of the planning itself is told as a task of its own. */
static varve_status tell(struct vv_op *op, struct vv_maintain_run *run, enum vv_duty duty,
    varve_status status)
{
    if (status == VARVE_OK || status == VARVE_EINTERRUPTED)
        return status;
    const struct vv_maintain_task task = {
        .duty = duty, .reason = VV_STR("it can't be looked after")};
    varve_error error = op->error;
    vv_forgive(op);
    size_t first = run->report->len;
    VV_TRY(add_task(op, run, &task));
    (void)vv_fail(op, error.code, "%s", error.message);
    return settle_failure(op, run, first, status);
}

static varve_status do_all(struct vv_op *op, struct vv_maintain_run *run)
{
    struct vv_maintain_choice layout = {0};
    struct vv_maintain_choice tiers = {0};
    size_t first = run->report->len;
    VV_TRY(vv_maintain_state_read(op, run->table, &run->state));
    if (run->policy.compacts)
        VV_TRY(tell(op, run, VV_DUTY_COMPACT, look_after_files(op, run, false, &tiers)));
    vv_crash_point("maintain.compacted");
    VV_TRY(tell(op, run, VV_DUTY_SEAL, look_after_files(op, run, true, &layout)));
    vv_crash_point("maintain.laid_out");
    VV_TRY(tell(op, run, VV_DUTY_CHECKPOINT, look_after_checkpoint(op, run)));
    VV_TRY(tell(op, run, VV_DUTY_LOG, look_after_log(op, run)));
    vv_crash_point("maintain.logged");
    VV_TRY(tell(op, run, VV_DUTY_VACUUM, look_after_folder(op, run)));
    if (run->report->len > first)
        return VARVE_OK;
    const struct vv_maintain_task task = {.duty = VV_DUTY_NONE,
        .reason = vv_maintain_say_none(run, layout.places, layout.places_len),
        .outcome = run->request->is_plan ? VV_TASK_PLANNED : VV_TASK_DONE};
    return add_task(op, run, &task);
}

/* The folder whose lock is the turn has to be there. */
static varve_status take_turn(struct vv_op *op, struct vv_maintain_run *run,
    struct vv_turn *out, bool *out_is_ours)
{
    VV_TRY(vv_maintain_state_read(op, run->table, &run->state));
    if (run->state.log_us == 0 && run->state.vacuum_us == 0)
        VV_TRY(vv_maintain_state_write(op, run->table, &run->state));
    *out_is_ours = vv_store_try_turn(op, run->table->store, VV_STR(VV_MAINTAIN_FOLDER), out);
    return VARVE_OK;
}

varve_status vv_table_maintain(struct vv_op *op, struct vv_table *table,
    const struct vv_maintain_request *request, struct vv_maintain_report *report)
{
    VV_CLEANUP(vv_turn_give) struct vv_turn turn = {0};
    struct vv_maintain_run run = {
        .table = table, .request = request, .report = report, .now_us = vv_now_us(op)};
    struct vv_maintain_task task = {.duty = VV_DUTY_NONE};
    bool is_ours = true;
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_features_check_write(op, table->snapshot->protocol, table->snapshot->metadata,
        &table->snapshot->schema));
    VV_TRY(vv_policy_read(op, table, &run.policy));
    if (!run.policy.is_on) {
        task.reason = VV_STR("the table wants no maintenance: varve.maintain is false");
        task.outcome = request->is_plan ? VV_TASK_PLANNED : VV_TASK_DONE;
        return add_task(op, &run, &task);
    }
    if (!request->is_plan)
        VV_TRY(take_turn(op, &run, &turn, &is_ours));
    if (is_ours)
        return do_all(op, &run);
    task.reason = VV_STR("somebody else is maintaining the table right now");
    task.outcome = VV_TASK_LEFT;
    return add_task(op, &run, &task);
}
