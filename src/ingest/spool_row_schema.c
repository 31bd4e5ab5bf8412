/*
 * A schema in the spool:
 *     1 byte   1, the version
 *     4 bytes  how many columns, then each of them:
 *         2 bytes and so many   the format, as in Arrow's C Data Interface
 *         4 bytes and so many   the name
 *         4 bytes               how many children, then each of them, in the same way
 */
#include "ingest/spool_row.h"

#include <string.h>

#define VERSION 1
#define COLUMN_BYTES_MIN 10
#define NULL_WEIGHT_MAX (1 << 20)

static void put_number(struct vv_buf *out, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        vv_buf_addc(out, (char)(value >> (8 * i)));
}

/* The format with which the values of another come back. */
static const char *plain_format(const char *format)
{
    static const char *const pairs[][2] = {
        {"U", "u"}, {"vu", "u"}, {"Z", "z"}, {"vz", "z"}, {"+L", "+l"}};
    for (size_t i = 0; i < VV_COUNT(pairs); i++)
        if (strcmp(format, pairs[i][0]) == 0)
            return pairs[i][1];
    return format;
}

static varve_status column_write(struct vv_op *op, const struct ArrowSchema *schema,
    const char *name, struct vv_buf *out)
{
    const struct ArrowSchema *values = schema;
    while (values->dictionary != NULL)
        values = values->dictionary;
    const char *format = plain_format(values->format);
    if (strlen(format) > UINT16_MAX || strlen(name) > INT32_MAX)
        return vv_fail(op, VARVE_EUNSUPPORTED, "an Arrow column of %zu bytes of format",
            strlen(format));
    put_number(out, strlen(format), 2);
    vv_buf_adds(out, format);
    put_number(out, strlen(name), 4);
    vv_buf_adds(out, name);
    put_number(out, (uint64_t)values->n_children, 4);
    for (int64_t i = 0; i < values->n_children; i++) {
        const char *child = values->children[i]->name;
        VV_TRY(column_write(op, values->children[i], child ? child : "", out));
    }
    return VARVE_OK;
}

varve_status vv_row_schema_write(struct vv_op *op, const struct ArrowSchema *schema,
    struct vv_buf *out)
{
    size_t start = out->len;
    put_number(out, VERSION, 1);
    put_number(out, (uint64_t)schema->n_children, 4);
    for (int64_t i = 0; i < schema->n_children; i++) {
        const char *name = schema->children[i]->name;
        VV_TRY(column_write(op, schema->children[i], name ? name : "", out));
    }
    if (!vv_buf_ok(out))
        return vv_fail_memory(op);
    struct vv_row_schema read;
    if (vv_row_schema_read(op, vv_str_skip(vv_buf_str(out), start), &read) == VARVE_OK)
        return VARVE_OK;
    return op->error.code == VARVE_ECORRUPT ? vv_recode(op, VARVE_EUNSUPPORTED)
                                            : op->error.code;
}

