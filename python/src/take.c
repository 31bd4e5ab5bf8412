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

static int single_open(struct ArrowSchema *schema, struct ArrowArray *array,
    struct ArrowArrayStream *out)
{
    struct single *single = malloc(sizeof(*single));
    if (single == NULL) {
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

/* ---- What is read for a call ------------------------------------------------------------------- */

struct marked {
    struct ArrowArrayStream inner;
    const struct vp_lake *lake;
};

static int marked_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct marked *marked = self->private_data;
    struct vp_reading reading;
    vp_reading_begin(&reading, marked->lake);
    int failed = marked->inner.get_schema(&marked->inner, out);
    vp_reading_end(&reading);
    return failed;
}

static int marked_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct marked *marked = self->private_data;
    struct vp_reading reading;
    vp_reading_begin(&reading, marked->lake);
    int failed = marked->inner.get_next(&marked->inner, out);
    vp_reading_end(&reading);
    return failed;
}

static const char *marked_get_last_error(struct ArrowArrayStream *self)
{
    struct marked *marked = self->private_data;
    return marked->inner.get_last_error(&marked->inner);
}

static void marked_release(struct ArrowArrayStream *self)
{
    struct marked *marked = self->private_data;
    vp_stream_done(&marked->inner);
    free(marked);
    self->private_data = NULL;
    self->release = NULL;
}

int vp_stream_read_for(const struct vp_lake *lake, struct ArrowArrayStream *stream)
{
    struct marked *marked = malloc(sizeof(*marked));
    if (marked == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    *marked = (struct marked){*stream, lake};
    *stream = (struct ArrowArrayStream){
        marked_get_schema, marked_get_next, marked_get_last_error, marked_release, marked};
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

static int take_stream(PyObject *object, struct ArrowArrayStream *out)
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
    if (vp_kept_is(out) || PyObject_HasAttrString(object, "__len__"))
        return 1;
    return once_open(out) < 0 ? -1 : 1;
}

static int take_array(PyObject *object, struct ArrowArrayStream *out)
{
    VP_OWNED PyObject *pair = NULL;
    int there = call_if_there(object, "__arrow_c_array__", &pair);
    if (there <= 0)
        return there;
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2) {
        PyErr_SetString(PyExc_TypeError, "__arrow_c_array__ gave no pair of capsules");
        return -1;
    }
    struct ArrowSchema *schema = PyCapsule_GetPointer(PyTuple_GetItem(pair, 0), "arrow_schema");
    struct ArrowArray *array =
        schema ? PyCapsule_GetPointer(PyTuple_GetItem(pair, 1), "arrow_array") : NULL;
    if (array == NULL)
        return -1;
    if (schema->release == NULL || array->release == NULL)
        return was_taken("array");
    return single_open(schema, array, out) < 0 ? -1 : 1;
}

int vp_stream_take(PyObject *object, struct ArrowArrayStream *out)
{
    int there = take_stream(object, out);
    return there != 0 ? there : take_array(object, out);
}
