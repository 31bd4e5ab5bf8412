/* Arrow arrays made by hand, for tests of what shows them. Everything lives until the case ends. */
#ifndef VARVE_TEST_ARRAYS_H
#define VARVE_TEST_ARRAYS_H

#include <string.h>

#include "cli/arrow_view.h"
#include "cli/render.h"

#define ARRAYS_MAX 8

/* A schema and the array that fits it; children are columns. */
struct arrays {
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowSchema *schema_children[ARRAYS_MAX];
    struct ArrowArray *array_children[ARRAYS_MAX];
    const void *buffers[3];
};

static inline void arrays_release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static inline void arrays_release(struct ArrowArray *array)
{
    array->release = NULL;
}

/* A column: `valid` NULL = no NULLs; `second` and `third` as its format asks for. */
static inline void arrays_column(struct arrays *column, const char *format, const char *name,
    int64_t length, const uint8_t *valid, const void *second, const void *third)
{
    memset(column, 0, sizeof(*column));
    column->buffers[0] = valid;
    column->buffers[1] = second;
    column->buffers[2] = third;
    column->schema = (struct ArrowSchema){.format = format,
        .name = name,
        .children = column->schema_children,
        .release = arrays_release_schema};
    column->array = (struct ArrowArray){.length = length,
        .null_count = valid ? -1 : 0,
        .n_buffers = third    ? 3
                     : second ? 2
                     : valid  ? 1
                              : 0,
        .buffers = column->buffers,
        .children = column->array_children,
        .release = arrays_release};
}

static inline void arrays_add(struct arrays *parent, struct arrays *child)
{
    parent->schema_children[parent->schema.n_children++] = &child->schema;
    parent->array_children[parent->array.n_children++] = &child->array;
}

/* A batch of columns: what a stream gives. */
static inline void arrays_batch(struct arrays *batch, int64_t length)
{
    arrays_column(batch, "+s", "", length, NULL, NULL, NULL);
    batch->array.n_buffers = 1;
}

/* A stream that gives the batch `batches` times and then fails with `error`, 0 = ends. */
struct arrays_stream {
    struct ArrowArrayStream stream;
    struct arrays *batch;
    int batches;
    int error;
    int released;
};

static inline int arrays_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    const struct arrays_stream *self = stream->private_data;
    *out = self->batch->schema;
    return 0;
}

static inline int arrays_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct arrays_stream *self = stream->private_data;
    memset(out, 0, sizeof(*out));
    if (self->batches == 0)
        return self->error;
    self->batches--;
    *out = self->batch->array;
    return 0;
}

static inline const char *arrays_get_last_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the test says so";
}

static inline void arrays_release_stream(struct ArrowArrayStream *stream)
{
    struct arrays_stream *self = stream->private_data;
    self->released++;
}

static inline void arrays_stream_init(struct arrays_stream *self, struct arrays *batch,
    int batches, int error)
{
    *self = (struct arrays_stream){.batch = batch, .batches = batches, .error = error};
    self->stream = (struct ArrowArrayStream){.get_schema = arrays_get_schema,
        .get_next = arrays_get_next,
        .get_last_error = arrays_get_last_error,
        .release = arrays_release_stream,
        .private_data = self};
}

#endif
