/*
 * Who does what to the disk, and when.
 *
 * One at a time holds the spool's *charge*: whoever syncs, seals, makes or removes segments. The
 * spool's own thread takes it when an interval or a number of bytes is over, when a segment was
 * ended, when the next one is not ready. A caller who waits for rows to become durable takes it
 * where nobody has it, which spares two switches of threads; those who come meanwhile share the
 * next sync.
 *
 * Segments are synced and sealed in their order, so what is durable is always the older part of
 * what was accepted.
 */
#include "ingest/spool_state.h"

#include <time.h>

#include "base/thread.h"
#include "base/time.h"

#define RETRY_US (INT64_C(200) * VV_US_PER_MS)
#define WAIT_SLICE_US (INT64_C(50) * VV_US_PER_MS)
#define FOREVER_US INT64_MAX
#define TOLD_EVERY_US (INT64_C(60) * VV_US_PER_S)

int64_t vv_spool_clock(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * VV_US_PER_S + (int64_t)now.tv_nsec / 1000;
}

static struct timespec timespec_of(int64_t us)
{
    return (struct timespec){
        .tv_sec = (time_t)(us / VV_US_PER_S),
        .tv_nsec = (long)(us % VV_US_PER_S) * 1000,
    };
}

varve_status vv_spool_fail_as(struct vv_op *op, const varve_error *error)
{
    (void)vv_fail(op, error->code, "%s", error->message);
    op->error.os_errno = error->os_errno;
    op->error.retryable = error->retryable;
    return error->code;
}

/* What is tried every RETRY_US may fail as often: that is told once, then once a minute. */
static void tell_trouble(struct vv_op *op, int64_t *told_at_us, const char *event)
{
    int64_t now_us = vv_spool_clock();
    if (*told_at_us != 0 && now_us - *told_at_us < TOLD_EVERY_US)
        return;
    *told_at_us = now_us;
    vv_log(op, VV_LOG_ERROR, event, "%s", op->error.message);
}

/* Waits for the charge and takes it; with the lock. */
static void take_charge(struct vv_spool *spool)
{
    while (spool->is_busy)
        (void)pthread_cond_wait(&spool->progress, &spool->lock);
    spool->is_busy = true;
}

/* With the lock. */
static void give_charge(struct vv_spool *spool)
{
    spool->is_busy = false;
    pthread_cond_broadcast(&spool->progress);
    pthread_cond_signal(&spool->work);
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

/* Syncs and seals, oldest first, what there was when it began. */
static varve_status sync_segments(struct vv_op *op, struct vv_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    struct vv_spool_segment *segment = unfinished(spool);
    const struct vv_spool_segment *last = spool->last;
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
            vv_spool_segment_seal(op, spool, segment);
        pthread_mutex_lock(&spool->lock);
        bool is_last = segment == last && (is_ended || segment->stage == VV_STAGE_OPEN);
        segment = is_last ? NULL : unfinished(spool);
        pthread_mutex_unlock(&spool->lock);
    }
    return VARVE_OK;
}

/* The same, and says to all who wait what became of it. With the charge. */
static varve_status sync_all(struct vv_op *op, struct vv_spool *spool)
{
    varve_status status = sync_segments(op, spool);
    int64_t interval_us = spool->options.sync_interval_us;
    pthread_mutex_lock(&spool->lock);
    if (status == VARVE_OK) {
        spool->failure.code = VARVE_OK;
    } else {
        spool->failure = op->error;
        spool->retry_at_us = vv_spool_clock() + RETRY_US;
    }
    spool->settle_at_us = interval_us < 0 ? FOREVER_US : vv_spool_clock() + interval_us;
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
    if (status != VARVE_OK)
        tell_trouble(op, &spool->sync_told_us, "spool.not_durable");
    else
        spool->sync_told_us = 0;
    return status;
}

varve_status vv_spool_sync_now(struct vv_op *op, struct vv_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    take_charge(spool);
    pthread_mutex_unlock(&spool->lock);
    varve_status status = sync_all(op, spool);
    pthread_mutex_lock(&spool->lock);
    give_charge(spool);
    pthread_mutex_unlock(&spool->lock);
    return status;
}

