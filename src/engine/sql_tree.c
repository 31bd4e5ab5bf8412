#include "engine/sql_tree.h"

#include "engine/duck.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"

#define SHOWN_BYTES_MAX 120 /* of an expression in a message */

/* Functions in FROM that make rows out of their arguments, or tell of the language. */
static const char *const table_functions[] = {"range", "generate_series", "unnest", "repeat",
    "repeat_row", "json_each", "json_tree", "duckdb_functions", "duckdb_keywords",
    "duckdb_types", "pg_timezone_names"};

/* Functions in FROM that the lake has over its tables (lake/query_function.c). */
static const char *const lake_functions[] = {
    "table_changes", "table_history", "table_files", "asof_join"};

/* The names that WITH gives, from the innermost outwards; on the stack of the walk. */
struct scope {
    struct vv_str name;
    const struct scope *outer;
};

struct walk {
    struct vv_op *op;
    struct vv_sql_statement *statement;
    size_t tables_capacity;
    size_t params_capacity;
    bool is_described; /* within a DESCRIBE, not a SUMMARIZE */
};

/*
 * The parse tree of a SELECT; NULL in *out_tree when it is none. The tree lives as long as the
 * operation.
 */
static varve_status select_tree(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    const struct vv_json **out_tree)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_json *tree = NULL;
    bool has_row = false;
    vv_buf_adds(&query, "SELECT json_serialize_sql(");
    vv_sql_literal(&query, sql);
    vv_buf_addc(&query, ')');
    if (!vv_buf_ok(&query))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&query), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row || vv_rows_is_null(rows, 0))
        return vv_fail(op, VARVE_EFAILED, "DuckDB gives no parse tree");
    varve_status status = vv_json_parse_tree(op, &op->arena, vv_rows_text(rows, 0), &tree);
    if (status == VARVE_ECORRUPT) {
        vv_recode(op, VARVE_EUSAGE);
        return vv_note(op, "the statement is nested too deeply");
    }
    VV_TRY(status);
    *out_tree = vv_json_bool(vv_json_get(tree, "error"), false) ? NULL : tree;
    return VARVE_OK;
}

/* "AT (TAG =>" at the front: the word, or what a person may well put for the two that there are. */
static struct vv_str at_of_another(struct vv_str rest)
{
    bool is_at = vv_sql_is_word(vv_sql_token_next(&rest), "at") &&
                 vv_sql_is_sign(vv_sql_token_next(&rest), '(');
    struct vv_sql_token word = vv_sql_token_next(&rest);
    is_at = is_at && word.kind == VV_SQL_WORD &&
            vv_sql_is_sign(vv_sql_token_next(&rest), '=') &&
            vv_sql_is_sign(vv_sql_token_next(&rest), '>');
    bool is_ours = vv_sql_is_word(word, "version") || vv_sql_is_word(word, "timestamp");
    return is_at && !is_ours ? word.text : VV_STR_NONE;
}

/* DuckDB's grammar has AT behind the name of a table alone, and its error does not say so. */
static void explain_at(struct vv_op *op, struct vv_str sql)
{
    while (!vv_sql_is_at(sql)) {
        struct vv_str word = at_of_another(sql);
        if (word.len > 0) {
            vv_detail(op,
                "%sThere is no AT (%.*s => ...): a version or a tag is AT (VERSION => 5), AT "
                "(VERSION => 'q1'), a time AT (TIMESTAMP => '2025-01-30').",
                op->error.detail[0] != '\0' ? "\n" : "", VV_ARG(word));
            return;
        }
        if (vv_sql_token_next(&sql).kind == VV_SQL_END)
            return;
    }
    vv_detail(op,
        "%sAT (VERSION => ...) and AT (TIMESTAMP => ...) belong behind the name of a table and "
        "its "
        "alias, not behind a subquery or a function.",
        op->error.detail[0] != '\0' ? "\n" : "");
}

/* PIVOT without its values becomes two statements: one that looks for them, one that reads. */
static bool has_pivot(struct vv_str sql)
{
    struct vv_sql_token token;
    do
        token = vv_sql_token_next(&sql);
    while (token.kind != VV_SQL_END && !vv_sql_is_word(token, "PIVOT") &&
           !vv_sql_is_word(token, "PIVOT_WIDER"));
    return token.kind != VV_SQL_END;
}

