#include "kept.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* So long whoever waits for a read looks away. */
#define READ_WAIT_NS (1000 * 1000)

struct vp_streams {
    atomic_size_t refs;
    pthread_mutex_t lock; /* never for long: threads that have the GIL take it */
    bool have_ended;      /* guarded by: lock */
    struct kept *first;   /* guarded by: lock */
    varve_writer *writer; /* there while one of them is busy */
};

struct kept {
    struct ArrowArrayStream inner; /* is_busy's; released: its writer was closed */
    struct vp_lake *lake;
    struct vp_streams *streams; /* NULL: it belongs to nobody */
    struct kept *next;          /* guarded by: streams->lock */
    bool is_busy;               /* guarded by: streams->lock; not used without streams */
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

void vp_streams_of(struct vp_streams *streams, varve_writer *writer)
{
    streams->writer = writer;
}

/* The library forgets it when a scan begins, of no table as well. */
void vp_scans_forget_interrupt(varve_writer *writer)
{
    struct ArrowArrayStream none;
    (void)!varve_writer_scan(writer, "", NULL, &none, NULL);
}

/* Of those that nobody reads, to be ended outside of the lock, since that may tell something. */
static struct kept *streams_take_idle(struct vp_streams *streams, bool *out_is_empty)
{
    pthread_mutex_lock(&streams->lock);
    streams->have_ended = true;
    struct kept **link = &streams->first;
    *out_is_empty = *link == NULL;
    while (*link != NULL && (*link)->is_busy)
        link = &(*link)->next;
    struct kept *idle = *link;
    if (idle != NULL) {
        idle->is_busy = true;
        *link = idle->next;
    }
    pthread_mutex_unlock(&streams->lock);
    return idle;
}

static void use_end(struct kept *kept)
{
    if (kept->streams == NULL)
        return;
    pthread_mutex_lock(&kept->streams->lock);
    kept->is_busy = false;
    pthread_mutex_unlock(&kept->streams->lock);
}

/* Whether none is left. */
static bool streams_end_idle(struct vp_streams *streams)
{
    struct kept *idle;
    bool is_empty;
    while ((idle = streams_take_idle(streams, &is_empty)) != NULL) {
        idle->inner.release(&idle->inner);
        use_end(idle);
    }
    return is_empty;
}

static void look_away(void)
{
    nanosleep(&(struct timespec){.tv_nsec = READ_WAIT_NS}, NULL);
}

bool vp_streams_end(struct vp_streams *streams, bool looks_for_signals)
{
    for (;;) {
        bool is_done;
        Py_BEGIN_ALLOW_THREADS
            is_done = streams_end_idle(streams);
            if (!is_done)
                look_away();
        Py_END_ALLOW_THREADS
        if (is_done)
            return true;
        if (!looks_for_signals || PyErr_CheckSignals() == 0)
            continue;
        pthread_mutex_lock(&streams->lock);
        streams->have_ended = false;
        pthread_mutex_unlock(&streams->lock);
        return false;
    }
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
    pthread_mutex_lock(&streams->lock);
    struct kept **link = &streams->first;
    while (*link != NULL && *link != kept)
        link = &(*link)->next;
    if (*link != NULL)
        *link = kept->next;
    pthread_mutex_unlock(&streams->lock);
}

/* ---- One stream ----------------------------------------------------------------------------- */

/* Whoever has the GIL keeps it from the thread that is waited for. */
static void wait_for_reader(void)
{
    if (PyGILState_GetThisThreadState() == NULL) {
        look_away();
        return;
    }
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_BEGIN_ALLOW_THREADS
        look_away();
    Py_END_ALLOW_THREADS
    PyGILState_Release(gil);
}

static bool try_use(struct kept *kept)
{
    pthread_mutex_lock(&kept->streams->lock);
    bool was_busy = kept->is_busy;
    kept->is_busy = true;
    pthread_mutex_unlock(&kept->streams->lock);
    return !was_busy;
}

/* Until use_end it is this thread's alone, which may find that it was ended. */
static void use_begin(struct kept *kept)
{
    while (kept->streams != NULL && !try_use(kept))
        wait_for_reader();
}

struct next {
    struct kept *kept;
    struct ArrowArray *out;
    int result;
    bool insists; /* a handler has raised once more */
    atomic_bool is_over;
};

static varve_status next_run(void *args, varve_error *err)
{
    struct next *next = args;
    struct kept *kept = next->kept;
    (void)err;
    use_begin(kept);
    next->result =
        kept->inner.release != NULL ? kept->inner.get_next(&kept->inner, next->out) : EINVAL;
    atomic_store(&next->is_over, true);
    use_end(kept);
    return VARVE_OK;
}

static void next_interrupt(void *args)
{
    const struct next *next = args;
    struct kept *kept = next->kept;
    struct vp_streams *streams = kept->streams;
    if (streams == NULL) {
        vp_lake_interrupt_reads(kept->lake, next->insists, &next->is_over);
        return;
    }
    pthread_mutex_lock(&streams->lock);
    if (kept->is_busy && kept->inner.release != NULL)
        varve_writer_interrupt_scans(streams->writer);
    pthread_mutex_unlock(&streams->lock);
}

static void forget_interrupt(struct kept *kept)
{
    if (kept->streams == NULL) {
        vp_lake_forget_interrupt(kept->lake);
        return;
    }
    use_begin(kept);
    if (kept->inner.release != NULL)
        vp_scans_forget_interrupt(kept->streams->writer);
    use_end(kept);
}

int vp_kept_next(struct ArrowArrayStream *self, struct ArrowArray *out, bool *out_raised)
{
    struct next next = {.kept = self->private_data, .out = out};
    struct vp_beside what = {next_interrupt, next_run, &next, NULL, &next.insists};
    vp_run_beside(&what, NULL, out_raised);
    if (*out_raised)
        forget_interrupt(next.kept);
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
    use_begin(kept);
    if (kept->inner.release != NULL)
        result = kept->inner.get_schema(&kept->inner, out);
    use_end(kept);
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
    use_begin(kept);
    if (kept->inner.release != NULL)
        kept->inner.release(&kept->inner);
    if (streams != NULL)
        streams_remove(streams, kept); /* not before: the writer may be closed then */
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
