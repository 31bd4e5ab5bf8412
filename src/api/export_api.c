#include "api/api.h"
#include "engine/arrow_ipc.h"
#include "engine/parquet.h"

static varve_status export_parquet(struct vv_op *op, varve_lake *lake,
    struct ArrowArrayStream *stream, const char *path, int64_t *out_rows)
{
    VV_CLEANUP(vv_session_close) struct vv_session *session = NULL;
    struct vv_engine *engine = NULL;
    if (path == NULL || path[0] == '\0')
        return vv_fail(op, VARVE_EUSAGE, "no file to write to");
    VV_TRY(vv_lake_engine(op, lake->lake, &engine));
    VV_TRY(vv_session_open(op, engine, &session));
    return vv_parquet_export(op, session, stream, vv_str_of(path), out_rows);
}

varve_status varve_lake_export_parquet(varve_lake *lake, struct ArrowArrayStream *stream,
    const char *path, int64_t *out_rows, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_api_begin(&op, lake);
    varve_status status = export_parquet(&op, lake, stream, path, out_rows);
    if (stream->release != NULL)
        stream->release(stream);
    return vv_op_report(&op, status, err);
}

struct sink {
    varve_write_fn write;
    void *data;
};

static varve_status sink_write(struct vv_op *op, void *data, const void *bytes, size_t len)
{
    const struct sink *sink = data;
    int os_errno = sink->write(sink->data, bytes, len);
    return os_errno == 0 ? VARVE_OK : vv_fail_errno(op, os_errno, "cannot write Arrow IPC");
}

varve_status varve_lake_export_arrow(varve_lake *lake, struct ArrowArrayStream *stream,
    int32_t as_file, varve_write_fn write, void *write_data, int64_t *out_rows,
    varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct sink sink = {write, write_data};
    struct vv_ipc_sink to = {&sink, sink_write};
    vv_api_begin(&op, lake);
    varve_status status = write == NULL
                              ? vv_fail(&op, VARVE_EUSAGE, "no function to write with")
                              : vv_ipc_write(&op, stream, as_file != 0, &to, out_rows);
    if (stream->release != NULL)
        stream->release(stream);
    return vv_op_report(&op, status, err);
}
