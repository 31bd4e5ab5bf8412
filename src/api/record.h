/*
 * Structs of one kind, described as data, to Arrow and back.
 */
#ifndef VV_API_RECORD_H
#define VV_API_RECORD_H

#include "base/buf.h"
#include "base/op.h"
#include "varve/arrow.h"

enum vv_record_kind {
    VV_RECORD_TIME,   /* int64_t, us since 1970; VARVE_NO_TIME */
    VV_RECORD_TEXT,   /* const char *; NULL */
    VV_RECORD_NUMBER, /* double; NaN */
    VV_RECORD_INT,    /* int32_t; VARVE_NO_INT */
    VV_RECORD_BOOL    /* int32_t, 0 or 1; has always a value */
};

struct vv_record_field {
    const char *name; /* of the column */
    enum vv_record_kind kind;
    size_t offset;
};

struct vv_record_type {
    const struct vv_record_field *fields;
    size_t fields_len;
    size_t bytes;     /* of a record */
    const void *init; /* one without values */
};

/* Of the market tables: market_api.c. */
extern const struct vv_record_type vv_record_regime;
extern const struct vv_record_type vv_record_performance;
extern const struct vv_record_type vv_record_signal;

/* Arrow's format of a field, and whether there is a value at an address. */
const char *vv_record_format(enum vv_record_kind kind);
bool vv_record_has_value(enum vv_record_kind kind, const void *value);

/* Schema and row for the spool (ingest/spool_row.h), appended. EINVALID: a text is not UTF-8. */
varve_status vv_record_schema(struct vv_op *op, const struct vv_record_type *type,
    struct vv_buf *out);
varve_status vv_record_row(struct vv_op *op, const struct vv_record_type *type,
    const void *record, struct vv_buf *out);

/* The value is one that a table may have: UTF-8, a time that there is. */
bool vv_record_is_sound(enum vv_record_kind kind, const void *value);

/* A line that is no row (VV_NDJSON_LINE_TEXT): the record as JSON, and what is wrong with it. */
struct vv_record_fault {
    struct vv_str line, rule;
};
/* So many records go by between two looks at whether the call is interrupted. */
#define VV_RECORDS_A_LOOK 4096
/* By record, what of it is not sound, NULL: all is; `*out` NULL: all of all. In `op`. */
varve_status vv_records_judge(struct vv_op *op, const struct vv_record_type *type,
    const void *records, size_t len, const struct vv_record_fault ***out);

/*
 * A stream of one batch with the records' values, copied. What is not sound is NULL in it, and the batch
 * has the columns of table/input/batch_input.h that say what is wrong with the record.
 */
varve_status vv_records_stream(struct vv_op *op, const struct vv_record_type *type,
    const void *records, size_t len, struct ArrowArrayStream *out);

/*
 * The rows of a stream as records, in one piece of memory that vv_free gives back. Released in any
 * case. EUSAGE: a column of another type.
 */
varve_status vv_records_read(struct vv_op *op, const struct vv_record_type *type,
    struct ArrowArrayStream *stream, void **out, size_t *out_len);

#endif
