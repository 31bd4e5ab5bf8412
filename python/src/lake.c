/*
 * Who may call when. `turn` is taken by whoever runs something on the handle; `runner` is that
 * thread, so that a callback or an input that asks for the same lake from within gets an error
 * instead of waiting for itself; `reading` is the same for inputs that the engine's threads read. Tables whose object died under somebody else's call wait in
 * `left` and are closed by whoever has the turn last.
 */
#include "lake.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* A signal ends the wait of the main thread; this is for one that came just before it. */
static const long look_again_ns = 100 * 1000 * 1000;

struct left {
    varve_table *table;
    struct left *next;
};

struct vp_lake {
    varve_lake *handle;
    atomic_size_t refs;
    atomic_bool is_shut;
    atomic_uint interrupts;
    pid_t pid;
    sem_t turn;                /* 1: nobody runs */
    _Atomic(pthread_t) runner; /* while is_running */
    atomic_bool is_running;
    pthread_mutex_t left_lock;
    struct left *left; /* guarded by: left_lock */
    PyObject *on_log;  /* guarded by: the GIL; borrowed */
};

static _Thread_local const struct vp_reading *innermost; /* of this thread */

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void on_log(void *data, int32_t level, const char *event, const char *fields)
{
    struct vp_lake *lake = data;
    size_t index = level >= 0 && (size_t)level < VP_COUNT(level_names) ? (size_t)level : 0;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *callable = lake->on_log;
    Py_XINCREF(callable);
    if (callable != NULL) {
        PyObject *result =
            PyObject_CallFunction(callable, "sss", level_names[index], event, fields);
        if (result == NULL)
            PyErr_WriteUnraisable(callable);
        Py_XDECREF(result);
        Py_DECREF(callable);
    }
    PyGILState_Release(gil);
}

static struct vp_lake *lake_new(void)
{
    struct vp_lake *lake = calloc(1, sizeof(*lake));
    if (lake == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    lake->refs = 1;
    lake->pid = getpid();
    sem_init(&lake->turn, 0, 1);
    pthread_mutex_init(&lake->left_lock, NULL);
    return lake;
}

struct vp_lake *vp_lake_open(const char *location, varve_lake_options *options,
    PyObject *on_log_callable)
{
    varve_error err;
    varve_status status;
    struct vp_lake *lake = lake_new();
    if (lake == NULL)
        return NULL;
    lake->on_log = on_log_callable;
    if (on_log_callable != NULL) {
        options->on_log = on_log;
        options->on_log_data = lake;
    }
    Py_BEGIN_ALLOW_THREADS
        status = varve_lake_open(location, options, &lake->handle, &err);
    Py_END_ALLOW_THREADS
    if (status == VARVE_OK)
        return lake;
    vp_lake_release(lake);
    vp_raise(&err);
    return NULL;
}

void vp_lake_silence(struct vp_lake *lake)
{
    lake->on_log = NULL;
}

struct vp_lake *vp_lake_retain(struct vp_lake *lake)
{
    atomic_fetch_add(&lake->refs, 1);
    return lake;
}

/* With the turn. */
static void close_left(struct vp_lake *lake)
{
    pthread_mutex_lock(&lake->left_lock);
    struct left *left = lake->left;
    lake->left = NULL;
    pthread_mutex_unlock(&lake->left_lock);
    while (left != NULL) {
        struct left *next = left->next;
        varve_table_close(left->table);
        free(left);
        left = next;
    }
}

static bool has_left(struct vp_lake *lake)
{
    pthread_mutex_lock(&lake->left_lock);
    bool has = lake->left != NULL;
    pthread_mutex_unlock(&lake->left_lock);
    return has;
}

/* A table that is left behind while this looks away is seen by the next round or its leaver's. */
static void turn_end(struct vp_lake *lake)
{
    do {
        close_left(lake);
        sem_post(&lake->turn);
    } while (has_left(lake) && sem_trywait(&lake->turn) == 0);
}

void vp_lake_release(struct vp_lake *lake)
{
    if (lake == NULL || atomic_fetch_sub(&lake->refs, 1) > 1)
        return;
    if (!vp_lake_is_ours(lake))
        return; /* the library's threads are the parent's: all of it stays as it is */
    close_left(lake);
    varve_lake_close(lake->handle);
    pthread_mutex_destroy(&lake->left_lock);
    sem_destroy(&lake->turn);
    free(lake);
}

void vp_lake_leave(struct vp_lake *lake, varve_table *table)
{
    struct left *left = malloc(sizeof(*left));
    if (left == NULL || !vp_lake_is_ours(lake)) {
        free(left); /* better never closed than at a wrong time */
        return;
    }
    left->table = table;
    pthread_mutex_lock(&lake->left_lock);
    left->next = lake->left;
    lake->left = left;
    pthread_mutex_unlock(&lake->left_lock);
    if (sem_trywait(&lake->turn) == 0)
        turn_end(lake);
}

void vp_lake_shut(struct vp_lake *lake)
{
    atomic_store(&lake->is_shut, true);
}

bool vp_lake_is_shut(const struct vp_lake *lake)
{
    return atomic_load(&lake->is_shut);
}

void vp_lake_interrupt(struct vp_lake *lake)
{
    atomic_fetch_add(&lake->interrupts, 1);
    varve_lake_interrupt(lake->handle);
}

unsigned vp_lake_interrupts(const struct vp_lake *lake)
{
    return atomic_load(&lake->interrupts);
}

varve_lake *vp_lake_handle(struct vp_lake *lake)
{
    return lake->handle;
}

/* ---- Waiting, and signals meanwhile --------------------------------------------------------- */

/* Python runs its signal handlers there alone. */
static bool is_main_thread(void)
{
    return getpid() == gettid();
}

/* False: no, but a signal came, or it is time to look whether one did. */
static bool wait_a_while(sem_t *semaphore)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += look_again_ns;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &until) == 0;
}

