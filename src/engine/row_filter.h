/*
 * Rows that a scan leaves out by their number in the file. The engine reads a file's rows with
 * the virtual columns file_index and file_row_number; a condition on these that is a function
 * of ours runs inside the scan:
 *
 *     ... FROM read_parquet([...]) AS r
 *     WHERE varve_row_stays(<id>, r.file_index, r.file_row_number)
 *
 * A filter is in the engine under its id until it is taken out. A statement that was bound before
 * keeps it alive by itself, so a stream may go on when the operation that began it has ended.
 */
#ifndef VV_ENGINE_ROW_FILTER_H
#define VV_ENGINE_ROW_FILTER_H

#include "engine/engine.h"

#define VV_ROW_FILTER_FUNCTION "varve_row_stays"

struct vv_row_filter {
    void *object;
    /*
     * out_stays[i]: row rows[i] of the file with this index stays. Several threads at once. Any
     * index may be asked for, a user's SQL can name the function too.
     */
    void (*stays)(const void *object, uint64_t file, const int64_t *rows, size_t len,
        bool *out_stays);
    void (*release)(void *object);
};

/*
 * The filter is in the engine until the operation ends. Takes the object over, on failure too.
 */
varve_status vv_engine_filter(struct vv_op *op, struct vv_engine *engine,
    const struct vv_row_filter *filter, uint64_t *out_id);

#endif
