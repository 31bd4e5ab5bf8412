/*
 * How many rows lie in a data file, where a wrong number would lose rows.
 *
 * What other software says of its files (numRecords) is a hint, as all statistics are. Before a file
 * is taken to be empty, or emptied, and so goes without being read, its own footer is asked.
 */
#ifndef VV_TABLE_ROW_COUNT_H
#define VV_TABLE_ROW_COUNT_H

#include "delta/action.h"
#include "engine/engine.h"
#include "store/store.h"

/* The rows in a file by its footer, those that its deletion vector took too. */
varve_status vv_row_count(struct vv_op *op, struct vv_session *session, struct vv_store *store,
    const struct vv_file *file, int64_t *out);
/*
 * Whether nothing is left of a file when `gone` of the rows go that its deletion vector has left: by the
 * log where Varve wrote the file, else by its footer, which is read only where the log says so too.
 */
varve_status vv_row_count_is_emptied(struct vv_op *op, struct vv_session *session,
    struct vv_store *store, const struct vv_file *file, int64_t gone, bool *out);

#endif
