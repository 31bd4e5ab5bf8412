/*
 * A stream is messages one after the other: the schema, then record batches, and before the first
 * of them that needs one, dictionaries. An end mark closes it. A file has a magic word at both ends
 * and a footer, which has the schema and says where the messages are; between them it may have
 * whatever it likes.
 */
#include "base/seam.h"
#include "engine/arrow_ipc_in.h"

#define PREFIX_BYTES ((size_t)8)
#define HEADER_BYTES_MAX ((int64_t)256 << 20)
static const char magic[] = {'A', 'R', 'R', 'O', 'W', '1'};
static const char feather_magic[] = {'F', 'E', 'A', '1'};

struct reader {
    const struct vv_ipc_bytes *from;
    int64_t offset; /* of the next message */
    bool is_file;
    const int64_t *blocks; /* of a file: the offsets of its messages */
    size_t blocks_len, block;
    struct vv_arrow_type type;
    struct vv_ipc_fields fields;
    struct vv_ipc_memory *memory; /* of the batch that was given out */
    char *body;                   /* the same */
    char **bodies;                /* of dictionaries, by field */
};

static varve_status cut_off(struct vv_op *op)
{
    return vv_fail(op, VARVE_EINVALID,
        "the Arrow IPC stops before its end mark: it was not written to its end, or cut");
}

static varve_status bytes_read(struct vv_op *op, const struct reader *reader, int64_t offset,
    char *out, size_t len)
{
    size_t got = 0;
    VV_TRY(reader->from->read(op, reader->from->data, offset, out, len, &got));
    if (got < len && reader->from->len == VV_IPC_LEN_UNKNOWN)
        return cut_off(op);
    if (got < len)
        return vv_fail(op, VARVE_EINVALID, "the input has become shorter while it was read");
    return VARVE_OK;
}

/* The length of a header; 0: the end mark. */
static varve_status prefix_read(struct vv_op *op, const struct reader *reader,
    struct vv_str prefix, int64_t *out_len)
{
    uint32_t mark;
    int32_t len;
    memcpy(&mark, prefix.ptr, sizeof(mark));
    memcpy(&len, prefix.ptr + sizeof(mark), sizeof(len));
    if (mark != UINT32_MAX)
        return vv_fail(op, VARVE_EINVALID,
            "no Arrow IPC, or one from before Arrow 0.15 (no message begins at byte %" PRId64
            ")",
            reader->offset);
    if (len < 0 || len > HEADER_BYTES_MAX)
        return vv_fail(op, VARVE_EINVALID,
            "broken Arrow IPC: a message of %" PRId32 " bytes at byte %" PRId64, len,
            reader->offset);
    *out_len = len;
    return VARVE_OK;
}

static varve_status message_next(struct vv_op *op, struct reader *reader,
    struct vv_ipc_message *out)
{
    int64_t left = reader->from->len - reader->offset, len = 0;
    char prefix[PREFIX_BYTES];
    struct vv_ipc_message message = {.header = NULL};
    if (left < (int64_t)PREFIX_BYTES)
        return cut_off(op);
    size_t got = 0;
    *out = message;
    VV_TRY(reader->from->read(op, reader->from->data, reader->offset, prefix, PREFIX_BYTES,
        &got));
    if (got == 0 && reader->from->len == VV_IPC_LEN_UNKNOWN)
        return VARVE_OK; /* it ended between two messages */
    if (got < PREFIX_BYTES)
        return cut_off(op);
    VV_TRY(prefix_read(op, reader, (struct vv_str){prefix, PREFIX_BYTES}, &len));
    left -= (int64_t)PREFIX_BYTES + len;
    if (left < 0)
        return cut_off(op);
    *out = message;
    if (len == 0)
        return VARVE_OK;
    message.header_len = PREFIX_BYTES + (size_t)len;
    message.header = vv_arena_alloc(&op->arena, message.header_len, 1, _Alignof(max_align_t));
    if (message.header == NULL)
        return vv_fail_memory(op);
    VV_TRY(bytes_read(op, reader, reader->offset, message.header, message.header_len));
    const char *flatbuffer = message.header + PREFIX_BYTES;
    if (VV_FB(Message_verify_as_root)(flatbuffer, (size_t)len) != flatcc_verify_ok)
        return vv_fail(op, VARVE_EINVALID,
            "broken Arrow IPC: what is at byte %" PRId64 " is no message", reader->offset);
    message.table = VV_FB(Message_as_root)(flatbuffer);
    message.body_offset = reader->offset + (int64_t)message.header_len;
    message.body_len = VV_FB(Message_bodyLength)(message.table);
    if (message.body_len < 0)
        return vv_fail(op, VARVE_EINVALID,
            "broken Arrow IPC: the message at byte %" PRId64 " has a negative length",
            reader->offset);
    if (message.body_len > left)
        return cut_off(op);
    reader->offset = message.body_offset + message.body_len;
    *out = message;
    return VARVE_OK;
}

