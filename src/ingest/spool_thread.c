/*
 * The spool's own thread: syncs when an interval or a number of bytes is over or somebody waits,
 * seals what is ended, has the next segment ready, removes what is done with.
 *
 * Segments are synced and sealed in their order, so what is durable is always the older part of
 * what was accepted.
 */
#include "ingest/spool_state.h"

#include <signal.h>
#include <time.h>

#include "base/time.h"

#define RETRY_US (INT64_C(200) * VV_US_PER_MS)
#define SETTLE_US (INT64_C(100) * VV_US_PER_MS)
#define FOREVER_US INT64_MAX

int64_t vv_spool_clock(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * VV_US_PER_S + (int64_t)now.tv_nsec / 1000;
}

varve_status vv_spool_fail_as(struct vv_op *op, const varve_error *error)
{
    (void)vv_fail(op, error->code, "%s", error->message);
    op->error.os_errno = error->os_errno;
    op->error.retryable = error->retryable;
    return error->code;
}

/* What is due; with the lock. */
struct duty {
    bool sync, settle, seal, spare, request;
};

static bool is_any(const struct duty *duty)
{
    return duty->sync || duty->settle || duty->seal || duty->spare || duty->request;
}

/* The oldest segment with something to sync or to seal, or NULL; with the lock. */
static struct vv_spool_segment *unfinished(const struct vv_spool *spool)
{
    struct vv_spool_segment *segment = spool->first;
    while (segment != NULL && (segment->stage == VV_STAGE_SEALED ||
                                  (segment->stage == VV_STAGE_OPEN &&
                                      segment->durable_bytes == segment->used_bytes)))
        segment = segment->next;
    return segment;
}

/* Until when the thread may sleep if nothing happens; with the lock. */
static int64_t look(const struct vv_spool *spool, int64_t now_us, struct duty *out)
{
    struct duty duty = {.request = spool->request != NULL && !spool->request->done};
    int64_t until_us = FOREVER_US;
    bool may_try = spool->failure.code == VARVE_OK || now_us >= spool->retry_at_us;
    const struct vv_spool_segment *segment = unfinished(spool);
    bool someone_waits = spool->wanted_sequence > spool->durable_sequence;
    if (segment != NULL && may_try) {
        int64_t due_us = spool->options.sync_interval_us < 0
                             ? FOREVER_US
                             : spool->first_unsynced_us + spool->options.sync_interval_us;
        duty.seal = segment->stage == VV_STAGE_ENDED;
        duty.sync = duty.seal || someone_waits || now_us >= due_us || spool->stop ||
                    spool->unsynced_bytes >= spool->options.sync_bytes;
        if (!duty.sync)
            until_us = due_us;
    } else if (segment != NULL) {
        until_us = spool->retry_at_us;
    } else if (spool->open != NULL && spool->open->head_is_dirty && may_try) {
        duty.settle = now_us >= spool->settle_at_us;
        until_us = spool->settle_at_us;
    }
    bool is_small = spool->spare != NULL && spool->spare->capacity < spool->spare_bytes_wanted;
    bool is_wanted = spool->spare_bytes_wanted > 0;
    if ((spool->spare == NULL || is_small) && !spool->stop) {
        duty.spare = is_wanted || now_us >= spool->spare_at_us;
        if (!duty.spare && spool->spare_at_us < until_us)
            until_us = spool->spare_at_us;
    }
    *out = duty;
    return until_us;
}

static void sleep_until(struct vv_spool *spool, int64_t until_us)
{
    if (until_us == FOREVER_US) {
        (void)pthread_cond_wait(&spool->work, &spool->lock);
        return;
    }
    struct timespec until = {
        .tv_sec = (time_t)(until_us / VV_US_PER_S),
        .tv_nsec = (long)(until_us % VV_US_PER_S) * 1000,
    };
    (void)pthread_cond_timedwait(&spool->work, &spool->lock, &until);
}

