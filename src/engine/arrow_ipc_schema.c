#include "engine/arrow_ipc_in.h"

/*
 * nanoarrow makes the schema, but it does not know views, which others write by default. A view
 * is told from the plain type by one byte of the flatbuffer and by nothing else in the schema, so
 * that byte is changed for nanoarrow, and the format of the field afterwards.
 */
struct walk {
    struct vv_op *op;
    char *bytes;          /* of the flatbuffer, ours to change */
    size_t *views;        /* numbers of the fields that are views, in the order of the walk */
    uint8_t **type_bytes; /* theirs */
    size_t views_len;
    size_t views_capacity;
    size_t types_capacity;
    size_t fields_len; /* seen so far */
    int32_t depth_left;
};

/* The macro of flatcc casts as it likes; clang says so, since it does not take it for foreign. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wcast-align"
static const uint8_t *type_byte(VV_FB(Field_table_t) field)
    __flatbuffers_scalar_field(uint8_t, 2, field)
#pragma GCC diagnostic pop

        static bool is_view(uint8_t type)
{
    return type == VV_FB(Type_Utf8View) || type == VV_FB(Type_BinaryView);
}

static varve_status view_add(struct walk *walk, VV_FB(Field_table_t) field)
{
    struct vv_arena *arena = &walk->op->arena;
    const uint8_t *at = type_byte(field);
    if (at == NULL || !is_view(*at))
        return VARVE_OK;
    if (!vv_arena_grow(arena, (void **)&walk->views, walk->views_len, &walk->views_capacity,
            sizeof(*walk->views), _Alignof(size_t)) ||
        !vv_arena_grow(arena, (void **)&walk->type_bytes, walk->views_len,
            &walk->types_capacity, sizeof(*walk->type_bytes), _Alignof(uint8_t *)))
        return vv_fail_memory(walk->op);
    walk->views[walk->views_len] = walk->fields_len;
    walk->type_bytes[walk->views_len] =
        (uint8_t *)walk->bytes + (at - (const uint8_t *)walk->bytes);
    walk->views_len++;
    return VARVE_OK;
}

static varve_status fields_walk(struct walk *walk, VV_FB(Field_vec_t) fields)
{
    size_t len = VV_FB(Field_vec_len)(fields);
    if (walk->depth_left == 0)
        return vv_fail(walk->op, VARVE_ELIMIT, "the Arrow schema is nested more than %d deep",
            VV_ARROW_DEPTH_MAX);
    walk->depth_left--;
    for (size_t index = 0; index < len; index++) {
        VV_FB(Field_table_t) field = VV_FB(Field_vec_at)(fields, index);
        if (walk->fields_len == VV_ARROW_NODES_MAX)
            return vv_fail(walk->op, VARVE_ELIMIT, "the Arrow schema has more than %d fields",
                VV_ARROW_NODES_MAX);
        VV_FB(DictionaryEncoding_table_t) encoding = VV_FB(Field_dictionary)(field);
        if (VV_FB(Field_type_get)(field) == NULL ||
            (encoding && VV_FB(DictionaryEncoding_indexType)(encoding) == NULL))
            return vv_fail(walk->op, VARVE_EINVALID,
                "the Arrow schema has a field without a type");
        VV_TRY(view_add(walk, field));
        walk->fields_len++;
        VV_TRY(fields_walk(walk, VV_FB(Field_children)(field)));
    }
    walk->depth_left++;
    return VARVE_OK;
}

/* A table of the flatbuffer may be the child of several, so that no byte is changed twice. */
static void types_change(const struct walk *walk)
{
    for (size_t index = 0; index < walk->views_len; index++) {
        uint8_t *at = walk->type_bytes[index];
        if (is_view(*at))
            *at = *at == VV_FB(Type_Utf8View) ? VV_FB(Type_Utf8) : VV_FB(Type_Binary);
    }
}

