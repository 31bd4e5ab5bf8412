/*
 * SET known_at among the statements of a query: those behind it read the tables as they were known
 * then. It is no setting of the engine's, and no other can be set.
 */
#include "engine/sql.h"
#include "engine/sql_lex.h"
#include "lake/query_script.h"

static varve_status fail_form(struct vv_op *op)
{
    return vv_fail(op, VARVE_EUSAGE,
        "only known_at can be set: SET known_at = '2025-01-30T10:00:00Z' (or '-2h', $name), "
        "SET "
        "known_at = NULL, RESET known_at");
}

/* What is behind "SET", as the text of an expression. */
static bool read_value(struct vv_str rest, bool is_reset, struct vv_str *out)
{
    struct vv_sql_token name = vv_sql_token_next(&rest);
    if (!vv_sql_is_word(name, "known_at"))
        return false;
    struct vv_sql_token sign = vv_sql_token_next(&rest);
    *out = is_reset ? VV_STR("NULL") : rest;
    if (is_reset)
        return sign.kind == VV_SQL_END;
    return vv_sql_is_sign(sign, '=') || vv_sql_is_word(sign, "TO");
}

/* The one expression of "SELECT (...)"; NULL: the brackets were closed for something else. */
static const struct vv_json *expression_of(const struct vv_sql_statement *statement)
{
    const struct vv_json *iterator = NULL;
    const struct vv_json *item = NULL;
    struct vv_str unused;
    (void)vv_json_each(statement->root, &iterator, &unused, &item);
    const struct vv_json *node = vv_json_get(item, "node");
    const struct vv_json *list = vv_json_get_kind(node, "select_list", VV_JSON_ARRAY);
    const struct vv_json *from = vv_json_get(node, "from_table");
    if (vv_json_len(list) != 1 || statement->tables_len > 0 ||
        !vv_str_eq(vv_json_text(vv_json_get(from, "type")), VV_STR("EMPTY")))
        return NULL;
    iterator = NULL;
    item = NULL;
    (void)vv_json_each(list, &iterator, &unused, &item);
    return item;
}

varve_status vv_query_set_read(struct vv_op *op, struct vv_query_script *script,
    struct vv_str text, bool *out_is_set, struct vv_sql_statement *out)
{
    struct vv_str rest = text;
    struct vv_str value = VV_STR_NONE;
    struct vv_sql_token verb = vv_sql_token_next(&rest);
    bool is_reset = vv_sql_is_word(verb, "RESET");
    *out_is_set = is_reset || vv_sql_is_word(verb, "SET");
    if (!*out_is_set)
        return VARVE_OK;
    if (!read_value(rest, is_reset, &value))
        return fail_form(op);
    struct vv_str sql = vv_arena_format(&op->arena, "SELECT (%.*s\n)", VV_ARG(value));
    if (sql.ptr == NULL)
        return vv_fail_memory(op);
    if (vv_sql_read(op, script->session, sql, out) != VARVE_OK)
        return vv_note(op, "SET known_at");
    if (expression_of(out) == NULL)
        return fail_form(op);
    out->kind = VV_STATEMENT_SET;
    return VARVE_OK;
}

varve_status vv_query_set_apply(struct vv_op *op, struct vv_query_script *script,
    struct vv_sql_statement *statement)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_query_value value;
    VV_TRY(vv_query_value(op, script, VV_STR("SET known_at ="), expression_of(statement),
        &value));
    if (script->request->is_known_fixed)
        return vv_fail(op, VARVE_EUSAGE,
            "SET known_at: what is known is given with the query already");
    if (script->request->at.len > 0 && value.text.ptr != NULL)
        return vv_fail(op, VARVE_EUSAGE,
            "SET known_at and --at both say when: give one of them");
    script->has_set = true;
    script->known.is_set = value.text.ptr != NULL;
    script->known.us = 0;
    vv_buf_adds(&sql, "SELECT ");
    if (script->known.is_set) {
        VV_TRY(vv_known_at_read(op, value.text, &script->known.us));
        vv_sql_timestamptz(&sql, script->known.us);
    } else {
        vv_buf_adds(&sql, "NULL::TIMESTAMPTZ");
    }
    vv_buf_adds(&sql, " AS known_at");
    statement->text = vv_arena_str(&op->arena, vv_buf_str(&sql));
    return vv_buf_ok(&sql) && statement->text.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}
