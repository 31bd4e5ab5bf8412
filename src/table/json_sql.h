/*
 * A value of a column as the text that `varve scan` has for it, in SQL: what is told about rows in other
 * places is to be the same, and the engine's own JSON is another (bytes as escapes, times with a blank,
 * decimals as doubles), or none (sound_json.h).
 */
#ifndef VV_TABLE_JSON_SQL_H
#define VV_TABLE_JSON_SQL_H

#include "base/buf.h"
#include "delta/schema.h"

/* As a field of CSV; NULL where the value is NULL. */
void vv_text_sql(const struct vv_type *type, struct vv_str from, struct vv_buf *sql);
/* As JSON, in which numbers that it has none for are texts, "NaN"; NULL where the value is NULL. */
void vv_json_sql(const struct vv_type *type, struct vv_str from, struct vv_buf *sql);

#endif
