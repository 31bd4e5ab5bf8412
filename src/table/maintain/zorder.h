/*
 * Rows in z-order: near each other in every one of some columns, so that the bounds of a file are
 * narrow in each.
 *
 * A value becomes the number of its range among 2^bits ranges of equally many rows (from quantiles
 * of a sample, spread over all the numbers where there are fewer distinct values, so that neither
 * strings with a common prefix nor a boolean degenerate), NULL the first. The bits of the numbers
 * interleaved are the row's place on the curve.
 */
#ifndef VV_TABLE_MAINTAIN_ZORDER_H
#define VV_TABLE_MAINTAIN_ZORDER_H

#include "table/read/scan_sql.h"

#define VV_ZORDER_COLUMNS_MAX 6

struct vv_zorder {
    const int32_t *columns; /* indexes into the schema, at most VV_ZORDER_COLUMNS_MAX */
    size_t len;
};

/* Makes the temporary tables of the ranges from the rows of a source; `rows` of them, -1: unknown. */
varve_status vv_zorder_prepare(struct vv_op *op, struct vv_session *session,
    const struct vv_zorder *zorder, const struct vv_scan_source *source, int64_t rows);
/*
 * Appends a SELECT of c0..cN of the source's rows in z-order, ties by the columns. After
 * vv_zorder_prepare in the same session.
 */
varve_status vv_zorder_sql(struct vv_op *op, const struct vv_zorder *zorder,
    const struct vv_scan_source *source, struct vv_buf *sql);

#endif
