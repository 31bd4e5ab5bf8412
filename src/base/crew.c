#include "base/crew.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/seam.h"
#include "base/thread.h"

#define LOOK_NS (10L * 1000 * 1000) /* so often is looked whether it is cancelled */
#define NS_PER_S 1000000000L

/* An event of a piece, until the calling thread logs it. */
struct event {
    struct event *next;
    int level;
    const char *name; /* a literal */
    char fields[];
};

struct crew {
    const struct vv_crew_work *work;
    struct vv_env env; /* of the pieces */
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t next, done, at_work; /* guarded by: lock */
    varve_status status; /* guarded by: lock; of the first that failed, with its error: */
    varve_error error;
    struct event *events, **events_end; /* guarded by: lock; in their order */
};

struct member {
    struct crew *crew;
    size_t number;
    pthread_t thread;
};

static bool take(struct crew *crew, size_t *out)
{
    pthread_mutex_lock(&crew->lock);
    bool is_more = crew->next < crew->work->len && !atomic_load(&crew->stop);
    if (is_more)
        *out = crew->next++;
    pthread_mutex_unlock(&crew->lock);
    return is_more;
}

static void tell_done(struct crew *crew, const struct vv_op *op, varve_status status)
{
    pthread_mutex_lock(&crew->lock);
    crew->done++;
    if (status != VARVE_OK && crew->status == VARVE_OK) {
        crew->status = status;
        crew->error = op->error;
    }
    if (status != VARVE_OK)
        atomic_store(&crew->stop, true);
    pthread_cond_signal(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
}

static void do_piece(struct crew *crew, size_t thread, size_t piece)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &crew->env, VV_OP_BYTES_DEFAULT);
    varve_status status = crew->work->run(&op, crew->work->data, thread, piece);
    tell_done(crew, &op, status);
    if (status != VARVE_OK)
        vv_forgive(&op);
}

static void *member_main(void *data)
{
    const struct member *member = data;
    struct crew *crew = member->crew;
    for (size_t piece; take(crew, &piece);)
        do_piece(crew, member->number, piece);
    pthread_mutex_lock(&crew->lock);
    crew->at_work--;
    pthread_cond_signal(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

/* One for which there is no memory is lost, as a log may be. */
static void keep_event(void *data, int level, const char *name, const char *fields)
{
    struct crew *crew = data;
    size_t bytes = strlen(fields) + 1;
    struct event *event = vv_malloc(sizeof(*event) + bytes);
    if (event == NULL)
        return;
    *event = (struct event){.level = level, .name = name};
    memcpy(event->fields, fields, bytes);
    pthread_mutex_lock(&crew->lock);
    *crew->events_end = event;
    crew->events_end = &event->next;
    pthread_mutex_unlock(&crew->lock);
}

static void log_events(struct crew *crew, const struct vv_env *env)
{
    pthread_mutex_lock(&crew->lock);
    struct event *event = crew->events;
    crew->events = NULL;
    crew->events_end = &crew->events;
    pthread_mutex_unlock(&crew->lock);
    while (event != NULL) {
        struct event *next = event->next;
        env->log(env->log_data, event->level, event->name, event->fields);
        vv_free(event);
        event = next;
    }
}

/* How many could be started. */
static size_t start(struct crew *crew, struct member *members, size_t wanted)
{
    size_t started = 0;
    crew->at_work = wanted;
    while (started < wanted) {
        members[started] = (struct member){.crew = crew, .number = started};
        if (vv_thread_start(&members[started].thread, member_main, &members[started]) != 0)
            break;
        started++;
    }
    pthread_mutex_lock(&crew->lock);
    crew->at_work -= wanted - started;
    pthread_mutex_unlock(&crew->lock);
    return started;
}

/* Until something is done, or for a moment; false: nobody is at work any more. */
static bool wait_moment(struct crew *crew, size_t *done)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_NS;
    until.tv_sec += until.tv_nsec / NS_PER_S;
    until.tv_nsec %= NS_PER_S;
    pthread_mutex_lock(&crew->lock);
    if (crew->at_work > 0 && crew->done == *done)
        (void)pthread_cond_timedwait(&crew->changed, &crew->lock, &until);
    bool is_at_work = crew->at_work > 0;
    *done = crew->done;
    pthread_mutex_unlock(&crew->lock);
    return is_at_work;
}

static varve_status tell(struct vv_op *op, const struct vv_crew_work *work, size_t done)
{
    if (work->phase == NULL)
        return vv_check_cancel(op);
    return vv_progress(op, work->phase, work->before + done,
        work->total > 0 ? work->total : work->len);
}

/* OK, or why the caller wants it to end. */
static varve_status attend(struct vv_op *op, struct crew *crew)
{
    varve_status status = VARVE_OK;
    size_t done = 0;
    while (wait_moment(crew, &done)) {
        log_events(crew, op->env);
        if (status != VARVE_OK)
            continue;
        status = tell(op, crew->work, done);
        if (status != VARVE_OK)
            atomic_store(&crew->stop, true);
    }
    return status;
}

static varve_status condition_init(struct vv_op *op, pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    int failed = pthread_condattr_init(&monotonic);
    if (failed == 0) {
        pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        failed = pthread_cond_init(condition, &monotonic);
        pthread_condattr_destroy(&monotonic);
    }
    return failed == 0 ? VARVE_OK
                       : vv_fail_errno(op, failed, "cannot make a condition variable");
}

static varve_status run_alone(struct vv_op *op, const struct vv_crew_work *work)
{
    for (size_t piece = 0; piece < work->len; piece++) {
        VV_TRY(work->run(op, work->data, 0, piece));
        VV_TRY(tell(op, work, piece + 1));
    }
    return VARVE_OK;
}

static varve_status finish(struct vv_op *op, const struct crew *crew, varve_status asked)
{
    bool is_real = crew->status != VARVE_OK && crew->status != VARVE_EINTERRUPTED;
    if (asked != VARVE_OK && !is_real)
        return asked;
    if (crew->status == VARVE_OK)
        return tell(op, crew->work, crew->work->len);
    if (asked != VARVE_OK)
        vv_forgive(op);
    (void)vv_fail(op, crew->status, "%s", crew->error.message);
    op->error = crew->error;
    return crew->status;
}

varve_status vv_crew_run(struct vv_op *op, size_t threads, const struct vv_crew_work *work)
{
    struct member members[VV_CREW_MAX];
    struct crew crew = {.work = work, .env = *op->env, .lock = PTHREAD_MUTEX_INITIALIZER};
    size_t wanted = threads < work->len ? threads : work->len;
    if (wanted > VV_CREW_MAX)
        wanted = VV_CREW_MAX;
    if (wanted < 2)
        return run_alone(op, work);
    VV_TRY(condition_init(op, &crew.changed));
    crew.env.cancel = &crew.stop;
    crew.env.progress = NULL; /* both this and the log are for the calling thread alone */
    if (crew.env.log != NULL)
        crew.env.log = keep_event;
    crew.env.log_data = &crew;
    crew.events_end = &crew.events;
    size_t started = start(&crew, members, wanted);
    varve_status asked = started > 0 ? attend(op, &crew) : VARVE_OK;
    for (size_t i = 0; i < started; i++)
        (void)pthread_join(members[i].thread, NULL);
    log_events(&crew, op->env);
    (void)pthread_cond_destroy(&crew.changed);
    pthread_mutex_destroy(&crew.lock);
    return started > 0 ? finish(op, &crew, asked) : run_alone(op, work);
}
