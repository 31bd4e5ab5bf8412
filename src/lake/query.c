/*
 * A user's SQL over the tables of a lake.
 *
 * Every table that the statements name becomes a temporary view over one snapshot, all resolved
 * before the first of them is planned: a reader never sees half of somebody's commit, nor two
 * versions of one table unless they ask for that by AT. A place with an AT is pointed at a view of
 * its own, named table@version. The statements run in an engine of their own that reaches the
 * lake's files and nothing else, and only SELECT and EXPLAIN run at all (engine/sql_tree.h).
 */
#include "base/map.h"
#include "base/seam.h"
#include "base/time.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "engine/sql_tree.h"
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

/* The statements of one query, and the views made for them so far. */
struct script {
    struct vv_lake *lake;
    struct vv_session *session;
    const struct vv_query_request *request;
    struct vv_sql_statement *statements;
    size_t len;
    struct vv_map
        views; /* table, and what its AT says, to the name of the view (struct vv_str) */
    struct pinned *pinned;
};

static varve_status read_statements(struct vv_op *op, struct script *script)
{
    struct vv_str rest = script->request->sql;
    struct vv_str text;
    bool is_closed = false;
    size_t capacity = 0;
    void *statements = NULL;
    while (vv_sql_split(&rest, &text, &is_closed)) {
        if (!vv_arena_grow(&op->arena, &statements, script->len, &capacity,
                sizeof(struct vv_sql_statement), _Alignof(struct vv_sql_statement)))
            return vv_fail_memory(op);
        script->statements = statements;
        VV_TRY(vv_sql_read(op, script->session, text, &script->statements[script->len]));
        script->len++;
    }
    if (script->len == 0)
        return vv_fail(op, VARVE_EUSAGE, "no SQL statement");
    return VARVE_OK;
}

static bool uses_param(const struct script *script, struct vv_str name)
{
    for (size_t i = 0; i < script->len; i++)
        for (size_t p = 0; p < script->statements[i].params_len; p++)
            if (vv_str_eq_nocase(script->statements[i].params[p], name))
                return true;
    return false;
}

/* A value too many is a slip of the pen as much as one too few. */
static varve_status check_params(struct vv_op *op, const struct script *script)
{
    const struct vv_sql_params *params = &script->request->params;
    for (size_t i = 0; i < script->len; i++)
        for (size_t p = 0; p < script->statements[i].params_len; p++)
            if (vv_sql_param_find(params, script->statements[i].params[p]) == NULL)
                return vv_fail(op, VARVE_EUSAGE, "no value for the parameter $%.*s",
                    VV_ARG(script->statements[i].params[p]));
    for (size_t i = 0; i < params->len; i++)
        if (!uses_param(script, params->items[i].name))
            return vv_fail(op, VARVE_EUSAGE, "there is no $%.*s in the SQL",
                VV_ARG(params->items[i].name));
    return VARVE_OK;
}

/* Names with a schema ("information_schema.tables") and the engine's own are its matter. */
static bool is_engines(const struct vv_sql_table *table)
{
    return table->catalog.len > 0 ||
           (table->schema.len > 0 && !vv_str_eq_nocase(table->schema, VV_STR("main"))) ||
           vv_str_starts(table->name, VV_STR("duckdb_")) ||
           vv_str_starts(table->name, VV_STR("pg_")) ||
           vv_str_starts(table->name, VV_STR("sqlite_"));
}

static bool is_digits(struct vv_str text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return false;
    return text.len > 0;
}

static varve_status fail_at(struct vv_op *op, const struct vv_sql_table *table,
    struct vv_str value)
{
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s AT (%.*s => %.*s): a version is a number such as 5, a time a text such as "
        "'2025-01-30T10:00:00Z' or '-2h'",
        VV_ARG(table->name), VV_ARG(table->at_unit), VV_ARG(value));
}

