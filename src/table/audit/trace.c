#include "table/audit/trace.h"

#include "base/time.h"
#include "delta/ledger.h"
#include "delta/log_list.h"
#include "engine/sql.h"
#include "table/audit/changes_pick.h"
#include "table/audit/trace_sql.h"
#include "table/read/read.h"
#include "table/read/scan_sql.h"

struct trace {
    struct vv_arena arena;
    struct vv_changes_run run;
    struct vv_changes_pick pick; /* its ranges are the key */
    int64_t before;              /* the last version below those that are gone; VV_NO_VERSION */
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
    const struct vv_schema *schema = &vv_changes_view(&trace->run)->schema;
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
    trace->pick.ranges = (struct vv_ranges){items, len};
    for (size_t i = 0; i < len; i++) {
        VV_TRY(read_condition(op, trace, conditions[i], &items[i]));
        if (has_column(&trace->pick.ranges, i, items[i].column))
            return vv_fail(op, VARVE_EUSAGE, "column %.*s is given twice",
                VV_ARG(vv_changes_view(run)->schema.fields[items[i].column].name));
    }
    for (size_t i = 0; i < run->rules.key_len; i++)
        if (!has_column(&trace->pick.ranges, len, run->rules.key[i]))
            return vv_fail(op, VARVE_EUSAGE,
                "the key of table %.*s has the column %.*s too: say %.*s=VALUE",
                VV_ARG(run->table->name),
                VV_ARG(vv_changes_view(run)->schema.fields[run->rules.key[i]].name),
                VV_ARG(vv_changes_view(run)->schema.fields[run->rules.key[i]].name));
    if (len == 0)
        return vv_fail(op, VARVE_EUSAGE, "the history of which row? Say column=value");
    for (size_t i = 0; i < len && run->rules.key_len > 0; i++)
        if (!vv_rules_is_key(&run->rules, items[i].column))
            return vv_fail(op, VARVE_EUSAGE,
                "column %.*s is not in the key of table %.*s, and its value may have changed: "
                "name the row by its key alone",
                VV_ARG(vv_changes_view(run)->schema.fields[items[i].column].name),
                VV_ARG(run->table->name));
    return VARVE_OK;
}

static varve_status where_sql(struct vv_op *op, const struct trace *trace, struct vv_buf *sql)
{
    for (size_t i = 0; i < trace->pick.ranges.len; i++) {
        const struct vv_range *range = &trace->pick.ranges.items[i];
        vv_buf_addf(sql, "%ss.c%d = ", i == 0 ? "" : " AND ", range->column);
        vv_value_sql(&range->low,
            &vv_changes_view(&trace->run)->schema.fields[range->column].type, sql);
    }
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/* ---- Which versions ------------------------------------------------------------------------------- */

/* The oldest version from which on no commit is missing. */
static varve_status find_first(struct vv_op *op, struct trace *trace)
{
    struct vv_log_list list = {0};
    const struct vv_log_handle *log = &trace->run.table->log;
    VV_TRY(vv_log_list_read(op, log, 0, &op->arena, &list));
    if (!vv_log_list_has_all_from(&list, 0))
        VV_TRY(vv_ledger_extend(op, log, &op->arena, &list));
    size_t i = vv_log_list_lower(&list, trace->run.to + 1);
    if (i == 0 || list.commits.items[i - 1].version != trace->run.to)
        return vv_fail(op, VARVE_ENOTFOUND,
            "table %.*s: the commit of version %" PRId64 " is gone",
            VV_ARG(trace->run.table->name), trace->run.to);
    while (i > 1 && list.commits.items[i - 2].version + 1 == list.commits.items[i - 1].version)
        i--;
    trace->run.from = list.commits.items[i - 1].version;
    trace->before = i > 1 ? list.commits.items[i - 2].version : VV_NO_VERSION;
    int64_t hole =
        i > 1 ? vv_log_list_hole(&list.commits.items[i - 2], &list.commits.items[i - 1])
              : VV_NO_VERSION;
    if (hole != VV_NO_VERSION)
        return vv_log_fail_hole(op, hole, trace->run.to);
    return VARVE_OK;
}

/* How many versions can't be told for one reason; *out_first: the first stretch of them. */
static int64_t count_lost(const struct trace *trace, const char *unclear,
    const struct vv_changes_lost **out_first, int64_t *out_last)
{
    int64_t count = 0;
    for (size_t i = 0; i < trace->pick.lost.len; i++) {
        const struct vv_changes_lost *lost = &trace->pick.lost.items[i];
        if (lost->unclear != unclear)
            continue;
        if (count == 0)
            *out_first = lost;
        count += lost->to - lost->from + 1;
        *out_last = lost->to;
    }
    return count;
}

static varve_status warn_lost(struct vv_op *op, const struct trace *trace, const char *unclear)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf why = VV_BUF_INIT(1 << 16);
    const struct vv_changes_lost *first = NULL;
    int64_t last = 0;
    int64_t count = count_lost(trace, unclear, &first, &last);
    VV_TRY(vv_changes_lost_why(op, trace->run.table, first, &why));
    if (!vv_buf_ok(&why))
        return vv_fail_memory(op);
    if (count == 1)
        vv_log(op, VV_LOG_WARN, "trace.lost", "what version %" PRId64 " did is not told: %.*s",
            first->from, VV_ARG(vv_buf_str(&why)));
    else
        vv_log(op, VV_LOG_WARN, "trace.lost",
            "what %" PRId64 " versions from %" PRId64 " to %" PRId64 " did is not told: %.*s",
            count, first->from, last, VV_ARG(vv_buf_str(&why)));
    return VARVE_OK;
}

