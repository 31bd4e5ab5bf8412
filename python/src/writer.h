/*
 * The object around a writer, between the files that make it up.
 *
 * writer_object.c  its life, and the methods that read
 * writer_put.c     rows in, and what waits: for room, for a flush
 * writer_arrow.c   batches in
 * writer_events.c  callbacks
 *
 * The library's writer may be called by any number of threads, and closed by the last: `calls`
 * counts those that are in it, and to close waits for them. No code of Python runs within one but
 * callbacks, which may not call the writer: a signal handler that comes while a thread waits for a
 * call, and an input of put_arrow, may close it, and the thread finds it closed. Nothing waits in the
 * library, where no signal would be seen, but here: a full spool is asked again and again.
 */
#ifndef VP_WRITER_H
#define VP_WRITER_H

#include <pthread.h>
#include <stdatomic.h>

#include "kept.h"
#include "objects.h"
#include "varve/writer.h"

#define VP_ROOM_WAIT_NS (5 * 1000 * 1000)

enum vp_event {
    VP_ON_COMMIT,
    VP_ON_DURABLE,
    VP_ON_QUARANTINE,
    VP_ON_RETRY,
    VP_EVENTS
};

struct vp_writer_object {
    PyObject_HEAD
    PyObject *module;
    struct vp_lake *lake;
    struct vp_streams *streams;
    varve_writer
        *writer; /* NULL: who closes it has it; guarded by: the GIL, or by being in a call */
    atomic_int calls;
    int full_fails;
    atomic_bool is_closing;      /* no more calls; stays so where it was closed */
    pthread_t closer;            /* while is_closing; guarded by: the GIL */
    atomic_bool has_ended;       /* the library's writer is gone */
    PyObject *events[VP_EVENTS]; /* guarded by: the GIL; NULL: nobody asked */
    _Atomic(pthread_t) teller;   /* while is_telling */
    atomic_bool is_telling;
};

/* False with UsageError: this is a callback, or a child process. */
bool vp_writer_check(const struct vp_writer_object *self);
/* The same, also where it is closed; else a call has begun. */
bool vp_writer_begin(struct vp_writer_object *self);
/* Without the GIL: false where it is closed, or will be at once. */
bool vp_writer_enter(struct vp_writer_object *self);
void vp_writer_end(struct vp_writer_object *self);
/*
 * Begins a call, runs it as vp_run_beside does, and ends it where it has run. 0, or -1 with an
 * exception: one of a signal handler wins, as in vp_lake_call.
 */
int vp_writer_call(struct vp_writer_object *self, const struct vp_beside *what);

/* Whether a put failed for want of room in the spool alone, and the writer is one that waits for it. */
bool vp_writer_is_full(const struct vp_writer_object *self, const varve_error *err);
/* Asks for a flush that makes room; without the GIL. */
void vp_writer_ask_room(varve_writer *writer);

PyObject *vp_writer_put(PyObject *self, PyObject *args);
PyObject *vp_writer_put_rejected(PyObject *self, PyObject *args);
PyObject *vp_writer_put_market_regime(PyObject *self, PyObject *args, PyObject *options);
PyObject *vp_writer_put_performance(PyObject *self, PyObject *args, PyObject *options);
PyObject *vp_writer_put_signal(PyObject *self, PyObject *args, PyObject *options);
PyObject *vp_writer_put_arrow(PyObject *self, PyObject *args);
PyObject *vp_writer_sync(PyObject *self, PyObject *unused);
PyObject *vp_writer_flush(PyObject *self, PyObject *args);

/*
 * Closes the library's writer, and *out_ended says so as soon as it is gone. With the GIL; signals as in
 * vp_run_beside.
 */
varve_status vp_writer_close_all(varve_writer *writer, atomic_bool *out_ended, varve_error *err,
    bool *out_raised);

/* Fills in the callbacks for the events that somebody asked for. */
void vp_writer_listen(struct vp_writer_object *self, varve_writer_options *options);
/* Whether this thread is in a callback of that writer. */
bool vp_writer_is_teller(const struct vp_writer_object *self);

#endif
