#include "engine/watch.h"

#include <time.h>

#include "base/thread.h"

/*
 * DuckDB forgets an interrupt when the next statement begins, so one that comes a moment too early
 * would be lost. The thread therefore repeats it for as long as the statement is listed, and a
 * statement is taken off the list under the lock, so none reaches the connection afterwards.
 */
static const long poll_ns = 10 * 1000 * 1000;

/*
 * Statements come one after the other. To be woken for each would cost the small ones more than
 * they do; so the thread goes on to look for so many times before it sleeps.
 */
static const int polls_idle_max = 50;

static void interrupt_cancelled(const struct vv_watched *first)
{
    for (const struct vv_watched *watched = first; watched; watched = watched->next)
        if (atomic_load_explicit(watched->cancel, memory_order_relaxed))
            duckdb_interrupt(watched->connection);
}

static void wait_poll(struct vv_watch *watch)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += poll_ns;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&watch->changed, &watch->lock, &until);
}

static void *watch_run(void *data)
{
    struct vv_watch *watch = data;
    pthread_mutex_lock(&watch->lock);
    for (int idle = 0; !watch->stopping; idle++) {
        if (watch->first != NULL)
            idle = 0;
        watch->sleeping = idle == polls_idle_max;
        if (watch->sleeping)
            pthread_cond_wait(&watch->changed, &watch->lock);
        else
            wait_poll(watch);
        if (watch->sleeping)
            idle = -1;
        watch->sleeping = false;
        interrupt_cancelled(watch->first);
    }
    pthread_mutex_unlock(&watch->lock);
    return NULL;
}

varve_status vv_watch_init(struct vv_op *op, struct vv_watch *watch)
{
    *watch = (struct vv_watch){.started = false};
    pthread_condattr_t monotonic;
    int failed = pthread_condattr_init(&monotonic);
    if (failed)
        return vv_fail_errno(op, failed, "cannot make a condition variable");
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    failed = pthread_cond_init(&watch->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (failed)
        return vv_fail_errno(op, failed, "cannot make a condition variable");
    failed = pthread_mutex_init(&watch->lock, NULL);
    if (failed) {
        pthread_cond_destroy(&watch->changed);
        return vv_fail_errno(op, failed, "cannot make a mutex");
    }
    return VARVE_OK;
}

void vv_watch_done(struct vv_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    VV_PRE(watch->first == NULL);
    watch->stopping = true;
    bool started = watch->started;
    pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    if (started)
        pthread_join(watch->thread, NULL);
    pthread_mutex_destroy(&watch->lock);
    pthread_cond_destroy(&watch->changed);
}

varve_status vv_watch_begin(struct vv_op *op, struct vv_watch *watch, const atomic_bool *cancel,
    duckdb_connection connection, struct vv_watched *out)
{
    *out = (struct vv_watched){.watch = NULL};
    if (cancel == NULL)
        return VARVE_OK;
    pthread_mutex_lock(&watch->lock);
    if (!watch->started) {
        int failed = vv_thread_start(&watch->thread, watch_run, watch);
        if (failed) {
            pthread_mutex_unlock(&watch->lock);
            return vv_fail_errno(op, failed, "cannot start the thread that watches for cancel");
        }
        watch->started = true;
    }
    *out = (struct vv_watched){
        .watch = watch,
        .cancel = cancel,
        .connection = connection,
        .next = watch->first,
        .link = &watch->first,
    };
    if (out->next)
        out->next->link = &out->next;
    watch->first = out;
    if (watch->sleeping)
        pthread_cond_signal(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
    return VARVE_OK;
}

void vv_watch_end(struct vv_watched *watched)
{
    struct vv_watch *watch = watched->watch;
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    *watched->link = watched->next;
    if (watched->next)
        watched->next->link = watched->link;
    watched->watch = NULL;
    pthread_mutex_unlock(&watch->lock);
}
