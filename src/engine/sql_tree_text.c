/*
 * From the parse tree back to text. A statement is changed where it stands, since DuckDB's own way
 * back from a tree forgets things (MATERIALIZED, the names of columns); its tree says where. Single
 * expressions go that way: only their values matter.
 */
#include <stdlib.h>

#include "base/json_write.h"
#include "engine/param.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "engine/sql_tree.h"

struct edit {
    size_t offset; /* of the table's name in the text */
    const struct vv_sql_table *table;
    struct vv_str view;
};

static int edit_cmp(const void *a, const void *b)
{
    const struct edit *left = a;
    const struct edit *right = b;
    return (left->offset > right->offset) - (left->offset < right->offset);
}

static varve_status not_found(struct vv_op *op, const struct vv_sql_table *table)
{
    struct vv_str name = table->name;
    if (table->arguments != NULL)
        return vv_fail(op, VARVE_EUSAGE,
            "%.*s(...) is in a place where it can't be made out: write FROM %.*s(...) AS t",
            VV_ARG(name), VV_ARG(name));
    return vv_fail(op, VARVE_EUSAGE,
        "AT of table %.*s is in a place where it can't be made out: write FROM %.*s AS t AT "
        "(VERSION => ...)",
        VV_ARG(name), VV_ARG(name));
}

/* A name as a token has it, quotes taken off. */
static bool is_name(struct vv_sql_token token, struct vv_str name)
{
    if (token.kind == VV_SQL_WORD)
        return vv_str_eq_nocase(token.text, name);
    if (token.kind == VV_SQL_END || token.kind == VV_SQL_SIGN || token.text.len < 2)
        return false;
    size_t len = 0;
    for (size_t i = 1; i + 1 < token.text.len; i++, len++) {
        struct vv_str byte = vv_str_first(vv_str_skip(token.text, i), 1);
        if (!vv_str_eq_nocase(byte, vv_str_first(vv_str_skip(name, len), 1)))
            return false;
        i += token.text.ptr[i] == token.text.ptr[0] ? 1 : 0; /* doubled */
    }
    return len == name.len;
}

/* Up to and with the bracket that closes the first one; false: there is none. */
static bool skip_brackets(struct vv_str *rest)
{
    size_t depth = 0;
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(rest);
        if (token.kind == VV_SQL_END)
            return false;
        if (vv_sql_is_sign(token, '('))
            depth++;
        else if (vv_sql_is_sign(token, ')') && --depth == 0)
            return true;
    }
}

/*
 * A piece of the text; each `?` and `$1` gets a name with its number in it, since what is left out
 * must not change which value the others get, and DuckDB wants numbers without gaps. `sql` NULL:
 * they are counted only.
 */
static void add_text(struct vv_str text, size_t *questions, struct vv_buf *sql)
{
    struct vv_str rest = text;
    const char *copied = text.ptr;
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(&rest);
        if (token.kind == VV_SQL_END)
            break;
        bool is_question = vv_sql_is_sign(token, '?');
        bool has_number = rest.len > 0 && rest.ptr[0] >= '0' && rest.ptr[0] <= '9';
        if (!is_question && !(has_number && vv_sql_is_sign(token, '$')))
            continue;
        struct vv_str number = has_number ? vv_sql_token_next(&rest).text : VV_STR_NONE;
        *questions += has_number ? 0 : 1;
        if (sql == NULL)
            continue;
        vv_buf_add(sql, (struct vv_str){copied, (size_t)(token.text.ptr - copied)});
        vv_buf_adds(sql, " $" VV_SQL_NUMBERED); /* apart: LIMIT?OFFSET? is four words */
        if (has_number)
            vv_buf_add(sql, number);
        else
            vv_buf_addf(sql, "%zu ", *questions);
        copied = rest.ptr;
    }
    if (sql != NULL)
        vv_buf_add(sql, (struct vv_str){copied, (size_t)(text.ptr + text.len - copied)});
}

