/*
 * Values that don't lie in data files as they are shown.
 *
 * Below the top of a column DuckDB matches fields by name. Under column mapping a file has their
 * physical names, so a nested value is read by those and built anew with the logical ones. A
 * variant, at whatever depth, is shown as JSON text.
 */
#ifndef VV_TABLE_READ_SCAN_NESTED_H
#define VV_TABLE_READ_SCAN_NESTED_H

#include "delta/schema.h"

/* Whether what is read of a column is not yet what is shown. */
bool vv_nested_is_rebuilt(const struct vv_type *type);
/* The type in SQL as which a column is read: physical names, variants as VARIANT. */
void vv_nested_read_type_sql(const struct vv_type *type, struct vv_buf *sql);
/* What is shown of column `r.c<index>` that was read as that type. */
void vv_nested_shown_sql(const struct vv_type *type, int32_t index, struct vv_buf *sql);

#endif
