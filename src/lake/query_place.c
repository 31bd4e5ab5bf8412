/*
 * The tables that a statement reads, and the views that stand for them.
 *
 * A table is opened and fixed at a version when the first place that reads it is met. Places of
 * which nothing is known share a view of all its files; one whose rows have to pass a condition
 * gets a view of the files that may hold such rows, where that leaves any out.
 */
#include "base/time.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "lake/query_script.h"
#include "table/read/lost.h"
#include "table/read/read.h"
#include "table/read/scan_sql.h"

static bool is_like_engines(struct vv_str name)
{
    return vv_str_starts(name, VV_STR("duckdb_")) || vv_str_starts(name, VV_STR("pg_")) ||
           vv_str_starts(name, VV_STR("sqlite_"));
}

varve_status vv_query_is_engines(struct vv_op *op, const struct vv_query_script *script,
    const struct vv_sql_table *table, bool *out)
{
    bool is_lakes = false;
    *out = table->catalog.len > 0 ||
           (table->schema.len > 0 && !vv_str_eq_nocase(table->schema, VV_STR("main")));
    if (*out || !is_like_engines(table->name))
        return VARVE_OK;
    if (vv_key_fault(table->name) == NULL && !vv_lake_is_path(table->name))
        VV_TRY(vv_lake_has_table(op, script->lake, table->name, &is_lakes));
    *out = !is_lakes;
    return VARVE_OK;
}

static varve_status fail_at(struct vv_op *op, const struct vv_sql_table *table,
    struct vv_str value)
{
    return vv_fail(op, VARVE_EUSAGE,
        "table %.*s AT (%.*s => %.*s): a version is a number such as 5, a time a text such as "
        "'2025-01-30T10:00:00Z' or '-2h'",
        VV_ARG(table->name), VV_ARG(table->at_unit), VV_ARG(value));
}

