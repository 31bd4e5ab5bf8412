#include "engine/cell_appender.h"

#include "base/seam.h"
#include "engine/sink.h"

/* How a vector of the engine keeps the values of a type. */
enum store {
    STORE_INT8,
    STORE_INT16,
    STORE_INT32,
    STORE_INT64,
    STORE_DOUBLE,
    STORE_TEXT
};

static const struct {
    const char *type;
    enum store store;
} stores[] = {
    {"BOOLEAN", STORE_INT8},
    {"TINYINT", STORE_INT8},
    {"SMALLINT", STORE_INT16},
    {"INTEGER", STORE_INT32},
    {"DATE", STORE_INT32},
    {"BIGINT", STORE_INT64},
    {"TIMESTAMP", STORE_INT64},
    {"TIMESTAMP WITH TIME ZONE", STORE_INT64},
    {"DOUBLE", STORE_DOUBLE},
    {"VARCHAR", STORE_TEXT},
};

struct column {
    enum store store;
    duckdb_vector vector;
    void *values;
    uint64_t *validity; /* NULL: no value of this chunk is NULL */
};

struct vv_cell_appender {
    struct vv_sink sink;
    struct vv_load_target target;
    idx_t rows_len; /* in the sink's chunk; 0: there is none yet */
    idx_t rows_max;
    int64_t *row_numbers; /* of the chunk */
    size_t columns_len;
    struct column columns[];
};

static bool store_find(struct vv_str type, enum store *out)
{
    for (size_t i = 0; i < VV_COUNT(stores); i++) {
        if (!vv_str_eq(type, vv_str_of(stores[i].type)))
            continue;
        *out = stores[i].store;
        return true;
    }
    return false;
}

bool vv_cell_fits(struct vv_str type)
{
    enum store store;
    return store_find(type, &store);
}

varve_status vv_cell_appender_open(struct vv_op *op, struct vv_session *session,
    const struct vv_load_target *target, const struct vv_cell_column *columns,
    size_t columns_len, struct vv_cell_appender **out)
{
    struct vv_sink_column *of_sink = NULL;
    VV_NEW(op, &of_sink, struct vv_sink_column, columns_len + 1);
    VV_CLEANUP(vv_cell_appender_close)
    struct vv_cell_appender *appender =
        vv_malloc(sizeof(*appender) + columns_len * sizeof(appender->columns[0]));
    if (appender == NULL)
        return vv_fail_memory(op);
    *appender = (struct vv_cell_appender){
        .target = *target, .columns_len = columns_len, .rows_max = duckdb_vector_size()};
    for (size_t i = 0; i < columns_len; i++) {
        of_sink[i] = (struct vv_sink_column){columns[i].name, columns[i].type};
        bool is_cell = store_find(columns[i].type, &appender->columns[i].store);
        VV_PRE(is_cell);
    }
    VV_TRY(vv_sink_open(op, &appender->sink, session, &appender->target, of_sink, columns_len));
    *out = VV_MOVE(appender);
    return VARVE_OK;
}

/* Each chunk has vectors of its own, and a reset one may have new ones. */
static varve_status chunk_begin(struct vv_op *op, struct vv_cell_appender *appender)
{
    VV_TRY(vv_sink_chunk(op, &appender->sink));
    duckdb_data_chunk chunk = appender->sink.chunk;
    appender->row_numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    for (size_t i = 0; i < appender->columns_len; i++) {
        struct column *column = &appender->columns[i];
        column->vector = duckdb_data_chunk_get_vector(chunk, i + 1);
        column->values = duckdb_vector_get_data(column->vector);
        column->validity = NULL;
    }
    return VARVE_OK;
}

static void null_put(struct column *column, idx_t row)
{
    if (column->validity == NULL) {
        duckdb_vector_ensure_validity_writable(column->vector);
        column->validity = duckdb_vector_get_validity(column->vector);
    }
    column->validity[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

/* A short text lies in the vector itself; the engine would take a call, and look at its bytes. */
static void text_put(struct column *column, idx_t row, struct vv_str text)
{
    duckdb_string_t *slot = (duckdb_string_t *)column->values + row;
    if (text.len > sizeof(slot->value.inlined.inlined)) {
        duckdb_vector_assign_string_element_len(column->vector, row, text.ptr, text.len);
        return;
    }
    *slot = (duckdb_string_t){.value.inlined.length = (uint32_t)text.len};
    if (text.len > 0)
        memcpy(slot->value.inlined.inlined, text.ptr, text.len);
}

static void cell_put(struct column *column, idx_t row, const struct vv_cell *cell)
{
    switch (column->store) {
    case STORE_INT8:
        ((int8_t *)column->values)[row] = (int8_t)cell->as.integer;
        break;
    case STORE_INT16:
        ((int16_t *)column->values)[row] = (int16_t)cell->as.integer;
        break;
    case STORE_INT32:
        ((int32_t *)column->values)[row] = (int32_t)cell->as.integer;
        break;
    case STORE_INT64:
        ((int64_t *)column->values)[row] = cell->as.integer;
        break;
    case STORE_DOUBLE:
        ((double *)column->values)[row] = cell->as.number;
        break;
    case STORE_TEXT:
        text_put(column, row, cell->as.text);
        break;
    }
}

static varve_status chunk_append(struct vv_op *op, struct vv_cell_appender *appender)
{
    VV_TRY(vv_sink_take(op, &appender->sink, appender->rows_len));
    appender->rows_len = 0;
    return vv_check_cancel(op);
}

varve_status vv_cell_appender_row(struct vv_op *op, struct vv_cell_appender *appender,
    int64_t row, const struct vv_cell *cells)
{
    idx_t at = appender->rows_len;
    if (at == 0)
        VV_TRY(chunk_begin(op, appender));
    appender->row_numbers[at] = row;
    for (size_t i = 0; i < appender->columns_len; i++) {
        if (cells[i].is_null)
            null_put(&appender->columns[i], at);
        else
            cell_put(&appender->columns[i], at, &cells[i]);
    }
    appender->rows_len++;
    return appender->rows_len < appender->rows_max ? VARVE_OK : chunk_append(op, appender);
}

varve_status vv_cell_appender_finish(struct vv_op *op, struct vv_cell_appender *appender)
{
    if (appender->rows_len > 0)
        VV_TRY(chunk_append(op, appender));
    return vv_sink_finish(op, &appender->sink);
}

void vv_cell_appender_close(struct vv_cell_appender **appender)
{
    struct vv_cell_appender *closed = VV_MOVE(*appender);
    if (closed == NULL)
        return;
    vv_sink_done(&closed->sink);
    vv_free(closed);
}
