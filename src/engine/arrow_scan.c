#include "engine/arrow_scan.h"

#include "base/seam.h"
#include "engine/lent.h"
#include "engine/parquet_vector.h"
#include "engine/sql.h"

struct vv_arrow_scan {
    int64_t id;
    struct ArrowArrayStream stream;
    struct vv_arrow_batches batches; /* of the stream */
    struct vv_arrow_type type;
    duckdb_result shape; /* no rows, of the columns' names and types */
    bool has_shape;
    struct vv_op op;      /* of the threads that run the statement, one at a time */
    const idx_t *columns; /* that the statement wants */
    idx_t columns_len;
    struct ArrowArray array;
    int64_t from; /* rows of it that the statement has */
    int64_t rows; /* of the arrays before it */
    int64_t arrays;
};

static void array_drop(struct vv_arrow_scan *scan)
{
    if (scan->array.release != NULL)
        scan->array.release(&scan->array);
    scan->array.release = NULL;
}

static void give_back(struct vv_arrow_scan *scan)
{
    array_drop(scan);
    if (scan->stream.release != NULL)
        scan->stream.release(&scan->stream);
    if (scan->has_shape)
        duckdb_destroy_result(&scan->shape);
    scan->has_shape = false;
}

static void release(void *object)
{
    struct vv_arrow_scan *scan = object;
    give_back(scan);
    vv_op_done(&scan->op);
    vv_free(scan);
}

/* What the engine calls the types: a statement without rows is asked. */
static varve_status shape_make(struct vv_op *op, struct vv_session *session,
    struct vv_arrow_scan *scan)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    if (scan->type.children_len == 0)
        return vv_fail(op, VARVE_EINVALID, "the Arrow stream has no columns");
    vv_buf_adds(&sql, "SELECT ");
    for (int64_t index = 0; index < scan->type.children_len; index++) {
        vv_buf_adds(&sql, index > 0 ? ", CAST(NULL AS " : "CAST(NULL AS ");
        vv_arrow_type_sql(&sql, &scan->type.children[index]);
        vv_buf_adds(&sql, ") AS ");
        vv_sql_name(&sql, scan->type.children[index].name);
    }
    vv_buf_adds(&sql, " WHERE false");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_duck_query(op, session, vv_buf_str(&sql), VARVE_EFAILED, &scan->shape));
    scan->has_shape = true;
    return VARVE_OK;
}

static varve_status begin_scan(struct vv_op *op, struct vv_session *session,
    struct vv_arrow_scan *scan)
{
    VV_CLEANUP(vv_arrow_schema_done) struct ArrowSchema schema = {.release = NULL};
    if (scan->stream.release == NULL)
        return vv_fail(op, VARVE_EINVALID, "the Arrow stream has been released already");
    VV_TRY(scan->batches.schema(op, scan->batches.data, &schema));
    VV_TRY(vv_arrow_type_read(op, &schema, &scan->type));
    return shape_make(op, session, scan);
}

varve_status vv_arrow_scan_open(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, struct vv_arrow_scan **out)
{
    struct vv_arrow_scan *scan = vv_malloc_zeroed(sizeof(*scan));
    uint64_t id = 0;
    if (scan == NULL) {
        if (stream->release != NULL)
            stream->release(stream);
        return vv_fail_memory(op);
    }
    scan->stream = *stream;
    stream->release = NULL;
    scan->batches = vv_arrow_batches_of(&scan->stream);
    vv_op_init(&scan->op, op->env, VV_OP_BYTES_DEFAULT);
    VV_TRY(vv_engine_lend(op, session->engine, VV_LENT_ARROW_SCAN, scan, release, &id));
    scan->id = (int64_t)id;
    varve_status status = begin_scan(op, session, scan);
    if (status != VARVE_OK)
        give_back(scan);
    else
        *out = scan;
    return status;
}

int64_t vv_arrow_scan_id(const struct vv_arrow_scan *scan)
{
    return scan->id;
}

