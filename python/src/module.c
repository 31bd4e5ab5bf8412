#include "objects.h"
#include "schema.h"

struct vp_state *vp_state(PyObject *module)
{
    return PyModule_GetState(module);
}

/* ---- What the module keeps ------------------------------------------------------------------ */

static int import_names(const char *module, const char *const *names, PyObject **const *outs,
    size_t len)
{
    VP_OWNED PyObject *imported = PyImport_ImportModule(module);
    if (imported == NULL)
        return -1;
    for (size_t i = 0; i < len; i++) {
        PyObject *found = PyObject_GetAttrString(imported, names[i]);
        if (found == NULL)
            return -1;
        Py_XDECREF(*outs[i]);
        *outs[i] = found;
    }
    return 0;
}

int vp_time_classes(struct vp_state *state)
{
    static const char *const names[] = {"date", "time", "timedelta", "timezone", "datetime"};
    VP_OWNED PyObject *timezone = NULL;
    PyObject **const outs[] = {
        &state->date, &state->time, &state->timedelta, &timezone, &state->datetime};
    if (state->microsecond != NULL)
        return 0;
    Py_CLEAR(state->utc);
    Py_CLEAR(state->epoch);
    Py_CLEAR(state->epoch_naive);
    if (import_names("datetime", names, outs, VP_COUNT(names)) < 0)
        return -1;
    state->utc = PyObject_GetAttrString(timezone, "utc");
    if (state->utc == NULL)
        return -1;
    state->epoch =
        PyObject_CallFunction(state->datetime, "iiiiiiiO", 1970, 1, 1, 0, 0, 0, 0, state->utc);
    state->epoch_naive = PyObject_CallFunction(state->datetime, "iii", 1970, 1, 1);
    if (state->epoch == NULL || state->epoch_naive == NULL)
        return -1;
    state->microsecond = PyObject_CallFunction(state->timedelta, "iii", 0, 0, 1);
    return state->microsecond == NULL ? -1 : 0;
}

int vp_decimal_class(struct vp_state *state)
{
    static const char *const names[] = {"Decimal"};
    PyObject **const outs[] = {&state->decimal};
    return state->decimal != NULL ? 0 : import_names("decimal", names, outs, 1);
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct vp_state *state = vp_state(module);
    if (state == NULL)
        return 0;
    Py_VISIT(state->lake_type);
    Py_VISIT(state->table_type);
    Py_VISIT(state->stream_type);
    Py_VISIT(state->writer_type);
    Py_VISIT(state->datetime);
    Py_VISIT(state->date);
    Py_VISIT(state->time);
    Py_VISIT(state->timedelta);
    Py_VISIT(state->utc);
    Py_VISIT(state->epoch);
    Py_VISIT(state->epoch_naive);
    Py_VISIT(state->microsecond);
    Py_VISIT(state->decimal);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct vp_state *state = vp_state(module);
    if (state == NULL)
        return 0;
    Py_CLEAR(state->lake_type);
    Py_CLEAR(state->table_type);
    Py_CLEAR(state->stream_type);
    Py_CLEAR(state->writer_type);
    Py_CLEAR(state->datetime);
    Py_CLEAR(state->date);
    Py_CLEAR(state->time);
    Py_CLEAR(state->timedelta);
    Py_CLEAR(state->utc);
    Py_CLEAR(state->epoch);
    Py_CLEAR(state->epoch_naive);
    Py_CLEAR(state->microsecond);
    Py_CLEAR(state->decimal);
    return 0;
}

static void module_free(void *module)
{
    module_clear(module);
}

/* ---- Objects -------------------------------------------------------------------------------- */

void *vp_object_new(PyTypeObject *type)
{
    return PyType_GenericAlloc(type, 0);
}

void vp_object_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    release(self);
    Py_DECREF((PyObject *)type);
}

PyObject *vp_take_text(char *text)
{
    if (text == NULL)
        Py_RETURN_NONE;
    PyObject *made = PyUnicode_FromString(text);
    varve_free(text);
    return made;
}

PyObject *vp_no_new(PyTypeObject *type, PyObject *args, PyObject *options)
{
    (void)type;
    (void)args;
    (void)options;
    PyErr_SetString(PyExc_TypeError, "made by varve.Lake only");
    return NULL;
}

static int add_type(PyObject *module, PyType_Spec *spec, PyTypeObject **out)
{
    PyObject *type = PyType_FromSpec(spec);
    if (type == NULL)
        return -1;
    *out = (PyTypeObject *)type;
    const char *name = strrchr(spec->name, '.') + 1;
    Py_INCREF(type);
    if (PyModule_AddObject(module, name, type) == 0)
        return 0;
    Py_DECREF(type);
    return -1;
}

static int module_exec(PyObject *module)
{
    struct vp_state *state = vp_state(module);
    if (add_type(module, &vp_lake_spec, &state->lake_type) < 0 ||
        add_type(module, &vp_table_spec, &state->table_type) < 0 ||
        add_type(module, &vp_stream_spec, &state->stream_type) < 0 ||
        add_type(module, &vp_writer_spec, &state->writer_type) < 0)
        return -1;
    return PyModule_AddStringConstant(module, "version", varve_version());
}

static PyObject *build_info(PyObject *module, PyObject *unused)
{
    (void)module;
    (void)unused;
    return PyUnicode_FromString(varve_build_info());
}

static PyMethodDef module_methods[] = {
    {"open_lake", vp_lake_object_open, METH_VARARGS, "Opens a lake."},
    {"build_info", build_info, METH_NOARGS, "What the library says of itself."},
    {"schema_columns", vp_schema_columns, METH_O, "Names and types of Arrow data."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

static struct PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT,
    .m_name = "varve._core",
    .m_doc = "libvarve for the package varve, which is what programs use.",
    .m_size = sizeof(struct vp_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&module_def);
}
