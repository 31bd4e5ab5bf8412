/*
 * The objects that the package works with. Their methods take positional arguments in the order
 * of _core.pyi; None is "not given" for every text.
 */
#ifndef VP_OBJECTS_H
#define VP_OBJECTS_H

#include "stream.h"

extern PyType_Spec vp_lake_spec;
extern PyType_Spec vp_table_spec;
extern PyType_Spec vp_writer_spec;

struct vp_lake *vp_lake_of(PyObject *self);
/* vp_give_stream for a method of a lake. */
PyObject *vp_lake_stream(PyObject *self, int failed, struct ArrowArrayStream *stream);

/* Methods of a lake: its reports. */
PyObject *vp_lake_correlate(PyObject *self, PyObject *args);
PyObject *vp_lake_outcomes(PyObject *self, PyObject *args);
PyObject *vp_lake_transitions(PyObject *self, PyObject *args);
PyObject *vp_lake_gaps(PyObject *self, PyObject *args);
PyObject *vp_lake_lateness(PyObject *self, PyObject *args);
PyObject *vp_lake_signals(PyObject *self, PyObject *args);

/* The method `writer` of a lake: its writer. */
PyObject *vp_writer_object_open(PyObject *module, struct vp_lake *lake, PyObject *args);

/* The module's function open_lake. */
PyObject *vp_lake_object_open(PyObject *module, PyObject *args);
/* Takes `table` over, also where it fails. */
PyObject *vp_table_new(PyObject *module, struct vp_lake *lake, varve_table *table);

/* A tuple of the figures, in their order in the struct. */
PyObject *vp_result_of(const varve_upsert_result *result);

/* The end of a call that gives rows: `failed` as vp_lake_call says, `stream` what it gave. */
PyObject *vp_give_stream(PyObject *module, struct vp_lake *lake, int failed,
    struct ArrowArrayStream *stream);

#endif