varve_status vv_spool_disown(struct vv_op *op, struct vv_spool *spool)
{
    varve_status status = VARVE_OK;
    pthread_mutex_lock(&spool->lock);
    take_charge(spool);
    pthread_mutex_unlock(&spool->lock);
    if (!spool->header.is_disowned) {
        spool->header.is_disowned = true;
        status = vv_spool_header_sync(op, spool);
        spool->header.is_disowned = status == VARVE_OK;
    }
    pthread_mutex_lock(&spool->lock);
    give_charge(spool);
    pthread_mutex_unlock(&spool->lock);
    return status;
}

bool vv_spool_wait_progress(struct vv_spool *spool, int64_t until_us)
{
    int64_t now_us = vv_spool_clock();
    int64_t slice_us = now_us + WAIT_SLICE_US;
    if (now_us >= until_us)
        return false;
    if (slice_us > until_us)
        slice_us = until_us;
    struct timespec until = timespec_of(slice_us);
    (void)pthread_cond_timedwait(&spool->progress, &spool->lock, &until);
    return true;
}

static varve_status await_durable(struct vv_op *op, struct vv_spool *spool, uint64_t sequence)
{
    VV_PRE(sequence < spool->next_sequence);
    while (spool->durable_sequence < sequence) {
        if (spool->failure.code != VARVE_OK)
            return vv_spool_fail_as(op, &spool->failure);
        VV_TRY(vv_check_cancel(op));
        if (spool->is_busy) {
            (void)vv_spool_wait_progress(spool, INT64_MAX);
            continue;
        }
        spool->is_busy = true;
        pthread_mutex_unlock(&spool->lock);
        varve_status status = sync_all(op, spool);
        pthread_mutex_lock(&spool->lock);
        give_charge(spool);
        VV_TRY(status);
    }
    return VARVE_OK;
}

varve_status vv_spool_wait_durable(struct vv_op *op, struct vv_spool *spool, uint64_t sequence)
{
    pthread_mutex_lock(&spool->lock);
    varve_status status = await_durable(op, spool, sequence);
    pthread_mutex_unlock(&spool->lock);
    return status;
}

/* Where the list points to the sealed segment, or to NULL at its end. With the lock. */
static struct vv_spool_segment **find_sealed(struct vv_spool *spool, uint64_t number)
{
    struct vv_spool_segment **at = &spool->first;
    while (*at != NULL && ((*at)->number != number || (*at)->stage != VV_STAGE_SEALED))
        at = &(*at)->next;
    return at;
}

/* With the lock. */
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

varve_status vv_spool_remove(struct vv_op *op, struct vv_spool *spool, uint64_t number)
{
    pthread_mutex_lock(&spool->lock);
    take_charge(spool);
    struct vv_spool_segment *segment = *find_sealed(spool, number);
    pthread_mutex_unlock(&spool->lock);
    varve_status status =
        segment != NULL ? vv_spool_segment_remove(op, spool, segment)
                        : vv_fail(op, VARVE_ENOTFOUND, "%s has no sealed segment %" PRIu64,
                              spool->journal->location.ptr, number);
    pthread_mutex_lock(&spool->lock);
    if (status == VARVE_OK)
        take_out(spool, segment);
    give_charge(spool);
    pthread_mutex_unlock(&spool->lock);
    if (status == VARVE_OK)
        vv_spool_segment_free(segment);
    return status;
}

