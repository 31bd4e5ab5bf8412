#include <nanoarrow/nanoarrow.h>
#include <stdio.h>

#include "base/map.h"
#include "base/seam.h"
#include "engine/arrow_stream.h"
#include "engine/arrow_type.h"
#include "engine/duck.h"

/* What get_next needs; it has no operation of its caller's. */
static const size_t get_next_bytes = (size_t)64 << 20;

struct stream {
    struct vv_session *session;
    struct vv_buf sql; /* for vv_duck_blame */
    duckdb_result result;
    bool has_result;
    bool is_finished;   /* the end was reached or an error met */
    bool has_own_names; /* no two columns have one name */
    const struct vv_env *env;
    duckdb_arrow_options options;
    varve_status refused; /* what a statement that fails on its values is */
    varve_error error;    /* code VARVE_OK: none yet */
    char about[256];      /* "": nothing */
    size_t keep_len;
    struct vv_keep keep[];
};

static void stream_free(struct stream *stream)
{
    if (stream->has_result)
        duckdb_destroy_result(&stream->result);
    duckdb_destroy_arrow_options(&stream->options);
    vv_session_close(&stream->session);
    vv_buf_done(&stream->sql);
    for (size_t index = 0; index < stream->keep_len; index++)
        stream->keep[index].release(stream->keep[index].object);
    vv_free(stream);
}

/* A failure for want of memory is of the rows as a whole: it names them. */
static varve_status tell_about(struct vv_op *op, varve_status status, const char *about)
{
    return status == VARVE_ELIMIT && about[0] != '\0' ? vv_note(op, "%s", about) : status;
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
    VV_CLEANUP(vv_duck_chunk_done) duckdb_data_chunk chunk = NULL;
    varve_status status = vv_duck_fetch(op, &stream->result, stream->refused, &chunk);
    vv_watch_end(&watched);
    *out = (struct ArrowArray){.release = NULL};
    if (status != VARVE_OK || chunk == NULL || duckdb_data_chunk_get_size(chunk) == 0) {
        stream->is_finished = true;
        return status == VARVE_OK ? status
                                  : vv_duck_blame(op, stream->session, stream->refused,
                                        vv_buf_str(&stream->sql));
    }
    return vv_duck_take_error(op, VARVE_EFAILED,
        duckdb_data_chunk_to_arrow(stream->options, chunk, out));
}

static int stream_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct stream *stream = self->private_data;
    if (stream->error.code != VARVE_OK)
        return vv_arrow_number(stream->error.code);
    *out = (struct ArrowArray){.release = NULL};
    if (stream->is_finished)
        return 0;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, stream->env, get_next_bytes);
    varve_status status = tell_about(&op, array_next(&op, stream, out), stream->about);
    status = vv_op_report(&op, status, &stream->error);
    stream->is_finished = stream->is_finished || status != VARVE_OK;
    return vv_arrow_number(status);
}

/* name_1 and so on, the first that nobody has; it is had then. */
static varve_status own_name_make(struct vv_op *op, struct vv_map *taken, const char **name)
{
    for (size_t number = 1;; number++) {
        struct vv_str own = vv_arena_format(&op->arena, "%s_%zu", *name, number);
        struct vv_str key = vv_arena_lower(&op->arena, own);
        bool was_there = false;
        if (own.ptr == NULL || key.ptr == NULL)
            return vv_fail_memory(op);
        if (!vv_map_put(taken, key, taken, &was_there))
            return vv_fail_memory(op);
        if (was_there)
            continue;
        *name = own.ptr;
        return VARVE_OK;
    }
}

/* All names as they are count as taken first: the column that is called a_1 keeps its name. */
static varve_status own_names_make(struct vv_op *op, const char **names, size_t len)
{
    struct vv_map taken = VV_MAP_INIT(&op->arena);
    bool *is_twin = NULL;
    VV_NEW(op, &is_twin, bool, len + 1);
    for (size_t i = 0; i < len; i++) {
        struct vv_str key = vv_arena_lower(&op->arena, vv_str_of(names[i]));
        if (key.ptr == NULL || !vv_map_put(&taken, key, &is_twin[i], &is_twin[i]))
            return vv_fail_memory(op);
    }
    for (size_t i = 0; i < len; i++)
        if (is_twin[i])
            VV_TRY(own_name_make(op, &taken, &names[i]));
    return VARVE_OK;
}

static varve_status schema_make(struct vv_op *op, struct stream *stream,
    struct ArrowSchema *out)
{
    idx_t columns_len = duckdb_column_count(&stream->result);
    duckdb_logical_type *types = NULL;
    const char **names = NULL;
    VV_NEW(op, &types, duckdb_logical_type, columns_len + 1);
    VV_NEW(op, &names, const char *, columns_len + 1);
    for (idx_t index = 0; index < columns_len; index++)
        names[index] = duckdb_column_name(&stream->result, index);
    if (stream->has_own_names)
        VV_TRY(own_names_make(op, names, columns_len));
    for (idx_t index = 0; index < columns_len; index++)
        types[index] = duckdb_column_logical_type(&stream->result, index);
    VV_CLEANUP(vv_arrow_schema_done) struct ArrowSchema schema = {.release = NULL};
    duckdb_error_data error =
        duckdb_to_arrow_schema(stream->options, types, names, columns_len, &schema);
    for (idx_t index = 0; index < columns_len; index++)
        duckdb_destroy_logical_type(&types[index]);
    VV_TRY(vv_duck_take_error(op, VARVE_EFAILED, error));
    /* The names of DuckDB's children go with their parent, and a child may be moved out of it. */
    return ArrowSchemaDeepCopy(&schema, out) == NANOARROW_OK ? VARVE_OK : vv_fail_memory(op);
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
    return vv_arrow_number(error.code);
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

varve_status vv_session_stream_query(struct vv_op *op, struct vv_session **session,
    const struct vv_query *query, const struct vv_keep *keep, size_t keep_len,
    struct ArrowArrayStream *out)
{
    struct stream *stream = vv_malloc(sizeof(*stream) + keep_len * sizeof(*keep));
    if (stream == NULL)
        return vv_fail_memory(op);
    *stream = (struct stream){.env = op->env,
        .sql = VV_BUF_INIT(VV_BUF_MAX),
        .refused = query->is_users ? VARVE_EUSAGE : VARVE_EFAILED,
        .has_own_names = query->has_own_names};
    if (query->about.len < sizeof(stream->about)) /* rather none than a part of one */
        (void)snprintf(stream->about, sizeof(stream->about), "%.*s", VV_ARG(query->about));
    /* With other threads at work this one would look for work all the time, on the core of theirs. */
    struct vv_query run = *query;
    run.gives_way = run.gives_way || atomic_load(&(*session)->engine->is_scaled);
    vv_buf_add(&stream->sql, query->sql);
    varve_status status = vv_duck_execute(op, *session, &run, true, &stream->result);
    if (status != VARVE_OK) {
        status = tell_about(op, status, stream->about);
        vv_buf_done(&stream->sql);
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

varve_status vv_session_stream(struct vv_op *op, struct vv_session **session, struct vv_str sql,
    bool sql_is_users, const struct vv_keep *keep, size_t keep_len,
    struct ArrowArrayStream *out)
{
    struct vv_query query = {.sql = sql, .is_users = sql_is_users};
    return vv_session_stream_query(op, session, &query, keep, keep_len, out);
}
