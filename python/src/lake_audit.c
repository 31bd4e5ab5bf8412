/* Methods of a lake: proof, pins, and what was known when. */
#include "input.h"
#include "lake_object.h"
#include "varve/audit.h"
#include "varve/pin.h"
#include "varve/writer.h"

/* ---- Proof ---------------------------------------------------------------------------------- */

struct verify {
    varve_lake *lake;
    const char *table;
    varve_verify_options options;
    varve_verify_result result;
    char *report;
};

static varve_status verify_run(void *args, varve_error *err)
{
    struct verify *call = args;
    return varve_lake_verify(call->lake, call->table, &call->options, &call->result,
        &call->report, err);
}

PyObject *vp_lake_verify(PyObject *self, PyObject *args)
{
    struct verify call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_VERIFY_OPTIONS_INIT};
    varve_verify_options *options = &call.options;
    options->as_json = 1;
    if (!PyArg_ParseTuple(args, "szppzz", &call.table, &options->head, &options->deep,
            &options->strict, &options->signature, &options->public_key) ||
        vp_lake_call(vp_lake_of(self), verify_run, &call) < 0)
        return NULL;
    PyObject *report = vp_take_text(call.report);
    return report ? Py_BuildValue("(NN)", PyBool_FromLong(call.result.whole != 0), report)
                  : NULL;
}

struct text { /* what takes a lake and some texts, and gives one */
    varve_lake *lake;
    const char *first, *second;
    varve_spool_salvage_options salvage;
    char *json;
};

static varve_status seal_run(void *args, varve_error *err)
{
    struct text *call = args;
    return varve_lake_seal(call->lake, call->first, call->second, &call->json, err);
}

PyObject *vp_lake_seal(PyObject *self, PyObject *args)
{
    struct text call = {.lake = vp_lake_handle(vp_lake_of(self))};
    if (!PyArg_ParseTuple(args, "sz", &call.first, &call.second))
        return NULL;
    return vp_lake_call(vp_lake_of(self), seal_run, &call) == 0 ? vp_take_text(call.json)
                                                                : NULL;
}

struct export
{
    varve_lake *lake;
    const char *folder;
    varve_audit_export_options options;
    char *json;
};

static varve_status export_run(void *args, varve_error *err)
{
    struct export *call = args;
    return varve_lake_export(call->lake, call->folder, &call->options, &call->json, err);
}

PyObject *vp_lake_export(PyObject *self, PyObject *args)
{
    struct export call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_AUDIT_EXPORT_OPTIONS_INIT};
    varve_audit_export_options *options = &call.options;
    struct vp_strings tables;
    PyObject *table_list;
    if (!PyArg_ParseTuple(args, "sOzzzzzzpp", &call.folder, &table_list, &options->last,
            &options->from, &options->to, &options->at, &options->key_file, &options->seals,
            &options->without_sources, &options->without_changes))
        return NULL;
    int failed = vp_strings_of(table_list, false, &tables);
    options->tables = table_list != Py_None ? tables.items : NULL;
    options->tables_len = tables.len;
    if (failed == 0)
        failed = vp_lake_call(vp_lake_of(self), export_run, &call);
    vp_strings_done(&tables);
    return failed == 0 ? vp_take_text(call.json) : NULL;
}

static varve_status salvage_run(void *args, varve_error *err)
{
    struct text *call = args;
    return varve_spool_salvage(call->lake, &call->salvage, &call->json, err);
}

PyObject *vp_lake_salvage(PyObject *self, PyObject *args)
{
    struct text call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .salvage = VARVE_SPOOL_SALVAGE_OPTIONS_INIT};
    varve_spool_salvage_options *options = &call.salvage;
    if (!PyArg_ParseTuple(args, "zzppp", &options->spool, &options->table, &options->aside,
            &options->dry_run, &options->adopt))
        return NULL;
    return vp_lake_call(vp_lake_of(self), salvage_run, &call) == 0 ? vp_take_text(call.json)
                                                                   : NULL;
}

/* ---- Pins ----------------------------------------------------------------------------------- */

struct pin {
    varve_lake *lake;
    const char *name;
    varve_pin_options options;
    int64_t tables;
    struct ArrowArrayStream stream;
};

