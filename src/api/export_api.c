#include "api/api.h"
#include "engine/arrow_ipc.h"
#include "engine/parquet.h"
#include "lake/export.h"

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

static varve_status export_lake(struct vv_op *op, varve_lake *lake, const char *folder,
    const varve_audit_export_options *options, char **out_json)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_export_request request = {.folder = vv_api_text(folder),
        .tables_len = options->tables_len,
        .span = {.last = vv_api_text(options->last),
            .from = vv_api_text(options->from),
            .to = vv_api_text(options->to)},
        .at = vv_api_text(options->at),
        .key_file = options->key_file,
        .seals = options->seals != NULL ? vv_str_of(options->seals) : VV_STR_NONE,
        .without_sources = options->without_sources != 0,
        .without_changes = options->without_changes != 0};
    struct vv_str *names = NULL;
    const struct vv_api_given key = {"key_file", options->key_file};
    VV_TRY(vv_api_check_given(op, &key, 1));
    VV_TRY(vv_api_check_span(op, options->last, options->from, options->to, options->at));
    if (request.folder.len == 0)
        return vv_fail(op, VARVE_EUSAGE, "no folder to export to");
    VV_NEW(op, &names, struct vv_str, options->tables_len + 1);
    for (size_t i = 0; i < options->tables_len; i++)
        names[i] = vv_api_text(options->tables[i]);
    request.tables = names;
    VV_TRY(vv_lake_export(op, lake->lake, &request, &json));
    return out_json == NULL ? VARVE_OK : vv_api_give_text(op, &json, out_json);
}

varve_status varve_lake_export(varve_lake *lake, const char *folder,
    const varve_audit_export_options *options, char **out_json, varve_error *err)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    varve_audit_export_options known = VARVE_AUDIT_EXPORT_OPTIONS_INIT;
    vv_api_begin(&op, lake);
    varve_status status = vv_api_options(&op, options, &known, sizeof(known));
    if (status == VARVE_OK)
        status = export_lake(&op, lake, folder, &known, out_json);
    return vv_op_report(&op, status, err);
}
