#include "engine/arrow_in.h"
#include "engine/arrow_stream.h"
#include "engine/sink.h"

static void stream_done(struct ArrowArrayStream **stream)
{
    if (*stream && (*stream)->release)
        (*stream)->release(*stream);
    *stream = NULL;
}

static void array_done(struct ArrowArray *array)
{
    if (array->release)
        array->release(array);
}

struct load {
    struct vv_arrow_type type;
    struct vv_sink sink;
    int64_t batches;
};

static void load_done(struct load *load)
{
    vv_sink_done(&load->sink);
}

static varve_status sink_open(struct vv_op *op, struct vv_session *session,
    const struct vv_load_target *target, struct load *load)
{
    size_t len = (size_t)load->type.children_len;
    struct vv_sink_column *columns = NULL;
    VV_NEW(op, &columns, struct vv_sink_column, len + 1);
    for (size_t index = 0; index < len; index++) {
        VV_CLEANUP(vv_buf_done) struct vv_buf type = VV_BUF_INIT(VV_BUF_MAX);
        vv_arrow_type_sql(&type, &load->type.children[index]);
        columns[index] = (struct vv_sink_column){
            load->type.children[index].name, vv_arena_str(&op->arena, vv_buf_str(&type))};
        if (!vv_buf_ok(&type) || columns[index].type.ptr == NULL)
            return vv_fail_memory(op);
    }
    if (target->rowset != NULL)
        vv_arrow_type_copied(&load->type);
    return vv_sink_open(op, &load->sink, session, target, columns, len);
}

static varve_status rows_append(struct vv_op *op, struct load *load,
    const struct ArrowArray *array, int64_t from, int64_t len)
{
    int64_t rows = load->sink.rows;
    VV_TRY(vv_sink_chunk(op, &load->sink));
    duckdb_data_chunk chunk = load->sink.chunk;
    int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    for (int64_t index = 0; index < len; index++)
        numbers[index] = rows + index + 1;
    for (int64_t index = 0; index < load->type.children_len; index++) {
        struct vv_arrow_part part = {
            &load->type.children[index], array->children[index], array->offset + from, len};
        if (vv_arrow_fill(op, &part, duckdb_data_chunk_get_vector(chunk, (idx_t)index + 1),
                0) != VARVE_OK)
            return vv_note(op, "rows %" PRId64 " to %" PRId64 " of the input", rows + 1,
                rows + len);
    }
    return vv_sink_take(op, &load->sink, (idx_t)len);
}

static varve_status batch_append(struct vv_op *op, struct load *load,
    const struct ArrowArray *array)
{
    load->batches++;
    if (vv_arrow_check(op, &load->type, array) != VARVE_OK)
        return vv_note(op, "record batch %" PRId64, load->batches);
    int64_t rows_max = (int64_t)duckdb_vector_size();
    for (int64_t from = 0; from < array->length; from += rows_max) {
        int64_t left = array->length - from;
        VV_TRY(vv_check_cancel(op));
        VV_TRY(rows_append(op, load, array, from, left < rows_max ? left : rows_max));
    }
    return VARVE_OK;
}

static varve_status batches_append(struct vv_op *op, struct load *load,
    const struct vv_arrow_batches *from)
{
    for (;;) {
        VV_TRY(vv_check_cancel(op));
        VV_CLEANUP(array_done) struct ArrowArray array = {.release = NULL};
        VV_TRY(from->next(op, from->data, &array));
        if (array.release == NULL)
            return VARVE_OK;
        VV_TRY(batch_append(op, load, &array));
    }
}

varve_status vv_session_load_batches(struct vv_op *op, struct vv_session *session,
    const struct vv_arrow_batches *from, const struct vv_load_target *target, int64_t *out_rows)
{
    VV_CLEANUP(vv_arrow_schema_done) struct ArrowSchema schema = {.release = NULL};
    VV_CLEANUP(load_done) struct load load = {.batches = 0};
    VV_TRY(from->schema(op, from->data, &schema));
    VV_TRY(vv_arrow_type_read(op, &schema, &load.type));
    if (target->out_type != NULL)
        *target->out_type = load.type;
    VV_TRY(sink_open(op, session, target, &load));
    VV_TRY(batches_append(op, &load, from));
    VV_TRY(vv_sink_finish(op, &load.sink));
    if (out_rows != NULL)
        *out_rows = load.sink.rows;
    return VARVE_OK;
}

static varve_status stream_schema(struct vv_op *op, void *data, struct ArrowSchema *out)
{
    struct ArrowArrayStream *stream = data;
    int code = stream->get_schema(stream, out);
    if (code == 0)
        return VARVE_OK;
    out->release = NULL; /* nothing was written, whatever is there */
    return vv_arrow_fail(op, stream, code, "the Arrow stream gives no schema");
}

static varve_status stream_next(struct vv_op *op, void *data, struct ArrowArray *out)
{
    struct ArrowArrayStream *stream = data;
    int code = stream->get_next(stream, out);
    if (code == 0)
        return VARVE_OK;
    out->release = NULL;
    return vv_arrow_fail(op, stream, code, "the Arrow stream gives no next record batch");
}

struct vv_arrow_batches vv_arrow_batches_of(struct ArrowArrayStream *stream)
{
    return (struct vv_arrow_batches){stream, stream_schema, stream_next};
}

varve_status vv_session_load_arrow(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, const struct vv_load_target *target, int64_t *out_rows)
{
    VV_CLEANUP(stream_done) struct ArrowArrayStream *taken = stream;
    struct vv_arrow_batches batches = vv_arrow_batches_of(taken);
    VV_TRY(vv_arrow_check_unread(op, stream));
    return vv_session_load_batches(op, session, &batches, target, out_rows);
}
