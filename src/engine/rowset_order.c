/*
 * How the rows of a rowset lie. The engine would tell by a window function, which one thread runs
 * row by row; here it is told of types that are compared as plain values.
 */
#include "engine/rowset_inner.h"

#include <string.h>

/* A column of two rows of which one comes after the other. They may lie in two chunks. */
struct cell_pair {
    duckdb_type type;
    const void *before, *data;
};

struct walk {
    const struct vv_rowset_part *key, *parts;
    struct cell_pair *key_cells, *part_cells; /* `data`: of the current chunk */
    idx_t row_before;                         /* in `before` */
};

static bool is_whole(duckdb_type type)
{
    return type == DUCKDB_TYPE_BIGINT || type == DUCKDB_TYPE_TIMESTAMP ||
           type == DUCKDB_TYPE_TIMESTAMP_TZ;
}

static bool is_half(duckdb_type type)
{
    return type == DUCKDB_TYPE_INTEGER || type == DUCKDB_TYPE_DATE;
}

static int compare_texts(const duckdb_string_t *left, const duckdb_string_t *right)
{
    struct vv_str a = vv_duck_string(left);
    struct vv_str b = vv_duck_string(right);
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* As the engine has it, texts by their bytes: above 0 where `row` is behind `row_before`. */
static int compare(const struct cell_pair *cells, idx_t row_before, idx_t row)
{
    if (is_whole(cells->type)) {
        int64_t before = ((const int64_t *)cells->before)[row_before];
        int64_t now = ((const int64_t *)cells->data)[row];
        return (now > before) - (now < before);
    }
    if (is_half(cells->type)) {
        int32_t before = ((const int32_t *)cells->before)[row_before];
        int32_t now = ((const int32_t *)cells->data)[row];
        return (now > before) - (now < before);
    }
    return compare_texts((const duckdb_string_t *)cells->data + row,
        (const duckdb_string_t *)cells->before + row_before);
}

/* The first column in which they differ tells; 0: they are equal in all. */
static int compare_all(const struct cell_pair *cells, size_t len, idx_t row_before, idx_t row)
{
    int order = 0;
    for (size_t i = 0; i < len && order == 0; i++)
        order = compare(&cells[i], row_before, row);
    return order;
}

static bool has_null(duckdb_vector vector, idx_t rows)
{
    uint64_t *validity = duckdb_vector_get_validity(vector);
    for (idx_t row = 0; validity != NULL && row < rows; row++)
        if (!duckdb_validity_row_is_valid(validity, row))
            return true;
    return false;
}

/* False: a value of the chunk is NULL. */
static bool enter(duckdb_data_chunk chunk, const struct vv_rowset_part *part,
    struct cell_pair *cells)
{
    for (size_t i = 0; i < part->len; i++) {
        duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, part->columns[i]);
        if (has_null(vector, duckdb_data_chunk_get_size(chunk)))
            return false;
        cells[i].data = duckdb_vector_get_data(vector);
    }
    return true;
}

/* From here on the row before is one of this chunk. */
static void stay(struct walk *walk)
{
    for (size_t i = 0; i < walk->key->len; i++)
        walk->key_cells[i].before = walk->key_cells[i].data;
    for (size_t i = 0; i < walk->parts->len; i++)
        walk->part_cells[i].before = walk->part_cells[i].data;
}

/* `run`: rows of the current one so far. */
static void look(const struct walk *walk, idx_t row, bool is_first, int64_t *run,
    struct vv_rowset_order *out)
{
    bool is_same_run = !is_first && compare_all(walk->part_cells, walk->parts->len,
                                        walk->row_before, row) == 0;
    if (!is_first)
        out->ascends = out->ascends &&
                       compare_all(walk->key_cells, walk->key->len, walk->row_before, row) > 0;
    *run = is_same_run ? *run + 1 : 1;
    out->runs += !is_same_run;
    out->run_max = *run > out->run_max ? *run : out->run_max;
}

static bool read_types(const struct vv_rowset *rowset, const struct vv_rowset_part *part,
    struct cell_pair *cells)
{
    for (size_t i = 0; i < part->len; i++) {
        duckdb_type type = duckdb_get_type_id(vv_rowset_type(rowset, part->columns[i]));
        cells[i].type = type;
        if (!is_whole(type) && !is_half(type) && type != DUCKDB_TYPE_VARCHAR)
            return false;
    }
    return true;
}

static void walk_chunk(struct walk *walk, duckdb_data_chunk chunk, int64_t *row_number,
    int64_t *run, struct vv_rowset_order *out)
{
    idx_t rows = duckdb_data_chunk_get_size(chunk);
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    for (idx_t row = 0; row < rows; row++) {
        look(walk, row, *row_number == 0, run, out);
        if (row == 0)
            stay(walk);
        walk->row_before = row;
        out->is_numbered = out->is_numbered && numbers[row] == ++*row_number;
    }
}

varve_status vv_rowset_order(struct vv_op *op, const struct vv_rowset *rowset,
    const struct vv_rowset_part *key, const struct vv_rowset_part *parts,
    struct vv_rowset_order *out)
{
    struct walk walk = {.key = key, .parts = parts};
    struct vv_rowset_order order = {.is_known = true, .ascends = true, .is_numbered = true};
    int64_t row_number = 0;
    int64_t run = 0;
    VV_PRE(duckdb_get_type_id(vv_rowset_type(rowset, 0)) == DUCKDB_TYPE_BIGINT);
    VV_NEW(op, &walk.key_cells, struct cell_pair, key->len + 1);
    VV_NEW(op, &walk.part_cells, struct cell_pair, parts->len + 1);
    *out = (struct vv_rowset_order){.is_known = false};
    if (!read_types(rowset, key, walk.key_cells) || !read_types(rowset, parts, walk.part_cells))
        return VARVE_OK;
    for (size_t at = 0; at < vv_rowset_chunks(rowset); at++) {
        duckdb_data_chunk chunk = vv_rowset_chunk(rowset, at);
        if (!enter(chunk, key, walk.key_cells) || !enter(chunk, parts, walk.part_cells))
            return VARVE_OK;
        walk_chunk(&walk, chunk, &row_number, &run, &order);
    }
    *out = order;
    return VARVE_OK;
}