/* The same walk through what nanoarrow made. A dictionary is the type of its field. */
static varve_status formats_change(const struct walk *walk, struct ArrowSchema *schema,
    size_t *field, size_t *view)
{
    for (int64_t index = 0; index < schema->n_children; index++) {
        struct ArrowSchema *child = schema->children[index];
        struct ArrowSchema *typed = child->dictionary ? child->dictionary : child;
        if (*view < walk->views_len && walk->views[*view] == *field) {
            bool is_text = strcmp(typed->format, "u") == 0;
            if (ArrowSchemaSetFormat(typed, is_text ? "vu" : "vz") != NANOARROW_OK)
                return vv_fail_memory(walk->op);
            (*view)++;
        }
        (*field)++;
        VV_TRY(formats_change(walk, typed, field, view));
    }
    return VARVE_OK;
}

static varve_status refuse(struct vv_op *op, int code, const struct ArrowError *error)
{
    if (code == ENOMEM)
        return vv_fail_memory(op);
    return vv_fail(op, code == ENOTSUP ? VARVE_EUNSUPPORTED : VARVE_EINVALID,
        "the Arrow schema cannot be read: %s", error->message);
}

static int message_decode(struct ArrowIpcDecoder *decoder, struct ArrowBufferView bytes,
    struct ArrowSchema *out, struct ArrowIpcDictionaryEncodings *out_encodings,
    struct ArrowError *error)
{
    int code = ArrowIpcDecoderVerifyHeader(decoder, bytes, error);
    if (code == NANOARROW_OK)
        code = ArrowIpcDecoderDecodeHeader(decoder, bytes, error);
    if (code == NANOARROW_OK)
        code = ArrowIpcDecoderDecodeSchemaWithDictionaries(decoder, out, out_encodings, error);
    return code;
}

/* The decoder keeps what the footer says; it is taken away from it. */
static int footer_decode(struct ArrowIpcDecoder *decoder, struct ArrowBufferView bytes,
    struct ArrowSchema *out, struct ArrowIpcDictionaryEncodings *out_encodings,
    struct ArrowError *error)
{
    int code = ArrowIpcDecoderVerifyFooter(decoder, bytes, error);
    if (code == NANOARROW_OK)
        code = ArrowIpcDecoderDecodeFooter(decoder, bytes, error);
    if (code != NANOARROW_OK)
        return code;
    ArrowSchemaMove(&decoder->footer->schema, out);
    *out_encodings = decoder->footer->dictionaries;
    ArrowIpcDictionaryEncodingsInit(&decoder->footer->dictionaries);
    return NANOARROW_OK;
}

varve_status vv_ipc_schema(struct vv_op *op, const struct vv_ipc_schema_bytes *from,
    struct ArrowSchema *out, struct ArrowIpcDictionaryEncodings *out_encodings)
{
    struct walk walk = {.op = op, .bytes = from->bytes, .depth_left = VV_ARROW_DEPTH_MAX};
    struct ArrowBufferView bytes = {.data.data = from->bytes, .size_bytes = (int64_t)from->len};
    struct ArrowError error = {.message = ""};
    VV_FB(Schema_table_t) table = from->table;
    struct ArrowIpcDecoder decoder;
    if (VV_FB(Schema_endianness)(table) != VV_FB(Endianness_Little))
        return vv_fail(op, VARVE_EUNSUPPORTED, "the values of this Arrow IPC are big-endian");
    VV_TRY(fields_walk(&walk, VV_FB(Schema_fields)(table)));
    types_change(&walk);
    if (ArrowIpcDecoderInit(&decoder) != NANOARROW_OK)
        return vv_fail_memory(op);
    int code = from->is_footer ? footer_decode(&decoder, bytes, out, out_encodings, &error)
                               : message_decode(&decoder, bytes, out, out_encodings, &error);
    ArrowIpcDecoderReset(&decoder);
    if (code != NANOARROW_OK)
        return refuse(op, code, &error);
    size_t field = 0, view = 0;
    varve_status status = formats_change(&walk, out, &field, &view);
    if (status != VARVE_OK) {
        out->release(out);
        ArrowIpcDictionaryEncodingsReset(out_encodings);
    }
    return status;
}
