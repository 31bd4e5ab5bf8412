/* Methods of a lake object that have a file of their own: lake_audit.c. */
#ifndef VP_LAKE_OBJECT_H
#define VP_LAKE_OBJECT_H

#include "objects.h"

PyObject *vp_lake_salvage(PyObject *self, PyObject *args);
PyObject *vp_lake_verify(PyObject *self, PyObject *args);
PyObject *vp_lake_seal(PyObject *self, PyObject *args);
PyObject *vp_lake_export(PyObject *self, PyObject *args);
PyObject *vp_lake_pin(PyObject *self, PyObject *args);
PyObject *vp_lake_unpin(PyObject *self, PyObject *args);
PyObject *vp_lake_pins(PyObject *self, PyObject *args);
PyObject *vp_lake_known_at(PyObject *self, PyObject *args);
PyObject *vp_lake_known(PyObject *self, PyObject *args);
PyObject *vp_lake_leak_check(PyObject *self, PyObject *args);

#endif
