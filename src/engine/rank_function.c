/*
 * A function of SQL for the place of a value among many: varve_rank(key BLOB, bounds BLOB[]), how
 * many of the bounds, which ascend, are not above the key. Keys are what create_sort_key makes of
 * values of any type. An ASOF join says the same, but sorts both sides for it.
 */
#include "engine/duck.h"

/* The order of create_sort_key: bytes as numbers, a beginning before what it begins. */
static bool is_above(const duckdb_string_t *bound, struct vv_str key)
{
    struct vv_str text = vv_duck_string(bound);
    size_t len = text.len < key.len ? text.len : key.len;
    int order = len > 0 ? memcmp(text.ptr, key.ptr, len) : 0;
    return order != 0 ? order > 0 : text.len > key.len;
}

struct bounds {
    const duckdb_string_t *texts;
    uint64_t *validity; /* NULL: all are valid */
};

/* Among `len` bounds from `first` on; -1: one that was looked at is NULL. */
static int64_t rank_of(struct vv_str key, const struct bounds *bounds, uint64_t first,
    uint64_t len)
{
    uint64_t begin = first;
    while (len > 0) {
        uint64_t half = len / 2;
        if (bounds->validity != NULL &&
            !duckdb_validity_row_is_valid(bounds->validity, first + half))
            return -1;
        if (is_above(&bounds->texts[first + half], key)) {
            len = half;
        } else {
            first += half + 1;
            len -= half + 1;
        }
    }
    return (int64_t)(first - begin);
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    duckdb_vector keys = duckdb_data_chunk_get_vector(input, 0);
    duckdb_vector lists = duckdb_data_chunk_get_vector(input, 1);
    const duckdb_string_t *texts = duckdb_vector_get_data(keys);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    duckdb_vector child = duckdb_list_vector_get_child(lists);
    const struct bounds bounds = {
        duckdb_vector_get_data(child), duckdb_vector_get_validity(child)};
    uint64_t *has_key = duckdb_vector_get_validity(keys);
    uint64_t *has_list = duckdb_vector_get_validity(lists);
    int64_t *ranks = duckdb_vector_get_data(output);
    (void)info;
    duckdb_vector_ensure_validity_writable(output);
    uint64_t *valid = duckdb_vector_get_validity(output);
    for (idx_t at = 0; at < duckdb_data_chunk_get_size(input); at++) {
        bool is_valid = duckdb_validity_row_is_valid(has_key, at) &&
                        duckdb_validity_row_is_valid(has_list, at);
        if (is_valid)
            ranks[at] = rank_of(vv_duck_string(&texts[at]), &bounds, entries[at].offset,
                entries[at].length);
        duckdb_validity_set_row_validity(valid, at, is_valid && ranks[at] >= 0);
    }
}

varve_status vv_rank_register(struct vv_op *op, struct vv_session *session)
{
    return vv_duck_register_place(op, session, "varve_rank", DUCKDB_TYPE_BLOB, run);
}
