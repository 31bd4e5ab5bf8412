/*
 * Functions in FROM over a table of the lake: what it went through, its commits, its files.
 *
 * The table is fixed at the version at which the query reads it elsewhere, too, and what came after
 * that is not told. A function's arguments are worked out before anything runs; in the statement a
 * temporary view stands for it.
 */
#include "base/number.h"
#include "engine/sql.h"
#include "lake/query_call.h"
#include "table/audit/changes.h"
#include "table/describe.h"
#include "table/read/read.h"

struct function {
    const char *name;
    const char *usage;
    size_t arguments_min, arguments_max;
    varve_status (*make)(struct vv_op *op, struct vv_query_script *script,
        const struct vv_query_call *call);
    const char *const
        *names; /* of the arguments, which may then be given by name; NULL: none */
};

static varve_status make_changes(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_call *call)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_changes_request request = {.from = call->arguments[1].text,
        .to = call->arguments_len > 2 ? call->arguments[2].text : VV_STR_NONE,
        .newest = call->source->snapshot};
    vv_buf_adds(&sql, "CREATE TEMP VIEW ");
    vv_sql_name(&sql, call->view);
    vv_buf_adds(&sql, " AS ");
    VV_TRY(vv_table_changes_sql(op, call->source->table, &request, script->lake->sandbox, &sql,
        &script->pinned->snapshots[script->pinned->len]));
    script->pinned->len++;
    return vv_session_make_view(op, script->session, vv_buf_str(&sql));
}

/* A view of rows that are loaded into the session; of commits after `version` none. */
static varve_status make_of_rows(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_call *call, struct ArrowArrayStream *rows, const int64_t *version)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_load_target target = {
        .table = vv_arena_format(&op->arena, "%.*s rows", VV_ARG(call->view)),
        .row_column = VV_STR("_row")};
    if (target.table.ptr == NULL) {
        rows->release(rows);
        return vv_fail_memory(op);
    }
    VV_TRY(vv_session_load_arrow(op, script->session, rows, &target, NULL));
    vv_buf_adds(&sql, "CREATE TEMP VIEW ");
    vv_sql_name(&sql, call->view);
    vv_buf_adds(&sql, " AS SELECT * EXCLUDE (_row) FROM temp.main.");
    vv_sql_name(&sql, target.table);
    if (version != NULL)
        vv_buf_addf(&sql, " WHERE version <= %" PRId64, *version);
    vv_buf_adds(&sql, " ORDER BY _row");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_exec(op, script->session, vv_buf_str(&sql));
}

static varve_status make_history(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_call *call)
{
    struct ArrowArrayStream rows = {0};
    const struct vv_table *table = call->source->table;
    int64_t version = call->source->snapshot->version;
    if (vv_log_history_rows_to(op, &table->log, version, 0, &rows) != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(table->name));
    return make_of_rows(op, script, call, &rows, &version);
}

static varve_status make_files(struct vv_op *op, struct vv_query_script *script,
    const struct vv_query_call *call)
{
    struct ArrowArrayStream rows = {0};
    if (call->arguments_len > 1)
        VV_TRY(vv_table_files(op, call->source->table, call->arguments[1].text, &rows));
    else
        VV_TRY(vv_table_files_of(op, call->source->table, call->source->snapshot, &rows));
    return make_of_rows(op, script, call, &rows, NULL);
}

static const struct function functions[] = {
    {"table_changes", "table_changes('t', from [, to])", 2, 3, make_changes, NULL},
    {"table_history", "table_history('t')", 1, 1, make_history, NULL},
    {"table_files", "table_files('t' [, at])", 1, 2, make_files, NULL},
    {"asof_join",
        "asof_join('t', 'u' [, by => 'a,b'] [, tolerance => '1h'] [, knowledge => "
        "'order'|'event'] [, condition => 'c = 1'] [, left_time => 'c'] [, right_time => 'c'])",
        2, VV_QUERY_ASOF_ARGUMENTS, vv_query_make_asof, vv_query_asof_names},
};

static const struct function *function_of(const struct vv_sql_table *place)
{
    size_t i = 0;
    while (!vv_str_eq_nocase(place->name, vv_str_of(functions[i].name)))
        VV_PRE(++i < VV_COUNT(functions));
    return &functions[i];
}

/* t for 't', start => 1 and the like: told before the engine says something else of it. */
static varve_status check_argument(struct vv_op *op, const struct function *function,
    size_t index, const struct vv_json *argument)
{
    bool is_column =
        vv_str_eq(vv_json_text(vv_json_get(argument, "class")), VV_STR("COLUMN_REF"));
    if (is_column && index == 0)
        return vv_fail(op, VARVE_EUSAGE, "%s: the name of the table stands in quotes: write %s",
            function->name, function->usage);
    if (is_column)
        return vv_fail(op, VARVE_EUSAGE,
            "%s: argument %zu is a column, and has to be one value for the whole query",
            function->name, index + 1);
    return VARVE_OK;
}

