/*
 * The library's streams as they are given to others: each keeps the handle of its lake, lets other
 * threads of Python run and signals interrupt it, and may belong to a writer, with which it ends.
 */
#ifndef VP_KEPT_H
#define VP_KEPT_H

#include "lake.h"
#include "varve/writer.h"

/* The streams of a writer, which must be gone before the writer is. Shared by count. */
struct vp_streams;
struct vp_streams *vp_streams_new(void);
/* Whose they are; before the first. */
void vp_streams_of(struct vp_streams *streams, varve_writer *writer);
/*
 * Ends all of them: whoever reads one of them afterwards is told that the writer was closed. One that
 * is being read is waited for. With the GIL, which is released meanwhile. False: a signal handler has
 * raised, where those are looked for; the streams that are left go on.
 */
bool vp_streams_end(struct vp_streams *streams, bool looks_for_signals);
void vp_streams_release(struct vp_streams *streams);
/* An interrupt that ended a scan of the writer shall not end reads of its streams. */
void vp_scans_forget_interrupt(varve_writer *writer);

/*
 * Wraps `inner`, with the GIL or without. False where memory is out, or the streams have ended
 * meanwhile: `inner` is still the caller's. `streams` may be NULL: it belongs to no writer.
 */
bool vp_kept_open(struct vp_lake *lake, struct vp_streams *streams,
    struct ArrowArrayStream *inner, struct ArrowArrayStream *out);

/* Whether it is one of these, which say themselves that they were read. */
bool vp_kept_is(const struct ArrowArrayStream *stream);

/*
 * get_next of a wrapped stream for us, who can raise: with the GIL, which is released meanwhile.
 * *out_raised: a signal handler has raised, and its exception is set.
 */
int vp_kept_next(struct ArrowArrayStream *kept, struct ArrowArray *out, bool *out_raised);

#endif
