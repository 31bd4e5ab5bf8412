/*
 * SQL text is built here and nowhere else by hand: every name and value goes through these.
 */
#ifndef VV_ENGINE_SQL_H
#define VV_ENGINE_SQL_H

#include "base/buf.h"
#include "base/op.h"

void vv_sql_name(struct vv_buf *sql, struct vv_str name); /* "a""b" */
void vv_sql_literal(struct vv_buf *sql,
    struct vv_str text); /* 'it''s'; NULL where ptr is NULL */
void vv_sql_int(struct vv_buf *sql, int64_t value);
/* make_timestamptz(...) / make_timestamp(...) of microseconds since 1970. */
void vv_sql_timestamptz(struct vv_buf *sql, int64_t us);
void vv_sql_timestamp(struct vv_buf *sql, int64_t us);
/* A DATE of days since 1970. */
void vv_sql_date(struct vv_buf *sql, int32_t days);
/* A file to read: DuckDB takes *, ? and [ in file names for patterns, here they are themselves. */
void vv_sql_file(struct vv_buf *sql, struct vv_str path);
/* Which one that was, of the text in quotes; in the operation's arena. */
varve_status vv_sql_file_path(struct vv_op *op, struct vv_str literal, struct vv_str *out);
void vv_sql_file_list(struct vv_buf *sql, const struct vv_str *paths, size_t len);
/* ['a', 'b'] */
void vv_sql_text_list(struct vv_buf *sql, const struct vv_str *texts, size_t len);

#endif
