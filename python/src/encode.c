#include "encode.h"

#define DEPTH_MAX 64

struct encoder {
    struct vp_state *state;
    struct vp_text *out;
    PyObject *column; /* borrowed: whose value this is */
    int depth;
};

static int encode_value(struct encoder *encoder, PyObject *value);

/* ---- Text ----------------------------------------------------------------------------------- */

bool vp_text_add(struct vp_text *text, const char *bytes, size_t len)
{
    if (text->capacity - text->len < len) {
        size_t capacity = text->capacity * 2 + len + 256;
        char *grown = PyMem_Realloc(text->bytes, capacity);
        if (grown == NULL) {
            PyErr_NoMemory();
            return false;
        }
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->len, bytes, len);
    text->len += len;
    return true;
}

static int add(struct encoder *encoder, const char *text)
{
    return vp_text_add(encoder->out, text, strlen(text)) ? 0 : -1;
}

static bool add_escape(struct vp_text *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    const char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    if (byte == '"' || byte == '\\') {
        const char quoted[] = {'\\', (char)byte};
        return vp_text_add(out, quoted, 2);
    }
    return vp_text_add(out, escape, sizeof(escape));
}

static int add_quoted(struct encoder *encoder, const char *bytes, size_t len)
{
    struct vp_text *out = encoder->out;
    size_t from = 0;
    if (!vp_text_add(out, "\"", 1))
        return -1;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        if (!vp_text_add(out, bytes + from, i - from) || !add_escape(out, byte))
            return -1;
        from = i + 1;
    }
    return vp_text_add(out, bytes + from, len - from) && vp_text_add(out, "\"", 1) ? 0 : -1;
}

/* A str in quotes, or as it is. */
static int add_str(struct encoder *encoder, PyObject *text, bool quoted)
{
    char *bytes;
    Py_ssize_t len;
    VP_OWNED PyObject *encoded = PyUnicode_AsUTF8String(text);
    if (encoded == NULL || PyBytes_AsStringAndSize(encoded, &bytes, &len) < 0)
        return -1;
    if (quoted)
        return add_quoted(encoder, bytes, (size_t)len);
    return vp_text_add(encoder->out, bytes, (size_t)len) ? 0 : -1;
}

/* What str() says of it. */
static int add_words(struct encoder *encoder, PyObject *value, bool quoted)
{
    VP_OWNED PyObject *text = PyObject_Str(value);
    return text == NULL ? -1 : add_str(encoder, text, quoted);
}

/* ---- Scalars -------------------------------------------------------------------------------- */

/* An int, or what says that it is one; bool and enumerations of int have str() of their own. */
static int encode_int(struct encoder *encoder, PyObject *value)
{
    VP_OWNED PyObject *index = PyNumber_Index(value);
    VP_OWNED PyObject *text = index ? PyNumber_ToBase(index, 10) : NULL;
    return text == NULL ? -1 : add_str(encoder, text, false);
}

static int encode_float(struct encoder *encoder, double value)
{
    if (value != value)
        return add(encoder, "NaN");
    if (value - value != 0.0)
        return add(encoder, value > 0 ? "Infinity" : "-Infinity");
    char *text = PyOS_double_to_string(value, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
    if (text == NULL)
        return -1;
    int status = add(encoder, text);
    PyMem_Free(text);
    return status;
}

static int encode_bytes(struct encoder *encoder, PyObject *value)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *bytes;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(value, &bytes, &len) < 0 || add(encoder, "[nan,\"") < 0)
        return -1;
    for (Py_ssize_t i = 0; i < len; i += 3) {
        uint32_t group = 0;
        for (Py_ssize_t k = 0; k < 3; k++)
            group = group << 8 | (i + k < len ? (unsigned char)bytes[i + k] : 0u);
        const char four[] = {digits[group >> 18], digits[group >> 12 & 63],
            i + 1 < len ? digits[group >> 6 & 63] : '=',
            i + 2 < len ? digits[group & 63] : '='};
        if (!vp_text_add(encoder->out, four, 4))
            return -1;
    }
    return add(encoder, "\"]");
}