static varve_status body_read(struct vv_op *op, const struct reader *reader,
    const struct vv_ipc_message *message, char **out)
{
    char *body = vv_malloc((size_t)message->body_len + 1);
    if (body == NULL)
        return vv_fail_memory(op);
    varve_status status =
        bytes_read(op, reader, message->body_offset, body, (size_t)message->body_len);
    if (status != VARVE_OK) {
        vv_free(body);
        return status;
    }
    *out = body;
    return VARVE_OK;
}

static bool begins_with(const char *bytes, size_t len, const char *word, size_t word_len)
{
    return len >= word_len && memcmp(bytes, word, word_len) == 0;
}

static varve_status kind_find(struct vv_op *op, struct reader *reader)
{
    char head[PREFIX_BYTES];
    if (reader->from->len < (int64_t)sizeof(head))
        return vv_fail(op, VARVE_EINVALID,
            reader->from->len == 0 ? "it is empty: Arrow IPC begins with a schema"
                                   : "no Arrow IPC: it has less than 8 bytes");
    VV_TRY(bytes_read(op, reader, 0, head, sizeof(head)));
    if (begins_with(head, sizeof(head), feather_magic, sizeof(feather_magic)))
        return vv_fail(op, VARVE_EUNSUPPORTED,
            "Feather V1 is not supported: write it anew as Arrow IPC (Feather V2)");
    reader->is_file = begins_with(head, sizeof(head), magic, sizeof(magic));
    return VARVE_OK;
}

static varve_status blocks_read(struct vv_op *op, struct reader *reader,
    VV_FB(Footer_table_t) footer)
{
    VV_FB(Block_vec_t)
    lists[] = {VV_FB(Footer_dictionaries)(footer), VV_FB(Footer_recordBatches)(footer)};
    int64_t *blocks = NULL;
    size_t len = VV_FB(Block_vec_len)(lists[0]) + VV_FB(Block_vec_len)(lists[1]);
    VV_NEW(op, &blocks, int64_t, len + 1);
    for (size_t list = 0; list < VV_COUNT(lists); list++) {
        int64_t before = 0;
        for (size_t index = 0; index < VV_FB(Block_vec_len)(lists[list]); index++) {
            int64_t offset = VV_FB(Block_offset)(VV_FB(Block_vec_at)(lists[list], index));
            if (offset <= before || offset >= reader->from->len)
                return vv_fail(op, VARVE_EINVALID,
                    "broken Arrow IPC: its footer leads out of the file, or to one place "
                    "twice");
            blocks[reader->blocks_len++] = offset;
            before = offset;
        }
    }
    reader->blocks = blocks;
    return VARVE_OK;
}

