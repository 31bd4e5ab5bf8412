/*
 * What a statement is and reads, from DuckDB's own parse tree as JSON: nothing is bound or run,
 * so tables need not exist yet.
 */
#include "base/json.h"
#include "engine/duck.h"
#include "engine/sql.h"

/* Blanks and comments; block comments nest, as in DuckDB's scanner. */
static struct vv_str skip_blank(struct vv_str sql)
{
    for (;;) {
        sql = vv_str_trim(sql);
        if (vv_str_starts(sql, VV_STR("--"))) {
            sql = vv_str_skip(sql, vv_str_find(sql, '\n'));
            continue;
        }
        if (!vv_str_starts(sql, VV_STR("/*")))
            return sql;
        size_t depth = 0;
        do {
            if (vv_str_starts(sql, VV_STR("/*"))) {
                depth++;
                sql = vv_str_skip(sql, 2);
            } else if (vv_str_starts(sql, VV_STR("*/"))) {
                depth--;
                sql = vv_str_skip(sql, 2);
            } else {
                sql = vv_str_skip(sql, 1);
            }
        } while (depth > 0 && sql.len > 0);
    }
}

static bool is_word_byte(char byte)
{
    unsigned char c = (unsigned char)byte;
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '_' || c >= 0x80;
}

/* Cuts the keyword off the front of `*sql`; false when another word stands there. */
static bool take_keyword(struct vv_str *sql, struct vv_str keyword)
{
    if (!vv_str_eq_nocase(vv_str_first(*sql, keyword.len), keyword))
        return false;
    if (sql->len > keyword.len && is_word_byte(sql->ptr[keyword.len]))
        return false;
    *sql = skip_blank(vv_str_skip(*sql, keyword.len));
    return true;
}

/*
 * The parse tree of statements that are all SELECT; NULL in *out_tree when one is not. The tree
 * lives as long as the operation.
 */
static varve_status select_tree(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    const struct vv_json **out_tree)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&query, "SELECT json_serialize_sql(");
    vv_sql_literal(&query, sql);
    vv_buf_adds(&query, ", skip_null := true, skip_empty := true, skip_default := true)");
    if (!vv_buf_ok(&query))
        return vv_fail_memory(op);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_TRY(vv_session_query(op, session, vv_buf_str(&query), &rows));
    bool has_row = false;
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row || vv_rows_is_null(rows, 0))
        return vv_fail(op, VARVE_EFAILED, "DuckDB gives no parse tree");
    const struct vv_json *tree = NULL;
    varve_status status = vv_json_parse(op, &op->arena, vv_rows_text(rows, 0), &tree);
    if (status == VARVE_ECORRUPT) {
        vv_recode(op, VARVE_EUSAGE);
        return vv_note(op, "the statement is nested too deeply");
    }
    VV_TRY(status);
    *out_tree = vv_json_bool(vv_json_get(tree, "error"), false) ? NULL : tree;
    return VARVE_OK;
}

/* What EXPLAIN explains; `sql` itself where it is no EXPLAIN. */
static varve_status explained_tree(struct vv_op *op, struct vv_session *session,
    struct vv_str sql, bool *out_is_explain, const struct vv_json **out_tree)
{
    struct vv_str body = skip_blank(sql);
    *out_is_explain = take_keyword(&body, VV_STR("EXPLAIN"));
    if (!*out_is_explain)
        return select_tree(op, session, sql, out_tree);
    take_keyword(&body, VV_STR("ANALYZE"));
    VV_TRY(select_tree(op, session, body, out_tree));
    if (*out_tree || body.len == 0 || body.ptr[0] != '(')
        return VARVE_OK;
    /* Not a SELECT in parentheses, so it may be a list of options. */
    body = vv_str_skip(body, vv_str_find(body, ')') + 1);
    return select_tree(op, session, body, out_tree);
}

static varve_status syntax_check(struct vv_op *op, struct vv_session *session,
    struct vv_str sql, size_t *out_statements)
{
    VV_CLEANUP(vv_duck_text_done) char *text = NULL;
    if (vv_duck_text(op, "SQL text", sql, &text) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, VARVE_EUSAGE) : op->error.code;
    duckdb_extracted_statements statements = NULL;
    idx_t len = duckdb_extract_statements(session->connection, text, &statements);
    varve_status status = VARVE_OK;
    if (len == 0) {
        const char *reason = duckdb_extract_statements_error(statements);
        status = vv_duck_fail(op, VARVE_EUSAGE, DUCKDB_ERROR_PARSER,
            reason && reason[0] ? reason : "there is no statement");
    }
    duckdb_destroy_extracted(&statements);
    *out_statements = (size_t)len;
    return status;
}

