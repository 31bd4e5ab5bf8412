#include "table/audit/changes.h"

#include "base/time.h"
#include "table/audit/changes_run.h"
#include "table/read/read.h"
#include "table/read/scan_sql.h"

static void run_done(struct vv_changes_run *run)
{
    vv_snapshot_release(&run->snapshot);
}

/*
 * A version, a tag's, or of a time: the last version at or before it, or for the beginning of a range
 * the first at or after it.
 */
static varve_status read_end(struct vv_op *op, struct vv_table *table, int64_t latest,
    struct vv_str text, bool is_begin, int64_t *out)
{
    int64_t time_us = 0;
    int64_t version = VV_NO_VERSION;
    int64_t now_us = vv_now_us(op);
    text = vv_str_trim(text);
    bool is_time =
        !vv_str_is_digits(text) && (is_begin ? vv_time_parse_bound(text, now_us, &time_us)
                                             : vv_time_parse_human(text, now_us, &time_us));
    if (!is_time) {
        VV_TRY(vv_log_at(op, &table->log, table->name, text, out));
        if (*out <= latest)
            return VARVE_OK;
        return vv_fail(op, VARVE_ENOTFOUND,
            "no version %" PRId64 " of table %.*s: the latest is %" PRId64, *out,
            VV_ARG(table->name), latest);
    }
    /* The last version before the time is one below the first that is not, be that one there or gone. */
    varve_status status = is_begin
                              ? vv_log_version_there(op, &table->log, time_us - 1, &version)
                              : vv_log_version_at(op, &table->log, time_us, &version);
    if (status == VARVE_ENOTFOUND && is_begin) {
        vv_forgive(op);
        *out = 0;
        return VARVE_OK;
    }
    VV_TRY(status);
    *out = is_begin ? version + 1 : version;
    if (!is_begin && *out > latest)
        *out = latest;
    return VARVE_OK;
}

/* A range that ends before what is damaged needs nothing of it. */
static varve_status refresh(struct vv_op *op, struct vv_table *table,
    const struct vv_changes_request *request)
{
    return request->to.len > 0 ? vv_table_refresh_for_any(op, table)
                               : vv_table_refresh(op, table);
}

varve_status vv_changes_tell_damage(struct vv_op *op, const char *option)
{
    int64_t version = op->error.version;
    if (op->error.code != VARVE_ECORRUPT || version <= 0)
        return op->error.code;
    op->error.detail[0] = '\0'; /* what is said of reading is said better here */
    vv_detail(op,
        "what version %" PRId64 " and those after it changed can't be told; what came "
        "before it can: say %s %" PRId64,
        version, option, version - 1);
    return op->error.code;
}

static varve_status find_range(struct vv_op *op, struct vv_changes_run *run,
    const struct vv_changes_request *request)
{
    struct vv_table *table = run->table;
    int64_t latest = 0;
    if (request->newest != NULL)
        latest = request->newest->version;
    else
        VV_TRY(vv_table_newest(op, table, &latest));
    if (request->from.len == 0)
        return vv_fail(op, VARVE_EUSAGE, "changes from which version or time?");
    VV_TRY(read_end(op, table, latest, request->from, true, &run->from));
    run->to = latest;
    if (request->to.len > 0)
        VV_TRY(read_end(op, table, latest, request->to, false, &run->to));
    /* Nothing has come since that time. */
    if (run->from > latest)
        return VARVE_OK;
    if (run->from > run->to)
        return vv_fail(op, VARVE_EUSAGE,
            "the range is empty: it would be from version %" PRId64 " to %" PRId64, run->from,
            run->to);
    return VARVE_OK;
}

static int64_t bytes_of(const struct vv_changes_run *run)
{
    int64_t bytes = 0;
    for (int kind = 0; kind < VV_CHANGE_KINDS; kind++)
        for (int net = 0; net < 2; net++)
            for (size_t i = 0; i < run->files[kind][net].list.len; i++)
                bytes += run->files[kind][net].list.items[i].file->bytes;
    return bytes;
}

