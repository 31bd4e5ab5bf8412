#include "stream.h"

#include <errno.h>
#include <stdlib.h>

#include "decode.h"
#include "kept.h"

/* ---- The object ----------------------------------------------------------------------------- */

struct stream_object {
    PyObject_HEAD
    PyObject *module;
    struct ArrowArrayStream stream; /* released: it was given away, or read to its end */
    struct vp_column *columns;      /* once rows are asked for */
    bool is_busy;                   /* a thread is in get_next */
};

PyObject *vp_stream_of_kept(PyObject *module, struct ArrowArrayStream *kept)
{
    struct stream_object *self = vp_object_new(vp_state(module)->stream_type);
    if (self == NULL) {
        vp_stream_done(kept);
        return NULL;
    }
    self->stream = *kept;
    Py_INCREF(module);
    self->module = module;
    return (PyObject *)self;
}

PyObject *vp_stream_new(PyObject *module, struct vp_lake *lake, struct ArrowArrayStream *inner)
{
    struct ArrowArrayStream kept;
    if (vp_kept_open(lake, NULL, inner, &kept))
        return vp_stream_of_kept(module, &kept);
    vp_stream_done(inner);
    return PyErr_NoMemory();
}

/* Reads and closes need no GIL, and may take their time. */
static void stream_release(struct stream_object *self)
{
    struct ArrowArrayStream stream = self->stream;
    self->stream.release = NULL;
    Py_BEGIN_ALLOW_THREADS
        vp_stream_done(&stream);
    Py_END_ALLOW_THREADS
}

static void stream_dealloc(PyObject *object)
{
    struct stream_object *self = (struct stream_object *)object;
    stream_release(self);
    vp_column_free(self->columns);
    Py_XDECREF(self->module);
    vp_object_free(object);
}

static bool check_readable(const struct stream_object *self)
{
    if (self->is_busy) {
        vp_raise_code(VARVE_EUSAGE, "another thread reads this stream");
        return false;
    }
    if (self->stream.release == NULL) {
        vp_raise_code(VARVE_EUSAGE, "this stream was read or closed before, and a stream is "
                                    "read once: ask for the rows again");
        return false;
    }
    return true;
}

/* What the library's codes are as the errors of a stream, and back (engine/arrow_out.c). */
static PyObject *raise_stream(struct stream_object *self, int number)
{
    static const struct {
        int number;
        varve_status code;
    } codes[] = {{ENOMEM, VARVE_ELIMIT}, {EBADMSG, VARVE_ECORRUPT}, {EINVAL, VARVE_EUSAGE},
        {ENOTSUP, VARVE_EUNSUPPORTED}, {ECANCELED, VARVE_EINTERRUPTED}, {EIO, VARVE_EIO}};
    const char *reason = self->stream.get_last_error(&self->stream);
    varve_status code = VARVE_EFAILED;
    for (size_t i = 0; i < VP_COUNT(codes); i++)
        if (codes[i].number == number)
            code = codes[i].code;
    return vp_raise_code(code, reason != NULL ? reason : "the stream gives no rows");
}

static void schema_capsule_done(PyObject *capsule)
{
    struct ArrowSchema *schema = PyCapsule_GetPointer(capsule, "arrow_schema");
    if (schema != NULL)
        vp_schema_done(schema);
    free(schema);
}

static PyObject *stream_arrow_schema(PyObject *object, PyObject *unused)
{
    struct stream_object *self = (struct stream_object *)object;
    (void)unused;
    if (!check_readable(self))
        return NULL;
    struct ArrowSchema *schema = calloc(1, sizeof(*schema));
    if (schema == NULL)
        return PyErr_NoMemory();
    int failed = self->stream.get_schema(&self->stream, schema);
    if (failed) {
        free(schema);
        return raise_stream(self, failed);
    }
    PyObject *capsule = PyCapsule_New(schema, "arrow_schema", schema_capsule_done);
    if (capsule == NULL) {
        vp_schema_done(schema);
        free(schema);
    }
    return capsule;
}

static void stream_capsule_done(PyObject *capsule)
{
    struct ArrowArrayStream *stream = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (stream == NULL)
        return;
    Py_BEGIN_ALLOW_THREADS
        vp_stream_done(stream);
    Py_END_ALLOW_THREADS
    free(stream);
}

