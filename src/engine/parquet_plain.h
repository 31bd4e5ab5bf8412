/*
 * Columns of a plain form in a Parquet file: at the top, of one value a row, whose type is exactly
 * the one that is asked for.
 */
#ifndef VV_ENGINE_PARQUET_PLAIN_H
#define VV_ENGINE_PARQUET_PLAIN_H

#include "engine/parquet_footer.h"
#include "engine/small_files.h"

/* The file has no such column: its values are NULL. */
#define VV_PLAIN_MISSING UINT32_MAX

struct vv_plain_file {
    struct vv_pq_file parquet;
    uint32_t *leaves; /* one a column */
    bool is_other;    /* its bytes are not those that are on record */
};

/*
 * out_leaves[i]: which leaf is columns[i], or VV_PLAIN_MISSING. False: one of them has another
 * form, or it is not for sure which it is.
 */
bool vv_plain_find(const struct vv_pq_file *file, const struct vv_small_column *columns,
    size_t columns_len, uint32_t *out_leaves);

/* Columns and what they point at, in `arena`. NULL: no memory. */
const struct vv_small_column *vv_plain_copy_columns(struct vv_arena *arena,
    const struct vv_small_column *columns, size_t columns_len);

/*
 * Opens a file and finds its columns. `sha256`: that is on record of it, or len 0; where it is
 * another out->is_other is true, and the failure ECORRUPT.
 */
varve_status vv_plain_open(struct vv_op *op, struct vv_str bytes, struct vv_str sha256,
    const struct vv_small_column *columns, size_t columns_len, struct vv_arena *arena,
    struct vv_plain_file *out);
/* Whether every page of its columns can be read, which unpacked take at most so many bytes. */
bool vv_plain_fits(const struct vv_plain_file *file, size_t columns_len, size_t bytes_max);

#endif
