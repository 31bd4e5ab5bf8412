#include "input.h"
#include "lake_object.h"
#include "varve/audit.h"
#include "varve/doctor.h"
#include "varve/maintain.h"
#include "varve/quarantine.h"
#include "varve/writer.h"

struct lake_object {
    PyObject_HEAD
    PyObject *module;
    PyObject *on_log;
    struct vp_lake *lake;
};

struct vp_lake *vp_lake_of(PyObject *self)
{
    return ((struct lake_object *)self)->lake;
}

static varve_lake *handle_of(PyObject *self)
{
    return vp_lake_handle(vp_lake_of(self));
}

PyObject *vp_give_stream(PyObject *module, struct vp_lake *lake, int failed,
    struct ArrowArrayStream *stream)
{
    if (failed == 0)
        return vp_stream_new(module, lake, stream);
    vp_stream_done(stream);
    return NULL;
}

PyObject *vp_lake_stream(PyObject *self, int failed, struct ArrowArrayStream *stream)
{
    return vp_give_stream(((struct lake_object *)self)->module, vp_lake_of(self), failed,
        stream);
}

/* ---- Life ----------------------------------------------------------------------------------- */

PyObject *vp_lake_object_open(PyObject *module, PyObject *args)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    const char *location;
    unsigned int threads;
    unsigned long long memory;
    unsigned long long cache;
    PyObject *on_log;
    if (!PyArg_ParseTuple(args, "yppIKKzzO", &location, &options.create,
            &options.durability_off, &threads, &memory, &cache, &options.user, &options.message,
            &on_log))
        return NULL;
    options.threads = threads;
    options.memory_bytes = memory;
    options.cache_bytes = cache;
    on_log = on_log == Py_None ? NULL : on_log;
    struct lake_object *self = vp_object_new(vp_state(module)->lake_type);
    if (self == NULL)
        return NULL;
    Py_INCREF(module);
    self->module = module;
    Py_XINCREF(on_log);
    self->on_log = on_log;
    self->lake = vp_lake_open(location, &options, on_log);
    if (self->lake != NULL)
        return (PyObject *)self;
    Py_DECREF((PyObject *)self);
    return NULL;
}

static int lake_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct lake_object *self = (struct lake_object *)object;
    Py_VISIT(self->on_log);
    Py_VISIT(self->module);
    Py_VISIT(Py_TYPE(object));
    return 0;
}

static int lake_clear(PyObject *object)
{
    struct lake_object *self = (struct lake_object *)object;
    if (self->lake != NULL)
        vp_lake_silence(self->lake);
    Py_CLEAR(self->on_log);
    return 0;
}

static void lake_dealloc(PyObject *object)
{
    struct lake_object *self = (struct lake_object *)object;
    PyObject_GC_UnTrack(object);
    lake_clear(object);
    Py_BEGIN_ALLOW_THREADS
        vp_lake_release(self->lake);
    Py_END_ALLOW_THREADS
    Py_XDECREF(self->module);
    vp_object_free(object);
}

static PyObject *lake_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    vp_lake_shut(vp_lake_of(self));
    Py_RETURN_NONE;
}

static PyObject *lake_is_closed(PyObject *self, PyObject *unused)
{
    (void)unused;
    return PyBool_FromLong(vp_lake_is_shut(vp_lake_of(self)));
}

static PyObject *lake_interrupt(PyObject *self, PyObject *unused)
{
    (void)unused;
    vp_lake_interrupt(vp_lake_of(self));
    Py_RETURN_NONE;
}

struct cache {
    varve_lake *lake;
    int clear;
    varve_cache counts;
};

static varve_status cache_run(void *args, varve_error *err)
{
    struct cache *cache = args;
    return varve_lake_cache(cache->lake, cache->clear, &cache->counts, err);
}

static PyObject *lake_cache(PyObject *self, PyObject *args)
{
    struct cache cache = {handle_of(self), 0, {0}};
    if (!PyArg_ParseTuple(args, "p", &cache.clear) ||
        vp_lake_call(vp_lake_of(self), cache_run, &cache) != 0)
        return NULL;
    const varve_cache *counts = &cache.counts;
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K,s:K,s:K}", "bytes",
        (unsigned long long)counts->bytes, "bytes_max", (unsigned long long)counts->bytes_max,
        "files", (unsigned long long)counts->files, "columns",
        (unsigned long long)counts->columns, "hits", (unsigned long long)counts->hits, "misses",
        (unsigned long long)counts->misses, "evicted", (unsigned long long)counts->evicted);
}

