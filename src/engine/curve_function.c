/*
 * A function of SQL for a place on a curve: varve_curve(bits, z0, z1, ...), the bits of several
 * numbers interleaved. Bit b of number i of n is bit b * n + (n - 1 - i) of the place, so the
 * first number leads. As an expression of shifts and sums it takes longer than the sort by it.
 */
#include "engine/duck.h"

#define NUMBERS_MAX 8

static uint64_t place_of(const uint64_t *numbers, idx_t len, int64_t bits)
{
    uint64_t place = 0;
    for (int64_t bit = bits; bit-- > 0;)
        for (idx_t i = 0; i < len; i++)
            place = place << 1 | (numbers[i] >> bit & 1);
    return place;
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    idx_t len = duckdb_data_chunk_get_column_count(input) - 1;
    const int64_t *bits = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    const int64_t *columns[NUMBERS_MAX];
    int64_t *places = duckdb_vector_get_data(output);
    if (len > NUMBERS_MAX) {
        duckdb_scalar_function_set_error(info, "varve_curve takes no more numbers");
        return;
    }
    for (idx_t i = 0; i < len; i++)
        columns[i] = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, i + 1));
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        uint64_t numbers[NUMBERS_MAX];
        for (idx_t i = 0; i < len; i++)
            numbers[i] = (uint64_t)columns[i][row];
        places[row] = (int64_t)place_of(numbers, len, bits[row] < 63 ? bits[row] : 63);
    }
}

varve_status vv_curve_register(struct vv_op *op, struct vv_session *session)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_scalar_function_set_name(function, "varve_curve");
    duckdb_scalar_function_set_varargs(function, number);
    duckdb_scalar_function_set_return_type(function, number);
    duckdb_scalar_function_set_function(function, run);
    return vv_duck_register_scalar(op, session->connection, &function);
}
