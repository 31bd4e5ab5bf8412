#include <nanoarrow/nanoarrow_ipc.h>

#include "engine/arrow_ipc.h"
#include "engine/arrow_stream.h"
#include "engine/duck.h"

struct writer {
    struct vv_op *op;
    const struct vv_ipc_sink *to;
    struct ArrowIpcWriter ipc;
    struct ArrowSchema schema;
    struct ArrowArrayView view;
    int64_t rows;
};

/* An output stream of nanoarrow's; the failure waits in the operation. */
static ArrowErrorCode sink_write(struct ArrowIpcOutputStream *stream, const void *bytes,
    int64_t len, int64_t *out_len, struct ArrowError *error)
{
    const struct writer *writer = stream->private_data;
    (void)error;
    *out_len = len;
    return writer->to->write(writer->op, writer->to->data, bytes, (size_t)len) == VARVE_OK
               ? 0
               : EIO;
}

static void sink_release(struct ArrowIpcOutputStream *stream)
{
    stream->release = NULL;
}

static varve_status judge(const struct writer *writer, int code, const struct ArrowError *error)
{
    struct vv_op *op = writer->op;
    if (code == NANOARROW_OK)
        return VARVE_OK;
    if (op->failed)
        return op->error.code;
    if (code == ENOMEM)
        return vv_fail_memory(op);
    return vv_fail(op, code == ENOTSUP ? VARVE_EUNSUPPORTED : VARVE_EFAILED,
        "these rows cannot be written as Arrow IPC: %s", error->message);
}

/* nanoarrow would find out behind the schema. */
static varve_status dictionaries_refuse(struct vv_op *op, const struct ArrowSchema *schema)
{
    if (schema->dictionary != NULL)
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "column %s is an enum, which is not written as Arrow IPC: cast it to VARCHAR",
            schema->name ? schema->name : "");
    for (int64_t index = 0; index < schema->n_children; index++)
        VV_TRY(dictionaries_refuse(op, schema->children[index]));
    return VARVE_OK;
}

static varve_status begin(struct writer *writer, struct ArrowArrayStream *stream, bool as_file)
{
    struct ArrowError error = {.message = ""};
    struct ArrowIpcOutputStream output = {
        .write = sink_write, .release = sink_release, .private_data = writer};
    int code = stream->get_schema(stream, &writer->schema);
    if (code != 0) {
        writer->schema.release = NULL;
        return vv_arrow_fail(writer->op, stream, code, NULL);
    }
    VV_TRY(dictionaries_refuse(writer->op, &writer->schema));
    code = ArrowArrayViewInitFromSchema(&writer->view, &writer->schema, &error);
    if (code == NANOARROW_OK)
        code = ArrowIpcWriterInit(&writer->ipc, &output);
    if (code == NANOARROW_OK && as_file)
        code = ArrowIpcWriterStartFile(&writer->ipc, &error);
    if (code == NANOARROW_OK)
        code = ArrowIpcWriterWriteSchema(&writer->ipc, &writer->schema, &error);
    return judge(writer, code, &error);
}

static varve_status batch_write(struct writer *writer, struct ArrowArray *array)
{
    struct ArrowError error = {.message = ""};
    int code = ArrowArrayViewSetArray(&writer->view, array, &error);
    if (code == NANOARROW_OK)
        code = ArrowIpcWriterWriteArrayView(&writer->ipc, &writer->view, &error);
    writer->rows += array->length;
    return judge(writer, code, &error);
}

static varve_status batches_write(struct writer *writer, struct ArrowArrayStream *stream)
{
    for (;;) {
        struct ArrowArray array = {.release = NULL};
        VV_TRY(vv_check_cancel(writer->op));
        int code = stream->get_next(stream, &array);
        if (code != 0)
            return vv_arrow_fail(writer->op, stream, code, NULL);
        if (array.release == NULL)
            return VARVE_OK;
        varve_status status = batch_write(writer, &array);
        array.release(&array);
        VV_TRY(status);
    }
}

static varve_status end(struct writer *writer, bool as_file)
{
    struct ArrowError error = {.message = ""};
    int code = ArrowIpcWriterWriteArrayView(&writer->ipc, NULL, &error);
    if (code == NANOARROW_OK && as_file)
        code = ArrowIpcWriterFinalizeFile(&writer->ipc, &error);
    return judge(writer, code, &error);
}

static void writer_done(struct writer *writer)
{
    if (writer->ipc.private_data != NULL)
        ArrowIpcWriterReset(&writer->ipc);
    ArrowArrayViewReset(&writer->view);
    if (writer->schema.release != NULL)
        writer->schema.release(&writer->schema);
}

varve_status vv_ipc_write(struct vv_op *op, struct ArrowArrayStream *stream, bool as_file,
    const struct vv_ipc_sink *to, int64_t *out_rows)
{
    VV_CLEANUP(writer_done) struct writer writer = {.op = op, .to = to};
    VV_TRY(vv_arrow_check_unread(op, stream));
    ArrowArrayViewInitFromType(&writer.view, NANOARROW_TYPE_UNINITIALIZED);
    varve_status status = begin(&writer, stream, as_file);
    if (status == VARVE_OK)
        status = batches_write(&writer, stream);
    if (status == VARVE_OK)
        status = end(&writer, as_file);
    stream->release(stream);
    if (status == VARVE_OK && out_rows != NULL)
        *out_rows = writer.rows;
    return status;
}
