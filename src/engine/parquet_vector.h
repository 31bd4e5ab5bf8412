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

/*
 * Says what columns a function gives: file_index and file_row_number, and behind them those that
 * are asked for.
 */
void vv_vector_bind(duckdb_bind_info info, const struct vv_small_column *columns, size_t len);
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
