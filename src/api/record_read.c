/* Arrow to records: all batches are kept until it is known how much memory the records take. */
#include "api/record.h"
#include "base/seam.h"
#include "engine/arrow_stream.h"
#include "engine/arrow_type.h"
#include "varve/market.h"

struct batches {
    struct ArrowArray *items;
    size_t len;
    size_t capacity;
};

static void batches_done(struct batches *batches)
{
    for (size_t i = 0; i < batches->len; i++)
        if (batches->items[i].release != NULL)
            batches->items[i].release(&batches->items[i]);
}

static void stream_done(struct ArrowArrayStream **stream)
{
    if ((*stream)->release != NULL)
        (*stream)->release(*stream);
}

/* The children that are fields of a record, as a batch of their own: of what else is there nothing is read. */
struct picked {
    struct ArrowSchema schema;
    struct vv_arrow_type type;
    int64_t *from;    /* by child: which one of the stream's */
    int64_t *columns; /* by field: which child; -1: none */
};

/* The batch with the children that are picked; they stay the stream's. EINVALID: it is broken. */
static varve_status pick(struct vv_op *op, const struct picked *picked, int64_t children_len,
    const struct ArrowArray *batch, struct ArrowArray *out)
{
    if (batch->n_children != children_len || (children_len > 0 && batch->children == NULL))
        return vv_fail(op, VARVE_EINVALID,
            "a batch of the stream has %" PRId64 " columns, and its schema %" PRId64,
            batch->n_children, children_len);
    *out = *batch;
    out->n_children = picked->schema.n_children;
    VV_NEW(op, &out->children, struct ArrowArray *, (size_t)out->n_children + 1);
    for (int64_t i = 0; i < out->n_children; i++)
        out->children[i] = batch->children[picked->from[i]];
    return vv_arrow_check(op, &picked->type, out);
}

static varve_status read_batches(struct vv_op *op, struct ArrowArrayStream *stream,
    struct batches *batches)
{
    for (;;) {
        struct ArrowArray array = {.release = NULL};
        void *items = batches->items;
        VV_TRY(vv_check_cancel(op));
        if (!vv_arena_grow(&op->arena, &items, batches->len, &batches->capacity,
                sizeof(struct ArrowArray), _Alignof(struct ArrowArray)))
            return vv_fail_memory(op);
        batches->items = items;
        int code = stream->get_next(stream, &array);
        if (code != 0)
            return vv_arrow_fail(op, stream, code, "read the rows");
        if (array.release == NULL)
            return VARVE_OK;
        batches->items[batches->len++] = array;
    }
}

static bool fits(enum vv_record_kind kind, const char *format)
{
    switch (kind) {
    case VV_RECORD_TIME:
        return strncmp(format, "tsu:", 4) == 0;
    case VV_RECORD_TEXT:
        return strcmp(format, "u") == 0;
    case VV_RECORD_NUMBER:
        return strcmp(format, "g") == 0;
    case VV_RECORD_INT:
        return strcmp(format, "i") == 0;
    case VV_RECORD_BOOL:
        return strcmp(format, "b") == 0;
    }
    return false;
}

static varve_status check_column(struct vv_op *op, const struct vv_record_field *field,
    const struct ArrowSchema *child)
{
    if (child->dictionary != NULL)
        return vv_fail(op, VARVE_EUSAGE, "column %s is an enum, not a text: cast it to VARCHAR",
            field->name);
    if (child->format == NULL || !fits(field->kind, child->format))
        return vv_fail(op, VARVE_EUSAGE,
            "column %s is of another type than the record's (Arrow format \"%s\")", field->name,
            child->format != NULL ? child->format : "");
    return VARVE_OK;
}

