/*
 * One read under way: what scan, latest and range have in common.
 */
#ifndef VV_TABLE_READ_READ_RUN_H
#define VV_TABLE_READ_READ_RUN_H

#include "table/read/read.h"
#include "table/read/scan_sql.h"

struct vv_small_scan;
struct vv_range;

struct vv_read {
    struct vv_table *table;
    struct vv_snapshot *snapshot; /* owned until the stream has it */
    struct vv_rules rules;
    int32_t time; /* vv_event_column */
    const struct vv_file **files;
    size_t files_len;
    enum vv_scan_names names;
    const struct vv_small_scan *small; /* NULL: the engine reads all files */
    struct vv_session *session;        /* NULL until it is needed */
    struct vv_buf sql;
};

/* The version that `at` means, with its rules; no file is chosen. */
varve_status vv_read_start(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct vv_read *out);
void vv_read_done(struct vv_read *read); /* accepts {0} */

/* EUSAGE: the table has no time column. That it is the order column is logged. */
varve_status vv_read_need_time(struct vv_op *op, const struct vv_read *read);
/* Names parted by commas, as indexes. EUSAGE: the table has no such column. */
varve_status vv_read_find_columns(struct vv_op *op, const struct vv_read *read,
    struct vv_str names, int32_t **out, size_t *out_len);

/* Chooses the files of the snapshot that can hold a row in all of the ranges. */
varve_status vv_read_prune(struct vv_op *op, struct vv_read *read,
    const struct vv_range *ranges, size_t ranges_len);

void vv_read_add_column(const struct vv_read *read, int32_t column, struct vv_buf *sql);
/* Appends the files that were chosen to read->sql, as "(...) AS t". `columns` NULL: all. */
varve_status vv_read_add_source(struct vv_op *op, struct vv_read *read, const int32_t *columns,
    size_t columns_len);
/* The same of many files a little, for a statement that ends before the operation does. */
varve_status vv_read_add_few_columns(struct vv_op *op, struct vv_read *read,
    const int32_t *columns, size_t columns_len, struct vv_small_scan *small);

/*
 * The rows of read->sql. The stream keeps the snapshot; the session is its own afterwards.
 */
varve_status vv_read_stream(struct vv_op *op, struct vv_read *read, bool sql_is_users,
    struct ArrowArrayStream *out);

#endif
