/*
 * The files that an upsert leaves behind.
 *
 * Copy-on-write: a file with a row that must leave it is rewritten without it, with the new rows
 * of its partition (write_plan.h). Merge-on-read: the row is marked (marks.h), and new rows always
 * make files of their own.
 */
#include "base/time.h"
#include "table/batch/batch_few.h"
#include "table/edit/feed_write.h"
#include "table/maintain/policy.h"
#include "table/row_count.h"
#include "table/upsert/upsert_plan.h"
#include "table/write_plan.h"

/* Each reads the batch again, and what is stored of it. So few are not worth a session of a thread. */
#define STRAIGHT_GROUPS_MAX 4
#define RUN_ROWS_MIN 8192 /* so long, a partition is found without reading the others */
#define NEAR_ROWS_MAX \
    122880 /* one row group of the engine's: read for each partition, wherever */

static void add_news(const struct vv_upsert_call *call, const struct vv_upsert_attempt *attempt,
    struct vv_buf *sql)
{
    bool has_stored = attempt->candidates.files_len > 0;
    vv_buf_adds(sql, "SELECT b._row, b._own");
    for (size_t i = 0; i < attempt->snapshot->schema.fields_len; i++)
        vv_buf_addf(sql, ", b.c%zu", i);
    vv_buf_addf(sql, " FROM %.*s AS b", VV_ARG(call->batch.sql));
    if (has_stored)
        vv_buf_addf(sql,
            " LEFT JOIN %.*s AS o ON o._row = b._row AND o._rank = 1 "
            "WHERE o._what IS NULL OR o._what = 1",
            VV_ARG(call->work->stored.sql));
}

/*
 * Many rows that come partition by partition, or nearly so, as most of what is loaded at once does:
 * the engine knows where in the table a partition lies, and to sort each for itself takes less than
 * to sort them all.
 */
static bool is_clustered(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt)
{
    return attempt->candidates.files_len == 0 && call->batch.partition_runs > 0 &&
           call->batch.rows / call->batch.partition_runs >= RUN_ROWS_MIN;
}

/* Every row of the batch is written, as it is. */
static bool is_whole(const struct vv_upsert_attempt *attempt)
{
    return attempt->counts[VV_OUTCOME_UNCHANGED] == 0 && attempt->counts[VV_OUTCOME_STALE] == 0;
}

/* Where the batch lies in memory. */
static const struct vv_rowset *lying_of(const struct vv_upsert_call *call)
{
    return call->batch.few != NULL ? call->batch.few : call->batch.many;
}

/* Each partition has its rows together. */
static bool has_runs(const struct vv_upsert_attempt *attempt)
{
    bool has_runs = true;
    for (size_t i = 0; i < attempt->groups_len && has_runs; i++)
        has_runs = attempt->groups[i].is_run;
    return has_runs;
}

/*
 * A copy of it would be read no faster: few rows in memory that are sorted with those of the files
 * that are written again, many there of which each partition is found at once, or no more than a row
 * group.
 */
static bool is_near(const struct vv_upsert_call *call, const struct vv_upsert_attempt *attempt)
{
    if (!is_whole(attempt))
        return false;
    if (call->batch.few != NULL)
        return vv_upsert_takes_rows(attempt) && !vv_marks_wanted(attempt->snapshot);
    if (call->batch.many != NULL && has_runs(attempt))
        return true;
    return call->batch.rows <= NEAR_ROWS_MAX &&
           (call->batch.many != NULL || vv_str_eq(call->batch.sql, call->work->batch.table));
}

/* What is in the order of the key is in that of the files: by the key, or its first columns. */
static bool is_filed_by_key(const struct vv_rules *rules)
{
    bool is_by_key = rules->zorder_len <= rules->key_len;
    for (size_t i = 0; is_by_key && i < rules->zorder_len; i++)
        is_by_key = rules->zorder[i] == rules->key[i];
    return is_by_key && rules->key_len > 0;
}

/* Rows in memory of which each partition has its own together, in the order of its files. */
static bool lies_in_runs(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt)
{
    bool is_in_runs =
        lying_of(call) != NULL && is_whole(attempt) && is_filed_by_key(attempt->rules);
    for (size_t i = 0; is_in_runs && i < attempt->groups_len; i++)
        is_in_runs = attempt->groups[i].is_run &&
                     (attempt->groups[i].ascends || call->batch.is_ascending);
    return is_in_runs;
}

