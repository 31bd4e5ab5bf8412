#include "input.h"
#include "table_object.h"
#include "varve/dml.h"
#include "varve/inspect.h"
#include "varve/quarantine.h"

struct vp_lake *vp_table_lake(PyObject *self)
{
    return ((struct table_object *)self)->lake;
}

PyObject *vp_table_give(PyObject *self, int failed, struct ArrowArrayStream *stream)
{
    return vp_give_stream(((struct table_object *)self)->module, vp_table_lake(self), failed,
        stream);
}

varve_table *vp_table_of(PyObject *self, varve_error *err)
{
    varve_table *table = ((struct table_object *)self)->table;
    if (table == NULL)
        vp_fail(err, VARVE_EUSAGE, "the table is closed");
    return table;
}

/* ---- Life ----------------------------------------------------------------------------------- */

PyObject *vp_table_new(PyObject *module, struct vp_lake *lake, varve_table *table)
{
    struct table_object *self = vp_object_new(vp_state(module)->table_type);
    if (self == NULL) {
        vp_lake_leave(lake, table);
        return NULL;
    }
    Py_INCREF(module);
    self->module = module;
    self->lake = vp_lake_retain(lake);
    self->table = table;
    return (PyObject *)self;
}

static void table_dealloc(PyObject *object)
{
    struct table_object *self = (struct table_object *)object;
    Py_BEGIN_ALLOW_THREADS
        if (self->table != NULL)
            vp_lake_leave(self->lake, self->table);
        vp_lake_release(self->lake);
    Py_END_ALLOW_THREADS
    Py_XDECREF(self->module);
    vp_object_free(object);
}

static varve_status close_run(void *args, varve_error *err)
{
    struct table_object *self = args;
    (void)err;
    varve_table_close(self->table);
    self->table = NULL;
    return VARVE_OK;
}

static PyObject *table_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    /* On a closed lake it is closed with the last object that holds the lake. */
    if (!vp_lake_is_shut(vp_table_lake(self)) &&
        vp_lake_call(vp_table_lake(self), close_run, self) < 0)
        return NULL;
    Py_RETURN_NONE;
}

struct refresh {
    PyObject *self;
    int64_t version;
};

static varve_status refresh_run(void *args, varve_error *err)
{
    struct refresh *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_refresh(table, &call->version, err) : VARVE_EUSAGE;
}

static PyObject *table_refresh(PyObject *self, PyObject *unused)
{
    struct refresh call = {self, 0};
    (void)unused;
    return vp_lake_call(vp_table_lake(self), refresh_run, &call) < 0
               ? NULL
               : PyLong_FromLongLong(call.version);
}

/* ---- Writing -------------------------------------------------------------------------------- */

struct change {
    PyObject *self;
    int append;
    struct vp_inputs inputs;
    varve_upsert_options options;
    varve_upsert_result result;
    char *warnings; /* the result's, of our own: another thread may use the table meanwhile */
};

void vp_keep_warnings(const char **warnings, char **out)
{
    *out = *warnings != NULL ? strdup(*warnings) : NULL;
    *warnings = *out;
}

static varve_status write_run(void *args, varve_error *err)
{
    struct change *call = args;
    varve_table *table = vp_table_of(call->self, err);
    if (table == NULL)
        return VARVE_EUSAGE;
    varve_status status = (call->append ? varve_table_append : varve_table_upsert)(table,
        call->inputs.items, call->inputs.len, &call->options, &call->result, err);
    if (status == VARVE_OK)
        vp_keep_warnings(&call->result.warnings, &call->warnings);
    return status;
}

PyObject *vp_result_of(const varve_upsert_result *result)
{
    return Py_BuildValue("(LLLLLLLLNLLLLLLLLz)", (long long)result->rows_in,
        (long long)result->inserted, (long long)result->updated, (long long)result->unchanged,
        (long long)result->stale, (long long)result->duplicates_in_batch,
        (long long)result->rejected, (long long)result->repaired,
        PyBool_FromLong(result->already_applied != 0), (long long)result->rows_written,
        (long long)result->version, (long long)result->files_added,
        (long long)result->files_removed, (long long)result->attempts,
        (long long)result->rows_warned, (long long)result->columns_added,
        (long long)result->times_ambiguous, result->warnings);
}