static PyObject *stream_arrow_stream(PyObject *object, PyObject *unused)
{
    struct stream_object *self = (struct stream_object *)object;
    (void)unused;
    if (!check_readable(self))
        return NULL;
    struct ArrowArrayStream *given = malloc(sizeof(*given));
    if (given == NULL)
        return PyErr_NoMemory();
    *given = self->stream;
    PyObject *capsule = PyCapsule_New(given, "arrow_array_stream", stream_capsule_done);
    if (capsule == NULL) {
        free(given);
        return NULL;
    }
    self->stream.release = NULL;
    return capsule;
}

static int read_schema(struct stream_object *self)
{
    struct ArrowSchema schema = {.release = NULL};
    if (self->columns != NULL)
        return 0;
    int failed = self->stream.get_schema(&self->stream, &schema);
    if (failed) {
        raise_stream(self, failed);
        return -1;
    }
    self->columns = vp_column_new(vp_state(self->module), &schema);
    vp_schema_done(&schema);
    return self->columns == NULL ? -1 : 0;
}

/* The next batch; released at the end. */
static int read_batch(struct stream_object *self, struct ArrowArray *out)
{
    bool raised = false;
    *out = (struct ArrowArray){.release = NULL};
    self->is_busy = true;
    int failed = vp_kept_next(&self->stream, out, &raised);
    self->is_busy = false;
    if (raised) {
        vp_array_done(out);
        return -1;
    }
    if (failed != 0)
        raise_stream(self, failed);
    return failed == 0 ? 0 : -1;
}

/* A batch is lost with the failure: what comes behind it is not to be taken for all that there is. */
static PyObject *give_up(struct stream_object *self)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    stream_release(self);
    PyErr_Restore(type, value, trace);
    return NULL;
}

/* The next batch as a list of dicts; None at the end. */
static PyObject *stream_next_rows(PyObject *object, PyObject *unused)
{
    struct stream_object *self = (struct stream_object *)object;
    struct ArrowArray batch;
    (void)unused;
    if (!check_readable(self) || read_schema(self) < 0)
        return NULL;
    if (read_batch(self, &batch) < 0)
        return give_up(self);
    if (batch.release == NULL) {
        stream_release(self);
        Py_RETURN_NONE;
    }
    self->is_busy = true; /* whatever the objects that are made let run */
    PyObject *list = PyList_New(0);
    if (list != NULL && vp_column_rows(self->columns, &batch, list) < 0) {
        Py_DECREF(list);
        list = NULL;
    }
    self->is_busy = false;
    vp_array_done(&batch);
    return list != NULL ? list : give_up(self);
}

static PyObject *stream_intervals(PyObject *object, PyObject *unused)
{
    struct stream_object *self = (struct stream_object *)object;
    (void)unused;
    if (!check_readable(self) || read_schema(self) < 0)
        return NULL;
    return vp_column_intervals(self->columns);
}

static PyObject *stream_close(PyObject *object, PyObject *unused)
{
    struct stream_object *self = (struct stream_object *)object;
    (void)unused;
    if (self->is_busy)
        return vp_raise_code(VARVE_EUSAGE, "another thread reads this stream");
    stream_release(self);
    Py_RETURN_NONE;
}

static PyMethodDef stream_methods[] = {
    {"arrow_stream", stream_arrow_stream, METH_NOARGS,
        "The rest of the stream as a capsule `arrow_array_stream`."},
    {"arrow_schema", stream_arrow_schema, METH_NOARGS, "A capsule `arrow_schema`."},
    {"next_rows", stream_next_rows, METH_NOARGS,
        "The rows of the next batch, a list of dicts; None at the end."},
    {"intervals", stream_intervals, METH_NOARGS, "Names of the columns that hold intervals."},
    {"close", stream_close, METH_NOARGS, "Gives up what is not read yet."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot stream_slots[] = {
    {Py_tp_dealloc, stream_dealloc},
    {Py_tp_methods, stream_methods},
    {Py_tp_new, vp_no_new},
    {0, NULL},
};

PyType_Spec vp_stream_spec = {
    "varve._core.Stream", sizeof(struct stream_object), 0, Py_TPFLAGS_DEFAULT, stream_slots};