/* The last bytes of a file: the footer, its length, the magic word. */
static varve_status footer_read(struct vv_op *op, struct reader *reader,
    struct vv_ipc_schema_bytes *out)
{
    char tail[sizeof(int32_t) + sizeof(magic)];
    int32_t len;
    int64_t end = reader->from->len - (int64_t)sizeof(tail);
    if (end < (int64_t)sizeof(magic))
        return cut_off(op);
    VV_TRY(bytes_read(op, reader, end, tail, sizeof(tail)));
    if (memcmp(tail + sizeof(len), magic, sizeof(magic)) != 0)
        return cut_off(op);
    memcpy(&len, tail, sizeof(len));
    if (len <= 0 || len > HEADER_BYTES_MAX || len > end - (int64_t)sizeof(magic))
        return vv_fail(op, VARVE_EINVALID, "broken Arrow IPC: a footer of %" PRId32 " bytes",
            len);
    struct vv_ipc_schema_bytes bytes = {.len = (size_t)len + sizeof(tail), .is_footer = true};
    bytes.bytes = vv_arena_alloc(&op->arena, bytes.len, 1, _Alignof(max_align_t));
    if (bytes.bytes == NULL)
        return vv_fail_memory(op);
    VV_TRY(bytes_read(op, reader, end - len, bytes.bytes, bytes.len));
    if (VV_FB(Footer_verify_as_root)(bytes.bytes, (size_t)len) != flatcc_verify_ok)
        return vv_fail(op, VARVE_EINVALID, "broken Arrow IPC: the footer is none");
    VV_FB(Footer_table_t) footer = VV_FB(Footer_as_root)(bytes.bytes);
    bytes.table = VV_FB(Footer_schema)(footer);
    VV_TRY(blocks_read(op, reader, footer));
    *out = bytes;
    return VARVE_OK;
}

static varve_status first_read(struct vv_op *op, struct reader *reader,
    struct vv_ipc_schema_bytes *out)
{
    struct vv_ipc_message message;
    VV_TRY(message_next(op, reader, &message));
    *out = (struct vv_ipc_schema_bytes){.bytes = message.header, .len = message.header_len};
    if (message.header != NULL &&
        VV_FB(Message_header_type)(message.table) == VV_FB(MessageHeader_Schema))
        out->table = VV_FB(Message_header_get)(message.table);
    return VARVE_OK;
}

/* The dictionary-encoded fields below a type; a first walk counts them. */
static void fields_collect(const struct vv_arrow_type *type, const struct ArrowSchema *schema,
    const struct ArrowIpcDictionaryEncodings *encodings, struct vv_ipc_fields *fields)
{
    if (type->kind == VV_ARROW_DICTIONARY) {
        const struct ArrowIpcDictionaryEncoding *encoding =
            ArrowIpcDictionaryEncodingsFind(encodings, schema);
        if (fields->items != NULL)
            fields->items[fields->len] =
                (struct vv_ipc_field){.type = type, .id = encoding ? encoding->id : INT64_MIN};
        fields->len++;
        fields_collect(&type->children[0], schema->dictionary, encodings, fields);
        return;
    }
    for (int64_t index = 0; index < type->children_len; index++)
        fields_collect(&type->children[index], schema->children[index], encodings, fields);
}

static varve_status fields_make(struct vv_op *op, struct reader *reader,
    const struct ArrowSchema *schema, const struct ArrowIpcDictionaryEncodings *encodings)
{
    fields_collect(&reader->type, schema, encodings, &reader->fields);
    VV_NEW(op, &reader->bodies, char *, reader->fields.len + 1);
    VV_NEW(op, &reader->fields.items, struct vv_ipc_field, reader->fields.len + 1);
    reader->fields.len = 0;
    fields_collect(&reader->type, schema, encodings, &reader->fields);
    return VARVE_OK;
}

