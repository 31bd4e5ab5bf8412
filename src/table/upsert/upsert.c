/*
 * The upsert: read the batch once, then attempt until one attempt is committed.
 *
 * What is true: an attempt rests on one snapshot. Its outcome (insert, update, unchanged, stale)
 * stays right for a later version as long as no commit in between removed a file that one of our
 * keys was found in, or added a file that could hold one of our keys, or changed the table's rules,
 * or recorded our txn. The judge below is asked about each such commit; while it finds nothing, the
 * same files are committed at the next version, else the attempt is thrown away and planned anew.
 *
 * A crash before the commit leaves unreferenced files, which vacuum removes. A failure removes
 * them at once, but not where the commit is in doubt: then they may be the table's.
 */
#include "table/upsert/upsert.h"

#include "base/seam.h"
#include "base/time.h"
#include "delta/commit.h"
#include "delta/features.h"
#include "table/file_set.h"
#include "table/maintain/checkpoint.h"
#include "table/alter/evolve.h"
#include "table/batch/batch_later.h"
#include "table/batch/quarantine.h"
#include "table/upsert/upsert_plan.h"

#define ATTEMPTS_MAX_DEFAULT 10
#define LATER_ROUNDS_MAX 1000

static void attempt_done(struct vv_upsert_attempt *attempt)
{
    vv_on_record_stop(&attempt->on_record);
    vv_marks_done(&attempt->marks);
    vv_arena_done(&attempt->arena);
}

struct judge {
    const struct vv_upsert_call *call;
    const struct vv_upsert_attempt *attempt;
    struct vv_file_set candidates; /* the attempt's */
};

static bool removes_consulted(const struct judge *judge, const struct vv_actions *winner)
{
    for (size_t r = 0; r < winner->removes.len; r++) {
        const struct vv_remove *remove = &winner->removes.items[r];
        size_t at = 0;
        if (vv_file_set_find(&judge->candidates, remove->key, remove->dv_id, &at) &&
            judge->attempt->consulted[at])
            return true;
    }
    return false;
}

/* Does this winner change what our attempt rests on? */
static varve_status judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    const struct judge *judge = data;
    const struct vv_upsert_attempt *attempt = judge->attempt;
    bool matters = winner->protocol != NULL || winner->metadata != NULL;
    for (size_t i = 0; i < winner->txns.len && !matters; i++)
        matters = vv_str_eq(winner->txns.items[i].app_id, judge->call->options->app_id);
    matters = matters || removes_consulted(judge, winner);
    for (size_t i = 0; i < winner->adds.len && !matters && !judge->call->options->append; i++)
        VV_TRY(vv_candidates_can_hold(op, &winner->adds.items[i], attempt->snapshot,
            attempt->rules, attempt->groups, attempt->groups_len, &matters));
    *out = matters ? VV_VERDICT_REPLAN : VV_VERDICT_REBASE;
    return VARVE_OK;
}

/*
 * Also of a batch that changes no row, be it that all of them were rejected: its replay is to be a no-op
 * whatever others have written, released or dropped since.
 */
static varve_status add_txn(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    if (call->options->app_id.len == 0)
        return VARVE_OK;
    struct vv_txn *txn = vv_actions_new_txn(&attempt->actions, &attempt->arena);
    if (txn == NULL)
        return vv_fail_memory(op);
    *txn = (struct vv_txn){
        call->options->app_id, call->options->app_version, vv_now_us(op) / VV_US_PER_MS};
    return VARVE_OK;
}

static varve_status commit(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, uint32_t attempts_used, struct vv_commit_result *out)
{
    struct judge judge_data = {.call = call, .attempt = attempt};
    struct vv_commit_request request = {.read = attempt->snapshot,
        .actions = &attempt->actions,
        .operation = call->options->append ? VV_STR("WRITE") : VV_STR("MERGE"),
        .is_blind_append = call->options->append,
        .user_name = call->options->user_name,
        .user_metadata = call->options->user_metadata,
        .attempts_max = call->options->attempts_max > 0 ? call->options->attempts_max
                                                        : ATTEMPTS_MAX_DEFAULT,
        .attempts_used = attempts_used,
        .judge = judge,
        .judge_data = &judge_data,
        .turn = call->turn};
    VV_TRY(vv_file_set_init(op, &attempt->arena, attempt->candidates.files,
        attempt->candidates.files_len, &judge_data.candidates));
    VV_TRY(vv_upsert_record(op, call, attempt, &request.parameters_json,
        &request.metrics_json));
    vv_crash_point("upsert.before_publish");
    VV_TRY(vv_write_publish(op, call->table, &attempt->written));
    vv_crash_point("upsert.before_commit");
    return vv_commit(op, &call->table->log, &request, out);
}

