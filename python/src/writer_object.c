#include "writer.h"

#include <time.h>

static struct vp_writer_object *object_of(PyObject *self)
{
    return (struct vp_writer_object *)self;
}

/* ---- Life ----------------------------------------------------------------------------------- */

struct open {
    varve_lake *lake;
    varve_writer_options options;
    varve_writer *writer;
};

static varve_status open_run(void *args, varve_error *err)
{
    struct open *open = args;
    return varve_writer_open(open->lake, &open->options, &open->writer, err);
}

static PyObject *writer_new(PyObject *module, struct vp_lake *lake, PyObject *const *events)
{
    struct vp_writer_object *self = vp_object_new(vp_state(module)->writer_type);
    if (self == NULL)
        return NULL;
    Py_INCREF(module);
    self->module = module;
    self->lake = vp_lake_retain(lake);
    for (size_t i = 0; i < VP_EVENTS; i++) {
        if (events[i] == Py_None)
            continue;
        Py_INCREF(events[i]);
        self->events[i] = events[i];
    }
    self->streams = vp_streams_new();
    if (self->streams != NULL)
        return (PyObject *)self;
    Py_DECREF((PyObject *)self);
    return NULL;
}

PyObject *vp_writer_object_open(PyObject *module, struct vp_lake *lake, PyObject *args)
{
    struct open open = {vp_lake_handle(lake), VARVE_WRITER_OPTIONS_INIT, NULL};
    varve_writer_options *options = &open.options;
    PyObject *events[VP_EVENTS];
    long long interval_ms, rows_max, bytes_max, spool_bytes_max, sync_ms;
    int full_fails;
    if (!PyArg_ParseTuple(args, "zLLLLLppppOOOO", &options->spool, &interval_ms, &rows_max,
            &bytes_max, &spool_bytes_max, &sync_ms, &options->sync_always, &full_fails,
            &options->adopt, &options->durability_off, &events[VP_ON_COMMIT],
            &events[VP_ON_DURABLE], &events[VP_ON_QUARANTINE], &events[VP_ON_RETRY]))
        return NULL;
    options->interval_ms = interval_ms;
    options->rows_max = rows_max;
    options->bytes_max = bytes_max;
    options->spool_bytes_max = spool_bytes_max;
    options->sync_ms = sync_ms;
    options->full_fails = 1; /* who waits, waits here */
    VP_OWNED PyObject *self = writer_new(module, lake, events);
    if (self == NULL)
        return NULL;
    object_of(self)->full_fails = full_fails;
    vp_writer_listen(object_of(self), options);
    int failed = vp_lake_call(lake, open_run, &open);
    object_of(self)->writer = open.writer;
    vp_streams_of(object_of(self)->streams, open.writer);
    return failed == 0 ? vp_move(&self) : NULL;
}

static int writer_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct vp_writer_object *self = object_of(object);
    for (size_t i = 0; i < VP_EVENTS; i++)
        Py_VISIT(self->events[i]);
    Py_VISIT(self->module);
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static int writer_clear(PyObject *object)
{
    struct vp_writer_object *self = object_of(object);
    for (size_t i = 0; i < VP_EVENTS; i++)
        Py_CLEAR(self->events[i]);
    return 0;
}

static void writer_dealloc(PyObject *object)
{
    struct vp_writer_object *self = object_of(object);
    PyObject_GC_UnTrack(object);
    writer_clear(object);
    if (self->streams != NULL && self->writer != NULL && vp_lake_is_ours(self->lake))
        (void)vp_streams_end(self->streams, false);
    Py_BEGIN_ALLOW_THREADS
        varve_writer_abandon(self->writer);
        vp_streams_release(self->streams);
        vp_lake_release(self->lake);
    Py_END_ALLOW_THREADS
    Py_XDECREF(self->module);
    vp_object_free(object);
}

struct abandon {
    varve_writer *writer;
    atomic_bool *out_ended;
};

