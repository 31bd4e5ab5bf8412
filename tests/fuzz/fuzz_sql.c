/*
 * A user's SQL. Its tokens are the text, whole and in order. What is let through as a statement is
 * a statement still with other tables in it, and then reads those alone.
 */
#include "fuzz.h"

#include "base/buf.h"
#include "engine/sql_lex.h"
#include "engine/sql_tree.h"
#include "fuzz_engine.h"

#define VIEW "other view"

static void check_tokens(struct vv_str text)
{
    struct vv_str rest = text;
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(&rest);
        VV_PRE(rest.ptr + rest.len == text.ptr + text.len);
        if (token.kind == VV_SQL_END)
            break;
        VV_PRE(token.text.len > 0 && token.text.ptr >= text.ptr);
        VV_PRE(token.text.ptr + token.text.len == rest.ptr);
        VV_PRE(token.kind != VV_SQL_SIGN || token.text.len == 1);
        VV_PRE(token.is_closed || rest.len == 0);
    }
    VV_PRE(rest.len == 0);
}

static bool is_failure_to_read(varve_status status)
{
    return status == VARVE_EUSAGE || status == VARVE_EUNSUPPORTED || status == VARVE_ELIMIT;
}

/* The statement with our view in the place of each table. */
static void check_statement(struct vv_op *op, struct vv_session *session, struct vv_str text)
{
    struct vv_sql_statement statement;
    struct vv_sql_statement again;
    struct vv_str sql;
    varve_status status = vv_sql_read(op, session, text, &statement);
    if (status != VARVE_OK) {
        VV_PRE(is_failure_to_read(status) && op->error.message[0] != '\0');
        vv_forgive(op);
        return;
    }
    VV_PRE(statement.select_offset <= text.len);
    struct vv_str *views = vv_new(&op->arena, struct vv_str, statement.tables_len + 1);
    VV_PRE(views != NULL);
    for (size_t i = 0; i < statement.tables_len; i++)
        views[i] = VV_STR(VIEW);
    status = vv_sql_replace_tables(op, session, &statement, views, &sql);
    if (status != VARVE_OK) {
        VV_PRE(is_failure_to_read(status));
        vv_forgive(op);
        return;
    }
    status = vv_sql_read(op, session, sql, &again);
    VV_PRE(status == VARVE_OK && again.kind == statement.kind);
    VV_PRE(again.tables_len == statement.tables_len);
    VV_PRE(again.params_len <= statement.params_len); /* those of AT and functions are gone */
    for (size_t i = 0; i < again.tables_len; i++)
        VV_PRE(vv_str_eq(again.tables[i].name, VV_STR(VIEW)) &&
               vv_str_eq(again.tables[i].catalog, VV_STR("temp")) &&
               again.tables[i].at_unit.ptr == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_session *session = fuzz_engine()->session;
    struct vv_str text = {(const char *)data, size};
    struct vv_str rest = text;
    struct vv_str one;
    bool is_closed = false;

    vv_op_init(&op, NULL, (size_t)1 << 30);
    check_tokens(text);
    while (vv_sql_split(&rest, &one, &is_closed)) {
        VV_PRE(one.ptr >= text.ptr && one.ptr + one.len <= text.ptr + text.len);
        VV_PRE(is_closed || rest.len == 0);
        check_statement(&op, session, one);
    }
    if (vv_sql_read_condition(&op, session, "condition", text, &(struct vv_sql_statement){0}) !=
        VARVE_OK)
        VV_PRE(is_failure_to_read(op.error.code));
    return 0;
}