/* Syncs and seals, oldest first, what there was when it began. */
static varve_status sync_all(struct vv_op *op, struct vv_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    struct vv_spool_segment *segment = unfinished(spool);
    struct vv_spool_segment *last = spool->last;
    spool->unsynced_bytes = 0;
    spool->first_unsynced_us = 0;
    pthread_mutex_unlock(&spool->lock);
    while (segment != NULL) {
        VV_TRY(vv_spool_segment_sync(op, spool, segment));
        pthread_mutex_lock(&spool->lock);
        bool is_ended =
            segment->stage == VV_STAGE_ENDED && segment->durable_bytes == segment->used_bytes;
        pthread_mutex_unlock(&spool->lock);
        if (is_ended)
            VV_TRY(vv_spool_segment_seal(op, spool, segment));
        pthread_mutex_lock(&spool->lock);
        segment = segment == last ? NULL : unfinished(spool);
        pthread_mutex_unlock(&spool->lock);
    }
    return VARVE_OK;
}

/* Notes what became of an attempt to get things durable, for those who wait. */
static void note_outcome(struct vv_spool *spool, const struct vv_op *op)
{
    pthread_mutex_lock(&spool->lock);
    if (op->failed) {
        spool->failure = op->error;
        spool->retry_at_us = vv_spool_clock() + RETRY_US;
    } else {
        spool->failure.code = VARVE_OK;
    }
    int64_t interval_us = spool->options.sync_interval_us;
    spool->settle_at_us = vv_spool_clock() + (interval_us > 0 ? interval_us : SETTLE_US);
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
}

static void run_sync(struct vv_spool *spool)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, spool->options.env, VV_OP_BYTES_DEFAULT);
    if (sync_all(&op, spool) != VARVE_OK)
        vv_log(&op, VV_LOG_ERROR, "spool.not_durable", "%s", op.error.message);
    note_outcome(spool, &op);
}

/* Nothing new came: how far things are durable shall be so, too. */
static void run_settle(struct vv_spool *spool)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, spool->options.env, VV_OP_BYTES_DEFAULT);
    pthread_mutex_lock(&spool->lock);
    struct vv_spool_segment *segment = spool->open;
    pthread_mutex_unlock(&spool->lock);
    if (segment != NULL && vv_spool_segment_sync(&op, spool, segment) != VARVE_OK)
        vv_log(&op, VV_LOG_ERROR, "spool.not_durable", "%s", op.error.message);
    note_outcome(spool, &op);
}

static void run_spare(struct vv_spool *spool)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, spool->options.env, VV_OP_BYTES_DEFAULT);
    pthread_mutex_lock(&spool->lock);
    size_t capacity = (size_t)spool->options.segment_bytes;
    if (capacity < spool->spare_bytes_wanted)
        capacity = spool->spare_bytes_wanted;
    struct vv_spool_segment *small = spool->spare;
    spool->spare = NULL;
    pthread_mutex_unlock(&spool->lock);
    capacity = (capacity + VV_SPOOL_PAGE_BYTES - 1) / VV_SPOOL_PAGE_BYTES * VV_SPOOL_PAGE_BYTES;

    struct vv_spool_segment *segment = NULL;
    if (small != NULL) {
        if (vv_spool_segment_remove(&op, spool, small) != VARVE_OK) {
            vv_log(&op, VV_LOG_WARN, "spool.leftover", "%s", op.error.message);
            vv_forgive(&op);
        }
        vv_spool_segment_free(small);
    }
    if (vv_spool_segment_make(&op, spool, capacity, &segment) != VARVE_OK)
        vv_log(&op, VV_LOG_ERROR, "spool.no_segment", "%s", op.error.message);
    pthread_mutex_lock(&spool->lock);
    spool->spare = segment;
    spool->spare_tries++;
    if (op.failed) {
        spool->spare_error = op.error;
        spool->spare_at_us = vv_spool_clock() + RETRY_US;
        spool->spare_bytes_wanted = 0; /* whoever still wants one says so again */
    } else {
        spool->spare_error.code = VARVE_OK;
    }
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
}

/* Where the list points to the sealed segment, or to NULL at its end. With the lock. */
static struct vv_spool_segment **find_sealed(struct vv_spool *spool, uint64_t number)
{
    struct vv_spool_segment **at = &spool->first;
    while (*at != NULL && ((*at)->number != number || (*at)->stage != VV_STAGE_SEALED))
        at = &(*at)->next;
    return at;
}