/* The value of what stands behind AT, worked out by the engine: $since, now() - INTERVAL 1 DAY. */
static varve_status at_value(struct vv_op *op, struct script *script,
    const struct vv_sql_table *table, bool *out_is_text, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str expression;
    bool has_row = false;
    VV_TRY(vv_sql_expression(op, script->session, table->at, &script->request->params,
        &expression));
    vv_buf_addf(&sql,
        "SELECT typeof(x), CAST(CASE WHEN typeof(x) LIKE 'TIMESTAMP%%' OR typeof(x) = 'DATE' "
        "THEN strftime(CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ), "
        "'%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ') "
        "ELSE CAST(x AS VARCHAR) END AS VARCHAR) FROM (SELECT (%.*s) AS x)",
        VV_ARG(expression));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, script->session, &query, &rows) != VARVE_OK)
        return vv_note(op, "table %.*s AT (%.*s)", VV_ARG(table->name), VV_ARG(expression));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row || vv_rows_is_null(rows, 1))
        return fail_at(op, table, VV_STR("NULL"));
    *out_is_text = vv_str_eq(vv_rows_text(rows, 0), VV_STR("VARCHAR"));
    *out = vv_arena_str(&op->arena, vv_rows_text(rows, 1));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* The snapshot that a place with an AT of its own asks for. */
static varve_status at_snapshot(struct vv_op *op, struct script *script,
    const struct vv_sql_table *place, struct vv_table *table, struct vv_snapshot **out)
{
    struct vv_str value;
    bool is_text = false;
    int64_t number = 0;
    VV_TRY(at_value(op, script, place, &is_text, &value));
    if (vv_str_eq_nocase(place->at_unit, VV_STR("VERSION"))) {
        if (is_digits(value) && vv_str_int64(value, &number))
            return vv_table_snapshot(op, table, number, out);
        if (!is_text || value.len == 0 || value.ptr[0] == '-')
            return fail_at(op, place, value);
        return vv_fail(op, VARVE_ENOTFOUND, "table %.*s has no tag \"%.*s\"",
            VV_ARG(place->name), VV_ARG(value));
    }
    if (is_digits(value) || !vv_time_parse_human(value, vv_now_us(op), &number))
        return fail_at(op, place, value);
    return vv_table_at_time(op, table, number, out);
}