static varve_status schema_read(struct vv_op *op, void *data, struct ArrowSchema *out)
{
    struct reader *reader = data;
    struct vv_ipc_schema_bytes bytes;
    struct ArrowIpcDictionaryEncodings encodings;
    VV_TRY(kind_find(op, reader));
    VV_TRY(reader->is_file ? footer_read(op, reader, &bytes) : first_read(op, reader, &bytes));
    if (bytes.table == NULL)
        return vv_fail(op, VARVE_EINVALID,
            "no Arrow IPC: it has no schema where one should be");
    VV_TRY(vv_ipc_schema(op, &bytes, out, &encodings));
    varve_status status = vv_arrow_type_read(op, out, &reader->type);
    if (status == VARVE_OK)
        status = fields_make(op, reader, out, &encodings);
    ArrowIpcDictionaryEncodingsReset(&encodings);
    if (status != VARVE_OK)
        out->release(out);
    return status;
}

static void field_clear(struct reader *reader, size_t index)
{
    vv_ipc_memory_free(&reader->fields.items[index].memory);
    vv_free(reader->bodies[index]);
    reader->bodies[index] = NULL;
}

/* A dictionary is a batch of one column; each field gets it by its own type. */
static varve_status field_fill(struct vv_op *op, struct reader *reader,
    const struct vv_ipc_message *message, VV_FB(RecordBatch_table_t) batch, size_t index)
{
    struct vv_ipc_field *field = &reader->fields.items[index];
    struct vv_ipc_memory *memory = vv_ipc_memory_new();
    struct vv_arrow_type column = {.kind = VV_ARROW_STRUCT,
        .path = field->type->path,
        .children = &field->type->children[0],
        .children_len = 1};
    struct ArrowArray values;
    if (memory == NULL)
        return vv_fail_memory(op);
    field_clear(reader, index);
    varve_status status = body_read(op, reader, message, &reader->bodies[index]);
    if (status == VARVE_OK) {
        struct vv_str body = {reader->bodies[index], (size_t)message->body_len};
        status = vv_ipc_batch(op, batch, body, &column, &reader->fields, memory, &values);
    }
    if (status == VARVE_OK && values.length != values.children[0]->length)
        status = vv_fail(op, VARVE_EINVALID, "broken Arrow IPC: a dictionary of two lengths");
    if (status != VARVE_OK) {
        vv_ipc_memory_free(&memory);
        return status;
    }
    field->values = *values.children[0];
    field->memory = memory;
    return VARVE_OK;
}

static varve_status dictionary_read(struct vv_op *op, struct reader *reader,
    const struct vv_ipc_message *message)
{
    VV_FB(DictionaryBatch_table_t) dictionary = VV_FB(Message_header_get)(message->table);
    VV_FB(RecordBatch_table_t) batch = VV_FB(DictionaryBatch_data)(dictionary);
    if (batch == NULL)
        return vv_fail(op, VARVE_EINVALID, "broken Arrow IPC: a dictionary without values");
    for (size_t index = 0; index < reader->fields.len; index++) {
        struct vv_ipc_field *field = &reader->fields.items[index];
        if (field->id != VV_FB(DictionaryBatch_id)(dictionary))
            continue;
        if (VV_FB(DictionaryBatch_isDelta)(dictionary) && field->memory != NULL)
            return vv_fail(op, VARVE_EUNSUPPORTED,
                "column %.*s: a dictionary that grows between record batches (a delta) is not "
                "supported; write whole dictionaries",
                VV_ARG(field->type->path));
        VV_TRY(field_fill(op, reader, message, batch, index));
    }
    return VARVE_OK;
}

static void batch_clear(struct reader *reader)
{
    vv_ipc_memory_free(&reader->memory);
    vv_free(reader->body);
    reader->body = NULL;
}

static varve_status rows_read(struct vv_op *op, struct reader *reader,
    const struct vv_ipc_message *message, struct ArrowArray *out)
{
    reader->memory = vv_ipc_memory_new();
    if (reader->memory == NULL)
        return vv_fail_memory(op);
    VV_TRY(body_read(op, reader, message, &reader->body));
    return vv_ipc_batch(op, VV_FB(Message_header_get)(message->table),
        (struct vv_str){reader->body, (size_t)message->body_len}, &reader->type,
        &reader->fields, reader->memory, out);
}

