#include "engine/parquet_stats.h"

#include "engine/duck.h"

/* DuckDB cuts strings of more than 256 bytes, at the start of a character. */
static const size_t cut_bytes_min = 253;

/* One name in double quotes (doubled inside), or bare up to a dot. */
static varve_status take_name(struct vv_op *op, struct vv_arena *arena, struct vv_str *rest,
    struct vv_str *out)
{
    if (rest->len == 0 || rest->ptr[0] != '"') {
        *out = vv_str_first(*rest, vv_str_find(*rest, '.'));
        *rest = vv_str_skip(*rest, out->len);
        return VARVE_OK;
    }
    char *name = vv_new(arena, char, rest->len);
    if (name == NULL)
        return vv_fail_memory(op);
    size_t len = 0;
    size_t at = 1;
    for (;; at++) {
        if (at >= rest->len)
            return vv_fail(op, VARVE_EFAILED, "DuckDB names a column in a way unknown here");
        bool is_quote = rest->ptr[at] == '"';
        if (is_quote && (at + 1 >= rest->len || rest->ptr[at + 1] != '"'))
            break;
        name[len++] = rest->ptr[at];
        if (is_quote)
            at++;
    }
    *rest = vv_str_skip(*rest, at + 1);
    *out = (struct vv_str){name, len};
    return VARVE_OK;
}

varve_status vv_parquet_path_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    struct vv_str **out, size_t *out_len)
{
    struct vv_str *names = NULL;
    size_t len = 0;
    size_t capacity = 0;
    for (;;) {
        struct vv_str name;
        VV_TRY(take_name(op, arena, &text, &name));
        if (!vv_arena_grow(arena, (void **)&names, len, &capacity, sizeof(name),
                _Alignof(struct vv_str)))
            return vv_fail_memory(op);
        names[len++] = name;
        if (text.len == 0)
            break;
        if (text.ptr[0] != '.')
            return vv_fail(op, VARVE_EFAILED, "DuckDB names a column in a way unknown here");
        text = vv_str_skip(text, 1);
    }
    *out = names;
    *out_len = len;
    return VARVE_OK;
}

static struct vv_str joined(struct vv_arena *arena, const struct vv_str *path, size_t len)
{
    struct vv_str name = path[0];
    for (size_t index = 1; index < len && name.ptr; index++)
        name = vv_arena_format(arena, "%.*s.%.*s", VV_ARG(name), VV_ARG(path[index]));
    return name;
}

static bool is_float_zero(struct vv_str text)
{
    return vv_str_eq(text, VV_STR("0.0")) || vv_str_eq(text, VV_STR("-0.0"));
}

/* Which zero is kept is chance, and readers disagree on which is less: the bounds take both in. */
static void widen_zeros(struct vv_column_stats *column)
{
    if (is_float_zero(column->min))
        column->min = VV_STR("-0.0");
    if (is_float_zero(column->max))
        column->max = VV_STR("0.0");
}

static void stats_set(struct vv_column_stats *column, struct vv_str name, struct vv_str value)
{
    if (vv_str_eq(name, VV_STR("min"))) {
        column->min = value;
    } else if (vv_str_eq(name, VV_STR("max"))) {
        column->max = value;
    } else if (vv_str_eq(name, VV_STR("has_nan"))) {
        column->nan_known = true;
        column->has_nan = vv_str_eq(value, VV_STR("true"));
    } else if (vv_str_eq(name, VV_STR("null_count"))) {
        if (!vv_str_int64(value, &column->null_count))
            column->null_count = -1;
    }
}

static void stats_finish(struct vv_column_stats *column)
{
    column->has_bounds = column->min.ptr && column->max.ptr;
    if (!column->has_bounds) {
        column->min = VV_STR_NONE;
        column->max = VV_STR_NONE;
        return;
    }
    column->min_exact = column->min.len < cut_bytes_min;
    column->max_exact = column->nan_known;
    if (column->nan_known)
        widen_zeros(column);
}

/* A MAP vector: entries of each row, and the two vectors that they point into. */
struct map_vector {
    const duckdb_list_entry *entries;
    duckdb_vector keys;
    duckdb_vector values;
};

