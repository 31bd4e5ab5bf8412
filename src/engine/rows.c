#include "base/seam.h"
#include "engine/rowset_inner.h"

struct column {
    duckdb_type type;
    struct vv_str name;
    duckdb_vector vector; /* of the current chunk */
    const void *data;
    const uint64_t *validity; /* NULL: no value is NULL */
};

struct vv_rows {
    duckdb_result result;
    struct vv_session *session;     /* where the rows are streamed; else NULL */
    struct vv_buf sql;              /* likewise, for vv_duck_blame; else empty */
    const struct vv_rowset *rowset; /* NULL: rows of `result` */
    size_t rowset_chunk;            /* the next one */
    duckdb_data_chunk chunk;
    idx_t row; /* of the chunk; the current one */
    idx_t rows_len;
    bool has_row;
    uint32_t columns_len;
    struct column columns[];
};

/* Takes the result over. */
static varve_status rows_new(struct vv_op *op, duckdb_result result, struct vv_rows **out)
{
    uint32_t columns_len = (uint32_t)duckdb_column_count(&result);
    struct vv_rows *rows = vv_malloc(sizeof(*rows) + columns_len * sizeof(rows->columns[0]));
    if (rows == NULL) {
        duckdb_destroy_result(&result);
        return vv_fail_memory(op);
    }
    *rows = (struct vv_rows){
        .result = result, .sql = VV_BUF_INIT(VV_BUF_MAX), .columns_len = columns_len};
    for (uint32_t index = 0; index < columns_len; index++)
        rows->columns[index] = (struct column){
            .type = duckdb_column_type(&rows->result, index),
            .name = vv_str_of(duckdb_column_name(&rows->result, index)),
        };
    *out = rows;
    return VARVE_OK;
}

varve_status vv_session_query(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_rows **out)
{
    duckdb_result result;
    VV_TRY(vv_duck_query(op, session, sql, VARVE_EFAILED, &result));
    return rows_new(op, result, out);
}

varve_status vv_session_rows(struct vv_op *op, struct vv_session *session,
    const struct vv_query *query, struct vv_rows **out)
{
    duckdb_result result;
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_TRY(vv_duck_execute(op, session, query, query->is_streamed, &result));
    VV_TRY(rows_new(op, result, &rows));
    if (query->is_streamed) {
        rows->session = session;
        vv_buf_add(&rows->sql, query->sql);
    }
    *out = VV_MOVE(rows);
    return VARVE_OK;
}

varve_status vv_rowset_read(struct vv_op *op, const struct vv_rowset *rowset,
    struct vv_rows **out)
{
    uint32_t columns_len = vv_rowset_columns(rowset);
    struct vv_rows *rows = vv_malloc(sizeof(*rows) + columns_len * sizeof(rows->columns[0]));
    if (rows == NULL)
        return vv_fail_memory(op);
    *rows = (struct vv_rows){
        .rowset = rowset, .sql = VV_BUF_INIT(VV_BUF_MAX), .columns_len = columns_len};
    for (uint32_t index = 0; index < columns_len; index++)
        rows->columns[index] = (struct column){
            .type = duckdb_get_type_id(vv_rowset_type(rowset, index)),
            .name = vv_rowset_name(rowset, index),
        };
    *out = rows;
    return VARVE_OK;
}

/* The chunks of a rowset stay the rowset's. */
static varve_status chunk_fetch(struct vv_op *op, struct vv_rows *rows)
{
    if (rows->rowset != NULL) {
        bool has_chunk = rows->rowset_chunk < vv_rowset_chunks(rows->rowset);
        rows->chunk = has_chunk ? vv_rowset_chunk(rows->rowset, rows->rowset_chunk++) : NULL;
        return VARVE_OK;
    }
    duckdb_destroy_data_chunk(&rows->chunk);
    struct vv_watched watched = {.watch = NULL};
    if (rows->session != NULL) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(vv_watch_begin(op, &rows->session->engine->watch, op->env->cancel,
            rows->session->connection, &watched));
    }
    varve_status status = vv_duck_fetch(op, &rows->result, VARVE_EFAILED, &rows->chunk);
    vv_watch_end(&watched);
    if (status == VARVE_OK || rows->session == NULL)
        return status;
    return vv_duck_blame(op, rows->session, VARVE_EFAILED, vv_buf_str(&rows->sql));
}

static varve_status chunk_next(struct vv_op *op, struct vv_rows *rows, bool *out_has_chunk)
{
    VV_TRY(chunk_fetch(op, rows));
    rows->rows_len = rows->chunk ? duckdb_data_chunk_get_size(rows->chunk) : 0;
    *out_has_chunk = rows->rows_len > 0;
    if (!*out_has_chunk)
        return VARVE_OK;
    for (uint32_t index = 0; index < rows->columns_len; index++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(rows->chunk, index);
        rows->columns[index].vector = vector;
        rows->columns[index].data = duckdb_vector_get_data(vector);
        rows->columns[index].validity = duckdb_vector_get_validity(vector);
    }
    return VARVE_OK;
}

varve_status vv_rows_next(struct vv_op *op, struct vv_rows *rows, bool *out_has_row)
{
    bool has_row = true;
    if (rows->has_row && rows->row + 1 < rows->rows_len) {
        rows->row++;
    } else {
        rows->has_row = false;
        VV_TRY(chunk_next(op, rows, &has_row));
        rows->row = 0;
    }
    rows->has_row = has_row;
    *out_has_row = has_row;
    return VARVE_OK;
}

