#include "decode_column.h"

/* ---- Numbers and bytes ---------------------------------------------------------------------- */

static uint64_t uint_at(const void *bytes, int32_t width, int64_t index)
{
    uint64_t value = 0;
    memcpy(&value, (const char *)bytes + index * width, (size_t)width);
    return value;
}

static PyObject *float_at(const void *bytes, int64_t index)
{
    float value;
    memcpy(&value, (const char *)bytes + index * 4, 4);
    return PyFloat_FromDouble((double)value);
}

static PyObject *double_at(const void *bytes, int64_t index)
{
    double value;
    memcpy(&value, (const char *)bytes + index * 8, 8);
    return PyFloat_FromDouble(value);
}

static PyObject *bytes_of(const char *bytes, int64_t len, bool is_text)
{
    return is_text ? PyUnicode_DecodeUTF8(bytes, (Py_ssize_t)len, NULL)
                   : PyBytes_FromStringAndSize(bytes, (Py_ssize_t)len);
}

static PyObject *bytes_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at)
{
    int64_t from = vp_int_at(array->buffers[1], column->width, at);
    int64_t to = vp_int_at(array->buffers[1], column->width, at + 1);
    const char *bytes = array->buffers[2];
    return bytes_of(bytes != NULL ? bytes + from : "", to - from, column->kind == VP_TEXT);
}

static PyObject *view_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at)
{
    const char *view = (const char *)array->buffers[1] + at * 16;
    int32_t words[4];
    memcpy(words, view, sizeof(words));
    const char *bytes =
        words[0] <= 12 ? view + 4 : (const char *)array->buffers[2 + words[2]] + words[3];
    return bytes_of(bytes, words[0], column->kind == VP_TEXT_VIEW);
}

/* The unscaled value as an integer of Python, then its digits with a point where it belongs. */
static PyObject *decimal_at(const struct vp_column *column, const struct ArrowArray *array,
    int64_t at)
{
    const unsigned char *bytes = (const unsigned char *)array->buffers[1] + at * column->width;
    if (vp_decimal_class(column->state) < 0)
        return NULL;
    VP_OWNED PyObject *raw =
        PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)column->width);
    VP_OWNED PyObject *from_bytes =
        PyObject_GetAttrString((PyObject *)&PyLong_Type, "from_bytes");
    VP_OWNED PyObject *arguments = raw ? Py_BuildValue("(Os)", raw, "little") : NULL;
    VP_OWNED PyObject *options = Py_BuildValue("{s:O}", "signed", Py_True);
    if (from_bytes == NULL || arguments == NULL || options == NULL)
        return NULL;
    VP_OWNED PyObject *integer = PyObject_Call(from_bytes, arguments, options);
    VP_OWNED PyObject *text =
        integer ? PyUnicode_FromFormat("%SE%d", integer, -(int)column->scale) : NULL;
    return text ? PyObject_CallFunctionObjArgs(column->state->decimal, text, NULL) : NULL;
}

/* ---- Nested values -------------------------------------------------------------------------- */

static PyObject *list_of(struct vp_column *column, const struct ArrowArray *array, int64_t from,
    int64_t to)
{
    VP_OWNED PyObject *list = PyList_New((Py_ssize_t)(to - from));
    for (int64_t i = from; list != NULL && i < to; i++) {
        PyObject *value = vp_column_value(&column->children[0], array->children[0], i);
        if (value == NULL || PyList_SetItem(list, (Py_ssize_t)(i - from), value) < 0)
            return NULL;
    }
    return vp_move(&list);
}

/* Keys that no dict takes, such as lists, leave the map a list of pairs. */
static PyObject *map_of(struct vp_column *column, const struct ArrowArray *array, int64_t from,
    int64_t to)
{
    struct vp_column *entry = &column->children[0];
    const struct ArrowArray *entries = array->children[0];
    VP_OWNED PyObject *pairs = PyList_New(0);
    for (int64_t i = from; pairs != NULL && i < to; i++) {
        int64_t at = i + entries->offset;
        VP_OWNED PyObject *key = vp_column_value(&entry->children[0], entries->children[0], at);
        VP_OWNED PyObject *value =
            key ? vp_column_value(&entry->children[1], entries->children[1], at) : NULL;
        VP_OWNED PyObject *pair = value ? PyTuple_Pack(2, key, value) : NULL;
        if (pair == NULL || PyList_Append(pairs, pair) < 0)
            return NULL;
    }
    if (pairs == NULL)
        return NULL;
    VP_OWNED PyObject *map = PyDict_New();
    if (map == NULL || PyDict_MergeFromSeq2(map, pairs, 1) == 0)
        return vp_move(&map);
    if (!PyErr_ExceptionMatches(PyExc_TypeError))
        return NULL;
    PyErr_Clear();
    return vp_move(&pairs);
}

