#include "table/maintain/optimize.h"

#include "base/number.h"
#include "base/seam.h"
#include "base/time.h"
#include "delta/action_copy.h"
#include "delta/clustering.h"
#include "delta/features.h"
#include "table/maintain/checkpoint.h"
#include "table/file_set.h"
#include "table/maintain/optimize_run.h"
#include "table/maintain/policy.h"
#include "table/read/small_scan.h"
#include "table/writers.h"

#define PASSES_MAX 4
#define ATTEMPTS_MAX 100 /* losing a race costs a commit body, not work: see bins_check */

/* A group is committed when it has so much; what is left then is for the next commit. */
#define GROUP_BYTES (INT64_C(1) << 30)
#define GROUP_BINS 256

struct group {
    const struct vv_optimize_run *run;
    struct vv_arena arena;
    struct vv_optimize_done *done;
    size_t len;
    int64_t bytes;
};

static void group_done(struct group *group)
{
    vv_arena_done(&group->arena);
}

static void run_done(struct vv_optimize_run *run)
{
    if (run->reads_once)
        vv_engine_read_once(run->table->engine, false);
    if (run->chain != NULL)
        vv_chain_ahead_done(run->chain);
    vv_snapshot_release(&run->snapshot);
    vv_session_close(&run->session);
}

static void group_discard(struct vv_op *op, struct vv_optimize_run *run,
    const struct group *group)
{
    for (size_t i = 0; i < group->len; i++)
        vv_write_discard(op, run->table, &group->done[i].written);
}

static varve_status check_zorder(struct vv_op *op, const struct vv_optimize_run *run,
    struct vv_str name, int32_t column)
{
    if (column < 0)
        return vv_rules_fail_column(op, run->table->name, &run->snapshot->schema, name);
    if (vv_snapshot_is_partition(run->snapshot, column))
        return vv_fail(op, VARVE_EUSAGE,
            "%.*s is a partition column: it has one value in each file already", VV_ARG(name));
    if (!vv_type_is_ordered(&run->snapshot->schema.fields[column].type))
        return vv_fail(op, VARVE_EUSAGE, "column %.*s has a type without an order",
            VV_ARG(name));
    return VARVE_OK;
}

/* Those of --zorder, or else of the table's clustering. */
static varve_status name_zorder(struct vv_op *op, struct vv_optimize_run *run,
    struct vv_str **out, size_t *out_len)
{
    struct vv_clustering declared;
    run->is_clustered = false;
    run->leaves_foreign = false;
    run->zorder = (struct vv_zorder){.len = 0};
    if (run->request->zorder.len > 0)
        return vv_rules_split_names(op, &op->arena, run->request->zorder, out, out_len);
    VV_TRY(vv_clustering_declared(op, &op->arena, run->snapshot, &declared));
    run->leaves_foreign = declared.len > 0;
    run->is_clustered = declared.len > 0 && !declared.is_nested;
    *out = declared.names;
    *out_len = run->is_clustered ? declared.len : 0;
    return VARVE_OK;
}

/* The columns to order by, and the tag that says them in the table's own spelling. */
static varve_status read_zorder(struct vv_op *op, struct vv_optimize_run *run)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf tag = VV_BUF_INIT(1 << 20);
    struct vv_str *names = NULL;
    int32_t *columns = NULL;
    size_t len = 0;
    VV_TRY(name_zorder(op, run, &names, &len));
    if (len > VV_ZORDER_COLUMNS_MAX)
        return vv_fail(op, VARVE_EUSAGE, "z-order takes at most %d columns",
            VV_ZORDER_COLUMNS_MAX);
    VV_NEW(op, &columns, int32_t, len + 1);
    for (size_t i = 0; i < len; i++) {
        columns[i] = vv_schema_find(&run->snapshot->schema, names[i]);
        VV_TRY(check_zorder(op, run, names[i], columns[i]));
        for (size_t j = 0; j < i; j++)
            if (columns[j] == columns[i])
                return vv_fail(op, VARVE_EUSAGE, "column %.*s is named twice",
                    VV_ARG(names[i]));
        names[i] = run->snapshot->schema.fields[columns[i]].name;
    }
    vv_rules_write_names(names, len, &tag);
    run->spec.zorder = vv_arena_str(&op->arena, vv_buf_str(&tag));
    if (!vv_buf_ok(&tag) || run->spec.zorder.ptr == NULL)
        return vv_fail_memory(op);
    run->zorder = (struct vv_zorder){columns, len};
    return VARVE_OK;
}

static int32_t sort_column(const struct vv_optimize_run *run)
{
    if (run->rules.zorder_len > 0)
        return run->rules.zorder[0];
    return run->rules.key_len > 0 ? run->rules.key[0] : -1;
}

