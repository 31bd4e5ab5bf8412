/*
 * A function of SQL for how a number moves: varve_moves(rows STRUCT(ts TIMESTAMPTZ, pnl DOUBLE)[],
 * before DOUBLE) gives for each row, by time and of one time by number, STRUCT(ts, change DOUBLE, drawdown
 * DOUBLE): the difference from the row before it, of the first from `before` (NULL: none), and how
 * far it lies below the highest so far. No row, time or number is NULL.
 *
 * Windows say the same: lag(pnl), and max(pnl) up to the row, for which the engine builds a tree.
 */
#include <math.h>

#include "base/seam.h"
#include "engine/duck.h"

struct row {
    int64_t time;
    double number;
};

struct columns {
    const int64_t *times; /* of the rows that are given */
    const double *numbers;
    int64_t *times_out;
    double *changes, *drawdowns;
    uint64_t *has_change;
};

static bool is_after(const struct row *a, const struct row *b)
{
    if (a->time != b->time)
        return a->time > b->time;
    return a->number > b->number || (isnan(a->number) && !isnan(b->number));
}

static size_t run_end(const struct row *rows, size_t at, size_t len)
{
    while (at + 1 < len && !is_after(&rows[at], &rows[at + 1]))
        at++;
    return at < len ? at + 1 : len;
}

static void merge(const struct row *rows, size_t begin, size_t middle, size_t end,
    struct row *out)
{
    size_t left = begin;
    size_t right = middle;
    for (size_t at = begin; at < end; at++) {
        bool takes_left =
            left < middle && (right >= end || !is_after(&rows[left], &rows[right]));
        out[at] = rows[takes_left ? left++ : right++];
    }
}

/* Rows come in ascending pieces, few of them: pairs are merged until one is left. */
static struct row *sort(struct row *rows, struct row *other, size_t len)
{
    while (run_end(rows, 0, len) < len) {
        for (size_t begin = 0; begin < len;) {
            size_t middle = run_end(rows, begin, len);
            size_t end = middle < len ? run_end(rows, middle, len) : middle;
            merge(rows, begin, middle, end, other);
            begin = end;
        }
        struct row *sorted = other;
        other = rows;
        rows = sorted;
    }
    return rows;
}

/* The rows of one list; `before` NULL: there is none. */
static void move(const struct columns *columns, const duckdb_list_entry *from, size_t to,
    const double *before, struct row *space)
{
    size_t len = (size_t)from->length;
    for (size_t i = 0; i < len; i++)
        space[i] =
            (struct row){columns->times[from->offset + i], columns->numbers[from->offset + i]};
    const struct row *rows = sort(space, space + len, len);
    double highest = len > 0 ? rows[0].number : 0;
    for (size_t i = 0; i < len; i++) {
        const double *last = i > 0 ? &rows[i - 1].number : before;
        highest = rows[i].number > highest ? rows[i].number : highest;
        columns->times_out[to + i] = rows[i].time;
        columns->changes[to + i] = last != NULL ? rows[i].number - *last : 0;
        duckdb_validity_set_row_validity(columns->has_change, to + i, last != NULL);
        columns->drawdowns[to + i] = rows[i].number - highest;
    }
}

static void open_columns(duckdb_vector rows, duckdb_vector moves, struct columns *out)
{
    duckdb_vector given = duckdb_list_vector_get_child(rows);
    duckdb_vector made = duckdb_list_vector_get_child(moves);
    duckdb_vector changes = duckdb_struct_vector_get_child(made, 1);
    duckdb_vector_ensure_validity_writable(changes);
    *out = (struct columns){
        .times = duckdb_vector_get_data(duckdb_struct_vector_get_child(given, 0)),
        .numbers = duckdb_vector_get_data(duckdb_struct_vector_get_child(given, 1)),
        .times_out = duckdb_vector_get_data(duckdb_struct_vector_get_child(made, 0)),
        .changes = duckdb_vector_get_data(changes),
        .drawdowns = duckdb_vector_get_data(duckdb_struct_vector_get_child(made, 2)),
        .has_change = duckdb_vector_get_validity(changes)};
}

