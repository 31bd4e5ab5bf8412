#include "decode_column.h"

#include <stdio.h>
#include <stdlib.h>

static const struct format {
    const char *text;
    enum vp_kind kind;
    int32_t width;
    int64_t unit;
} formats[] = {
    {"n", VP_NULL, 0, 0},
    {"b", VP_BOOL, 0, 0},
    {"c", VP_INT, 1, 0},
    {"C", VP_UINT, 1, 0},
    {"s", VP_INT, 2, 0},
    {"S", VP_UINT, 2, 0},
    {"i", VP_INT, 4, 0},
    {"I", VP_UINT, 4, 0},
    {"l", VP_INT, 8, 0},
    {"L", VP_UINT, 8, 0},
    {"f", VP_FLOAT, 4, 0},
    {"g", VP_DOUBLE, 8, 0},
    {"u", VP_TEXT, 4, 0},
    {"U", VP_TEXT, 8, 0},
    {"vu", VP_TEXT_VIEW, 0, 0},
    {"z", VP_BYTES, 4, 0},
    {"Z", VP_BYTES, 8, 0},
    {"vz", VP_BYTES_VIEW, 0, 0},
    {"tdD", VP_DATE, 4, 0},
    {"tdm", VP_DATE_MS, 8, 0},
    {"tts", VP_TIME, 4, 1000000000},
    {"ttm", VP_TIME, 4, 1000000},
    {"ttu", VP_TIME, 8, 1000},
    {"ttn", VP_TIME, 8, 1},
    {"tDs", VP_DURATION, 8, 1000000000},
    {"tDm", VP_DURATION, 8, 1000000},
    {"tDu", VP_DURATION, 8, 1000},
    {"tDn", VP_DURATION, 8, 1},
    {"tin", VP_INTERVAL, 16, 0},
    {"+s", VP_STRUCT, 0, 0},
    {"+l", VP_LIST, 4, 0},
    {"+L", VP_LIST, 8, 0},
    {"+m", VP_MAP, 4, 0},
};

static int64_t unit_of(char letter)
{
    return letter == 's' ? 1000000000 : letter == 'm' ? 1000000 : letter == 'u' ? 1000 : 1;
}

/* Formats with parameters. */
static bool read_format_with(struct vp_column *column, const char *format)
{
    int precision, bits = 128;
    if (strncmp(format, "ts", 2) == 0 && strlen(format) >= 4) {
        column->kind = VP_TIMESTAMP;
        column->unit = unit_of(format[2]);
        column->has_zone = format[4] != '\0';
        return true;
    }
    if (sscanf(format, "d:%d,%d,%d", &precision, &column->scale, &bits) >= 2) {
        column->kind = VP_DECIMAL;
        column->width = bits / 8;
        return bits == 32 || bits == 64 || bits == 128 || bits == 256;
    }
    column->kind = format[0] == '+' ? VP_ARRAY : VP_FIXED;
    return sscanf(format, "w:%d", &column->width) == 1 ||
           sscanf(format, "+w:%d", &column->width) == 1;
}

static bool read_format(struct vp_column *column, const char *format)
{
    for (size_t i = 0; i < VP_COUNT(formats); i++) {
        if (strcmp(format, formats[i].text) != 0)
            continue;
        column->kind = formats[i].kind;
        column->width = formats[i].width;
        column->unit = formats[i].unit;
        return true;
    }
    return read_format_with(column, format);
}

static int column_read(struct vp_column *column, struct vp_state *state,
    const struct ArrowSchema *schema);

static int children_read(struct vp_column *column, struct ArrowSchema *const *children,
    int64_t len)
{
    column->children = calloc((size_t)len + 1, sizeof(*column->children));
    if (column->children == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    column->children_len = len;
    for (int64_t i = 0; i < len; i++)
        if (column_read(&column->children[i], column->state, children[i]) < 0)
            return -1;
    return 0;
}

static int column_read(struct vp_column *column, struct vp_state *state,
    const struct ArrowSchema *schema)
{
    *column = (struct vp_column){.state = state};
    column->name = PyUnicode_FromString(schema->name != NULL ? schema->name : "");
    if (column->name == NULL)
        return -1;
    PyUnicode_InternInPlace(&column->name);
    if (!read_format(column, schema->format)) {
        varve_error err;
        char message[200];
        snprintf(message, sizeof(message),
            "a column has the Arrow type '%.40s', which has no object in Python: cast it",
            schema->format);
        vp_fail(&err, VARVE_EUNSUPPORTED, message);
        vp_raise(&err);
        return -1;
    }
    if (schema->dictionary != NULL) {
        column->index_is_signed = column->kind == VP_INT;
        column->kind = VP_DICTIONARY;
        return children_read(column, &schema->dictionary, 1);
    }
    return children_read(column, schema->children, schema->n_children);
}

static void column_done(struct vp_column *column)
{
    for (int64_t i = 0; i < column->children_len; i++)
        column_done(&column->children[i]);
    free(column->children);
    Py_XDECREF(column->name);
    Py_XDECREF(column->last);
}

struct vp_column *vp_column_new(struct vp_state *state, const struct ArrowSchema *schema)
{
    struct vp_column *column = malloc(sizeof(*column));
    if (column == NULL)
        return (struct vp_column *)PyErr_NoMemory();
    if (column_read(column, state, schema) == 0)
        return column;
    vp_column_free(column);
    return NULL;
}

static bool has_interval(const struct vp_column *column)
{
    bool found = column->kind == VP_INTERVAL;
    for (int64_t i = 0; i < column->children_len && !found; i++)
        found = has_interval(&column->children[i]);
    return found;
}

PyObject *vp_column_intervals(const struct vp_column *columns)
{
    VP_OWNED PyObject *names = PyList_New(0);
    for (int64_t i = 0; names != NULL && i < columns->children_len; i++)
        if (has_interval(&columns->children[i]) &&
            PyList_Append(names, columns->children[i].name) < 0)
            return NULL;
    return vp_move(&names);
}

void vp_column_free(struct vp_column *column)
{
    if (column == NULL)
        return;
    column_done(column);
    free(column);
}
