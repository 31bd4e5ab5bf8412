/*
 * Rows of Python as JSON, one a line, for what has the schema of the table to read it by: numbers
 * keep their digits, dates and times are ISO 8601, Decimals are texts. NaN, the infinities and bytes
 * are words that JSON has not, and which fit floats and binaries alone (table/input/row_json.h).
 * Scalars of numpy and the missing values of pandas are understood.
 */
#ifndef VP_ENCODE_H
#define VP_ENCODE_H

#include "common.h"

struct vp_text {
    char *bytes;
    size_t len;
    size_t capacity;
};

static inline void vp_text_done(struct vp_text *text)
{
    PyMem_Free(text->bytes);
    text->bytes = NULL;
}

/* False with MemoryError. */
bool vp_text_add(struct vp_text *text, const char *bytes, size_t len);

/*
 * Appends a row, a mapping with texts as keys, as one JSON object without a newline. -1 with an
 * exception: TypeError for a value that no column holds, which names the column.
 */
int vp_encode_row(struct vp_state *state, PyObject *row, struct vp_text *out);

/* By the name of its class alone, of whatever package. */
bool vp_is_type_named(PyObject *value, const char *name);

#endif
