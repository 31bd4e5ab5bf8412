/* Methods of a table: merge, and what keeps it healthy, changes its rules or tells of its past. */
#include <stdlib.h>

#include "input.h"
#include "table_object.h"
#include "varve/alter.h"
#include "varve/inspect.h"
#include "varve/maintain.h"

/* ---- Merge ---------------------------------------------------------------------------------- */

struct merge {
    PyObject *self;
    struct vp_inputs inputs;
    struct vp_strings texts;
    varve_merge_clause *clauses;
    varve_merge merge;
    varve_edit_options options;
    varve_edit_result result;
    char *warnings;
};

static varve_status merge_run(void *args, varve_error *err)
{
    struct merge *call = args;
    varve_table *table = vp_table_of(call->self, err);
    if (table == NULL)
        return VARVE_EUSAGE;
    varve_status status =
        varve_table_merge(table, &call->merge, &call->options, &call->result, err);
    if (status == VARVE_OK)
        vp_keep_warnings(&call->result.warnings, &call->warnings);
    return status;
}

/* Pairs of what matches (varve_merge_when) and the text of the clause. 0, or -1. */
static int merge_clauses(struct merge *call, PyObject *whens, PyObject *texts)
{
    if (vp_strings_of(texts, false, &call->texts) < 0)
        return -1;
    call->clauses = PyMem_Calloc(call->texts.len + 1, sizeof(*call->clauses));
    if (call->clauses == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < call->texts.len; i++) {
        PyObject *when = PyList_GetItem(whens, (Py_ssize_t)i);
        long number = when != NULL ? PyLong_AsLong(when) : -1;
        if (PyErr_Occurred())
            return -1;
        call->clauses[i] = (varve_merge_clause){(varve_merge_when)number, call->texts.items[i]};
    }
    return 0;
}

PyObject *vp_table_merge(PyObject *self, PyObject *args)
{
    struct merge call = {
        .self = self, .options = VARVE_EDIT_OPTIONS_INIT, .inputs = {.fd = -1}};
    varve_edit_options *options = &call.options;
    PyObject *files, *data, *whens, *texts;
    long long app_version;
    if (!PyArg_ParseTuple(args, "OOsOOzLIzpzpp", &files, &data, &call.merge.on, &whens, &texts,
            &options->app_id, &app_version, &options->attempts_max, &options->input_tz,
            &options->truncate_time, &options->message, &options->dry_run, &options->evolve))
        return NULL;
    options->app_version = app_version;
    int failed = merge_clauses(&call, whens, texts);
    if (failed == 0)
        failed = vp_inputs_of(vp_state(((struct table_object *)self)->module),
            vp_table_lake(self), files, data, &call.inputs);
    call.merge.inputs = call.inputs.items;
    call.merge.inputs_len = call.inputs.len;
    call.merge.clauses = call.clauses;
    call.merge.clauses_len = call.texts.len;
    if (failed == 0)
        failed = vp_lake_call_reading(vp_table_lake(self), &call.inputs.rows.reads, merge_run,
            &call);
    vp_inputs_done(&call.inputs);
    vp_strings_done(&call.texts);
    PyMem_Free(call.clauses);
    PyObject *result = failed == 0 ? vp_edit_result(&call.result) : NULL;
    free(call.warnings);
    return result;
}

/* ---- Upkeep --------------------------------------------------------------------------------- */

struct optimize {
    PyObject *self;
    varve_optimize_options options;
    varve_optimize_result result;
};

static varve_status optimize_run(void *args, varve_error *err)
{
    struct optimize *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_optimize(table, &call->options, &call->result, err)
                 : VARVE_EUSAGE;
}

PyObject *vp_table_optimize(PyObject *self, PyObject *args)
{
    struct optimize call = {.self = self, .options = VARVE_OPTIMIZE_OPTIONS_INIT};
    varve_optimize_options *options = &call.options;
    const varve_optimize_result *result = &call.result;
    long long target_bytes;
    if (!PyArg_ParseTuple(args, "Lzzzp", &target_bytes, &options->zorder, &options->where,
            &options->message, &options->dry_run))
        return NULL;
    options->target_bytes = target_bytes;
    if (vp_lake_call(vp_table_lake(self), optimize_run, &call) < 0)
        return NULL;
    return Py_BuildValue("(LLLLLLLLLL)", (long long)result->version, (long long)result->commits,
        (long long)result->partitions, (long long)result->files_added,
        (long long)result->files_removed, (long long)result->bytes_added,
        (long long)result->bytes_removed, (long long)result->rows,
        (long long)result->vectors_removed, (long long)result->files_skipped);
}

struct vacuum {
    PyObject *self;
    varve_vacuum_options options;
    varve_vacuum_result result;
    struct ArrowArrayStream files;
};

static varve_status vacuum_run(void *args, varve_error *err)
{
    struct vacuum *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_vacuum(table, &call->options, &call->result, &call->files, err)
                 : VARVE_EUSAGE;
}

