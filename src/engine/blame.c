/*
 * Which of the files that a statement reads is the broken one: of a page that makes no sense the
 * engine says what is wrong with it, and not in which file it is.
 *
 * The files stand in the text of the statement, or of the session's views. Each is read whole by itself,
 * in their order, until one fails: none is named that was not found so. For that each statement whose rows
 * are streamed keeps a copy of its text, and a session the texts of its views, some hundred bytes a file. One that
 * memory is too short for fails no statement over sound files; of broken ones none is named then.
 */
#include "engine/duck.h"
#include "engine/sql.h"
#include "engine/sql_lex.h"

/* How much of "read_parquet(['file', 'file'" stands before a token: a user's own words are no files. */
enum place {
    ELSEWHERE,
    BEHIND_WORD,
    AT_FILE,
    BEHIND_FILE
};

/* The lists of files in a text of SQL, one file after the other. */
struct files {
    struct vv_str rest;
    enum place place;
};

/* As it is written, quotes and all. */
static bool next_file(struct files *files, struct vv_str *out)
{
    for (;;) {
        struct vv_sql_token token = vv_sql_token_next(&files->rest);
        enum place place = files->place;
        files->place = ELSEWHERE;
        if (token.kind == VV_SQL_END)
            return false;
        if (vv_sql_is_word(token, "read_parquet")) {
            files->place = BEHIND_WORD;
        } else if ((place == BEHIND_WORD && vv_sql_is_sign(token, '(')) ||
                   (place == AT_FILE && vv_sql_is_sign(token, '[')) ||
                   (place == BEHIND_FILE && vv_sql_is_sign(token, ','))) {
            files->place = AT_FILE;
        } else if (place == AT_FILE && token.kind == VV_SQL_VALUE) {
            files->place = BEHIND_FILE;
            *out = token.text;
            return true;
        }
    }
}

/* All of it, whatever its columns are called. ECORRUPT: it is broken. */
static varve_status read_whole(struct vv_op *op, struct vv_session *session, struct vv_str file)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_addf(&sql,
        "SELECT bit_xor(hash(COLUMNS(*))) FROM read_parquet(%.*s, hive_partitioning=false)",
        VV_ARG(file));
    varve_status status = vv_session_exec(op, session, vv_buf_str(&sql));
    if (status != VARVE_OK)
        vv_forgive(op);
    return status;
}

struct found {
    struct vv_str path; /* of the broken file; ptr NULL: none was found */
    bool is_none;       /* every file was read, and is sound */
};

static varve_status find_broken(struct vv_op *op, struct vv_session *session,
    struct vv_str text, struct vv_str message, struct found *out)
{
    struct vv_str file, path;
    bool is_none = true;
    for (struct files files = {.rest = text}; next_file(&files, &file);) {
        VV_TRY(vv_sql_file_path(op, file, &path));
        if (memmem(message.ptr, message.len, path.ptr, path.len) != NULL)
            return VARVE_OK;
    }
    for (struct files files = {.rest = text}; next_file(&files, &file);) {
        VV_TRY(vv_check_cancel(op));
        varve_status status = read_whole(op, session, file);
        if (status == VARVE_ECORRUPT)
            return vv_sql_file_path(op, file, &out->path);
        is_none = is_none && status == VARVE_OK;
    }
    out->is_none = is_none;
    return VARVE_OK;
}

/* By a session of its own: that of the statement may be within a transaction, which has failed. */
static varve_status find(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_str message, struct found *out)
{
    VV_CLEANUP(vv_session_close) struct vv_session *own = NULL;
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_add(&text, sql);
    vv_buf_addc(&text, '\n');
    vv_buf_add(&text, vv_buf_str(&session->views));
    if (!vv_buf_ok(&text))
        return vv_fail_memory(op);
    VV_TRY(vv_session_connect(op, session->engine, &own));
    own->is_blaming = true;
    return find_broken(op, own, vv_buf_str(&text), message, out);
}

/* They are told by functions of ours: where a file is named, or what no plain read would meet. */
static bool is_told(const char *message)
{
    return strstr(message, VV_DUCK_DAMAGED) != NULL ||
           strstr(message, VV_DUCK_NO_VARIANT) != NULL;
}

varve_status vv_duck_blame(struct vv_op *op, struct vv_session *session, varve_status refused,
    struct vv_str sql)
{
    struct found found = {.path = VV_STR_NONE};
    if (op->error.code != VARVE_ECORRUPT || session->is_blaming)
        return op->error.code;
    VV_CLEANUP(vv_op_done) struct vv_op own;
    vv_op_init(&own, op->env, VV_OP_BYTES_DEFAULT);
    if (!is_told(op->error.message) &&
        find(&own, session, sql, vv_str_of(op->error.message), &found) != VARVE_OK)
        vv_forgive(&own);
    if (found.is_none && refused == VARVE_EUSAGE) /* a value of theirs reads as if it were */
        return vv_recode(op, refused);
    vv_note(op, "broken Parquet file");
    return found.path.ptr != NULL ? vv_note(op, "%.*s", VV_ARG(found.path)) : op->error.code;
}
