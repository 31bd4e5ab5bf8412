/*
 * Who may call when. `turn` is taken by whoever runs something on the handle. Each thread knows what
 * it is in the midst of (vp_within): the one that runs a call, the main thread that waits for it,
 * those that read its input. So a callback, a signal handler or an input that asks for the same lake
 * gets an error instead of waiting for itself. Tables whose object died under somebody else's call
 * wait in `left` and are closed by whoever has the turn last.
 */
#include "lake.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* So long the others wait for a read that is to end, which looks for that each 10 ms. */
#define INTERRUPT_LOOKS 100
#define INTERRUPT_LOOK_NS (1000 * 1000)

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
    sem_t turn; /* 1: nobody runs */
    pthread_mutex_t left_lock;
    struct left *left; /* guarded by: left_lock */
    PyObject *on_log;  /* guarded by: the GIL; borrowed */
};

static _Thread_local const struct vp_within *innermost; /* of this thread */

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void within_begin(struct vp_within *within, const struct vp_lake *lake, bool is_log)
{
    *within = (struct vp_within){lake, is_log, innermost};
    innermost = within;
}

void vp_within_begin(struct vp_within *within, const struct vp_lake *lake)
{
    within_begin(within, lake, false);
}

void vp_within_end(const struct vp_within *within)
{
    innermost = within->outer;
}

static bool is_within(const struct vp_lake *lake, bool is_log)
{
    const struct vp_within *within = innermost;
    while (within != NULL && (within->lake != lake || within->is_log != is_log))
        within = within->outer;
    return within != NULL;
}

bool vp_lake_is_telling(const struct vp_lake *lake)
{
    return is_within(lake, true);
}

static void on_log(void *data, int32_t level, const char *event, const char *fields)
{
    struct vp_lake *lake = data;
    size_t index = level >= 0 && (size_t)level < VP_COUNT(level_names) ? (size_t)level : 0;
    struct vp_within within;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *callable = lake->on_log;
    Py_XINCREF(callable);
    within_begin(&within, lake, true);
    if (callable != NULL) {
        PyObject *result =
            PyObject_CallFunction(callable, "sss", level_names[index], event, fields);
        if (result == NULL)
            PyErr_WriteUnraisable(callable);
        Py_XDECREF(result);
        Py_DECREF(callable);
    }
    vp_within_end(&within);
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

/*
 * A table that is left behind while this looks away is seen by the next round or its leaver's. To
 * close one may tell something.
 */
static void turn_end(struct vp_lake *lake)
{
    struct vp_within within;
    do {
        vp_within_begin(&within, lake);
        close_left(lake);
        vp_within_end(&within);
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

/* ---- Calls ---------------------------------------------------------------------------------- */

struct call {
    struct vp_lake *lake;
    const struct vp_reads *reads; /* NULL: no input */
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

/*
 * The library has one flag for all of a lake, and forgets it when a call begins: none does until the read
 * has seen it. What a call of this very thread reads is ended with that.
 */
void vp_lake_interrupt_reads(struct vp_lake *lake, bool insists, const atomic_bool *is_over)
{
    bool has_turn = !insists && !is_within(lake, false);
    if (has_turn && !vp_wait_a_while(&lake->turn))
        return;
    varve_lake_interrupt(lake->handle);
    for (int i = 0; has_turn && i < INTERRUPT_LOOKS && !atomic_load(is_over); i++)
        nanosleep(&(struct timespec){.tv_nsec = INTERRUPT_LOOK_NS}, NULL);
    if (!has_turn)
        return;
    forget_interrupt(lake);
    turn_end(lake);
}

static varve_status call_now(const struct call *call, varve_error *err)
{
    struct vp_lake *lake = call->lake;
    if (vp_lake_is_shut(lake))
        return vp_fail(err, VARVE_EUSAGE, "the lake is closed");
    if (call->reads != NULL && vp_lake_interrupts(lake) != call->reads->interrupts)
        return vp_fail(err, VARVE_EINTERRUPTED, "interrupted");
    return call->run(call->args, err);
}

static varve_status call_run(void *args, varve_error *err)
{
    const struct call *call = args;
    struct vp_within within;
    vp_within_begin(&within, call->lake);
    varve_status status = call_now(call, err);
    if (status == VARVE_EINTERRUPTED)
        forget_interrupt(call->lake);
    vp_within_end(&within);
    turn_end(call->lake);
    return status;
}

/* False: a signal handler has raised; the turn is not taken. */
static bool turn_take(struct vp_lake *lake)
{
    bool raised = false;
    if (sem_trywait(&lake->turn) == 0)
        return true;
    Py_BEGIN_ALLOW_THREADS
        while (!raised && !vp_wait_a_while(&lake->turn))
            if (vp_is_main_thread())
                vp_look_for_signals(&raised);
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

static int check_call(struct vp_lake *lake)
{
    if (!vp_lake_check_process(lake))
        return -1;
    if (vp_lake_is_shut(lake)) {
        vp_raise_code(VARVE_EUSAGE, "the lake is closed");
        return -1;
    }
    if (is_within(lake, false)) {
        vp_raise_code(VARVE_EUSAGE,
            "this lake is in the middle of a call: a callback, a signal "
            "handler, or an input that is being read, needs a Lake of "
            "its own");
        return -1;
    }
    return 0;
}

int vp_lake_call_reading(struct vp_lake *lake, struct vp_reads *reads, vp_run_fn run,
    void *args)
{
    struct vp_within within;
    if (check_call(lake) < 0 || !turn_take(lake))
        return -1;
    struct call call = {vp_lake_retain(lake), reads, run, args};
    struct vp_beside what = {
        call_interrupt, call_run, &call, reads ? &reads->desk : NULL, NULL};
    varve_error err;
    bool raised;
    vp_within_begin(&within, lake);
    varve_status status = vp_run_beside(&what, &err, &raised);
    vp_within_end(&within);
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

int vp_lake_call(struct vp_lake *lake, vp_run_fn run, void *args)
{
    return vp_lake_call_reading(lake, NULL, run, args);
}
