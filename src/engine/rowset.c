#include "engine/rowset_inner.h"

#include "base/seam.h"

#define FUNCTION_NAME "vv_rows"

struct vv_rowset {
    struct vv_session *session;
    struct vv_rowset *next; /* guarded by: engine's rowsets_lock */
    int64_t id;             /* never used again */
    char sql[32];
    uint64_t shapes; /* how many there were: a plan for another one must not run */
    struct vv_str shape_sql;
    char *shape_text; /* the bytes of shape_sql */
    uint32_t columns_len;
    duckdb_logical_type *types;
    char **names;
    duckdb_data_chunk *chunks;
    size_t chunks_len;
    size_t chunks_capacity;
    int64_t rows;
    int64_t number;               /* beside them: rowset_number.c */
    const struct vv_rowset *from; /* NULL, or whose rows they are, from `first` on */
    int64_t first;
};

/* What a plan knows of its rowset. */
struct bound {
    struct vv_engine *engine;
    int64_t id;
    uint64_t shapes;
};

/* From so many chunks on each thread more is given so many of them. */
#define CHUNKS_OF_A_THREAD 8

/* A run of such a plan, by several threads. The columns that it wants, by index. */
struct scan {
    const struct vv_rowset *rowset; /* that has the chunks */
    atomic_size_t chunk;
    bool is_part; /* of its rows: by one thread */
    idx_t skip;   /* rows of the next chunk */
    int64_t left; /* rows after those */
    idx_t columns_len;
    idx_t columns[];
};

const struct vv_rowset *vv_rowset_find(struct vv_engine *engine, int64_t id)
{
    pthread_mutex_lock(&engine->rowsets_lock);
    const struct vv_rowset *rowset = engine->rowsets;
    while (rowset != NULL && rowset->id != id)
        rowset = rowset->next;
    pthread_mutex_unlock(&engine->rowsets_lock);
    return rowset;
}

static void scan_bind(duckdb_bind_info info)
{
    duckdb_value value = duckdb_bind_get_parameter(info, 0);
    struct vv_engine *engine = duckdb_bind_get_extra_info(info);
    const struct vv_rowset *rowset = vv_rowset_find(engine, duckdb_get_int64(value));
    duckdb_destroy_value(&value);
    struct bound *bound = rowset == NULL ? NULL : vv_malloc(sizeof(*bound));
    if (rowset == NULL || rowset->columns_len == 0 || bound == NULL) {
        bool is_there = rowset != NULL && rowset->columns_len > 0;
        vv_free(bound);
        duckdb_bind_set_error(info, is_there ? VV_DUCK_NO_MEMORY : "there are no such rows");
        return;
    }
    *bound = (struct bound){.engine = engine, .id = rowset->id, .shapes = rowset->shapes};
    duckdb_bind_set_bind_data(info, bound, vv_free);
    for (uint32_t index = 0; index < rowset->columns_len; index++)
        duckdb_bind_add_result_column(info, rowset->names[index], rowset->types[index]);
    duckdb_bind_set_cardinality(info, (idx_t)rowset->rows, false);
}

/* The rows that a rowset shows of another one. */
static void scan_part(struct scan *scan, const struct vv_rowset *part)
{
    size_t chunk = 0;
    idx_t skip = (idx_t)part->first;
    for (; chunk < part->from->chunks_len; chunk++) {
        idx_t rows = duckdb_data_chunk_get_size(part->from->chunks[chunk]);
        if (skip < rows)
            break;
        skip -= rows;
    }
    scan->rowset = part->from;
    atomic_store(&scan->chunk, chunk);
    scan->is_part = true;
    scan->skip = skip;
    scan->left = part->rows;
}