/* Pins the newest snapshot and reads from it what the run goes by. */
static varve_status prepare(struct vv_op *op, struct vv_optimize_run *run)
{
    VV_TRY(vv_table_refresh(op, run->table));
    vv_snapshot_release(&run->snapshot);
    run->snapshot = vv_snapshot_retain(run->table->snapshot);
    run->is_alone = true;
    run->own_version = run->snapshot->version;
    VV_TRY(vv_features_check_write(op, run->snapshot->protocol, run->snapshot->metadata,
        &run->snapshot->schema));
    VV_TRY(vv_rules_read(op, &op->arena, run->snapshot, false, &run->rules));
    run->spec.target_bytes =
        run->request->target_bytes > 0
            ? run->request->target_bytes
            : vv_policy_target(op, run->table->name, run->snapshot->metadata);
    run->spec.sort_column = sort_column(run);
    run->spec.tier_files = run->request->tier_files;
    run->tag = (struct vv_pair){VV_STR_NONE, VV_STR_NONE};
    run->is_clustered = false;
    run->leaves_foreign = false;
    if (run->spec.tier_files > 0)
        return VARVE_OK; /* not for good */
    VV_TRY(read_zorder(op, run));
    if (run->zorder.len > 0) {
        run->tag = (struct vv_pair){VV_STR(VV_TAG_ZORDER), run->spec.zorder};
        return VARVE_OK;
    }
    run->tag = (struct vv_pair){
        VV_STR(VV_TAG_PACKED), vv_arena_format(&op->arena, "%" PRId64, run->spec.target_bytes)};
    return run->tag.value.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Appends and the like go by; what removed one of our files, or changed the rules, does not. */
static varve_status judge(struct vv_op *op, void *data, const struct vv_actions *winner,
    enum vv_verdict *out)
{
    const struct group *group = data;
    bool matters = winner->protocol != NULL || winner->metadata != NULL;
    (void)op;
    for (size_t r = 0; r < winner->removes.len && !matters; r++) {
        const struct vv_remove *remove = &winner->removes.items[r];
        for (size_t i = 0; i < group->len && !matters; i++)
            for (size_t f = 0; f < group->done[i].bin->files_len && !matters; f++) {
                const struct vv_file *file = group->done[i].bin->files[f];
                matters = !group->done[i].is_lost && file->hash == remove->hash &&
                          vv_str_eq(file->key, remove->key) &&
                          vv_str_eq(file->dv_id, remove->dv_id);
            }
    }
    *out = matters ? VV_VERDICT_REPLAN : VV_VERDICT_REBASE;
    return VARVE_OK;
}

/*
 * After a lost race: bins whose files are all there still may be committed as they are; the others
 * are lost. Where the rules of the table have changed all of them are.
 */
static varve_status bins_check(struct vv_op *op, struct vv_optimize_run *run,
    struct group *group, struct vv_optimize_result *result)
{
    struct vv_file_set live;
    const struct vv_snapshot *newest = run->table->snapshot;
    bool is_same = vv_rules_same(run->snapshot, newest);
    VV_TRY(vv_features_check_write(op, newest->protocol, newest->metadata, &newest->schema));
    VV_TRY(vv_file_set_init(op, &op->arena, newest->files, newest->files_len, &live));
    for (size_t i = 0; i < group->len; i++) {
        struct vv_optimize_done *done = &group->done[i];
        bool is_lost = !is_same;
        for (size_t f = 0; f < done->bin->files_len && !is_lost; f++)
            is_lost = !vv_file_set_has(&live, done->bin->files[f]);
        if (!is_lost || done->is_lost)
            continue;
        done->is_lost = true;
        result->files_skipped += (int64_t)done->bin->files_len;
        vv_write_discard(op, run->table, &done->written);
        done->written.keys_len = 0;
    }
    return VARVE_OK;
}

static varve_status add_actions(struct vv_op *op, const struct group *group, int64_t now_ms,
    struct vv_arena *arena, struct vv_actions *out)
{
    for (size_t i = 0; i < group->len; i++) {
        const struct vv_optimize_done *done = &group->done[i];
        for (size_t j = 0; j < done->adds_len && !done->is_lost; j++) {
            struct vv_file *add = vv_actions_new_add(out, arena);
            if (add == NULL)
                return vv_fail_memory(op);
            *add = done->adds[j];
        }
        for (size_t f = 0; f < done->bin->files_len && !done->is_lost; f++) {
            struct vv_remove *remove = vv_actions_new_remove(out, arena);
            if (remove == NULL)
                return vv_fail_memory(op);
            *remove = vv_remove_of(done->bin->files[f], now_ms, false);
        }
    }
    return VARVE_OK;
}

/* One try at the table's current snapshot. */
static varve_status group_try(struct vv_op *op, struct vv_optimize_run *run,
    struct group *group, struct vv_commit_result *out)
{
    struct vv_actions actions = {0};
    struct vv_commit_request request = {.read = run->table->snapshot,
        .actions = &actions,
        .operation = VV_STR("OPTIMIZE"),
        .user_name = run->request->user_name,
        .user_metadata = run->request->user_metadata,
        .attempts_max = ATTEMPTS_MAX,
        .judge = judge,
        .judge_data = group};
    *out = (struct vv_commit_result){.outcome = VV_COMMIT_DONE, .version = VV_NO_VERSION};
    VV_TRY(add_actions(op, group, vv_now_us(op) / VV_US_PER_MS, &group->arena, &actions));
    if (actions.removes.len == 0)
        return VARVE_OK;
    VV_TRY(vv_optimize_record(op, run, group->done, group->len, &group->arena, &request));
    request.below = vv_chain_ahead_link(op, run->chain, run->table->snapshot);
    vv_crash_point("optimize.before_commit");
    return vv_commit(op, &run->table->log, &request, out);
}

static void count(const struct group *group, struct vv_optimize_result *result)
{
    for (size_t i = 0; i < group->len; i++) {
        const struct vv_optimize_done *done = &group->done[i];
        if (done->is_lost)
            continue;
        for (size_t j = 0; j < done->adds_len; j++)
            result->bytes_added += done->adds[j].bytes;
        result->files_added += (int64_t)done->adds_len;
        result->files_removed += (int64_t)done->bin->files_len;
        result->bytes_removed += done->bin->bytes;
        result->vectors_removed += (int64_t)done->bin->vectors;
        result->rows =
            done->bin->rows < 0 || result->rows < 0 ? -1 : result->rows + done->bin->rows;
    }
}

static varve_status group_commit(struct vv_op *op, struct vv_optimize_run *run,
    struct group *group, struct vv_optimize_result *result)
{
    vv_crash_point("optimize.before_publish");
    for (size_t i = 0; i < group->len; i++)
        VV_TRY(vv_write_publish(op, run->table, &group->done[i].written));
    for (;;) {
        struct vv_commit_result committed;
        VV_TRY(vv_table_refresh(op, run->table));
        int64_t read_version = run->table->snapshot->version;
        run->is_alone = run->is_alone && read_version == run->own_version;
        if (!run->is_alone)
            VV_TRY(bins_check(op, run, group, result));
        VV_TRY(group_try(op, run, group, &committed));
        if (committed.outcome == VV_COMMIT_REPLAN)
            continue;
        if (committed.version != VV_NO_VERSION) {
            run->is_alone = run->is_alone && committed.version == read_version + 1;
            run->own_version = committed.version;
            result->commits++;
            count(group, result);
        }
        return VARVE_OK;
    }
}

static varve_status write_bin(struct vv_op *op, void *data, const struct vv_writer *writer,
    size_t index)
{
    const struct group *group = data;
    struct vv_optimize_done *done = &group->done[index];
    done->written.arena = writer->written->arena;
    return vv_optimize_write(op, group->run, writer->session, done);
}

/* What a bin became, out of the memory of the thread that has written it. */
static varve_status keep_done(struct vv_op *op, struct group *group,
    struct vv_optimize_done *done)
{
    struct vv_written written = {.arena = &group->arena};
    struct vv_file *adds = vv_new(&group->arena, struct vv_file, done->adds_len + 1);
    for (size_t i = 0; i < done->written.keys_len; i++)
        if (!vv_written_add(&written, vv_arena_str(&group->arena, done->written.keys[i])))
            return vv_fail_memory(op);
    if (adds == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < done->adds_len; i++) {
        const struct vv_file *copy = vv_file_copy(&group->arena, &done->adds[i]);
        if (copy == NULL)
            return vv_fail_memory(op);
        adds[i] = *copy;
    }
    done->written = written;
    done->adds = adds;
    return VARVE_OK;
}

static varve_status write_bins(struct vv_op *op, struct group *group,
    struct vv_writers_work *work)
{
    VV_CLEANUP(vv_writers_done) struct vv_writers writers = {.len = 0};
    struct vv_written none = {.arena = &group->arena}; /* each bin has its own */
    size_t threads = vv_writers_count(work);
    if (threads > 1)
        vv_engine_expect_many(work->table->engine);
    else
        vv_engine_expect(work->table->engine, work->bytes);
    varve_status status = vv_writers_run(op, &writers, threads, work, &none);
    for (size_t i = 0; i < group->len && status == VARVE_OK; i++)
        status = keep_done(op, group, &group->done[i]);
    /* While the keys are there. */
    for (size_t i = 0; i < group->len && status != VARVE_OK; i++) {
        vv_write_discard(op, work->table, &group->done[i].written);
        group->done[i].written.keys_len = 0;
    }
    return status;
}

/* Bins from `first` on, until the group has enough. */
static varve_status group_write(struct vv_op *op, struct vv_optimize_run *run,
    const struct vv_optimize_plan *plan, size_t first, struct group *group)
{
    int64_t longest = 0;
    group->run = run;
    group->done = vv_new(&group->arena, struct vv_optimize_done, GROUP_BINS);
    if (group->done == NULL)
        return vv_fail_memory(op);
    for (size_t i = first;
         i < plan->bins_len && group->len < GROUP_BINS && group->bytes < GROUP_BYTES; i++) {
        group->done[group->len++].bin = &plan->bins[i];
        group->bytes += plan->bins[i].bytes;
        if (plan->bins[i].bytes > longest)
            longest = plan->bins[i].bytes;
    }
    struct vv_writers_work work = {.table = run->table,
        .session = run->session,
        .len = group->len,
        .bytes = longest,
        .phase = "optimize",
        .before = first,
        .total = plan->bins_len,
        .run = write_bin,
        .data = group};
    /* Where several bins are written at once each of them has one thread. */
    run->readers = vv_writers_count(&work) > 1
                       ? 1
                       : vv_engine_writers(run->table->engine, VV_SMALL_SCAN_BYTES_MAX);
    VV_TRY(vv_progress(op, "optimize", first, plan->bins_len));
    return write_bins(op, group, &work);
}

static int64_t count_partitions(const struct vv_optimize_plan *plan)
{
    int64_t partitions = 0;
    for (size_t i = 0; i < plan->bins_len; i++)
        partitions += i == 0 || plan->bins[i].partition != plan->bins[i - 1].partition;
    return partitions;
}

/* Plans, and carries the plan out group by group. */
static varve_status pass(struct vv_op *op, struct vv_optimize_run *run,
    struct vv_optimize_result *result)
{
    struct vv_optimize_plan plan;
    VV_TRY(prepare(op, run));
    VV_TRY(vv_optimize_choose(op, run));
    VV_TRY(vv_optimize_plan(op, &op->arena, run->snapshot, &run->rules, &run->spec, &plan));
    result->partitions += count_partitions(&plan);
    if (run->request->dry_run) {
        for (size_t i = 0; i < plan.bins_len; i++)
            result->files_removed += (int64_t)plan.bins[i].files_len;
        result->bytes_removed = plan.bytes;
        return VARVE_OK;
    }
    if (plan.bins_len > 0 && !run->reads_once) {
        vv_engine_read_once(run->table->engine, true);
        run->reads_once = true;
    }
    for (size_t first = 0; first < plan.bins_len;) {
        VV_CLEANUP(group_done)
        struct group group = {.arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT)};
        varve_status status = group_write(op, run, &plan, first, &group);
        if (status == VARVE_OK)
            status = group_commit(op, run, &group, result);
        if (status != VARVE_OK && status != VARVE_EUNKNOWN)
            group_discard(op, run, &group);
        VV_TRY(status);
        first += group.len;
    }
    return vv_progress(op, "optimize", plan.bins_len, plan.bins_len);
}