/* The end of a stream is a message without a header, that of a file is where its blocks end. */
static varve_status message_follow(struct vv_op *op, struct reader *reader,
    struct vv_ipc_message *out)
{
    if (!reader->is_file)
        return message_next(op, reader, out);
    *out = (struct vv_ipc_message){.header = NULL};
    if (reader->block == reader->blocks_len)
        return VARVE_OK;
    reader->offset = reader->blocks[reader->block++];
    VV_TRY(message_next(op, reader, out));
    return out->header ? VARVE_OK
                       : vv_fail(op, VARVE_EINVALID,
                             "broken Arrow IPC: its footer leads to no message");
}

/* A batch holds until the next one is asked for. */
static varve_status batch_next(struct vv_op *op, void *data, struct ArrowArray *out)
{
    struct reader *reader = data;
    struct vv_ipc_message message;
    batch_clear(reader);
    for (;;) {
        VV_TRY(vv_check_cancel(op));
        VV_TRY(message_follow(op, reader, &message));
        if (message.header == NULL) {
            out->release = NULL;
            return VARVE_OK;
        }
        VV_FB(MessageHeader_union_type_t) kind = VV_FB(Message_header_type)(message.table);
        if (VV_FB(Message_header_get)(message.table) == NULL)
            kind = VV_FB(MessageHeader_NONE);
        if (kind == VV_FB(MessageHeader_RecordBatch))
            return rows_read(op, reader, &message, out);
        if (kind != VV_FB(MessageHeader_DictionaryBatch))
            return vv_fail(op, VARVE_EINVALID,
                "broken Arrow IPC: a message that holds neither rows nor a dictionary");
        VV_TRY(dictionary_read(op, reader, &message));
    }
}

static void reader_done(struct reader *reader)
{
    batch_clear(reader);
    for (size_t index = 0; reader->fields.items && index < reader->fields.len; index++)
        field_clear(reader, index);
}

/* An operation for each batch, since there is no telling how many come. */
static varve_status batch_take(struct vv_op *op, struct reader *reader,
    const struct vv_ipc_taker *to, bool *out_has_batch)
{
    VV_CLEANUP(vv_op_done) struct vv_op step;
    struct ArrowArray batch = {.release = NULL};
    vv_op_init(&step, op->env, VV_OP_BYTES_DEFAULT);
    varve_status status = batch_next(&step, reader, &batch);
    *out_has_batch = status == VARVE_OK && batch.release != NULL;
    if (*out_has_batch)
        status = to->batch(&step, to->data, &batch);
    if (batch.release != NULL)
        batch.release(&batch);
    return status == VARVE_OK ? VARVE_OK : vv_op_pass(op, &step);
}

varve_status vv_ipc_each(struct vv_op *op, const struct vv_ipc_bytes *from,
    const struct vv_ipc_taker *to)
{
    VV_CLEANUP(reader_done) struct reader reader = {.from = from};
    struct ArrowSchema schema = {.release = NULL};
    bool has_batch = true;
    VV_TRY(schema_read(op, &reader, &schema));
    varve_status status = to->schema(op, to->data, &schema);
    while (status == VARVE_OK && has_batch)
        status = batch_take(op, &reader, to, &has_batch);
    schema.release(&schema);
    return status;
}

varve_status vv_session_load_ipc(struct vv_op *op, struct vv_session *session,
    const struct vv_ipc_bytes *from, const struct vv_load_target *target, int64_t *out_rows)
{
    VV_CLEANUP(reader_done) struct reader reader = {.from = from};
    struct vv_arrow_batches batches = {&reader, schema_read, batch_next};
    return vv_session_load_batches(op, session, &batches, target, out_rows);
}