/* By their names, in any case, as everywhere. */
static varve_status match_columns(struct vv_op *op, const struct vv_record_type *type,
    const struct ArrowSchema *schema, struct picked *out)
{
    *out = (struct picked){
        .schema = {.format = "+s", .name = "", .release = schema->release}}; /* never called */
    if (schema->n_children > 0 && schema->children == NULL)
        return vv_fail(op, VARVE_EINVALID,
            "the stream's schema has columns and does not say which");
    VV_NEW(op, &out->columns, int64_t, type->fields_len);
    VV_NEW(op, &out->from, int64_t, type->fields_len);
    VV_NEW(op, &out->schema.children, struct ArrowSchema *, type->fields_len);
    for (size_t i = 0; i < type->fields_len; i++) {
        const struct vv_record_field *field = &type->fields[i];
        out->columns[i] = -1;
        for (int64_t child = 0; child < schema->n_children; child++) {
            const char *name = schema->children[child]->name;
            if (name == NULL || !vv_str_eq_nocase(vv_str_of(name), vv_str_of(field->name)))
                continue;
            if (out->columns[i] >= 0)
                return vv_fail(op, VARVE_EUSAGE, "there are two columns %s", field->name);
            VV_TRY(check_column(op, field, schema->children[child]));
            out->columns[i] = out->schema.n_children;
            out->from[out->schema.n_children] = child;
            out->schema.children[out->schema.n_children++] = schema->children[child];
        }
    }
    return vv_arrow_type_read(op, &out->schema, &out->type);
}

static bool bit_at(const void *bits, int64_t index)
{
    const unsigned char *bytes = bits;
    return ((unsigned)bytes[index / 8] >> (index % 8) & 1U) != 0;
}

static bool is_null(const struct ArrowArray *column, int64_t row)
{
    return column->buffers[0] != NULL && !bit_at(column->buffers[0], row);
}

/* A C text ends at its first NUL: what is behind would be lost. `row` counts from 1. */
static varve_status check_text(struct vv_op *op, const struct vv_record_field *field,
    const struct ArrowArray *column, int64_t at, size_t row)
{
    const int32_t *offsets = column->buffers[1];
    if (is_null(column, at) || offsets[at + 1] == offsets[at])
        return VARVE_OK;
    const char *text = (const char *)column->buffers[2] + offsets[at];
    if (memchr(text, '\0', (size_t)(offsets[at + 1] - offsets[at])) == NULL)
        return VARVE_OK;
    return vv_fail(op, VARVE_EINVALID,
        "row %zu: the text in column %s holds a NUL, which a C text can't", row, field->name);
}

static varve_status check_texts(struct vv_op *op, const struct vv_record_type *type,
    const int64_t *columns, const struct batches *batches)
{
    size_t before = 0;
    for (size_t b = 0; b < batches->len; b++) {
        const struct ArrowArray *batch = &batches->items[b];
        VV_TRY(vv_check_cancel(op));
        for (int64_t row = 0; row < batch->length; row++)
            for (size_t i = 0; i < type->fields_len; i++)
                if (columns[i] >= 0 && type->fields[i].kind == VV_RECORD_TEXT)
                    VV_TRY(check_text(op, &type->fields[i], batch->children[columns[i]],
                        batch->children[columns[i]]->offset + batch->offset + row,
                        before + (size_t)row + 1));
        before += (size_t)batch->length;
    }
    return VARVE_OK;
}

static size_t text_bytes(const struct vv_record_type *type, const int64_t *columns,
    const struct batches *batches)
{
    size_t bytes = 0;
    for (size_t b = 0; b < batches->len; b++) {
        for (size_t i = 0; i < type->fields_len; i++) {
            if (columns[i] < 0 || type->fields[i].kind != VV_RECORD_TEXT)
                continue;
            const struct ArrowArray *column = batches->items[b].children[columns[i]];
            const int32_t *offsets = column->buffers[1];
            int64_t begin = column->offset + batches->items[b].offset;
            if (batches->items[b].length > 0)
                bytes += (size_t)(offsets[begin + batches->items[b].length] - offsets[begin]);
            bytes += (size_t)batches->items[b].length; /* a NUL each */
        }
    }
    return bytes;
}