/* The view's name: table@version, or the table's own where the place has no AT. */
static varve_status name_view(struct vv_op *op, const struct vv_sql_table *place,
    const struct vv_snapshot *snapshot, struct vv_str *out)
{
    *out = place->at_unit.ptr != NULL ? vv_arena_format(&op->arena, "%.*s@%" PRId64,
                                            VV_ARG(place->name), snapshot->version)
                                      : place->name;
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* A view of one table over one snapshot, which `pinned` keeps. */
static varve_status make_view(struct vv_op *op, struct script *script,
    const struct vv_sql_table *place, struct vv_str *out_name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_table_close) struct vv_table *table = NULL;
    struct pinned *pinned = script->pinned;
    if (vv_str_find(place->name, '/') < place->name.len ||
        vv_str_find(place->name, ':') < place->name.len)
        return vv_fail(op, VARVE_EUSAGE,
            "\"%.*s\" is no name of a table: SQL reads the lake's tables, and neither files "
            "nor "
            "the network",
            VV_ARG(place->name));
    struct vv_snapshot **slot = &pinned->snapshots[pinned->len];
    VV_TRY(vv_lake_table(op, script->lake, place->name, &table));
    if (place->at_unit.ptr != NULL)
        VV_TRY(at_snapshot(op, script, place, table, slot));
    else
        VV_TRY(vv_table_at(op, table, script->request->at, slot));
    struct vv_snapshot *snapshot = pinned->snapshots[pinned->len++];
    struct vv_scan_source source = {.store = table->store,
        .engine = script->lake->sandbox,
        .snapshot = snapshot,
        .files = snapshot->files,
        .files_len = snapshot->files_len,
        .names = VV_SCAN_LOGICAL};
    VV_TRY(name_view(op, place, snapshot, out_name));
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP VIEW ");
    vv_sql_name(&sql, *out_name);
    vv_buf_adds(&sql, " AS ");
    VV_TRY(vv_scan_sql(op, &source, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_exec(op, script->session, vv_buf_str(&sql));
}

/* DuckDB compares names ignoring case: Signals and signals are one view. */
static varve_status key_of(struct vv_op *op, const struct vv_sql_table *place,
    struct vv_str *out)
{
    struct vv_str at = VV_STR("");
    if (place->at != NULL)
        VV_TRY(vv_json_write_value(op, place->at, &op->arena, &at));
    char *bytes = vv_new(&op->arena, char, place->name.len + 1);
    if (bytes == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < place->name.len; i++) {
        char byte = place->name.ptr[i];
        bytes[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte);
    }
    *out = vv_arena_format(&op->arena, "%.*s %.*s %.*s", (int)place->name.len, bytes,
        VV_ARG(place->at_unit), VV_ARG(at));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status find_view(struct vv_op *op, struct script *script,
    const struct vv_sql_table *place, struct vv_str *out)
{
    struct vv_str key;
    VV_TRY(key_of(op, place, &key));
    struct vv_str *name = vv_map_get(&script->views, key);
    if (name == NULL) {
        VV_NEW(op, &name, struct vv_str, 1);
        VV_TRY(make_view(op, script, place, name));
        if (!vv_map_put(&script->views, key, name, NULL))
            return vv_fail_memory(op);
    }
    *out = place->at_unit.ptr != NULL ? *name : VV_STR_NONE;
    return VARVE_OK;
}

/* A version means one table; counted are those that have no AT of their own. */
static varve_status check_at(struct vv_op *op, const struct script *script)
{
    struct vv_map seen = VV_MAP_INIT(&op->arena);
    struct vv_str at = script->request->at;
    size_t tables = 0;
    if (!is_digits(at))
        return VARVE_OK;
    for (size_t i = 0; i < script->len; i++) {
        for (size_t t = 0; t < script->statements[i].tables_len; t++) {
            const struct vv_sql_table *place = &script->statements[i].tables[t];
            struct vv_str key;
            if (is_engines(place) || place->at_unit.ptr != NULL)
                continue;
            VV_TRY(key_of(op, place, &key));
            tables += vv_map_has(&seen, key) ? 0 : 1;
            if (!vv_map_put(&seen, key, &seen, NULL))
                return vv_fail_memory(op);
        }
    }
    if (tables > 1)
        return vv_fail(op, VARVE_EUSAGE,
            "--at %.*s is a version, and the query reads %zu tables, each with versions of its "
            "own: give a time instead",
            VV_ARG(at), tables);
    return VARVE_OK;
}

/* Makes the views of a statement and points its text at them. */
static varve_status resolve(struct vv_op *op, struct script *script,
    const struct vv_sql_statement *statement, struct vv_str *out_sql)
{
    struct vv_str *views = NULL;
    VV_NEW(op, &views, struct vv_str, statement->tables_len + 1);
    for (size_t i = 0; i < statement->tables_len; i++) {
        const struct vv_sql_table *place = &statement->tables[i];
        if (!is_engines(place))
            VV_TRY(find_view(op, script, place, &views[i]));
        else if (place->at_unit.ptr != NULL)
            return vv_fail(op, VARVE_EUSAGE,
                "%.*s is no table of the lake: AT means nothing to it", VV_ARG(place->name));
    }
    return vv_sql_replace_tables(op, script->session, statement, views, out_sql);
}

static size_t count_places(const struct script *script)
{
    size_t len = 0;
    for (size_t i = 0; i < script->len; i++)
        len += script->statements[i].tables_len;
    return len;
}

static varve_status run(struct vv_op *op, struct script *script, const struct vv_str *texts,
    struct ArrowArrayStream *out)
{
    struct vv_keep keep = {script->pinned, pinned_release};
    struct vv_query query = {.is_users = true, .params = &script->request->params};
    for (size_t i = 0; i + 1 < script->len; i++) {
        VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
        query.sql = texts[i];
        VV_TRY(vv_session_rows(op, script->session, &query, &rows));
    }
    query.sql = texts[script->len - 1];
    VV_TRY(vv_session_stream_query(op, &script->session, &query, &keep, 1, out));
    script->pinned = NULL; /* the stream's now */
    return VARVE_OK;
}

static void script_done(struct script *script)
{
    vv_session_close(&script->session);
    pinned_release(script->pinned);
}

varve_status vv_lake_query(struct vv_op *op, struct vv_lake *lake,
    const struct vv_query_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(script_done)
    struct script script = {.lake = lake, .request = request, .views = VV_MAP_INIT(&op->arena)};
    struct vv_engine *sandbox = NULL;
    struct vv_str *texts = NULL;
    VV_TRY(open_sandbox(op, lake, &sandbox));
    VV_TRY(vv_session_open(op, sandbox, &script.session));
    VV_TRY(read_statements(op, &script));
    VV_TRY(check_params(op, &script));
    VV_TRY(check_at(op, &script));
    VV_TRY(pinned_new(op, count_places(&script), &script.pinned));
    VV_NEW(op, &texts, struct vv_str, script.len);
    for (size_t i = 0; i < script.len; i++)
        VV_TRY(resolve(op, &script, &script.statements[i], &texts[i]));
    return run(op, &script, texts, out);
}
