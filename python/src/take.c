/*
 * Arrow data of others. Capsules are moved out of, as their protocol has it: what is left in them
 * is released.
 */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>

#include "kept.h"

/* ---- One array as a stream of one batch ----------------------------------------------------- */

struct single {
    struct ArrowSchema schema;
    struct ArrowArray array;
    const char *error;
};

/*
 * The stream gives its schema once, which is all that the library asks for: to copy a schema of
 * unknown depth is not worth it.
 */
static int single_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct single *single = self->private_data;
    if (single->schema.release == NULL) {
        single->error = "the schema was given already";
        return EINVAL;
    }
    *out = single->schema;
    single->schema.release = NULL;
    return 0;
}

static int single_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct single *single = self->private_data;
    *out = single->array;
    single->array.release = NULL;
    return 0;
}

static const char *single_get_last_error(struct ArrowArrayStream *self)
{
    return ((struct single *)self->private_data)->error;
}

static void single_release(struct ArrowArrayStream *self)
{
    struct single *single = self->private_data;
    vp_schema_done(&single->schema);
    vp_array_done(&single->array);
    free(single);
    self->private_data = NULL;
    self->release = NULL;
}

/* Takes both over. */
static int single_open(struct ArrowSchema *schema, struct ArrowArray *array,
    struct ArrowArrayStream *out)
{
    struct single *single = malloc(sizeof(*single));
    if (single == NULL) {
        vp_schema_done(schema);
        vp_array_done(array);
        PyErr_NoMemory();
        return -1;
    }
    *single = (struct single){*schema, *array, NULL};
    schema->release = NULL;
    array->release = NULL;
    *out = (struct ArrowArrayStream){
        single_get_schema, single_get_next, single_get_last_error, single_release, single};
    return 0;
}

/* ---- What is read once ------------------------------------------------------------------------- */

/* A stream of others that gives no batch at all may have been read before: it fails. */
struct once {
    struct ArrowArrayStream inner;
    bool has_given, is_empty;
};

static int once_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct once *once = self->private_data;
    return once->inner.get_schema(&once->inner, out);
}

static int once_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct once *once = self->private_data;
    int failed = once->inner.get_next(&once->inner, out);
    if (failed != 0)
        return failed;
    once->is_empty = out->release == NULL && !once->has_given;
    once->has_given = !once->is_empty;
    return once->is_empty ? EINVAL : 0;
}

static const char *once_get_last_error(struct ArrowArrayStream *self)
{
    struct once *once = self->private_data;
    return once->is_empty ? "this reader gives no rows, and one that was used up before gives "
                            "none either: pass a table, an empty one for no rows"
                          : once->inner.get_last_error(&once->inner);
}

static void once_release(struct ArrowArrayStream *self)
{
    struct once *once = self->private_data;
    vp_stream_done(&once->inner);
    free(once);
    self->private_data = NULL;
    self->release = NULL;
}