/* One table's name and AT, or a function and its brackets; `*rest` starts at the name, and afterwards behind what was written. */
static varve_status apply(struct vv_op *op, const struct edit *edit, struct vv_str *rest,
    struct vv_buf *sql)
{
    struct vv_sql_token name = vv_sql_token_next(rest);
    if (edit->table->schema.len > 0 && is_name(name, edit->table->schema)) {
        struct vv_str behind = *rest;
        if (vv_sql_is_sign(vv_sql_token_next(&behind), '.')) {
            name = vv_sql_token_next(&behind);
            *rest = behind;
        }
    }
    if (!is_name(name, edit->table->name))
        return not_found(op, edit->table);
    if (edit->table->arguments != NULL &&
        (!vv_sql_is_sign(vv_sql_token_next(&(struct vv_str){rest->ptr, rest->len}), '(') ||
            !skip_brackets(rest)))
        return not_found(op, edit->table);
    vv_buf_adds(sql, "temp.main.");
    vv_sql_name(sql, edit->view);
    if (edit->table->alias.len == 0) {
        vv_buf_adds(sql, " AS ");
        vv_sql_name(sql, edit->table->name);
    }
    if (edit->table->at_unit.ptr == NULL)
        return VARVE_OK;
    struct vv_str alias = *rest;
    while (!vv_sql_is_at(*rest))
        if (vv_sql_token_next(rest).kind == VV_SQL_END)
            return not_found(op, edit->table);
    vv_buf_add(sql, vv_str_first(alias, (size_t)(rest->ptr - alias.ptr)));
    return skip_brackets(rest) ? VARVE_OK : not_found(op, edit->table);
}

static varve_status collect(struct vv_op *op, const struct vv_sql_statement *statement,
    const struct vv_str *views, struct edit **out, size_t *out_len)
{
    size_t len = 0;
    VV_NEW(op, out, struct edit, statement->tables_len + 1);
    for (size_t i = 0; i < statement->tables_len; i++) {
        const struct vv_sql_table *table = &statement->tables[i];
        int64_t offset = -1;
        if (views[i].ptr == NULL)
            continue;
        if (!vv_json_int64(vv_json_get(table->node, "query_location"), &offset) || offset < 0 ||
            (uint64_t)offset >= statement->text.len - statement->select_offset)
            return not_found(op, table);
        (*out)[len++] =
            (struct edit){statement->select_offset + (size_t)offset, table, views[i]};
    }
    qsort(*out, len, sizeof(**out), edit_cmp);
    *out_len = len;
    return VARVE_OK;
}

/* Read again: what was to be replaced is, and nothing else has changed. */
static varve_status check(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_statement *before, const struct vv_str *views, struct vv_str sql)
{
    struct vv_sql_statement after;
    varve_status status = vv_sql_read(op, session, sql, &after);
    if (status == VARVE_ELIMIT || status == VARVE_EINTERRUPTED)
        return status;
    if (status != VARVE_OK) {
        vv_forgive(op);
        return not_found(op, &before->tables[0]);
    }
    if (after.tables_len != before->tables_len)
        return not_found(op, &before->tables[0]);
    for (size_t i = 0; i < before->tables_len; i++) {
        struct vv_str name = views[i].ptr != NULL ? views[i] : before->tables[i].name;
        if (!vv_str_eq(after.tables[i].name, name) || after.tables[i].at_unit.ptr != NULL)
            return not_found(op, &before->tables[i]);
    }
    return VARVE_OK;
}

varve_status vv_sql_replace_tables(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_statement *statement, const struct vv_str *views,
    struct vv_str *out_sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str rest = statement->text;
    struct edit *edits = NULL;
    size_t len = 0;
    size_t questions = 0;
    VV_TRY(collect(op, statement, views, &edits, &len));
    for (size_t i = 0; i < len; i++) {
        const char *name = statement->text.ptr + edits[i].offset;
        if (name < rest.ptr)
            return not_found(op, edits[i].table);
        add_text(vv_str_first(rest, (size_t)(name - rest.ptr)), &questions, &sql);
        rest = vv_str_skip(statement->text, edits[i].offset);
        VV_TRY(apply(op, &edits[i], &rest, &sql));
        add_text((struct vv_str){name, (size_t)(rest.ptr - name)}, &questions, NULL);
    }
    if (len > 0)
        add_text(rest, &questions, &sql);
    else
        vv_buf_add(&sql, rest);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    struct vv_str text = vv_arena_str(&op->arena, vv_buf_str(&sql));
    if (text.ptr == NULL)
        return vv_fail_memory(op);
    if (len > 0)
        VV_TRY(check(op, session, statement, views, text));
    *out_sql = text;
    return VARVE_OK;
}

/* In the place of parameters with values: they stay parameters. */
static const struct vv_sql_params no_values;

/*
 * A double becomes a cast of its digits: DuckDB writes 1e0 as 1.0, which it reads as a decimal, and a
 * number that no double holds as Infinity, which is no JSON and which it does not read back. The name
 * of a column is what DuckDB writes, where it can. False: `node` is another one.
 */
