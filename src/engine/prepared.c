/*
 * One statement, prepared, its parameters given values, and run: whole, or up to its first rows.
 * A kept one is prepared once, and found again by its text.
 */
#include "base/seam.h"
#include "engine/duck.h"

static void statements_done(duckdb_extracted_statements *statements)
{
    duckdb_destroy_extracted(statements);
}

static void prepared_done(duckdb_prepared_statement *prepared)
{
    duckdb_destroy_prepare(prepared);
}

static void pending_done(duckdb_pending_result *pending)
{
    duckdb_destroy_pending(pending);
}

/*
 * A statement that cannot be prepared has a text for its error and no type; the type is in the
 * text's first words.
 */
static duckdb_error_type type_of_text(const char *text)
{
    if (text && strncmp(text, "Out of Memory Error", 19) == 0)
        return DUCKDB_ERROR_OUT_OF_MEMORY;
    if (text && strncmp(text, "INTERRUPT", 9) == 0)
        return DUCKDB_ERROR_INTERRUPT;
    if (text && strncmp(text, "IO Error", 8) == 0)
        return DUCKDB_ERROR_IO;
    return DUCKDB_ERROR_INVALID_INPUT;
}

static varve_status fail_by_text(struct vv_op *op, varve_status refused, const char *text)
{
    return vv_duck_fail(op, refused, type_of_text(text), text);
}

static varve_status prepare(struct vv_op *op, struct vv_session *session, const char *sql,
    varve_status refused, duckdb_prepared_statement *out)
{
    VV_CLEANUP(statements_done) duckdb_extracted_statements statements = NULL;
    idx_t len = duckdb_extract_statements(session->connection, sql, &statements);
    if (len == 0) {
        const char *reason = duckdb_extract_statements_error(statements);
        return vv_duck_fail(op, refused, DUCKDB_ERROR_PARSER,
            reason && reason[0] ? reason : "there is no statement");
    }
    if (len > 1)
        return vv_fail(op, refused, "one statement is wanted here, not %zu", (size_t)len);
    if (duckdb_prepare_extracted_statement(session->connection, statements, 0, out) ==
        DuckDBSuccess)
        return VARVE_OK;
    varve_status status = fail_by_text(op, refused, duckdb_prepare_error(*out));
    duckdb_destroy_prepare(out);
    return status;
}

const struct vv_sql_param *vv_sql_param_find(const struct vv_sql_params *params,
    struct vv_str name)
{
    if (vv_str_starts(name, VV_STR(VV_SQL_NUMBERED)))
        name = vv_str_skip(name, sizeof(VV_SQL_NUMBERED) - 1);
    for (size_t i = 0; params != NULL && i < params->len; i++)
        if (vv_str_eq_nocase(params->items[i].name, name))
            return &params->items[i];
    return NULL;
}

/* The caller's to free, though DuckDB calls it const. */
static void name_free(const char *name)
{
    void *memory = NULL;
    memcpy(&memory, &name, sizeof(memory));
    duckdb_free(memory);
}

/* A literal as text: DuckDB then gives it the type of what it stands beside. */
static duckdb_state bind_value(duckdb_prepared_statement prepared, idx_t at,
    const struct vv_sql_param *param)
{
    duckdb_hugeint digits = {param->decimal_low, param->decimal_high};
    switch (param->type) {
    case VV_SQL_BOOLEAN:
        return duckdb_bind_boolean(prepared, at, param->number != 0);
    case VV_SQL_BIGINT:
        return duckdb_bind_int64(prepared, at, param->number);
    case VV_SQL_DOUBLE:
        return duckdb_bind_double(prepared, at, param->real);
    case VV_SQL_DECIMAL:
        return duckdb_bind_decimal(prepared, at,
            (duckdb_decimal){param->width, param->scale, digits});
    case VV_SQL_DATE:
        return duckdb_bind_date(prepared, at, (duckdb_date){(int32_t)param->number});
    case VV_SQL_TIMESTAMP:
        return duckdb_bind_timestamp_tz(prepared, at, (duckdb_timestamp){param->number});
    case VV_SQL_TIMESTAMP_NTZ:
        return duckdb_bind_timestamp(prepared, at, (duckdb_timestamp){param->number});
    case VV_SQL_TIME:
        return duckdb_bind_time(prepared, at, (duckdb_time){param->number});
    case VV_SQL_BINARY:
        return duckdb_bind_blob(prepared, at, param->bytes.ptr, param->bytes.len);
    case VV_SQL_LITERAL:
    case VV_SQL_STRING:
    default:
        return duckdb_bind_varchar_length(prepared, at, param->value.ptr, param->value.len);
    }
}

