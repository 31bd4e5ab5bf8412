/*
 * Typed rows as they lie in the spool: payloads of VV_SPOOL_SCHEMA and VV_SPOOL_TYPED, byte by
 * byte in docs/format-spool-rows.md.
 *
 * A schema says the columns by name in Arrow's formats, so whatever Arrow can say goes in and
 * comes out as it was. Some formats are written as their plain brothers, which hold the same
 * values: dictionaries as their values, views and large texts, binaries and lists as those with
 * 32-bit offsets.
 *
 * What is read here came from a disk: nothing of it is believed.
 */
#ifndef VV_INGEST_SPOOL_ROW_H
#define VV_INGEST_SPOOL_ROW_H

#include "engine/arrow_type.h"

/* A schema as read, in the operation. */
struct vv_row_schema {
    struct ArrowSchema *schema; /* of the record batch; not to be released */
    struct vv_arrow_type type;
};

/*
 * Appends the payload of a schema that vv_arrow_type_read takes. EUNSUPPORTED: one that
 * vv_row_schema_read would not: lists or binaries of a fixed length beyond a million.
 */
varve_status vv_row_schema_write(struct vv_op *op, const struct ArrowSchema *schema,
    struct vv_buf *out);
/* ECORRUPT: not a schema. */
varve_status vv_row_schema_read(struct vv_op *op, struct vv_str payload,
    struct vv_row_schema *out);

/* Appends the payload of one row of an array that vv_arrow_check has passed. */
void vv_row_encode(const struct vv_arrow_type *type, const struct ArrowArray *array,
    int64_t row, struct vv_buf *out);

/*
 * A row by hand: _begin, then the values of the columns in their order; those that are left out
 * are NULL. `mark` is what _begin has returned.
 */
size_t vv_row_begin(struct vv_buf *out, size_t columns_len);
void vv_row_put(struct vv_buf *out, size_t mark, size_t column, const void *value,
    size_t bytes);
void vv_row_put_text(struct vv_buf *out, size_t mark, size_t column, struct vv_str text);

/* Appends a row as a JSON object that means the same to a table (table/input/convert.h). ECORRUPT. */
varve_status vv_row_json(struct vv_op *op, const struct vv_row_schema *schema,
    struct vv_str payload, struct vv_buf *out);

/*
 * Rows of one schema on their way back to Arrow, with an int64 column `arrival_column` behind the
 * schema's own. For use within one operation: neither the batch nor the stream made of it outlives
 * that, nor the stream's arrays the stream.
 */
struct vv_row_batch;
varve_status vv_row_batch_new(struct vv_op *op, struct vv_str schema_payload,
    const char *arrival_column, struct vv_row_batch **out);
/* ECORRUPT: not a row of the schema; the batch is of no use then. */
varve_status vv_row_batch_add(struct vv_op *op, struct vv_row_batch *batch,
    struct vv_str payload, int64_t arrival_us);
/* Takes the batch over. */
void vv_row_batch_stream(struct vv_row_batch **batch, struct ArrowArrayStream *out);
void vv_row_batch_free(struct vv_row_batch **batch);

/* For the files spool_row*.c: bytes that are used up from the front. */
struct vv_row_bytes {
    const unsigned char *at;
    size_t left;
};
/* The next `bytes`; NULL: there are not so many. */
const unsigned char *vv_row_take(struct vv_row_bytes *from, size_t bytes);
/* A count in base 128; false: there is none. */
bool vv_row_take_count(struct vv_row_bytes *from, uint64_t *out);
void vv_row_put_count(struct vv_buf *out, uint64_t count);
/* Bits of `len` values of which each is there or NULL; NULL: there are not so many. */
const unsigned char *vv_row_take_bits(struct vv_row_bytes *from, uint64_t len);
/* The bytes of a value of a scalar type; false: there are not so many. */
bool vv_row_take_scalar(struct vv_row_bytes *from, const struct vv_arrow_type *type,
    struct vv_str *out);

#endif
