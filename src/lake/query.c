/*
 * A user's SQL over the tables of a lake.
 *
 * Every table that the statements name becomes a temporary view over one snapshot, all resolved
 * before the first of them is planned: a reader never sees half of somebody's commit, nor two
 * versions of one table unless they ask for that by AT. A view is of the files that can matter to
 * the statement (query_where.c); what the statement names is pointed at it (query_place.c). The statements run in an engine of their own that reaches the
 * lake's files and nothing else, and only SELECT and EXPLAIN run at all (engine/sql_tree.h).
 */
#include "base/seam.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "lake/query_script.h"

static void pinned_release(void *object)
{
    struct vv_query_pinned *pinned = object;
    if (pinned == NULL)
        return;
    for (size_t i = 0; i < pinned->len; i++)
        vv_snapshot_release(&pinned->snapshots[i]);
    vv_free(pinned->snapshots);
    vv_free(pinned);
}

static varve_status pinned_new(struct vv_op *op, size_t len, struct vv_query_pinned **out)
{
    struct vv_query_pinned *pinned = vv_malloc(sizeof(*pinned));
    if (pinned == NULL)
        return vv_fail_memory(op);
    *pinned = (struct vv_query_pinned){
        .snapshots = vv_malloc((len + 1) * sizeof(struct vv_snapshot *))};
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

static varve_status read_statements(struct vv_op *op, struct vv_query_script *script)
{
    struct vv_str rest = script->request->sql;
    struct vv_str text;
    bool is_closed = false;
    bool is_set = false;
    size_t capacity = 0;
    void *statements = NULL;
    while (vv_sql_split(&rest, &text, &is_closed)) {
        if (!vv_arena_grow(&op->arena, &statements, script->len, &capacity,
                sizeof(struct vv_sql_statement), _Alignof(struct vv_sql_statement)))
            return vv_fail_memory(op);
        script->statements = statements;
        struct vv_sql_statement *statement = &script->statements[script->len];
        VV_TRY(vv_query_set_read(op, script, text, &is_set, statement));
        if (!is_set)
            VV_TRY(vv_sql_read(op, script->session, text, statement));
        script->len++;
    }
    if (script->len == 0)
        return vv_fail(op, VARVE_EUSAGE, "no SQL statement");
    return VARVE_OK;
}

static bool uses_param(const struct vv_query_script *script, struct vv_str name)
{
    for (size_t i = 0; i < script->len; i++)
        for (size_t p = 0; p < script->statements[i].params_len; p++)
            if (vv_str_eq_nocase(script->statements[i].params[p], name))
                return true;
    return false;
}

/* A value too many is a slip of the pen as much as one too few. */
static varve_status check_params(struct vv_op *op, const struct vv_query_script *script)
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

/* A version means one table; counted are those that have no AT of their own. */
static varve_status check_at(struct vv_op *op, struct vv_query_script *script)
{
    struct vv_map seen = VV_MAP_INIT(&op->arena);
    struct vv_str at = script->request->at;
    size_t tables = 0;
    if (!vv_str_is_digits(at))
        return VARVE_OK;
    for (size_t i = 0; i < script->len; i++) {
        for (size_t t = 0; t < script->statements[i].tables_len; t++) {
            const struct vv_sql_table *place = &script->statements[i].tables[t];
            struct vv_sql_table over;
            struct vv_str key;
            bool is_engines = false;
            if (place->arguments != NULL) {
                VV_TRY(vv_query_function_table(op, script, place, &over));
                place = &over;
            }
            VV_TRY(vv_query_is_engines(op, script, place, &is_engines));
            if (is_engines || place->at_unit.ptr != NULL)
                continue;
            VV_TRY(vv_query_key(op, place, &key));
            tables += vv_map_has(&seen, key) ? 0 : 1;
            if (!vv_map_put(&seen, key, &seen, NULL))
                return vv_fail_memory(op);
        }
    }
    if (tables > 1)
        return vv_fail(op, VARVE_EUSAGE,
            "%.*s is a version, and the query reads %zu tables, each with versions of its "
            "own: give a time instead",
            VV_ARG(at), tables);
    return VARVE_OK;
}

static size_t count_places(const struct vv_query_script *script)
{
    size_t len = 0;
    for (size_t i = 0; i < script->len; i++)
        len += script->statements[i].tables_len;
    return len;
}

static void script_done(struct vv_query_script *script)
{
    for (size_t i = 0; i < script->sources_len; i++)
        vv_table_close(&script->sources[i]->table);
    vv_session_close(&script->session);
    pinned_release(script->pinned);
}

/* Tables of all statements first: how often one is read decides how its views are called. */
static varve_status find_places(struct vv_op *op, struct vv_query_script *script)
{
    size_t most = count_places(script);
    VV_TRY(pinned_new(op, 4 * most, &script->pinned)); /* a function may read two, and then */
    VV_NEW(op, &script->sources, struct vv_query_source *, 2 * most + 1);
    VV_NEW(op, &script->places, struct vv_query_place *, script->len);
    script->known = script->lake->known;
    for (size_t i = 0; i < script->len; i++) {
        if (script->statements[i].kind == VV_STATEMENT_SET)
            VV_TRY(vv_query_set_apply(op, script, &script->statements[i]));
        VV_TRY(vv_query_places(op, script, &script->statements[i], &script->places[i]));
    }
    return VARVE_OK;
}

static varve_status prepare_statement(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place *places,
    struct vv_query *out)
{
    struct vv_str written, kept, sql, steps;
    VV_TRY(vv_query_where(op, script, statement, places));
    VV_TRY(vv_query_views(op, script, statement, places, &written));
    VV_TRY(vv_sql_keep_nulls(op, script->session, written, &kept));
    VV_TRY(vv_query_guard(op, script, statement, places, kept, &sql));
    VV_TRY(vv_query_steps(op, script, statement, places, sql, &steps));
    bool is_guarded = !vv_str_eq(written, sql);
    *out = (struct vv_query){.sql = steps.ptr != NULL ? steps : sql,
        .otherwise = steps.ptr != NULL ? sql
                     : is_guarded      ? written
                                       : VV_STR_NONE,
        .is_otherwise_told = steps.ptr == NULL && is_guarded,
        .is_users = true,
        .params = &script->request->params};
    return VARVE_OK;
}

/* Up to the texts that can be run. now() is one time in all of it, since it is one transaction. */
static varve_status prepare(struct vv_op *op, struct vv_lake *lake,
    struct vv_query_script *script)
{
    struct vv_engine *sandbox = NULL;
    script->by_key = VV_MAP_INIT(&op->arena);
    VV_TRY(open_sandbox(op, lake, &sandbox));
    VV_TRY(vv_session_open(op, sandbox, &script->session));
    VV_TRY(read_statements(op, script));
    VV_TRY(check_params(op, script));
    VV_TRY(check_at(op, script));
    VV_TRY(vv_session_exec(op, script->session, VV_STR("BEGIN TRANSACTION")));
    VV_TRY(find_places(op, script));
    VV_NEW(op, &script->runs, struct vv_query, script->len);
    for (size_t i = 0; i < script->len; i++)
        VV_TRY(prepare_statement(op, script, &script->statements[i], script->places[i],
            &script->runs[i]));
    return VARVE_OK;
}

/* What the last statement reads, table by table. */
static varve_status list_plans(struct vv_op *op, const struct vv_query_script *script,
    struct vv_table_plan **out, size_t *out_len)
{
    const struct vv_sql_statement *statement = &script->statements[script->len - 1];
    size_t len = 0;
    VV_NEW(op, out, struct vv_table_plan, statement->tables_len + 1);
    for (size_t i = 0; i < statement->tables_len; i++) {
        const struct vv_query_place *place = &script->places[script->len - 1][i];
        if (place->table == NULL)
            continue;
        struct vv_table_plan *plan = &(*out)[len++];
        *plan =
            (struct vv_table_plan){.table = place->table->name, .alias = place->table->alias};
        vv_table_plan_fill(plan, place->source->snapshot, &place->pruned);
    }
    *out_len = len;
    return VARVE_OK;
}

static varve_status put_explain(struct vv_op *op, struct vv_str *sql)
{
    *sql = vv_arena_format(&op->arena, "EXPLAIN %.*s", VV_ARG(*sql));
    return sql->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* The engine's plan of the last statement, which EXPLAIN stands before, or is put before. */
static varve_status engine_plan(struct vv_op *op, const struct vv_query_script *script,
    struct vv_str *out_key, struct vv_str *out)
{
    struct vv_query query = script->runs[script->len - 1];
    if (script->statements[script->len - 1].kind != VV_STATEMENT_EXPLAIN) {
        VV_TRY(put_explain(op, &query.sql));
        if (query.otherwise.ptr != NULL)
            VV_TRY(put_explain(op, &query.otherwise));
    }
    return vv_engine_plan(op, script->session, &query, out_key, out);
}

/* EXPLAIN as rows: the tables in front, then what the engine says. */
static varve_status stream_explained(struct vv_op *op, struct vv_query_script *script,
    struct ArrowArrayStream *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf tables = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_table_plan *plans = NULL;
    struct vv_str plan, key;
    size_t len = 0;
    VV_TRY(list_plans(op, script, &plans, &len));
    VV_TRY(engine_plan(op, script, &key, &plan));
    vv_table_plan_text(plans, len, &tables);
    vv_buf_adds(&sql, "SELECT * FROM (VALUES ('tables', ");
    vv_sql_literal(&sql, vv_buf_str(&tables));
    vv_buf_adds(&sql, "), (");
    vv_sql_literal(&sql, key);
    vv_buf_adds(&sql, ", ");
    vv_sql_literal(&sql, plan);
    vv_buf_adds(&sql, ")) AS e(explain_key, explain_value)");
    if (!vv_buf_ok(&tables) || !vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_stream(op, &script->session, vv_buf_str(&sql), false, NULL, 0, out);
}

/* "table a", "tables a, b"; ptr NULL: none. */
static varve_status name_tables(struct vv_op *op, const struct vv_query_script *script,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf names = VV_BUF_INIT(VV_BUF_MAX);
    *out = VV_STR_NONE;
    for (size_t i = 0; i < script->sources_len; i++)
        vv_buf_addf(&names, "%s%.*s",
            i > 0                     ? ", "
            : script->sources_len > 1 ? "tables "
                                      : "table ",
            VV_ARG(script->sources[i]->table->name));
    if (script->sources_len == 0)
        return VARVE_OK;
    *out = vv_arena_str(&op->arena, vv_buf_str(&names));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status run(struct vv_op *op, struct vv_query_script *script,
    struct ArrowArrayStream *out)
{
    struct vv_keep keep = {script->pinned, pinned_release};
    struct vv_query query = script->runs[script->len - 1];
    for (size_t i = 0; i + 1 < script->len; i++) {
        VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
        VV_TRY(vv_session_rows(op, script->session, &script->runs[i], &rows));
    }
    VV_TRY(name_tables(op, script, &query.about));
    if (script->request->out_tables != NULL)
        *script->request->out_tables = query.about;
    if (script->statements[script->len - 1].kind == VV_STATEMENT_EXPLAIN)
        return stream_explained(op, script, out);
    query.has_own_names = script->request->has_own_names;
    VV_TRY(vv_session_stream_query(op, &script->session, &query, &keep, 1, out));
    script->pinned = NULL; /* the stream's now */
    return VARVE_OK;
}

varve_status vv_lake_query(struct vv_op *op, struct vv_lake *lake,
    const struct vv_query_request *request, struct ArrowArrayStream *out)
{
    VV_CLEANUP(script_done)
    struct vv_query_script script = {.lake = lake, .request = request};
    VV_TRY(prepare(op, lake, &script));
    VV_TRY(run(op, &script, out));
    if (script.has_set)
        lake->known = script.known;
    return VARVE_OK;
}

varve_status vv_lake_explain(struct vv_op *op, struct vv_lake *lake,
    const struct vv_query_request *request, struct ArrowArrayStream *out,
    struct vv_str *out_text)
{
    VV_CLEANUP(script_done)
    struct vv_query_script script = {.lake = lake, .request = request};
    struct vv_table_plan *plans = NULL;
    size_t len = 0;
    VV_TRY(prepare(op, lake, &script));
    VV_TRY(list_plans(op, &script, &plans, &len));
    VV_TRY(engine_plan(op, &script, NULL, out_text));
    return vv_table_plan_stream(op, lake->sandbox, plans, len, out);
}