/* Makes the segment that comes next; one that is too small for who waits goes. */
static void make_spare(struct vv_op *op, struct vv_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    size_t capacity = (size_t)spool->options.segment_bytes;
    if (capacity < spool->spare_bytes_wanted)
        capacity = spool->spare_bytes_wanted;
    struct vv_spool_segment *small = VV_MOVE(spool->spare);
    pthread_mutex_unlock(&spool->lock);

    struct vv_spool_segment *segment = NULL;
    if (small != NULL && vv_spool_segment_remove(op, spool, small) != VARVE_OK) {
        vv_log(op, VV_LOG_WARN, "spool.leftover", "%s", op->error.message);
        vv_forgive(op);
    }
    vv_spool_segment_free(small);
    varve_status status = vv_spool_segment_make(op, spool, capacity, &segment);
    if (status != VARVE_OK)
        tell_trouble(op, &spool->spare_told_us, "spool.no_segment");
    else
        spool->spare_told_us = 0;
    pthread_mutex_lock(&spool->lock);
    spool->spare = segment;
    if (status != VARVE_OK) {
        spool->spare_failures++;
        spool->spare_error = op->error;
        spool->spare_at_us = vv_spool_clock() + RETRY_US;
        spool->spare_bytes_wanted = 0; /* whoever still wants one says so again */
    }
    pthread_cond_broadcast(&spool->progress);
    pthread_mutex_unlock(&spool->lock);
}

/* What is due. */
struct duty {
    bool sync, spare;
};

static bool is_sync_due(const struct vv_spool *spool, int64_t now_us, int64_t *until_us)
{
    const struct vv_spool_segment *segment = unfinished(spool);
    bool settles = segment == NULL && spool->open != NULL && spool->open->head_is_dirty;
    int64_t due_us = spool->settle_at_us;
    if (segment == NULL && !settles)
        return false;
    if (spool->failure.code != VARVE_OK) {
        due_us = spool->retry_at_us;
    } else if (segment != NULL) {
        int64_t interval_us = spool->options.sync_interval_us;
        due_us = interval_us < 0 ? FOREVER_US : spool->first_unsynced_us + interval_us;
        if (segment->stage == VV_STAGE_ENDED ||
            spool->unsynced_bytes >= spool->options.sync_bytes)
            due_us = now_us;
    }
    if (due_us < *until_us)
        *until_us = due_us;
    return due_us <= now_us;
}

static bool is_spare_due(const struct vv_spool *spool, int64_t now_us, int64_t *until_us)
{
    if (spool->spare != NULL && spool->spare->capacity >= spool->spare_bytes_wanted)
        return false;
    int64_t due_us = spool->spare_bytes_wanted > 0 ? now_us : spool->spare_at_us;
    if (due_us < *until_us)
        *until_us = due_us;
    return due_us <= now_us && !spool->stop;
}

/* Waits until something is due, and takes the charge for it. False: the end. */
static bool await_duty(struct vv_spool *spool, struct duty *out)
{
    pthread_mutex_lock(&spool->lock);
    for (;;) {
        int64_t now_us = vv_spool_clock();
        int64_t until_us = FOREVER_US;
        if (spool->first_unsynced_us == 0 && spool->unsynced_bytes > 0)
            spool->first_unsynced_us = now_us;
        if (!spool->is_busy) {
            out->sync = is_sync_due(spool, now_us, &until_us);
            out->spare = is_spare_due(spool, now_us, &until_us);
            if (spool->stop || out->sync || out->spare)
                break;
        }
        struct timespec until = timespec_of(until_us);
        if (until_us == FOREVER_US)
            (void)pthread_cond_wait(&spool->work, &spool->lock);
        else
            (void)pthread_cond_timedwait(&spool->work, &spool->lock, &until);
    }
    bool goes_on = !spool->stop;
    spool->is_busy = goes_on;
    pthread_mutex_unlock(&spool->lock);
    return goes_on;
}

static void *work(void *data)
{
    struct vv_spool *spool = data;
    struct duty duty;
    while (await_duty(spool, &duty)) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, spool->options.env, VV_OP_BYTES_DEFAULT);
        if (duty.sync && sync_all(&op, spool) != VARVE_OK)
            vv_forgive(&op);
        if (duty.spare)
            make_spare(&op, spool);
        pthread_mutex_lock(&spool->lock);
        give_charge(spool);
        pthread_mutex_unlock(&spool->lock);
    }
    return NULL;
}

varve_status vv_spool_thread_start(struct vv_op *op, struct vv_spool *spool)
{
    int failure = vv_thread_start(&spool->thread, work, spool);
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