void vv_rows_close(struct vv_rows **rows)
{
    struct vv_rows *closed = VV_MOVE(*rows);
    if (closed == NULL)
        return;
    if (closed->rowset == NULL)
        duckdb_destroy_data_chunk(&closed->chunk);
    duckdb_destroy_result(&closed->result);
    vv_buf_done(&closed->sql);
    vv_free(closed);
}

uint32_t vv_rows_columns(const struct vv_rows *rows)
{
    return rows->columns_len;
}

struct vv_str vv_rows_name(const struct vv_rows *rows, uint32_t column)
{
    VV_PRE(column < rows->columns_len);
    return rows->columns[column].name;
}

static const struct column *current(const struct vv_rows *rows, uint32_t column)
{
    VV_PRE(rows->has_row);
    VV_PRE(column < rows->columns_len);
    return &rows->columns[column];
}

bool vv_rows_is_null(const struct vv_rows *rows, uint32_t column)
{
    const uint64_t *validity = current(rows, column)->validity;
    return validity && (validity[rows->row / 64] >> (rows->row % 64) & 1) == 0;
}

bool vv_rows_bool(const struct vv_rows *rows, uint32_t column)
{
    const struct column *read = current(rows, column);
    VV_PRE(read->type == DUCKDB_TYPE_BOOLEAN);
    return ((const bool *)read->data)[rows->row];
}

static int64_t clamp_unsigned(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}

/* sum() of integers is a HUGEINT; what does not fit ends at the limit. */
static int64_t clamp_hugeint(duckdb_hugeint value)
{
    if (value.upper == 0)
        return clamp_unsigned(value.lower);
    if (value.upper == -1 && value.lower > INT64_MAX)
        return (int64_t)value.lower;
    return value.upper < 0 ? INT64_MIN : INT64_MAX;
}

int64_t vv_rows_int64(const struct vv_rows *rows, uint32_t column)
{
    const struct column *read = current(rows, column);
    const void *data = read->data;
    idx_t row = rows->row;
    if (read->type == DUCKDB_TYPE_BIGINT || read->type == DUCKDB_TYPE_TIMESTAMP ||
        read->type == DUCKDB_TYPE_TIMESTAMP_TZ || read->type == DUCKDB_TYPE_TIMESTAMP_S ||
        read->type == DUCKDB_TYPE_TIMESTAMP_MS || read->type == DUCKDB_TYPE_TIMESTAMP_NS)
        return ((const int64_t *)data)[row];
    if (read->type == DUCKDB_TYPE_INTEGER || read->type == DUCKDB_TYPE_DATE)
        return ((const int32_t *)data)[row];
    if (read->type == DUCKDB_TYPE_HUGEINT)
        return clamp_hugeint(((const duckdb_hugeint *)data)[row]);
    if (read->type == DUCKDB_TYPE_TINYINT)
        return ((const int8_t *)data)[row];
    if (read->type == DUCKDB_TYPE_SMALLINT)
        return ((const int16_t *)data)[row];
    if (read->type == DUCKDB_TYPE_UTINYINT)
        return ((const uint8_t *)data)[row];
    if (read->type == DUCKDB_TYPE_USMALLINT)
        return ((const uint16_t *)data)[row];
    if (read->type == DUCKDB_TYPE_UINTEGER)
        return ((const uint32_t *)data)[row];
    VV_PRE(read->type == DUCKDB_TYPE_UBIGINT);
    return clamp_unsigned(((const uint64_t *)data)[row]);
}

double vv_rows_double(const struct vv_rows *rows, uint32_t column)
{
    const struct column *read = current(rows, column);
    if (read->type == DUCKDB_TYPE_FLOAT)
        return (double)((const float *)read->data)[rows->row];
    VV_PRE(read->type == DUCKDB_TYPE_DOUBLE);
    return ((const double *)read->data)[rows->row];
}

struct vv_str vv_rows_text(const struct vv_rows *rows, uint32_t column)
{
    const struct column *read = current(rows, column);
    VV_PRE(read->type == DUCKDB_TYPE_VARCHAR || read->type == DUCKDB_TYPE_BLOB);
    if (vv_rows_is_null(rows, column))
        return VV_STR_NONE;
    return vv_duck_string(&((const duckdb_string_t *)read->data)[rows->row]);
}

size_t vv_rows_pairs(const struct vv_rows *rows, uint32_t column)
{
    const struct column *read = current(rows, column);
    VV_PRE(read->type == DUCKDB_TYPE_MAP);
    return vv_rows_is_null(rows, column)
               ? 0
               : ((const duckdb_list_entry *)read->data)[rows->row].length;
}

static struct vv_str text_at(duckdb_vector vector, idx_t index)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    if (validity != NULL && !duckdb_validity_row_is_valid(validity, index))
        return VV_STR_NONE;
    return vv_duck_string(&((const duckdb_string_t *)duckdb_vector_get_data(vector))[index]);
}

void vv_rows_pair(const struct vv_rows *rows, uint32_t column, size_t index,
    struct vv_str *out_name, struct vv_str *out_value)
{
    VV_PRE(index < vv_rows_pairs(rows, column));
    const struct column *read = current(rows, column);
    duckdb_vector pairs = duckdb_list_vector_get_child(read->vector);
    idx_t at = ((const duckdb_list_entry *)read->data)[rows->row].offset + index;
    *out_name = text_at(duckdb_struct_vector_get_child(pairs, 0), at);
    *out_value = text_at(duckdb_struct_vector_get_child(pairs, 1), at);
}