varve_status vv_arrow_scan_end(struct vv_op *op, struct vv_arrow_scan *scan,
    varve_status status)
{
    give_back(scan);
    if (status == VARVE_OK || !scan->op.failed)
        return status;
    vv_forgive(op);
    return vv_op_pass(op, &scan->op);
}

static void bind(duckdb_bind_info info)
{
    const struct vv_arrow_scan *lent =
        vv_lent_bind(info, VV_LENT_ARROW_SCAN, VV_ARROW_SCAN_FUNCTION);
    if (lent == NULL)
        return;
    duckdb_result shape = lent->shape;
    for (idx_t index = 0; index < duckdb_column_count(&shape); index++) {
        VV_CLEANUP(vv_duck_type_done)
        duckdb_logical_type type = duckdb_column_logical_type(&shape, index);
        duckdb_bind_add_result_column(info, duckdb_column_name(&shape, index), type);
    }
}

static void begin(duckdb_init_info info)
{
    struct vv_lent *lent = duckdb_init_get_bind_data(info);
    struct vv_arrow_scan *scan = lent->object;
    scan->columns = vv_vector_wanted(info, &scan->op.arena, &scan->columns_len);
    if (scan->columns == NULL)
        duckdb_init_set_error(info, VV_DUCK_NO_MEMORY);
    duckdb_init_set_max_threads(info, 1);
}

/* On to an array with rows; none: there are no more. */
static varve_status advance(struct vv_op *op, struct vv_arrow_scan *scan)
{
    while (scan->array.release == NULL || scan->from == scan->array.length) {
        scan->rows += scan->from;
        scan->from = 0;
        array_drop(scan);
        VV_TRY(scan->batches.next(op, scan->batches.data, &scan->array));
        if (scan->array.release == NULL)
            return VARVE_OK;
        scan->arrays++;
        if (vv_arrow_check(op, &scan->type, &scan->array) != VARVE_OK)
            return vv_note(op, "record batch %" PRId64, scan->arrays);
    }
    return VARVE_OK;
}

/*
 * Texts of the chunk lie in the array, which stays until the next call: by then the statement has
 * copied what it keeps.
 */
static varve_status fill(struct vv_op *op, struct vv_arrow_scan *scan, duckdb_data_chunk out,
    idx_t *out_len)
{
    VV_TRY(vv_check_cancel(op));
    VV_TRY(advance(op, scan));
    if (scan->array.release == NULL)
        return VARVE_OK;
    int64_t len = scan->array.length - scan->from;
    if (len > (int64_t)duckdb_vector_size())
        len = (int64_t)duckdb_vector_size();
    for (idx_t index = 0; index < scan->columns_len; index++) {
        idx_t column = scan->columns[index];
        if (column >= (idx_t)scan->type.children_len)
            continue; /* none of them: the number of rows alone is wanted */
        struct vv_arrow_part part = {&scan->type.children[column], scan->array.children[column],
            scan->array.offset + scan->from, len};
        if (vv_arrow_fill(op, &part, duckdb_data_chunk_get_vector(out, index), 0) != VARVE_OK)
            return vv_note(op, "rows %" PRId64 " to %" PRId64 " of the input",
                scan->rows + scan->from + 1, scan->rows + scan->from + len);
    }
    scan->from += len;
    *out_len = (idx_t)len;
    return VARVE_OK;
}

static void run(duckdb_function_info info, duckdb_data_chunk out)
{
    struct vv_lent *lent = duckdb_function_get_bind_data(info);
    struct vv_arrow_scan *scan = lent->object;
    idx_t len = 0;
    if (scan->op.failed || fill(&scan->op, scan, out, &len) != VARVE_OK) {
        duckdb_function_set_error(info, scan->op.error.message);
        len = 0;
    }
    duckdb_data_chunk_set_size(out, len);
}

varve_status vv_arrow_scan_register(struct vv_op *op, struct vv_session *session)
{
    static const struct vv_lent_function function = {
        VV_ARROW_SCAN_FUNCTION, bind, begin, NULL, run};
    return vv_lent_register(op, session, &function);
}