/* ---- Tables --------------------------------------------------------------------------------- */

struct init {
    varve_lake *lake;
    varve_init_options options;
    char *json;
};

static varve_status init_run(void *args, varve_error *err)
{
    struct init *init = args;
    return varve_lake_init(init->lake, &init->options, &init->json, err);
}

static PyObject *lake_init(PyObject *self, PyObject *args)
{
    struct init init = {handle_of(self), VARVE_INIT_OPTIONS_INIT, NULL};
    if (!PyArg_ParseTuple(args, "zzzzz", &init.options.profile, &init.options.history,
            &init.options.regimes, &init.options.signal_types, &init.options.symbols))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), init_run, &init);
    PyObject *json = vp_take_text(init.json);
    if (failed == 0)
        return json;
    Py_XDECREF(json);
    return NULL;
}

struct create {
    varve_lake *lake;
    const char *name;
    varve_create_options options;
    int32_t created;
};

static varve_status create_run(void *args, varve_error *err)
{
    struct create *create = args;
    return varve_lake_create_table(create->lake, create->name, &create->options,
        &create->created, err);
}

static PyObject *lake_create(PyObject *self, PyObject *args)
{
    struct create create = {handle_of(self), NULL, VARVE_CREATE_OPTIONS_INIT, 0};
    varve_create_options *options = &create.options;
    struct vp_strings checks, properties = {NULL, 0, NULL};
    PyObject *check_list, *property_list;
    if (!PyArg_ParseTuple(args, "szzzzzzzzOO", &create.name, &options->schema, &options->key,
            &options->partition_by, &options->order_by, &options->zorder, &options->cluster_by,
            &options->history, &options->description, &check_list, &property_list))
        return NULL;
    int failed = vp_strings_of(check_list, false, &checks);
    if (failed == 0)
        failed = vp_strings_of(property_list, false, &properties);
    options->checks = checks.items;
    options->checks_len = checks.len;
    options->properties = properties.items;
    options->properties_len = properties.len;
    if (failed == 0)
        failed = vp_lake_call(vp_lake_of(self), create_run, &create);
    vp_strings_done(&checks);
    vp_strings_done(&properties);
    return failed == 0 ? PyBool_FromLong(create.created) : NULL;
}

struct open {
    varve_lake *lake;
    const char *name;
    varve_table *table;
};

static varve_status open_run(void *args, varve_error *err)
{
    struct open *open = args;
    return varve_table_open(open->lake, open->name, &open->table, err);
}

static PyObject *lake_table(PyObject *self, PyObject *args)
{
    struct open open = {handle_of(self), NULL, NULL};
    if (!PyArg_ParseTuple(args, "s", &open.name))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), open_run, &open);
    if (failed == 0)
        return vp_table_new(((struct lake_object *)self)->module, vp_lake_of(self), open.table);
    if (open.table != NULL)
        vp_lake_leave(vp_lake_of(self), open.table);
    return NULL;
}

struct rows { /* of what takes a lake alone */
    varve_lake *lake;
    struct ArrowArrayStream stream;
};

static varve_status tables_run(void *args, varve_error *err)
{
    struct rows *rows = args;
    return varve_lake_tables(rows->lake, &rows->stream, err);
}

static PyObject *lake_tables(PyObject *self, PyObject *unused)
{
    struct rows rows = {.lake = handle_of(self)};
    (void)unused;
    int failed = vp_lake_call(vp_lake_of(self), tables_run, &rows);
    return vp_lake_stream(self, failed, &rows.stream);
}

static varve_status quarantine_run(void *args, varve_error *err)
{
    struct rows *rows = args;
    return varve_lake_quarantine_list(rows->lake, &rows->stream, NULL, err);
}

static PyObject *lake_quarantine(PyObject *self, PyObject *unused)
{
    struct rows rows = {.lake = handle_of(self)};
    (void)unused;
    int failed = vp_lake_call(vp_lake_of(self), quarantine_run, &rows);
    return vp_lake_stream(self, failed, &rows.stream);
}

struct maintain {
    varve_lake *lake;
    varve_maintain_options options;
    struct ArrowArrayStream stream;
};

static varve_status maintain_run(void *args, varve_error *err)
{
    struct maintain *maintain = args;
    varve_maintain_result result; /* the rows say the same, and more */
    return varve_lake_maintain(maintain->lake, &maintain->options, &result, &maintain->stream,
        err);
}

