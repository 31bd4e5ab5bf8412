/*
 * What the parts of the reader of Arrow IPC share. The one header that shows flatbuffers.
 */
#ifndef VV_ENGINE_ARROW_IPC_IN_H
#define VV_ENGINE_ARROW_IPC_IN_H

#include <nanoarrow/ipc/flatcc_generated.h>
#include <nanoarrow/nanoarrow_ipc.h>

#include "engine/arrow_in.h"
#include "engine/arrow_ipc.h"

/* Names of the generated code. */
#define VV_FB(name) org_apache_arrow_flatbuf_##name

/* A message: its verified header, and where its body lies. */
struct vv_ipc_message {
    /* The prefix of 8 bytes and the flatbuffer behind it; in the operation. NULL: the end. */
    char *header;
    size_t header_len;
    VV_FB(Message_table_t) table; /* in `header` */
    int64_t body_offset;
    int64_t body_len; /* lies within what is there */
};

/* A dictionary-encoded field. Fields with one id share messages, each by a type of its own. */
struct vv_ipc_field {
    const struct vv_arrow_type *type; /* of kind DICTIONARY */
    int64_t id;
    struct vv_ipc_memory *memory; /* of `values`; NULL: none has come yet */
    struct ArrowArray values;
};

struct vv_ipc_fields {
    struct vv_ipc_field *items;
    size_t len;
};

/* Verified bytes that hold a schema, which may be written to. */
struct vv_ipc_schema_bytes {
    char *bytes; /* a message with its prefix, or a footer with its length and the magic word */
    size_t len;
    bool is_footer;
    VV_FB(Schema_table_t) table; /* in `bytes` */
};
/* arrow_ipc_schema.c. The caller releases both. */
varve_status vv_ipc_schema(struct vv_op *op, const struct vv_ipc_schema_bytes *from,
    struct ArrowSchema *out, struct ArrowIpcDictionaryEncodings *out_encodings);

/* arrow_ipc_batch.c: what the arrays of one message are made of. */
struct vv_ipc_memory;
struct vv_ipc_memory *vv_ipc_memory_new(void); /* NULL: memory is out */
void vv_ipc_memory_free(struct vv_ipc_memory **memory);

/*
 * The arrays of a record batch, below a struct array for `type` of kind STRUCT; the array holds as
 * long as `memory` and the values of `fields`. Buffers have the bytes that their types need.
 */
varve_status vv_ipc_batch(struct vv_op *op, VV_FB(RecordBatch_table_t) batch,
    struct vv_str body, const struct vv_arrow_type *type, const struct vv_ipc_fields *fields,
    struct vv_ipc_memory *memory, struct ArrowArray *out);

#endif
