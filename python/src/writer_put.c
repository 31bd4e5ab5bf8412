#include "writer.h"

#include <time.h>

#include "encode.h"
#include "record.h"

/* A flush that takes long is looked after each so often. */
#define FLUSH_SLICE_MS 100

static struct vp_writer_object *object_of(PyObject *self)
{
    return (struct vp_writer_object *)self;
}

static void nap(long ns)
{
    nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
}

/* ---- Calls ---------------------------------------------------------------------------------- */

bool vp_writer_check(const struct vp_writer_object *self)
{
    if (!vp_lake_check_process(self->lake))
        return false;
    if (!vp_writer_is_teller(self) && !vp_lake_is_telling(self->lake))
        return true;
    vp_raise_code(VARVE_EUSAGE,
        "a callback must not call its writer: let another thread do it");
    return false;
}

bool vp_writer_begin(struct vp_writer_object *self)
{
    if (!vp_writer_check(self))
        return false;
    if (vp_writer_enter(self))
        return true;
    vp_raise_code(VARVE_EUSAGE, "the writer is closed");
    return false;
}

/* Who closes does these the other way round, so that one of both sees the other. */
bool vp_writer_enter(struct vp_writer_object *self)
{
    atomic_fetch_add(&self->calls, 1);
    if (!atomic_load(&self->is_closing))
        return true;
    vp_writer_end(self);
    return false;
}

void vp_writer_end(struct vp_writer_object *self)
{
    atomic_fetch_sub(&self->calls, 1);
}

struct counted {
    struct vp_writer_object *self;
    const struct vp_beside *what;
};

static varve_status counted_run(void *args, varve_error *err)
{
    const struct counted *counted = args;
    varve_status status = counted->what->run(counted->what->args, err);
    vp_writer_end(counted->self);
    return status;
}

static void counted_interrupt(void *args)
{
    const struct counted *counted = args;
    if (counted->what->interrupt != NULL)
        counted->what->interrupt(counted->what->args);
}

int vp_writer_call(struct vp_writer_object *self, const struct vp_beside *what)
{
    struct counted counted = {self, what};
    struct vp_beside beside = {counted_interrupt, counted_run, &counted, NULL, NULL};
    varve_error err;
    bool raised = false;
    if (!vp_writer_begin(self))
        return -1;
    varve_status status = vp_run_beside(&beside, &err, &raised);
    if (raised)
        return -1;
    if (status == VARVE_OK)
        return 0;
    vp_raise(&err);
    return -1;
}

void vp_writer_ask_room(varve_writer *writer)
{
    (void)!varve_writer_flush(writer, 0, NULL);
}

bool vp_writer_is_full(const struct vp_writer_object *self, const varve_error *err)
{
    return err->code == VARVE_ELIMIT && err->retryable && !self->full_fails;
}

/* In a call. True: there may be room by now, try again; false: the outcome stands. */
static bool wait_room(struct vp_writer_object *self, varve_status status,
    const varve_error *err, int *tries)
{
    if (status == VARVE_OK || !vp_writer_is_full(self, err))
        return false;
    Py_BEGIN_ALLOW_THREADS
        if ((*tries)++ == 0)
            vp_writer_ask_room(self->writer);
        nap(VP_ROOM_WAIT_NS);
    Py_END_ALLOW_THREADS
    return true;
}

/* ---- One row -------------------------------------------------------------------------------- */

/* What one put is made of; which of its parts counts depends on the function. */
struct put {
    varve_writer *writer;
    const char *table;
    const char *text;
    size_t text_bytes;
    const char *reason;
    const void *record;
    uint64_t sequence;
};

static varve_status put_json(struct put *put, varve_error *err)
{
    return varve_writer_put_json(put->writer, put->table, put->text, put->text_bytes,
        &put->sequence, err);
}

static varve_status put_rejected(struct put *put, varve_error *err)
{
    return varve_writer_put_rejected(put->writer, put->table, put->text, put->text_bytes,
        put->reason, &put->sequence, err);
}