static PyObject *lake_maintain(PyObject *self, PyObject *args)
{
    struct maintain maintain = {handle_of(self), VARVE_MAINTAIN_OPTIONS_INIT, {0}};
    if (!PyArg_ParseTuple(args, "zpz", &maintain.options.table, &maintain.options.plan,
            &maintain.options.message))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), maintain_run, &maintain);
    return vp_lake_stream(self, failed, &maintain.stream);
}

/* ---- Queries -------------------------------------------------------------------------------- */

struct query {
    varve_lake *lake;
    const char *sql;
    varve_query_options options;
    struct ArrowArrayStream stream;
};

static varve_status query_run(void *args, varve_error *err)
{
    struct query *query = args;
    return varve_lake_query(query->lake, query->sql, &query->options, &query->stream, err);
}

static PyObject *lake_query(PyObject *self, PyObject *args)
{
    struct query query = {.lake = handle_of(self), .options = VARVE_QUERY_OPTIONS_INIT};
    struct vp_strings names, values = {NULL, 0, NULL}, types = {NULL, 0, NULL};
    PyObject *name_list, *value_list, *type_list;
    if (!PyArg_ParseTuple(args, "szOOO", &query.sql, &query.options.at, &name_list, &value_list,
            &type_list))
        return NULL;
    int failed = vp_strings_of(name_list, false, &names);
    if (failed == 0)
        failed = vp_strings_of(value_list, true, &values);
    if (failed == 0)
        failed = vp_strings_of(type_list, true, &types);
    query.options.param_names = names.items;
    query.options.param_values = values.items;
    query.options.param_types = types.items;
    query.options.params_len = names.len;
    query.options.own_names = 1;
    if (failed == 0)
        failed = vp_lake_call(vp_lake_of(self), query_run, &query);
    vp_strings_done(&names);
    vp_strings_done(&values);
    vp_strings_done(&types);
    return vp_lake_stream(self, failed, &query.stream);
}

struct parquet {
    varve_lake *lake;
    struct vp_rows rows_in;
    const char *path;
    int64_t rows;
};

static varve_status parquet_run(void *args, varve_error *err)
{
    struct parquet *call = args;
    return varve_lake_export_parquet(call->lake, &call->rows_in.stream, call->path, &call->rows,
        err);
}

static PyObject *lake_export_parquet(PyObject *self, PyObject *args)
{
    struct parquet call = {.lake = handle_of(self)};
    PyObject *data;
    if (!PyArg_ParseTuple(args, "Oy", &data, &call.path))
        return NULL;
    call.rows_in.reads.interrupts = vp_lake_interrupts(vp_lake_of(self));
    int taken = vp_rows_take(data, vp_lake_of(self), &call.rows_in);
    if (taken == 0)
        PyErr_SetString(PyExc_TypeError, "only Arrow data can be exported: what a read gives, "
                                         "or an object with __arrow_c_stream__");
    int failed = -1;
    if (taken == 1)
        failed =
            vp_lake_call_reading(vp_lake_of(self), &call.rows_in.reads, parquet_run, &call);
    vp_rows_done(&call.rows_in);
    return failed == 0 ? PyLong_FromLongLong(call.rows) : NULL;
}

struct doctor {
    varve_lake *lake;
    const char *table;
    varve_doctor_options options;
    varve_doctor_result result;
    char *report;
};

static varve_status doctor_run(void *args, varve_error *err)
{
    struct doctor *call = args;
    return varve_lake_doctor(call->lake, call->table, &call->options, &call->result,
        &call->report, err);
}

static PyObject *lake_doctor(PyObject *self, PyObject *args)
{
    struct doctor call = {.lake = handle_of(self), .options = VARVE_DOCTOR_OPTIONS_INIT};
    call.options.as_json = 1;
    if (!PyArg_ParseTuple(args, "spp", &call.table, &call.options.fix_times,
            &call.options.keys))
        return NULL;
    return vp_lake_call(vp_lake_of(self), doctor_run, &call) == 0 ? vp_take_text(call.report)
                                                                  : NULL;
}

struct names {
    varve_lake *lake;
    char *lines;
};

static varve_status names_run(void *args, varve_error *err)
{
    struct names *call = args;
    return varve_lake_names(call->lake, &call->lines, err);
}

static PyObject *lake_names(PyObject *self, PyObject *unused)
{
    struct names call = {.lake = handle_of(self)};
    (void)unused;
    return vp_lake_call(vp_lake_of(self), names_run, &call) == 0 ? vp_take_text(call.lines)
                                                                 : NULL;
}

/* ---- Writing row by row --------------------------------------------------------------------- */

