#include "input.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "encode.h"

#define PIECE_BYTES ((size_t)1 << 20)

/* ---- Lists of texts ------------------------------------------------------------------------- */

static int strings_add(struct vp_strings *out, PyObject *item, bool none_allowed)
{
    char *bytes;
    if (item == Py_None && none_allowed) {
        out->items[out->len++] = NULL;
        return 0;
    }
    VP_OWNED PyObject *encoded = item ? PyUnicode_AsUTF8String(item) : NULL;
    /* Without a place for the length a NUL within is a ValueError. */
    if (encoded == NULL || PyBytes_AsStringAndSize(encoded, &bytes, NULL) < 0 ||
        PyList_Append(out->keep, encoded) < 0)
        return -1;
    out->items[out->len++] = bytes;
    return 0;
}

int vp_strings_of(PyObject *list, bool none_allowed, struct vp_strings *out)
{
    *out = (struct vp_strings){NULL, 0, NULL};
    if (list == Py_None)
        return 0;
    Py_ssize_t len = PyList_Size(list);
    if (len < 0)
        return -1;
    out->keep = PyList_New(0);
    out->items = PyMem_Calloc((size_t)len + 1, sizeof(*out->items));
    if (out->keep == NULL || out->items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < len; i++)
        if (strings_add(out, PyList_GetItem(list, i), none_allowed) < 0)
            return -1;
    return 0;
}

void vp_strings_done(struct vp_strings *strings)
{
    PyMem_Free((void *)strings->items);
    Py_XDECREF(strings->keep);
}

/* ---- Rows, as lines in a file that is nowhere ----------------------------------------------- */

static int write_out(int fd, struct vp_text *text)
{
    size_t done = 0;
    while (done < text->len) {
        ssize_t wrote;
        Py_BEGIN_ALLOW_THREADS
            wrote = write(fd, text->bytes + done, text->len - done);
        Py_END_ALLOW_THREADS
        if (wrote < 0 && errno != EINTR) {
            PyErr_SetFromErrno(PyExc_OSError);
            return -1;
        }
        if (wrote < 0 && PyErr_CheckSignals() < 0)
            return -1;
        done += wrote < 0 ? 0 : (size_t)wrote;
    }
    text->len = 0;
    return 0;
}

/* Which row it is, in front of what is wrong with its values. */
static void number_row(size_t number)
{
    static PyObject *const *const kinds[] = {
        &PyExc_TypeError, &PyExc_OverflowError, &PyExc_ValueError};
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    VP_OWNED PyObject *own_type = type;
    VP_OWNED PyObject *own_value = value;
    VP_OWNED PyObject *own_trace = trace;
    VP_OWNED PyObject *text = value != NULL ? PyObject_Str(value) : NULL;
    for (size_t i = 0; text != NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (PyErr_GivenExceptionMatches(own_type, *kinds[i])) {
            PyErr_Format(*kinds[i], "row %zu: %U", number, text);
            return;
        }
    PyErr_Clear();
    Py_XINCREF(own_type);
    Py_XINCREF(own_value);
    Py_XINCREF(own_trace);
    PyErr_Restore(own_type, own_value, own_trace);
}

/* -1: by a signal handler, or from another thread. */
static int look_for_interrupts(const struct vp_lake *lake, unsigned interrupts)
{
    if (PyErr_CheckSignals() < 0)
        return -1;
    if (vp_lake_interrupts(lake) == interrupts)
        return 0;
    vp_raise_code(VARVE_EINTERRUPTED, "interrupted");
    return -1;
}

static int write_rows(struct vp_state *state, const struct vp_lake *lake, PyObject *iterator,
    const struct vp_inputs *inputs, struct vp_text *text)
{
    unsigned interrupts = inputs->rows.reads.interrupts;
    int fd = inputs->fd;
    for (size_t number = 1;; number++) {
        VP_OWNED PyObject *row = PyIter_Next(iterator);
        if (row == NULL)
            break;
        if (vp_encode_row(state, row, text) < 0) {
            number_row(number);
            return -1;
        }
        if (!vp_text_add(text, "\n", 1) || look_for_interrupts(lake, interrupts) < 0)
            return -1;
        if (text->len >= PIECE_BYTES && write_out(fd, text) < 0)
            return -1;
    }
    return PyErr_Occurred() ? -1 : write_out(fd, text);
}

static int rows_of(struct vp_state *state, const struct vp_lake *lake, PyObject *data,
    struct vp_inputs *out)
{
    struct vp_text text = {NULL, 0, 0};
    VP_OWNED PyObject *iterator = PyObject_GetIter(data);
    if (iterator == NULL)
        return -1;
    out->fd = memfd_create("varve-rows", MFD_CLOEXEC);
    if (out->fd < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    int status = write_rows(state, lake, iterator, out, &text);
    vp_text_done(&text);
    if (status == 0 && lseek(out->fd, 0, SEEK_SET) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    out->items[0] = (varve_input){
        .format = VARVE_FORMAT_NDJSON, .use_fd = 1, .fd = out->fd, .path = "rows"};
    return status;
}

/* ---- Inputs --------------------------------------------------------------------------------- */

static int files_of(PyObject *files, struct vp_inputs *out)
{
    for (size_t i = 0; i < out->len; i++) {
        PyObject *pair = PyList_GetItem(files, (Py_ssize_t)i);
        int format;
        const char *path;
        if (pair == NULL || !PyArg_ParseTuple(pair, "iy", &format, &path))
            return -1;
        out->items[i] = (varve_input){.format = format, .path = path};
    }
    return 0;
}

int vp_inputs_of(struct vp_state *state, struct vp_lake *lake, PyObject *files, PyObject *data,
    struct vp_inputs *out)
{
    *out = (struct vp_inputs){.len = 1, .fd = -1};
    out->rows.reads.interrupts = vp_lake_interrupts(lake);
    if (files != Py_None) {
        Py_ssize_t len = PyList_Size(files);
        if (len < 0)
            return -1;
        out->len = (size_t)len;
    }
    out->items = PyMem_Calloc(out->len + 1, sizeof(*out->items));
    if (out->items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    if (files != Py_None)
        return files_of(files, out);
    int is_arrow = vp_rows_take(data, lake, &out->rows);
    if (is_arrow < 0)
        return -1;
    if (is_arrow == 0)
        return rows_of(state, lake, data, out);
    out->items[0] = (varve_input){
        .format = VARVE_FORMAT_ARROW, .path = "rows", .stream = &out->rows.stream};
    return 0;
}

void vp_inputs_done(struct vp_inputs *inputs)
{
    vp_rows_done(&inputs->rows);
    if (inputs->fd >= 0)
        close(inputs->fd);
    PyMem_Free(inputs->items);
}
