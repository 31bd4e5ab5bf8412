/*
 * Streams of rows: those that the library gives, as objects that are read once; and those that
 * others give, as the library takes them.
 */
#ifndef VP_STREAM_H
#define VP_STREAM_H

#include "lake.h"

struct vp_streams;

/*
 * A Stream object of what a read gave. Takes `inner` over, also where it fails. The stream keeps
 * the handle of its lake, not the lake open. `streams` (may be NULL): which it ends with (kept.h).
 */
PyObject *vp_stream_new(PyObject *module, struct vp_lake *lake, struct vp_streams *streams,
    struct ArrowArrayStream *inner);
extern PyType_Spec vp_stream_spec;

/*
 * Takes the stream out of an object that has __arrow_c_stream__ or __arrow_c_array__. 1: done; 0:
 * it has neither; -1: with an exception. *out is the caller's to release.
 */
int vp_stream_take(PyObject *object, struct ArrowArrayStream *out);

/*
 * Puts a stream around *stream that marks the threads which read it (vp_reading_begin). The lake
 * must outlive it. 0, or -1 with an exception; *stream is then as it was.
 */
int vp_stream_read_for(const struct vp_lake *lake, struct ArrowArrayStream *stream);

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
