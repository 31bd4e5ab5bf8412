#include "engine/sound_json.h"

#include "engine/duck.h"

#define TEXT_MAX ((size_t)1 << 30)

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The length of what stands in quotes, with them. */
static size_t quoted_len(struct vv_str text)
{
    size_t len = 1;
    while (len < text.len && text.ptr[len] != '"')
        len += text.ptr[len] == '\\' ? 2 : 1;
    return len < text.len ? len + 1 : text.len;
}

/* NaN, Infinity, -Infinity; 0: it is none of them. */
static size_t word_len(struct vv_str text)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < VV_COUNT(words); i++)
        if (vv_str_starts(text, vv_str_of(words[i])))
            return strlen(words[i]);
    return 0;
}

void vv_sound_json(struct vv_str text, struct vv_buf *out)
{
    char before = '\0';
    while (text.len > 0) {
        bool is_quoted = text.ptr[0] == '"';
        size_t word = is_quoted ? 0 : word_len(text);
        size_t len = is_quoted ? quoted_len(text) : word > 0 ? word : 1;
        if (word > 0)
            vv_buf_addc(out, '"');
        else if (text.ptr[0] == '.' && !is_digit(before))
            vv_buf_addc(out, '0');
        vv_buf_add(out, vv_str_first(text, len));
        if (word > 0)
            vv_buf_addc(out, '"');
        before = text.ptr[len - 1];
        text = vv_str_skip(text, len);
    }
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(TEXT_MAX);
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
    const duckdb_string_t *texts = duckdb_vector_get_data(vector);
    uint64_t *is_there = duckdb_vector_get_validity(vector);
    duckdb_vector_ensure_validity_writable(output);
    uint64_t *valid = duckdb_vector_get_validity(output);
    for (idx_t at = 0; at < duckdb_data_chunk_get_size(input); at++) {
        bool is_valid = duckdb_validity_row_is_valid(is_there, at);
        duckdb_validity_set_row_validity(valid, at, is_valid);
        if (!is_valid)
            continue;
        vv_buf_clear(&json);
        vv_sound_json(vv_duck_string(&texts[at]), &json);
        if (!vv_buf_ok(&json)) {
            duckdb_scalar_function_set_error(info, VV_DUCK_NO_MEMORY);
            return;
        }
        duckdb_vector_assign_string_element_len(output, at, vv_buf_str(&json).ptr, json.len);
    }
}

varve_status vv_sound_json_register(struct vv_op *op, struct vv_session *session)
{
    duckdb_scalar_function function = duckdb_create_scalar_function();
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type text = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_scalar_function_set_name(function, VV_SOUND_JSON);
    duckdb_scalar_function_add_parameter(function, text);
    duckdb_scalar_function_set_return_type(function, text);
    duckdb_scalar_function_set_function(function, run);
    return vv_duck_register_scalar(op, session->connection, &function);
}
