/*
 * What COPY ... (RETURN_STATS) answers: one row, in it a map from column to a map of texts.
 */
#ifndef VV_ENGINE_PARQUET_STATS_H
#define VV_ENGINE_PARQUET_STATS_H

#include <duckdb.h>

#include "engine/parquet.h"

/* `nan_known` says that the column is a float; has_nan is that of the last row group. */
varve_status vv_parquet_stats_read(struct vv_op *op, duckdb_result *result,
    struct vv_arena *arena, struct vv_parquet_written *out);

/* Parts DuckDB's text of a column path, "st"."a.b", into its names. EFAILED: the text is none. */
varve_status vv_parquet_path_parse(struct vv_op *op, struct vv_arena *arena, struct vv_str text,
    struct vv_str **out, size_t *out_len);

#endif