varve_status vv_session_parse(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    enum vv_statement_kind *out_kind, size_t *out_statements)
{
    size_t statements = 0;
    VV_TRY(syntax_check(op, session, sql, &statements));
    bool is_explain = false;
    const struct vv_json *tree = NULL;
    VV_TRY(explained_tree(op, session, sql, &is_explain, &tree));
    *out_kind = VV_STATEMENT_OTHER;
    if (tree)
        *out_kind = is_explain ? VV_STATEMENT_EXPLAIN : VV_STATEMENT_SELECT;
    *out_statements = statements;
    return VARVE_OK;
}

/* The names that WITH gives, from the innermost outwards; on the stack of the walk. */
struct scope {
    struct vv_str name;
    const struct scope *outer;
};

struct names {
    struct vv_arena *arena;
    struct vv_str *items;
    size_t len;
    size_t capacity;
    bool failed;
};

static bool scope_has(const struct scope *scope, struct vv_str name)
{
    for (; scope; scope = scope->outer)
        if (vv_str_eq_nocase(scope->name, name))
            return true;
    return false;
}

static void add_name(struct names *names, struct vv_str schema, struct vv_str table)
{
    struct vv_str name = schema.len > 0 ? vv_arena_format(names->arena, "%.*s.%.*s",
                                              VV_ARG(schema), VV_ARG(table))
                                        : vv_arena_str(names->arena, table);
    if (name.ptr == NULL) {
        names->failed = true;
        return;
    }
    for (size_t index = 0; index < names->len; index++)
        if (vv_str_eq_nocase(names->items[index], name))
            return;
    if (!vv_arena_grow(names->arena, (void **)&names->items, names->len, &names->capacity,
            sizeof(name), _Alignof(struct vv_str))) {
        names->failed = true;
        return;
    }
    names->items[names->len++] = name;
}

static void walk(const struct vv_json *value, const struct scope *scope, struct names *names);

static void walk_members(const struct vv_json *value, const struct scope *scope,
    struct names *names)
{
    const struct vv_json *iterator = NULL;
    struct vv_str name;
    const struct vv_json *member;
    while (vv_json_each(value, &iterator, &name, &member))
        if (!vv_str_eq(name, VV_STR("cte_map")))
            walk(member, scope, names);
}

/*
 * A name that WITH gives holds from the next definition on, not in its own (which may read the
 * table that it hides), so each definition is walked before its name is put in scope.
 */
static const struct scope *walk_definitions(const struct vv_json *definitions,
    const struct scope *scope, struct names *names)
{
    const struct vv_json *iterator = NULL;
    struct vv_str unused;
    const struct vv_json *definition;
    while (vv_json_each(definitions, &iterator, &unused, &definition)) {
        walk(vv_json_get(definition, "value"), scope, names);
        struct scope *inner = vv_new(names->arena, struct scope, 1);
        if (inner == NULL) {
            names->failed = true;
            return scope;
        }
        *inner = (struct scope){vv_json_text(vv_json_get(definition, "key")), scope};
        scope = inner;
    }
    return scope;
}

static void walk(const struct vv_json *value, const struct scope *scope, struct names *names)
{
    if (vv_json_is(value, VV_JSON_ARRAY)) {
        walk_members(value, scope, names);
        return;
    }
    if (!vv_json_is(value, VV_JSON_OBJECT))
        return;
    struct vv_str type = vv_json_text(vv_json_get(value, "type"));
    struct scope inner = {VV_STR_NONE, scope};
    if (vv_str_eq(type, VV_STR("BASE_TABLE"))) {
        struct vv_str schema = vv_json_text(vv_json_get(value, "schema_name"));
        struct vv_str table = vv_json_text(vv_json_get(value, "table_name"));
        if (schema.len > 0 || !scope_has(scope, table))
            add_name(names, schema, table);
    } else if (vv_str_eq(type, VV_STR("RECURSIVE_CTE_NODE"))) {
        inner.name = vv_json_text(vv_json_get(value, "cte_name"));
        scope = &inner;
    }
    const struct vv_json *definitions = vv_json_get(vv_json_get(value, "cte_map"), "map");
    walk_members(value, walk_definitions(definitions, scope, names), names);
}

varve_status vv_session_table_names(struct vv_op *op, struct vv_session *session,
    struct vv_str sql, struct vv_arena *arena, struct vv_str **out, size_t *out_len)
{
    size_t statements = 0;
    VV_TRY(syntax_check(op, session, sql, &statements));
    bool is_explain = false;
    const struct vv_json *tree = NULL;
    VV_TRY(explained_tree(op, session, sql, &is_explain, &tree));
    if (tree == NULL)
        return vv_fail(op, VARVE_EUSAGE,
            "only SELECT statements, and EXPLAIN of one, say which tables they read");
    struct names names = {.arena = arena};
    walk(vv_json_get(tree, "statements"), NULL, &names);
    if (names.failed)
        return vv_fail_memory(op);
    *out = names.items;
    *out_len = names.len;
    return VARVE_OK;
}
