#include "engine/duck.h"

#include "base/os.h"
#include "base/seam.h"
#include "engine/variant.h"

/*
 * DuckDB has no error type for a broken Parquet file. These are parts of its sentences about one,
 * gathered by damaging files byte by byte.
 */
static bool is_about_broken_file(const char *text)
{
    static const char *const parts[] = {"TProtocolException", "magic bytes",
        "Failed to read file \"", "don't know what type", "ecompression failure", "GZIP stream",
        "too small to be a Parquet file", "ooter length", "nvalid Parquet", "Out of buffer",
        "Prefetch registered for bytes outside file", "Corrupted file", "likely corrupt",
        "bit width too large", "n Parquet file", "in parquet read", "Page size mismatch",
        "invalid TType", VV_DUCK_NO_VARIANT, VV_DUCK_DAMAGED};
    for (size_t index = 0; index < VV_COUNT(parts); index++)
        if (strstr(text, parts[index]))
            return true;
    return false;
}

varve_status vv_duck_code(varve_status refused, duckdb_error_type type, const char *text)
{
    if (type == DUCKDB_ERROR_PARSER || type == DUCKDB_ERROR_SYNTAX)
        return refused; /* they show the statement, which may hold any of the words below */
    if (type == DUCKDB_ERROR_OUT_OF_MEMORY || (text && strstr(text, VV_DUCK_NO_MEMORY)))
        return VARVE_ELIMIT;
    if (text && strstr(text, VV_DUCK_UNREAD))
        return VARVE_EIO;
    if (text && strstr(text, VV_VARIANT_IN_PARTS))
        return VARVE_EUNSUPPORTED;
    if (type == DUCKDB_ERROR_INTERRUPT)
        return VARVE_EINTERRUPTED;
    if (type == DUCKDB_ERROR_IO && text && strstr(text, "Could not read enough bytes"))
        return VARVE_ECORRUPT; /* the file ends before what it says of itself */
    if (type == DUCKDB_ERROR_IO || type == DUCKDB_ERROR_NETWORK || type == DUCKDB_ERROR_HTTP)
        return VARVE_EIO;
    if ((type == DUCKDB_ERROR_INVALID || type == DUCKDB_ERROR_INVALID_INPUT) && text &&
        is_about_broken_file(text))
        return VARVE_ECORRUPT;
    return refused;
}

