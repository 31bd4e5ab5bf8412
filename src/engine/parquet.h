/*
 * Parquet files out, with what the log wants to know about them.
 */
#ifndef VV_ENGINE_PARQUET_H
#define VV_ENGINE_PARQUET_H

#include "engine/engine.h"

struct vv_parquet_column {
    struct vv_str name;
    int32_t field_id; /* 0: none */
};

struct vv_parquet_write {
    struct vv_str select_sql; /* rows in the order in which they are to lie in the file */
    struct vv_str path;       /* a new file: an existing one would be overwritten */
    const struct vv_parquet_column *columns; /* top-level columns that get a field id */
    size_t columns_len;
    int64_t row_group_rows;   /* 0: 122,880 */
};

/* Of one leaf column; nested ones are named "a.b" by DuckDB's path (struct fields only). */
struct vv_column_stats {
    struct vv_str name;
    bool has_bounds;     /* min and max below hold for every value that is neither NULL nor NaN */
    struct vv_str min;   /* DuckDB's text of the value: timestamps in UTC, floats round trip */
    struct vv_str max;
    bool min_exact;      /* false: cut (only strings over 256 bytes): a lower / upper bound */
    bool max_exact;
    int64_t null_count;  /* -1: unknown */
    bool has_nan;
    bool nan_known;      /* has_nan is meaningful (float columns) */
};

struct vv_parquet_written {
    int64_t rows;
    int64_t bytes;
    struct vv_column_stats *columns;
    size_t columns_len;
};

/* zstd, data pages V1. Not synced: that is the store's matter. The result lives in `arena`. */
varve_status vv_parquet_write(struct vv_op *op, struct vv_session *session,
    const struct vv_parquet_write *write, struct vv_arena *arena,
    struct vv_parquet_written *out);

#endif
