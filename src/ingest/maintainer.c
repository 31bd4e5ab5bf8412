#include "ingest/maintainer.h"

#include <pthread.h>
#include <sys/resource.h>
#include <time.h>

#include "base/seam.h"
#include "base/thread.h"
#include "base/time.h"

#define NICE 10
#define MEMORY_BYTES ((size_t)256 << 20) /* what is more is spilled */

struct vv_maintainer {
    struct vv_lake *lake;
    struct vv_env env;
    struct vv_maintainer_options options;
    atomic_bool cancel;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_stopping; /* guarded by: lock */
};

static void run_once(struct vv_maintainer *maintainer)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    const struct vv_lake_maintain_request request = {0};
    struct vv_lake_maintained result = {0};
    vv_op_init(&op, &maintainer->env, VV_OP_BYTES_DEFAULT);
    varve_status status = vv_lake_maintain(&op, maintainer->lake, &request, &result, NULL);
    if (status != VARVE_OK && status != VARVE_EINTERRUPTED)
        vv_log(&op, VV_LOG_WARN, "maintain.failed", "%s", op.error.message);
    if (maintainer->options.ran != NULL && status != VARVE_EINTERRUPTED)
        maintainer->options.ran(maintainer->options.data, &result,
            status == VARVE_OK ? NULL : &op.error);
    if (status != VARVE_OK)
        vv_forgive(&op);
}

static struct timespec in(int64_t us)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t ns = time.tv_nsec + us % VV_US_PER_S * 1000;
    time.tv_sec += (time_t)(us / VV_US_PER_S + ns / 1000000000);
    time.tv_nsec = (long)(ns % 1000000000);
    return time;
}

/* False: it is over. */
static bool wait_for_turn(struct vv_maintainer *maintainer)
{
    const struct timespec due = in(maintainer->options.interval_us);
    int waited = 0;
    pthread_mutex_lock(&maintainer->lock);
    while (!maintainer->is_stopping && waited == 0)
        waited = pthread_cond_timedwait(&maintainer->wake, &maintainer->lock, &due);
    bool is_stopping = maintainer->is_stopping;
    pthread_mutex_unlock(&maintainer->lock);
    return !is_stopping;
}

static void *maintainer_main(void *data)
{
    struct vv_maintainer *maintainer = data;
    /* Of this thread alone, here; threads that it starts have it too. A refusal does no harm. */
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    while (wait_for_turn(maintainer))
        run_once(maintainer);
    return NULL;
}

static varve_status lake_open(struct vv_op *op, const struct vv_lake *like,
    struct vv_lake **out)
{
    struct vv_lake_options options = {.store = like->store_options,
        .engine = like->engine_options,
        .user = like->user,
        .message = like->message};
    options.engine.threads = 1;
    options.engine.is_lasting = true;
    if (options.engine.memory_bytes == 0 || options.engine.memory_bytes > MEMORY_BYTES)
        options.engine.memory_bytes = MEMORY_BYTES;
    return vv_lake_open(op, like->store->location, &options, out);
}

static void maintainer_free(struct vv_maintainer *maintainer)
{
    vv_lake_close(&maintainer->lake);
    pthread_cond_destroy(&maintainer->wake);
    pthread_mutex_destroy(&maintainer->lock);
    vv_free(maintainer);
}

varve_status vv_maintainer_start(struct vv_op *op, const struct vv_lake *like,
    const struct vv_maintainer_options *options, struct vv_maintainer **out)
{
    pthread_condattr_t monotonic;
    struct vv_maintainer *maintainer = vv_malloc_zeroed(sizeof(*maintainer));
    if (maintainer == NULL)
        return vv_fail_memory(op);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&maintainer->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&maintainer->lock, NULL);
    maintainer->options = *options;
    maintainer->env = *op->env;
    maintainer->env.cancel = &maintainer->cancel;
    maintainer->env.progress = NULL;
    varve_status status = lake_open(op, like, &maintainer->lake);
    if (status == VARVE_OK) {
        int failure = vv_thread_start(&maintainer->thread, maintainer_main, maintainer);
        if (failure != 0)
            status = vv_fail_errno(op, failure, "start the thread of maintenance");
    }
    if (status != VARVE_OK)
        maintainer_free(maintainer);
    else
        *out = maintainer;
    return status;
}

void vv_maintainer_stop(struct vv_maintainer **maintainer)
{
    struct vv_maintainer *stopped = VV_MOVE(*maintainer);
    if (stopped == NULL)
        return;
    atomic_store(&stopped->cancel, true);
    pthread_mutex_lock(&stopped->lock);
    stopped->is_stopping = true;
    pthread_cond_signal(&stopped->wake);
    pthread_mutex_unlock(&stopped->lock);
    pthread_join(stopped->thread, NULL);
    maintainer_free(stopped);
}
