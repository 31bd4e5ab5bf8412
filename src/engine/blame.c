/*
 * Which of the files that a statement reads is the broken one: of a page that makes no sense the
 * engine says what is wrong with it, and not in which file it is.
 *
 * The files stand in the text of the statement, or of the session's views. Each is read whole by itself,
 * in their order, until one fails. No statement over sound files pays for it.
 */
#include "engine/duck.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"

/* The lists of files in a text of SQL, one file after the other. */
struct files {
    struct vv_str rest;
    bool is_in_list;
};

/* As it is written, quotes and all. */
static bool next_file(struct files *files, struct vv_str *out)
{
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(&files->rest);
        if (token.kind == VV_SQL_END)
            return false;
        if (vv_sql_is_word(token, "read_parquet")) {
            files->is_in_list = true;
        } else if (vv_sql_is_sign(token, ']') || vv_sql_is_sign(token, ')')) {
            files->is_in_list = false;
        } else if (files->is_in_list && token.kind == VV_SQL_VALUE) {
            *out = token.text;
            return true;
        }
    }
}

/* By reading all of it. */
static bool is_broken(struct vv_op *op, struct vv_session *session, struct vv_str file)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql,
        "SELECT bit_xor(hash(r)) FROM read_parquet(%.*s, hive_partitioning=false) AS r",
        VV_ARG(file));
    if (!vv_buf_ok(&sql))
        return false;
    varve_status status = vv_session_exec(op, session, vv_buf_str(&sql));
    if (status != VARVE_OK)
        vv_forgive(op);
    return status == VARVE_ECORRUPT;
}

/* ptr NULL: none of them; one that the message names, or that is alone, needs no look. */
static varve_status find_broken(struct vv_op *op, struct vv_session *session,
    struct vv_str text, struct vv_str message, struct vv_str *out)
{
    struct vv_str file, path;
    size_t len = 0;
    for (struct files files = {.rest = text}; next_file(&files, &file); len++) {
        VV_TRY(vv_sql_file_path(op, file, &path));
        if (memmem(message.ptr, message.len, path.ptr, path.len) != NULL)
            return VARVE_OK;
    }
    for (struct files files = {.rest = text}; next_file(&files, &file);) {
        VV_TRY(vv_check_cancel(op));
        if (len == 1 || is_broken(op, session, file))
            return vv_sql_file_path(op, file, out);
    }
    return VARVE_OK;
}

/* By a session of its own: that of the statement may be within a transaction, which has failed. */
static varve_status find(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_str message, struct vv_str *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *own = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_add(&text, sql);
    vv_buf_addc(&text, '\n');
    vv_buf_add(&text, vv_buf_str(&session->views));
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    VV_TRY(vv_session_connect(op, session->engine, &own));
    return find_broken(op, own, vv_buf_str(&text), message, out);
}

varve_status vv_duck_blame(struct vv_op *op, struct vv_session *session, struct vv_str sql)
{
    struct vv_str message = vv_str_of(op->error.message);
    struct vv_str path = VV_STR_NONE;
    if (op->error.code != VARVE_ECORRUPT || strstr(message.ptr, VV_DUCK_DAMAGED) != NULL)
        return op->error.code;
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    if (find(&own, session, sql, message, &path) != VARVE_OK)
        vv_forgive(&own);
    return path.ptr != NULL ? vv_note(op, "%.*s", VV_ARG(path)) : op->error.code;
}