varve_status vv_optimize_preview(struct vv_op *op, struct vv_table *table,
    const struct vv_optimize_request *request, struct vv_arena *arena,
    struct vv_optimize_plan *out)
{
    VV_CLEANUP(run_done)
    struct vv_optimize_run run = {.table = table, .request = request};
    VV_TRY(vv_session_open(op, table->engine, &run.session));
    VV_TRY(prepare(op, &run));
    VV_TRY(vv_optimize_choose(op, &run));
    return vv_optimize_plan(op, arena, run.snapshot, &run.rules, &run.spec, out);
}

varve_status vv_optimize(struct vv_op *op, struct vv_table *table,
    const struct vv_optimize_request *request, struct vv_optimize_result *out)
{
    struct vv_chain_ahead chain = {.aside = NULL};
    VV_CLEANUP(run_done)
    struct vv_optimize_run run = {.table = table, .request = request, .chain = &chain};
    struct vv_optimize_result result = {0};
    VV_TRY(vv_session_open(op, table->engine, &run.session));
    for (int passes = 0; passes < PASSES_MAX; passes++) {
        result.files_skipped = 0;
        VV_TRY(pass(op, &run, &result));
        if (result.files_skipped == 0 || request->dry_run)
            break;
    }
    if (!run.is_alone)
        VV_TRY(vv_table_refresh(op, table));
    result.version = run.is_alone ? run.own_version : table->snapshot->version;
    if (result.commits > 0)
        vv_table_checkpoint_if_due(op, table, result.version);
    *out = result;
    return VARVE_OK;
}