static void scan_init(duckdb_init_info info)
{
    const struct bound *bound = duckdb_init_get_bind_data(info);
    const struct vv_rowset *rowset = vv_rowset_find(bound->engine, bound->id);
    idx_t len = duckdb_init_get_column_count(info);
    struct scan *scan = vv_malloc(sizeof(*scan) + len * sizeof(scan->columns[0]));
    if (rowset == NULL || rowset->shapes != bound->shapes || scan == NULL) {
        bool is_same = rowset != NULL && rowset->shapes == bound->shapes;
        vv_free(scan);
        duckdb_init_set_error(info, is_same ? VV_DUCK_NO_MEMORY
                                            : "the rows have other columns than when the "
                                              "statement was prepared");
        return;
    }
    *scan = (struct scan){.rowset = rowset, .columns_len = len};
    if (rowset->from != NULL)
        scan_part(scan, rowset);
    for (idx_t index = 0; index < len; index++)
        scan->columns[index] = duckdb_init_get_column_index(info, index);
    duckdb_init_set_init_data(info, scan, vv_free);
    duckdb_init_set_max_threads(info, 1 + rowset->chunks_len / CHUNKS_OF_A_THREAD);
}

/* Leaves of the rows of a chunk those from `first` on. */
static void slice(duckdb_data_chunk chunk, idx_t columns_len, idx_t first, idx_t rows)
{
    duckdb_selection_vector chosen = duckdb_create_selection_vector(rows);
    sel_t *indexes = duckdb_selection_vector_get_data_ptr(chosen);
    for (idx_t row = 0; row < rows; row++)
        indexes[row] = (sel_t)(first + row);
    for (idx_t index = 0; index < columns_len; index++)
        duckdb_slice_vector(duckdb_data_chunk_get_vector(chunk, index), chosen, rows);
    duckdb_destroy_selection_vector(chosen);
}

/* What `out` has of the rows, which are the whole chunk. */
static void take_part(struct scan *scan, duckdb_data_chunk out)
{
    idx_t first = scan->skip;
    idx_t rows = duckdb_data_chunk_get_size(out) - first;
    if ((int64_t)rows > scan->left)
        rows = (idx_t)scan->left;
    scan->skip = 0;
    scan->left -= (int64_t)rows;
    if (rows == duckdb_data_chunk_get_size(out))
        return;
    slice(out, scan->columns_len, first, rows);
    duckdb_data_chunk_set_size(out, rows);
}

/* Hands out the vectors themselves: they are shared, not copied. */
static void scan_run(duckdb_function_info info, duckdb_data_chunk out)
{
    struct scan *scan = duckdb_function_get_init_data(info);
    const struct vv_rowset *rowset = scan->rowset;
    size_t at = atomic_fetch_add(&scan->chunk, 1);
    if (at >= rowset->chunks_len || (scan->is_part && scan->left == 0)) {
        duckdb_data_chunk_set_size(out, 0);
        return;
    }
    duckdb_data_chunk chunk = rowset->chunks[at];
    for (idx_t index = 0; index < scan->columns_len; index++) {
        idx_t column = scan->columns[index];
        if (column < rowset->columns_len) /* else nobody wants a column, only their number */
            duckdb_vector_reference_vector(duckdb_data_chunk_get_vector(out, index),
                duckdb_data_chunk_get_vector(chunk, column));
    }
    duckdb_data_chunk_set_size(out, duckdb_data_chunk_get_size(chunk));
    if (scan->is_part)
        take_part(scan, out);
}

varve_status vv_rowset_register(struct vv_op *op, struct vv_engine *engine,
    duckdb_connection connection)
{
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type id = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_table_function function = duckdb_create_table_function();
    duckdb_table_function_set_name(function, FUNCTION_NAME);
    duckdb_table_function_add_parameter(function, id);
    duckdb_table_function_set_extra_info(function, engine, NULL);
    duckdb_table_function_set_bind(function, scan_bind);
    duckdb_table_function_set_init(function, scan_init);
    duckdb_table_function_set_function(function, scan_run);
    duckdb_table_function_supports_projection_pushdown(function, true);
    duckdb_state state = duckdb_register_table_function(connection, function);
    duckdb_destroy_table_function(&function);
    return state == DuckDBSuccess
               ? VARVE_OK
               : vv_fail(op, VARVE_EFAILED, "the engine takes no function " FUNCTION_NAME);
}

