/*
 * A record batch says of each array its length and NULLs, and of each buffer where it lies in the
 * body; types say how many of either there are. What a buffer has to hold for its type and length
 * is checked here, where its bytes can still be counted; what lies in it, by arrow_check.c.
 */
#include "base/seam.h"
#include "engine/arrow_ipc_in.h"

/* The small things of a batch: 100,000 fields fit. */
#define MEMORY_BYTES_MAX ((size_t)256 << 20)
/* So that no width times a length overflows. */
static const int64_t length_max = INT64_MAX / 1024;
/* No zstd frame has more (128 KiB out of a block of 4 bytes), and no lz4 frame comes near. */
static const int64_t inflated_per_byte_max = 1 << 16;

/*
 * Arrays of NULLs, and rows without a column, take no bytes: a few of them could claim any length.
 * The longest array may have as many values as the whole message has bits, or this many.
 */
static const int64_t free_length_max = 1 << 20;

/* A buffer that was inflated. */
struct inflated {
    struct inflated *next;
    max_align_t bytes[];
};

struct vv_ipc_memory {
    struct vv_arena arena;
    struct inflated *inflated;
    int64_t inflated_bytes;
};

struct vv_ipc_memory *vv_ipc_memory_new(void)
{
    struct vv_ipc_memory *memory = vv_malloc(sizeof(*memory));
    if (memory != NULL)
        *memory = (struct vv_ipc_memory){.arena = VV_ARENA_INIT(MEMORY_BYTES_MAX)};
    return memory;
}

void vv_ipc_memory_free(struct vv_ipc_memory **memory)
{
    struct vv_ipc_memory *freed = VV_MOVE(*memory);
    if (freed == NULL)
        return;
    while (freed->inflated != NULL) {
        struct inflated *next = freed->inflated->next;
        vv_free(freed->inflated);
        freed->inflated = next;
    }
    vv_arena_done(&freed->arena);
    vv_free(freed);
}

struct build {
    struct vv_op *op;
    struct vv_str body;
    VV_FB(FieldNode_vec_t) nodes;
    VV_FB(Buffer_vec_t) buffers;
    flatbuffers_int64_vec_t variadic;   /* of views: how many buffers of bytes each has */
    size_t node, buffer, view;          /* the next ones */
    ArrowIpcDecompressFunction inflate; /* NULL: bodies are as they are */
    const struct vv_ipc_fields *fields;
    struct vv_ipc_memory *memory;
    int64_t longest; /* array so far */
};

static varve_status bad(const struct build *build, const struct vv_arrow_type *type,
    const char *what)
{
    return vv_fail(build->op, VARVE_EINVALID, "broken Arrow IPC in %s%.*s: %s",
        type->path.len > 0 ? "column " : "a record batch", VV_ARG(type->path), what);
}

static void *small(const struct build *build, size_t count, size_t size)
{
    return vv_arena_alloc(&build->memory->arena, count, size, _Alignof(max_align_t));
}

static varve_status inflate(struct build *build, const struct vv_arrow_type *type,
    struct vv_str *bytes)
{
    int64_t len;
    struct ArrowError error = {.message = ""};
    if (bytes->len < sizeof(len))
        return bad(build, type, "a compressed buffer does not say how long it is");
    memcpy(&len, bytes->ptr, sizeof(len));
    struct vv_str packed = vv_str_skip(*bytes, sizeof(len));
    if (len == -1) { /* not worth it: it lies there as it is */
        *bytes = packed;
        return VARVE_OK;
    }
    if (len < 0 || len / inflated_per_byte_max > (int64_t)packed.len)
        return bad(build, type, "a compressed buffer cannot have the length that it says");
    if (len > VV_IPC_INFLATED_MAX - build->memory->inflated_bytes)
        return vv_fail(build->op, VARVE_ELIMIT,
            "a record batch of Arrow IPC has more than %" PRId64 " GiB: write smaller ones",
            VV_IPC_INFLATED_MAX >> 30);
    struct inflated *out = vv_malloc(sizeof(*out) + (size_t)len);
    if (out == NULL)
        return vv_fail_memory(build->op);
    out->next = build->memory->inflated;
    build->memory->inflated = out;
    build->memory->inflated_bytes += len;
    struct ArrowBufferView from = {.data.data = packed.ptr, .size_bytes = (int64_t)packed.len};
    if (build->inflate(from, (uint8_t *)out->bytes, len, &error) != NANOARROW_OK)
        return bad(build, type, "a compressed buffer cannot be decompressed");
    *bytes = (struct vv_str){(const char *)out->bytes, (size_t)len};
    return VARVE_OK;
}

