/*
 * What is written: Arrow data, files, or rows of Python, as the inputs of the library.
 */
#ifndef VP_INPUT_H
#define VP_INPUT_H

#include "stream.h"

struct vp_inputs {
    varve_input *items;
    size_t len;
    struct vp_rows rows; /* of the one item that is Arrow data; rows.reads is of all of them */
    int fd;              /* of rows, as a file in memory; -1: none */
};

/*
 * `files` is a list of (format, path as bytes), which must outlive *out, or None; then `data` is
 * Arrow data, or else an iterable of dicts, which is read here until the lake is interrupted. 0, or
 * -1 with an exception; vp_inputs_done in any case, after the call, with its exception. *out stays
 * where it is.
 */
int vp_inputs_of(struct vp_state *state, struct vp_lake *lake, PyObject *files, PyObject *data,
    struct vp_inputs *out);
void vp_inputs_done(struct vp_inputs *inputs);

/* The texts of a list of str, or of None, as C strings. */
struct vp_strings {
    const char **items;
    size_t len;
    PyObject *keep;
};

/* `none_allowed`: None in the list becomes NULL. 0, or -1; vp_strings_done in any case. */
int vp_strings_of(PyObject *list, bool none_allowed, struct vp_strings *out);
void vp_strings_done(struct vp_strings *strings);

#endif