varve_status vv_rowset_open(struct vv_op *op, struct vv_session *session,
    struct vv_rowset **out)
{
    struct vv_engine *engine = session->engine;
    struct vv_rowset *rowset = vv_malloc(sizeof(*rowset));
    if (rowset == NULL)
        return vv_fail_memory(op);
    *rowset = (struct vv_rowset){.session = session};
    pthread_mutex_lock(&engine->rowsets_lock);
    rowset->id = ++engine->rowsets_made;
    rowset->next = engine->rowsets;
    engine->rowsets = rowset;
    pthread_mutex_unlock(&engine->rowsets_lock);
    (void)snprintf(rowset->sql, sizeof(rowset->sql), FUNCTION_NAME "(%" PRId64 ")", rowset->id);
    *out = rowset;
    return VARVE_OK;
}

void vv_rowset_clear(struct vv_rowset *rowset)
{
    for (size_t index = 0; index < rowset->chunks_len; index++)
        duckdb_destroy_data_chunk(&rowset->chunks[index]);
    rowset->chunks_len = 0;
    rowset->rows = 0;
    rowset->from = NULL;
}

static void shape_clear(struct vv_rowset *rowset)
{
    for (uint32_t index = 0; index < rowset->columns_len; index++) {
        duckdb_destroy_logical_type(&rowset->types[index]);
        vv_free(rowset->names[index]);
    }
    vv_free(rowset->types);
    vv_free(rowset->names);
    vv_free(rowset->shape_text);
    rowset->types = NULL;
    rowset->names = NULL;
    rowset->columns_len = 0;
    rowset->shape_text = NULL;
    rowset->shape_sql = VV_STR_NONE;
}

void vv_rowset_close(struct vv_rowset **rowset)
{
    struct vv_rowset *closed = VV_MOVE(*rowset);
    if (closed == NULL)
        return;
    struct vv_engine *engine = closed->session->engine;
    pthread_mutex_lock(&engine->rowsets_lock);
    struct vv_rowset **link = &engine->rowsets;
    while (*link != closed)
        link = &(*link)->next;
    *link = closed->next;
    pthread_mutex_unlock(&engine->rowsets_lock);
    vv_rowset_clear(closed);
    shape_clear(closed);
    vv_free(closed->chunks);
    vv_free(closed);
}

struct vv_str vv_rowset_sql(const struct vv_rowset *rowset)
{
    return vv_str_of(rowset->sql);
}

int64_t vv_rowset_rows(const struct vv_rowset *rowset)
{
    return rowset->rows;
}

int64_t vv_rowset_id(const struct vv_rowset *rowset)
{
    return rowset->id;
}

int64_t vv_rowset_number(const struct vv_rowset *rowset)
{
    return rowset->number;
}

void vv_rowset_set_number(struct vv_rowset *rowset, int64_t number)
{
    rowset->number = number;
}

varve_status vv_rowset_shape_as(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_rowset *from)
{
    const char **names = NULL;
    VV_NEW(op, &names, const char *, from->columns_len + 1);
    for (uint32_t index = 0; index < from->columns_len; index++)
        names[index] = from->names[index];
    return vv_rowset_shape(op, rowset, from->types, names, from->columns_len);
}

varve_status vv_rowset_show(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_rowset *from, int64_t first, int64_t rows)
{
    VV_PRE(from != rowset && from->from == NULL && first >= 0 && rows <= from->rows - first);
    VV_TRY(vv_rowset_shape_as(op, rowset, from));
    rowset->from = from;
    rowset->first = first;
    rowset->rows = rows;
    return VARVE_OK;
}