static bool is_first_of_reason(const struct trace *trace, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (trace->pick.lost.items[i].unclear == trace->pick.lost.items[at].unclear)
            return false;
    return true;
}

static varve_status warn(struct vv_op *op, const struct trace *trace)
{
    if (trace->before != VV_NO_VERSION)
        vv_log(op, VV_LOG_WARN, "trace.begins",
            "the commits of versions %" PRId64 " to %" PRId64
            " are gone: what they did is not told, nor what came before them; of that the "
            "trace at "
            "version %" PRId64 " tells",
            trace->before + 1, trace->run.from - 1, trace->before);
    else if (trace->run.from > 0)
        vv_log(op, VV_LOG_WARN, "trace.begins",
            "the commits before version %" PRId64 " are gone: what they did is not told",
            trace->run.from);
    for (size_t i = 0; i < trace->pick.lost.len; i++)
        if (is_first_of_reason(trace, i))
            VV_TRY(warn_lost(op, trace, trace->pick.lost.items[i].unclear));
    return VARVE_OK;
}

/* The range, and of which types its columns are; a table that was not made by then has none. */
static varve_status find_range(struct vv_op *op, struct trace *trace)
{
    struct vv_changes_run *run = &trace->run;
    if (run->to == VV_NO_VERSION)
        return VARVE_OK;
    VV_TRY(find_first(op, trace));
    return vv_changes_widen(op, run);
}

/* The commits and files. */
static varve_status read_files(struct vv_op *op, struct trace *trace)
{
    if (trace->run.to == VV_NO_VERSION)
        return VARVE_OK;
    VV_TRY(vv_changes_read(op, &trace->run));
    return warn(op, trace);
}

varve_status vv_trace(struct vv_op *op, struct vv_table *table, struct vv_str at,
    const struct vv_str *conditions, size_t conditions_len, struct ArrowArrayStream *out)
{
    VV_CLEANUP(trace_done)
    struct trace trace = {.arena = VV_ARENA_INIT(op->arena.bytes_max),
        .run = {.table = table, .engine = table->engine}};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf where = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_changes_run *run = &trace.run;
    if (vv_table_seek(op, table, at, &run->snapshot) != VARVE_OK)
        return vv_changes_tell_damage(op, "--at");
    run->to = run->snapshot->version;
    if (find_range(op, &trace) != VARVE_OK)
        return vv_changes_tell_damage(op, "--at");
    trace.pick = (struct vv_changes_pick){.arena = &trace.arena,
        .store = table->store,
        .snapshot = vv_changes_view(run),
        .rules = &run->rules,
        .cannot = VV_HASH_SET_INIT(&trace.arena),
        .table = table,
        .live = VV_HASH_SET_INIT(&trace.arena)};
    VV_TRY(vv_rules_read(op, &op->arena, run->snapshot, false, &run->rules));
    VV_TRY(read_conditions(op, &trace, conditions, conditions_len));
    VV_TRY(where_sql(op, &trace, &where));
    if (!vv_buf_ok(&where))
        return vv_fail_memory(op);
    const struct vv_changes_filter filter = {.look = vv_changes_pick_look,
        .keeps = vv_changes_pick_keeps,
        .data = &trace.pick,
        .where = vv_buf_str(&where)};
    run->filter = &filter;
    if (read_files(op, &trace) != VARVE_OK)
        return vv_changes_tell_damage(op, "--at");
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