static PyObject *table_write(PyObject *self, PyObject *args)
{
    struct change call = {.self = self, .options = VARVE_UPSERT_OPTIONS_INIT};
    varve_upsert_options *options = &call.options;
    PyObject *files, *data;
    long long app_version;
    unsigned int attempts_max;
    if (!PyArg_ParseTuple(args, "pOOzLIzpzpppp", &call.append, &files, &data, &options->app_id,
            &app_version, &attempts_max, &options->input_tz, &options->truncate_time,
            &options->message, &options->quarantine, &options->dry_run,
            &options->allow_duplicates, &options->evolve))
        return NULL;
    options->app_version = app_version;
    options->attempts_max = attempts_max;
    struct vp_state *state = vp_state(((struct table_object *)self)->module);
    int failed = vp_inputs_of(state, vp_table_lake(self), files, data, &call.inputs);
    if (failed == 0)
        failed = vp_lake_call_reading(vp_table_lake(self), &call.inputs.rows.reads, write_run,
            &call);
    vp_inputs_done(&call.inputs);
    PyObject *result = failed == 0 ? vp_result_of(&call.result) : NULL;
    free(call.warnings);
    return result;
}

/* What _core.pyi calls `what` of edit. */
enum edit_kind {
    EDIT_DELETE,
    EDIT_UPDATE,
    EDIT_OVERWRITE
};

struct edit {
    PyObject *self;
    int what;
    const char *where;
    struct vp_strings columns, values; /* of an update */
    varve_assignment *assignments;
    struct vp_inputs inputs; /* of an overwrite */
    varve_edit_options options;
    varve_edit_result result;
    char *warnings;
};

static varve_status edit_table(struct edit *call, varve_table *table, varve_error *err)
{
    if (call->what == EDIT_DELETE)
        return varve_table_delete(table, call->where, &call->options, &call->result, err);
    if (call->what == EDIT_UPDATE)
        return varve_table_update(table, call->assignments, call->columns.len, call->where,
            &call->options, &call->result, err);
    return varve_table_overwrite(table, call->inputs.items, call->inputs.len, call->where,
        &call->options, &call->result, err);
}

static varve_status edit_run(void *args, varve_error *err)
{
    struct edit *call = args;
    varve_table *table = vp_table_of(call->self, err);
    if (table == NULL)
        return VARVE_EUSAGE;
    varve_status status = edit_table(call, table, err);
    if (status == VARVE_OK)
        vp_keep_warnings(&call->result.warnings, &call->warnings);
    return status;
}

/* The assignments of an update. 0, or -1 with an exception. */
static int edit_assignments(struct edit *call, PyObject *columns, PyObject *values)
{
    if (vp_strings_of(columns, false, &call->columns) < 0 ||
        vp_strings_of(values, false, &call->values) < 0)
        return -1;
    if (call->columns.len != call->values.len) {
        PyErr_SetString(PyExc_ValueError, "as many values as columns");
        return -1;
    }
    call->assignments = PyMem_Calloc(call->columns.len + 1, sizeof(*call->assignments));
    if (call->assignments == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < call->columns.len; i++)
        call->assignments[i] =
            (varve_assignment){call->columns.items[i], call->values.items[i]};
    return 0;
}

PyObject *vp_edit_result(const varve_edit_result *result)
{
    return Py_BuildValue("(LLLLLLLLLLNLLLLLz)", (long long)result->rows_in,
        (long long)result->inserted, (long long)result->updated, (long long)result->deleted,
        (long long)result->copied, (long long)result->files_added,
        (long long)result->files_removed, (long long)result->vectors_added,
        (long long)result->vectors_updated, (long long)result->vectors_removed,
        PyBool_FromLong(result->already_applied != 0), (long long)result->version,
        (long long)result->attempts, (long long)result->columns_added,
        (long long)result->times_ambiguous, (long long)result->rows_warned, result->warnings);
}

static PyObject *table_edit(PyObject *self, PyObject *args)
{
    struct edit call = {.self = self, .options = VARVE_EDIT_OPTIONS_INIT, .inputs = {.fd = -1}};
    varve_edit_options *options = &call.options;
    PyObject *columns, *values, *files, *data;
    long long app_version;
    int failed = 0;
    if (!PyArg_ParseTuple(args, "izOOOOzLIzpzp", &call.what, &call.where, &columns, &values,
            &files, &data, &options->app_id, &app_version, &options->attempts_max,
            &options->input_tz, &options->truncate_time, &options->message, &options->dry_run))
        return NULL;
    options->app_version = app_version;
    if (call.what == EDIT_UPDATE)
        failed = edit_assignments(&call, columns, values);
    else if (call.what == EDIT_OVERWRITE)
        failed = vp_inputs_of(vp_state(((struct table_object *)self)->module),
            vp_table_lake(self), files, data, &call.inputs);
    if (failed == 0)
        failed = vp_lake_call_reading(vp_table_lake(self),
            call.what == EDIT_OVERWRITE ? &call.inputs.rows.reads : NULL, edit_run, &call);
    vp_inputs_done(&call.inputs);
    vp_strings_done(&call.columns);
    vp_strings_done(&call.values);
    PyMem_Free(call.assignments);
    PyObject *result = failed == 0 ? vp_edit_result(&call.result) : NULL;
    free(call.warnings);
    return result;
}