static varve_status put_regime(struct put *put, varve_error *err)
{
    return varve_writer_put_market_regime(put->writer, put->record, &put->sequence, err);
}

static varve_status put_performance(struct put *put, varve_error *err)
{
    return varve_writer_put_performance(put->writer, put->record, &put->sequence, err);
}

static varve_status put_signal(struct put *put, varve_error *err)
{
    return varve_writer_put_signal(put->writer, put->record, &put->sequence, err);
}

static PyObject *run_put(struct vp_writer_object *self, struct put *put,
    varve_status (*run)(struct put *, varve_error *))
{
    varve_error err;
    varve_status status;
    bool again;
    int tries = 0;
    do {
        if (!vp_writer_begin(self))
            return NULL;
        put->writer = self->writer;
        Py_BEGIN_ALLOW_THREADS
            status = run(put, &err);
        Py_END_ALLOW_THREADS
        again = wait_room(self, status, &err, &tries);
        vp_writer_end(self);
        if (again && PyErr_CheckSignals() < 0)
            return NULL;
    } while (again);
    return status == VARVE_OK ? PyLong_FromUnsignedLongLong(put->sequence) : vp_raise(&err);
}

PyObject *vp_writer_put(PyObject *self, PyObject *args)
{
    struct put put = {NULL};
    struct vp_text text = {NULL, 0, 0};
    PyObject *row;
    PyObject *sequence = NULL;
    if (!PyArg_ParseTuple(args, "sO", &put.table, &row))
        return NULL;
    if (vp_encode_row(vp_state(object_of(self)->module), row, &text) == 0) {
        put.text = text.bytes;
        put.text_bytes = text.len;
        sequence = run_put(object_of(self), &put, put_json);
    }
    vp_text_done(&text);
    return sequence;
}

PyObject *vp_writer_put_rejected(PyObject *self, PyObject *args)
{
    struct put put = {NULL};
    Py_ssize_t bytes;
    if (!PyArg_ParseTuple(args, "ss#s", &put.table, &put.text, &bytes, &put.reason))
        return NULL;
    put.text_bytes = (size_t)bytes;
    return run_put(object_of(self), &put, put_rejected);
}

PyObject *vp_writer_put_market_regime(PyObject *self, PyObject *args, PyObject *options)
{
    varve_market_regime record;
    struct put put = {.record = &record};
    struct vp_state *state = vp_state(object_of(self)->module);
    if (vp_record_regime(state, args, options, &record) < 0)
        return NULL;
    return run_put(object_of(self), &put, put_regime);
}

PyObject *vp_writer_put_performance(PyObject *self, PyObject *args, PyObject *options)
{
    varve_performance record;
    struct put put = {.record = &record};
    struct vp_state *state = vp_state(object_of(self)->module);
    if (vp_record_performance(state, args, options, &record) < 0)
        return NULL;
    return run_put(object_of(self), &put, put_performance);
}

PyObject *vp_writer_put_signal(PyObject *self, PyObject *args, PyObject *options)
{
    varve_signal record;
    struct put put = {.record = &record};
    struct vp_state *state = vp_state(object_of(self)->module);
    if (vp_record_signal(state, args, options, &record) < 0)
        return NULL;
    return run_put(object_of(self), &put, put_signal);
}

/* ---- Waiting for all rows ------------------------------------------------------------------- */

struct flush {
    varve_writer *writer;
    const atomic_bool *is_closing; /* NULL: it is this that closes */
    atomic_bool *out_ended;        /* of that alone */
    int64_t timeout_ms;            /* < 0: none */
    bool tries_once;               /* as to close does: a failure is not waited out */
    atomic_bool is_cancelled;
};

