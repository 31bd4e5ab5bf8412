#include "base/seam.h"
#include "engine/sink.h"

/*
 * Rows are put into the vectors of one chunk and handed over 2,048 at a time: three times as fast
 * as DuckDB's own row appender, which looks up type and column anew for each value.
 */
struct vv_text_appender {
    struct vv_sink sink;
    struct vv_load_target target;
    idx_t rows_len; /* in the sink's chunk; 0: there is none yet */
    idx_t rows_max;
    int64_t *row_numbers; /* of the chunk */
    size_t columns_len;
    struct {
        duckdb_vector vector;
        uint64_t *validity; /* NULL: no value of this chunk is NULL */
    } columns[];
};

/* Looks the vectors up: each chunk has its own, and a reset one may have new ones. */
static varve_status chunk_begin(struct vv_op *op, struct vv_text_appender *appender)
{
    VV_TRY(vv_sink_chunk(op, &appender->sink));
    duckdb_data_chunk chunk = appender->sink.chunk;
    appender->row_numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    for (size_t index = 0; index < appender->columns_len; index++) {
        appender->columns[index].vector = duckdb_data_chunk_get_vector(chunk, index + 1);
        appender->columns[index].validity = NULL;
    }
    return VARVE_OK;
}

varve_status vv_text_appender_open_at(struct vv_op *op, struct vv_session *session,
    const struct vv_load_target *target, const struct vv_str *columns, size_t columns_len,
    struct vv_text_appender **out)
{
    struct vv_sink_column *typed = NULL;
    VV_NEW(op, &typed, struct vv_sink_column, columns_len + 1);
    for (size_t index = 0; index < columns_len; index++)
        typed[index] = (struct vv_sink_column){columns[index], VV_STR("VARCHAR")};
    struct vv_text_appender *appender =
        vv_malloc(sizeof(*appender) + columns_len * sizeof(appender->columns[0]));
    if (appender == NULL)
        return vv_fail_memory(op);
    *appender = (struct vv_text_appender){
        .target = *target, .columns_len = columns_len, .rows_max = duckdb_vector_size()};
    varve_status status =
        vv_sink_open(op, &appender->sink, session, &appender->target, typed, columns_len);
    if (status != VARVE_OK) {
        vv_text_appender_close(&appender);
        return status;
    }
    *out = appender;
    return VARVE_OK;
}

varve_status vv_text_appender_open(struct vv_op *op, struct vv_session *session,
    struct vv_str table, struct vv_str row_column, const struct vv_str *columns,
    size_t columns_len, struct vv_text_appender **out)
{
    const struct vv_load_target target = {.table = table, .row_column = row_column};
    return vv_text_appender_open_at(op, session, &target, columns, columns_len, out);
}

static varve_status chunk_append(struct vv_op *op, struct vv_text_appender *appender)
{
    VV_TRY(vv_sink_take(op, &appender->sink, appender->rows_len));
    appender->rows_len = 0;
    return vv_check_cancel(op);
}

static void null_put(struct vv_text_appender *appender, size_t column, idx_t row)
{
    if (appender->columns[column].validity == NULL) {
        duckdb_vector vector = appender->columns[column].vector;
        duckdb_vector_ensure_validity_writable(vector);
        appender->columns[column].validity = duckdb_vector_get_validity(vector);
    }
    appender->columns[column].validity[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

varve_status vv_text_appender_row(struct vv_op *op, struct vv_text_appender *appender,
    int64_t row, const struct vv_str *values)
{
    idx_t at = appender->rows_len;
    if (at == 0)
        VV_TRY(chunk_begin(op, appender));
    appender->row_numbers[at] = row;
    for (size_t column = 0; column < appender->columns_len; column++) {
        struct vv_str value = values[column];
        if (value.ptr == NULL) {
            null_put(appender, column, at);
            continue;
        }
        if (vv_str_is_lost(value))
            return vv_fail_memory(op);
        /* DuckDB would put a NULL in its place without a word. */
        if (!vv_utf8_valid(value))
            return vv_fail(op, VARVE_EINVALID,
                "row %" PRId64 ", text column %zu: the value is not valid UTF-8", row,
                column + 1);
        duckdb_vector_assign_string_element_len(appender->columns[column].vector, at, value.ptr,
            value.len);
    }
    appender->rows_len++;
    return appender->rows_len < appender->rows_max ? VARVE_OK : chunk_append(op, appender);
}

varve_status vv_text_appender_finish(struct vv_op *op, struct vv_text_appender *appender)
{
    if (appender->rows_len > 0)
        VV_TRY(chunk_append(op, appender));
    return vv_sink_finish(op, &appender->sink);
}

void vv_text_appender_close(struct vv_text_appender **appender)
{
    struct vv_text_appender *closed = VV_MOVE(*appender);
    if (closed == NULL)
        return;
    vv_sink_done(&closed->sink);
    vv_free(closed);
}
