/*
 * Streams of rows: those that the library gives, as objects that are read once; and those that
 * others give, as the library takes them.
 */
#ifndef VP_STREAM_H
#define VP_STREAM_H

#include "lake.h"

/*
 * A Stream object of what a read gave. Takes `inner` over, also where it fails. The stream keeps
 * the handle of its lake, not the lake open.
 */
PyObject *vp_stream_new(PyObject *module, struct vp_lake *lake, struct ArrowArrayStream *inner);
/* The same of a stream of vp_kept_open. */
PyObject *vp_stream_of_kept(PyObject *module, struct ArrowArrayStream *kept);
extern PyType_Spec vp_stream_spec;

/*
 * Takes the stream out of an object that has __arrow_c_stream__ or __arrow_c_array__. 1: done; 0:
 * it has neither; -1: with an exception. *out is the caller's to release.
 */
int vp_stream_take(PyObject *object, struct ArrowArrayStream *out);

/*
 * Arrow data that a call reads. A reader, which may wait for code of Python, is read in the main
 * thread where the call is one of that (vp_desk). One of pyarrow's is asked for its batches as Python
 * does it, since C data has no place for the exception of a signal handler.
 */
struct vp_rows {
    struct ArrowArrayStream stream;
    struct vp_reads reads;
    PyObject *reader; /* of pyarrow; or NULL */
    struct ArrowSchema schema;
    PyObject *raised, *reason; /* by the reader: the exception, and as a text of UTF-8 */
};
/*
 * Like vp_stream_take. The threads that read it work for a call on `lake` (vp_within), which must
 * outlive it; NULL: for none. *out stays where it is; vp_rows_done in any case.
 */
int vp_rows_take(PyObject *object, const struct vp_lake *lake, struct vp_rows *out);
/*
 * Where the call has failed by what the reader raised, that is the cause of the exception, or, if it
 * is none of failures (KeyboardInterrupt, SystemExit), takes its place.
 */
void vp_rows_done(struct vp_rows *rows);

static inline void vp_stream_done(struct ArrowArrayStream *stream)
{
    if (stream->release != NULL)
        stream->release(stream);
}

static inline void vp_array_done(struct ArrowArray *array)
{
    if (array->release != NULL)
        array->release(array);
}

static inline void vp_schema_done(struct ArrowSchema *schema)
{
    if (schema->release != NULL)
        schema->release(schema);
}

#endif