varve_status vv_query_value(struct vv_op *op, struct vv_query_script *script,
    struct vv_str what, const struct vv_json *expression, struct vv_query_value *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_str text;
    bool has_row = false;
    VV_TRY(vv_sql_expression(op, script->session, expression, &script->request->params, &text));
    /* The name of an argument is an alias to SQL: hence AS v(x). */
    vv_buf_addf(&sql,
        "SELECT typeof(x), CAST(CASE WHEN typeof(x) LIKE 'TIMESTAMP%%' OR typeof(x) = 'DATE' "
        "THEN strftime(CAST(CAST(x AS VARCHAR) AS TIMESTAMPTZ), "
        "'%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ') "
        "ELSE CAST(x AS VARCHAR) END AS VARCHAR) FROM (SELECT %.*s) AS v(x)",
        VV_ARG(text));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    struct vv_query query = {.sql = vv_buf_str(&sql), .is_users = true};
    if (vv_session_rows(op, script->session, &query, &rows) != VARVE_OK) {
        op->error.detail[0] = '\0'; /* it would point into the text above */
        return vv_note(op, "%.*s (%.*s)", VV_ARG(what), VV_ARG(text));
    }
    VV_TRY(vv_rows_next(op, rows, &has_row));
    *out = (struct vv_query_value){.text = VV_STR_NONE};
    if (!has_row || vv_rows_is_null(rows, 1))
        return VARVE_OK;
    out->is_text = vv_str_eq(vv_rows_text(rows, 0), VV_STR("VARCHAR"));
    out->text = vv_arena_str(&op->arena, vv_rows_text(rows, 1));
    return out->text.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* The snapshot that a place with an AT of its own asks for. */
static varve_status at_snapshot(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *place, struct vv_table *table, struct vv_snapshot **out)
{
    struct vv_str what = vv_arena_format(&op->arena, "table %.*s AT", VV_ARG(place->name));
    struct vv_query_value at;
    int64_t number = 0;
    if (what.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_query_value(op, script, what, place->at, &at));
    struct vv_str value = at.text;
    if (value.ptr == NULL)
        return fail_at(op, place, VV_STR("NULL"));
    if (vv_str_eq_nocase(place->at_unit, VV_STR("VERSION"))) {
        if (vv_str_is_digits(value) && vv_str_int64(value, &number))
            return vv_table_snapshot(op, table, number, out);
        if (!at.is_text || value.len == 0 || value.ptr[0] == '-')
            return fail_at(op, place, value);
        return vv_table_at_tag(op, table, value, out);
    }
    if (vv_str_is_digits(value) || !vv_time_parse_human(value, vv_now_us(op), &number))
        return fail_at(op, place, value);
    VV_TRY(vv_table_at_time(op, table, number, out));
    vv_table_warn_future(op, table, number, *out);
    return VARVE_OK;
}

varve_status vv_query_key(struct vv_op *op, const struct vv_sql_table *place,
    struct vv_str *out)
{
    struct vv_str at = VV_STR("");
    if (place->at != NULL)
        VV_TRY(vv_json_write_value(op, place->at, &op->arena, &at));
    *out = vv_arena_format(&op->arena, "%.*s/%.*s %.*s", VV_ARG(place->name),
        VV_ARG(place->at_unit), VV_ARG(at));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status open_source(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *place, struct vv_query_source *out)
{
    struct vv_snapshot **slot = &script->pinned->snapshots[script->pinned->len];
    if (vv_str_find(place->name, '/') < place->name.len ||
        vv_str_find(place->name, ':') < place->name.len ||
        vv_str_eq(place->name, VV_STR(".")) || vv_str_eq(place->name, VV_STR("..")))
        return vv_fail(op, VARVE_EUSAGE,
            "\"%.*s\" is no name of a table: SQL reads the lake's tables, and neither files "
            "nor the network",
            VV_ARG(place->name));
    VV_TRY(vv_lake_table_for_any(op, script->lake, place->name, &out->table));
    out->known = script->known;
    out->table->known = &out->known;
    out->is_apart = script->known.is_set != script->lake->known.is_set ||
                    script->known.us != script->lake->known.us;
    if (place->at_unit.ptr != NULL)
        VV_TRY(at_snapshot(op, script, place, out->table, slot));
    else
        VV_TRY(vv_table_at(op, out->table, script->request->at, slot));
    out->snapshot = *slot;
    script->pinned->len++;
    VV_TRY(vv_rules_read_lenient(op, &op->arena, out->snapshot, &out->rules));
    if (!script->request->is_known_by_row || place->at_unit.ptr != NULL)
        return VARVE_OK;
    VV_TRY(vv_query_known_open(op, script, out));
    out->is_known_by_row = out->known_column >= 0;
    return VARVE_OK;
}

varve_status vv_query_source_find(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *place, struct vv_query_source **out)
{
    struct vv_str key;
    VV_TRY(vv_query_key(op, place, &key));
    if (script->known.is_set)
        key = vv_arena_format(&op->arena, "%.*s %" PRId64, VV_ARG(key), script->known.us);
    if (script->is_by_commit && key.ptr != NULL)
        key = vv_arena_format(&op->arena, "%.*s by commit", VV_ARG(key));
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    struct vv_query_source *source = vv_map_get(&script->by_key, key);
    if (source == NULL) {
        VV_NEW(op, &source, struct vv_query_source, 1);
        script->sources[script->sources_len++] = source;
        VV_TRY(open_source(op, script, place, source));
        if (!vv_map_put(&script->by_key, key, source, NULL))
            return vv_fail_memory(op);
    }
    *out = source;
    return VARVE_OK;
}

varve_status vv_query_places(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place **out)
{
    struct vv_query_place *places = NULL;
    VV_NEW(op, &places, struct vv_query_place, statement->tables_len + 1);
    for (size_t i = 0; i < statement->tables_len; i++) {
        const struct vv_sql_table *place = &statement->tables[i];
        if (place->arguments != NULL) {
            VV_TRY(vv_query_function(op, script, place, &places[i].view));
            continue;
        }
        bool is_engines = false;
        VV_TRY(vv_query_is_engines(op, script, place, &is_engines));
        if (is_engines) {
            if (place->at_unit.ptr == NULL)
                continue;
            vv_fail(op, VARVE_EUSAGE, "%.*s is no table of the lake: AT means nothing to it",
                VV_ARG(place->name));
            vv_sql_point(op, statement, place->node);
            return VARVE_EUSAGE;
        }
        places[i].table = place;
        varve_status status = vv_query_source_find(op, script, place, &places[i].source);
        if (status != VARVE_OK) {
            vv_sql_point(op, statement, place->node);
            return status;
        }
        places[i].source->places++;
    }
    *out = places;
    return VARVE_OK;
}

static varve_status add_not_null(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_place *place, struct vv_str name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_schema *schema = &place->source->snapshot->schema;
    for (size_t i = 0; i < schema->fields_len; i++) {
        if (schema->fields[i].nullable)
            continue;
        vv_buf_clear(&sql);
        vv_buf_adds(&sql, "ALTER TABLE temp.");
        vv_sql_name(&sql, name);
        vv_buf_adds(&sql, " ALTER COLUMN ");
        vv_sql_name(&sql, schema->fields[i].name);
        vv_buf_adds(&sql, " SET NOT NULL");
        if (!vv_buf_ok(&sql))
            return vv_fail_memory(op);
        VV_TRY(vv_session_exec(op, script->session, vv_buf_str(&sql)));
    }
    return VARVE_OK;
}

/*
 * A place that a DESCRIBE alone reads is an empty table: a view could not say which columns are
 * NOT NULL.
 */
static varve_status make_view(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_place *place, struct vv_str name)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_scan_source source = {.store = place->source->table->store,
        .engine = script->lake->sandbox,
        .snapshot = place->source->snapshot,
        .files = place->pruned.files,
        .files_len = place->pruned.files_len,
        .names = VV_SCAN_LOGICAL,
        .may_hold = true};
    bool is_table = place->table->is_described && place->source->places == 1;
    vv_buf_adds(&sql,
        is_table ? "CREATE OR REPLACE TEMP TABLE " : "CREATE OR REPLACE TEMP VIEW ");
    vv_sql_name(&sql, name);
    vv_buf_adds(&sql, is_table ? " AS SELECT * FROM (" : " AS ");
    if (place->source->is_known_by_row)
        VV_TRY(vv_query_known_sql(op, script, place->source, &sql));
    else if (vv_scan_sql(op, &source, &sql) != VARVE_OK)
        return vv_lost_version(op, place->source->table, source.snapshot, source.files,
            source.files_len);
    vv_buf_adds(&sql, is_table ? ") WITH NO DATA" : "");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_make_view(op, script->session, vv_buf_str(&sql)));
    return is_table ? add_not_null(op, script, place, name) : VARVE_OK;
}

