/*
 * What takes long, beside the main thread. Python runs its signal handlers in that thread alone, so
 * what is called from there runs in a thread of its own, a job, while the main thread waits and lets
 * handlers run: one that raises interrupts the job.
 *
 * A job that reads an input may have to wait for code of Python, which no handler can stop in a
 * thread of another. It asks at a desk: the main thread runs it, and a handler raises in its midst.
 */
#ifndef VP_BESIDE_H
#define VP_BESIDE_H

/* Python's header is the first of all. */
#include "common.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* Runs without the GIL, on whatever thread. */
typedef varve_status (*vp_run_fn)(void *args, varve_error *err);

/* Zero before it is used. Its fields are beside.c's. */
struct vp_desk {
    atomic_bool is_open; /* while a main thread serves it */
    sem_t *bell;
    sem_t answered;
    pthread_mutex_t one; /* who asks */
    atomic_bool is_asked;
    int (*run)(void *args);
    void *args;
    int result;
    bool was_canceled;
};

struct vp_beside {
    void (*interrupt)(void *args); /* NULL: can't be interrupted, and is waited for */
    vp_run_fn run;
    void *args;
    struct vp_desk *desk; /* NULL: it asks nobody */
    bool *out_insists;    /* NULL, or becomes true when a handler raises once more */
};
/*
 * The status of `run`; *out_raised: a signal handler has raised, and its exception is set. `err` may
 * be NULL. The GIL is held, and released meanwhile.
 */
varve_status vp_run_beside(const struct vp_beside *what, varve_error *err, bool *out_raised);

/*
 * What `run` gives, which is 0 or an errno: without the GIL, in the main thread where that waits for
 * the job, else in this one. *out_canceled, and ECANCELED: a handler has raised, and nothing was run.
 */
int vp_desk_ask(struct vp_desk *desk, int (*run)(void *args), void *args, bool *out_canceled);

/* Python runs its signal handlers there alone. */
bool vp_is_main_thread(void);
/* False: no, but a signal came, or it is time to look whether one did. */
bool vp_wait_a_while(sem_t *semaphore);
/*
 * Without the GIL, but takes it to see. *out_raised: a handler has raised; it is set. True: one has now,
 * be it the first or not.
 */
bool vp_look_for_signals(bool *out_raised);

#endif
