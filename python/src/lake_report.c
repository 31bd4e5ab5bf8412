/* The reports of a lake: methods of its object. */
#include "input.h"
#include "objects.h"
#include "varve/report.h"

struct correlate {
    varve_lake *lake;
    varve_correlate_options options;
    struct ArrowArrayStream stream;
    char *json;
};

static varve_status correlate_run(void *args, varve_error *err)
{
    struct correlate *call = args;
    return varve_lake_correlate(call->lake, &call->options, &call->stream, &call->json, err);
}

/* What belongs together where one of two may be missing: (first, second), or NULL. */
static PyObject *pair_of(PyObject *first, PyObject *second)
{
    PyObject *pair = first && second ? PyTuple_Pack(2, first, second) : NULL;
    Py_XDECREF(first);
    Py_XDECREF(second);
    return pair;
}

/* A stream and what is said of it: (stream, text), or NULL; both are taken over. */
static PyObject *stream_and_text(PyObject *self, int failed, struct ArrowArrayStream *rows,
    char *text)
{
    PyObject *stream = vp_lake_stream(self, failed, rows);
    if (stream != NULL)
        return pair_of(stream, vp_take_text(text));
    varve_free(text);
    return NULL;
}

PyObject *vp_lake_correlate(PyObject *self, PyObject *args)
{
    struct correlate call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_CORRELATE_OPTIONS_INIT};
    varve_correlate_options *options = &call.options;
    if (!PyArg_ParseTuple(args, "ipzzzzz", &options->knowledge, &options->by_symbol,
            &options->symbol, &options->last, &options->from, &options->to, &options->at))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), correlate_run, &call);
    return stream_and_text(self, failed, &call.stream, call.json);
}

struct outcomes {
    varve_lake *lake;
    varve_outcomes_options options;
    struct ArrowArrayStream stream;
    char *json;
};

static varve_status outcomes_run(void *args, varve_error *err)
{
    struct outcomes *call = args;
    return varve_lake_outcomes(call->lake, &call->options, &call->stream, &call->json, err);
}

PyObject *vp_lake_outcomes(PyObject *self, PyObject *args)
{
    struct outcomes call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_OUTCOMES_OPTIONS_INIT};
    varve_outcomes_options *options = &call.options;
    if (!PyArg_ParseTuple(args, "iiizzzzzzzz", &options->by, &options->knowledge,
            &options->acted, &options->horizons, &options->tolerance, &options->strategy,
            &options->symbol, &options->last, &options->from, &options->to, &options->at))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), outcomes_run, &call);
    return stream_and_text(self, failed, &call.stream, call.json);
}

struct transitions {
    varve_lake *lake;
    varve_transitions_options options;
    struct ArrowArrayStream stream;
    char *symbol;
};

static varve_status transitions_run(void *args, varve_error *err)
{
    struct transitions *call = args;
    return varve_lake_transitions(call->lake, &call->options, &call->stream, &call->symbol,
        err);
}

PyObject *vp_lake_transitions(PyObject *self, PyObject *args)
{
    struct transitions call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_TRANSITIONS_OPTIONS_INIT};
    varve_transitions_options *options = &call.options;
    if (!PyArg_ParseTuple(args, "ppzzzzz", &options->by_symbol, &options->changes_only,
            &options->symbol, &options->last, &options->from, &options->to, &options->at))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), transitions_run, &call);
    return stream_and_text(self, failed, &call.stream, call.symbol);
}

struct gaps {
    varve_lake *lake;
    const char *table;
    varve_gaps_options options;
    struct ArrowArrayStream stream;
    char *json;
};

static varve_status gaps_run(void *args, varve_error *err)
{
    struct gaps *call = args;
    return varve_lake_gaps(call->lake, call->table, &call->options, &call->stream, &call->json,
        err);
}

PyObject *vp_lake_gaps(PyObject *self, PyObject *args)
{
    struct gaps call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_GAPS_OPTIONS_INIT};
    varve_gaps_options *options = &call.options;
    if (!PyArg_ParseTuple(args, "yzpzzzzzz", &call.table, &options->every, &options->coverage,
            &options->calendar, &options->by, &options->last, &options->from, &options->to,
            &options->at))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), gaps_run, &call);
    return stream_and_text(self, failed, &call.stream, call.json);
}

struct lateness {
    varve_lake *lake;
    const char *table;
    varve_lateness_options options;
    struct ArrowArrayStream stream;
};

static varve_status lateness_run(void *args, varve_error *err)
{
    struct lateness *call = args;
    return varve_lake_lateness(call->lake, call->table, &call->options, &call->stream, err);
}

PyObject *vp_lake_lateness(PyObject *self, PyObject *args)
{
    struct lateness call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_LATENESS_OPTIONS_INIT};
    varve_lateness_options *options = &call.options;
    if (!PyArg_ParseTuple(args, "yzzzzz", &call.table, &options->by, &options->last,
            &options->from, &options->to, &options->at))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), lateness_run, &call);
    return vp_lake_stream(self, failed, &call.stream);
}

struct signals {
    varve_lake *lake;
    varve_signals_options options;
    struct ArrowArrayStream stream;
};

static varve_status signals_run(void *args, varve_error *err)
{
    struct signals *call = args;
    return varve_lake_signals(call->lake, &call->options, &call->stream, err);
}

PyObject *vp_lake_signals(PyObject *self, PyObject *args)
{
    struct signals call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_SIGNALS_OPTIONS_INIT};
    varve_signals_options *options = &call.options;
    PyObject *min_value;
    if (!PyArg_ParseTuple(args, "izOzzzz", &options->report, &options->strategy, &min_value,
            &options->last, &options->from, &options->to, &options->at))
        return NULL;
    if (min_value != Py_None) {
        options->min_value = PyFloat_AsDouble(min_value);
        options->min_value_set = 1;
        if (PyErr_Occurred())
            return NULL;
    }
    int failed = vp_lake_call(vp_lake_of(self), signals_run, &call);
    return vp_lake_stream(self, failed, &call.stream);
}