/* datetime, date; pandas' own missing time is one of them. */
static int encode_time(struct encoder *encoder, PyObject *value)
{
    VP_OWNED PyObject *text = PyObject_CallMethod(value, "isoformat", NULL);
    if (text == NULL)
        return -1;
    if (PyUnicode_CompareWithASCIIString(text, "NaT") == 0)
        return add(encoder, "null");
    return add_str(encoder, text, true);
}

bool vp_is_type_named(PyObject *value, const char *name)
{
    VP_OWNED PyObject *found = PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__name__");
    if (found != NULL && PyUnicode_CompareWithASCIIString(found, name) == 0)
        return true;
    PyErr_Clear();
    return false;
}

static int refuse(struct encoder *encoder, PyObject *value)
{
    VP_OWNED PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(value), "__name__");
    PyErr_Format(PyExc_TypeError,
        "column %R: a value of type %S has no place in a table: convert it", encoder->column,
        name != NULL ? name : Py_None);
    return -1;
}

/* A scalar of numpy: times by their text, which keeps nanoseconds, all else by its item(). */
static int encode_foreign(struct encoder *encoder, PyObject *value)
{
    if (vp_is_type_named(value, "NAType"))
        return add(encoder, "null");
    if (vp_is_type_named(value, "UUID"))
        return add_words(encoder, value, true);
    if (vp_is_type_named(value, "datetime64")) {
        VP_OWNED PyObject *text = PyObject_Str(value);
        if (text == NULL)
            return -1;
        return PyUnicode_CompareWithASCIIString(text, "NaT") == 0
                   ? add(encoder, "null")
                   : add_str(encoder, text, true);
    }
    if (!PyObject_HasAttrString(value, "dtype") || !PyObject_HasAttrString(value, "tolist"))
        return PyIndex_Check(value) ? encode_int(encoder, value) : refuse(encoder, value);
    VP_OWNED PyObject *plain = PyObject_CallMethod(value, "tolist", NULL);
    if (plain == NULL || Py_TYPE(plain) == Py_TYPE(value))
        return plain == NULL ? -1 : refuse(encoder, value);
    return encode_value(encoder, plain);
}

static int encode_object(struct encoder *encoder, PyObject *value)
{
    struct vp_state *state = encoder->state;
    if (vp_time_classes(state) < 0 || vp_decimal_class(state) < 0)
        return -1;
    int is_time = PyObject_IsInstance(value, state->date); /* a datetime is a date too */
    if (is_time != 0)
        return is_time < 0 ? -1 : encode_time(encoder, value);
    int is_decimal = PyObject_IsInstance(value, state->decimal);
    if (is_decimal != 0)
        return is_decimal < 0 ? -1 : add_words(encoder, value, true);
    return encode_foreign(encoder, value);
}

/* ---- Nested values -------------------------------------------------------------------------- */

static int encode_items(struct encoder *encoder, PyObject *sequence)
{
    VP_OWNED PyObject *iterator = PyObject_GetIter(sequence);
    if (iterator == NULL || add(encoder, "[") < 0)
        return -1;
    for (bool first = true;; first = false) {
        VP_OWNED PyObject *item = PyIter_Next(iterator);
        if (item == NULL)
            break;
        if ((!first && add(encoder, ",") < 0) || encode_value(encoder, item) < 0)
            return -1;
    }
    return PyErr_Occurred() ? -1 : add(encoder, "]");
}

/* NaN, bytes, None and what is composed would be texts that say something else. */
static bool is_key(const struct vp_text *json)
{
    static const char *const values[] = {"\"", "true", "false"};
    char last = json->len > 0 ? json->bytes[json->len - 1] : '\0';
    if (json->len > 0 && json->bytes[0] != '[' && last >= '0' && last <= '9')
        return true;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        if (json->len >= strlen(values[i]) &&
            memcmp(json->bytes, values[i], strlen(values[i])) == 0)
            return true;
    return false;
}

