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

/* Of the bounds before `end`, from `first` on, the first that is above the key; `end`: none is. */
static bool find_above(struct vv_str key, const struct bounds *bounds, uint64_t first,
    uint64_t end, uint64_t *out)
{
    while (first < end) {
        uint64_t middle = first + (end - first) / 2;
        if (bounds->validity != NULL && !duckdb_validity_row_is_valid(bounds->validity, middle))
            return false;
        if (is_above(&bounds->texts[middle], key))
            end = middle;
        else
            first = middle + 1;
    }
    *out = first;
    return true;
}

/*
 * *above: of the bounds in `entry` the first that is above the key, as find_above says it; before,
 * that of the key before, whose place a key often shares, or comes right behind.
 */
static bool find_near(struct vv_str key, const struct bounds *bounds,
    const duckdb_list_entry *entry, uint64_t *above)
{
    uint64_t first = entry->offset;
    uint64_t end = entry->offset + entry->length;
    uint64_t near = *above;
    if (bounds->validity != NULL || near < first || near > end)
        return find_above(key, bounds, first, end, above);
    if (near > first && is_above(&bounds->texts[near - 1], key)) {
        end = near - 1;
    } else if (near == end || is_above(&bounds->texts[near], key)) {
        return true;
    } else {
        *above = first = near + 1;
        if (first == end || is_above(&bounds->texts[first], key))
            return true;
    }
    return find_above(key, bounds, first, end, above);
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
    uint64_t above = 0;
    (void)info;
    duckdb_vector_ensure_validity_writable(output);
    uint64_t *valid = duckdb_vector_get_validity(output);
    for (idx_t at = 0; at < duckdb_data_chunk_get_size(input); at++) {
        bool is_valid = duckdb_validity_row_is_valid(has_key, at) &&
                        duckdb_validity_row_is_valid(has_list, at) &&
                        find_near(vv_duck_string(&texts[at]), &bounds, &entries[at], &above);
        if (is_valid)
            ranks[at] = (int64_t)(above - entries[at].offset);
        duckdb_validity_set_row_validity(valid, at, is_valid);
    }
}

varve_status vv_rank_register(struct vv_op *op, struct vv_session *session)
{
    return vv_duck_register_place(op, session, "varve_rank", DUCKDB_TYPE_BLOB, run);
}