struct checkpoint {
    PyObject *self;
    varve_checkpoint_result result;
};

static varve_status checkpoint_run(void *args, varve_error *err)
{
    struct checkpoint *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_checkpoint(table, &call->result, err) : VARVE_EUSAGE;
}

static PyObject *table_checkpoint(PyObject *self, PyObject *unused)
{
    struct checkpoint call = {.self = self};
    (void)unused;
    if (vp_lake_call(vp_table_lake(self), checkpoint_run, &call) < 0)
        return NULL;
    return Py_BuildValue("(LLLL)", (long long)call.result.version,
        (long long)call.result.commits_cleaned, (long long)call.result.commits_kept,
        (long long)call.result.log_first_version);
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct describe {
    PyObject *self;
    const char *at;
    char *json;
};

static varve_status describe_run(void *args, varve_error *err)
{
    struct describe *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_describe(table, call->at, &call->json, err) : VARVE_EUSAGE;
}

static PyObject *table_describe(PyObject *self, PyObject *args)
{
    struct describe call = {self, NULL, NULL};
    if (!PyArg_ParseTuple(args, "z", &call.at))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), describe_run, &call);
    if (failed == 0)
        return vp_take_text(call.json);
    varve_free(call.json);
    return NULL;
}

/* All that reads rows of a table: which of the options counts depends on the function. */
struct read {
    PyObject *self;
    union {
        varve_scan_options scan;
        varve_latest_options latest;
        varve_range_options range;
        const char *at;
        const char *id;
        struct {
            const char *at;
            int64_t limit;
        } history;
    } options;
    struct ArrowArrayStream stream;
};

static varve_status scan_run(void *args, varve_error *err)
{
    struct read *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_scan(table, &call->options.scan, &call->stream, err)
                 : VARVE_EUSAGE;
}

