#include "engine/arrow_in.h"
#include "engine/sql.h"

static void stream_done(struct ArrowArrayStream **stream)
{
    if (*stream && (*stream)->release)
        (*stream)->release(*stream);
    *stream = NULL;
}

static void schema_done(struct ArrowSchema *schema)
{
    if (schema->release)
        schema->release(schema);
}

static void array_done(struct ArrowArray *array)
{
    if (array->release)
        array->release(array);
}

static void appender_done(duckdb_appender *appender)
{
    duckdb_appender_destroy(appender);
}

struct load {
    struct vv_arrow_type type;
    duckdb_appender appender;
    duckdb_data_chunk chunk;
    int64_t rows;
    int64_t batches;
};

static varve_status stream_fail(struct vv_op *op, struct ArrowArrayStream *stream, int code,
    const char *what)
{
    const char *reason = stream->get_last_error ? stream->get_last_error(stream) : NULL;
    if (reason == NULL || reason[0] == '\0')
        return vv_fail_errno(op, code, "the Arrow stream gives no %s", what);
    return vv_fail(op, VARVE_EIO, "the Arrow stream gives no %s: %s", what, reason);
}

static varve_status table_create(struct vv_op *op, struct vv_session *session,
    struct vv_str table, struct vv_str row_column, const struct vv_arrow_type *type)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, "CREATE TEMP TABLE ");
    vv_sql_name(&sql, table);
    vv_buf_adds(&sql, " (");
    vv_sql_name(&sql, row_column);
    vv_buf_adds(&sql, " BIGINT");
    for (int64_t index = 0; index < type->children_len; index++) {
        const struct vv_arrow_type *column = &type->children[index];
        if (vv_str_eq_nocase(column->name, row_column))
            return vv_fail(op, VARVE_EINVALID, "the input has a column %.*s, a name taken here",
                VV_ARG(row_column));
        vv_buf_adds(&sql, ", ");
        vv_sql_name(&sql, column->name);
        vv_buf_addc(&sql, ' ');
        vv_arrow_type_sql(&sql, column);
    }
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_exec(op, session, vv_buf_str(&sql));
}

static varve_status appender_fail(struct vv_op *op, duckdb_appender appender)
{
    VV_TRY(vv_duck_take_error(op, VARVE_EFAILED, duckdb_appender_error_data(appender)));
    return vv_fail(op, VARVE_EFAILED, "the engine takes no further rows");
}

/* The chunk has the types of the table, which are those of the stream behind the row number. */
static varve_status chunk_make(struct vv_op *op, struct load *load)
{
    idx_t columns_len = duckdb_appender_column_count(load->appender);
    duckdb_logical_type *types = NULL;
    VV_NEW(op, &types, duckdb_logical_type, columns_len);
    for (idx_t index = 0; index < columns_len; index++)
        types[index] = duckdb_appender_column_type(load->appender, index);
    load->chunk = duckdb_create_data_chunk(types, columns_len);
    for (idx_t index = 0; index < columns_len; index++)
        duckdb_destroy_logical_type(&types[index]);
    return load->chunk ? VARVE_OK : vv_fail_memory(op);
}

static varve_status rows_append(struct vv_op *op, struct load *load,
    const struct ArrowArray *array, int64_t from, int64_t len)
{
    duckdb_data_chunk_reset(load->chunk);
    int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(load->chunk, 0));
    for (int64_t index = 0; index < len; index++)
        numbers[index] = load->rows + index + 1;
    for (int64_t index = 0; index < load->type.children_len; index++) {
        struct vv_arrow_part part = {
            &load->type.children[index], array->children[index], array->offset + from, len};
        if (vv_arrow_fill(op, &part,
                duckdb_data_chunk_get_vector(load->chunk, (idx_t)index + 1), 0) != VARVE_OK)
            return vv_note(op, "rows %" PRId64 " to %" PRId64 " of the input", load->rows + 1,
                load->rows + len);
    }
    duckdb_data_chunk_set_size(load->chunk, (idx_t)len);
    if (duckdb_append_data_chunk(load->appender, load->chunk) != DuckDBSuccess)
        return appender_fail(op, load->appender);
    load->rows += len;
    return VARVE_OK;
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
    struct ArrowArrayStream *stream)
{
    for (;;) {
        VV_TRY(vv_check_cancel(op));
        VV_CLEANUP(array_done) struct ArrowArray array = {.release = NULL};
        int code = stream->get_next(stream, &array);
        if (code != 0) {
            array.release = NULL; /* nothing was written, whatever is there */
            return stream_fail(op, stream, code, "next record batch");
        }
        if (array.release == NULL)
            return VARVE_OK;
        VV_TRY(batch_append(op, load, &array));
    }
}

static varve_status rows_load(struct vv_op *op, struct load *load,
    struct ArrowArrayStream *stream)
{
    varve_status status = chunk_make(op, load);
    if (status == VARVE_OK)
        status = batches_append(op, load, stream);
    duckdb_destroy_data_chunk(&load->chunk);
    VV_TRY(status);
    if (duckdb_appender_close(load->appender) != DuckDBSuccess)
        return appender_fail(op, load->appender);
    return VARVE_OK;
}

varve_status vv_session_load_arrow(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, struct vv_str table, struct vv_str row_column,
    int64_t *out_rows)
{
    VV_CLEANUP(stream_done) struct ArrowArrayStream *taken = stream;
    VV_CLEANUP(schema_done) struct ArrowSchema schema = {.release = NULL};
    VV_CLEANUP(appender_done) duckdb_appender appender = NULL;
    VV_CLEANUP(vv_duck_text_done) char *table_text = NULL;
    struct load load = {.rows = 0};
    if (stream->release == NULL)
        return vv_fail(op, VARVE_EINVALID, "the Arrow stream has been released already");
    int code = stream->get_schema(stream, &schema);
    if (code != 0) {
        schema.release = NULL;
        return stream_fail(op, stream, code, "schema");
    }
    VV_TRY(vv_arrow_type_read(op, &schema, &load.type));
    VV_TRY(table_create(op, session, table, row_column, &load.type));
    VV_TRY(vv_duck_text(op, "the name of a table", table, &table_text));
    duckdb_state state =
        duckdb_appender_create_ext(session->connection, "temp", NULL, table_text, &appender);
    if (state != DuckDBSuccess)
        return appender_fail(op, appender);
    load.appender = appender;
    VV_TRY(rows_load(op, &load, taken));
    if (out_rows != NULL)
        *out_rows = load.rows;
    return VARVE_OK;
}