static varve_status pin_run(void *args, varve_error *err)
{
    struct pin *call = args;
    return varve_lake_pin(call->lake, call->name, &call->options, &call->tables, err);
}

PyObject *vp_lake_pin(PyObject *self, PyObject *args)
{
    struct pin call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_PIN_OPTIONS_INIT};
    struct vp_strings tables;
    PyObject *table_list;
    if (!PyArg_ParseTuple(args, "iszOz", &call.options.kind, &call.name, &call.options.at,
            &table_list, &call.options.message))
        return NULL;
    int failed = vp_strings_of(table_list, false, &tables);
    call.options.tables = table_list != Py_None ? tables.items : NULL;
    call.options.tables_len = tables.len;
    if (failed == 0)
        failed = vp_lake_call(vp_lake_of(self), pin_run, &call);
    vp_strings_done(&tables);
    return failed == 0 ? PyLong_FromLongLong(call.tables) : NULL;
}

static varve_status unpin_run(void *args, varve_error *err)
{
    struct pin *call = args;
    return varve_lake_unpin(call->lake, call->name, call->options.kind, &call->tables, err);
}

PyObject *vp_lake_unpin(PyObject *self, PyObject *args)
{
    struct pin call = {.lake = vp_lake_handle(vp_lake_of(self))};
    if (!PyArg_ParseTuple(args, "is", &call.options.kind, &call.name) ||
        vp_lake_call(vp_lake_of(self), unpin_run, &call) < 0)
        return NULL;
    return PyLong_FromLongLong(call.tables);
}

static varve_status pins_run(void *args, varve_error *err)
{
    struct pin *call = args;
    return varve_lake_pins(call->lake, call->options.kind, &call->stream, err);
}

PyObject *vp_lake_pins(PyObject *self, PyObject *args)
{
    struct pin call = {.lake = vp_lake_handle(vp_lake_of(self))};
    if (!PyArg_ParseTuple(args, "i", &call.options.kind))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), pins_run, &call);
    return vp_lake_stream(self, failed, &call.stream);
}

/* ---- What was known ------------------------------------------------------------------------- */

static varve_status known_at_run(void *args, varve_error *err)
{
    struct text *call = args;
    return varve_lake_known_at(call->lake, call->first, err);
}

PyObject *vp_lake_known_at(PyObject *self, PyObject *args)
{
    struct text call = {.lake = vp_lake_handle(vp_lake_of(self))};
    if (!PyArg_ParseTuple(args, "z", &call.first) ||
        vp_lake_call(vp_lake_of(self), known_at_run, &call) < 0)
        return NULL;
    Py_RETURN_NONE;
}

struct known {
    varve_lake *lake;
    int64_t us;
    int32_t is_set;
};

/* Microseconds since 1970; None: as it is. */
static varve_status known_run(void *args, varve_error *err)
{
    struct known *call = args;
    (void)err;
    call->is_set = varve_lake_known(call->lake, &call->us);
    return VARVE_OK;
}

PyObject *vp_lake_known(PyObject *self, PyObject *args)
{
    struct known call = {.lake = vp_lake_handle(vp_lake_of(self))};
    (void)args;
    if (vp_lake_call(vp_lake_of(self), known_run, &call) < 0)
        return NULL;
    if (!call.is_set)
        Py_RETURN_NONE;
    return PyLong_FromLongLong(call.us);
}

struct leak {
    varve_lake *lake;
    const char *sql, *known_at;
    varve_leak_check_options options;
    struct ArrowArrayStream stream;
};

static varve_status leak_check_run(void *args, varve_error *err)
{
    struct leak *call = args;
    return varve_lake_leak_check(call->lake, call->sql, call->known_at, &call->options,
        &call->stream, err);
}

PyObject *vp_lake_leak_check(PyObject *self, PyObject *args)
{
    struct leak call = {
        .lake = vp_lake_handle(vp_lake_of(self)), .options = VARVE_LEAK_CHECK_OPTIONS_INIT};
    if (!PyArg_ParseTuple(args, "szi", &call.sql, &call.known_at, &call.options.knowledge))
        return NULL;
    int failed = vp_lake_call(vp_lake_of(self), leak_check_run, &call);
    return vp_lake_stream(self, failed, &call.stream);
}
