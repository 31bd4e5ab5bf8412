/*
 * A function of SQL for the number beside the rows of a rowset: vv_number(7). It has another value
 * from run to run of a statement, so it is never taken for a constant.
 */
#include "engine/rowset_inner.h"

#define FUNCTION_NAME "vv_number"

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct vv_engine *engine = duckdb_scalar_function_get_extra_info(info);
    const int64_t *ids = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    int64_t *numbers = duckdb_vector_get_data(output);
    const struct vv_rowset *rowset = NULL;
    for (idx_t at = 0; at < duckdb_data_chunk_get_size(input); at++) {
        if (at == 0 || ids[at] != ids[at - 1])
            rowset = vv_rowset_find(engine, ids[at]);
        if (rowset == NULL) {
            duckdb_scalar_function_set_error(info, "there are no such rows");
            return;
        }
        numbers[at] = vv_rowset_number(rowset);
    }
}

varve_status vv_rowset_register_number(struct vv_op *op, struct vv_engine *engine,
    duckdb_connection connection)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_scalar_function_set_name(function, FUNCTION_NAME);
    duckdb_scalar_function_add_parameter(function, number);
    duckdb_scalar_function_set_return_type(function, number);
    duckdb_scalar_function_set_extra_info(function, engine, NULL);
    duckdb_scalar_function_set_volatile(function);
    duckdb_scalar_function_set_function(function, run);
    return vv_duck_register_scalar(op, connection, &function);
}

void vv_rowset_number_sql(const struct vv_rowset *rowset, struct vv_buf *sql)
{
    vv_buf_addf(sql, FUNCTION_NAME "(%" PRId64 ")", vv_rowset_id(rowset));
}
