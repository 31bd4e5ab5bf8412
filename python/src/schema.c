/*
 * The columns of Arrow data, or of an Arrow schema, as the types of a table: those that an upsert with
 * `evolve` would add. Rows are not read.
 */
#include "schema.h"

#include <stdio.h>
#include <stdlib.h>

#include "encode.h"
#include "stream.h"

#define DEPTH_MAX 64

static const struct {
    const char *format;
    const char *type;
} types[] = {
    {"b", "boolean"},
    {"c", "byte"},
    {"C", "short"},
    {"s", "short"},
    {"S", "int"},
    {"i", "int"},
    {"I", "bigint"},
    {"l", "bigint"},
    {"L", "decimal(20,0)"},
    {"f", "float"},
    {"g", "double"},
    {"u", "string"},
    {"U", "string"},
    {"vu", "string"},
    {"z", "binary"},
    {"Z", "binary"},
    {"vz", "binary"},
    {"tdD", "date"},
    {"tdm", "date"},
};

struct walk {
    struct vp_text *out;
    const char *column; /* whose type it is */
    int depth;
};

static int type_add(struct walk *walk, const struct ArrowSchema *schema);

static int add(const struct walk *walk, const char *text)
{
    return vp_text_add(walk->out, text, strlen(text)) ? 0 : -1;
}

static int refuse(const struct walk *walk, const char *format)
{
    if (strcmp(format, "n") == 0)
        PyErr_Format(PyExc_ValueError,
            "column %s has no values and so no type: cast it, or name the types yourself",
            walk->column);
    else
        PyErr_Format(PyExc_ValueError,
            "column %s is of an Arrow type ('%s') that no table has: cast it before",
            walk->column, format);
    return -1;
}

static int name_add(const struct walk *walk, const char *name)
{
    if (add(walk, "`") < 0)
        return -1;
    for (; *name != '\0'; name++)
        if ((*name == '`' && add(walk, "`") < 0) || !vp_text_add(walk->out, name, 1))
            return -1;
    return add(walk, "`");
}

static const char *name_of(const struct ArrowSchema *schema)
{
    return schema->name != NULL ? schema->name : "";
}

static int fields_add(struct walk *walk, const struct ArrowSchema *schema)
{
    if (schema->n_children == 0)
        return refuse(walk, schema->format);
    if (add(walk, "struct<") < 0)
        return -1;
    for (int64_t i = 0; i < schema->n_children; i++)
        if ((i > 0 && add(walk, ",") < 0) || name_add(walk, name_of(schema->children[i])) < 0 ||
            add(walk, ":") < 0 || type_add(walk, schema->children[i]) < 0)
            return -1;
    return add(walk, ">");
}

static int nested_add(struct walk *walk, const struct ArrowSchema *schema)
{
    if (strcmp(schema->format, "+s") == 0)
        return fields_add(walk, schema);
    bool is_list = strcmp(schema->format, "+l") == 0 || strcmp(schema->format, "+L") == 0 ||
                   strncmp(schema->format, "+w:", 3) == 0;
    if (is_list && schema->n_children == 1)
        return add(walk, "array<") < 0 || type_add(walk, schema->children[0]) < 0
                   ? -1
                   : add(walk, ">");
    if (strcmp(schema->format, "+m") != 0 || schema->n_children != 1 ||
        schema->children[0]->n_children != 2)
        return refuse(walk, schema->format);
    const struct ArrowSchema *entry = schema->children[0];
    return add(walk, "map<") < 0 || type_add(walk, entry->children[0]) < 0 ||
                   add(walk, ",") < 0 || type_add(walk, entry->children[1]) < 0
               ? -1
               : add(walk, ">");
}

static int plain_add(const struct walk *walk, const char *format)
{
    int precision = 0, scale = 0, bits = 128;
    char text[40];
    for (size_t i = 0; i < VP_COUNT(types); i++)
        if (strcmp(types[i].format, format) == 0)
            return add(walk, types[i].type);
    if (strncmp(format, "ts", 2) == 0)
        return add(walk, "timestamp");
    if (strncmp(format, "w:", 2) == 0)
        return add(walk, "binary");
    if (sscanf(format, "d:%d,%d,%d", &precision, &scale, &bits) < 2 || precision > 38 ||
        scale < 0)
        return refuse(walk, format);
    snprintf(text, sizeof(text), "decimal(%d,%d)", precision, scale);
    return add(walk, text);
}

static int type_add(struct walk *walk, const struct ArrowSchema *schema)
{
    if (schema->dictionary != NULL)
        return type_add(walk, schema->dictionary);
    if (schema->format[0] != '+')
        return plain_add(walk, schema->format);
    if (walk->depth == DEPTH_MAX)
        return refuse(walk, schema->format);
    walk->depth++;
    int status = nested_add(walk, schema);
    walk->depth--;
    return status;
}

static PyObject *column_of(const struct ArrowSchema *schema)
{
    struct vp_text text = {NULL, 0, 0};
    const char *name = name_of(schema);
    struct walk walk = {.out = &text, .column = name};
    PyObject *pair = NULL;
    int status = type_add(&walk, schema);
    if (status == 0 && (schema->flags & ARROW_FLAG_NULLABLE) == 0)
        status = add(&walk, " not null");
    if (status == 0)
        pair = Py_BuildValue("(ss#)", name, text.bytes, (Py_ssize_t)text.len);
    vp_text_done(&text);
    return pair;
}

static PyObject *columns_of(const struct ArrowSchema *schema)
{
    VP_OWNED PyObject *columns = PyList_New(0);
    if (columns == NULL)
        return NULL;
    if (strcmp(schema->format, "+s") != 0) {
        PyErr_SetString(PyExc_TypeError, "the Arrow type is not that of rows");
        return NULL;
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        VP_OWNED PyObject *column = column_of(schema->children[i]);
        if (column == NULL || PyList_Append(columns, column) < 0)
            return NULL;
    }
    return vp_move(&columns);
}

static PyObject *columns_of_stream(PyObject *object)
{
    struct ArrowArrayStream stream = {.release = NULL};
    struct ArrowSchema schema = {.release = NULL};
    PyObject *columns = NULL;
    int there = vp_stream_take(object, &stream);
    if (there == 0)
        PyErr_SetString(PyExc_TypeError, "no Arrow data, and no Arrow schema");
    else if (there > 0 && stream.get_schema(&stream, &schema) != 0)
        PyErr_SetString(PyExc_ValueError, "the Arrow data does not tell its schema");
    else if (there > 0)
        columns = columns_of(&schema);
    vp_schema_done(&schema);
    vp_stream_done(&stream);
    return columns;
}

PyObject *vp_schema_columns(PyObject *module, PyObject *object)
{
    (void)module;
    if (!PyObject_HasAttrString(object, "__arrow_c_schema__"))
        return columns_of_stream(object);
    VP_OWNED PyObject *capsule = PyObject_CallMethod(object, "__arrow_c_schema__", NULL);
    struct ArrowSchema *schema =
        capsule != NULL ? PyCapsule_GetPointer(capsule, "arrow_schema") : NULL;
    return schema != NULL ? columns_of(schema) : NULL;
}
