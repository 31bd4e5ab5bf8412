/*
 * Where rows go that come chunk by chunk: into a temporary table, or as long as they are few into
 * a rowset (vv_load_target).
 *
 *     vv_sink_open(op, &sink, session, &target, columns, columns_len);
 *     while (there are rows) {
 *         vv_sink_chunk(op, &sink);
 *         ... put up to duckdb_vector_size() rows into sink.chunk ...
 *         vv_sink_take(op, &sink, rows);
 *     }
 *     vv_sink_finish(op, &sink);
 *     vv_sink_done(&sink); in any case
 */
#ifndef VV_ENGINE_SINK_H
#define VV_ENGINE_SINK_H

#include "engine/rowset_inner.h"

struct vv_sink_column {
    struct vv_str name;
    struct vv_str type; /* in SQL */
};

struct vv_sink {
    struct vv_session *session;
    const struct vv_load_target *target;
    const struct vv_sink_column *columns; /* of the input; the row number stands before them */
    size_t columns_len;
    duckdb_appender appender; /* NULL: the rows are in the rowset */
    duckdb_data_chunk chunk;  /* to be filled; its first column is for the row number */
    int64_t rows;
};

/* `columns` and `target` must stay. EINVALID: a column has the name of the row number. */
varve_status vv_sink_open(struct vv_op *op, struct vv_sink *sink, struct vv_session *session,
    const struct vv_load_target *target, const struct vv_sink_column *columns,
    size_t columns_len);
varve_status vv_sink_chunk(struct vv_op *op, struct vv_sink *sink);
varve_status vv_sink_take(struct vv_op *op, struct vv_sink *sink, idx_t rows);
varve_status vv_sink_finish(struct vv_op *op, struct vv_sink *sink);
void vv_sink_done(struct vv_sink *sink);

#endif
