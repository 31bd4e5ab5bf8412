#include "kept.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct vp_streams {
    atomic_size_t refs;
    pthread_mutex_t lock; /* held while one of them is read */
    bool have_ended;      /* guarded by: lock */
    struct kept *first;   /* guarded by: lock */
};

struct kept {
    struct ArrowArrayStream inner; /* released: its writer was closed */
    struct vp_lake *lake;
    struct vp_streams *streams; /* NULL: it belongs to nobody */
    struct kept *next;          /* guarded by: streams->lock */
    bool was_interrupted;
};

/* ---- The streams of a writer ---------------------------------------------------------------- */

struct vp_streams *vp_streams_new(void)
{
    struct vp_streams *streams = calloc(1, sizeof(*streams));
    if (streams == NULL)
        return (struct vp_streams *)PyErr_NoMemory();
    streams->refs = 1;
    pthread_mutex_init(&streams->lock, NULL);
    return streams;
}

bool vp_streams_end(struct vp_streams *streams, bool looks_for_signals)
{
    (void)looks_for_signals;
    Py_BEGIN_ALLOW_THREADS
        pthread_mutex_lock(&streams->lock);
        streams->have_ended = true;
        for (struct kept *kept = streams->first; kept != NULL; kept = kept->next)
            kept->inner.release(&kept->inner);
        streams->first = NULL;
        pthread_mutex_unlock(&streams->lock);
    Py_END_ALLOW_THREADS
    return true;
}

void vp_streams_release(struct vp_streams *streams)
{
    if (streams == NULL || atomic_fetch_sub(&streams->refs, 1) > 1)
        return;
    pthread_mutex_destroy(&streams->lock);
    free(streams);
}

static bool streams_add(struct vp_streams *streams, struct kept *kept)
{
    if (streams == NULL)
        return true;
    pthread_mutex_lock(&streams->lock);
    bool can = !streams->have_ended;
    if (can) {
        kept->next = streams->first;
        streams->first = kept;
        atomic_fetch_add(&streams->refs, 1);
    }
    pthread_mutex_unlock(&streams->lock);
    return can;
}

static void streams_remove(struct vp_streams *streams, const struct kept *kept)
{
    struct kept **link = &streams->first;
    while (*link != NULL && *link != kept)
        link = &(*link)->next;
    if (*link != NULL)
        *link = kept->next;
}

/* ---- One stream ----------------------------------------------------------------------------- */

struct next {
    struct kept *kept;
    struct ArrowArray *out;
    int result;
};

static varve_status next_run(void *args, varve_error *err)
{
    struct next *next = args;
    struct kept *kept = next->kept;
    (void)err;
    if (kept->streams != NULL)
        pthread_mutex_lock(&kept->streams->lock);
    next->result =
        kept->inner.release != NULL ? kept->inner.get_next(&kept->inner, next->out) : EINVAL;
    if (kept->streams != NULL)
        pthread_mutex_unlock(&kept->streams->lock);
    return VARVE_OK;
}

static void next_interrupt(void *args)
{
    vp_lake_interrupt(((struct next *)args)->kept->lake);
}

int vp_kept_next(struct ArrowArrayStream *self, struct ArrowArray *out, bool *out_raised)
{
    struct next next = {.kept = self->private_data, .out = out};
    struct vp_beside what = {next_interrupt, next_run, &next, NULL};
    vp_run_beside(&what, NULL, out_raised);
    if (*out_raised)
        vp_lake_forget_interrupt(next.kept->lake);
    return next.result;
}

/*
 * Consumers call this with the GIL or without, in Python's threads or in their own. In one of
 * Python's the GIL is released while the engine works. A signal handler that raises can't raise
 * through a consumer: the stream fails, and the signal is set again, for Python to see it next.
 */
static int kept_get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    struct kept *kept = self->private_data;
    struct next next = {.kept = kept, .out = out};
    bool raised = false;
    if (PyGILState_GetThisThreadState() == NULL) {
        next_run(&next, NULL);
        return next.result;
    }
    PyGILState_STATE gil = PyGILState_Ensure();
    int result = vp_kept_next(self, out, &raised);
    if (raised) {
        PyErr_Clear();
        PyErr_SetInterrupt();
        kept->was_interrupted = true;
    }
    PyGILState_Release(gil);
    return result;
}

static int kept_get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    struct kept *kept = self->private_data;
    int result = EINVAL;
    if (kept->streams != NULL)
        pthread_mutex_lock(&kept->streams->lock);
    if (kept->inner.release != NULL)
        result = kept->inner.get_schema(&kept->inner, out);
    if (kept->streams != NULL)
        pthread_mutex_unlock(&kept->streams->lock);
    return result;
}

static const char *kept_get_last_error(struct ArrowArrayStream *self)
{
    struct kept *kept = self->private_data;
    if (kept->was_interrupted)
        return "interrupted";
    return kept->inner.release != NULL ? kept->inner.get_last_error(&kept->inner)
                                       : "the writer was closed before its stream was read";
}

static void kept_release(struct ArrowArrayStream *self)
{
    struct kept *kept = self->private_data;
    struct vp_streams *streams = kept->streams;
    self->private_data = NULL;
    self->release = NULL;
    if (!vp_lake_is_ours(kept->lake))
        return; /* what it rests on is the parent's: all of it stays as it is */
    if (streams != NULL) {
        pthread_mutex_lock(&streams->lock);
        streams_remove(streams, kept);
    }
    if (kept->inner.release != NULL)
        kept->inner.release(&kept->inner);
    if (streams != NULL)
        pthread_mutex_unlock(&streams->lock);
    vp_streams_release(streams);
    vp_lake_release(kept->lake);
    free(kept);
}

bool vp_kept_is(const struct ArrowArrayStream *stream)
{
    return stream->get_next == kept_get_next;
}

bool vp_kept_open(struct vp_lake *lake, struct vp_streams *streams,
    struct ArrowArrayStream *inner, struct ArrowArrayStream *out)
{
    struct kept *kept = calloc(1, sizeof(*kept));
    if (kept == NULL)
        return false;
    kept->inner = *inner;
    kept->streams = streams;
    if (!streams_add(streams, kept)) {
        free(kept);
        return false;
    }
    kept->lake = vp_lake_retain(lake);
    *out = (struct ArrowArrayStream){
        kept_get_schema, kept_get_next, kept_get_last_error, kept_release, kept};
    return true;
}
