/*
 * The decoder of variants as a function of SQL: varve_variant_json(metadata BLOB, value BLOB).
 */
#include "engine/duck.h"
#include "engine/variant.h"

/* One row; false with the error set. */
static bool decode(duckdb_function_info info, const duckdb_string_t *metadata,
    const duckdb_string_t *value, struct vv_buf *json, duckdb_vector output, idx_t at)
{
    vv_buf_clear(json);
    if (!vv_variant_json(vv_duck_string(metadata), vv_duck_string(value), json) ||
        !vv_buf_ok(json)) {
        duckdb_scalar_function_set_error(info,
            json->failed ? "a variant whose text is too long for the memory there is, or for "
                           "any: " VV_DUCK_NO_MEMORY
                         : VV_DUCK_NO_VARIANT);
        return false;
    }
    duckdb_vector_assign_string_element_len(output, at, vv_buf_str(json).ptr, json->len);
    return true;
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_VARIANT_JSON_MAX);
    duckdb_vector vectors[2];
    const duckdb_string_t *texts[2];
    uint64_t *validity[2];
    duckdb_vector_ensure_validity_writable(output);
    uint64_t *valid = duckdb_vector_get_validity(output);
    for (idx_t i = 0; i < 2; i++) {
        vectors[i] = duckdb_data_chunk_get_vector(input, i);
        texts[i] = duckdb_vector_get_data(vectors[i]);
        validity[i] = duckdb_vector_get_validity(vectors[i]);
    }
    for (idx_t at = 0; at < duckdb_data_chunk_get_size(input); at++) {
        bool is_valid = duckdb_validity_row_is_valid(validity[0], at) &&
                        duckdb_validity_row_is_valid(validity[1], at);
        duckdb_validity_set_row_validity(valid, at, is_valid);
        if (is_valid && !decode(info, &texts[0][at], &texts[1][at], &json, output, at))
            return;
    }
}

varve_status vv_variant_register(struct vv_op *op, struct vv_session *session)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type bytes = duckdb_create_logical_type(DUCKDB_TYPE_BLOB);
    duckdb_scalar_function_set_name(function, VV_VARIANT_FUNCTION);
    duckdb_scalar_function_add_parameter(function, bytes);
    duckdb_scalar_function_add_parameter(function, bytes);
    duckdb_scalar_function_set_return_type(function, text);
    duckdb_scalar_function_set_function(function, run);
    return vv_duck_register_scalar(op, session->connection, &function);
}
