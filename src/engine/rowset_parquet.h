/*
 * Small Parquet files as rows in memory, at once and without a statement: where all rows of a few
 * files are looked at, to plan a statement over them takes longer than to read them.
 */
#ifndef VV_ENGINE_ROWSET_PARQUET_H
#define VV_ENGINE_ROWSET_PARQUET_H

#include "engine/rowset.h"
#include "engine/small_files.h"

/* The columns before those of the files: the index of the file, and the row in it. Both BIGINT. */
#define VV_ROWSET_FILE 0
#define VV_ROWSET_POS 1
#define VV_ROWSET_FIRST 2

/*
 * Puts the rows of all files, in the order of the files, in the place of those that are there;
 * `bytes` are the files whole. A column that a file lacks is NULL. *out_is_taken false: one of them
 * has another form, is damaged or takes much memory; it is the engine's, and there are no rows.
 * The same files are taken as by vv_small_files_add, and give the same rows.
 */
varve_status vv_rowset_fill_parquet(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_small_column *columns, size_t columns_len, const struct vv_str *bytes,
    size_t bytes_len, bool *out_is_taken);

#endif