static int64_t text_bytes(duckdb_vector vector, idx_t rows)
{
    const duckdb_string_t *texts = duckdb_vector_get_data(vector);
    uint64_t *validity = duckdb_vector_get_validity(vector);
    int64_t bytes = 0;
    for (idx_t row = 0; row < rows; row++)
        if ((validity == NULL || duckdb_validity_row_is_valid(validity, row)) &&
            !duckdb_string_is_inlined(texts[row]))
            bytes += duckdb_string_t_length(texts[row]);
    return bytes;
}

static int64_t cell_bytes(duckdb_type type)
{
    switch ((int)type) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_TINYINT:
        return 1;
    case DUCKDB_TYPE_SMALLINT:
        return 2;
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DATE:
        return 4;
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        return 8;
    default:
        return sizeof(duckdb_string_t); /* no plain one is larger */
    }
}

/* A vector has room for as many rows as fit one, however many there are. */
static int64_t chunk_bytes(const struct vv_rowset *rowset, duckdb_data_chunk chunk)
{
    idx_t rows = duckdb_data_chunk_get_size(chunk);
    int64_t bytes = 0;
    for (uint32_t column = 0; column < rowset->columns_len; column++) {
        duckdb_type type = duckdb_get_type_id(rowset->types[column]);
        bytes += cell_bytes(type) * (int64_t)duckdb_vector_size();
        if (type == DUCKDB_TYPE_VARCHAR || type == DUCKDB_TYPE_BLOB)
            bytes += text_bytes(duckdb_data_chunk_get_vector(chunk, column), rows);
    }
    return bytes;
}

int64_t vv_rowset_bytes(const struct vv_rowset *rowset)
{
    int64_t bytes = 0;
    for (size_t at = 0; at < rowset->chunks_len; at++)
        bytes += chunk_bytes(rowset, rowset->chunks[at]);
    return bytes;
}

uint64_t vv_rowset_shapes(const struct vv_rowset *rowset)
{
    return rowset->shapes;
}

uint32_t vv_rowset_columns(const struct vv_rowset *rowset)
{
    return rowset->columns_len;
}

struct vv_str vv_rowset_name(const struct vv_rowset *rowset, uint32_t column)
{
    VV_PRE(column < rowset->columns_len);
    return vv_str_of(rowset->names[column]);
}

duckdb_logical_type vv_rowset_type(const struct vv_rowset *rowset, uint32_t column)
{
    VV_PRE(column < rowset->columns_len);
    return rowset->types[column];
}

struct vv_session *vv_rowset_session(const struct vv_rowset *rowset)
{
    return rowset->session;
}

size_t vv_rowset_chunks(const struct vv_rowset *rowset)
{
    return rowset->chunks_len;
}

duckdb_data_chunk vv_rowset_chunk(const struct vv_rowset *rowset, size_t index)
{
    VV_PRE(index < rowset->chunks_len);
    return rowset->chunks[index];
}

static bool *bools_of(struct vv_rowset *rowset, size_t chunk, uint32_t column)
{
    VV_PRE(chunk < rowset->chunks_len && column < rowset->columns_len);
    return duckdb_vector_get_data(duckdb_data_chunk_get_vector(rowset->chunks[chunk], column));
}

void vv_rowset_fill_bool(struct vv_rowset *rowset, uint32_t column, bool value)
{
    for (size_t chunk = 0; chunk < rowset->chunks_len; chunk++)
        memset(bools_of(rowset, chunk, column), value,
            duckdb_data_chunk_get_size(rowset->chunks[chunk]));
}

void vv_rowset_put_bool(struct vv_rowset *rowset, uint32_t column, int64_t row, bool value)
{
    VV_PRE(row >= 0 && row < rowset->rows);
    size_t rows_a_chunk = duckdb_vector_size(); /* all are full but the last */
    bools_of(rowset, (size_t)row / rows_a_chunk, column)[(size_t)row % rows_a_chunk] = value;
}

