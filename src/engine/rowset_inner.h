/*
 * What the files of this folder know of rowsets: how rows that are no query's come into one.
 */
#ifndef VV_ENGINE_ROWSET_INNER_H
#define VV_ENGINE_ROWSET_INNER_H

#include "engine/duck.h"
#include "engine/rowset.h"

/* Makes the function vv_rows known to an engine. */
varve_status vv_rowset_register(struct vv_op *op, struct vv_engine *engine,
    duckdb_connection connection);

/* And the function vv_number; rowset_number.c. */
varve_status vv_rowset_register_number(struct vv_op *op, struct vv_engine *engine,
    duckdb_connection connection);
/* NULL: it is closed, or never was. */
const struct vv_rowset *vv_rowset_find(struct vv_engine *engine, int64_t id);
int64_t vv_rowset_id(const struct vv_rowset *rowset);
int64_t vv_rowset_number(const struct vv_rowset *rowset);

/* Throws the rows away and gives the columns new names and types, which are copied. */
varve_status vv_rowset_shape(struct vv_op *op, struct vv_rowset *rowset,
    const duckdb_logical_type *types, const char *const *names, idx_t len);
/* The same by a SELECT; one with the text of the last time is not run again. */
varve_status vv_rowset_shape_sql(struct vv_op *op, struct vv_rowset *rowset, struct vv_str sql);
/* The names and types of another one. */
varve_status vv_rowset_shape_as(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_rowset *from);
/* Moves the rows of another one behind its own; it may be of another session. */
varve_status vv_rowset_append(struct vv_op *op, struct vv_rowset *rowset,
    struct vv_rowset *from);
/* An empty chunk of the rowset's types, at the end of its rows. */
varve_status vv_rowset_add_chunk(struct vv_op *op, struct vv_rowset *rowset,
    duckdb_data_chunk *out);
/* Takes the rows in that have been put into the last chunk. */
void vv_rowset_count_chunk(struct vv_rowset *rowset, idx_t rows);

struct vv_session *vv_rowset_session(const struct vv_rowset *rowset);
size_t vv_rowset_chunks(const struct vv_rowset *rowset);
duckdb_data_chunk vv_rowset_chunk(const struct vv_rowset *rowset, size_t index);
duckdb_logical_type vv_rowset_type(const struct vv_rowset *rowset, uint32_t column);

#endif
