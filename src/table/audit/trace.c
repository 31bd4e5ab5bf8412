#include "table/audit/trace.h"

#include "base/hash_set.h"
#include "base/time.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "engine/sql.h"
#include "table/audit/changes_run.h"
#include "table/read/lost.h"
#include "table/read/prune.h"
#include "table/read/scan_sql.h"
#include "table/audit/trace_sql.h"

struct trace {
    struct vv_arena arena;
    struct vv_changes_run run;
    struct vv_ranges ranges;      /* the key, as bounds */
    struct vv_hash_set cannot;    /* files that can't hold it */
    int64_t lost_from, lost_last; /* versions whose files are gone */
    int64_t lost;
    struct vv_str lost_key; /* a file of lost_from that is gone; in `arena` */
};

static void trace_done(struct trace *trace)
{
    vv_snapshot_release(&trace->run.snapshot);
    vv_arena_done(&trace->arena);
}

/* ---- Which row ----------------------------------------------------------------------------------- */

static bool parse_value(struct vv_str text, const struct vv_type *type, struct vv_value *out)
{
    /* An empty text is a text here; in a partition it would be NULL. */
    if (type->kind == VV_TYPE_STRING) {
        *out = (struct vv_value){.kind = VV_VALUE_TEXT, .text = text};
        return true;
    }
    return vv_partition_parse(text, type, out) && out->kind != VV_VALUE_NULL;
}

static varve_status read_condition(struct vv_op *op, const struct trace *trace,
    struct vv_str condition, struct vv_range *out)
{
    const struct vv_schema *schema = &trace->run.snapshot->schema;
    size_t at = vv_str_find(condition, '=');
    if (at == condition.len)
        return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is no column=value", VV_ARG(condition));
    struct vv_str name = vv_str_trim(vv_str_first(condition, at));
    struct vv_str text = vv_str_skip(condition, at + 1);
    int32_t column = vv_schema_find(schema, name);
    if (column < 0)
        return vv_rules_fail_column(op, trace->run.table->name, schema, name);
    *out = (struct vv_range){.column = column};
    if (!parse_value(text, &schema->fields[column].type, &out->low))
        return vv_fail(op, VARVE_EUSAGE, "\"%.*s\" is no value of column %.*s", VV_ARG(text),
            VV_ARG(name));
    out->high = out->low;
    return VARVE_OK;
}

static bool has_column(const struct vv_ranges *ranges, size_t len, int32_t column)
{
    for (size_t i = 0; i < len; i++)
        if (ranges->items[i].column == column)
            return true;
    return false;
}

static varve_status read_conditions(struct vv_op *op, struct trace *trace,
    const struct vv_str *conditions, size_t len)
{
    const struct vv_changes_run *run = &trace->run;
    struct vv_range *items = NULL;
    VV_NEW(op, &items, struct vv_range, len + 1);
    trace->ranges = (struct vv_ranges){items, len};
    for (size_t i = 0; i < len; i++) {
        VV_TRY(read_condition(op, trace, conditions[i], &items[i]));
        if (has_column(&trace->ranges, i, items[i].column))
            return vv_fail(op, VARVE_EUSAGE, "column %.*s is given twice",
                VV_ARG(run->snapshot->schema.fields[items[i].column].name));
    }
    for (size_t i = 0; i < run->rules.key_len; i++)
        if (!has_column(&trace->ranges, len, run->rules.key[i]))
            return vv_fail(op, VARVE_EUSAGE,
                "the key of table %.*s has the column %.*s too: say %.*s=VALUE",
                VV_ARG(run->table->name),
                VV_ARG(run->snapshot->schema.fields[run->rules.key[i]].name),
                VV_ARG(run->snapshot->schema.fields[run->rules.key[i]].name));
    if (len == 0)
        return vv_fail(op, VARVE_EUSAGE, "the history of which row? Say column=value");
    for (size_t i = 0; i < len && run->rules.key_len > 0; i++)
        if (!vv_rules_is_key(&run->rules, items[i].column))
            return vv_fail(op, VARVE_EUSAGE,
                "column %.*s is not in the key of table %.*s, and its value may have changed: "
                "name the row by its key alone",
                VV_ARG(run->snapshot->schema.fields[items[i].column].name),
                VV_ARG(run->table->name));
    return VARVE_OK;
}

