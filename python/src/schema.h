/* Schemas of Arrow as columns of a table. */
#ifndef VP_SCHEMA_H
#define VP_SCHEMA_H

#include "common.h"

/*
 * A list of (name, type) of Arrow data, or of a schema: what Lake.create takes. ValueError for a type
 * that no table has; it names the column. Data that can be read once only is spent, unless it tells
 * its schema by itself.
 */
PyObject *vp_schema_columns(PyObject *module, PyObject *object);

#endif
