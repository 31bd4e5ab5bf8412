/*
 * A quarantine object as read back. For the files quarantine*.c.
 */
#ifndef VV_TABLE_BATCH_QUARANTINE_FILE_H
#define VV_TABLE_BATCH_QUARANTINE_FILE_H

#include "base/json.h"
#include "table/batch/quarantine.h"

#define VV_QUARANTINE_FORMAT 2 /* docs/format-quarantine.md says what 1 was */

/* In the arena that it was read into. */
struct vv_quarantine_file {
    int64_t format; /* 1 .. VV_QUARANTINE_FORMAT */
    struct vv_str id;
    struct vv_str key;
    struct vv_str app_id, input_tz, user_name; /* none: not given */
    bool truncate_time;
    int64_t app_version;
    int64_t arrival_us;
    struct vv_str header; /* the first line */
    struct vv_str rows;   /* what is behind it */
    struct vv_str *lines; /* of that */
    size_t lines_len;
};

/* The ids that are there, in byte order. */
varve_status vv_quarantine_ids(struct vv_op *op, struct vv_table *table, struct vv_arena *arena,
    struct vv_str **out, size_t *out_len);
/* ENOTFOUND: no such batch. ECORRUPT: not a quarantine object. */
varve_status vv_quarantine_read(struct vv_op *op, struct vv_table *table,
    struct vv_arena *arena, struct vv_str id, struct vv_quarantine_file *out);
/*
 * Called with the failure of a read of a batch recorded that nobody named: it is to hold up no other.
 * OK: the failure is forgiven, and *out_reason, in the operation's arena, is why the batch can't be
 * read; ptr NULL: another process has taken it since it was listed. Else returns the recorded code.
 */
varve_status vv_quarantine_pass_over(struct vv_op *op, struct vv_str *out_reason);
/* The members of a row's line. */
struct vv_quarantine_row {
    int64_t row, line; /* line 0: none */
    int64_t
        release; /* the txn by which it goes into a table without a key; 0: it does not yet */
    struct vv_str source;
    const struct vv_json *whole;   /* names of columns; NULL: none */
    const struct vv_json *values;  /* an object */
    const struct vv_json *reasons; /* an array, not empty */
};
varve_status vv_quarantine_row_read(struct vv_op *op, struct vv_arena *arena,
    const struct vv_quarantine_file *file, size_t index, struct vv_quarantine_row *out);
/*
 * Appends a line of NDJSON by which the row is upserted again; a row without an order value has the
 * time of its arrival in it.
 */
varve_status vv_quarantine_row_line(struct vv_op *op, const struct vv_quarantine_file *file,
    const struct vv_schema *schema, const struct vv_rules *rules,
    const struct vv_quarantine_row *row, struct vv_buf *out);

#endif
