#include "engine/row_filter.h"

#include "base/seam.h"
#include "engine/lent.h"

struct entry {
    struct vv_row_filter filter;
};

static void entry_release(void *object)
{
    struct entry *entry = object;
    entry->filter.release(entry->filter.object);
    vv_free(entry);
}

varve_status vv_engine_filter(struct vv_op *op, struct vv_engine *engine,
    const struct vv_row_filter *filter, uint64_t *out_id)
{
    struct entry *entry = vv_malloc(sizeof(*entry));
    if (entry == NULL) {
        filter->release(filter->object);
        return vv_fail_memory(op);
    }
    entry->filter = *filter;
    return vv_engine_lend(op, engine, VV_LENT_ROW_FILTER, entry, entry_release, out_id);
}

/* The id, a constant of the statement. */
static bool read_id(duckdb_bind_info info, uint64_t *out)
{
    duckdb_expression argument = duckdb_scalar_function_bind_get_argument(info, 0);
    duckdb_client_context context = NULL;
    duckdb_value value = NULL;
    bool is_read = false;
    duckdb_scalar_function_get_client_context(info, &context);
    if (argument != NULL && duckdb_expression_is_foldable(argument)) {
        duckdb_error_data error = duckdb_expression_fold(context, argument, &value);
        is_read = value != NULL && (error == NULL || !duckdb_error_data_has_error(error));
        duckdb_destroy_error_data(&error);
    }
    if (is_read)
        *out = duckdb_get_uint64(value);
    duckdb_destroy_value(&value);
    duckdb_destroy_client_context(&context);
    duckdb_destroy_expression(&argument);
    return is_read;
}

static void bind(duckdb_bind_info info)
{
    struct vv_engine *engine = duckdb_scalar_function_bind_get_extra_info(info);
    struct vv_lent *lent = NULL;
    uint64_t id = 0;
    if (read_id(info, &id))
        lent = vv_lent_find(engine, VV_LENT_ROW_FILTER, id);
    if (lent == NULL) {
        duckdb_scalar_function_bind_set_error(info,
            VV_ROW_FILTER_FUNCTION " is for Varve's own statements");
        return;
    }
    duckdb_scalar_function_set_bind_data(info, lent, vv_lent_release);
    duckdb_scalar_function_set_bind_data_copy(info, vv_lent_retain);
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    const struct vv_lent *lent = duckdb_scalar_function_get_bind_data(info);
    const struct entry *entry = lent->object;
    size_t len = duckdb_data_chunk_get_size(input);
    const uint64_t *files = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    const int64_t *rows = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 2));
    bool *stays = duckdb_vector_get_data(output);
    /* A chunk is of one file, nearly always. */
    for (size_t at = 0; at < len;) {
        size_t end = at + 1;
        while (end < len && files[end] == files[at])
            end++;
        entry->filter.stays(entry->filter.object, files[at], rows + at, end - at, stays + at);
        at = end;
    }
}

static void add_parameter(duckdb_scalar_function function, duckdb_type type)
{
    duckdb_logical_type logical = duckdb_create_logical_type(type);
    duckdb_scalar_function_add_parameter(function, logical);
    duckdb_destroy_logical_type(&logical);
}

varve_status vv_row_filter_register(struct vv_op *op, struct vv_session *session)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type boolean = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_name(function, VV_ROW_FILTER_FUNCTION);
    add_parameter(function, DUCKDB_TYPE_UBIGINT);
    add_parameter(function, DUCKDB_TYPE_UBIGINT);
    add_parameter(function, DUCKDB_TYPE_BIGINT);
    duckdb_scalar_function_set_return_type(function, boolean);
    duckdb_scalar_function_set_extra_info(function, session->engine, NULL);
    duckdb_scalar_function_set_bind(function, bind);
    duckdb_scalar_function_set_function(function, run);
    duckdb_state state = duckdb_register_scalar_function(session->connection, function);
    duckdb_destroy_logical_type(&boolean);
    duckdb_destroy_scalar_function(&function);
    return state == DuckDBSuccess
               ? VARVE_OK
               : vv_fail(op, VARVE_EFAILED, "the engine takes no function of ours");
}
