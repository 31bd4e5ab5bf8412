/*
 * Values of a column of a Parquet file, read without the engine, into its vectors.
 */
#ifndef VV_ENGINE_PARQUET_VECTOR_H
#define VV_ENGINE_PARQUET_VECTOR_H

#include "engine/duck.h"
#include "engine/parquet_rows.h"
#include "engine/small_files.h"

/* The type of a vector for a column; for duckdb_destroy_logical_type. */
duckdb_logical_type vv_vector_type(const struct vv_small_column *column);
/* What one of its values takes in it; a text that is longer than this lies beside it. */
size_t vv_vector_value_bytes(const struct vv_small_column *column);
#define VV_VECTOR_INLINE_MAX 12

/*
 * Says what columns a function gives: file_index and file_row_number, and behind them those that
 * are asked for.
 */
#define VV_VECTOR_FIRST_COLUMN 2 /* of those behind */
void vv_vector_bind(duckdb_bind_info info, const struct vv_small_column *columns, size_t len);
/*
 * Which of those columns a scan wants, in its order, in `arena`; NULL: no memory. It may ask for the
 * number of rows alone, by a column that is none of them.
 */
idx_t *vv_vector_wanted(duckdb_init_info info, struct vv_arena *arena, idx_t *out_len);
/* Whether such a column is one of the `columns_len` that were asked for, and which. */
bool vv_vector_is_of_file(idx_t column, size_t columns_len, size_t *out);
/* Of one that is not: the file's index, or numbers from that of `row` on, to rows `at` on. */
void vv_vector_put_place(duckdb_vector vector, idx_t column, uint64_t file_index, int64_t row,
    idx_t at, size_t len);
/* Says why a file can't be read, which the operation records, and forgives it; see duck.c. */
void vv_vector_tell_unread(duckdb_function_info info, struct vv_op *op, struct vv_str file);

/*
 * The next `len` entries of a column to rows `at` on of a vector of vv_vector_type, and the cursor
 * behind them. The column is one that vv_plain_find has found. False: a value is none of the type.
 */
bool vv_vector_put(duckdb_vector vector, const struct vv_small_column *column,
    struct vv_pq_cursor *cursor, idx_t at, size_t len);
/* NULL in rows `at` on. */
void vv_vector_put_nulls(duckdb_vector vector, idx_t at, size_t len);

#endif