/* The tree lives in the operation; this says that it is one, as Arrow wants it. */
static void release_nothing(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static varve_status corrupt(struct vv_op *op, const char *what)
{
    return vv_fail(op, VARVE_ECORRUPT, "not a schema of typed rows: %s", what);
}

static bool take_number(struct vv_row_bytes *from, size_t bytes, uint64_t *out)
{
    const unsigned char *taken = vv_row_take(from, bytes);
    *out = 0;
    for (size_t i = 0; taken != NULL && i < bytes; i++)
        *out |= (uint64_t)taken[i] << (8 * i);
    return taken != NULL;
}

static varve_status take_text(struct vv_op *op, struct vv_row_bytes *from, size_t count_bytes,
    const char **out)
{
    uint64_t len = 0;
    const unsigned char *bytes = NULL;
    if (take_number(from, count_bytes, &len))
        bytes = vv_row_take(from, (size_t)len);
    if (bytes == NULL)
        return corrupt(op, "it ends in the middle of a text");
    struct vv_str text = {(const char *)bytes, (size_t)len};
    if (vv_str_find(text, '\0') < text.len)
        return corrupt(op, "a text has a NUL byte");
    *out = vv_arena_str(&op->arena, text).ptr;
    return *out != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status column_read(struct vv_op *op, struct vv_row_bytes *from, uint32_t depth,
    struct ArrowSchema *out);

static varve_status children_read(struct vv_op *op, struct vv_row_bytes *from, uint32_t depth,
    struct ArrowSchema *out)
{
    uint64_t len = 0;
    struct ArrowSchema *children = NULL;
    if (!take_number(from, 4, &len) || len > from->left / COLUMN_BYTES_MIN)
        return corrupt(op, "it ends in the middle of its columns");
    if (depth > VV_ARROW_DEPTH_MAX)
        return corrupt(op, "it is nested too deep");
    VV_NEW(op, &children, struct ArrowSchema, (size_t)len + 1);
    VV_NEW(op, &out->children, struct ArrowSchema *, (size_t)len + 1);
    for (uint64_t i = 0; i < len; i++) {
        out->children[i] = &children[i];
        VV_TRY(column_read(op, from, depth, &children[i]));
    }
    out->n_children = (int64_t)len;
    return VARVE_OK;
}

static varve_status column_read(struct vv_op *op, struct vv_row_bytes *from, uint32_t depth,
    struct ArrowSchema *out)
{
    out->release = release_nothing;
    out->flags = ARROW_FLAG_NULLABLE;
    VV_TRY(take_text(op, from, 2, &out->format));
    VV_TRY(take_text(op, from, 4, &out->name));
    return children_read(op, from, depth + 1, out);
}

/* How many values and bytes Arrow has below a NULL: lists and binaries of fixed length are filled. */
static uint64_t null_weight(const struct vv_arrow_type *type)
{
    uint64_t weight = 1;
    for (int64_t i = 0; i < type->children_len && weight <= NULL_WEIGHT_MAX; i++)
        weight += null_weight(&type->children[i]);
    if (type->kind == VV_ARROW_ARRAY)
        weight *= (uint64_t)type->width;
    return type->kind == VV_ARROW_BYTES ? (uint64_t)type->width : weight;
}

/* What a schema is made of by vv_row_schema_write, and nothing else. */
static bool is_plain(const struct vv_arrow_type *type)
{
    if (type->kind == VV_ARROW_VIEW || type->kind == VV_ARROW_DICTIONARY ||
        ((type->kind == VV_ARROW_TEXT || type->kind == VV_ARROW_LIST) && type->width != 4) ||
        null_weight(type) > NULL_WEIGHT_MAX)
        return false;
    for (int64_t i = 0; i < type->children_len; i++)
        if (!is_plain(&type->children[i]))
            return false;
    return true;
}

varve_status vv_row_schema_read(struct vv_op *op, struct vv_str payload,
    struct vv_row_schema *out)
{
    struct vv_row_bytes from = {(const unsigned char *)payload.ptr, payload.len};
    uint64_t version = 0;
    struct ArrowSchema *schema = NULL;
    if (!take_number(&from, 1, &version) || version != VERSION)
        return corrupt(op, "it is of another version");
    VV_NEW(op, &schema, struct ArrowSchema, 1);
    schema->format = "+s";
    schema->name = "";
    schema->release = release_nothing;
    VV_TRY(children_read(op, &from, 0, schema));
    if (from.left > 0)
        return corrupt(op, "there is more behind its end");
    struct vv_arrow_type type;
    if (vv_arrow_type_read(op, schema, &type) != VARVE_OK) {
        if (op->error.code != VARVE_ELIMIT)
            vv_recode(op, VARVE_ECORRUPT);
        return vv_note(op, "not a schema of typed rows");
    }
    if (!is_plain(&type))
        return corrupt(op, "it has a format that is not written, or too large a one");
    *out = (struct vv_row_schema){schema, type};
    return VARVE_OK;
}