static PyObject *table_scan(PyObject *self, PyObject *args)
{
    struct read call = {.self = self, .options.scan = VARVE_SCAN_OPTIONS_INIT};
    varve_scan_options *options = &call.options.scan;
    long long limit;
    if (!PyArg_ParseTuple(args, "zzzL", &options->columns, &options->where, &options->at,
            &limit))
        return NULL;
    options->limit = limit;
    int failed = vp_lake_call(vp_table_lake(self), scan_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

static varve_status latest_run(void *args, varve_error *err)
{
    struct read *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_latest(table, &call->options.latest, &call->stream, err)
                 : VARVE_EUSAGE;
}

static PyObject *table_latest(PyObject *self, PyObject *args)
{
    struct read call = {.self = self, .options.latest = VARVE_LATEST_OPTIONS_INIT};
    varve_latest_options *options = &call.options.latest;
    if (!PyArg_ParseTuple(args, "zzz", &options->by, &options->until, &options->at))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), latest_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

static varve_status range_run(void *args, varve_error *err)
{
    struct read *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_range(table, &call->options.range, &call->stream, NULL, err)
                 : VARVE_EUSAGE;
}

static PyObject *table_range(PyObject *self, PyObject *args)
{
    struct read call = {.self = self, .options.range = VARVE_RANGE_OPTIONS_INIT};
    varve_range_options *options = &call.options.range;
    if (!PyArg_ParseTuple(args, "zzzzzz", &options->symbol, &options->strategy, &options->last,
            &options->from, &options->to, &options->at))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), range_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

static varve_status history_run(void *args, varve_error *err)
{
    struct read *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_history_at(table, call->options.history.at,
                       call->options.history.limit, &call->stream, err)
                 : VARVE_EUSAGE;
}

static PyObject *table_history(PyObject *self, PyObject *args)
{
    struct read call = {.self = self};
    long long limit;
    if (!PyArg_ParseTuple(args, "Lz", &limit, &call.options.history.at))
        return NULL;
    call.options.history.limit = limit;
    int failed = vp_lake_call(vp_table_lake(self), history_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

static varve_status files_run(void *args, varve_error *err)
{
    struct read *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_files(table, call->options.at, &call->stream, err)
                 : VARVE_EUSAGE;
}

static PyObject *table_files(PyObject *self, PyObject *args)
{
    struct read call = {.self = self};
    if (!PyArg_ParseTuple(args, "z", &call.options.at))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), files_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

/* ---- The quarantine ------------------------------------------------------------------------- */

static varve_status list_run(void *args, varve_error *err)
{
    struct read *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_quarantine_list(table, &call->stream, NULL, err) : VARVE_EUSAGE;
}

static PyObject *table_quarantine_list(PyObject *self, PyObject *unused)
{
    struct read call = {.self = self};
    (void)unused;
    int failed = vp_lake_call(vp_table_lake(self), list_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

static varve_status show_run(void *args, varve_error *err)
{
    struct read *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_quarantine_show(table, call->options.id, &call->stream, err)
                 : VARVE_EUSAGE;
}

static PyObject *table_quarantine_show(PyObject *self, PyObject *args)
{
    struct read call = {.self = self};
    if (!PyArg_ParseTuple(args, "z", &call.options.id))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), show_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

struct batches {
    PyObject *self;
    struct vp_strings ids;
    varve_release_options options;
    varve_release_result result;
    char *warnings;
    int64_t rows; /* dropped */
};

static varve_status release_run(void *args, varve_error *err)
{
    struct batches *call = args;
    varve_table *table = vp_table_of(call->self, err);
    if (table == NULL)
        return VARVE_EUSAGE;
    varve_status status = varve_table_quarantine_release(table, call->ids.items, call->ids.len,
        &call->options, &call->result, err);
    if (status == VARVE_OK)
        vp_keep_warnings(&call->result.upsert.warnings, &call->warnings);
    return status;
}

static varve_status drop_run(void *args, varve_error *err)
{
    struct batches *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_quarantine_drop(table, call->ids.items, call->ids.len,
                       &call->rows, err)
                 : VARVE_EUSAGE;
}

static int run_on_batches(struct batches *call, PyObject *ids, vp_run_fn run)
{
    int failed = vp_strings_of(ids, false, &call->ids);
    if (failed == 0)
        failed = vp_lake_call(vp_table_lake(call->self), run, call);
    vp_strings_done(&call->ids);
    return failed;
}

static PyObject *table_quarantine_release(PyObject *self, PyObject *args)
{
    struct batches call = {.self = self, .options = VARVE_RELEASE_OPTIONS_INIT};
    PyObject *ids;
    int dry_run;
    if (!PyArg_ParseTuple(args, "Op", &ids, &dry_run))
        return NULL;
    call.options.dry_run = dry_run;
    if (run_on_batches(&call, ids, release_run) < 0)
        return NULL;
    PyObject *result = vp_result_of(&call.result.upsert);
    free(call.warnings);
    return Py_BuildValue("(NLL)", result, (long long)call.result.batches,
        (long long)call.result.damaged);
}

static PyObject *table_quarantine_drop(PyObject *self, PyObject *args)
{
    struct batches call = {.self = self};
    PyObject *ids;
    if (!PyArg_ParseTuple(args, "O", &ids) || run_on_batches(&call, ids, drop_run) < 0)
        return NULL;
    return PyLong_FromLongLong(call.rows);
}

static PyMethodDef table_methods[] = {
    {"close", table_close, METH_NOARGS, "Gives the table back."},
    {"refresh", table_refresh, METH_NOARGS, "The latest version."},
    {"write", table_write, METH_VARARGS, "An upsert, or an append; its result."},
    {"edit", table_edit, METH_VARARGS, "A delete, update or overwrite; its result."},
    {"checkpoint", table_checkpoint, METH_NOARGS, "A checkpoint now; its result."},
    {"describe", table_describe, METH_VARARGS, "JSON."},
    {"scan", table_scan, METH_VARARGS, "A stream."},
    {"latest", table_latest, METH_VARARGS, "A stream."},
    {"range", table_range, METH_VARARGS, "A stream."},
    {"merge", vp_table_merge, METH_VARARGS, "A merge; its result."},
    {"optimize", vp_table_optimize, METH_VARARGS, "Few files for many; its result."},
    {"vacuum", vp_table_vacuum, METH_VARARGS,
        "What no version needs goes; result and a stream."},
    {"restore", vp_table_restore, METH_VARARGS, "As it was; its result."},
    {"alter", vp_table_alter, METH_VARARGS,
        "A change of the rules; its result and what it is."},
    {"changes", vp_table_changes, METH_VARARGS, "A stream."},
    {"trace", vp_table_trace, METH_VARARGS, "A stream."},
    {"why", vp_table_why, METH_VARARGS, "A stream."},
    {"history", table_history, METH_VARARGS, "A stream."},
    {"files", table_files, METH_VARARGS, "A stream."},
    {"quarantine_list", table_quarantine_list, METH_NOARGS, "A stream."},
    {"quarantine_show", table_quarantine_show, METH_VARARGS, "A stream."},
    {"quarantine_release", table_quarantine_release, METH_VARARGS,
        "Result, batches that are gone, damaged ones."},
    {"quarantine_drop", table_quarantine_drop, METH_VARARGS, "How many rows."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot table_slots[] = {
    {Py_tp_dealloc, table_dealloc},
    {Py_tp_methods, table_methods},
    {Py_tp_new, vp_no_new},
    {0, NULL},
};

PyType_Spec vp_table_spec = {
    "varve._core.Table", sizeof(struct table_object), 0, Py_TPFLAGS_DEFAULT, table_slots};
