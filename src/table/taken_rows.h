/*
 * Which rows of some data files an operation takes out of them, as a set for each file.
 */
#ifndef VV_TABLE_TAKEN_ROWS_H
#define VV_TABLE_TAKEN_ROWS_H

#include "delta/row_set.h"
#include "engine/engine.h"

struct vv_taken_rows {
    struct vv_row_set **files; /* owned, by index of the file; NULL: it loses none */
    size_t len;
};

/*
 * Reads them from a statement that yields (index of the file BIGINT, row BIGINT), in whatever order
 * and one by one, so that not all are in memory as rows. Indexes are below `files_len`.
 */
varve_status vv_taken_rows_read(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    size_t files_len, struct vv_taken_rows *out);
void vv_taken_rows_done(struct vv_taken_rows *taken); /* accepts {0} */

#endif