static bool changes_nothing(const struct vv_upsert_attempt *attempt)
{
    return attempt->actions.adds.len == 0 && attempt->actions.removes.len == 0 &&
           attempt->actions.txns.len == 0;
}

static varve_status check_append_only(struct vv_op *op, const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt)
{
    int64_t gone = attempt->counts[VV_OUTCOME_UPDATE] + attempt->repaired;
    if (gone == 0 || !vv_property_bool(attempt->snapshot->metadata, "delta.appendOnly", false))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s is append-only (delta.appendOnly): this upsert would replace %" PRId64
        " of its rows; nothing written",
        VV_ARG(call->table->name), gone);
}

/* One attempt at the table's current snapshot, compared. REPLAN in `out`: somebody was faster. */
static varve_status try_once(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, uint32_t attempts_used, struct vv_commit_result *out)
{
    VV_TRY(check_append_only(op, call, attempt));
    varve_status status = vv_upsert_rewrite(op, call, attempt);
    if (status == VARVE_OK)
        status = vv_upsert_feed(op, call, attempt);
    if (status == VARVE_OK)
        status = vv_on_record_end(op, &attempt->on_record);
    if (status == VARVE_OK)
        status = add_txn(op, call, attempt);
    *out = (struct vv_commit_result){
        .outcome = VV_COMMIT_DONE, .version = attempt->snapshot->version};
    if (status == VARVE_OK && !changes_nothing(attempt) && !call->options->dry_run)
        status = commit(op, call, attempt, attempts_used, out);
    bool is_ours_to_remove = status == VARVE_OK
                                 ? out->outcome == VV_COMMIT_REPLAN || call->options->dry_run
                                 : status != VARVE_EUNKNOWN;
    if (is_ours_to_remove) {
        vv_write_discard(op, call->table, &attempt->written);
        vv_marks_discard(op, &attempt->marks);
    }
    return status;
}

static bool is_applied(const struct vv_upsert_call *call)
{
    return vv_snapshot_has_txn(call->table->snapshot, call->options->app_id,
        call->options->app_version);
}

static void fill_result(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt, struct vv_upsert_result *out)
{
    out->rows_in = call->batch.rows_in;
    out->duplicates_in_batch = call->batch.rows_duplicate;
    out->rejected = call->batch.rows_rejected;
    out->inserted = attempt->counts[VV_OUTCOME_INSERT];
    out->updated = attempt->counts[VV_OUTCOME_UPDATE];
    out->unchanged = attempt->counts[VV_OUTCOME_UNCHANGED];
    out->stale = attempt->counts[VV_OUTCOME_STALE];
    out->stale_ahead = attempt->ahead;
    out->ahead_until_us = attempt->ahead_until;
    out->repaired = attempt->repaired;
    out->times_ambiguous = call->batch.times_ambiguous;
    out->warned = call->batch.warned;
    out->rows_written = out->inserted + out->updated;
    out->files_added = vv_upsert_files_added(attempt);
    out->files_removed = vv_upsert_files_removed(attempt);
}

static varve_status check_writable(struct vv_op *op, const struct vv_snapshot *snapshot)
{
    return vv_features_check_write(op, snapshot->protocol, snapshot->metadata,
        &snapshot->schema);
}

/* The rules of the current snapshot, and that Varve may write there at all. */
static varve_status read_rules(struct vv_op *op, struct vv_table *table, struct vv_arena *arena,
    const struct vv_upsert_options *options, struct vv_rules *out)
{
    VV_TRY(check_writable(op, table->snapshot));
    VV_TRY(vv_rules_read(op, arena, table->snapshot, true, out));
    if (out->key_len > 0 && options->append && !options->allow_duplicates)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has a key, and an append compares no keys: a row that is there already "
            "would be there twice; use varve upsert, or allow it by --allow-duplicates",
            VV_ARG(table->name));
    if (out->key_len == 0 && !options->append)
        return vv_fail(op, VARVE_EUSAGE,
            "table %.*s has no key to upsert by: declare one with `varve alter %.*s set "
            "varve.key=A,B`",
            VV_ARG(table->name), VV_ARG(table->name));
    return VARVE_OK;
}

