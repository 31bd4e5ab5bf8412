/*
 * Structs of one kind, described as data, to Arrow and back.
 */
#ifndef VV_API_RECORD_H
#define VV_API_RECORD_H

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

/* A stream of one batch with the records' values, copied. */
varve_status vv_records_stream(struct vv_op *op, const struct vv_record_type *type,
    const void *records, size_t len, struct ArrowArrayStream *out);

/*
 * The rows of a stream as records, in one piece of memory that vv_free gives back. Released in any
 * case. EUSAGE: a column of another type.
 */
varve_status vv_records_read(struct vv_op *op, const struct vv_record_type *type,
    struct ArrowArrayStream *stream, void **out, size_t *out_len);

#endif