static varve_status abandon_run(void *args, varve_error *err)
{
    const struct abandon *abandon = args;
    (void)err;
    varve_writer_abandon(abandon->writer);
    atomic_store(abandon->out_ended, true);
    return VARVE_OK;
}

/* False: a signal handler has raised. */
static bool look_away(void)
{
    Py_BEGIN_ALLOW_THREADS
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    Py_END_ALLOW_THREADS
    return PyErr_CheckSignals() == 0;
}

/* Until the calls are over. False: a signal handler has raised. */
static bool wait_for_calls(struct vp_writer_object *self)
{
    while (atomic_load(&self->calls) > 0)
        if (!look_away())
            return false;
    return true;
}

/* Whoever closes it waits for this very thread: a signal handler in the midst of that, or a callback. */
static bool must_not_wait(const struct vp_writer_object *self)
{
    return pthread_equal(self->closer, pthread_self()) || vp_writer_is_teller(self) ||
           vp_lake_is_telling(self->lake);
}

/*
 * Another thread that closes it is waited for: it may give up. False: it is closed, or is being closed by
 * whoever waits for this thread, or an exception.
 */
static bool begin_to_close(struct vp_writer_object *self)
{
    while (!atomic_load(&self->has_ended)) {
        if (!atomic_load(&self->is_closing)) {
            if (!vp_writer_check(self))
                return false;
            self->closer = pthread_self();
            atomic_store(&self->is_closing, true);
            return true;
        }
        if (must_not_wait(self) || !vp_lake_check_process(self->lake) || !look_away())
            return false;
    }
    return false;
}

/* From here on the writer is the caller's alone. NULL: it is not to be closed by the caller. */
static varve_writer *take_writer(struct vp_writer_object *self)
{
    if (!begin_to_close(self))
        return NULL;
    if (!wait_for_calls(self) || !vp_streams_end(self->streams, true)) {
        atomic_store(&self->is_closing, false);
        return NULL;
    }
    varve_writer *writer = self->writer;
    self->writer = NULL;
    return writer;
}

