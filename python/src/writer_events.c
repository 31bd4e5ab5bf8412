#include "writer.h"

bool vp_writer_is_teller(const struct vp_writer_object *self)
{
    return atomic_load(&self->is_telling) &&
           pthread_equal(atomic_load(&self->teller), pthread_self());
}

/* Takes `args` over. Exceptions go where nobody catches; the writer goes on. */
static void tell(struct vp_writer_object *self, enum vp_event event, PyObject *args)
{
    PyObject *callable = self->events[event];
    Py_XINCREF(callable);
    atomic_store(&self->teller, pthread_self());
    atomic_store(&self->is_telling, true);
    PyObject *result = callable && args ? PyObject_CallObject(callable, args) : NULL;
    if (PyErr_Occurred())
        PyErr_WriteUnraisable(callable);
    atomic_store(&self->is_telling, false);
    Py_XDECREF(result);
    Py_XDECREF(args);
    Py_XDECREF(callable);
}

static void on_commit(void *data, const varve_writer_commit *commit)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    tell(data, VP_ON_COMMIT,
        Py_BuildValue("(sKKNL)", commit->table, (unsigned long long)commit->segment,
            (unsigned long long)commit->sequence, vp_result_of(commit->result),
            (long long)commit->duration_us));
    PyGILState_Release(gil);
}

static void on_durable(void *data, uint64_t sequence)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    tell(data, VP_ON_DURABLE, Py_BuildValue("(K)", (unsigned long long)sequence));
    PyGILState_Release(gil);
}

static PyObject *text_of(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

static void on_quarantine(void *data, const char *table, uint64_t sequence,
    const char *row_json, const char *reason)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    tell(data, VP_ON_QUARANTINE,
        Py_BuildValue("(sKNN)", table, (unsigned long long)sequence, text_of(row_json),
            text_of(reason)));
    PyGILState_Release(gil);
}

static void on_retry(void *data, const char *table, const varve_error *error, int64_t retry_ms)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *type, *value, *trace;
    vp_raise(error);
    PyErr_Fetch(&type, &value, &trace);
    tell(data, VP_ON_RETRY,
        Py_BuildValue("(sOL)", table, value != NULL ? value : Py_None, (long long)retry_ms));
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    PyGILState_Release(gil);
}

void vp_writer_listen(struct vp_writer_object *self, varve_writer_options *options)
{
    options->callback_data = self;
    if (self->events[VP_ON_COMMIT] != NULL)
        options->on_commit = on_commit;
    if (self->events[VP_ON_DURABLE] != NULL)
        options->on_durable = on_durable;
    if (self->events[VP_ON_QUARANTINE] != NULL)
        options->on_quarantine = on_quarantine;
    if (self->events[VP_ON_RETRY] != NULL)
        options->on_retry = on_retry;
}
