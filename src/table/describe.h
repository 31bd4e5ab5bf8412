/*
 * What a table says of itself, for people and programs.
 */
#ifndef VV_TABLE_DESCRIBE_H
#define VV_TABLE_DESCRIBE_H

#include "base/buf.h"
#include "table/table.h"
#include "varve/arrow.h"

/* The JSON object of `varve describe --json` of a snapshot of the table. */
varve_status vv_table_describe(struct vv_op *op, const struct vv_table *table,
    const struct vv_snapshot *snapshot, struct vv_buf *out_json);

struct vv_json_writer;
/* Begins the object of a column: its name and type; whoever asks adds to it and ends it. */
void vv_describe_column(struct vv_json_writer *writer, const struct vv_field *field);

/* Files, bytes and live rows of a snapshot; rows -1 where a file does not say. */
struct vv_table_size {
    int64_t files, bytes, rows;
};
varve_status vv_table_measure(struct vv_op *op, const struct vv_snapshot *snapshot,
    struct vv_table_size *out);

/*
 * The same rows of a table that is not opened: what it takes to put its newest version together is
 * not paid for.
 */
varve_status vv_log_history_rows(struct vv_op *op, const struct vv_log_handle *log,
    int64_t limit, struct ArrowArrayStream *out);
/* The same of the versions up to one. NOT_FOUND: its commit is not there. */
varve_status vv_log_history_rows_to(struct vv_op *op, const struct vv_log_handle *log,
    int64_t version, int64_t limit, struct ArrowArrayStream *out);

/*
 * The rows of `history` (varve.h), newest first, up to the version that `at` means (vv_table_at):
 * what is damaged behind it does no harm.
 */
varve_status vv_table_history(struct vv_op *op, struct vv_table *table, struct vv_str at,
    int64_t limit, struct ArrowArrayStream *out);

/* The data files (varve.h), at a version or time; none: the latest. */
varve_status vv_table_files(struct vv_op *op, struct vv_table *table, struct vv_str at,
    struct ArrowArrayStream *out);
/* The same of a snapshot of the table. */
varve_status vv_table_files_of(struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, struct ArrowArrayStream *out);

#endif