static varve_status bind(struct vv_op *op, duckdb_prepared_statement prepared,
    const struct vv_sql_params *params)
{
    for (idx_t i = 1; i <= duckdb_nparams(prepared); i++) {
        const char *name = duckdb_parameter_name(prepared, i);
        const struct vv_sql_param *param = vv_sql_param_find(params, vv_str_of(name));
        duckdb_state state = DuckDBError;
        if (param != NULL && param->is_number)
            state = duckdb_bind_int64(prepared, i, param->number);
        else if (param != NULL && param->value.ptr == NULL)
            state = duckdb_bind_null(prepared, i);
        else if (param != NULL)
            state = bind_value(prepared, i, param);
        varve_status status = VARVE_OK;
        if (param == NULL)
            status = vv_fail(op, VARVE_EUSAGE, "no value for the parameter $%s", name);
        else if (state != DuckDBSuccess)
            status = vv_fail(op, VARVE_EUSAGE,
                "the value of the parameter $%s is no UTF-8 text", name);
        name_free(name);
        VV_TRY(status);
    }
    return VARVE_OK;
}

/* Between two looks at how far it is; and how long to wait while other threads have the work. */
#define PROGRESS_US 100000
#define IDLE_US_MIN 50
#define IDLE_US_MAX 200

/*
 * Runs it piece by piece up to its first rows, to say in between how far it is, and to sleep while
 * other threads have the work. Else the engine runs it by itself, and looks for work all the time.
 */
static varve_status run_pieces(struct vv_op *op, struct vv_session *session,
    duckdb_pending_result pending, varve_status refused)
{
    int64_t told_us = vv_now_us(op), idle_us = IDLE_US_MIN;
    for (;;) {
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR)
            return fail_by_text(op, refused, duckdb_pending_error(pending));
        if (duckdb_pending_execution_is_finished(state))
            return VARVE_OK;
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            vv_sleep_us(op, idle_us);
            idle_us = idle_us < IDLE_US_MAX ? idle_us * 2 : IDLE_US_MAX;
        } else {
            idle_us = IDLE_US_MIN;
        }
        if (vv_now_us(op) - told_us < PROGRESS_US)
            continue;
        double percent = duckdb_query_progress(session->connection).percentage;
        bool is_known = percent > 0 && percent <= 100;
        varve_status status =
            vv_progress(op, "query", is_known ? (uint64_t)percent : 0, is_known ? 100 : 0);
        if (status != VARVE_OK) {
            /* Who drops the statement waits for its threads; one may have hours to go. */
            duckdb_interrupt(session->connection);
            return status;
        }
        told_us = vv_now_us(op);
    }
}

/* Streaming ends at the first rows: what has to see all (a sort, an aggregate) is done then. */
static varve_status run(struct vv_op *op, struct vv_session *session,
    duckdb_prepared_statement prepared, const struct vv_query *query, bool streaming,
    duckdb_result *out)
{
    VV_CLEANUP(pending_done) duckdb_pending_result pending = NULL;
    varve_status refused = query->is_users ? VARVE_EUSAGE : VARVE_EFAILED;
    VV_TRY(bind(op, prepared, query->params));
    duckdb_state state = streaming ? duckdb_pending_prepared_streaming(prepared, &pending)
                                   : duckdb_pending_prepared(prepared, &pending);
    if (state != DuckDBSuccess)
        return fail_by_text(op, refused, duckdb_pending_error(pending));
    if (op->env->progress != NULL || query->gives_way)
        VV_TRY(run_pieces(op, session, pending, refused));
    duckdb_result result;
    if (duckdb_execute_pending(pending, &result) != DuckDBSuccess) {
        varve_status status = vv_duck_fail(op, refused, duckdb_result_error_type(&result),
            duckdb_result_error(&result));
        duckdb_destroy_result(&result);
        return status;
    }
    *out = result;
    return VARVE_OK;
}

static void kept_drop(struct vv_kept *kept)
{
    if (kept->text == NULL)
        return;
    duckdb_destroy_prepare(&kept->prepared);
    vv_duck_text_done(&kept->text);
}

void vv_session_forget(struct vv_session *session, struct vv_str part)
{
    for (size_t i = 0; i < VV_KEPT_MAX; i++) {
        struct vv_kept *kept = &session->kept[i];
        if (kept->text != NULL &&
            memmem(kept->sql.ptr, kept->sql.len, part.ptr, part.len) != NULL)
            kept_drop(kept);
    }
}

