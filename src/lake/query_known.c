/*
 * What was known of a table at a time, row by row, where its rows say so themselves.
 *
 * By order a row is known from its order column on. What is in the table now and was known then
 * counts, though it was committed later (a backfill that brings its own times); where a row has been
 * replaced or removed since, the one of the version that was committed by then does, if that can be
 * read. A row that was committed later and is gone again is nowhere. By event a row is known from its own time. What has no such column is known from its commit, as are
 * the functions over a table, which tell of commits.
 */
#include "engine/sql.h"
#include "lake/query_script.h"
#include "table/audit/changes_run.h"
#include "table/read/event_time.h"
#include "table/read/lost.h"
#include "table/read/read.h"
#include "table/read/scan_sql.h"

static bool is_time(const struct vv_snapshot *snapshot, int32_t column)
{
    return column >= 0 && vv_type_is_time(&snapshot->schema.fields[column].type);
}

/* The column that says since when a row is known; -1: there is none. */
static int32_t find_column(const struct vv_query_script *script,
    const struct vv_query_source *source)
{
    int32_t column = script->request->knowledge == VV_KNOWN_EVENT
                         ? vv_time_column(source->snapshot, &source->rules)
                         : source->rules.order;
    bool has_key = source->rules.key_len > 0 || script->request->knowledge == VV_KNOWN_EVENT;
    return has_key && is_time(source->snapshot, column) ? column : -1;
}

/* A row that one version after then brought and a later one took is in neither that is read. */
static varve_status tell_between(struct vv_op *op, const struct vv_query_script *script,
    const struct vv_query_source *source)
{
    int64_t first = source->then != NULL ? source->then->version + 1 : 0;
    int64_t last = source->snapshot->version;
    bool may_miss = false;
    VV_TRY(vv_query_may_miss(op, source, script->request->known_us, first, &may_miss));
    if (may_miss)
        vv_log(op, VV_LOG_WARN, "leak.between",
            "table %.*s: not looked at are rows with an order value up to then that one of "
            "versions %" PRId64 " to %" PRId64 " brought and a later one replaced or removed: "
            "varve changes %.*s --from %" PRId64 " has them",
            VV_ARG(source->table->name), first, last, VV_ARG(source->table->name), first);
    return VARVE_OK;
}

/* The version of then, for rows that were replaced since; none where it is gone or never was. */
static varve_status pin_then(struct vv_op *op, struct vv_query_script *script,
    struct vv_query_source *source)
{
    struct vv_snapshot **slot = &script->pinned->snapshots[script->pinned->len];
    varve_status status = vv_table_at_time(op, source->table, script->request->known_us, slot);
    if (status == VARVE_ENOTFOUND) {
        vv_forgive(op);
        return tell_between(op, script, source);
    }
    if (status != VARVE_OK)
        return status;
    script->pinned->len++;
    source->then = *slot;
    return tell_between(op, script, source);
}

varve_status vv_query_known_open(struct vv_op *op, struct vv_query_script *script,
    struct vv_query_source *source)
{
    const struct vv_query_request *request = script->request;
    source->known_column = script->is_by_commit ? -1 : find_column(script, source);
    if (source->known_column >= 0)
        return request->knowledge == VV_KNOWN_ORDER ? pin_then(op, script, source) : VARVE_OK;
    if (!script->is_by_commit)
        vv_log(op, VV_LOG_WARN, "leak.by_commit",
            "rows of table %.*s do not say when they were known (%s): they count from their "
            "commit",
            VV_ARG(source->table->name),
            request->knowledge == VV_KNOWN_EVENT
                ? "it has no time column"
                : "it has no key, or no order column that is a "
                  "time");
    struct vv_snapshot **slot = &script->pinned->snapshots[script->pinned->len];
    VV_TRY(vv_table_known_at(op, source->table, request->known_us, slot));
    script->pinned->len++;
    source->snapshot = *slot;
    return vv_rules_read(op, &op->arena, source->snapshot, false, &source->rules);
}

/* The columns of the newest version, as wide as they were then: a restore may have narrowed them. */
static varve_status find_columns(struct vv_op *op, const struct vv_query_source *source,
    struct vv_snapshot *out)
{
    struct vv_str unfit = VV_STR_NONE;
    *out = *source->snapshot;
    if (source->then == NULL || !vv_changes_may_widen(source->snapshot))
        return VARVE_OK;
    VV_TRY(vv_changes_widen_schema(op, &source->then->schema, &out->schema, &unfit));
    if (unfit.ptr == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUNSUPPORTED,
        "table %.*s: no type holds the values that column %.*s has and those that it had in "
        "version %" PRId64 ": its rows of then and now are told apart by their commits alone "
        "(--knowledge commit)",
        VV_ARG(source->table->name), VV_ARG(unfit), source->then->version);
}

/* The rows of some files, with the given columns, that were known by then. */
static varve_status add_rows(struct vv_op *op, const struct vv_query_script *script,
    const struct vv_query_source *source, const struct vv_snapshot *columns,
    const struct vv_snapshot *of, struct vv_buf *sql)
{
    const struct vv_field *field = &columns->schema.fields[source->known_column];
    const struct vv_scan_source scan = {.store = source->table->store,
        .engine = script->lake->sandbox,
        .snapshot = columns,
        .files = of->files,
        .files_len = of->files_len,
        .names = VV_SCAN_LOGICAL,
        .may_hold = true};
    if (!vv_partitions_same(of, source->snapshot))
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "table %.*s had other partition columns in version %" PRId64
            ": its rows of then and "
            "now are told apart by their commits alone (--knowledge commit)",
            VV_ARG(source->table->name), of->version);
    vv_buf_adds(sql, "(SELECT * FROM (");
    if (vv_scan_sql(op, &scan, sql) != VARVE_OK)
        return vv_lost_version(op, source->table, of, of->files, of->files_len);
    vv_buf_adds(sql, ") AS s WHERE s.");
    vv_sql_name(sql, field->name);
    vv_buf_adds(sql, " <= ");
    if (field->type.kind == VV_TYPE_TIMESTAMP)
        vv_sql_timestamptz(sql, script->request->known_us);
    else
        vv_sql_timestamp(sql, script->request->known_us);
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}

varve_status vv_query_known_sql(struct vv_op *op, const struct vv_query_script *script,
    const struct vv_query_source *source, struct vv_buf *sql)
{
    const struct vv_schema *schema = &source->snapshot->schema;
    struct vv_snapshot columns;
    VV_TRY(find_columns(op, source, &columns));
    if (source->then == NULL)
        return add_rows(op, script, source, &columns, source->snapshot, sql);
    vv_buf_adds(sql, "WITH n AS ");
    VV_TRY(add_rows(op, script, source, &columns, source->snapshot, sql));
    vv_buf_adds(sql, ", t AS ");
    VV_TRY(add_rows(op, script, source, &columns, source->then, sql));
    vv_buf_adds(sql,
        " SELECT * FROM n UNION ALL SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM n "
        "WHERE ");
    for (size_t i = 0; i < source->rules.key_len; i++) {
        vv_buf_adds(sql, i == 0 ? "n." : " AND n.");
        vv_sql_name(sql, schema->fields[source->rules.key[i]].name);
        vv_buf_adds(sql, " IS NOT DISTINCT FROM t.");
        vv_sql_name(sql, schema->fields[source->rules.key[i]].name);
    }
    vv_buf_addc(sql, ')');
    return VARVE_OK;
}
