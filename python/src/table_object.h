/* The inside of a table object, shared by the files that have its methods. */
#ifndef VP_TABLE_OBJECT_H
#define VP_TABLE_OBJECT_H

#include "objects.h"
#include "varve/dml.h"

struct table_object {
    PyObject_HEAD
    PyObject *module;
    struct vp_lake *lake;
    varve_table *table; /* guarded by: the turn of the lake; NULL: closed */
};

struct vp_lake *vp_table_lake(PyObject *self);
/* With the turn, since another thread may close the table until then. NULL with *err. */
varve_table *vp_table_of(PyObject *self, varve_error *err);
/* The end of a call that gives rows. */
PyObject *vp_table_give(PyObject *self, int failed, struct ArrowArrayStream *stream);
PyObject *vp_edit_result(const varve_edit_result *result);
/* A result's warnings of our own, within the call that gave it: another thread may use the table
   meanwhile. Without memory there are none. free(*out). */
void vp_keep_warnings(const char **warnings, char **out);

/* table_upkeep.c */
PyObject *vp_table_merge(PyObject *self, PyObject *args);
PyObject *vp_table_optimize(PyObject *self, PyObject *args);
PyObject *vp_table_vacuum(PyObject *self, PyObject *args);
PyObject *vp_table_restore(PyObject *self, PyObject *args);
PyObject *vp_table_alter(PyObject *self, PyObject *args);
PyObject *vp_table_changes(PyObject *self, PyObject *args);
PyObject *vp_table_trace(PyObject *self, PyObject *args);
PyObject *vp_table_why(PyObject *self, PyObject *args);

#endif