/* Writes one value into a record; a text goes to `*texts`. */
static void read_value(enum vv_record_kind kind, const struct ArrowArray *column, int64_t row,
    void *value, char **texts)
{
    const int32_t *offsets = column->buffers[1];
    int32_t flag;
    switch (kind) {
    case VV_RECORD_TIME:
        memcpy(value, (const int64_t *)column->buffers[1] + row, sizeof(int64_t));
        return;
    case VV_RECORD_NUMBER:
        memcpy(value, (const double *)column->buffers[1] + row, sizeof(double));
        return;
    case VV_RECORD_INT:
        memcpy(value, (const int32_t *)column->buffers[1] + row, sizeof(int32_t));
        return;
    case VV_RECORD_BOOL:
        flag = bit_at(column->buffers[1], row) ? 1 : 0;
        memcpy(value, &flag, sizeof(flag));
        return;
    case VV_RECORD_TEXT:
        break;
    }
    size_t len = (size_t)(offsets[row + 1] - offsets[row]);
    if (len > 0)
        memcpy(*texts, (const char *)column->buffers[2] + offsets[row], len);
    (*texts)[len] = '\0';
    memcpy(value, texts, sizeof(*texts));
    *texts += len + 1;
}

static void fill(const struct vv_record_type *type, const int64_t *columns,
    const struct batches *batches, char *records, char *texts)
{
    for (size_t b = 0; b < batches->len; b++) {
        const struct ArrowArray *batch = &batches->items[b];
        for (int64_t row = 0; row < batch->length; row++, records += type->bytes) {
            memcpy(records, type->init, type->bytes);
            for (size_t i = 0; i < type->fields_len; i++) {
                if (columns[i] < 0)
                    continue;
                const struct ArrowArray *column = batch->children[columns[i]];
                int64_t at = column->offset + batch->offset + row;
                if (!is_null(column, at))
                    read_value(type->fields[i].kind, column, at,
                        records + type->fields[i].offset, &texts);
            }
        }
    }
}

static varve_status read_records(struct vv_op *op, const struct vv_record_type *type,
    const struct picked *picked, const struct batches *batches, void **out, size_t *out_len)
{
    size_t len = 0;
    VV_TRY(check_texts(op, type, picked->columns, batches));
    for (size_t i = 0; i < batches->len; i++)
        len += (size_t)batches->items[i].length;
    char *records =
        vv_malloc(len * type->bytes + text_bytes(type, picked->columns, batches) + 1);
    if (records == NULL)
        return vv_fail_memory(op);
    fill(type, picked->columns, batches, records, records + len * type->bytes);
    *out = records;
    *out_len = len;
    return VARVE_OK;
}

varve_status vv_records_read(struct vv_op *op, const struct vv_record_type *type,
    struct ArrowArrayStream *stream, void **out, size_t *out_len)
{
    VV_CLEANUP(stream_done) struct ArrowArrayStream *taken = stream;
    VV_CLEANUP(vv_arrow_schema_done) struct ArrowSchema schema = {.release = NULL};
    VV_CLEANUP(batches_done) struct batches batches = {0};
    struct batches parts = {0};
    struct picked picked;
    VV_TRY(vv_arrow_check_unread(op, stream));
    int code = taken->get_schema(taken, &schema);
    if (code != 0) {
        schema.release = NULL;
        return vv_arrow_fail(op, taken, code, "read the rows");
    }
    VV_TRY(match_columns(op, type, &schema, &picked));
    VV_TRY(read_batches(op, taken, &batches));
    VV_NEW(op, &parts.items, struct ArrowArray, batches.len + 1);
    for (; parts.len < batches.len; parts.len++)
        VV_TRY(pick(op, &picked, schema.n_children, &batches.items[parts.len],
            &parts.items[parts.len]));
    return read_records(op, type, &picked, &parts, out, out_len);
}
