/*
 * The attempts of an edit.
 *
 * What is true: an attempt rests on one snapshot. What it found stays right for a later version
 * as long as no commit in between removed a file that it takes rows from, changed one with rows
 * that kept others from coming (a merge that inserts), added a file that could hold rows it would
 * have found, changed the table's rules, or recorded our txn. The judge below is asked about each
 * such commit. One that only marked other rows of a file that we mark as well is joined (marks.h).
 *
 * A crash before the commit leaves unreferenced files, which vacuum removes. A failure removes
 * them at once, but not where the commit is in doubt: then they may be the table's.
 */
#include "table/edit/edit.h"

#include "base/seam.h"
#include "base/time.h"
#include "delta/features.h"
#include "table/file_set.h"
#include "table/maintain/checkpoint.h"

#define ATTEMPTS_MAX_DEFAULT 10

struct run {
    struct vv_table *table;
    struct vv_work *work;
    const struct vv_edit_kind *kind;
    void *data;
    const struct vv_edit_options *options;
    struct vv_turn *turn;
    int64_t started_us;
};

static void edit_done(struct vv_edit *edit)
{
    vv_on_record_stop(&edit->on_record);
    vv_marks_done(&edit->marks);
    vv_arena_done(&edit->arena);
}

struct judge {
    const struct run *run;
    struct vv_edit *edit;
    struct vv_commit_request *request;
    struct vv_file_set files, whole; /* the attempt's */
};

/*
 * A file that we take rows from, other than by marking them, is gone; or one is another, or
 * elsewhere, of which rows that stay kept others from coming.
 */
static bool removes_ours(const struct judge *judge, const struct vv_actions *winner)
{
    const struct vv_edit *edit = judge->edit;
    for (size_t r = 0; r < winner->removes.len; r++) {
        const struct vv_remove *remove = &winner->removes.items[r];
        size_t at = 0;
        bool is_read = vv_file_set_find(&judge->files, remove->key, remove->dv_id, &at);
        if (is_read && edit->asked != NULL && edit->asked[at])
            return true;
        if (vv_marks_has(&edit->marks, remove))
            continue;
        if (is_read && edit->gone[at] > 0)
            return true;
        if (vv_file_set_find(&judge->whole, remove->key, remove->dv_id, NULL))
            return true;
    }
    return false;
}

/*
 * A marked file with more rows marked, by the winner, has brought none. Files that only put rows elsewhere (dataChange = false) hold none that were not there; had one
 * of them been ours, the file that it came from would be.
 */
static varve_status adds_matter(struct vv_op *op, const struct judge *judge,
    const struct vv_actions *winner, bool *out)
{
    *out = false;
    for (size_t i = 0; i < winner->adds.len && !*out; i++) {
        const struct vv_file *added = &winner->adds.items[i];
        if (added->data_change && !vv_marks_has_path(&judge->edit->marks, added->key))
            VV_TRY(judge->run->kind->matters(op, judge->edit, judge->run->data, added, out));
    }
    return VARVE_OK;
}

static varve_status judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    const struct judge *judge = data;
    struct vv_edit *edit = judge->edit;
    bool matters = winner->protocol != NULL || winner->metadata != NULL;
    for (size_t i = 0; i < winner->txns.len && !matters; i++)
        matters = vv_str_eq(winner->txns.items[i].app_id, judge->run->options->app_id);
    matters = matters || removes_ours(judge, winner);
    if (!matters)
        VV_TRY(adds_matter(op, judge, winner, &matters));
    *out = VV_VERDICT_REPLAN;
    if (matters)
        return VARVE_OK;
    VV_TRY(vv_marks_rebuild(op, &edit->marks, winner, vv_now_us(op) / VV_US_PER_MS,
        &edit->actions, out));
    /* A first vector may have become another one: the figures change with it. */
    return judge->run->kind->record(op, edit, judge->run->data, judge->request);
}

static varve_status add_txn(struct vv_op *op, const struct run *run, struct vv_edit *edit)
{
    if (run->options->app_id.len == 0)
        return VARVE_OK;
    struct vv_txn *txn = vv_actions_new_txn(&edit->actions, &edit->arena);
    if (txn == NULL)
        return vv_fail_memory(op);
    *txn = (struct vv_txn){
        run->options->app_id, run->options->app_version, vv_now_us(op) / VV_US_PER_MS};
    return VARVE_OK;
}

static varve_status commit(struct vv_op *op, const struct run *run, struct vv_edit *edit,
    uint32_t attempts_used, struct vv_commit_result *out)
{
    struct vv_commit_request request = {.read = edit->snapshot,
        .actions = &edit->actions,
        .operation = run->kind->operation,
        .user_name = run->options->user_name,
        .user_metadata = run->options->user_metadata,
        .attempts_max =
            run->options->attempts_max > 0 ? run->options->attempts_max : ATTEMPTS_MAX_DEFAULT,
        .attempts_used = attempts_used,
        .judge = judge,
        .turn = run->turn};
    struct judge judge_data = {.run = run, .edit = edit, .request = &request};
    request.judge_data = &judge_data;
    VV_TRY(vv_file_set_init(op, &edit->arena, edit->files, edit->files_len, &judge_data.files));
    VV_TRY(vv_file_set_init(op, &edit->arena, edit->whole, edit->whole_len, &judge_data.whole));
    VV_TRY(run->kind->record(op, edit, run->data, &request));
    vv_crash_point("edit.before_publish");
    VV_TRY(vv_write_publish(op, run->table, &edit->written));
    vv_crash_point("edit.before_commit");
    return vv_commit(op, &run->table->log, &request, out);
}

static bool changes_nothing(const struct vv_edit *edit)
{
    return edit->actions.adds.len == 0 && edit->actions.removes.len == 0 &&
           edit->actions.txns.len == 0 && edit->actions.metadata == NULL;
}