static varve_status find_named(struct vv_op *op, const struct function *function,
    struct vv_str name, size_t *index)
{
    if (function->names == NULL)
        return vv_fail(op, VARVE_EUSAGE, "%s: its arguments have no names: write %s",
            function->name, function->usage);
    for (size_t i = 0; i < function->arguments_max; i++) {
        if (!vv_str_eq_nocase(name, vv_str_of(function->names[i])))
            continue;
        *index = i;
        return VARVE_OK;
    }
    return vv_fail(op, VARVE_EUSAGE, "%s has no argument %.*s: write %s", function->name,
        VV_ARG(name), function->usage);
}

/* The place of an argument: by its name, else by where it stands. None is given twice. */
static varve_status place_argument(struct vv_op *op, const struct function *function,
    const struct vv_query_call *call, const struct vv_json *argument, size_t *index)
{
    struct vv_str name = vv_json_text(vv_json_get(argument, "alias"));
    if (name.len > 0)
        VV_TRY(find_named(op, function, name, index));
    if (call->arguments[*index].text.ptr == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE, "%s: %s is given twice", function->name,
        function->names[*index]);
}

static varve_status read_argument(struct vv_op *op, struct vv_query_script *script,
    const struct vv_json *argument, size_t index, struct vv_query_call *call)
{
    const struct function *function = function_of(call->place);
    struct vv_str what =
        vv_arena_format(&op->arena, "%s: argument %zu", function->name, index + 1);
    if (what.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(check_argument(op, function, index, argument));
    VV_TRY(place_argument(op, function, call, argument, &index));
    VV_TRY(vv_query_value(op, script, what, argument, &call->arguments[index]));
    if (call->arguments[index].text.len == 0)
        return vv_fail(op, VARVE_EUSAGE, "%.*s is %s: write %s", VV_ARG(what),
            call->arguments[index].text.ptr == NULL ? "NULL" : "empty", function->usage);
    return VARVE_OK;
}

/* The values of the first `most` arguments. */
static varve_status read_arguments(struct vv_op *op, struct vv_query_script *script,
    size_t most, struct vv_query_call *call)
{
    const struct function *function = function_of(call->place);
    const struct vv_json *iterator = NULL;
    const struct vv_json *argument = NULL;
    struct vv_str unused;
    size_t len = vv_json_len(call->place->arguments);
    if (len < function->arguments_min || len > function->arguments_max)
        return vv_fail(op, VARVE_EUSAGE, "%s does not take %zu argument%s: write %s",
            function->name, len, vv_plural((int64_t)len), function->usage);
    while (call->arguments_len < most &&
           vv_json_each(call->place->arguments, &iterator, &unused, &argument))
        VV_TRY(read_argument(op, script, argument, call->arguments_len++, call));
    for (size_t i = 0; i < function->arguments_min && i < most; i++)
        if (call->arguments[i].text.ptr == NULL)
            return vv_fail(op, VARVE_EUSAGE, "%s: argument %zu is missing: write %s",
                function->name, i + 1, function->usage);
    if (!call->arguments[0].is_text)
        return vv_fail(op, VARVE_EUSAGE, "%s: %.*s is no name of a table: write %s",
            function->name, VV_ARG(call->arguments[0].text), function->usage);
    return VARVE_OK;
}

static struct vv_sql_table table_of(const struct vv_query_call *call)
{
    return (struct vv_sql_table){.node = call->place->node,
        .catalog = VV_STR(""),
        .schema = VV_STR(""),
        .name = call->arguments[0].text,
        .alias = VV_STR("")};
}

varve_status vv_query_function_table(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *function, struct vv_sql_table *out)
{
    struct vv_query_call call = {.place = function};
    VV_TRY(read_arguments(op, script, 1, &call));
    *out = table_of(&call);
    return VARVE_OK;
}

varve_status vv_query_function(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *function, struct vv_str *out_view)
{
    struct vv_query_call call = {.place = function};
    VV_TRY(read_arguments(op, script, VV_QUERY_ARGUMENTS_MAX, &call));
    const struct vv_sql_table table = table_of(&call);
    script->is_by_commit = script->request->is_known_by_row;
    varve_status status = vv_query_source_find(op, script, &table, &call.source);
    script->is_by_commit = false;
    if (status != VARVE_OK)
        return status;
    call.view = vv_arena_format(&op->arena, "%s(%.*s):%zu", function_of(function)->name,
        VV_ARG(table.name), ++script->views);
    if (call.view.ptr == NULL)
        return vv_fail_memory(op);
    if (function_of(function)->make(op, script, &call) != VARVE_OK)
        return vv_note(op, "%s", function_of(function)->name);
    *out_view = call.view;
    return VARVE_OK;
}