/* `rules` are those of *ruled; the ones of the current snapshot afterwards. */
static varve_status renew_rules(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_snapshot **ruled, struct vv_rules *rules)
{
    if (*ruled == call->table->snapshot)
        return VARVE_OK;
    VV_TRY(read_rules(op, call->table, &op->arena, call->options, rules));
    vv_snapshot_release(ruled);
    *ruled = vv_snapshot_retain(call->table->snapshot);
    return VARVE_OK;
}

/* What an earlier judging has set aside is none of it now: it is written. */
static varve_status forget_rejects(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_str *stored)
{
    int64_t rows = 0;
    if (stored->ptr == NULL)
        return VARVE_OK;
    varve_status status = vv_quarantine_drop(op, call->table, stored, 1, &rows);
    *stored = VV_STR_NONE;
    if (status == VARVE_ENOTFOUND)
        vv_forgive(op); /* somebody else did so */
    return status == VARVE_ENOTFOUND ? VARVE_OK : status;
}

static struct vv_quarantine_batch quarantine_batch(const struct vv_upsert_call *call)
{
    const struct vv_upsert_options *options = call->options;
    return (struct vv_quarantine_batch){.app_id = options->app_id,
        .app_version = options->app_version,
        .input_tz = options->batch.input_tz,
        .truncate_time = options->batch.truncate_time,
        .user_name = options->user_name,
        .arrival_us = call->batch.now_us,
        .rejects = call->batch.rejects};
}

/*
 * Not before the commit: another process may be at the same batch, whose rejects these are. And then it
 * is done, whatever becomes of this.
 */
static void settle_rejects(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_str stored)
{
    const struct vv_upsert_options *options = call->options;
    if (!options->quarantine || options->dry_run || options->app_id.len == 0)
        return;
    const struct vv_quarantine_batch batch = quarantine_batch(call);
    if (vv_quarantine_settle(op, call->table, &batch, stored) == VARVE_OK)
        return;
    vv_log(op, VV_LOG_WARN, "quarantine.settle",
        "table %.*s: rows that an earlier attempt has set aside may be in quarantine still: %s",
        VV_ARG(call->table->name), op->error.message);
    vv_forgive(op);
}

/* Where rejected rows go. `stored`: vv_quarantine_store. */
static varve_status keep_rejects(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_str *stored)
{
    const struct vv_upsert_options *options = call->options;
    if (options->out_rejects != NULL) {
        *options->out_rejects = vv_arena_str(&op->arena, call->batch.rejects);
        if (call->batch.rejects.len > 0 && options->out_rejects->ptr == NULL)
            return vv_fail_memory(op);
    }
    if (!options->quarantine || options->dry_run)
        return VARVE_OK;
    if (call->batch.rejects.len == 0)
        return forget_rejects(op, call, stored);
    const struct vv_quarantine_batch batch = quarantine_batch(call);
    return vv_quarantine_store(op, call->table, &batch, stored);
}

/* What the comparison found: these rows are to be judged with another order value. */
static varve_status note_later(struct vv_op *op, struct vv_upsert_call *call)
{
    bool is_first = !call->judging.has_later;
    if (is_first)
        call->later_rounds = 0;
    if (++call->later_rounds > LATER_ROUNDS_MAX) /* each settles the rows that it found */
        return vv_fail(op, VARVE_EFAILED, "table %.*s: order values do not settle",
            VV_ARG(call->table->name));
    struct vv_str select = vv_arena_format(&op->arena,
        "SELECT _row, _o FROM %.*s WHERE _rank = 1 AND _what = 1 AND NOT _own AND "
        "_o IS NOT NULL AND (_batch_o IS NULL OR _batch_o <= _o)",
        VV_ARG(call->work->stored.sql));
    call->judging.has_later = true;
    return select.ptr != NULL ? vv_batch_later_add(op, call->work, select, is_first)
                              : vv_fail_memory(op);
}

static varve_status suppose(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_batch_source *source, struct vv_evolution *evolution)
{
    struct vv_addition_search search = {.session = call->work->session,
        .table = call->table,
        .truncate_time = call->options->batch.truncate_time,
        .tells_null = !evolution->is_searched};
    search.inputs = vv_batch_inputs(source, &search.inputs_len);
    return vv_evolution_suppose(op, evolution, &search);
}