static bool is_same_shape(const struct vv_rowset *rowset, const duckdb_logical_type *types,
    const char *const *names, idx_t len)
{
    bool is_same = rowset->columns_len == len;
    for (uint32_t index = 0; is_same && index < rowset->columns_len; index++)
        is_same = strcmp(rowset->names[index], names[index]) == 0 &&
                  vv_duck_type_eq(rowset->types[index], types[index]);
    return is_same;
}

/* A copy of a type; the C API has no function for one. NULL: no memory. */
static duckdb_logical_type type_copy(duckdb_logical_type type)
{
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type list = duckdb_create_list_type(type);
    return duckdb_list_type_child_type(list);
}

varve_status vv_rowset_shape(struct vv_op *op, struct vv_rowset *rowset,
    const duckdb_logical_type *types, const char *const *names, idx_t len)
{
    vv_rowset_clear(rowset);
    if (is_same_shape(rowset, types, names, len))
        return VARVE_OK;
    shape_clear(rowset);
    rowset->shapes++;
    vv_session_forget(rowset->session, vv_rowset_sql(rowset));
    rowset->types = vv_malloc_zeroed(len * sizeof(*rowset->types));
    rowset->names = vv_malloc_zeroed(len * sizeof(*rowset->names));
    if (rowset->types == NULL || rowset->names == NULL) {
        shape_clear(rowset);
        return vv_fail_memory(op);
    }
    for (idx_t index = 0; index < len; index++) {
        rowset->types[index] = type_copy(types[index]);
        rowset->columns_len++;
        varve_status status = vv_duck_text(op, "the name of a column", vv_str_of(names[index]),
            &rowset->names[index]);
        if (status != VARVE_OK) {
            shape_clear(rowset);
            return status;
        }
    }
    return VARVE_OK;
}

static varve_status shape_of_result(struct vv_op *op, struct vv_rowset *rowset,
    duckdb_result *result)
{
    idx_t len = duckdb_column_count(result);
    duckdb_logical_type *types = NULL;
    const char **names = NULL;
    VV_NEW(op, &types, duckdb_logical_type, len + 1);
    VV_NEW(op, &names, const char *, len + 1);
    for (idx_t index = 0; index < len; index++) {
        types[index] = duckdb_column_logical_type(result, index);
        names[index] = duckdb_column_name(result, index);
    }
    varve_status status = vv_rowset_shape(op, rowset, types, names, len);
    for (idx_t index = 0; index < len; index++)
        duckdb_destroy_logical_type(&types[index]);
    return status;
}

varve_status vv_rowset_shape_sql(struct vv_op *op, struct vv_rowset *rowset, struct vv_str sql)
{
    const struct vv_query query = {.sql = sql};
    if (rowset->shape_text != NULL && vv_str_eq(rowset->shape_sql, sql)) {
        vv_rowset_clear(rowset);
        return VARVE_OK;
    }
    VV_CLEANUP(vv_duck_result_done) duckdb_result result = {0};
    VV_TRY(vv_duck_execute(op, rowset->session, &query, false, &result));
    VV_TRY(shape_of_result(op, rowset, &result));
    vv_free(rowset->shape_text);
    rowset->shape_text = NULL;
    VV_TRY(vv_duck_text(op, "SQL text", sql, &rowset->shape_text));
    rowset->shape_sql = (struct vv_str){rowset->shape_text, sql.len};
    return VARVE_OK;
}

/* Places for so many chunks more. */
static varve_status chunks_grow(struct vv_op *op, struct vv_rowset *rowset, size_t more)
{
    size_t len = rowset->chunks_len + more;
    if (len <= rowset->chunks_capacity)
        return VARVE_OK;
    size_t capacity = rowset->chunks_capacity == 0 ? 4 : rowset->chunks_capacity * 2;
    capacity = capacity < len ? len : capacity;
    duckdb_data_chunk *grown = vv_realloc(rowset->chunks, capacity * sizeof(*grown));
    if (grown == NULL)
        return vv_fail_memory(op);
    rowset->chunks = grown;
    rowset->chunks_capacity = capacity;
    return VARVE_OK;
}