/* Whether the table's own name can mean no other view: to DuckDB Signals and signals are one. */
static bool is_name_free(const struct vv_query_script *script, struct vv_str name)
{
    for (size_t i = 0; i < script->sources_len; i++) {
        struct vv_str other = script->sources[i]->table->name;
        if (vv_str_eq_nocase(other, name) && !vv_str_eq(other, name))
            return false;
    }
    return true;
}

/*
 * The view of a place. Under the table's own name the statement's text stays as it is; further
 * ones are called table@version:number, since no table that SQL reads has a ':' in its name.
 */
static varve_status find_view(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_place *place, struct vv_str *out)
{
    struct vv_query_source *source = place->source;
    bool is_whole = place->pruned.files_len == source->snapshot->files_len;
    bool is_plain = place->table->at_unit.ptr == NULL && !source->is_apart &&
                    (is_whole || source->places == 1) &&
                    is_name_free(script, place->table->name);
    struct vv_str name = is_whole ? source->view : VV_STR_NONE;
    if (name.ptr == NULL) {
        name = is_plain ? place->table->name
                        : vv_arena_format(&op->arena, "%.*s@%" PRId64 ":%zu",
                              VV_ARG(place->table->name), source->snapshot->version,
                              ++script->views);
        if (name.ptr == NULL)
            return vv_fail_memory(op);
        VV_TRY(make_view(op, script, place, name));
        if (is_whole)
            source->view = name;
    }
    *out = is_plain ? VV_STR_NONE : name;
    return VARVE_OK;
}

static varve_status make_views(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place *places,
    struct vv_str *out_sql)
{
    struct vv_str *views = NULL;
    VV_NEW(op, &views, struct vv_str, statement->tables_len + 1);
    for (size_t i = 0; i < statement->tables_len; i++) {
        views[i] = places[i].view;
        if (places[i].table == NULL)
            continue;
        VV_TRY(vv_prune_where(op, places[i].source->snapshot, places[i].predicate,
            &places[i].pruned));
        VV_TRY(find_view(op, script, &places[i], &views[i]));
    }
    return vv_sql_replace_tables(op, script->session, statement, views, out_sql);
}

varve_status vv_query_views(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place *places,
    struct vv_str *out_sql)
{
    varve_status status = make_views(op, script, statement, places, out_sql);
    bool is_pruned = false;
    for (size_t i = 0; i < statement->tables_len; i++) {
        is_pruned = is_pruned || places[i].predicate != NULL;
        places[i].predicate = NULL;
    }
    if (status != VARVE_EUSAGE || !is_pruned)
        return status;
    /* A place that can't be made out in the text: then it has to go without another name. */
    vv_forgive(op);
    return make_views(op, script, statement, places, out_sql);
}