static bool add_double(const struct vv_json *node, bool is_name, struct vv_buf *json)
{
    struct vv_sql_param number = {.type = VV_SQL_DOUBLE};
    if (!vv_str_eq(vv_json_text(vv_json_get(node, "class")), VV_STR("CONSTANT")))
        return false;
    const struct vv_json *constant = vv_json_get(node, "value");
    number.value = vv_json_text(vv_json_get_kind(constant, "value", VV_JSON_NUMBER));
    bool is_infinite = vv_str_eq(number.value, VV_STR("Infinity")) ||
                       vv_str_eq(number.value, VV_STR("-Infinity"));
    bool is_double = number.value.ptr != NULL &&
                     vv_json_is_text(vv_json_get(constant, "type"), "id", "DOUBLE");
    if (!is_infinite && (is_name || !is_double))
        return false;
    vv_sql_param_add_node(&number, json);
    return true;
}

static varve_status add_value(struct vv_op *op, const struct vv_json *value,
    const struct vv_sql_params *params, struct vv_buf *json)
{
    bool is_object = vv_json_is(value, VV_JSON_OBJECT);
    if (is_object && params != &no_values &&
        vv_str_eq(vv_json_text(vv_json_get(value, "class")), VV_STR("PARAMETER"))) {
        struct vv_str name = vv_json_text(vv_json_get(value, "identifier"));
        const struct vv_sql_param *param = vv_sql_param_find(params, name);
        if (param == NULL)
            return vv_fail(op, VARVE_EUSAGE, "no value for the parameter $%.*s", VV_ARG(name));
        vv_sql_param_add_node(param, json);
        return VARVE_OK;
    }
    if (is_object && add_double(value, params == &no_values, json))
        return VARVE_OK;
    if (!is_object && !vv_json_is(value, VV_JSON_ARRAY)) {
        struct vv_str text;
        VV_TRY(vv_json_write_value(op, value, &op->arena, &text));
        vv_buf_add(json, text);
        return VARVE_OK;
    }
    const struct vv_json *iterator = NULL;
    const struct vv_json *member;
    struct vv_str name;
    const char *separator = "";
    vv_buf_addc(json, is_object ? '{' : '[');
    while (vv_json_each(value, &iterator, &name, &member)) {
        vv_buf_adds(json, separator);
        separator = ",";
        if (is_object) {
            struct vv_json_writer writer = VV_JSON_WRITER_INIT(json);
            vv_jw_string(&writer, name);
            vv_buf_addc(json, ':');
        }
        VV_TRY(add_value(op, member, params, json));
    }
    vv_buf_addc(json, is_object ? '}' : ']');
    return VARVE_OK;
}

varve_status vv_sql_expression(struct vv_op *op, struct vv_session *session,
    const struct vv_json *node, const struct vv_sql_params *params, struct vv_str *out_sql)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf query = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    const struct vv_str select = VV_STR("SELECT ");
    bool has_row = false;
    vv_buf_adds(&json, "{\"error\":false,\"statements\":[{\"node\":{\"type\":\"SELECT_NODE\","
                       "\"modifiers\":[],\"cte_map\":{\"map\":[]},\"select_list\":[");
    VV_TRY(add_value(op, node, params, &json));
    vv_buf_adds(&json,
        "],\"from_table\":{\"type\":\"EMPTY\",\"alias\":\"\",\"sample\":null},"
        "\"where_clause\":null,\"group_expressions\":[],\"group_sets\":[],"
        "\"aggregate_handling\":\"STANDARD_HANDLING\",\"having\":null,\"sample\":null,"
        "\"qualify\":null},\"named_param_map\":[]}]}");
    vv_buf_adds(&query, "SELECT json_deserialize_sql(");
    vv_sql_literal(&query, vv_buf_str(&json));
    vv_buf_addc(&query, ')');
    if (!vv_buf_ok(&json) || !vv_buf_ok(&query))
        return vv_fail_memory(op);
    VV_TRY(vv_session_query(op, session, vv_buf_str(&query), &rows));
    VV_TRY(vv_rows_next(op, rows, &has_row));
    struct vv_str text = has_row ? vv_rows_text(rows, 0) : VV_STR_NONE;
    if (!vv_str_starts(text, select))
        return vv_fail(op, VARVE_EFAILED, "DuckDB gives no text of an expression");
    text = vv_arena_str(&op->arena, vv_str_skip(text, select.len));
    if (text.ptr == NULL)
        return vv_fail_memory(op);
    *out_sql = text;
    return VARVE_OK;
}

varve_status vv_sql_column_name(struct vv_op *op, struct vv_session *session,
    const struct vv_json *node, struct vv_str *out)
{
    return vv_sql_expression(op, session, node, &no_values, out);
}