/* Keys of a map may be of any scalar type that JSON has; in it they are texts. */
static int encode_key(struct encoder *encoder, PyObject *key)
{
    if (PyUnicode_Check(key))
        return add_str(encoder, key, true);
    struct vp_text text = {NULL, 0, 0};
    struct encoder inner = *encoder;
    inner.out = &text;
    int status = encode_value(&inner, key);
    if (status == 0 && !is_key(&text)) {
        PyErr_Format(PyExc_TypeError,
            "column %R: %R can't be the key of a map in a dict: give "
            "the rows as Arrow data",
            encoder->column, key);
        status = -1;
    }
    if (status == 0 && text.len > 0 && text.bytes[0] == '"')
        status = vp_text_add(encoder->out, text.bytes, text.len) ? 0 : -1;
    else if (status == 0)
        status = add_quoted(encoder, text.bytes, text.len);
    vp_text_done(&text);
    return status;
}

static int encode_dict(struct encoder *encoder, PyObject *dict)
{
    Py_ssize_t position = 0;
    PyObject *key, *value;
    bool first = true;
    if (add(encoder, "{") < 0)
        return -1;
    while (PyDict_Next(dict, &position, &key, &value)) {
        /* What encoding calls may change the dict. */
        Py_INCREF(key);
        Py_INCREF(value);
        VP_OWNED PyObject *own_key = key;
        VP_OWNED PyObject *own_value = value;
        if ((!first && add(encoder, ",") < 0) || encode_key(encoder, own_key) < 0 ||
            add(encoder, ":") < 0 || encode_value(encoder, own_value) < 0)
            return -1;
        first = false;
    }
    return add(encoder, "}");
}

static int encode_nested(struct encoder *encoder, PyObject *value)
{
    if (encoder->depth == DEPTH_MAX) {
        PyErr_Format(PyExc_ValueError, "column %R: nested more than %d deep", encoder->column,
            DEPTH_MAX);
        return -1;
    }
    encoder->depth++;
    int status =
        PyDict_Check(value) ? encode_dict(encoder, value) : encode_items(encoder, value);
    encoder->depth--;
    return status;
}

static int encode_value(struct encoder *encoder, PyObject *value)
{
    if (value == Py_None)
        return add(encoder, "null");
    if (PyUnicode_Check(value))
        return add_str(encoder, value, true);
    if (PyFloat_Check(value))
        return encode_float(encoder, PyFloat_AsDouble(value));
    if (PyBool_Check(value))
        return add(encoder, value == Py_True ? "true" : "false");
    if (PyLong_Check(value))
        return encode_int(encoder, value);
    if (PyDict_Check(value) || PyList_Check(value) || PyTuple_Check(value))
        return encode_nested(encoder, value);
    if (PyBytes_Check(value))
        return encode_bytes(encoder, value);
    if (PyByteArray_Check(value) || PyMemoryView_Check(value)) {
        VP_OWNED PyObject *bytes = PyBytes_FromObject(value);
        return bytes != NULL ? encode_bytes(encoder, bytes) : -1;
    }
    return encode_object(encoder, value);
}

/* ---- Rows ----------------------------------------------------------------------------------- */

static int encode_cells(struct encoder *encoder, PyObject *dict)
{
    Py_ssize_t position = 0;
    PyObject *key, *value;
    bool first = true;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (!PyUnicode_Check(key)) {
            PyErr_Format(PyExc_TypeError, "a row has the key %R: names of columns are str",
                key);
            return -1;
        }
        Py_INCREF(key);
        Py_INCREF(value);
        VP_OWNED PyObject *own_key = key;
        VP_OWNED PyObject *own_value = value;
        encoder->column = own_key;
        if ((!first && add(encoder, ",") < 0) || add_str(encoder, own_key, true) < 0 ||
            add(encoder, ":") < 0 || encode_value(encoder, own_value) < 0)
            return -1;
        first = false;
    }
    return 0;
}

int vp_encode_row(struct vp_state *state, PyObject *row, struct vp_text *out)
{
    struct encoder encoder = {.state = state, .out = out};
    if (!PyDict_Check(row)) {
        VP_OWNED PyObject *name = PyObject_GetAttrString((PyObject *)Py_TYPE(row), "__name__");
        PyErr_Format(PyExc_TypeError, "a row is a dict, not a %S", name ? name : Py_None);
        return -1;
    }
    if (add(&encoder, "{") < 0 || encode_cells(&encoder, row) < 0)
        return -1;
    return add(&encoder, "}");
}