/* The lines behind the first, blank ones at both ends left out. */
static struct vv_str further_lines(struct vv_str text)
{
    while (text.len > 0 && (text.ptr[0] == '\n' || text.ptr[0] == '\r'))
        text = vv_str_skip(text, 1);
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* Of a statement that Varve has put words into (lake/query_step.c): nobody knows the line shown. */
static bool shows_own_words(struct vv_str lines)
{
    static const char *const words[] = {"varve_step", "varve step", "(SELECT *, varve_"};
    for (size_t i = 0; i < VV_COUNT(words); i++)
        if (memmem(lines.ptr, lines.len, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

/* A file that the system refuses, told as the library tells of its own; false: it is not one. */
static bool fail_as_system(struct vv_op *op, struct vv_str first)
{
    size_t len = 0;
    int os_errno = vv_os_errno_told(first, &len);
    if (os_errno == 0)
        return false;
    first = vv_str_first(first, len);
    if (vv_str_starts(first, VV_STR("IO Error: ")))
        first = vv_str_skip(first, sizeof("IO Error: ") - 1);
    vv_fail_errno(op, os_errno, "%.*s%s", VV_ARG(first), vv_os_advice(os_errno));
    return true;
}

varve_status vv_duck_fail(struct vv_op *op, varve_status refused, duckdb_error_type type,
    const char *text)
{
    struct vv_str whole = vv_str_of(text ? text : "DuckDB gave no reason");
    /* One prefix for an error of no class says nothing. */
    if (vv_str_starts(whole, VV_STR("Invalid Error: ")))
        whole = vv_str_skip(whole, sizeof("Invalid Error: ") - 1);
    size_t first_len = vv_str_find(whole, '\n');
    struct vv_str first = vv_str_first(whole, first_len);
    varve_status code = vv_duck_code(refused, type, whole.ptr);
    switch (code) {
    case VARVE_EINTERRUPTED:
        return vv_fail(op, code, "interrupted");
    case VARVE_ELIMIT: /* the further lines advise on DuckDB's own settings */
        return vv_fail(op, code, "%.*s; give it more memory, or fewer rows at once",
            VV_ARG(first));
    case VARVE_EIO:
        if (fail_as_system(op, first))
            return code;
        break;
    default:
        break;
    }
    vv_fail(op, code, "%.*s", VV_ARG(first));
    struct vv_str further = further_lines(vv_str_skip(whole, first_len));
    if (further.len > 0 && !shows_own_words(further))
        vv_detail(op, "%.*s", VV_ARG(further));
    return code;
}

varve_status vv_duck_take_error(struct vv_op *op, varve_status refused, duckdb_error_data error)
{
    varve_status status = VARVE_OK;
    if (error && duckdb_error_data_has_error(error))
        status = vv_duck_fail(op, refused, duckdb_error_data_error_type(error),
            duckdb_error_data_message(error));
    duckdb_destroy_error_data(&error);
    return status;
}

varve_status vv_duck_text(struct vv_op *op, const char *what, struct vv_str text, char **out)
{
    if (vv_str_is_lost(text))
        return vv_fail_memory(op);
    if (vv_str_find(text, '\0') < text.len)
        return vv_fail(op, VARVE_EINVALID, "%s holds a NUL byte at offset %zu", what,
            vv_str_find(text, '\0'));
    char *copy = vv_malloc(text.len + 1);
    if (copy == NULL)
        return vv_fail_memory(op);
    if (text.len > 0)
        memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *out = copy;
    return VARVE_OK;
}

void vv_duck_text_done(char **text)
{
    vv_free(*text);
    *text = NULL;
}

varve_status vv_duck_run(struct vv_op *op, struct vv_session *session, const char *sql,
    varve_status refused, duckdb_result *out)
{
    duckdb_result result;
    if (duckdb_query(session->connection, sql, &result) != DuckDBSuccess) {
        varve_status status = vv_duck_fail(op, refused, duckdb_result_error_type(&result),
            duckdb_result_error(&result));
        duckdb_destroy_result(&result);
        return status;
    }
    *out = result;
    return VARVE_OK;
}

varve_status vv_duck_query(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    varve_status refused, duckdb_result *out)
{
    bool is_one = vv_str_find(sql, ';') == sql.len;
    if (is_one && atomic_load(&session->engine->is_scaled)) {
        const struct vv_query query = {
            .sql = sql, .is_users = refused == VARVE_EUSAGE, .gives_way = true};
        return vv_duck_execute(op, session, &query, false, out);
    }
    if (vv_fault_point("engine.query"))
        return vv_fail(op, VARVE_EIO, "a test made this statement fail");
    VV_CLEANUP(vv_duck_text_done) char *text = NULL;
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_duck_text(op, "SQL text", sql, &text));
    struct vv_watched watched;
    VV_TRY(vv_watch_begin(op, &session->engine->watch, op->env->cancel, session->connection,
        &watched));
    varve_status status = vv_duck_run(op, session, text, refused, out);
    vv_watch_end(&watched);
    return status == VARVE_OK ? status : vv_duck_blame(op, session, refused, sql);
}

varve_status vv_duck_fetch(struct vv_op *op, duckdb_result *result, varve_status refused,
    duckdb_data_chunk *out)
{
    duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
    const char *reason = duckdb_result_error(result);
    *out = NULL;
    if (reason != NULL) {
        duckdb_destroy_data_chunk(&chunk);
        return vv_duck_fail(op, refused, duckdb_result_error_type(result), reason);
    }
    *out = chunk;
    return VARVE_OK;
}

void vv_duck_result_done(duckdb_result *result)
{
    duckdb_destroy_result(result);
}

void vv_duck_chunk_done(duckdb_data_chunk *chunk)
{
    duckdb_destroy_data_chunk(chunk);
}

void vv_duck_type_done(duckdb_logical_type *type)
{
    duckdb_destroy_logical_type(type);
}

static bool same_names(duckdb_logical_type a, duckdb_logical_type b, idx_t index)
{
    char *name_a = duckdb_struct_type_child_name(a, index);
    char *name_b = duckdb_struct_type_child_name(b, index);
    bool is_same = strcmp(name_a, name_b) == 0;
    duckdb_free(name_a);
    duckdb_free(name_b);
    return is_same;
}

/* As deep as the types are, which is as deep as a schema. */
static bool same_child(duckdb_logical_type (*child)(duckdb_logical_type), duckdb_logical_type a,
    duckdb_logical_type b)
{
    VV_CLEANUP(vv_duck_type_done) duckdb_logical_type child_a = child(a);
    VV_CLEANUP(vv_duck_type_done) duckdb_logical_type child_b = child(b);
    return vv_duck_type_eq(child_a, child_b);
}

static bool same_fields(duckdb_logical_type a, duckdb_logical_type b)
{
    idx_t len = duckdb_struct_type_child_count(a);
    bool is_same = len == duckdb_struct_type_child_count(b);
    for (idx_t index = 0; is_same && index < len; index++) {
        VV_CLEANUP(vv_duck_type_done)
        duckdb_logical_type field_a = duckdb_struct_type_child_type(a, index);
        VV_CLEANUP(vv_duck_type_done)
        duckdb_logical_type field_b = duckdb_struct_type_child_type(b, index);
        is_same = same_names(a, b, index) && vv_duck_type_eq(field_a, field_b);
    }
    return is_same;
}

bool vv_duck_type_eq(duckdb_logical_type a, duckdb_logical_type b)
{
    duckdb_type id = duckdb_get_type_id(a);
    if (id != duckdb_get_type_id(b))
        return false;
    if (id == DUCKDB_TYPE_DECIMAL)
        return duckdb_decimal_width(a) == duckdb_decimal_width(b) &&
               duckdb_decimal_scale(a) == duckdb_decimal_scale(b);
    if (id == DUCKDB_TYPE_STRUCT)
        return same_fields(a, b);
    if (id == DUCKDB_TYPE_LIST)
        return same_child(duckdb_list_type_child_type, a, b);
    if (id == DUCKDB_TYPE_MAP)
        return same_child(duckdb_map_type_key_type, a, b) &&
               same_child(duckdb_map_type_value_type, a, b);
    return id != DUCKDB_TYPE_ENUM && id != DUCKDB_TYPE_ARRAY && id != DUCKDB_TYPE_UNION;
}

struct vv_str vv_duck_string(const duckdb_string_t *string)
{
    size_t len = string->value.inlined.length;
    bool is_inlined = len <= sizeof(string->value.inlined.inlined);
    return (struct vv_str){
        is_inlined ? string->value.inlined.inlined : string->value.pointer.ptr, len};
}

varve_status vv_duck_register_scalar(struct vv_op *op, duckdb_connection connection,
    duckdb_scalar_function *function)
{
    duckdb_state state = duckdb_register_scalar_function(connection, *function);
    duckdb_destroy_scalar_function(function);
    return state == DuckDBSuccess
               ? VARVE_OK
               : vv_fail(op, VARVE_EFAILED, "the engine takes no function of ours");
}

varve_status vv_duck_register_place(struct vv_op *op, struct vv_session *session,
    const char *name, duckdb_type of, duckdb_scalar_function_t run)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type value = duckdb_create_logical_type(of);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type list = duckdb_create_list_type(value);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_scalar_function_set_name(function, name);
    duckdb_scalar_function_add_parameter(function, value);
    duckdb_scalar_function_add_parameter(function, list);
    duckdb_scalar_function_set_return_type(function, number);
    duckdb_scalar_function_set_function(function, run);
    return vv_duck_register_scalar(op, session->connection, &function);
}
