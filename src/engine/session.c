#include "base/seam.h"
#include "engine/duck.h"

varve_status vv_session_connect(struct vv_op *op, struct vv_engine *engine,
    struct vv_session **out)
{
    struct vv_session *session = vv_malloc(sizeof(*session));
    if (session == NULL)
        return vv_fail_memory(op);
    *session = (struct vv_session){.engine = engine, .views = VV_BUF_INIT(VV_BUF_MAX)};
    if (duckdb_connect(engine->database, &session->connection) != DuckDBSuccess) {
        vv_free(session);
        return vv_fail(op, VARVE_EFAILED, "the engine opens no further session");
    }
    atomic_fetch_add(&engine->uses, 1);
    /* It counts for those who ask (prepared.c), and prints nothing. */
    if (op->env->progress != NULL &&
        vv_session_exec(op, session,
            VV_STR("SET enable_progress_bar_print = false; SET enable_progress_bar = true")) !=
            VARVE_OK) {
        vv_session_close(&session);
        return op->error.code;
    }
    *out = session;
    return VARVE_OK;
}

varve_status vv_session_open(struct vv_op *op, struct vv_engine *engine,
    struct vv_session **out)
{
    VV_TRY(vv_engine_ready(op, engine));
    return vv_session_connect(op, engine, out);
}

varve_status vv_session_optimize(struct vv_op *op, struct vv_session *session, bool is_worth_it)
{
    if (session->is_plain == !is_worth_it)
        return VARVE_OK;
    VV_TRY(vv_session_exec(op, session,
        is_worth_it ? VV_STR("PRAGMA enable_optimizer") : VV_STR("PRAGMA disable_optimizer")));
    session->is_plain = !is_worth_it;
    return VARVE_OK;
}

void vv_session_close(struct vv_session **session)
{
    struct vv_session *closed = VV_MOVE(*session);
    if (closed == NULL)
        return;
    vv_session_forget(closed, VV_STR(""));
    duckdb_disconnect(&closed->connection);
    vv_engine_close(&closed->engine);
    vv_buf_done(&closed->views);
    vv_free(closed);
}

varve_status vv_session_exec(struct vv_op *op, struct vv_session *session, struct vv_str sql)
{
    duckdb_result result;
    VV_TRY(vv_duck_query(op, session, sql, VARVE_EFAILED, &result));
    duckdb_destroy_result(&result);
    return VARVE_OK;
}

varve_status vv_session_make_view(struct vv_op *op, struct vv_session *session,
    struct vv_str sql)
{
    vv_buf_add(&session->views, sql);
    vv_buf_addc(&session->views, '\n');
    return vv_session_exec(op, session, sql);
}

varve_status vv_session_int64(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    int64_t *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_TRY(vv_session_query(op, session, sql, &rows));
    bool has_row = false;
    VV_TRY(vv_rows_next(op, rows, &has_row));
    if (!has_row || vv_rows_columns(rows) != 1)
        return vv_fail(op, VARVE_EFAILED, "a statement that has to yield one number does not");
    *out = vv_rows_is_null(rows, 0) ? 0 : vv_rows_int64(rows, 0);
    return VARVE_OK;
}
