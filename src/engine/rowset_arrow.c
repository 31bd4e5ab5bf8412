/*
 * Rows in memory for others, without a statement: to plan one takes ten times as long as to copy
 * a few hundred rows.
 */
#include <nanoarrow/nanoarrow.h>

#include "engine/arrow_type.h"
#include "engine/rowset_inner.h"

/* The first columns of a rowset, as they are called outside. */
struct shown {
    const struct vv_rowset *rowset;
    duckdb_logical_type *types;
    const char **names;
    idx_t columns_len;
    duckdb_arrow_options options;
};

static void shown_done(struct shown *shown)
{
    duckdb_destroy_arrow_options(&shown->options);
}

static void stream_done(struct ArrowArrayStream *stream)
{
    if (stream->release != NULL)
        stream->release(stream);
}

static varve_status shown_init(struct vv_op *op, const struct vv_rowset *rowset,
    const struct vv_str *names, uint32_t columns_len, struct shown *out)
{
    VV_PRE(columns_len <= vv_rowset_columns(rowset));
    *out = (struct shown){.rowset = rowset, .columns_len = columns_len};
    VV_NEW(op, &out->types, duckdb_logical_type, columns_len + 1);
    VV_NEW(op, &out->names, const char *, columns_len + 1);
    for (uint32_t i = 0; i < columns_len; i++) {
        out->types[i] = vv_rowset_type(rowset, i);
        out->names[i] = vv_arena_str(&op->arena, names[i]).ptr;
        if (out->names[i] == NULL)
            return vv_fail_memory(op);
    }
    duckdb_connection_get_arrow_options(vv_rowset_session(rowset)->connection, &out->options);
    return VARVE_OK;
}

static varve_status make_schema(struct vv_op *op, const struct shown *shown,
    struct ArrowSchema *out)
{
    return vv_duck_take_error(op, VARVE_EFAILED,
        duckdb_to_arrow_schema(shown->options, shown->types, shown->names, shown->columns_len,
            out));
}

static varve_status make_batch(struct vv_op *op, const struct shown *shown, size_t index,
    struct ArrowArray *out)
{
    duckdb_data_chunk from = vv_rowset_chunk(shown->rowset, index);
    VV_CLEANUP(vv_duck_chunk_done)
    duckdb_data_chunk chunk = duckdb_create_data_chunk(shown->types, shown->columns_len);
    if (chunk == NULL)
        return vv_fail_memory(op);
    for (idx_t i = 0; i < shown->columns_len; i++)
        duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(chunk, i),
            duckdb_data_chunk_get_vector(from, i));
    duckdb_data_chunk_set_size(chunk, duckdb_data_chunk_get_size(from));
    return vv_duck_take_error(op, VARVE_EFAILED,
        duckdb_data_chunk_to_arrow(shown->options, chunk, out));
}

varve_status vv_rowset_stream(struct vv_op *op, const struct vv_rowset *rowset,
    const struct vv_str *names, uint32_t columns_len, struct ArrowArrayStream *out)
{
    VV_CLEANUP(shown_done) struct shown shown = {.options = NULL};
    VV_CLEANUP(vv_arrow_schema_done) struct ArrowSchema schema = {.release = NULL};
    VV_CLEANUP(stream_done) struct ArrowArrayStream stream = {.release = NULL};
    size_t len = vv_rowset_chunks(rowset);
    VV_TRY(shown_init(op, rowset, names, columns_len, &shown));
    VV_TRY(make_schema(op, &shown, &schema));
    if (ArrowBasicArrayStreamInit(&stream, &schema, (int64_t)len) != NANOARROW_OK)
        return vv_fail_memory(op);
    for (size_t i = 0; i < len; i++) {
        struct ArrowArray batch = {.release = NULL};
        VV_TRY(vv_check_cancel(op));
        VV_TRY(make_batch(op, &shown, i, &batch));
        ArrowBasicArrayStreamSetArray(&stream, (int64_t)i, &batch);
    }
    *out = stream;
    stream.release = NULL; /* it is the caller's */
    return VARVE_OK;
}
