#include "record.h"

#include <math.h>

#include "encode.h"

/* A time that is still to be converted: that needs the module. */
struct times {
    PyObject *timestamp, *ingested_at, *acted_at;
};

static int number_of(PyObject *object, void *out)
{
    double value = VARVE_NO_NUMBER;
    if (object != Py_None)
        value = PyFloat_AsDouble(object);
    if (PyErr_Occurred())
        return 0;
    *(double *)out = value;
    return 1;
}

static int int_of(PyObject *object, void *out)
{
    int32_t value = VARVE_NO_INT;
    bool is_float = PyFloat_Check(object); /* as pandas has whole numbers beside missing ones */
    double number = is_float ? PyFloat_AsDouble(object) : 0;
    if (is_float && !isnan(number) && (number != floor(number) || fabs(number) > INT32_MAX)) {
        PyErr_Format(PyExc_ValueError, "%R is no integer of 32 bits", object);
        return 0;
    }
    if (object != Py_None && !isnan(number)) {
        long long wide = is_float ? (long long)number : PyLong_AsLongLong(object);
        if (PyErr_Occurred())
            return 0;
        if (wide <= INT32_MIN || wide > INT32_MAX) {
            PyErr_Format(PyExc_OverflowError, "%R is no integer of 32 bits", object);
            return 0;
        }
        value = (int32_t)wide;
    }
    *(int32_t *)out = value;
    return 1;
}

/* What is true in an `if` may be none: a missing value of pandas, the text "False". */
static int bool_of(PyObject *object, void *out)
{
    bool is_bool = PyBool_Check(object) || vp_is_type_named(object, "bool") || /* of numpy 2 */
                   vp_is_type_named(object, "bool_"); /* and before it */
    int value = is_bool ? PyObject_IsTrue(object) : -1;
    if (value < 0 && !PyErr_Occurred())
        PyErr_Format(PyExc_TypeError, "acted_upon: a bool is needed, not %R", object);
    *(int *)out = value;
    return value >= 0;
}

/* pandas has times with nanoseconds; those of its missing time are a NaN. */
static bool is_exact(PyObject *time)
{
    VP_OWNED PyObject *ns = PyObject_GetAttrString(time, "nanosecond");
    if (ns == NULL) {
        PyErr_Clear();
        return true;
    }
    return PyFloat_Check(ns) || PyObject_IsTrue(ns) == 0;
}

/* *out_none: it was pandas' missing time. */
static PyObject *microseconds_of(struct vp_state *state, PyObject *time, bool *out_none)
{
    VP_OWNED PyObject *zone = PyObject_GetAttrString(time, "tzinfo");
    if (zone == NULL)
        return NULL;
    VP_OWNED PyObject *since =
        PyNumber_Subtract(time, zone == Py_None ? state->epoch_naive : state->epoch);
    VP_OWNED PyObject *us = since ? PyNumber_FloorDivide(since, state->microsecond) : NULL;
    *out_none = us != NULL && PyFloat_Check(us);
    return vp_move(&us);
}

static int time_of(struct vp_state *state, const char *name, PyObject *object, int64_t *out)
{
    bool is_none = object == NULL || object == Py_None;
    *out = VARVE_NO_TIME;
    if (is_none)
        return 0;
    if (PyLong_Check(object)) {
        *out = PyLong_AsLongLong(object);
        return PyErr_Occurred() ? -1 : 0;
    }
    if (vp_time_classes(state) < 0)
        return -1;
    int is_time = PyObject_IsInstance(object, state->datetime);
    if (is_time <= 0) {
        if (is_time == 0)
            PyErr_Format(PyExc_TypeError,
                "%s: a datetime, or an int of microseconds since 1970, not %R", name, object);
        return -1;
    }
    if (!is_exact(object)) {
        PyErr_Format(PyExc_ValueError, "%s: %R has digits below a microsecond", name, object);
        return -1;
    }
    VP_OWNED PyObject *us = microseconds_of(state, object, &is_none);
    if (us == NULL)
        return -1;
    if (!is_none)
        *out = PyLong_AsLongLong(us);
    return PyErr_Occurred() ? -1 : 0;
}

int vp_record_regime(struct vp_state *state, PyObject *args, PyObject *options,
    varve_market_regime *out)
{
    static const char *const names[] = {"timestamp", "symbol", "regime", "vix",
        "put_call_ratio", "futures_trend", "confidence", "model_version", "source",
        "ingested_at", NULL};
    struct times times = {NULL, NULL, NULL};
    *out = (varve_market_regime)VARVE_MARKET_REGIME_INIT;
    if (!PyArg_ParseTupleAndKeywords(args, options, "Ozz|$O&O&zO&zzO",
            (char **)(uintptr_t)names, &times.timestamp, &out->symbol, &out->regime, number_of,
            &out->vix, number_of, &out->put_call_ratio, &out->futures_trend, number_of,
            &out->confidence, &out->model_version, &out->source, &times.ingested_at) ||
        time_of(state, "timestamp", times.timestamp, &out->timestamp) < 0)
        return -1;
    return time_of(state, "ingested_at", times.ingested_at, &out->ingested_at);
}

int vp_record_performance(struct vp_state *state, PyObject *args, PyObject *options,
    varve_performance *out)
{
    static const char *const names[] = {"timestamp", "strategy_id", "unrealized_pnl",
        "realized_pnl", "total_pnl", "delta", "gamma", "theta", "vega", "dte", "entry_price",
        "current_price", "regime_at_entry", "regime_current", "ingested_at", NULL};
    struct times times = {NULL, NULL, NULL};
    *out = (varve_performance)VARVE_PERFORMANCE_INIT;
    if (!PyArg_ParseTupleAndKeywords(args, options, "Oz|$O&O&O&O&O&O&O&O&O&O&zzO",
            (char **)(uintptr_t)names, &times.timestamp, &out->strategy_id, number_of,
            &out->unrealized_pnl, number_of, &out->realized_pnl, number_of, &out->total_pnl,
            number_of, &out->delta, number_of, &out->gamma, number_of, &out->theta, number_of,
            &out->vega, int_of, &out->dte, number_of, &out->entry_price, number_of,
            &out->current_price, &out->regime_at_entry, &out->regime_current,
            &times.ingested_at) ||
        time_of(state, "timestamp", times.timestamp, &out->timestamp) < 0)
        return -1;
    return time_of(state, "ingested_at", times.ingested_at, &out->ingested_at);
}

int vp_record_signal(struct vp_state *state, PyObject *args, PyObject *options,
    varve_signal *out)
{
    static const char *const names[] = {"timestamp", "strategy_id", "signal_type",
        "signal_value", "acted_upon", "acted_at", "source", "source_version", "regime",
        "futures_trend", "ingested_at", NULL};
    struct times times = {NULL, NULL, NULL};
    int acted_upon = 0;
    *out = (varve_signal)VARVE_SIGNAL_INIT;
    if (!PyArg_ParseTupleAndKeywords(args, options, "Ozz|$O&O&OzzzzO",
            (char **)(uintptr_t)names, &times.timestamp, &out->strategy_id, &out->signal_type,
            number_of, &out->signal_value, bool_of, &acted_upon, &times.acted_at, &out->source,
            &out->source_version, &out->regime, &out->futures_trend, &times.ingested_at) ||
        time_of(state, "timestamp", times.timestamp, &out->timestamp) < 0 ||
        time_of(state, "acted_at", times.acted_at, &out->acted_at) < 0)
        return -1;
    out->acted_upon = acted_upon;
    return time_of(state, "ingested_at", times.ingested_at, &out->ingested_at);
}