/* The next buffer of the message, which must hold `least` bytes. Empty: NULL comes out. */
static varve_status buffer_take(struct build *build, const struct vv_arrow_type *type,
    int64_t least, struct vv_str *out)
{
    if (build->buffer == VV_FB(Buffer_vec_len)(build->buffers))
        return bad(build, type, "it has fewer buffers than its type needs");
    VV_FB(Buffer_struct_t) at = VV_FB(Buffer_vec_at)(build->buffers, build->buffer++);
    int64_t offset = VV_FB(Buffer_offset)(at), len = VV_FB(Buffer_length)(at);
    int64_t body_len = (int64_t)build->body.len;
    if (offset < 0 || len < 0 || len > body_len || offset > body_len - len)
        return bad(build, type, "a buffer lies outside of the body");
    struct vv_str bytes = {build->body.ptr + offset, (size_t)len};
    if (build->inflate != NULL && len > 0)
        VV_TRY(inflate(build, type, &bytes));
    if ((int64_t)bytes.len < least)
        return bad(build, type, "a buffer is shorter than its values");
    *out = bytes.len > 0 ? bytes : VV_STR_NONE;
    return VARVE_OK;
}

/* May be left out where nothing is NULL, and says nothing then. */
static varve_status validity_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array)
{
    struct vv_str bits;
    VV_TRY(buffer_take(build, type, array->null_count > 0 ? (array->length + 7) / 8 : 0,
        &bits));
    array->buffers[0] = array->null_count > 0 ? bits.ptr : NULL;
    return VARVE_OK;
}

/* The bytes of values that lie side by side. */
static int64_t values_bytes(const struct vv_arrow_type *type, int64_t length)
{
    if (type->kind == VV_ARROW_BOOL)
        return (length + 7) / 8;
    return length > 0 && type->width > length_max / length ? INT64_MAX : length * type->width;
}

static varve_status values_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array)
{
    struct vv_str values;
    VV_TRY(buffer_take(build, type, values_bytes(type, array->length), &values));
    array->buffers[1] = values.ptr;
    return VARVE_OK;
}

/* *out_end: where the last value ends; whether offsets grow up to there is checked later. */
static varve_status offsets_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array, int64_t *out_end)
{
    struct vv_str offsets;
    int64_t least = array->length > 0 ? values_bytes(type, array->length + 1) : 0;
    VV_TRY(buffer_take(build, type, least, &offsets));
    array->buffers[1] = offsets.ptr;
    *out_end = array->length > 0 ? vv_arrow_offset(offsets.ptr, type->width, array->length) : 0;
    return VARVE_OK;
}

static varve_status text_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array)
{
    struct vv_str bytes;
    int64_t end;
    VV_TRY(offsets_take(build, type, array, &end));
    VV_TRY(buffer_take(build, type, end, &bytes));
    array->buffers[2] = bytes.ptr;
    return VARVE_OK;
}

static varve_status view_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array)
{
    struct vv_str views, bytes;
    if (build->view == flatbuffers_int64_vec_len(build->variadic))
        return bad(build, type, "it does not say how many buffers its views have");
    int64_t len = flatbuffers_int64_vec_at(build->variadic, build->view++);
    size_t buffers_left = VV_FB(Buffer_vec_len)(build->buffers) - build->buffer;
    if (len < 0 || (uint64_t)len > buffers_left)
        return bad(build, type, "it has fewer buffers than its views need");
    const void **buffers = small(build, (size_t)len + 3, sizeof(*buffers));
    int64_t *sizes = small(build, (size_t)len + 1, sizeof(*sizes));
    if (buffers == NULL || sizes == NULL)
        return vv_fail_memory(build->op);
    buffers[0] = array->buffers[0];
    VV_TRY(buffer_take(build, type, array->length * (int64_t)sizeof(struct vv_arrow_view),
        &views));
    buffers[1] = views.ptr;
    for (int64_t index = 0; index < len; index++) {
        VV_TRY(buffer_take(build, type, 0, &bytes));
        buffers[2 + index] = bytes.ptr;
        sizes[index] = (int64_t)bytes.len;
    }
    buffers[2 + len] = sizes;
    array->buffers = buffers;
    array->n_buffers = len + 3;
    return VARVE_OK;
}

static varve_status dictionary_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array)
{
    VV_TRY(values_take(build, type, array));
    for (size_t index = 0; index < build->fields->len; index++) {
        struct vv_ipc_field *field = &build->fields->items[index];
        if (field->type != type)
            continue;
        if (field->memory == NULL)
            break;
        array->dictionary = &field->values;
        return VARVE_OK;
    }
    return bad(build, type, "its dictionary has not come before it");
}

static varve_status array_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *out);

static varve_status children_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array)
{
    size_t len = (size_t)type->children_len;
    struct ArrowArray *children = small(build, len + 1, sizeof(*children));
    array->children = small(build, len + 1, sizeof(*array->children));
    if (children == NULL || array->children == NULL)
        return vv_fail_memory(build->op);
    array->n_children = type->children_len;
    for (size_t index = 0; index < len; index++) {
        array->children[index] = &children[index];
        VV_TRY(array_take(build, &type->children[index], &children[index]));
    }
    return VARVE_OK;
}

/* What is there belongs to the memory of the batch. */
static void release_nothing(struct ArrowArray *array)
{
    array->release = NULL;
}

