#include "warm_batch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nanoarrow/nanoarrow_ipc.h"

#define BATCHES_MAX 64
#define ARRAYS_MAX 4096

struct warm_batch {
    char name[64];
    struct ArrowSchema schema;
    struct ArrowArray arrays[ARRAYS_MAX];
    size_t arrays_len;
};

struct replay {
    struct warm_batch *batch;
    size_t next;
};

static struct warm_batch *batches[BATCHES_MAX];
static size_t batches_len;

static varve_status fail(varve_error *err, varve_status code, const char *what,
    const char *detail)
{
    err->code = code;
    (void)snprintf(err->message, sizeof(err->message), "%s: %s", what, detail);
    return code;
}

static void clear(struct warm_batch *batch)
{
    for (size_t i = 0; i < batch->arrays_len; i++)
        batch->arrays[i].release(&batch->arrays[i]);
    if (batch->schema.release != NULL)
        batch->schema.release(&batch->schema);
    batch->arrays_len = 0;
}

struct warm_batch *warm_batch_find(const char *name)
{
    for (size_t i = 0; i < batches_len; i++)
        if (strcmp(batches[i]->name, name) == 0)
            return batches[i];
    return NULL;
}

/* An empty batch of that name. NULL: no room. */
static struct warm_batch *place_of(const char *name)
{
    struct warm_batch *batch = warm_batch_find(name);
    if (batch != NULL) {
        clear(batch);
        return batch;
    }
    batch = batches_len < BATCHES_MAX ? calloc(1, sizeof(*batch)) : NULL;
    if (batch == NULL)
        return NULL;
    (void)snprintf(batch->name, sizeof(batch->name), "%s", name);
    batches[batches_len++] = batch;
    return batch;
}

static varve_status drain(struct ArrowArrayStream *stream, struct warm_batch *batch,
    int64_t *out_rows, varve_error *err)
{
    if (stream->get_schema(stream, &batch->schema) != 0)
        return fail(err, VARVE_EIO, batch->name, stream->get_last_error(stream));
    *out_rows = 0;
    while (true) {
        struct ArrowArray array = {0};
        if (stream->get_next(stream, &array) != 0)
            return fail(err, VARVE_EIO, batch->name, stream->get_last_error(stream));
        if (array.release == NULL)
            return VARVE_OK;
        if (batch->arrays_len == ARRAYS_MAX) {
            array.release(&array);
            return fail(err, VARVE_ELIMIT, batch->name, "too many arrays");
        }
        *out_rows += array.length;
        batch->arrays[batch->arrays_len++] = array;
    }
}

varve_status warm_batch_read(const char *name, const char *path, int64_t *out_rows,
    varve_error *err)
{
    struct ArrowIpcInputStream input;
    struct ArrowArrayStream stream;
    struct warm_batch *batch = place_of(name);
    if (batch == NULL)
        return fail(err, VARVE_ELIMIT, name, "too many batches");
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return fail(err, VARVE_EIO, path, "can't be opened");
    if (ArrowIpcInputStreamInitFile(&input, file, 1) != NANOARROW_OK) {
        (void)fclose(file);
        return fail(err, VARVE_EIO, path, "no memory");
    }
    if (ArrowIpcArrayStreamReaderInit(&stream, &input, NULL) != NANOARROW_OK) {
        input.release(&input);
        return fail(err, VARVE_EIO, path, "not an Arrow stream");
    }
    varve_status status = drain(&stream, batch, out_rows, err);
    stream.release(&stream);
    return status;
}

/* The memory stays the batch's: what is handed out is released by doing nothing. */
static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static int replay_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    struct replay *replay = stream->private_data;
    *out = replay->batch->schema;
    out->release = release_schema;
    return 0;
}

static int replay_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    struct replay *replay = stream->private_data;
    memset(out, 0, sizeof(*out));
    if (replay->next == replay->batch->arrays_len)
        return 0;
    *out = replay->batch->arrays[replay->next++];
    out->release = release_array;
    return 0;
}

static const char *replay_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return NULL;
}

static void replay_release(struct ArrowArrayStream *stream)
{
    free(stream->private_data);
    stream->release = NULL;
}

varve_status warm_batch_stream(struct warm_batch *batch, struct ArrowArrayStream *out,
    varve_error *err)
{
    struct replay *replay = malloc(sizeof(*replay));
    if (replay == NULL)
        return fail(err, VARVE_ELIMIT, batch->name, "no memory");
    *replay = (struct replay){batch, 0};
    *out = (struct ArrowArrayStream){
        replay_schema, replay_next, replay_error, replay_release, replay};
    return VARVE_OK;
}

void warm_batch_free_all(void)
{
    for (size_t i = 0; i < batches_len; i++) {
        clear(batches[i]);
        free(batches[i]);
    }
    batches_len = 0;
}