/* `at` counts with the array's own offset. */
static PyObject *struct_at(struct vp_column *column, const struct ArrowArray *array, int64_t at)
{
    VP_OWNED PyObject *row = PyDict_New();
    for (int64_t i = 0; row != NULL && i < column->children_len; i++) {
        struct vp_column *child = &column->children[i];
        VP_OWNED PyObject *value = vp_column_value(child, array->children[i], at);
        if (value == NULL || PyDict_SetItem(row, child->name, value) < 0)
            return NULL;
    }
    return vp_move(&row);
}

static PyObject *dictionary_at(struct vp_column *column, const struct ArrowArray *array,
    int64_t at)
{
    int64_t index = column->index_is_signed
                        ? vp_int_at(array->buffers[1], column->width, at)
                        : (int64_t)uint_at(array->buffers[1], column->width, at);
    return vp_column_value(&column->children[0], array->dictionary, index);
}

static PyObject *nested_at(struct vp_column *column, const struct ArrowArray *array, int64_t at)
{
    switch ((int)column->kind) {
    case VP_STRUCT:
        return struct_at(column, array, at);
    case VP_ARRAY:
        return list_of(column, array, at * column->width, (at + 1) * column->width);
    case VP_DICTIONARY:
        return dictionary_at(column, array, at);
    default:
        break;
    }
    int64_t from = vp_int_at(array->buffers[1], column->width, at);
    int64_t to = vp_int_at(array->buffers[1], column->width, at + 1);
    return column->kind == VP_MAP ? map_of(column, array, from, to)
                                  : list_of(column, array, from, to);
}

/* ---- Values --------------------------------------------------------------------------------- */

static bool is_null(const struct ArrowArray *array, int64_t at)
{
    const uint8_t *valid =
        array->null_count != 0 && array->n_buffers > 0 ? array->buffers[0] : NULL;
    return valid != NULL && (valid[at / 8] >> (at % 8) & 1) == 0;
}

static PyObject *value_at(struct vp_column *column, const struct ArrowArray *array, int64_t at)
{
    const void *values = array->n_buffers > 1 ? array->buffers[1] : NULL;
    switch ((int)column->kind) {
    case VP_BOOL:
        return PyBool_FromLong(((const uint8_t *)values)[at / 8] >> (at % 8) & 1);
    case VP_INT:
        return PyLong_FromLongLong(vp_int_at(values, column->width, at));
    case VP_UINT:
        return PyLong_FromUnsignedLongLong(uint_at(values, column->width, at));
    case VP_FLOAT:
        return float_at(values, at);
    case VP_DOUBLE:
        return double_at(values, at);
    case VP_TEXT:
    case VP_BYTES:
        return bytes_at(column, array, at);
    case VP_TEXT_VIEW:
    case VP_BYTES_VIEW:
        return view_at(column, array, at);
    case VP_FIXED:
        return bytes_of((const char *)values + at * column->width, column->width, false);
    case VP_DATE:
    case VP_DATE_MS:
    case VP_TIMESTAMP:
        return vp_instant_at(column, array, at);
    case VP_TIME:
        return vp_time_at(column, array, at);
    case VP_DURATION:
        return vp_duration_at(column, array, at);
    case VP_INTERVAL:
        return vp_interval_at(column, array, at);
    case VP_DECIMAL:
        return decimal_at(column, array, at);
    default:
        return nested_at(column, array, at);
    }
}

PyObject *vp_column_value(struct vp_column *column, const struct ArrowArray *array,
    int64_t index)
{
    int64_t at = index + array->offset;
    if (column->kind == VP_NULL || is_null(array, at)) {
        Py_INCREF(Py_None);
        return Py_None;
    }
    return value_at(column, array, at);
}

int vp_column_rows(struct vp_column *columns, const struct ArrowArray *batch, PyObject *list)
{
    for (int64_t row = 0; row < batch->length; row++) {
        VP_OWNED PyObject *made = struct_at(columns, batch, row + batch->offset);
        if (made == NULL || PyList_Append(list, made) < 0)
            return -1;
    }
    return 0;
}
