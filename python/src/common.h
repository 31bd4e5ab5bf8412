/*
 * What the files of the extension share: Python by its stable ABI, the library by its public
 * headers, and the rules of the house.
 *
 * Layers: common < beside < lake < stream, decode, encode < input < the objects < module. The
 * package in Python (varve/) is the only caller; it checks what people hand in and names the
 * arguments.
 */
#ifndef VP_COMMON_H
#define VP_COMMON_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03090000
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "varve/varve.h"

#define VP_COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* A reference that the scope owns. */
#define VP_OWNED __attribute__((cleanup(vp_decref)))

static inline void vp_decref(PyObject **object)
{
    Py_XDECREF(*object);
}

/* Hands a reference of a scope over to somebody else. */
static inline PyObject *vp_move(PyObject **object)
{
    PyObject *moved = *object;
    *object = NULL;
    return moved;
}

/* What the module keeps. Each object of ours holds a reference to the module. */
struct vp_state {
    PyTypeObject *lake_type;
    PyTypeObject *table_type;
    PyTypeObject *stream_type;
    PyTypeObject *writer_type;
    /* Classes and constants of the standard library, by vp_time_classes and vp_decimal_class. */
    PyObject *datetime, *date, *time, *timedelta, *utc;
    PyObject *epoch, *epoch_naive, *microsecond; /* 1970 as datetimes; a timedelta */
    PyObject *decimal;
};

struct vp_state *vp_state(PyObject *module);
/* Imports datetime or decimal when first asked. -1: with an exception. */
int vp_time_classes(struct vp_state *state);
int vp_decimal_class(struct vp_state *state);

/* ---- error.c ---- */

/* Raises the exception of the package that belongs to err->code. Returns NULL. */
PyObject *vp_raise(const varve_error *err);
/* The same for a failure that is ours: a code and a sentence. */
PyObject *vp_raise_code(varve_status code, const char *message);
/* Fills *err as the library would: for functions that run without the GIL. */
varve_status vp_fail(varve_error *err, varve_status code, const char *message);

/* ---- module.c ---- */

/* A new object of one of our types, all bytes behind the head zero. */
void *vp_object_new(PyTypeObject *type);
/* The `__new__` of our types, which raises: that of object would make one without a handle. */
PyObject *vp_no_new(PyTypeObject *type, PyObject *args, PyObject *options);
/* Frees the object itself, and the reference to its type. */
void vp_object_free(PyObject *self);

/* A text from the library: str of it, and it is freed. None for NULL. */
PyObject *vp_take_text(char *text);

#endif