static varve_status run(struct vv_op *op, struct vv_upsert_call *call,
    const struct vv_input *inputs, size_t inputs_len, struct vv_upsert_result *out)
{
    struct vv_table *table = call->table;
    struct vv_rules rules;
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *ruled = NULL; /* that `rules` are of */
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *validated = NULL;
    VV_CLEANUP(vv_batch_source_close) struct vv_batch_source *source = NULL;
    VV_CLEANUP(vv_evolution_done) struct vv_evolution evolution = {.table = table};
    struct vv_str stored = VV_STR_NONE; /* in quarantine */
    if (is_applied(call)) {
        vv_inputs_release(inputs, inputs_len);
    } else {
        VV_TRY(renew_rules(op, call, &ruled, &rules));
        VV_TRY(vv_batch_load(op, call->work, table, inputs, inputs_len, &call->options->batch,
            &source));
    }
    for (;;) {
        out->version = table->snapshot->version;
        if (is_applied(call)) {
            *out = (struct vv_upsert_result){
                .already_applied = true, .version = out->version, .attempts = out->attempts};
            return VARVE_OK;
        }
        /* A winner may have asked for more of writers than the table did when we began. */
        VV_TRY(check_writable(op, table->snapshot));
        if (call->options->batch.evolve)
            VV_TRY(suppose(op, call, source, &evolution));
        if (validated == NULL || !vv_rules_same(validated, table->snapshot)) {
            VV_TRY(renew_rules(op, call, &ruled, &rules));
            VV_TRY(vv_batch_prepare(op, call->work, source, table, &rules, &call->judging,
                &call->batch));
            VV_TRY(keep_rejects(op, call, &stored));
        }
        vv_snapshot_release(&validated);
        validated = vv_snapshot_retain(table->snapshot);
        if (evolution.real != NULL && !call->options->dry_run) {
            VV_TRY(vv_evolution_commit(op, &evolution, call->options));
            continue;
        }

        VV_CLEANUP(attempt_done)
        struct vv_upsert_attempt attempt = {.arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT),
            .snapshot = validated,
            .rules = &rules};
        struct vv_commit_result committed;
        attempt.written.arena = &attempt.arena;
        attempt.marks = (struct vv_marks){
            .table = table, .session = call->work->session, .arena = &attempt.arena};
        VV_TRY(vv_upsert_compare(op, call, &attempt));
        if (attempt.later > 0) {
            VV_TRY(note_later(op, call));
            vv_snapshot_release(&validated);
            continue;
        }
        VV_TRY(try_once(op, call, &attempt, out->attempts, &committed));
        out->attempts += committed.attempts;
        if (committed.outcome == VV_COMMIT_DONE) {
            call->has_committed = committed.attempts > 0;
            vv_evolution_tell(op, &evolution);
            fill_result(call, &attempt, out);
            out->columns_added = evolution.columns;
            out->version = committed.version;
            settle_rejects(op, call, stored);
            return VARVE_OK;
        }
        VV_TRY(vv_table_refresh(op, table));
        if (call->judging.has_later)
            vv_snapshot_release(&validated); /* other order values may be stored now */
        call->judging.has_later = false;
    }
}

static varve_status take_work(struct vv_op *op, struct vv_table *table, struct vv_work **out)
{
    *out = VV_MOVE(table->work);
    return *out != NULL ? VARVE_OK : vv_work_open(op, table->engine, out);
}

varve_status vv_upsert(struct vv_op *op, struct vv_table *table, const struct vv_input *inputs,
    size_t inputs_len, const struct vv_upsert_options *options, struct vv_upsert_result *out)
{
    VV_CLEANUP(vv_work_close) struct vv_work *work = NULL;
    struct vv_upsert_result result = {0};
    struct vv_upsert_call call = {.table = table,
        .options = options,
        .judging = options->batch,
        .started_us = vv_now_us(op)};
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(take_work(op, table, &work));
    VV_CLEANUP(vv_turn_give) struct vv_turn turn = {0};
    call.work = work;
    work->many_bytes_max = vv_engine_batch_bytes(table->engine);
    call.turn = &turn;
    VV_TRY(run(op, &call, inputs, inputs_len, &result));
    vv_turn_give(&turn);
    if (!call.has_committed && !options->dry_run)
        VV_TRY(vv_log_settle(op, &table->log));
    if (vv_work_clear(work))
        table->work = VV_MOVE(work);
    if (result.attempts > 0)
        vv_table_checkpoint_if_due(op, table, result.version);
    *out = result;
    return VARVE_OK;
}