varve_status vv_rowset_add_chunk(struct vv_op *op, struct vv_rowset *rowset,
    duckdb_data_chunk *out)
{
    VV_TRY(chunks_grow(op, rowset, 1));
    duckdb_data_chunk chunk = duckdb_create_data_chunk(rowset->types, rowset->columns_len);
    if (chunk == NULL)
        return vv_fail_memory(op);
    rowset->chunks[rowset->chunks_len++] = chunk;
    *out = chunk;
    return VARVE_OK;
}

varve_status vv_rowset_append(struct vv_op *op, struct vv_rowset *rowset,
    struct vv_rowset *from)
{
    VV_PRE(from != rowset && rowset->from == NULL && from->from == NULL);
    bool is_same = rowset->columns_len == from->columns_len;
    for (uint32_t index = 0; is_same && index < rowset->columns_len; index++)
        is_same = vv_duck_type_eq(rowset->types[index], from->types[index]);
    if (!is_same)
        return vv_fail(op, VARVE_EFAILED, "the rows of one relation have several shapes");
    VV_TRY(chunks_grow(op, rowset, from->chunks_len));
    for (size_t index = 0; index < from->chunks_len; index++)
        rowset->chunks[rowset->chunks_len++] = from->chunks[index];
    rowset->rows += from->rows;
    from->chunks_len = 0;
    from->rows = 0;
    return VARVE_OK;
}

void vv_rowset_count_chunk(struct vv_rowset *rowset, idx_t rows)
{
    VV_PRE(rowset->chunks_len > 0);
    duckdb_data_chunk_set_size(rowset->chunks[rowset->chunks_len - 1], rows);
    rowset->rows += (int64_t)rows;
}

/* `*bytes_left` is less than 0 where they are more than that: the last one is the first too many. */
static varve_status take_chunks(struct vv_op *op, struct vv_rowset *rowset,
    duckdb_result *result, int64_t *bytes_left)
{
    while (*bytes_left >= 0) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(chunks_grow(op, rowset, 1));
        duckdb_data_chunk chunk = NULL;
        VV_TRY(vv_duck_fetch(op, result, VARVE_EFAILED, &chunk));
        if (chunk == NULL)
            return VARVE_OK;
        rowset->chunks[rowset->chunks_len++] = chunk;
        rowset->rows += (int64_t)duckdb_data_chunk_get_size(chunk);
        *bytes_left -= *bytes_left == INT64_MAX ? 0 : chunk_bytes(rowset, chunk);
    }
    return VARVE_OK;
}

varve_status vv_rowset_fill(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_query *query)
{
    VV_CLEANUP(vv_duck_result_done) duckdb_result result = {0};
    int64_t bytes_left = INT64_MAX;
    vv_rowset_clear(rowset);
    VV_TRY(vv_duck_execute(op, rowset->session, query, false, &result));
    VV_TRY(shape_of_result(op, rowset, &result));
    varve_status status = take_chunks(op, rowset, &result, &bytes_left);
    if (status != VARVE_OK)
        vv_rowset_clear(rowset);
    return status;
}

varve_status vv_rowset_fill_many(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_query *query, int64_t bytes_max, bool *out_fits)
{
    VV_CLEANUP(vv_duck_result_done) duckdb_result result = {0};
    struct vv_session *session = rowset->session;
    struct vv_watched watched;
    int64_t bytes_left = bytes_max;
    vv_rowset_clear(rowset);
    VV_TRY(vv_duck_execute(op, session, query, true, &result));
    VV_TRY(shape_of_result(op, rowset, &result));
    VV_TRY(vv_watch_begin(op, &session->engine->watch, op->env->cancel, session->connection,
        &watched));
    varve_status status = take_chunks(op, rowset, &result, &bytes_left);
    vv_watch_end(&watched);
    *out_fits = bytes_left >= 0;
    if (status != VARVE_OK || !*out_fits)
        vv_rowset_clear(rowset);
    return status;
}
