#include "beside.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* A signal ends the wait of the main thread; this is for one that came just before it. */
static const long look_again_ns = 100 * 1000 * 1000;

bool vp_is_main_thread(void)
{
    return getpid() == gettid();
}

bool vp_wait_a_while(sem_t *semaphore)
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

bool vp_look_for_signals(bool *out_raised)
{
    bool raises = false;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *type = NULL, *value = NULL, *trace = NULL;
    if (*out_raised)
        PyErr_Fetch(&type, &value, &trace);
    /* The first exception is the one that counts; a handler that raises again says nothing new. */
    if (PyErr_CheckSignals() != 0) {
        if (*out_raised)
            PyErr_Clear();
        *out_raised = raises = true;
    }
    if (type != NULL)
        PyErr_Restore(type, value, trace);
    PyGILState_Release(gil);
    return raises;
}

/* ---- The desk ------------------------------------------------------------------------------- */

static void desk_open(struct vp_desk *desk, sem_t *bell)
{
    if (desk == NULL)
        return;
    sem_init(&desk->answered, 0, 0);
    pthread_mutex_init(&desk->one, NULL);
    desk->bell = bell;
    atomic_store(&desk->is_open, true);
}

/* The job is over. */
static void desk_close(struct vp_desk *desk)
{
    if (desk == NULL)
        return;
    atomic_store(&desk->is_open, false);
    pthread_mutex_destroy(&desk->one);
    sem_destroy(&desk->answered);
}

/* With an exception set no more of Python is run. */
static void desk_serve(struct vp_desk *desk, bool has_raised)
{
    if (desk == NULL || !atomic_exchange(&desk->is_asked, false))
        return;
    desk->was_canceled = has_raised;
    desk->result = has_raised ? ECANCELED : desk->run(desk->args);
    sem_post(&desk->answered);
}

int vp_desk_ask(struct vp_desk *desk, int (*run)(void *args), void *args, bool *out_canceled)
{
    if (!atomic_load(&desk->is_open))
        return run(args);
    pthread_mutex_lock(&desk->one);
    desk->run = run;
    desk->args = args;
    atomic_store(&desk->is_asked, true);
    sem_post(desk->bell);
    while (sem_wait(&desk->answered) != 0)
        continue; /* a signal */
    int result = desk->result;
    *out_canceled = desk->was_canceled;
    pthread_mutex_unlock(&desk->one);
    return result;
}

/* ---- Jobs ----------------------------------------------------------------------------------- */

struct job {
    const struct vp_beside *what;
    varve_error *err;
    varve_status status;
    atomic_bool is_done;
    sem_t bell; /* it is done, or somebody asks */
};

static void *job_run(void *data)
{
    struct job *job = data;
    job->status = job->what->run(job->what->args, job->err);
    atomic_store(&job->is_done, true);
    sem_post(&job->bell);
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
static void job_watch(struct job *job, bool *out_raised)
{
    const struct vp_beside *what = job->what;
    for (;;) {
        (void)vp_wait_a_while(&job->bell);
        if (atomic_load(&job->is_done))
            return;
        bool had_raised = *out_raised;
        desk_serve(what->desk, had_raised);
        if (vp_look_for_signals(out_raised) && had_raised && what->out_insists != NULL)
            *what->out_insists = true;
        if (*out_raised && what->interrupt != NULL)
            what->interrupt(what->args);
    }
}

static varve_status run_watched(const struct vp_beside *what, varve_error *err,
    bool *out_raised)
{
    struct job job = {.what = what, .err = err};
    pthread_t thread;
    sem_init(&job.bell, 0, 0);
    desk_open(what->desk, &job.bell);
    bool has_begun = job_start(&job, &thread) == 0;
    if (has_begun) {
        job_watch(&job, out_raised);
        pthread_join(thread, NULL);
    }
    desk_close(what->desk);
    sem_destroy(&job.bell);
    /* Where no thread is to be had, signals wait. */
    return has_begun ? job.status : what->run(what->args, err);
}

varve_status vp_run_beside(const struct vp_beside *what, varve_error *err, bool *out_raised)
{
    varve_status status;
    bool raised = false;
    Py_BEGIN_ALLOW_THREADS
        if (vp_is_main_thread())
            status = run_watched(what, err, &raised);
        else
            status = what->run(what->args, err);
    Py_END_ALLOW_THREADS
    *out_raised = raised;
    return status;
}
