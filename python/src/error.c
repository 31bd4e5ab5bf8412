#include "common.h"

PyObject *vp_raise(const varve_error *err)
{
    VP_OWNED PyObject *errors = PyImport_ImportModule("varve._errors");
    VP_OWNED PyObject *make = errors ? PyObject_GetAttrString(errors, "error_of") : NULL;
    if (make == NULL)
        return NULL;
    /* A message that was cut may end in the middle of a character. */
    VP_OWNED PyObject *message =
        PyUnicode_DecodeUTF8(err->message, (Py_ssize_t)strlen(err->message), "replace");
    VP_OWNED PyObject *detail =
        PyUnicode_DecodeUTF8(err->detail, (Py_ssize_t)strlen(err->detail), "replace");
    VP_OWNED PyObject *table =
        PyUnicode_DecodeUTF8(err->table, (Py_ssize_t)strlen(err->table), "replace");
    if (message == NULL || detail == NULL || table == NULL)
        return NULL;
    VP_OWNED PyObject *error = PyObject_CallFunction(make, "iOOOLiii", (int)err->code, message,
        detail, table, (long long)err->version, (int)err->retryable, (int)err->os_errno,
        (int)err->http_status);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    return NULL;
}

varve_status vp_fail(varve_error *err, varve_status code, const char *message)
{
    *err = (varve_error){.code = code, .version = -1};
    size_t len = strlen(message);
    len = len < sizeof(err->message) ? len : sizeof(err->message) - 1;
    memcpy(err->message, message, len);
    return code;
}

PyObject *vp_raise_code(varve_status code, const char *message)
{
    varve_error err;
    vp_fail(&err, code, message);
    return vp_raise(&err);
}