PyObject *vp_table_vacuum(PyObject *self, PyObject *args)
{
    struct vacuum call = {.self = self, .options = VARVE_VACUUM_OPTIONS_INIT};
    varve_vacuum_options *options = &call.options;
    const varve_vacuum_result *result = &call.result;
    if (!PyArg_ParseTuple(args, "zpppz", &options->retain, &options->remove, &options->lite,
            &options->unsafe, &options->message))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), vacuum_run, &call);
    PyObject *files = vp_table_give(self, failed, &call.files);
    if (files == NULL)
        return NULL;
    return Py_BuildValue("((LLLLL)N)", (long long)result->version, (long long)result->files,
        (long long)result->bytes, (long long)result->retention_ms,
        (long long)result->readable_version, files);
}

struct restore {
    PyObject *self;
    varve_restore_options options;
    varve_restore_result result;
};

static varve_status restore_run(void *args, varve_error *err)
{
    struct restore *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_restore(table, &call->options, &call->result, err)
                 : VARVE_EUSAGE;
}

PyObject *vp_table_restore(PyObject *self, PyObject *args)
{
    struct restore call = {.self = self, .options = VARVE_RESTORE_OPTIONS_INIT};
    const varve_restore_result *result = &call.result;
    if (!PyArg_ParseTuple(args, "zzp", &call.options.at, &call.options.message,
            &call.options.dry_run) ||
        vp_lake_call(vp_table_lake(self), restore_run, &call) < 0)
        return NULL;
    return Py_BuildValue("(LLLLLLN)", (long long)result->version, (long long)result->restored,
        (long long)result->files_restored, (long long)result->files_removed,
        (long long)result->bytes_restored, (long long)result->bytes_removed,
        PyBool_FromLong(result->changed != 0));
}

struct alter {
    PyObject *self;
    varve_alter_change change;
    varve_alter_options options;
    varve_alter_result result;
    char *diff;
};

static varve_status alter_run(void *args, varve_error *err)
{
    struct alter *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_alter(table, &call->change, &call->options, &call->result,
                       &call->diff, err)
                 : VARVE_EUSAGE;
}

PyObject *vp_table_alter(PyObject *self, PyObject *args)
{
    struct alter call = {.self = self, .options = VARVE_ALTER_OPTIONS_INIT};
    struct vp_strings words;
    PyObject *word_list;
    if (!PyArg_ParseTuple(args, "sOppz", &call.change.verb, &word_list, &call.options.upgrade,
            &call.options.dry_run, &call.options.message))
        return NULL;
    int failed = vp_strings_of(word_list, false, &words);
    call.change.words = words.items;
    call.change.words_len = words.len;
    if (failed == 0)
        failed = vp_lake_call(vp_table_lake(self), alter_run, &call);
    vp_strings_done(&words);
    PyObject *diff = vp_take_text(call.diff);
    if (failed == 0 && diff != NULL)
        return Py_BuildValue("(LNN)", (long long)call.result.version,
            PyBool_FromLong(call.result.changed != 0), diff);
    Py_XDECREF(diff);
    return NULL;
}

/* ---- The past ------------------------------------------------------------------------------- */

struct past {
    PyObject *self;
    const char *from, *to; /* or the file */
    const char *at;        /* of a trace */
    struct vp_strings conditions;
    struct ArrowArrayStream stream;
};

static varve_status changes_run(void *args, varve_error *err)
{
    struct past *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_changes(table, call->from, call->to, &call->stream, err)
                 : VARVE_EUSAGE;
}

PyObject *vp_table_changes(PyObject *self, PyObject *args)
{
    struct past call = {.self = self};
    if (!PyArg_ParseTuple(args, "zz", &call.from, &call.to))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), changes_run, &call);
    return vp_table_give(self, failed, &call.stream);
}

static varve_status trace_run(void *args, varve_error *err)
{
    struct past *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_trace_at(table, call->at, call->conditions.items,
                       call->conditions.len, &call->stream, err)
                 : VARVE_EUSAGE;
}

PyObject *vp_table_trace(PyObject *self, PyObject *args)
{
    struct past call = {.self = self};
    PyObject *conditions;
    if (!PyArg_ParseTuple(args, "Oz", &conditions, &call.at))
        return NULL;
    int failed = vp_strings_of(conditions, false, &call.conditions);
    if (failed == 0)
        failed = vp_lake_call(vp_table_lake(self), trace_run, &call);
    vp_strings_done(&call.conditions);
    return vp_table_give(self, failed, &call.stream);
}

static varve_status why_run(void *args, varve_error *err)
{
    struct past *call = args;
    varve_table *table = vp_table_of(call->self, err);
    return table ? varve_table_why(table, call->from, &call->stream, err) : VARVE_EUSAGE;
}

PyObject *vp_table_why(PyObject *self, PyObject *args)
{
    struct past call = {.self = self};
    if (!PyArg_ParseTuple(args, "s", &call.from))
        return NULL;
    int failed = vp_lake_call(vp_table_lake(self), why_run, &call);
    return vp_table_give(self, failed, &call.stream);
}
