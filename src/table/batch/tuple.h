/*
 * Some columns of a row in memory, as values and as the bytes of these together, by which rows are
 * told apart without a statement. What equals what is as the engine has it: NULL is one value, and
 * so are NaN and zero.
 */
#ifndef VV_TABLE_BATCH_TUPLE_H
#define VV_TABLE_BATCH_TUPLE_H

#include "base/buf.h"
#include "delta/schema.h"
#include "delta/value.h"
#include "engine/engine.h"

struct vv_tuple {
    struct vv_arena *arena; /* of texts among the values */
    const struct vv_schema *schema;
    const int32_t *columns;
    size_t len;
    const uint32_t *from; /* by column of the schema: which of the rows'; NULL: as in a batch */
    const struct vv_value *fixed; /* likewise: one for all rows, or NONE; NULL: none is */
    const bool *passed;      /* by index in `columns`: not among the bytes; NULL: all are */
    struct vv_value *values; /* of the current row, by index in `columns` */
};

/* The column of a batch (table/batch/batch.h) that is a column of the schema. */
uint32_t vv_tuple_column(int32_t column);
/* Makes room for the values; the other fields are set. */
varve_status vv_tuple_make(struct vv_op *op, struct vv_tuple *tuple);
/* The values alone. */
varve_status vv_tuple_values(struct vv_op *op, const struct vv_tuple *tuple,
    const struct vv_rows *rows);
/* Decimals, nested columns: VV_PRE, EUNSUPPORTED. In `text`: equal values, and no others, have equal bytes. */
varve_status vv_tuple_read(struct vv_op *op, const struct vv_tuple *tuple,
    const struct vv_rows *rows, struct vv_buf *text);

#endif