static varve_status syntax_check(struct vv_op *op, struct vv_session *session,
    struct vv_str sql)
{
    VV_CLEANUP(vv_duck_text_done) char *text = NULL;
    if (!vv_utf8_valid(sql))
        return vv_fail(op, VARVE_EUSAGE, "the SQL is not valid UTF-8");
    if (vv_duck_text(op, "SQL text", sql, &text) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : op->error.code;
    duckdb_extracted_statements statements = NULL;
    idx_t len = duckdb_extract_statements(session->connection, text, &statements);
    varve_status status = VARVE_OK;
    if (len == 0) {
        const char *reason = duckdb_extract_statements_error(statements);
        status = vv_duck_fail(op, VARVE_EUSAGE, DUCKDB_ERROR_PARSER,
            reason && reason[0] ? reason : "there is no statement");
        explain_at(op, sql);
    } else if (len > 1) {
        status = vv_fail(op, VARVE_EUSAGE, "%s",
            has_pivot(sql) ? "PIVOT needs its values: FROM (PIVOT t ON sym IN ('SPY', 'QQQ') "
                             "USING sum(x))"
                           : "there is more than one statement: write one at a time");
    }
    duckdb_destroy_extracted(&statements);
    return status;
}

/* The SELECT of an EXPLAIN, or the text itself, and its tree. */
static varve_status find_select(struct vv_op *op, struct vv_session *session,
    struct vv_sql_statement *statement, const struct vv_json **out_tree)
{
    struct vv_str body = statement->text;
    struct vv_str rest = body;
    statement->kind = VV_STATEMENT_SELECT;
    if (vv_sql_is_word(vv_sql_token_next(&rest), "EXPLAIN")) {
        statement->kind = VV_STATEMENT_EXPLAIN;
        body = rest;
        if (vv_sql_is_word(vv_sql_token_next(&rest), "ANALYZE"))
            body = rest;
    }
    VV_TRY(select_tree(op, session, body, out_tree));
    struct vv_str inner = vv_sql_skip_blank(body, NULL);
    if (*out_tree == NULL && statement->kind == VV_STATEMENT_EXPLAIN && inner.len > 0 &&
        inner.ptr[0] == '(') {
        /* Not a SELECT in parentheses, so it may be a list of options. */
        body = vv_str_skip(inner, vv_str_find(inner, ')') + 1);
        VV_TRY(select_tree(op, session, body, out_tree));
    }
    if (*out_tree == NULL)
        return vv_fail(op, VARVE_EUSAGE,
            "only SELECT and EXPLAIN can be queried; tables are changed by commands such as "
            "varve upsert");
    statement->select_offset =
        statement->kind == VV_STATEMENT_EXPLAIN ? (size_t)(body.ptr - statement->text.ptr) : 0;
    return VARVE_OK;
}

static bool scope_has(const struct scope *scope, struct vv_str name)
{
    for (; scope; scope = scope->outer)
        if (vv_str_eq_nocase(scope->name, name))
            return true;
    return false;
}

static varve_status push_table(struct walk *walk, const struct vv_sql_table *table)
{
    struct vv_sql_statement *statement = walk->statement;
    if (!vv_arena_grow(&walk->op->arena, (void **)&statement->tables, statement->tables_len,
            &walk->tables_capacity, sizeof(*table), _Alignof(struct vv_sql_table)))
        return vv_fail_memory(walk->op);
    statement->tables[statement->tables_len++] = *table;
    return VARVE_OK;
}

static varve_status add_table(struct walk *walk, const struct vv_json *node,
    const struct scope *scope)
{
    const struct vv_json *at = vv_json_get_kind(node, "at_clause", VV_JSON_OBJECT);
    struct vv_sql_table table = {.node = node,
        .catalog = vv_json_text(vv_json_get(node, "catalog_name")),
        .schema = vv_json_text(vv_json_get(node, "schema_name")),
        .name = vv_json_text(vv_json_get(node, "table_name")),
        .alias = vv_json_text(vv_json_get(node, "alias")),
        .at_unit = vv_json_text(vv_json_get(at, "unit")),
        .at = vv_json_get(at, "expr"),
        .is_described = walk->is_described};
    if (table.schema.len == 0 && scope_has(scope, table.name)) {
        if (table.at_unit.ptr == NULL)
            return VARVE_OK;
        vv_fail(walk->op, VARVE_EUSAGE,
            "%.*s is a name of WITH here: AT belongs behind a table of the lake, inside of the "
            "WITH",
            VV_ARG(table.name));
        vv_sql_point(walk->op, walk->statement, node);
        return VARVE_EUSAGE;
    }
    return push_table(walk, &table);
}

static varve_status add_param(struct walk *walk, struct vv_str name)
{
    struct vv_sql_statement *statement = walk->statement;
    for (size_t i = 0; i < statement->params_len; i++)
        if (vv_str_eq_nocase(statement->params[i], name))
            return VARVE_OK;
    if (!vv_arena_grow(&walk->op->arena, (void **)&statement->params, statement->params_len,
            &walk->params_capacity, sizeof(name), _Alignof(struct vv_str)))
        return vv_fail_memory(walk->op);
    statement->params[statement->params_len++] = name;
    return VARVE_OK;
}

/* A name is taken for the lake's only where nothing stands before it. */
static bool is_lake_function(const struct vv_json *function, struct vv_str name)
{
    if (vv_json_text(vv_json_get(function, "schema")).len > 0 ||
        vv_json_text(vv_json_get(function, "catalog")).len > 0)
        return false;
    for (size_t i = 0; i < VV_COUNT(lake_functions); i++)
        if (vv_str_eq_nocase(name, vv_str_of(lake_functions[i])))
            return true;
    return false;
}

static varve_status add_function(struct walk *walk, const struct vv_json *node)
{
    const struct vv_json *function = vv_json_get(node, "function");
    struct vv_str name = vv_json_text(vv_json_get(function, "function_name"));
    if (is_lake_function(function, name)) {
        const struct vv_sql_table table = {.node = node,
            .catalog = VV_STR(""),
            .schema = VV_STR(""),
            .name = name,
            .alias = vv_json_text(vv_json_get(node, "alias")),
            .arguments = vv_json_get_kind(function, "children", VV_JSON_ARRAY)};
        if (table.arguments != NULL &&
            vv_json_is_text(node, "with_ordinality", "WITHOUT_ORDINALITY"))
            return push_table(walk, &table);
        return vv_fail(walk->op, VARVE_EUSAGE, "%.*s(...) has no WITH ORDINALITY",
            VV_ARG(name));
    }
    for (size_t i = 0; i < VV_COUNT(table_functions); i++)
        if (vv_str_eq_nocase(name, vv_str_of(table_functions[i])))
            return VARVE_OK;
    vv_fail(walk->op, VARVE_EUSAGE,
        "the function %.*s is not there in FROM: SQL reads the lake's tables, and neither "
        "files "
        "nor the network",
        VV_ARG(name));
    vv_sql_point(walk->op, walk->statement, node);
    return VARVE_EUSAGE;
}

static varve_status walk_value(struct walk *walk, const struct vv_json *value,
    const struct scope *scope);

static varve_status walk_members(struct walk *walk, const struct vv_json *value,
    const struct scope *scope)
{
    const struct vv_json *iterator = NULL;
    struct vv_str name;
    const struct vv_json *member;
    while (vv_json_each(value, &iterator, &name, &member))
        if (!vv_str_eq(name, VV_STR("cte_map")))
            VV_TRY(walk_value(walk, member, scope));
    return VARVE_OK;
}

/*
 * A name that WITH gives holds from the next definition on, not in its own (which may read the
 * table that it hides), so each definition is walked before its name is put in scope.
 */
static varve_status walk_definitions(struct walk *walk, const struct vv_json *definitions,
    const struct scope **scope)
{
    const struct vv_json *iterator = NULL;
    struct vv_str unused;
    const struct vv_json *definition;
    while (vv_json_each(definitions, &iterator, &unused, &definition)) {
        struct scope *inner = NULL;
        VV_TRY(walk_value(walk, vv_json_get(definition, "value"), *scope));
        VV_NEW(walk->op, &inner, struct scope, 1);
        *inner = (struct scope){vv_json_text(vv_json_get(definition, "key")), *scope};
        *scope = inner;
    }
    return VARVE_OK;
}

static varve_status walk_show(struct walk *walk, const struct vv_json *value,
    const struct scope *scope)
{
    if (!vv_json_is(vv_json_get(value, "query"), VV_JSON_OBJECT))
        return vv_fail(walk->op, VARVE_EUSAGE,
            "SHOW is not there: varve tables lists the tables, DESCRIBE t the columns of one");
    bool was_described = walk->is_described;
    walk->is_described = !vv_json_is_text(value, "show_type", "SUMMARY");
    varve_status status = walk_members(walk, value, scope);
    walk->is_described = was_described;
    return status;
}

static varve_status walk_object(struct walk *walk, const struct vv_json *value,
    const struct scope *scope)
{
    struct scope inner = {VV_STR_NONE, scope};
    if (vv_json_is_text(value, "type", "BASE_TABLE")) {
        VV_TRY(add_table(walk, value, scope));
    } else if (vv_json_is_text(value, "type", "TABLE_FUNCTION")) {
        VV_TRY(add_function(walk, value));
    } else if (vv_json_is_text(value, "class", "PARAMETER")) {
        VV_TRY(add_param(walk, vv_json_text(vv_json_get(value, "identifier"))));
    } else if (vv_json_is_text(value, "type", "SHOW_REF")) {
        return walk_show(walk, value, scope);
    } else if (vv_json_is_text(value, "type", "RECURSIVE_CTE_NODE")) {
        inner.name = vv_json_text(vv_json_get(value, "cte_name"));
        scope = &inner;
    }
    VV_TRY(walk_definitions(walk, vv_json_get(vv_json_get(value, "cte_map"), "map"), &scope));
    return walk_members(walk, value, scope);
}

static varve_status walk_value(struct walk *walk, const struct vv_json *value,
    const struct scope *scope)
{
    if (vv_json_is(value, VV_JSON_ARRAY))
        return walk_members(walk, value, scope);
    if (vv_json_is(value, VV_JSON_OBJECT))
        return walk_object(walk, value, scope);
    return VARVE_OK;
}

varve_status vv_sql_read(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_sql_statement *out)
{
    struct vv_sql_statement statement = {.text = sql};
    struct walk walk = {.op = op, .statement = &statement};
    const struct vv_json *tree = NULL;
    VV_TRY(syntax_check(op, session, sql));
    VV_TRY(find_select(op, session, &statement, &tree));
    statement.root = vv_json_get(tree, "statements");
    VV_TRY(walk_value(&walk, statement.root, NULL));
    *out = statement;
    return VARVE_OK;
}

/* Nothing but the condition may have come of the text: no ") ORDER BY (". */
static bool is_condition_alone(const struct vv_json *node)
{
    static const char *const empty[] = {
        "modifiers", "group_expressions", "group_sets", "having", "sample", "qualify"};
    if (!vv_json_is_text(node, "type", "SELECT_NODE"))
        return false;
    for (size_t i = 0; i < VV_COUNT(empty); i++)
        if (vv_json_len(vv_json_get(node, empty[i])) > 0)
            return false;
    return vv_json_is_text(vv_json_get(node, "from_table"), "type", "EMPTY");
}

/* Names that are near, without ours: "Candidate bindings: "k"". */
static struct vv_str candidates(struct vv_str message)
{
    const struct vv_str before = VV_STR("Candidate bindings: ");
    const char *at = memmem(message.ptr, message.len, before.ptr, before.len);
    if (at == NULL)
        return VV_STR("");
    struct vv_str line = vv_str_skip(message, (size_t)(at - message.ptr) + before.len);
    line = vv_str_first(line, vv_str_find(line, '\n'));
    return memmem(line.ptr, line.len, "\"vv", 3) == NULL ? line : VV_STR("");
}

varve_status vv_sql_blame(struct vv_op *op, const char *what, struct vv_str expression)
{
    if (op->error.code != VARVE_EUSAGE)
        return op->error.code;
    struct vv_str message = vv_arena_str(&op->arena, vv_str_of(op->error.message));
    struct vv_str further = vv_arena_str(&op->arena, vv_str_of(op->error.detail));
    if (message.ptr == NULL || further.ptr == NULL)
        return vv_fail_memory(op);
    struct vv_str near = candidates(further);
    vv_forgive(op);
    bool is_long = expression.len > SHOWN_BYTES_MAX;
    return vv_fail(op, VARVE_EUSAGE, "%s: %.*s%s%.*s%s%.*s%s", what,
        VV_ARG(vv_str_first(message, vv_str_find(message, '\n'))),
        near.len > 0 ? " Near it is " : "", VV_ARG(near), expression.len > 0 ? ", in \"" : "",
        VV_ARG(vv_str_first(expression, SHOWN_BYTES_MAX)),
        expression.len == 0 ? ""
        : is_long           ? "...\""
                            : "\"");
}

varve_status vv_sql_read_condition(struct vv_op *op, struct vv_session *session,
    const char *what, struct vv_str expression, struct vv_sql_statement *out)
{
    /* Without brackets around it, which an expression could close by itself. */
    struct vv_str sql =
        vv_arena_format(&op->arena, "SELECT 1 WHERE %.*s\n", VV_ARG(expression));
    struct vv_sql_statement statement;
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    if (vv_sql_read(op, session, sql, &statement) != VARVE_OK)
        return vv_sql_blame(op, what, expression);
    const struct vv_json *iterator = NULL;
    const struct vv_json *first = NULL;
    struct vv_str unused;
    (void)vv_json_each(statement.root, &iterator, &unused, &first);
    const struct vv_json *node = vv_json_get(first, "node");
    if (vv_json_is_text(vv_json_get(node, "where_clause"), "function_name", "row"))
        return vv_fail(op, VARVE_EUSAGE,
            "%s: \"%.*s\" is a row, whose values have no names: write {'a': 1, 'b': 2}", what,
            VV_ARG(expression));
    if (!is_condition_alone(node))
        return vv_fail(op, VARVE_EUSAGE, "%s: \"%.*s\" is more than one expression", what,
            VV_ARG(expression));
    if (statement.tables_len > 0)
        return vv_fail(op, VARVE_EUSAGE,
            "%s: it reads %.*s: only columns of the table itself may be in it (varve query "
            "joins tables)",
            what, VV_ARG(statement.tables[0].name));
    if (statement.params_len > 0)
        return vv_fail(op, VARVE_EUSAGE, "%s: no parameter such as $%.*s may be in it", what,
            VV_ARG(statement.params[0]));
    *out = statement;
    return VARVE_OK;
}