static struct map_vector map_vector_of(duckdb_vector vector)
{
    duckdb_vector pairs = duckdb_list_vector_get_child(vector);
    return (struct map_vector){
        .entries = duckdb_vector_get_data(vector),
        .keys = duckdb_struct_vector_get_child(pairs, 0),
        .values = duckdb_struct_vector_get_child(pairs, 1),
    };
}

static struct vv_str string_at(duckdb_vector vector, idx_t row)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    if (validity && !duckdb_validity_row_is_valid(validity, row))
        return VV_STR_NONE;
    return vv_duck_string(&((const duckdb_string_t *)duckdb_vector_get_data(vector))[row]);
}

static varve_status column_read(struct vv_op *op, struct vv_str path_text,
    const struct map_vector *stats, duckdb_list_entry range, struct vv_arena *arena,
    struct vv_column_stats *out)
{
    struct vv_column_stats column = {.null_count = -1};
    struct vv_str *path = NULL;
    if (vv_parquet_path_parse(op, arena, path_text, &path, &column.path_len) != VARVE_OK)
        return vv_note(op, "column %.*s", VV_ARG(path_text));
    column.path = path;
    column.name = joined(arena, path, column.path_len);
    if (column.name.ptr == NULL)
        return vv_fail_memory(op);
    for (idx_t index = range.offset; index < range.offset + range.length; index++) {
        struct vv_str value = string_at(stats->values, index);
        struct vv_str kept = value.ptr ? vv_arena_str(arena, value) : VV_STR_NONE;
        if (value.ptr && kept.ptr == NULL)
            return vv_fail_memory(op);
        stats_set(&column, string_at(stats->keys, index), kept);
    }
    stats_finish(&column);
    *out = column;
    return VARVE_OK;
}

static varve_status columns_read(struct vv_op *op, duckdb_vector vector, struct vv_arena *arena,
    struct vv_parquet_written *out)
{
    struct map_vector columns = map_vector_of(vector);
    struct map_vector stats = map_vector_of(columns.values);
    duckdb_list_entry range = columns.entries[0];
    out->columns = vv_new(arena, struct vv_column_stats, range.length + 1);
    if (out->columns == NULL)
        return vv_fail_memory(op);
    for (idx_t index = range.offset; index < range.offset + range.length; index++) {
        VV_TRY(column_read(op, string_at(columns.keys, index), &stats, stats.entries[index],
            arena, &out->columns[out->columns_len]));
        out->columns_len++;
    }
    return VARVE_OK;
}

static const void *find_column(duckdb_result *result, duckdb_data_chunk chunk, const char *name,
    duckdb_type type, duckdb_vector *out_vector)
{
    for (idx_t index = 0; index < duckdb_column_count(result); index++) {
        const char *found = duckdb_column_name(result, index);
        if (found && strcmp(found, name) == 0 && duckdb_column_type(result, index) == type) {
            *out_vector = duckdb_data_chunk_get_vector(chunk, index);
            return duckdb_vector_get_data(*out_vector);
        }
    }
    return NULL;
}

varve_status vv_parquet_stats_read(struct vv_op *op, duckdb_result *result,
    struct vv_arena *arena, struct vv_parquet_written *out)
{
    VV_CLEANUP(vv_duck_chunk_done) duckdb_data_chunk chunk = duckdb_fetch_chunk(*result);
    if (chunk == NULL || duckdb_data_chunk_get_size(chunk) != 1)
        return vv_fail(op, VARVE_EFAILED, "DuckDB gives no statistics of the file");
    duckdb_vector vector;
    const int64_t *rows = find_column(result, chunk, "count", DUCKDB_TYPE_UBIGINT, &vector);
    const int64_t *bytes =
        find_column(result, chunk, "file_size_bytes", DUCKDB_TYPE_UBIGINT, &vector);
    const void *stats =
        find_column(result, chunk, "column_statistics", DUCKDB_TYPE_MAP, &vector);
    if (rows == NULL || bytes == NULL || stats == NULL)
        return vv_fail(op, VARVE_EFAILED, "DuckDB gives statistics of an unknown form");
    struct vv_parquet_written written = {.rows = rows[0], .bytes = bytes[0]};
    VV_TRY(columns_read(op, vector, arena, &written));
    *out = written;
    return VARVE_OK;
}