static PyObject *lake_writer(PyObject *self, PyObject *args)
{
    return vp_writer_object_open(((struct lake_object *)self)->module, vp_lake_of(self), args);
}

struct spool {
    varve_lake *lake;
    const char *folder;
    int verify;
    char *json;
};

static varve_status spool_run(void *args, varve_error *err)
{
    struct spool *call = args;
    return varve_spool_inspect(call->lake, call->folder, call->verify, &call->json, err);
}

/* What was found goes with the exception that says that it is damage. */
static void attach_report(char *json)
{
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_NormalizeException(&type, &value, &trace);
    VP_OWNED PyObject *report = vp_take_text(json);
    if (report == NULL || value == NULL || PyObject_SetAttrString(value, "report", report) < 0)
        PyErr_Clear();
    PyErr_Restore(type, value, trace);
}

static PyObject *lake_spool(PyObject *self, PyObject *args)
{
    struct spool call = {.lake = handle_of(self)};
    if (!PyArg_ParseTuple(args, "zp", &call.folder, &call.verify))
        return NULL;
    if (vp_lake_call(vp_lake_of(self), spool_run, &call) == 0)
        return vp_take_text(call.json);
    if (call.json != NULL)
        attach_report(call.json);
    return NULL;
}

static PyMethodDef lake_methods[] = {
    {"close", lake_close, METH_NOARGS, "No more calls."},
    {"is_closed", lake_is_closed, METH_NOARGS, "Whether it was closed."},
    {"interrupt", lake_interrupt, METH_NOARGS, "Ends the call that runs in another thread."},
    {"cache", lake_cache, METH_VARARGS, "What is held of data files in memory."},
    {"init", lake_init, METH_VARARGS, "The market tables; JSON."},
    {"create", lake_create, METH_VARARGS, "A table; False: it was there."},
    {"table", lake_table, METH_VARARGS, "Opens a table."},
    {"maintain", lake_maintain, METH_VARARGS, "What is due, done; a stream."},
    {"tables", lake_tables, METH_NOARGS, "The tables; a stream."},
    {"quarantine", lake_quarantine, METH_NOARGS, "Batches in quarantine; a stream."},
    {"query", lake_query, METH_VARARGS, "SQL; a stream."},
    {"correlate", vp_lake_correlate, METH_VARARGS, "A stream, and JSON."},
    {"outcomes", vp_lake_outcomes, METH_VARARGS, "A stream, and JSON."},
    {"transitions", vp_lake_transitions, METH_VARARGS, "A stream, and a symbol."},
    {"gaps", vp_lake_gaps, METH_VARARGS, "A stream, and JSON."},
    {"lateness", vp_lake_lateness, METH_VARARGS, "A stream."},
    {"signals", vp_lake_signals, METH_VARARGS, "A stream."},
    {"export_parquet", lake_export_parquet, METH_VARARGS, "Writes a file; how many rows."},
    {"writer", lake_writer, METH_VARARGS, "Opens the writer of the lake."},
    {"names", lake_names, METH_NOARGS, "Of the tables; lines."},
    {"doctor", lake_doctor, METH_VARARGS, "Who can use a table, and what ails it; JSON."},
    {"salvage", vp_lake_salvage, METH_VARARGS, "What can be read of a damaged spool; JSON."},
    {"verify", vp_lake_verify, METH_VARARGS, "Whether a table is what was written; JSON."},
    {"seal", vp_lake_seal, METH_VARARGS, "The head of a table; JSON."},
    {"export", vp_lake_export, METH_VARARGS, "A folder for an auditor; JSON."},
    {"pin", vp_lake_pin, METH_VARARGS, "A tag or hold; how many tables."},
    {"unpin", vp_lake_unpin, METH_VARARGS, "Its end; how many tables."},
    {"pins", vp_lake_pins, METH_VARARGS, "A stream."},
    {"known_at", vp_lake_known_at, METH_VARARGS, "Reads as of what was known then."},
    {"known", vp_lake_known, METH_NOARGS, "Since when, in microseconds; None: as it is."},
    {"leak_check", vp_lake_leak_check, METH_VARARGS, "A stream."},
    {"spool", lake_spool, METH_VARARGS, "What waits in a spool; JSON."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot lake_slots[] = {
    {Py_tp_dealloc, lake_dealloc},
    {Py_tp_traverse, lake_traverse},
    {Py_tp_clear, lake_clear},
    {Py_tp_methods, lake_methods},
    {Py_tp_new, vp_no_new},
    {0, NULL},
};

PyType_Spec vp_lake_spec = {"varve._core.Lake", sizeof(struct lake_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, lake_slots};