/* The news are the batch, whose rows lie in the order in which files have theirs. */
static bool is_in_order(const struct vv_upsert_call *call,
    const struct vv_upsert_attempt *attempt)
{
    return call->batch.is_ascending && is_filed_by_key(attempt->rules) &&
           vv_str_eq(attempt->news_sql, call->batch.sql);
}

/*
 * A batch for a few partitions, which is what a bot sends, is written straight from where it
 * lies; copying its new rows first would cost more than writing them. Few rows of which some are
 * stored are copied, since the statements that do it are prepared already.
 */
static varve_status make_news(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_rules *rules = attempt->rules;
    bool has_stored = attempt->candidates.files_len > 0;
    attempt->is_straight = (attempt->groups_len <= STRAIGHT_GROUPS_MAX &&
                               (!has_stored || !call->work->is_small)) ||
                           is_clustered(call, attempt) || is_near(call, attempt) ||
                           lies_in_runs(call, attempt);
    attempt->news_sql = call->batch.sql;
    if (attempt->is_straight && is_whole(attempt))
        return VARVE_OK;
    add_news(call, attempt, &sql);
    if (attempt->is_straight) {
        attempt->news_sql =
            vv_arena_format(&attempt->arena, "(%.*s)", VV_ARG(vv_buf_str(&sql)));
        return vv_buf_ok(&sql) && attempt->news_sql.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
    }
    vv_buf_adds(&sql, " ORDER BY ");
    for (size_t i = 0; i < rules->partitions_len; i++)
        vv_buf_addf(&sql, "b.c%d, ", rules->partitions[i]);
    const int32_t *columns = rules->zorder_len > 0 ? rules->zorder : rules->key;
    size_t len = rules->zorder_len > 0 ? rules->zorder_len : rules->key_len;
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(&sql, "b.c%d, ", columns[i]);
    vv_buf_adds(&sql, "b._row");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .is_kept = true};
    int64_t rows_made = 0;
    VV_TRY(vv_work_make(op, call->work, &call->work->news, &query, &rows_made));
    attempt->news_sql = call->work->news.sql;
    return VARVE_OK;
}

/* `lying`: where these rows are, in memory; `in_order` as files have it. NULL: elsewhere. */
static varve_status add_groups(struct vv_op *op, struct vv_write_plan *plan,
    const struct vv_key_group *groups, size_t groups_len, const struct vv_rowset *lying,
    bool in_order)
{
    bool by_key = is_filed_by_key(plan->rules);
    for (size_t i = 0; i < groups_len; i++) {
        struct vv_write_target *target = NULL;
        VV_TRY(vv_write_plan_target(op, plan, groups[i].partition, &target));
        target->news = groups[i].rows;
        target->run = groups[i].is_run ? lying : NULL;
        target->first = groups[i].first;
        target->is_run_in_order = in_order || (by_key && groups[i].ascends);
    }
    return VARVE_OK;
}

/* How many new rows each partition gets. */
static varve_status count_news(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct vv_write_plan *plan)
{
    const struct vv_schema *schema = &attempt->snapshot->schema;
    const struct vv_relation *news = &call->work->news;
    struct vv_key_group *groups = NULL;
    size_t groups_len = 0;
    bool can_count = news->in_memory && vv_few_can_count(schema, attempt->rules);
    if (attempt->is_straight && is_whole(attempt)) /* the news are the batch */
        return add_groups(op, plan, attempt->groups, attempt->groups_len, lying_of(call),
            is_in_order(call, attempt));
    if (is_whole(attempt) && !can_count) /* they have the groups of the batch */
        return add_groups(op, plan, attempt->groups, attempt->groups_len, NULL, false);
    if (attempt->is_straight || !can_count)
        return vv_write_plan_count_news(op, plan);
    VV_TRY(vv_few_groups(op, &attempt->arena, news->rowset, schema, attempt->rules, &groups,
        &groups_len));
    return add_groups(op, plan, groups, groups_len, news->rowset, true);
}

/* The files that rows must leave; those that nothing is left of need not be read again. */
static varve_status add_files(struct vv_op *op, const struct vv_upsert_attempt *attempt,
    struct vv_write_plan *plan)
{
    for (size_t i = 0; i < attempt->candidates.files_len; i++) {
        bool is_emptied = false;
        if (attempt->gone[i] == 0)
            continue;
        VV_TRY(vv_row_count_is_emptied(op, plan->session, plan->table->store,
            attempt->candidates.files[i], attempt->gone[i], &is_emptied));
        if (!is_emptied)
            VV_TRY(vv_write_plan_add_file(op, plan, attempt->candidates.files[i], (int64_t)i));
    }
    return VARVE_OK;
}