static void run_lists(duckdb_data_chunk input, duckdb_vector output, struct row *space)
{
    duckdb_vector lists = duckdb_data_chunk_get_vector(input, 0);
    duckdb_vector befores = duckdb_data_chunk_get_vector(input, 1);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    const double *before = duckdb_vector_get_data(befores);
    uint64_t *has_list = duckdb_vector_get_validity(lists);
    uint64_t *has_before = duckdb_vector_get_validity(befores);
    duckdb_list_entry *out = duckdb_vector_get_data(output);
    struct columns columns;
    size_t to = 0;
    open_columns(lists, output, &columns);
    for (idx_t i = 0; i < duckdb_data_chunk_get_size(input); i++) {
        duckdb_list_entry from = {0, 0};
        if (duckdb_validity_row_is_valid(has_list, i))
            from = entries[i];
        out[i] = (duckdb_list_entry){to, from.length};
        move(&columns, &from, to,
            duckdb_validity_row_is_valid(has_before, i) ? &before[i] : NULL, space);
        to += (size_t)from.length;
    }
}

static void run(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    duckdb_vector lists = duckdb_data_chunk_get_vector(input, 0);
    const duckdb_list_entry *entries = duckdb_vector_get_data(lists);
    uint64_t *has_list = duckdb_vector_get_validity(lists);
    idx_t rows = 0;
    size_t longest = 0;
    for (idx_t i = 0; i < duckdb_data_chunk_get_size(input); i++) {
        size_t len = duckdb_validity_row_is_valid(has_list, i) ? (size_t)entries[i].length : 0;
        longest = len > longest ? len : longest;
        rows += len;
    }
    struct row *space = vv_malloc((longest + 1) * 2 * sizeof(*space));
    if (space == NULL || duckdb_list_vector_reserve(output, rows) != DuckDBSuccess ||
        duckdb_list_vector_set_size(output, rows) != DuckDBSuccess) {
        duckdb_scalar_function_set_error(info, VV_DUCK_NO_MEMORY);
    } else {
        run_lists(input, output, space);
    }
    vv_free(space);
}

static duckdb_logical_type list_of(const char **names, const duckdb_type *kinds, size_t len)
{
    duckdb_logical_type members[3] = {NULL, NULL, NULL};
    for (size_t i = 0; i < len; i++)
        members[i] = duckdb_create_logical_type(kinds[i]);
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type row = duckdb_create_struct_type(members, names, len);
    for (size_t i = 0; i < len; i++)
        vv_duck_type_done(&members[i]);
    return duckdb_create_list_type(row);
}

varve_status vv_moves_register(struct vv_op *op, struct vv_session *session)
{
    const char *given[] = {"ts", "pnl"};
    const char *made[] = {"ts", "change", "drawdown"};
    const duckdb_type kinds[] = {
        DUCKDB_TYPE_TIMESTAMP_TZ, DUCKDB_TYPE_DOUBLE, DUCKDB_TYPE_DOUBLE};
    duckdb_scalar_function function = duckdb_create_scalar_function();
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type rows = list_of(given, kinds, VV_COUNT(given));
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type moves = list_of(made, kinds, VV_COUNT(made));
    VV_CLEANUP(vv_duck_type_done)
    duckdb_logical_type number = duckdb_create_logical_type(DUCKDB_TYPE_DOUBLE);
    duckdb_scalar_function_set_name(function, "varve_moves");
    duckdb_scalar_function_add_parameter(function, rows);
    duckdb_scalar_function_add_parameter(function, number);
    duckdb_scalar_function_set_return_type(function, moves);
    duckdb_scalar_function_set_special_handling(function);
    duckdb_scalar_function_set_function(function, run);
    return vv_duck_register_scalar(op, session->connection, &function);
}