static PyObject *give_none(void)
{
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *writer_close(PyObject *self, PyObject *unused)
{
    varve_error err;
    bool raised = false;
    atomic_bool *ended = &object_of(self)->has_ended;
    varve_writer *writer = take_writer(object_of(self));
    (void)unused;
    if (writer != NULL && vp_writer_close_all(writer, ended, &err, &raised) != VARVE_OK &&
        !raised)
        return vp_raise(&err);
    return give_none();
}

static PyObject *writer_abandon(PyObject *self, PyObject *unused)
{
    bool raised = false;
    struct abandon abandon = {take_writer(object_of(self)), &object_of(self)->has_ended};
    struct vp_beside what = {NULL, abandon_run, &abandon, NULL, NULL};
    (void)unused;
    if (abandon.writer != NULL)
        (void)vp_run_beside(&what, NULL, &raised);
    return give_none();
}

static PyObject *writer_is_closed(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(atomic_load(&object_of(self)->has_ended));
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct metrics {
    varve_writer *writer;
    char *json;
};

static varve_status metrics_run(void *args, varve_error *err)
{
    struct metrics *call = args;
    return varve_writer_metrics(call->writer, &call->json, err);
}

static PyObject *writer_metrics(PyObject *object, PyObject *unused)
{
    struct vp_writer_object *self = object_of(object);
    struct metrics call = {self->writer, NULL};
    struct vp_beside what = {NULL, metrics_run, &call, NULL, NULL};
    (void)unused;
    if (vp_writer_call(self, &what) == 0)
        return vp_take_text(call.json);
    varve_free(call.json);
    return NULL;
}

struct scan {
    struct vp_writer_object *self;
    const char *table;
    varve_scan_options options;
    struct ArrowArrayStream stream;
    pthread_mutex_t lock;
    bool is_over; /* guarded by: lock; the writer is there until then */
};

/* The writer knows of the stream before the call is over, so that it is not closed before that is. */
static varve_status scan_do(struct scan *call, varve_error *err)
{
    struct vp_writer_object *self = call->self;
    struct ArrowArrayStream rows;
    varve_status status =
        varve_writer_scan(self->writer, call->table, &call->options, &rows, err);
    if (status == VARVE_EINTERRUPTED)
        vp_scans_forget_interrupt(self->writer);
    if (status != VARVE_OK || vp_kept_open(self->lake, self->streams, &rows, &call->stream))
        return status;
    vp_stream_done(&rows);
    return vp_fail(err, VARVE_ELIMIT, "memory is out");
}

static varve_status scan_run(void *args, varve_error *err)
{
    struct scan *call = args;
    varve_status status = scan_do(call, err);
    pthread_mutex_lock(&call->lock);
    call->is_over = true;
    pthread_mutex_unlock(&call->lock);
    return status;
}

static void scan_interrupt(void *args)
{
    struct scan *call = args;
    pthread_mutex_lock(&call->lock);
    if (!call->is_over)
        varve_writer_interrupt_scans(call->self->writer);
    pthread_mutex_unlock(&call->lock);
}

static PyObject *writer_scan(PyObject *object, PyObject *args)
{
    struct vp_writer_object *self = object_of(object);
    struct scan call = {
        .self = self, .options = VARVE_SCAN_OPTIONS_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};
    struct vp_beside what = {scan_interrupt, scan_run, &call, NULL, NULL};
    long long limit;
    if (!PyArg_ParseTuple(args, "szzL", &call.table, &call.options.columns, &call.options.where,
            &limit))
        return NULL;
    call.options.limit = limit;
    if (vp_writer_call(self, &what) == 0)
        return vp_stream_of_kept(self->module, &call.stream);
    vp_stream_done(&call.stream); /* a signal handler may have raised after it was made */
    return NULL;
}

static PyMethodDef writer_methods[] = {
    {"close", writer_close, METH_NOARGS, "Flushes everything, and ends."},
    {"abandon", writer_abandon, METH_NOARGS, "Ends without a flush."},
    {"is_closed", writer_is_closed, METH_NOARGS, "Whether it has ended."},
    {"put", vp_writer_put, METH_VARARGS, "A row; its sequence."},
    {"put_rejected", vp_writer_put_rejected, METH_VARARGS, "A row that can't be taken."},
    {"put_market_regime", (PyCFunction)(void (*)(void))vp_writer_put_market_regime,
        METH_VARARGS | METH_KEYWORDS, "A row of market_regimes; its sequence."},
    {"put_performance", (PyCFunction)(void (*)(void))vp_writer_put_performance,
        METH_VARARGS | METH_KEYWORDS, "A row of performance_metrics; its sequence."},
    {"put_signal", (PyCFunction)(void (*)(void))vp_writer_put_signal,
        METH_VARARGS | METH_KEYWORDS, "A row of signals; its sequence."},
    {"put_arrow", vp_writer_put_arrow, METH_VARARGS, "Arrow data; the last sequence."},
    {"sync", vp_writer_sync, METH_NOARGS, "Until all is spooled."},
    {"flush", vp_writer_flush, METH_VARARGS, "Until all is committed."},
    {"metrics", writer_metrics, METH_NOARGS, "JSON."},
    {"scan", writer_scan, METH_VARARGS, "A stream."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot writer_slots[] = {
    {Py_tp_dealloc, writer_dealloc},
    {Py_tp_traverse, writer_traverse},
    {Py_tp_clear, writer_clear},
    {Py_tp_methods, writer_methods},
    {Py_tp_new, vp_no_new},
    {0, NULL},
};

PyType_Spec vp_writer_spec = {"varve._core.Writer", sizeof(struct vp_writer_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, writer_slots};