static void flush_cancel(void *args)
{
    atomic_store(&((struct flush *)args)->is_cancelled, true);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_useless(const struct flush *flush, const varve_writer_stats *before,
    const varve_writer_stats *now)
{
    return atomic_load(&flush->is_cancelled) ||
           (flush->is_closing != NULL && atomic_load(flush->is_closing)) ||
           (flush->tries_once && now->retries > before->retries);
}

/* Until all rows that were accepted before are committed, or it is no use to wait for them. */
static bool wait_committed(const struct flush *flush, const varve_writer_stats *before,
    int64_t until_ms)
{
    varve_writer_stats now;
    do {
        nap(VP_ROOM_WAIT_NS);
        varve_writer_get_stats(flush->writer, &now);
        if (now.sequence_committed >= before->sequence_accepted)
            return true;
    } while (now_ms() < until_ms && !is_useless(flush, before, &now));
    return false;
}

/*
 * The library's flush can't be given up without giving up the writer, so it is asked for a short
 * one, which seals, and then the figures are looked at.
 */
static varve_status flush_run(void *args, varve_error *err)
{
    struct flush *flush = args;
    varve_writer_stats before;
    int64_t slice_ms = FLUSH_SLICE_MS;
    if (flush->timeout_ms >= 0 && flush->timeout_ms < slice_ms)
        slice_ms = flush->timeout_ms;
    int64_t until_ms = flush->timeout_ms < 0 ? INT64_MAX : now_ms() + flush->timeout_ms;
    varve_writer_get_stats(flush->writer, &before);
    varve_status status = varve_writer_flush(flush->writer, slice_ms, err);
    if (status != VARVE_ELIMIT || now_ms() >= until_ms)
        return status;
    if (wait_committed(flush, &before, until_ms))
        return VARVE_OK;
    if (flush->is_closing != NULL && atomic_load(flush->is_closing))
        return vp_fail(err, VARVE_EUSAGE, "the writer was closed meanwhile");
    if (flush->tries_once)
        return VARVE_ELIMIT;
    return varve_writer_flush(flush->writer, 0, err); /* for what holds it up by now */
}

/*
 * A writer that has failed before is closed at once, which tries once more; the next try of a flush
 * may be a long time off.
 */
static varve_status close_run(void *args, varve_error *err)
{
    struct flush *flush = args;
    varve_writer_stats stats;
    varve_writer_get_stats(flush->writer, &stats);
    if (stats.retries == 0)
        (void)!flush_run(args, NULL);
    if (atomic_load(&flush->is_cancelled))
        varve_writer_interrupt(flush->writer);
    varve_status status = varve_writer_close(flush->writer, err);
    atomic_store(flush->out_ended, true);
    return status;
}

varve_status vp_writer_close_all(varve_writer *writer, atomic_bool *out_ended, varve_error *err,
    bool *out_raised)
{
    struct flush flush = {
        .writer = writer, .out_ended = out_ended, .timeout_ms = -1, .tries_once = true};
    struct vp_beside what = {flush_cancel, close_run, &flush, NULL, NULL};
    return vp_run_beside(&what, err, out_raised);
}

static PyObject *run_waiting(struct vp_writer_object *self, const struct vp_beside *what)
{
    if (vp_writer_call(self, what) < 0)
        return NULL;
    Py_RETURN_NONE;
}

PyObject *vp_writer_flush(PyObject *self, PyObject *args)
{
    struct flush flush = {
        .writer = object_of(self)->writer, .is_closing = &object_of(self)->is_closing};
    struct vp_beside what = {flush_cancel, flush_run, &flush, NULL, NULL};
    long long timeout_ms;
    if (!PyArg_ParseTuple(args, "L", &timeout_ms))
        return NULL;
    flush.timeout_ms = timeout_ms;
    return run_waiting(object_of(self), &what);
}

static varve_status sync_run(void *args, varve_error *err)
{
    return varve_writer_sync(((struct vp_writer_object *)args)->writer, err);
}

PyObject *vp_writer_sync(PyObject *self, PyObject *unused)
{
    struct vp_beside what = {NULL, sync_run, self, NULL, NULL};
    (void)unused;
    return run_waiting(object_of(self), &what);
}