/* In the place of *stream. */
static int once_open(struct ArrowArrayStream *stream)
{
    struct once *once = malloc(sizeof(*once));
    if (once == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *once = (struct once){*stream, false, false};
    *stream = (struct ArrowArrayStream){
        once_get_schema, once_get_next, once_get_last_error, once_release, once};
    return 0;
}

/* ---- Capsules ------------------------------------------------------------------------------- */

/* Calls a method of the object if it has it. 1: *out is what it gave; 0: it has none; -1 */
static int call_if_there(PyObject *object, const char *name, PyObject **out)
{
    VP_OWNED PyObject *method = PyObject_GetAttrString(object, name);
    if (method == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_AttributeError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    *out = PyObject_CallObject(method, NULL);
    return *out == NULL ? -1 : 1;
}

static int was_taken(const char *what)
{
    PyErr_Format(PyExc_ValueError, "the Arrow %s was released or consumed already", what);
    return -1;
}

/* *out_is_reader: of what gives its rows once, and may wait for them. */
static int take_stream(PyObject *object, struct ArrowArrayStream *out, bool *out_is_reader)
{
    VP_OWNED PyObject *capsule = NULL;
    int there = call_if_there(object, "__arrow_c_stream__", &capsule);
    if (there <= 0)
        return there;
    struct ArrowArrayStream *given = PyCapsule_GetPointer(capsule, "arrow_array_stream");
    if (given == NULL)
        return -1;
    if (given->release == NULL)
        return was_taken("stream");
    *out = *given;
    given->release = NULL;
    /* A frame or table has a length, and gives its rows each time. */
    *out_is_reader = !vp_kept_is(out) && !PyObject_HasAttrString(object, "__len__");
    return *out_is_reader && once_open(out) < 0 ? -1 : 1;
}

/* Of a pair of capsules. */
static int move_array(PyObject *pair, struct ArrowSchema *schema, struct ArrowArray *array)
{
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__ gave no pair of capsules");
        return -1;
    }
    struct ArrowSchema *given = PyCapsule_GetPointer(PyTuple_GetItem(pair, 0), "arrow_schema");
    struct ArrowArray *values =
        given ? PyCapsule_GetPointer(PyTuple_GetItem(pair, 1), "arrow_array") : NULL;
    if (values == NULL)
        return -1;
    if (given->release == NULL || values->release == NULL)
        return was_taken("array");
    *schema = *given;
    *array = *values;
    given->release = NULL;
    values->release = NULL;
    return 1;
}

static int take_array(PyObject *object, struct ArrowArrayStream *out)
{
    VP_OWNED PyObject *pair = NULL;
    struct ArrowSchema schema;
    struct ArrowArray array;
    int there = call_if_there(object, "__arrow_c_array__", &pair);
    if (there <= 0)
        return there;
    if (move_array(pair, &schema, &array) < 0)
        return -1;
    return single_open(&schema, &array, out) < 0 ? -1 : 1;
}

int vp_stream_take(PyObject *object, struct ArrowArrayStream *out)
{
    bool is_reader;
    int there = take_stream(object, out, &is_reader);
    return there != 0 ? there : take_array(object, out);
}

/* ---- A reader of pyarrow ----------------------------------------------------------------------- */

static PyObject *reason_of(PyObject *raised)
{
    VP_OWNED PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(raised), "__name__");
    VP_OWNED PyObject *text = name ? PyUnicode_FromFormat("%U: %S", name, raised) : NULL;
    return text ? PyUnicode_AsEncodedString(text, "utf-8", "replace") : NULL;
}

/* What was raised is kept until the call is over. */
static int keep_raised(struct vp_rows *rows)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (value != NULL && trace != NULL)
        PyException_SetTraceback(value, trace);
    Py_XDECREF(type);
    Py_XDECREF(trace);
    Py_XDECREF(rows->raised);
    Py_XDECREF(rows->reason);
    rows->raised = value;
    rows->reason = value != NULL ? reason_of(value) : NULL;
    PyErr_Clear();
    return EIO;
}

static int reader_next(struct vp_rows *rows, struct ArrowArray *out)
{
    struct ArrowSchema schema;
    VP_OWNED PyObject *batch = PyIter_Next(rows->reader);
    if (batch == NULL)
        return PyErr_Occurred() ? keep_raised(rows) : 0;
    VP_OWNED PyObject *pair = PyObject_CallMethod(batch, "__arrow_c_array__", NULL);
    if (pair == NULL || move_array(pair, &schema, out) < 0)
        return keep_raised(rows);
    vp_schema_done(&schema);
    return 0;
}

static int reader_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct vp_rows *rows = self->private_data;
    if (rows->schema.release == NULL)
        return EINVAL; /* as of a single array: it is given once */
    *out = rows->schema;
    rows->schema.release = NULL;
    return 0;
}

static int reader_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    *out = (struct ArrowArray){.release = NULL};
    PyGILState_STATE gil = PyGILState_Ensure();
    int failed = reader_next(self->private_data, out);
    PyGILState_Release(gil);
    return failed;
}

static const char *reader_get_last_error(struct ArrowArrayStream *self)
{
    struct vp_rows *rows = self->private_data;
    return rows->reason != NULL ? PyBytes_AsString(rows->reason) : "the reader has failed";
}

static void reader_release(struct ArrowArrayStream *self)
{
    self->release = NULL; /* the rest is of vp_rows */
}

/* A class that nobody has imported has no instances. */
static int is_reader_of_pyarrow(PyObject *object)
{
    VP_OWNED PyObject *name = PyUnicode_FromString("pyarrow");
    VP_OWNED PyObject *module = name != NULL ? PyImport_GetModule(name) : NULL;
    VP_OWNED PyObject *class =
        module != NULL ? PyObject_GetAttrString(module, "RecordBatchReader") : NULL;
    int is_reader = class != NULL ? PyObject_IsInstance(object, class) : 0;
    if (is_reader <= 0)
        PyErr_Clear();
    return is_reader > 0;
}