/* The place of the statement: its own, a free one, or that of the one not used for longest. */
static struct vv_kept *kept_find(struct vv_session *session, struct vv_str sql)
{
    struct vv_kept *oldest = &session->kept[0];
    for (size_t i = 0; i < VV_KEPT_MAX; i++) {
        struct vv_kept *kept = &session->kept[i];
        if (kept->text != NULL && vv_str_eq(kept->sql, sql))
            return kept;
        bool is_better = kept->text == NULL ? oldest->text != NULL
                                            : oldest->text != NULL && kept->used < oldest->used;
        oldest = is_better ? kept : oldest;
    }
    kept_drop(oldest);
    return oldest;
}

static varve_status run_kept(struct vv_op *op, struct vv_session *session, char **text,
    const struct vv_query *query, bool streaming, duckdb_result *out)
{
    struct vv_kept *kept = kept_find(session, query->sql);
    if (kept->text == NULL) {
        VV_TRY(prepare(op, session, *text, query->is_users ? VARVE_EUSAGE : VARVE_EFAILED,
            &kept->prepared));
        kept->text = VV_MOVE(*text);
        kept->sql = (struct vv_str){kept->text, query->sql.len};
    }
    kept->used = ++session->statements;
    varve_status status = run(op, session, kept->prepared, query, streaming, out);
    if (status != VARVE_OK) /* whatever made it fail, it is not to do so again */
        kept_drop(kept);
    return status;
}

/*
 * Without being prepared: the engine binds what reads files once more when a prepared statement
 * runs, which for many files takes as long as to read few. A user's statement is to be one alone.
 */
static bool runs_at_once(const struct vv_op *op, const struct vv_query *query, bool streaming)
{
    return !streaming && !query->is_users && query->params == NULL && !query->gives_way &&
           op->env->progress == NULL;
}

static varve_status prepare_either(struct vv_op *op, struct vv_session *session,
    const char *text, const struct vv_query *query, duckdb_prepared_statement *out)
{
    VV_CLEANUP(vv_duck_text_done) char *otherwise = NULL;
    varve_status refused = query->is_users ? VARVE_EUSAGE : VARVE_EFAILED;
    varve_status status = prepare(op, session, text, refused, out);
    if (status != refused || query->otherwise.ptr == NULL)
        return status;
    struct vv_str message = vv_arena_str(&op->arena, vv_str_of(op->error.message));
    vv_forgive(op);
    VV_TRY(vv_duck_text(op, "SQL text", query->otherwise, &otherwise));
    VV_TRY(prepare(op, session, otherwise, refused, out));
    return query->is_otherwise_told ? vv_fail(op, refused, "%.*s", VV_ARG(message)) : VARVE_OK;
}

static varve_status execute(struct vv_op *op, struct vv_session *session, char **text,
    const struct vv_query *query, bool streaming, duckdb_result *out)
{
    if (vv_fault_point("engine.query"))
        return vv_fail(op, VARVE_EIO, "a test made this statement fail");
    if (query->is_kept)
        return run_kept(op, session, text, query, streaming, out);
    if (runs_at_once(op, query, streaming))
        return vv_duck_run(op, session, *text, VARVE_EFAILED, out);
    VV_CLEANUP(prepared_done) duckdb_prepared_statement prepared = NULL;
    VV_TRY(prepare_either(op, session, *text, query, &prepared));
    return run(op, session, prepared, query, streaming, out);
}

varve_status vv_duck_execute(struct vv_op *op, struct vv_session *session,
    const struct vv_query *query, bool streaming, duckdb_result *out)
{
    VV_CLEANUP(vv_duck_text_done) char *text = NULL;
    struct vv_watched watched;
    VV_TRY(vv_check_cancel(op));
    if (vv_duck_text(op, "SQL text", query->sql, &text) != VARVE_OK)
        return op->error.code == VARVE_EINVALID
                   ? vv_recode(op, query->is_users ? VARVE_EUSAGE : VARVE_EFAILED)
                   : op->error.code;
    VV_TRY(vv_watch_begin(op, &session->engine->watch, op->env->cancel, session->connection,
        &watched));
    varve_status status = execute(op, session, &text, query, streaming, out);
    vv_watch_end(&watched);
    if (status == VARVE_OK)
        return status;
    return vv_duck_blame(op, session, query->is_users ? VARVE_EUSAGE : VARVE_EFAILED,
        query->sql);
}
