/*
 * A function of SQL for what is in force at an instant: varve_step(at, times), the place, from 1 on,
 * of the last of the times that is not after `at`; NULL where there is none, or either is NULL. The
 * times ascend and none of them is NULL. It is what an ASOF join asks for, which sorts both sides
 * to say it: here rows come as they lie, and those that follow each other in time are answered by
 * looking at the last answer.
 */
#include "engine/duck.h"

struct steps {
    const int64_t *times;
    size_t len;
};

/* How many of them are not after `at`; `near` is what the answer was before. */
static size_t count_until(const struct steps *steps, int64_t at, size_t near)
{
    size_t first = 0;
    size_t len = steps->len;
    if (near <= len && (near == 0 || steps->times[near - 1] <= at) &&
        (near == len || steps->times[near] > at))
        return near;
    while (len > 0) {
        size_t half = len / 2;
        if (steps->times[first + half] > at) {
            len = half;
        } else {
            first += half + 1;
            len -= half + 1;
        }
    }
    return first;
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    duckdb_vector instants = duckdb_data_chunk_get_vector(input, 0);
    duckdb_vector lists = duckdb_data_chunk_get_vector(input, 1);
    const int64_t *at = duckdb_vector_get_data(instants);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    const int64_t *times = duckdb_vector_get_data(duckdb_list_vector_get_child(lists));
    uint64_t *has_at = duckdb_vector_get_validity(instants);
    uint64_t *has_list = duckdb_vector_get_validity(lists);
    int64_t *places = duckdb_vector_get_data(output);
    size_t near = 0;
    (void)info;
    duckdb_vector_ensure_validity_writable(output);
    uint64_t *valid = duckdb_vector_get_validity(output);
    for (idx_t row = 0; row < duckdb_data_chunk_get_size(input); row++) {
        places[row] = 0;
        if (duckdb_validity_row_is_valid(has_at, row) &&
            duckdb_validity_row_is_valid(has_list, row)) {
            const struct steps steps = {
                times + entries[row].offset, (size_t)entries[row].length};
            near = count_until(&steps, at[row], near);
            places[row] = (int64_t)near;
        }
        duckdb_validity_set_row_validity(valid, row, places[row] > 0);
    }
}

varve_status vv_step_register(struct vv_op *op, struct vv_session *session)
{
    return vv_duck_register_place(op, session, "varve_step", DUCKDB_TYPE_TIMESTAMP_TZ, run);
}
