/*
 * Rows that Varve makes itself, of texts and numbers, as a stream of record batches: without a
 * statement, and so without the engine's database, which takes longer to be opened than a log of
 * ten thousand commits to be read.
 */
#ifndef VV_ENGINE_ARROW_ROWS_H
#define VV_ENGINE_ARROW_ROWS_H

#include "engine/engine.h"

/* As the engine gives columns of these types (vv_session_stream). */
enum vv_arrow_column_type {
    VV_ARROW_TEXT,
    VV_ARROW_BIGINT,
    VV_ARROW_TIMESTAMPTZ
};

struct vv_arrow_column {
    const char *name;
    enum vv_arrow_column_type type;
};

struct vv_arrow_cell {
    bool is_null;
    struct vv_str text;
    int64_t number; /* microseconds of a time */
};

struct vv_arrow_rows;

/* `columns` are copied. */
varve_status vv_arrow_rows_open(struct vv_op *op, const struct vv_arrow_column *columns,
    size_t columns_len, struct vv_arrow_rows **out);
/* One cell a column. EINVALID: a text is not valid UTF-8. */
varve_status vv_arrow_rows_add(struct vv_op *op, struct vv_arrow_rows *rows,
    const struct vv_arrow_cell *cells);
/* All rows, in their order. What is left of `rows` is closed as ever. */
varve_status vv_arrow_rows_stream(struct vv_op *op, struct vv_arrow_rows *rows,
    struct ArrowArrayStream *out);
void vv_arrow_rows_close(struct vv_arrow_rows **rows); /* accepts a pointer to NULL */

#endif