static varve_status remove_rewritten(struct vv_op *op, struct vv_upsert_attempt *attempt,
    int64_t now_ms)
{
    for (size_t i = 0; i < attempt->candidates.files_len; i++) {
        if (attempt->gone[i] == 0)
            continue;
        struct vv_remove *remove = vv_actions_new_remove(&attempt->actions, &attempt->arena);
        if (remove == NULL)
            return vv_fail_memory(op);
        *remove = vv_remove_of(attempt->candidates.files[i], now_ms, true);
        attempt->bytes_removed += attempt->candidates.files[i]->bytes;
        attempt->vectors_removed += attempt->candidates.files[i]->dv != NULL;
    }
    return VARVE_OK;
}

static varve_status mark(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, int64_t now_ms)
{
    struct vv_str sql = vv_arena_format(&attempt->arena,
        "SELECT _file, _pos FROM %.*s WHERE _rank > 1 OR _what = 1",
        VV_ARG(call->work->stored.sql));
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_marks_read(op, &attempt->marks, sql, attempt->candidates.files,
        attempt->candidates.files_len));
    return vv_marks_apply(op, &attempt->marks, now_ms, &attempt->actions);
}

bool vv_upsert_takes_rows(const struct vv_upsert_attempt *attempt)
{
    for (size_t i = 0; i < attempt->candidates.files_len; i++)
        if (attempt->gone[i] > 0)
            return true;
    return false;
}

/* As of an edit (edit_write.c). */
static varve_status begin_check(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    const struct vv_candidates *candidates = &attempt->candidates;
    const struct vv_file **copied = NULL;
    size_t len = 0;
    bool is_copied = vv_feed_wanted(attempt->snapshot) || !vv_marks_wanted(attempt->snapshot);
    if (attempt->are_on_record || candidates->files_len == 0)
        return VARVE_OK;
    VV_TRY(vv_on_record_sizes(op, call->table->store, candidates->files,
        candidates->files_len));
    VV_NEW(op, &copied, const struct vv_file *, candidates->files_len + 1);
    for (size_t i = 0; i < candidates->files_len && is_copied; i++)
        if (attempt->gone[i] > 0)
            copied[len++] = candidates->files[i];
    return vv_on_record_begin(op, call->table->store, copied, len, &attempt->on_record);
}

varve_status vv_upsert_rewrite(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt)
{
    struct vv_write_plan plan = {.table = call->table,
        .session = call->work->session,
        .arena = &attempt->arena,
        .snapshot = attempt->snapshot,
        .rules = attempt->rules,
        .gone = vv_arena_format(&attempt->arena, "%.*s AS g WHERE (g._rank > 1 OR g._what = 1)",
            VV_ARG(call->work->stored.sql)),
        .news_tie = "_row",
        .part = call->work->part,
        .draft = &call->work->draft,
        .target_bytes =
            vv_policy_target(op, call->table->name, call->table->snapshot->metadata),
        .by_partition = VV_MAP_INIT(&attempt->arena)};
    int64_t rows = attempt->counts[VV_OUTCOME_INSERT] + attempt->counts[VV_OUTCOME_UPDATE];
    VV_TRY(begin_check(op, call, attempt));
    plan.is_news_shared = rows == 0;
    if (plan.gone.ptr == NULL)
        return vv_fail_memory(op);
    if (rows > 0) {
        VV_TRY(make_news(op, call, attempt));
        plan.news = attempt->news_sql;
        plan.is_news_in_order = !attempt->is_straight || is_in_order(call, attempt);
        plan.is_news_shared =
            !attempt->is_straight || is_clustered(call, attempt) || is_near(call, attempt) ||
            (lies_in_runs(call, attempt) && attempt->groups_len > STRAIGHT_GROUPS_MAX);
        VV_TRY(count_news(op, call, attempt, &plan));
    }
    bool is_marking = vv_upsert_takes_rows(attempt) && vv_marks_wanted(attempt->snapshot);
    if (!is_marking)
        VV_TRY(add_files(op, attempt, &plan));
    VV_TRY(vv_write_plan_run(op, &plan, &attempt->written, &attempt->actions));
    attempt->rows_copied = plan.rows_copied;
    attempt->bytes_added = plan.bytes_added;
    int64_t now_ms = vv_now_us(op) / VV_US_PER_MS;
    return is_marking ? mark(op, call, attempt, now_ms) : remove_rewritten(op, attempt, now_ms);
}