static varve_status check_table(struct vv_op *op, const struct run *run)
{
    const struct vv_snapshot *snapshot = run->table->snapshot;
    VV_TRY(vv_features_check_write(op, snapshot->protocol, snapshot->metadata,
        &snapshot->schema));
    if (!vv_property_bool(snapshot->metadata, "delta.appendOnly", false))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s is append-only (delta.appendOnly): %s would remove rows",
        VV_ARG(run->table->name), run->kind->name);
}

static varve_status find_and_write(struct vv_op *op, const struct run *run,
    struct vv_edit *edit)
{
    if (run->kind->load != NULL)
        VV_TRY(run->kind->load(op, edit, run->data));
    /* In one transaction now() is one time: for the files that are chosen, for the rows that go,
       and for those that come. After a failure the session is closed, and with it that. */
    VV_TRY(vv_session_exec(op, edit->session, VV_STR("BEGIN TRANSACTION")));
    VV_TRY(run->kind->find(op, edit, run->data));
    VV_TRY(vv_session_exec(op, edit->session, VV_STR("COMMIT")));
    edit->scanned_us = vv_now_us(op);
    if (edit->is_outdated)
        return VARVE_OK;
    VV_TRY(vv_edit_write(op, edit));
    VV_TRY(vv_edit_feed(op, edit, run->kind));
    VV_TRY(vv_on_record_end(op, &edit->on_record));
    edit->written_us = vv_now_us(op);
    return add_txn(op, run, edit);
}

/* One attempt at the table's current snapshot. REPLAN in `out`: somebody was faster. */
static varve_status try_once(struct vv_op *op, const struct run *run, struct vv_edit *edit,
    uint32_t attempts_used, struct vv_commit_result *out)
{
    /* Of what it begins with: a merge that adds columns looks at a snapshot that is gone then. */
    int64_t version = edit->snapshot->version;
    varve_status status = find_and_write(op, run, edit);
    *out = (struct vv_commit_result){
        .outcome = edit->is_outdated ? VV_COMMIT_REPLAN : VV_COMMIT_DONE, .version = version};
    if (status == VARVE_OK && !edit->is_outdated && !changes_nothing(edit) &&
        !run->options->dry_run)
        status = commit(op, run, edit, attempts_used, out);
    bool is_ours_to_remove = status == VARVE_OK
                                 ? out->outcome == VV_COMMIT_REPLAN || run->options->dry_run
                                 : status != VARVE_EUNKNOWN;
    if (is_ours_to_remove) {
        vv_write_discard(op, run->table, &edit->written);
        vv_marks_discard(op, &edit->marks);
    }
    return status;
}

static void fill_result(const struct vv_edit *edit, struct vv_edit_result *out)
{
    out->rows_gone = edit->rows_gone;
    out->rows_come = edit->news_len;
    out->rows_copied = edit->rows_copied;
    out->warned = edit->warned;
    out->files_added = edit->files_added;
    out->files_removed = edit->files_removed + edit->marks.emptied;
    out->vectors_added = edit->marks.added;
    out->vectors_updated = edit->marks.updated;
    out->vectors_removed = edit->vectors_removed + edit->marks.emptied_with_vector;
}

static varve_status attempts(struct vv_op *op, const struct run *run,
    struct vv_edit_result *out, bool *out_has_committed)
{
    *out_has_committed = false;
    for (;;) {
        VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *snapshot = NULL;
        struct vv_rules rules;
        struct vv_commit_result committed;
        out->version = run->table->snapshot->version;
        out->already_applied = vv_snapshot_has_txn(run->table->snapshot, run->options->app_id,
            run->options->app_version);
        if (out->already_applied)
            return VARVE_OK;
        VV_TRY(check_table(op, run));
        VV_TRY(vv_rules_read(op, &op->arena, run->table->snapshot, true, &rules));
        snapshot = vv_snapshot_retain(run->table->snapshot);
        VV_CLEANUP(edit_done)
        struct vv_edit edit = {.table = run->table,
            .work = run->work,
            .session = run->work->session,
            .arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT),
            .snapshot = snapshot,
            .rules = &rules,
            .started_us = run->started_us};
        edit.written.arena = &edit.arena;
        edit.marks.table = run->table;
        edit.marks.session = run->work->session;
        edit.marks.arena = &edit.arena;
        VV_TRY(try_once(op, run, &edit, out->attempts, &committed));
        out->attempts += committed.attempts;
        if (committed.outcome == VV_COMMIT_DONE) {
            *out_has_committed = committed.attempts > 0;
            fill_result(&edit, out);
            out->version = committed.version;
            return VARVE_OK;
        }
        VV_TRY(vv_table_refresh(op, run->table));
    }
}

varve_status vv_edit_run(struct vv_op *op, struct vv_table *table,
    const struct vv_edit_kind *kind, void *data, const struct vv_edit_options *options,
    struct vv_edit_result *out)
{
    VV_CLEANUP(vv_work_close) struct vv_work *work = NULL;
    VV_CLEANUP(vv_turn_give) struct vv_turn turn = {0};
    struct vv_edit_result result = {0};
    bool has_committed = false;
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_work_open(op, table->engine, &work));
    const struct run run = {.table = table,
        .work = work,
        .kind = kind,
        .data = data,
        .options = options,
        .turn = &turn,
        .started_us = vv_now_us(op)};
    VV_TRY(attempts(op, &run, &result, &has_committed));
    vv_turn_give(&turn);
    if (!has_committed && !options->dry_run)
        VV_TRY(vv_log_settle(op, &table->log));
    if (result.attempts > 0)
        vv_table_checkpoint_if_due(op, table, result.version);
    *out = result;
    return VARVE_OK;
}
