#include "base/aside.h"

#include <pthread.h>
#include <time.h>

#include "base/seam.h"
#include "base/thread.h"

#define LOOK_NS (10L * 1000 * 1000) /* so often is looked whether the caller is cancelled */
#define NS_PER_S 1000000000L

struct vv_aside {
    pthread_t thread;
    struct vv_env env;
    atomic_bool stop;
    varve_status (*run)(struct vv_op *op, void *data);
    void *data;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended; /* guarded by: lock, as is: */
    varve_status status;
};

static void *aside_main(void *data)
{
    struct vv_aside *aside = data;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &aside->env, VV_OP_BYTES_DEFAULT);
    varve_status status = aside->run(&op, aside->data);
    if (status != VARVE_OK)
        vv_forgive(&op);
    pthread_mutex_lock(&aside->lock);
    aside->has_ended = true;
    aside->status = status;
    pthread_cond_signal(&aside->ended);
    pthread_mutex_unlock(&aside->lock);
    return NULL;
}

static bool condition_init(pthread_cond_t *condition)
{
    pthread_condattr_t monotonic;
    if (pthread_condattr_init(&monotonic) != 0)
        return false;
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return failed == 0;
}

static void aside_free(struct vv_aside *aside)
{
    (void)pthread_cond_destroy(&aside->ended);
    pthread_mutex_destroy(&aside->lock);
    vv_free(aside);
}

void vv_aside_begin(const struct vv_op *op, varve_status (*run)(struct vv_op *op, void *data),
    void *data, struct vv_aside **out)
{
    struct vv_aside *aside = vv_malloc(sizeof(*aside));
    *out = NULL;
    if (aside == NULL)
        return;
    *aside = (struct vv_aside){
        .env = *op->env, .run = run, .data = data, .lock = PTHREAD_MUTEX_INITIALIZER};
    aside->env.log = NULL;
    aside->env.progress = NULL;
    aside->env.cancel = &aside->stop;
    if (!condition_init(&aside->ended)) {
        vv_free(aside);
        return;
    }
    if (vv_thread_start(&aside->thread, aside_main, aside) == 0)
        *out = aside;
    else
        aside_free(aside);
}

static bool wait_moment(struct vv_aside *aside)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_NS;
    until.tv_sec += until.tv_nsec / NS_PER_S;
    until.tv_nsec %= NS_PER_S;
    pthread_mutex_lock(&aside->lock);
    if (!aside->has_ended)
        (void)pthread_cond_timedwait(&aside->ended, &aside->lock, &until);
    bool has_ended = aside->has_ended;
    pthread_mutex_unlock(&aside->lock);
    return has_ended;
}

bool vv_aside_wait(struct vv_op *op, struct vv_aside **aside)
{
    struct vv_aside *waited = VV_MOVE(*aside);
    if (waited == NULL)
        return false;
    while (!wait_moment(waited)) {
        if (op->env->cancel != NULL && atomic_load(op->env->cancel))
            atomic_store(&waited->stop, true);
    }
    (void)pthread_join(waited->thread, NULL);
    bool is_done = waited->status == VARVE_OK;
    aside_free(waited);
    return is_done;
}

void vv_aside_stop(struct vv_aside **aside)
{
    struct vv_aside *stopped = VV_MOVE(*aside);
    if (stopped == NULL)
        return;
    atomic_store(&stopped->stop, true);
    (void)pthread_join(stopped->thread, NULL);
    aside_free(stopped);
}