static varve_status where_sql(struct vv_op *op, const struct trace *trace, struct vv_buf *sql)
{
    for (size_t i = 0; i < trace->ranges.len; i++) {
        const struct vv_range *range = &trace->ranges.items[i];
        vv_buf_addf(sql, "%ss.c%d = ", i == 0 ? "" : " AND ", range->column);
        vv_value_sql(&range->low, &trace->run.snapshot->schema.fields[range->column].type, sql);
    }
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* ---- Which files --------------------------------------------------------------------------------- */

static bool keeps(const void *data, struct vv_str key)
{
    const struct trace *trace = data;
    return !vv_hash_set_has(&trace->cannot, vv_xxh3(key));
}

/* Notes which of the files that a commit adds can't hold the row. */
static varve_status prune(struct vv_op *op, struct trace *trace,
    const struct vv_actions *actions)
{
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    struct vv_snapshot one = *trace->run.snapshot;
    const struct vv_file **adds = vv_new(&arena, const struct vv_file *, actions->adds.len + 1);
    const struct vv_file **left = NULL;
    size_t left_len = 0;
    size_t next = 0;
    if (adds == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < actions->adds.len; i++)
        adds[i] = &actions->adds.items[i];
    one.files = adds;
    one.files_len = actions->adds.len;
    VV_TRY(vv_prune(op, &arena, &one, &trace->run.rules, &trace->ranges, &left, &left_len));
    for (size_t i = 0; i < actions->adds.len; i++) {
        if (next < left_len && left[next] == adds[i]) {
            next++;
            continue;
        }
        if (!vv_hash_set_put(&trace->cannot, vv_xxh3(adds[i]->key), NULL))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

static varve_status is_there(struct vv_op *op, struct trace *trace, struct vv_str key,
    bool is_absolute, bool *out)
{
    struct vv_object object = {0};
    *out = true;
    if (is_absolute || !keeps(trace, key))
        return VARVE_OK;
    varve_status status = vv_store_head(op, trace->run.table->store, key, &object);
    if (status != VARVE_ENOTFOUND)
        return status;
    vv_forgive(op);
    *out = false;
    if (trace->lost == 0)
        trace->lost_key = vv_arena_str(&trace->arena, key);
    return trace->lost > 0 || trace->lost_key.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Whether all files that say what a commit did to the row are there. */
static varve_status are_there(struct vv_op *op, struct trace *trace,
    const struct vv_actions *actions, bool *out)
{
    *out = true;
    for (size_t i = 0; i < actions->cdcs.len && *out; i++)
        VV_TRY(is_there(op, trace, actions->cdcs.items[i].key, false, out));
    if (actions->cdcs.len > 0)
        return VARVE_OK;
    for (size_t i = 0; i < actions->adds.len && *out; i++)
        if (actions->adds.items[i].data_change)
            VV_TRY(is_there(op, trace, actions->adds.items[i].key,
                actions->adds.items[i].absolute, out));
    for (size_t i = 0; i < actions->removes.len && *out; i++)
        if (actions->removes.items[i].data_change)
            VV_TRY(is_there(op, trace, actions->removes.items[i].key,
                actions->removes.items[i].absolute, out));
    return VARVE_OK;
}

static varve_status look(struct vv_op *op, void *data, const struct vv_actions *actions,
    bool *out_skip)
{
    struct trace *trace = data;
    bool is_whole = true;
    VV_TRY(prune(op, trace, actions));
    VV_TRY(are_there(op, trace, actions, &is_whole));
    *out_skip = !is_whole;
    if (is_whole)
        return VARVE_OK;
    if (trace->lost++ == 0)
        trace->lost_from = actions->version;
    trace->lost_last = actions->version;
    return VARVE_OK;
}

/* ---- Which versions ------------------------------------------------------------------------------- */

/* The oldest version from which on no commit is missing. */
static varve_status find_first(struct vv_op *op, struct trace *trace, int64_t *out)
{
    struct vv_log_list list = {0};
    const struct vv_log_handle *log = &trace->run.table->log;
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
    if (list.commits.len > 0 && list.commits.items[0].version > 0)
        VV_TRY(vv_ledger_extend(op, log, &op->arena, &list));
    size_t i = vv_log_list_lower(&list, trace->run.to + 1);
    if (i == 0 || list.commits.items[i - 1].version != trace->run.to)
        return vv_fail(op, VARVE_ENOTFOUND,
            "table %.*s: the commit of version %" PRId64 " is gone",
            VV_ARG(trace->run.table->name), trace->run.to);
    while (i > 1 && list.commits.items[i - 2].version + 1 == list.commits.items[i - 1].version)
        i--;
    *out = list.commits.items[i - 1].version;
    return VARVE_OK;
}

static varve_status warn(struct vv_op *op, const struct trace *trace)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf taker = VV_BUF_INIT(1 << 16);
    if (trace->lost > 0)
        VV_TRY(vv_lost_taker(op, trace->run.table, trace->lost_from, trace->lost_key, &taker));
    if (!vv_buf_ok(&taker))
        return vv_fail_memory(op);
    if (trace->run.from > 0)
        vv_log(op, VV_LOG_WARN, "trace.begins",
            "the commits before version %" PRId64 " are gone: what they did is not told",
            trace->run.from);
    if (trace->lost == 1)
        vv_log(op, VV_LOG_WARN, "trace.lost", "what version %" PRId64 " did is not told: %.*s",
            trace->lost_from, VV_ARG(vv_buf_str(&taker)));
    else if (trace->lost > 1)
        vv_log(op, VV_LOG_WARN, "trace.lost",
            "what %" PRId64 " versions from %" PRId64 " to %" PRId64 " did is not told: %.*s",
            trace->lost, trace->lost_from, trace->lost_last, VV_ARG(vv_buf_str(&taker)));
    return VARVE_OK;
}

varve_status vv_trace(struct vv_op *op, struct vv_table *table, const struct vv_str *conditions,
    size_t conditions_len, struct ArrowArrayStream *out)
{
    VV_CLEANUP(trace_done)
    struct trace trace = {.arena = VV_ARENA_INIT(op->arena.bytes_max),
        .run = {.table = table, .engine = table->engine}};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf where = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_changes_run *run = &trace.run;
    VV_TRY(vv_table_refresh(op, table));
    run->snapshot = vv_snapshot_retain(table->snapshot);
    run->to = run->snapshot->version;
    trace.cannot = VV_HASH_SET_INIT(&trace.arena);
    VV_TRY(vv_rules_read(op, &op->arena, run->snapshot, false, &run->rules));
    VV_TRY(read_conditions(op, &trace, conditions, conditions_len));
    VV_TRY(where_sql(op, &trace, &where));
    VV_TRY(find_first(op, &trace, &run->from));
    if (!vv_buf_ok(&where))
        return vv_fail_memory(op);
    const struct vv_changes_filter filter = {
        .look = look, .keeps = keeps, .data = &trace, .where = vv_buf_str(&where)};
    run->filter = &filter;
    VV_TRY(vv_changes_read(op, run));
    VV_TRY(warn(op, &trace));
    VV_TRY(vv_trace_sql(op, run, &sql));
    VV_TRY(vv_session_open(op, table->engine, &session));
    const struct vv_keep keep = {run->snapshot, vv_snapshot_release_kept};
    vv_snapshot_retain(run->snapshot);
    varve_status status =
        vv_session_stream(op, &session, vv_buf_str(&sql), false, &keep, 1, out);
    if (status != VARVE_OK)
        vv_snapshot_release_kept(run->snapshot);
    return status;
}
