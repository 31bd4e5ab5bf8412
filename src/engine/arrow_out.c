#include <errno.h>

#include "base/seam.h"
#include "engine/duck.h"

/* What get_next needs; it has no operation of its caller's. */
static const size_t get_next_bytes = (size_t)64 << 20;

struct stream {
    struct vv_session *session;
    duckdb_result result;
    bool has_result;
    bool is_finished; /* the end was reached or an error met */
    const struct vv_env *env;
    duckdb_arrow_options options;
    varve_error error; /* code VARVE_OK: none yet */
    size_t keep_len;
    struct vv_keep keep[];
};

static void stream_free(struct stream *stream)
{
    if (stream->has_result)
        duckdb_destroy_result(&stream->result);
    duckdb_destroy_arrow_options(&stream->options);
    vv_session_close(&stream->session);
    for (size_t index = 0; index < stream->keep_len; index++)
        stream->keep[index].release(stream->keep[index].object);
    vv_free(stream);
}

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

/* Up to the first rows: what has to see all rows first (a sort, an aggregate) is done then. */
static varve_status execute(struct vv_op *op, struct vv_session *session, const char *sql,
    varve_status refused, duckdb_result *out)
{
    VV_CLEANUP(prepared_done) duckdb_prepared_statement prepared = NULL;
    VV_CLEANUP(pending_done) duckdb_pending_result pending = NULL;
    VV_TRY(prepare(op, session, sql, refused, &prepared));
    if (duckdb_pending_prepared_streaming(prepared, &pending) != DuckDBSuccess)
        return fail_by_text(op, refused, duckdb_pending_error(pending));
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

/* The next chunk as an array; a released one at the end. */
static varve_status array_next(struct vv_op *op, struct stream *stream, struct ArrowArray *out)
{
    if (vv_fault_point("engine.stream"))
        return vv_fail(op, VARVE_EIO, "a test made this stream fail");
    struct vv_watched watched;
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_watch_begin(op, &stream->session->engine->watch, stream->env->cancel,
        stream->session->connection, &watched));
    VV_CLEANUP(vv_duck_chunk_done) duckdb_data_chunk chunk = duckdb_fetch_chunk(stream->result);
    vv_watch_end(&watched);
    *out = (struct ArrowArray){.release = NULL};
    if (chunk == NULL || duckdb_data_chunk_get_size(chunk) == 0) {
        const char *reason = duckdb_result_error(&stream->result);
        stream->is_finished = true;
        return reason ? vv_duck_fail(op, VARVE_EFAILED,
                            duckdb_result_error_type(&stream->result), reason)
                      : VARVE_OK;
    }
    return vv_duck_take_error(op, VARVE_EFAILED,
        duckdb_data_chunk_to_arrow(stream->options, chunk, out));
}

static int stream_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct stream *stream = self->private_data;
    if (stream->error.code != VARVE_OK)
        return EIO;
    *out = (struct ArrowArray){.release = NULL};
    if (stream->is_finished)
        return 0;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, stream->env, get_next_bytes);
    if (vv_op_report(&op, array_next(&op, stream, out), &stream->error) == VARVE_OK)
        return 0;
    stream->is_finished = true;
    return EIO;
}

static varve_status schema_make(struct vv_op *op, struct stream *stream,
    struct ArrowSchema *out)
{
    idx_t columns_len = duckdb_column_count(&stream->result);
    duckdb_logical_type *types = NULL;
    const char **names = NULL;
    VV_NEW(op, &types, duckdb_logical_type, columns_len + 1);
    VV_NEW(op, &names, const char *, columns_len + 1);
    for (idx_t index = 0; index < columns_len; index++) {
        types[index] = duckdb_column_logical_type(&stream->result, index);
        names[index] = duckdb_column_name(&stream->result, index);
    }
    struct ArrowSchema schema = {.release = NULL};
    duckdb_error_data error =
        duckdb_to_arrow_schema(stream->options, types, names, columns_len, &schema);
    for (idx_t index = 0; index < columns_len; index++)
        duckdb_destroy_logical_type(&types[index]);
    VV_TRY(vv_duck_take_error(op, VARVE_EFAILED, error));
    *out = schema;
    return VARVE_OK;
}

static int stream_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct stream *stream = self->private_data;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, stream->env, get_next_bytes);
    varve_error error;
    if (vv_op_report(&op, schema_make(&op, stream, out), &error) == VARVE_OK)
        return 0;
    stream->error = error;
    return EIO;
}

static const char *stream_get_last_error(struct ArrowArrayStream *self)
{
    struct stream *stream = self->private_data;
    return stream->error.code == VARVE_OK ? NULL : stream->error.message;
}

static void stream_release(struct ArrowArrayStream *self)
{
    stream_free(self->private_data);
    self->private_data = NULL;
    self->release = NULL;
}

varve_status vv_session_stream(struct vv_op *op, struct vv_session **session, struct vv_str sql,
    bool sql_is_users, const struct vv_keep *keep, size_t keep_len,
    struct ArrowArrayStream *out)
{
    varve_status refused = sql_is_users ? VARVE_EUSAGE : VARVE_EFAILED;
    VV_CLEANUP(vv_duck_text_done) char *text = NULL;
    VV_TRY(vv_check_cancel(op));
    if (vv_duck_text(op, "SQL text", sql, &text) != VARVE_OK)
        return op->error.code == VARVE_EINVALID ? vv_recode(op, refused) : op->error.code;
    struct stream *stream = vv_malloc(sizeof(*stream) + keep_len * sizeof(*keep));
    if (stream == NULL)
        return vv_fail_memory(op);
    *stream = (struct stream){.env = op->env};
    struct vv_watched watched;
    varve_status status = vv_watch_begin(op, &(*session)->engine->watch, op->env->cancel,
        (*session)->connection, &watched);
    if (status == VARVE_OK) {
        status = execute(op, *session, text, refused, &stream->result);
        vv_watch_end(&watched);
    }
    if (status != VARVE_OK) {
        vv_free(stream);
        return status;
    }
    stream->has_result = true;
    stream->options = duckdb_result_get_arrow_options(&stream->result);
    stream->session = VV_MOVE(*session);
    stream->keep_len = keep_len;
    if (keep_len > 0)
        memcpy(stream->keep, keep, keep_len * sizeof(*keep));
    *out = (struct ArrowArrayStream){
        .get_schema = stream_get_schema,
        .get_next = stream_get_next,
        .get_last_error = stream_get_last_error,
        .release = stream_release,
        .private_data = stream,
    };
    return VARVE_OK;
}