static int take_reader(PyObject *object, struct vp_rows *out)
{
    VP_OWNED PyObject *schema = PyObject_GetAttrString(object, "schema");
    VP_OWNED PyObject *capsule =
        schema != NULL ? PyObject_CallMethod(schema, "__arrow_c_schema__", NULL) : NULL;
    struct ArrowSchema *given =
        capsule != NULL ? PyCapsule_GetPointer(capsule, "arrow_schema") : NULL;
    if (given == NULL)
        return -1;
    out->schema = *given;
    given->release = NULL;
    Py_INCREF(object);
    out->reader = object;
    out->stream = (struct ArrowArrayStream){
        reader_get_schema, reader_get_next, reader_get_last_error, reader_release, out};
    return once_open(&out->stream) < 0 ? -1 : 1;
}

/* ---- What is read for a call ------------------------------------------------------------------- */

struct marked {
    struct ArrowArrayStream inner;
    const struct vp_lake *lake; /* may be NULL */
    struct vp_desk *desk;       /* NULL: it is read where it is asked for */
    bool was_canceled;
};

/* Of the schema, or of a batch. */
struct wanted {
    struct marked *marked;
    struct ArrowSchema *schema;
    struct ArrowArray *array;
};

static int wanted_run(void *args)
{
    const struct wanted *wanted = args;
    struct ArrowArrayStream *inner = &wanted->marked->inner;
    struct vp_within within;
    vp_within_begin(&within, wanted->marked->lake);
    int failed = wanted->schema != NULL ? inner->get_schema(inner, wanted->schema)
                                        : inner->get_next(inner, wanted->array);
    vp_within_end(&within);
    return failed;
}

static int wanted_get(struct wanted *wanted)
{
    struct marked *marked = wanted->marked;
    if (marked->desk == NULL)
        return wanted_run(wanted);
    return vp_desk_ask(marked->desk, wanted_run, wanted, &marked->was_canceled);
}

static int marked_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct wanted wanted = {self->private_data, out, NULL};
    *out = (struct ArrowSchema){.release = NULL};
    return wanted_get(&wanted);
}

static int marked_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct wanted wanted = {self->private_data, NULL, out};
    *out = (struct ArrowArray){.release = NULL};
    return wanted_get(&wanted);
}

static const char *marked_get_last_error(struct ArrowArrayStream *self)
{
    struct marked *marked = self->private_data;
    return marked->was_canceled ? "interrupted" : marked->inner.get_last_error(&marked->inner);
}

static void marked_release(struct ArrowArrayStream *self)
{
    struct marked *marked = self->private_data;
    vp_stream_done(&marked->inner);
    free(marked);
    self->private_data = NULL;
    self->release = NULL;
}

static int marked_open(struct vp_rows *rows, const struct vp_lake *lake, bool is_reader)
{
    struct marked *marked = malloc(sizeof(*marked));
    if (marked == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *marked = (struct marked){rows->stream, lake, is_reader ? &rows->reads.desk : NULL, false};
    rows->stream = (struct ArrowArrayStream){
        marked_get_schema, marked_get_next, marked_get_last_error, marked_release, marked};
    return 1;
}

int vp_rows_take(PyObject *object, const struct vp_lake *lake, struct vp_rows *out)
{
    bool is_reader = is_reader_of_pyarrow(object);
    int there =
        is_reader ? take_reader(object, out) : take_stream(object, &out->stream, &is_reader);
    if (there == 0)
        there = take_array(object, &out->stream);
    return there == 1 ? marked_open(out, lake, is_reader) : there;
}

/* With an exception, which is of the call. */
static void tell_raised(PyObject *raised)
{
    PyObject *type, *value, *trace;
    bool is_failure = PyErr_GivenExceptionMatches(raised, PyExc_Exception);
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return; /* a signal handler's */
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    if (!is_failure) {
        PyErr_SetObject((PyObject *)Py_TYPE(raised), raised);
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        return;
    }
    Py_INCREF(raised);
    PyException_SetCause(value, raised);
    PyErr_Restore(type, value, trace);
}

void vp_rows_done(struct vp_rows *rows)
{
    vp_stream_done(&rows->stream);
    vp_schema_done(&rows->schema);
    if (rows->raised != NULL && PyErr_Occurred())
        tell_raised(rows->raised);
    Py_CLEAR(rows->raised);
    Py_CLEAR(rows->reason);
    Py_CLEAR(rows->reader);
}