/* Without the GIL, but takes it to see. *out_raised: a handler has raised; it is set. */
static void look_for_signals(bool *out_raised)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *type = NULL, *value = NULL, *trace = NULL;
    if (*out_raised)
        PyErr_Fetch(&type, &value, &trace);
    /* The first exception is the one that counts; a handler that raises again says nothing new. */
    if (PyErr_CheckSignals() != 0) {
        if (*out_raised)
            PyErr_Clear();
        *out_raised = true;
    }
    if (type != NULL)
        PyErr_Restore(type, value, trace);
    PyGILState_Release(gil);
}

struct job {
    const struct vp_beside *what;
    varve_error *err;
    varve_status status;
    sem_t done;
};

static void *job_run(void *data)
{
    struct job *job = data;
    job->status = job->what->run(job->what->args, job->err);
    sem_post(&job->done);
    return NULL;
}

/* All signals but those of defects are for the main thread, in whose wait they are looked for. */
static int job_start(struct job *job, pthread_t *out)
{
    static const int defects[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t blocked, before;
    sigfillset(&blocked);
    for (size_t i = 0; i < VP_COUNT(defects); i++)
        sigdelset(&blocked, defects[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    int failed = pthread_create(out, NULL, job_run, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

/* An interrupt that comes before the call has begun is forgotten: it is repeated. */
static varve_status run_watched(const struct vp_beside *what, varve_error *err,
    bool *out_raised)
{
    struct job job = {.what = what, .err = err};
    pthread_t thread;
    sem_init(&job.done, 0, 0);
    if (job_start(&job, &thread) != 0) {
        sem_destroy(&job.done);
        return what->run(what->args, err); /* no thread to be had: signals wait */
    }
    while (!wait_a_while(&job.done)) {
        look_for_signals(out_raised);
        if (*out_raised && what->interrupt != NULL)
            what->interrupt(what->args);
    }
    pthread_join(thread, NULL);
    sem_destroy(&job.done);
    return job.status;
}

varve_status vp_run_beside(const struct vp_beside *what, varve_error *err, bool *out_raised)
{
    varve_status status;
    bool raised = false;
    Py_BEGIN_ALLOW_THREADS
        if (is_main_thread())
            status = run_watched(what, err, &raised);
        else
            status = what->run(what->args, err);
    Py_END_ALLOW_THREADS
    *out_raised = raised;
    return status;
}

/* ---- Calls ---------------------------------------------------------------------------------- */

struct call {
    struct vp_lake *lake;
    vp_run_fn run;
    void *args;
};

static void call_interrupt(void *args)
{
    const struct call *call = args;
    varve_lake_interrupt(call->lake->handle);
}

/* The library forgets an interrupt when a call begins, until then it stops reads of streams. */
static void forget_interrupt(struct vp_lake *lake)
{
    struct ArrowArrayStream none;
    (void)!varve_lake_query(lake->handle, NULL, NULL, &none, NULL);
}

void vp_lake_forget_interrupt(struct vp_lake *lake)
{
    if (sem_trywait(&lake->turn) != 0)
        return;
    forget_interrupt(lake);
    turn_end(lake);
}

static varve_status call_run(void *args, varve_error *err)
{
    const struct call *call = args;
    struct vp_lake *lake = call->lake;
    varve_status status;
    atomic_store(&lake->runner, pthread_self());
    atomic_store(&lake->is_running, true);
    if (vp_lake_is_shut(lake))
        status = vp_fail(err, VARVE_EUSAGE, "the lake is closed");
    else
        status = call->run(call->args, err);
    if (status == VARVE_EINTERRUPTED)
        forget_interrupt(lake);
    atomic_store(&lake->is_running, false);
    turn_end(lake);
    return status;
}

/* False: a signal handler has raised; the turn is not taken. */
static bool turn_take(struct vp_lake *lake)
{
    bool raised = false;
    if (sem_trywait(&lake->turn) == 0)
        return true;
    Py_BEGIN_ALLOW_THREADS
        while (!raised && !wait_a_while(&lake->turn))
            if (is_main_thread())
                look_for_signals(&raised);
    Py_END_ALLOW_THREADS
    return !raised;
}

bool vp_lake_is_ours(const struct vp_lake *lake)
{
    return lake->pid == getpid();
}

bool vp_lake_check_process(const struct vp_lake *lake)
{
    if (vp_lake_is_ours(lake))
        return true;
    vp_raise_code(VARVE_EUSAGE, "this lake was opened before the process forked: open it anew "
                                "in each process");
    return false;
}

void vp_reading_begin(struct vp_reading *reading, const struct vp_lake *lake)
{
    *reading = (struct vp_reading){lake, innermost};
    innermost = reading;
}

void vp_reading_end(const struct vp_reading *reading)
{
    innermost = reading->outer;
}

/* Whether this thread works for a call on the lake, which would wait for itself. */
static bool is_within_call(const struct vp_lake *lake)
{
    for (const struct vp_reading *reading = innermost; reading != NULL;
         reading = reading->outer)
        if (reading->lake == lake)
            return true;
    return atomic_load(&lake->is_running) &&
           pthread_equal(atomic_load(&lake->runner), pthread_self());
}

static int check_call(struct vp_lake *lake)
{
    if (!vp_lake_check_process(lake))
        return -1;
    if (vp_lake_is_shut(lake)) {
        vp_raise_code(VARVE_EUSAGE, "the lake is closed");
        return -1;
    }
    if (is_within_call(lake)) {
        vp_raise_code(VARVE_EUSAGE, "this lake is in the middle of a call: a callback, or an "
                                    "input that is being read, needs a Lake of its own");
        return -1;
    }
    return 0;
}

int vp_lake_call(struct vp_lake *lake, vp_run_fn run, void *args)
{
    if (check_call(lake) < 0 || !turn_take(lake))
        return -1;
    struct call call = {vp_lake_retain(lake), run, args};
    struct vp_beside what = {call_interrupt, call_run, &call};
    varve_error err;
    bool raised;
    varve_status status = vp_run_beside(&what, &err, &raised);
    Py_BEGIN_ALLOW_THREADS
        vp_lake_release(lake);
    Py_END_ALLOW_THREADS
    if (raised)
        return -1;
    if (status == VARVE_OK)
        return 0;
    vp_raise(&err);
    return -1;
}