static varve_status check_names(struct vv_op *op, const struct vv_changes_run *run)
{
    struct vv_str name = vv_changes_taken_name(&run->snapshot->schema);
    if (name.ptr == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUNSUPPORTED,
        "table %.*s has a column %.*s, and changes have one of their own of that name: once it "
        "is renamed (varve alter %.*s rename-column %.*s NAME --upgrade) they can be told",
        VV_ARG(run->table->name), VV_ARG(name), VV_ARG(run->table->name), VV_ARG(name));
}

/* The range, and what its commits come to. A table that was not made yet has no change. */
static varve_status start(struct vv_op *op, struct vv_changes_run *run,
    const struct vv_changes_request *request)
{
    if (request->newest != NULL && request->newest->version == VV_NO_VERSION) {
        run->snapshot = vv_snapshot_retain(request->newest);
        return vv_rules_read(op, &op->arena, run->snapshot, false, &run->rules);
    }
    VV_TRY(find_range(op, run, request));
    VV_TRY(vv_table_snapshot(op, run->table, run->to, &run->snapshot));
    VV_TRY(check_names(op, run));
    VV_TRY(vv_rules_read(op, &op->arena, run->snapshot, false, &run->rules));
    if (run->from > run->to)
        return VARVE_OK;
    VV_TRY(vv_changes_widen(op, run));
    return vv_changes_read(op, run);
}

varve_status vv_table_changes_sql(struct vv_op *op, struct vv_table *table,
    const struct vv_changes_request *request, struct vv_engine *engine, struct vv_buf *sql,
    struct vv_snapshot **out_snapshot)
{
    VV_CLEANUP(run_done) struct vv_changes_run run = {.table = table, .engine = engine};
    VV_TRY(start(op, &run, request));
    VV_TRY(vv_changes_sql(op, &run, sql));
    *out_snapshot = VV_MOVE(run.snapshot);
    return VARVE_OK;
}

/* Without an end they end with what was known, where a time is set for that. */
static varve_status begin(struct vv_op *op, struct vv_changes_run *run,
    const struct vv_changes_request *request)
{
    VV_CLEANUP(vv_snapshot_release) struct vv_snapshot *known = NULL;
    struct vv_changes_request by_then = *request;
    if (request->newest != NULL || request->to.len > 0 || !vv_table_is_known_at(run->table)) {
        VV_TRY(refresh(op, run->table, request));
        return start(op, run, request);
    }
    VV_TRY(vv_table_seek(op, run->table, VV_STR_NONE, &known));
    by_then.newest = known;
    return start(op, run, &by_then);
}

varve_status vv_table_changes(struct vv_op *op, struct vv_table *table,
    const struct vv_changes_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(run_done)
    struct vv_changes_run run = {.table = table, .engine = table->engine};
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    if (begin(op, &run, request) != VARVE_OK)
        return vv_changes_tell_damage(op, "--to");
    VV_TRY(vv_changes_sql(op, &run, &sql));
    vv_engine_expect(table->engine, bytes_of(&run));
    VV_TRY(vv_session_open(op, table->engine, &session));
    const struct vv_keep keep = {run.snapshot, vv_snapshot_release_kept};
    struct vv_str about =
        vv_arena_format(&op->arena, "changes of table %.*s", VV_ARG(table->name));
    if (about.ptr == NULL || !vv_buf_ok(&sql))
        return vv_fail_memory(op);
    vv_snapshot_retain(run.snapshot);
    const struct vv_query query = {.sql = vv_buf_str(&sql), .about = about};
    varve_status status = vv_session_stream_query(op, &session, &query, &keep, 1, out);
    if (status != VARVE_OK)
        vv_snapshot_release_kept(run.snapshot);
    return status;
}
