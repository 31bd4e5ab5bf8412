/*
 * A user's SQL over the tables of a lake.
 *
 * Every table that the statement names becomes a temporary view over one snapshot, all resolved
 * before the statement is planned: a reader never sees half of somebody's commit, nor two
 * versions of one table. The statement runs in an engine of its own that reaches the lake's
 * files and nothing else, and only SELECT and EXPLAIN run at all.
 */
#include "base/map.h"
#include "base/seam.h"
#include "engine/sql.h"
#include "lake/lake.h"
#include "table/read.h"
#include "table/scan_sql.h"

/* What a stream keeps until it is released: the snapshots that its views are made of. */
struct pinned {
    struct vv_snapshot **snapshots;
    size_t len;
};

static void pinned_release(void *object)
{
    struct pinned *pinned = object;
    if (pinned == NULL)
        return;
    for (size_t i = 0; i < pinned->len; i++)
        vv_snapshot_release(&pinned->snapshots[i]);
    vv_free(pinned->snapshots);
    vv_free(pinned);
}

static void pinned_done(struct pinned **pinned)
{
    pinned_release(*pinned);
}

static varve_status pinned_new(struct vv_op *op, size_t len, struct pinned **out)
{
    struct pinned *pinned = vv_malloc(sizeof(*pinned));
    if (pinned == NULL)
        return vv_fail_memory(op);
    *pinned = (struct pinned){.snapshots = vv_malloc((len + 1) * sizeof(struct vv_snapshot *))};
    if (pinned->snapshots == NULL) {
        pinned_release(pinned);
        return vv_fail_memory(op);
    }
    *out = pinned;
    return VARVE_OK;
}

static varve_status open_sandbox(struct vv_op *op, struct vv_lake *lake, struct vv_engine **out)
{
    if (lake->sandbox == NULL) {
        struct vv_engine_options options = lake->engine_options;
        options.allowed_folders = &lake->store->location;
        options.allowed_folders_len = 1;
        VV_TRY(vv_engine_open(op, &options, &lake->sandbox));
    }
    *out = lake->sandbox;
    return VARVE_OK;
}

static varve_status check_statement(struct vv_op *op, struct vv_session *session,
    struct vv_str sql)
{
    enum vv_statement_kind kind;
    size_t statements = 0;
    VV_TRY(vv_session_parse(op, session, sql, &kind, &statements));
    if (statements == 0)
        return vv_fail(op, VARVE_EUSAGE, "no SQL statement");
    if (kind == VV_STATEMENT_OTHER)
        return vv_fail(op, VARVE_EUSAGE,
            "only SELECT and EXPLAIN can be queried; tables are changed by commands such as "
            "varve upsert");
    return VARVE_OK;
}

/* A view of one table over one snapshot, which `pinned` keeps. */
static varve_status make_view(struct vv_op *op, struct vv_lake *lake,
    struct vv_session *session, struct vv_str name, struct vv_str at, struct pinned *pinned)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    VV_TRY(vv_lake_table(op, lake, name, &table));
    VV_TRY(vv_table_at(op, table, at, &pinned->snapshots[pinned->len]));
    struct vv_snapshot *snapshot = pinned->snapshots[pinned->len++];
    struct vv_scan_source source = {.store = table->store,
        .snapshot = snapshot,
        .files = snapshot->files,
        .files_len = snapshot->files_len,
        .names = VV_SCAN_LOGICAL};
    vv_buf_adds(&sql, "CREATE TEMP VIEW ");
    vv_sql_name(&sql, name);
    vv_buf_adds(&sql, " AS ");
    VV_TRY(vv_scan_sql(op, &source, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_exec(op, session, vv_buf_str(&sql));
}

/* Names with a schema ("information_schema.tables") and the engine's own are its matter. */
static bool is_engines(struct vv_str name)
{
    return vv_str_find(name, '.') < name.len || vv_str_starts(name, VV_STR("duckdb_")) ||
           vv_str_starts(name, VV_STR("pg_")) || vv_str_starts(name, VV_STR("sqlite_"));
}

static bool is_version(struct vv_str at)
{
    for (size_t i = 0; i < at.len; i++)
        if (at.ptr[i] < '0' || at.ptr[i] > '9')
            return false;
    return at.len > 0;
}

static varve_status make_views(struct vv_op *op, struct vv_lake *lake,
    struct vv_session *session, const struct vv_str *names, size_t len, struct vv_str at,
    struct pinned *pinned)
{
    struct vv_map seen = VV_MAP_INIT(&op->arena);
    size_t tables = 0;
    for (size_t i = 0; i < len; i++)
        tables += is_engines(names[i]) ? 0 : 1;
    if (tables > 1 && is_version(at))
        return vv_fail(op, VARVE_EUSAGE,
            "--at %.*s is a version, and the query reads %zu tables, each with versions of its "
            "own: give a time instead",
            VV_ARG(at), tables);
    for (size_t i = 0; i < len; i++) {
        char lower[256];
        if (is_engines(names[i]) || names[i].len >= sizeof(lower))
            continue;
        for (size_t c = 0; c < names[i].len; c++)
            lower[c] = (char)(names[i].ptr[c] >= 'A' && names[i].ptr[c] <= 'Z'
                                  ? names[i].ptr[c] + ('a' - 'A')
                                  : names[i].ptr[c]);
        /* DuckDB compares names ignoring case: Signals and signals are one view. */
        struct vv_str key = vv_arena_str(&op->arena, (struct vv_str){lower, names[i].len});
        if (key.ptr == NULL)
            return vv_fail_memory(op);
        if (vv_map_has(&seen, key))
            continue;
        if (!vv_map_put(&seen, key, lake, NULL))
            return vv_fail_memory(op);
        VV_TRY(make_view(op, lake, session, names[i], at, pinned));
    }
    return VARVE_OK;
}

varve_status vv_lake_query(struct vv_op *op, struct vv_lake *lake, struct vv_str sql,
    struct vv_str at, struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    VV_CLEANUP(pinned_done) struct pinned *pinned = NULL;
    struct vv_engine *sandbox = NULL;
    struct vv_str *names = NULL;
    size_t len = 0;
    VV_TRY(open_sandbox(op, lake, &sandbox));
    VV_TRY(vv_session_open(op, sandbox, &session));
    VV_TRY(check_statement(op, session, sql));
    VV_TRY(vv_session_table_names(op, session, sql, &op->arena, &names, &len));
    VV_TRY(pinned_new(op, len, &pinned));
    VV_TRY(make_views(op, lake, session, names, len, at, pinned));
    struct vv_keep keep = {pinned, pinned_release};
    VV_TRY(vv_session_stream(op, &session, sql, true, &keep, 1, out));
    pinned = NULL; /* the stream's now */
    return VARVE_OK;
}
