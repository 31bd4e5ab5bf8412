/*
 * A vacuum that was announced and has not ended. One that is looked for after something was written
 * (a pin), or by a plan that whoever commits before it makes anew (a restore), is not missed: one
 * that begins later reads what was written. What counts is the log as it is now: one that began
 * since the table was opened may not have read it.
 */
#include "base/json.h"
#include "base/time.h"
#include "delta/commit_time.h"
#include "delta/log_list.h"
#include "delta/timeline.h"
#include "table/maintain/vacuum.h"

/* How far back it is looked for; one that is older was killed. */
#define VACUUM_US_MAX VV_US_PER_DAY

struct search {
    const struct vv_table *table;
    struct vv_ledger_reader ledger;
    int64_t since_us;
    int64_t next; /* the newest version that was not looked at; VV_NO_VERSION: all were */
    bool is_over; /* no older commit matters */
    const struct vv_history_entry *start;
};

static void search_done(struct search *search)
{
    vv_ledger_reader_done(&search->ledger);
}

int64_t vv_vacuum_until_ms(const struct vv_history_entry *start)
{
    const struct vv_json *parameters = start->info->parameters;
    int64_t retention_ms = 0;
    if (!vv_json_int64(vv_json_get(parameters, "specifiedRetentionMillis"), &retention_ms))
        (void)vv_json_int64(vv_json_get(parameters, "defaultRetentionMillis"), &retention_ms);
    if (retention_ms < 0) /* of other software */
        retention_ms = 0;
    return retention_ms > start->timestamp_ms ? INT64_MIN : start->timestamp_ms - retention_ms;
}

static varve_status read_info(struct vv_op *op, struct search *search,
    const struct vv_log_commit *commit, struct vv_arena *arena,
    const struct vv_commit_info **out)
{
    struct vv_str bytes = VV_STR_NONE;
    VV_TRY(vv_log_read_listed(op, &search->table->log, &search->ledger, commit, arena, &bytes));
    return vv_timeline_find_info(op, arena, commit->version, bytes, out);
}

static varve_status keep_start(struct vv_op *op, struct search *search,
    const struct vv_log_commit *commit)
{
    struct vv_history_entry *start = vv_new(&op->arena, struct vv_history_entry, 1);
    if (start == NULL)
        return vv_fail_memory(op);
    *start = (struct vv_history_entry){.version = commit->version, .commit = *commit};
    VV_TRY(read_info(op, search, commit, &op->arena, &start->info));
    search->start = start;
    /* A table whose newest version is damaged has none. */
    const struct vv_snapshot *newest = search->table->snapshot;
    int64_t counts_from = newest != NULL ? vv_commit_time_counts_from(newest->metadata) : 0;
    return vv_commit_time_ms(op, &search->table->log, commit, start->info, counts_from,
        &start->timestamp_ms);
}

static varve_status look_at(struct vv_op *op, struct search *search,
    const struct vv_log_commit *commit)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    const struct vv_commit_info *info = NULL;
    varve_status status = read_info(op, search, commit, &arena, &info);
    if (status == VARVE_ECORRUPT) {
        vv_forgive(op);
        vv_log(op, VV_LOG_WARN, "vacuum.damaged",
            "table %.*s: version %" PRId64 " is damaged, so whether it began a vacuum that "
            "still runs can't be told",
            VV_ARG(search->table->name), commit->version);
        return VARVE_OK;
    }
    VV_TRY(status);
    struct vv_str operation = info != NULL ? info->operation : VV_STR_NONE;
    bool is_start = vv_str_eq(operation, VV_STR("VACUUM START"));
    bool is_old = vv_commit_time_is_before(commit, info, search->since_us);
    search->is_over = is_old || is_start || vv_str_eq(operation, VV_STR("VACUUM END"));
    return is_start && !is_old ? keep_start(op, search, commit) : VARVE_OK;
}

static varve_status look_down(struct vv_op *op, struct search *search,
    const struct vv_log_list *list, bool passes_holes)
{
    for (size_t i = vv_log_list_lower(list, search->next + 1); i > 0 && !search->is_over; i--) {
        const struct vv_log_commit *commit = &list->commits.items[i - 1];
        if (commit->version != search->next && !passes_holes)
            return VARVE_OK;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(look_at(op, search, commit));
        search->next = commit->version - 1;
    }
    return VARVE_OK;
}

varve_status vv_vacuum_under_way(struct vv_op *op, const struct vv_table *table,
    const struct vv_history_entry **out)
{
    VV_CLEANUP(search_done)
    struct search search = {.table = table,
        .ledger = {.arena = VV_ARENA_INIT(op->arena.bytes_max)},
        .since_us = vv_now_us(op) - VACUUM_US_MAX};
    struct vv_log_list list = {0};
    VV_TRY(vv_log_list_read(op, &table->log, 0, &op->arena, &list));
    search.next = vv_log_list_last(&list);
    VV_TRY(look_down(op, &search, &list, false));
    if (!search.is_over && search.next != VV_NO_VERSION) { /* what the log lacks */
        VV_TRY(vv_ledger_extend(op, &table->log, &op->arena, &list));
        VV_TRY(look_down(op, &search, &list, true));
    }
    *out = search.start;
    return VARVE_OK;
}