static void take_out(struct vv_spool *spool, struct vv_spool_segment *segment)
{
    *find_sealed(spool, segment->number) = segment->next;
    if (spool->last == segment) {
        spool->last = spool->first;
        while (spool->last != NULL && spool->last->next != NULL)
            spool->last = spool->last->next;
    }
    spool->bytes -= (int64_t)segment->used_bytes;
}

static varve_status remove_segment(struct vv_op *op, struct vv_spool *spool, uint64_t number)
{
    pthread_mutex_lock(&spool->lock);
    struct vv_spool_segment *segment = *find_sealed(spool, number);
    pthread_mutex_unlock(&spool->lock);
    if (segment == NULL)
        return vv_fail(op, VARVE_ENOTFOUND, "%s has no sealed segment %" PRIu64,
            spool->journal->location.ptr, number);
    VV_TRY(vv_spool_segment_remove(op, spool, segment));
    pthread_mutex_lock(&spool->lock);
    take_out(spool, segment);
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
    vv_spool_segment_free(segment);
    return VARVE_OK;
}

static void run_request(struct vv_spool *spool, struct vv_spool_request *request)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, spool->options.env, VV_OP_BYTES_DEFAULT);
    varve_status status;
    if (request->task == VV_TASK_REMOVE) {
        status = remove_segment(&op, spool, request->number);
    } else {
        status = sync_all(&op, spool);
        note_outcome(spool, &op);
    }
    varve_error error;
    (void)vv_op_report(&op, status, &error);
    pthread_mutex_lock(&spool->lock);
    request->error = error;
    request->done = true;
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
}

static void run_duty(struct vv_spool *spool, const struct duty *duty,
    struct vv_spool_request *request)
{
    if (duty->sync)
        run_sync(spool);
    if (duty->settle)
        run_settle(spool);
    if (duty->spare)
        run_spare(spool);
    if (duty->request)
        run_request(spool, request);
}

static void *work(void *data)
{
    struct vv_spool *spool = data;
    bool was_asked_to_stop = false;
    while (!was_asked_to_stop) {
        struct duty duty;
        pthread_mutex_lock(&spool->lock);
        if (spool->first_unsynced_us == 0 && spool->unsynced_bytes > 0)
            spool->first_unsynced_us = vv_spool_clock();
        int64_t until_us = look(spool, vv_spool_clock(), &duty);
        was_asked_to_stop = spool->stop;
        if (!is_any(&duty) && !spool->stop)
            sleep_until(spool, until_us);
        struct vv_spool_request *request = spool->request;
        pthread_mutex_unlock(&spool->lock);
        run_duty(spool, &duty, request);
    }
    return NULL;
}

varve_status vv_spool_thread_start(struct vv_op *op, struct vv_spool *spool)
{
    /* The program's signals are for its own threads. */
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (failure == 0) {
        failure = pthread_create(&spool->thread, NULL, work, spool);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (failure != 0)
        return vv_fail_errno(op, failure, "cannot start the thread of the spool %s",
            spool->journal->location.ptr);
    spool->thread_runs = true;
    return VARVE_OK;
}

void vv_spool_thread_stop(struct vv_spool *spool)
{
    if (!spool->thread_runs)
        return;
    pthread_mutex_lock(&spool->lock);
    spool->stop = true;
    pthread_cond_broadcast(&spool->work);
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
    (void)pthread_join(spool->thread, NULL);
    spool->thread_runs = false;
}

varve_status vv_spool_ask(struct vv_op *op, struct vv_spool *spool,
    struct vv_spool_request *request)
{
    pthread_mutex_lock(&spool->lock);
    while (spool->request != NULL)
        (void)pthread_cond_wait(&spool->progress, &spool->lock);
    spool->request = request;
    pthread_cond_signal(&spool->work);
    while (!request->done)
        (void)pthread_cond_wait(&spool->progress, &spool->lock);
    spool->request = NULL;
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
    return request->error.code == VARVE_OK ? VARVE_OK : vv_spool_fail_as(op, &request->error);
}
