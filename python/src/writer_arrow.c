/*
 * Batches into the spool, by slices: where one finds no room it is tried again, and less of it. Rows
 * of it that were put already are put once more then; to the upsert they are the same rows. Each
 * slice is a call of its own: while a batch is waited for, the writer can be closed.
 */
#include "writer.h"

#include <time.h>

#define SLICE_ROWS 512

struct feed {
    struct vp_writer_object *self;
    const char *table;
    struct vp_rows rows;
    struct ArrowSchema schema;
    uint64_t sequence;
    atomic_bool is_cancelled;
};

/* ---- A slice as a stream: all of it is the batch's ------------------------------------------ */

struct slice {
    const struct ArrowSchema *schema;
    const struct ArrowArray *batch;
    int64_t from, len;
    bool is_given;
};

static void schema_borrowed(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static void array_borrowed(struct ArrowArray *array)
{
    array->release = NULL;
}

static int slice_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    const struct slice *slice = self->private_data;
    *out = *slice->schema;
    out->release = schema_borrowed;
    return 0;
}

static int slice_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct slice *slice = self->private_data;
    *out = (struct ArrowArray){.release = NULL};
    if (slice->is_given)
        return 0;
    *out = *slice->batch;
    out->offset += slice->from;
    out->length = slice->len;
    out->null_count = out->null_count == 0 ? 0 : -1;
    out->release = array_borrowed;
    slice->is_given = true;
    return 0;
}

static const char *slice_get_last_error(struct ArrowArrayStream *self)
{
    (void)self;
    return NULL;
}

static void slice_release(struct ArrowArrayStream *self)
{
    self->release = NULL;
}

/* ---- The feed ------------------------------------------------------------------------------- */

static varve_status fail_closed(varve_error *err)
{
    return vp_fail(err, VARVE_EUSAGE, "the writer was closed meanwhile");
}

static varve_status put_slice(struct feed *feed, const struct ArrowArray *batch, int64_t from,
    int64_t len, varve_error *err)
{
    struct slice slice = {&feed->schema, batch, from, len, false};
    struct ArrowArrayStream stream = {
        slice_get_schema, slice_get_next, slice_get_last_error, slice_release, &slice};
    uint64_t sequence = 0;
    if (!vp_writer_enter(feed->self))
        return fail_closed(err);
    varve_status status =
        varve_writer_put_arrow(feed->self->writer, feed->table, &stream, &sequence, err);
    vp_writer_end(feed->self);
    if (status == VARVE_OK && sequence > 0)
        feed->sequence = sequence;
    return status;
}

static void ask_room(struct feed *feed)
{
    if (!vp_writer_enter(feed->self))
        return;
    vp_writer_ask_room(feed->self->writer);
    vp_writer_end(feed->self);
}

static varve_status put_batch(struct feed *feed, const struct ArrowArray *batch,
    varve_error *err)
{
    int64_t from = 0, most = SLICE_ROWS;
    bool has_asked = false;
    while (from < batch->length) {
        int64_t len = batch->length - from < most ? batch->length - from : most;
        varve_status status = put_slice(feed, batch, from, len, err);
        if (status == VARVE_OK) {
            from += len;
            has_asked = false;
            continue;
        }
        if (!vp_writer_is_full(feed->self, err) || atomic_load(&feed->is_cancelled))
            return status;
        most = len > 1 ? len / 2 : 1;
        if (!has_asked)
            ask_room(feed);
        has_asked = true;
        nanosleep(&(struct timespec){.tv_nsec = VP_ROOM_WAIT_NS}, NULL);
    }
    return VARVE_OK;
}

static varve_status fail_stream(struct feed *feed, varve_error *err)
{
    const char *why = feed->rows.stream.get_last_error(&feed->rows.stream);
    return vp_fail(err, VARVE_EIO, why != NULL ? why : "the Arrow stream gives no rows");
}

static varve_status feed_run(void *args, varve_error *err)
{
    struct feed *feed = args;
    struct ArrowArrayStream *stream = &feed->rows.stream;
    if (stream->get_schema(stream, &feed->schema) != 0)
        return fail_stream(feed, err);
    while (!atomic_load(&feed->is_cancelled)) {
        struct ArrowArray batch = {.release = NULL};
        if (atomic_load(&feed->self->is_closing))
            return fail_closed(err);
        if (stream->get_next(stream, &batch) != 0)
            return fail_stream(feed, err);
        if (batch.release == NULL)
            break;
        varve_status status = put_batch(feed, &batch, err);
        batch.release(&batch);
        if (status != VARVE_OK)
            return status;
    }
    return VARVE_OK;
}

static void feed_cancel(void *args)
{
    atomic_store(&((struct feed *)args)->is_cancelled, true);
}

static PyObject *run_feed(struct feed *feed)
{
    struct vp_beside what = {feed_cancel, feed_run, feed, &feed->rows.reads.desk, NULL};
    varve_error err;
    bool raised = false;
    if (!vp_writer_begin(feed->self))
        return NULL;
    vp_writer_end(feed->self); /* it is not closed */
    varve_status status = vp_run_beside(&what, &err, &raised);
    if (raised)
        return NULL;
    return status == VARVE_OK ? PyLong_FromUnsignedLongLong(feed->sequence) : vp_raise(&err);
}

PyObject *vp_writer_put_arrow(PyObject *self, PyObject *args)
{
    struct feed feed = {.self = (struct vp_writer_object *)self};
    PyObject *data;
    if (!PyArg_ParseTuple(args, "sO", &feed.table, &data))
        return NULL;
    int taken = vp_rows_take(data, NULL, &feed.rows);
    if (taken == 0)
        PyErr_SetString(PyExc_TypeError, "Arrow data is needed: an object with "
                                         "__arrow_c_stream__ or __arrow_c_array__");
    PyObject *sequence = taken == 1 ? run_feed(&feed) : NULL;
    vp_schema_done(&feed.schema);
    vp_rows_done(&feed.rows);
    return sequence;
}