static varve_status buffers_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *array)
{
    int64_t unused;
    switch (type->kind) {
    case VV_ARROW_NULL:
        return VARVE_OK;
    case VV_ARROW_TEXT:
        array->n_buffers = 3;
        return text_take(build, type, array);
    case VV_ARROW_VIEW:
        return view_take(build, type, array);
    case VV_ARROW_LIST:
        array->n_buffers = 2;
        VV_TRY(offsets_take(build, type, array, &unused));
        return children_take(build, type, array);
    case VV_ARROW_ARRAY:
    case VV_ARROW_STRUCT:
        array->n_buffers = 1;
        return children_take(build, type, array);
    case VV_ARROW_DICTIONARY:
        array->n_buffers = 2;
        return dictionary_take(build, type, array);
    case VV_ARROW_BOOL:
    case VV_ARROW_FIXED:
    case VV_ARROW_DATE32:
    case VV_ARROW_DATE64:
    case VV_ARROW_TIMESTAMP:
    case VV_ARROW_DECIMAL:
    case VV_ARROW_BYTES:
        break;
    }
    array->n_buffers = 2;
    return values_take(build, type, array);
}

/* As deep as the type, which is bounded. */
static varve_status array_take(struct build *build, const struct vv_arrow_type *type,
    struct ArrowArray *out)
{
    if (build->node == VV_FB(FieldNode_vec_len)(build->nodes))
        return bad(build, type, "the message has fewer arrays than its schema");
    VV_FB(FieldNode_struct_t) node = VV_FB(FieldNode_vec_at)(build->nodes, build->node++);
    *out = (struct ArrowArray){.length = VV_FB(FieldNode_length)(node),
        .null_count = VV_FB(FieldNode_null_count)(node),
        .release = release_nothing};
    if (out->length < 0 || out->length > length_max || out->null_count < 0 ||
        out->null_count > out->length)
        return bad(build, type, "its length, or how much of it is NULL, makes no sense");
    if (out->length > build->longest)
        build->longest = out->length;
    out->buffers = small(build, 3, sizeof(*out->buffers));
    if (out->buffers == NULL)
        return vv_fail_memory(build->op);
    if (type->kind != VV_ARROW_NULL)
        VV_TRY(validity_take(build, type, out));
    return buffers_take(build, type, out);
}

static varve_status inflate_choose(struct build *build, VV_FB(RecordBatch_table_t) batch)
{
    VV_FB(BodyCompression_table_t) compression = VV_FB(RecordBatch_compression)(batch);
    if (compression == NULL)
        return VARVE_OK;
    int8_t codec = VV_FB(BodyCompression_codec)(compression);
    if (VV_FB(BodyCompression_method)(compression) == VV_FB(BodyCompressionMethod_BUFFER)) {
        if (codec == VV_FB(CompressionType_ZSTD))
            build->inflate = ArrowIpcGetZstdDecompressionFunction();
        if (codec == VV_FB(CompressionType_LZ4_FRAME))
            build->inflate = ArrowIpcGetLZ4DecompressionFunction();
    }
    if (build->inflate == NULL)
        return vv_fail(build->op, VARVE_EUNSUPPORTED,
            "the Arrow IPC is compressed in a way (codec %d) that is not lz4 or zstd", codec);
    return VARVE_OK;
}

varve_status vv_ipc_batch(struct vv_op *op, VV_FB(RecordBatch_table_t) batch,
    struct vv_str body, const struct vv_arrow_type *type, const struct vv_ipc_fields *fields,
    struct vv_ipc_memory *memory, struct ArrowArray *out)
{
    struct build build = {.op = op,
        .body = body,
        .nodes = VV_FB(RecordBatch_nodes)(batch),
        .buffers = VV_FB(RecordBatch_buffers)(batch),
        .variadic = VV_FB(RecordBatch_variadicBufferCounts)(batch),
        .fields = fields,
        .memory = memory,
        .longest = VV_FB(RecordBatch_length)(batch)};
    struct ArrowArray rows = {
        .length = VV_FB(RecordBatch_length)(batch), .n_buffers = 1, .release = release_nothing};
    if (rows.length < 0 || rows.length > length_max)
        return bad(&build, type, "its length makes no sense");
    VV_TRY(inflate_choose(&build, batch));
    rows.buffers = small(&build, 1, sizeof(*rows.buffers));
    if (rows.buffers == NULL)
        return vv_fail_memory(op);
    VV_TRY(children_take(&build, type, &rows));
    if (build.node < VV_FB(FieldNode_vec_len)(build.nodes) ||
        build.buffer < VV_FB(Buffer_vec_len)(build.buffers))
        return bad(&build, type, "the message has more arrays or buffers than its schema");
    int64_t bytes = (int64_t)body.len + memory->inflated_bytes;
    if (build.longest > free_length_max && build.longest / 8 > bytes)
        return bad(&build, type, "it claims more values than its bytes can hold");
    *out = rows;
    return VARVE_OK;
}
