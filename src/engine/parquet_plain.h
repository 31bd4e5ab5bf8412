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

/*
 * out_leaves[i]: which leaf is columns[i], or VV_PLAIN_MISSING. False: one of them has another
 * form, or it is not for sure which it is.
 */
bool vv_plain_find(const struct vv_pq_file *file, const struct vv_small_column *columns,
    size_t columns_len, uint32_t *out_leaves);

#endif
