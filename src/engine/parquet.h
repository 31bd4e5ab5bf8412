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

/* A part of a column that gets a field id too: its path from the top, as in vv_column_stats. */
struct vv_parquet_nested {
    const struct vv_str *path;
    size_t path_len; /* 2 and more: the column itself is in `columns` */
    int32_t field_id;
};

/* An entry in the file's footer. */
struct vv_parquet_note {
    struct vv_str name, text;
};

struct vv_parquet_write {
    struct vv_str select_sql; /* rows in the order in which they are to lie in the file */
    struct vv_str path;       /* a new file: an existing one would be overwritten */
    const struct vv_parquet_column *columns; /* top-level columns that get a field id */
    size_t columns_len;
    const struct vv_parquet_nested *nested; /* may be NULL */
    size_t nested_len;
    int64_t row_group_rows; /* 0: 122,880 */
    bool is_dense; /* a twelfth shorter, for a twentieth more work: read often, written once */
    bool is_kept;  /* vv_query.is_kept: the same again, and of the same path */
    const struct vv_parquet_note *notes; /* may be NULL */
    size_t notes_len;
};

/*
 * Of one leaf column. `path` leads to it from the top: fields of structs by name, "element" of a
 * list, "key" and "value" of a map (whose counts and bounds are of elements, not of rows); `name`
 * is the same in one text, parted by dots.
 *
 * Bounds hold for every value that is neither NULL nor NaN. They are DuckDB's text of the value:
 * timestamps in UTC, floats round trip in their own width (a zero is "-0.0" below and "0.0"
 * above), booleans "0" and "1", binary in hexadecimal. There are none where DuckDB is not sure:
 * long strings that are not ASCII, a row group of NULL alone in a file with several.
 */
struct vv_column_stats {
    struct vv_str name;
    const struct vv_str *path;
    size_t path_len;
    bool has_bounds;
    struct vv_str min;
    struct vv_str max;
    bool min_exact; /* surely a stored value; false: may be a mere bound, as of a cut string */
    bool max_exact; /* of floats alone: a maximum that is cut is rounded up, and may be short */
    int64_t null_count; /* -1: unknown */
    bool has_nan;
    bool nan_known; /* has_nan is meaningful (float columns outside lists and maps) */
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

/*
 * Writes the rows of a stream as one Parquet file for others to read, in the stream's order.
 * Takes the stream over. A file at `path` is overwritten. `out_rows` may be NULL.
 */
varve_status vv_parquet_export(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, struct vv_str path, int64_t *out_rows);

#endif
