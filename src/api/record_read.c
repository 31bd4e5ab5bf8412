/* Arrow to records: all batches are kept until it is known how much memory the records take. */
#include <errno.h>

#include "api/record.h"
#include "base/seam.h"
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

static void schema_done(struct ArrowSchema *schema)
{
    if (schema->release != NULL)
        schema->release(schema);
}

static void stream_done(struct ArrowArrayStream **stream)
{
    if ((*stream)->release != NULL)
        (*stream)->release(*stream);
}

static varve_status fail_stream(struct vv_op *op, struct ArrowArrayStream *stream, int code)
{
    const char *why = stream->get_last_error(stream);
    varve_status status = code == ENOMEM      ? VARVE_ELIMIT
                          : code == ECANCELED ? VARVE_EINTERRUPTED
                          : code == EBADMSG   ? VARVE_ECORRUPT
                          : code == EINVAL    ? VARVE_EUSAGE
                                              : VARVE_EIO;
    return vv_fail(op, status, "read the rows: %s", why != NULL ? why : "no reason given");
}

static varve_status read_batches(struct vv_op *op, struct ArrowArrayStream *stream,
    struct batches *batches)
{
    for (;;) {
        struct ArrowArray array = {.release = NULL};
        void *items = batches->items;
        if (!vv_arena_grow(&op->arena, &items, batches->len, &batches->capacity,
                sizeof(struct ArrowArray), _Alignof(struct ArrowArray)))
            return vv_fail_memory(op);
        batches->items = items;
        int code = stream->get_next(stream, &array);
        if (code != 0)
            return fail_stream(op, stream, code);
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

/* Which child each field comes from; -1: none. */
static varve_status match_columns(struct vv_op *op, const struct vv_record_type *type,
    const struct ArrowSchema *schema, int64_t *columns)
{
    for (size_t i = 0; i < type->fields_len; i++) {
        columns[i] = -1;
        for (int64_t child = 0; child < schema->n_children; child++)
            if (strcmp(schema->children[child]->name, type->fields[i].name) == 0)
                columns[i] = child;
        if (columns[i] >= 0 &&
            !fits(type->fields[i].kind, schema->children[columns[i]]->format))
            return vv_fail(op, VARVE_EUSAGE,
                "column %s is of another type than the record's (Arrow format \"%s\")",
                type->fields[i].name, schema->children[columns[i]]->format);
    }
    return VARVE_OK;
}

static bool bit_at(const void *bits, int64_t index)
{
    const unsigned char *bytes = bits;
    return ((unsigned)bytes[index / 8] >> (index % 8) & 1U) != 0;
}

static bool is_null(const struct ArrowArray *column, int64_t row)
{
    return column->null_count != 0 && column->buffers[0] != NULL &&
           !bit_at(column->buffers[0], row);
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
            if (column->length > 0)
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

varve_status vv_records_read(struct vv_op *op, const struct vv_record_type *type,
    struct ArrowArrayStream *stream, void **out, size_t *out_len)
{
    VV_CLEANUP(stream_done) struct ArrowArrayStream *taken = stream;
    VV_CLEANUP(schema_done) struct ArrowSchema schema = {.release = NULL};
    VV_CLEANUP(batches_done) struct batches batches = {0};
    int64_t *columns = NULL;
    size_t len = 0;
    int code = taken->get_schema(taken, &schema);
    if (code != 0)
        return fail_stream(op, taken, code);
    VV_NEW(op, &columns, int64_t, type->fields_len);
    VV_TRY(match_columns(op, type, &schema, columns));
    VV_TRY(read_batches(op, taken, &batches));
    for (size_t i = 0; i < batches.len; i++)
        len += (size_t)batches.items[i].length;
    char *records = vv_malloc(len * type->bytes + text_bytes(type, columns, &batches) + 1);
    if (records == NULL)
        return vv_fail_memory(op);
    fill(type, columns, &batches, records, records + len * type->bytes);
    *out = records;
    *out_len = len;
    return VARVE_OK;
}
