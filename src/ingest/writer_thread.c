/*
 * The writer's threads: one seals when it is time to, some commit what is sealed. A table is
 * worked on by one thread at a time, so that its parts go in order.
 */
#include "base/thread.h"
#include "ingest/writer_state.h"

#define SEAL_RETRY_US INT64_C(1000000)
#define SEAL_TOLD_EVERY_US INT64_C(60000000)

static bool wants_seal(const struct vv_writer *writer, int64_t now)
{
    bool is_due = writer->options.interval_us > 0 && now >= writer->next_seal_us;
    bool is_asked = writer->seals_done < writer->seals_wanted;
    if (writer->seal_failure.code != VARVE_OK && now < writer->next_seal_us &&
        writer->closing == 0)
        return false; /* the last one failed: not at once again */
    return is_due || is_asked || atomic_load(&writer->is_full);
}

/* Until when there is nothing to seal; the event of durable rows is looked after meanwhile. */
static int64_t seal_wait(const struct vv_writer *writer, int64_t now)
{
    int64_t wait = writer->options.interval_us > 0 || writer->seal_failure.code != VARVE_OK
                       ? writer->next_seal_us - now
                       : INT64_C(1000000);
    if (writer->options.events.durable != NULL && wait > writer->options.sync_us)
        wait = writer->options.sync_us;
    return wait;
}

static void tell_durable(struct vv_writer *writer)
{
    const struct vv_writer_events *events = &writer->options.events;
    struct vv_spool_stats stats;
    if (events->durable == NULL)
        return;
    vv_spool_stats(writer->spool, &stats);
    pthread_mutex_lock(&writer->lock);
    bool is_new = stats.sequence_durable > writer->durable_told;
    writer->durable_told = stats.sequence_durable;
    pthread_mutex_unlock(&writer->lock);
    if (!is_new)
        return;
    pthread_mutex_lock(&writer->callbacks);
    events->durable(events->data, stats.sequence_durable);
    pthread_mutex_unlock(&writer->callbacks);
}

/*
 * What is tried every second may fail as often: the log has it once, then once a minute. Whoever waits
 * hears of each attempt, but for one that an interrupt ended: who asked for that knows.
 */
static void tell_failure(struct vv_op *op, struct vv_writer *writer)
{
    const struct vv_writer_events *events = &writer->options.events;
    int64_t now = vv_writer_clock(writer);
    if (op->error.code == VARVE_EINTERRUPTED)
        return;
    pthread_mutex_lock(&writer->lock);
    bool is_told = writer->seal_told_us != 0 && now - writer->seal_told_us < SEAL_TOLD_EVERY_US;
    if (!is_told)
        writer->seal_told_us = now;
    pthread_mutex_unlock(&writer->lock);
    pthread_mutex_lock(&writer->callbacks);
    if (events->retry != NULL)
        events->retry(events->data, VV_STR(""), &op->error, SEAL_RETRY_US);
    pthread_mutex_unlock(&writer->callbacks);
    if (!is_told)
        vv_log(op, VV_LOG_WARN, "writer.seal", "the spool can't be sealed, tried again: %s",
            op->error.message);
}

/* Seals for all who have asked by now. */
static void seal_now(struct vv_op *op, struct vv_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    uint64_t ticket = writer->seals_wanted;
    pthread_mutex_unlock(&writer->lock);
    varve_status status = vv_writer_seal(op, writer);
    int64_t interval_us = writer->options.interval_us;
    tell_durable(writer);
    pthread_mutex_lock(&writer->lock);
    int64_t now = vv_writer_clock(writer);
    writer->next_seal_us = interval_us > 0 ? now + interval_us : INT64_MAX;
    writer->seal_failure.code = VARVE_OK;
    if (status == VARVE_OK) {
        writer->seals_done = ticket;
        writer->seal_told_us = 0;
    } else {
        writer->seal_failure = op->error;
        writer->next_seal_us = now + SEAL_RETRY_US;
    }
    pthread_cond_broadcast(&writer->work);
    pthread_cond_broadcast(&writer->progress);
    pthread_mutex_unlock(&writer->lock);
    if (status == VARVE_OK)
        return;
    tell_failure(op, writer);
    vv_forgive(op);
}

static void *seal_main(void *data)
{
    struct vv_writer *writer = data;
    pthread_mutex_lock(&writer->lock);
    while (!writer->stopping) {
        int64_t now = vv_writer_clock(writer);
        if (!wants_seal(writer, now)) {
            vv_writer_wait(writer, &writer->work, seal_wait(writer, now));
            pthread_mutex_unlock(&writer->lock);
            tell_durable(writer);
            pthread_mutex_lock(&writer->lock);
            continue;
        }
        pthread_mutex_unlock(&writer->lock);
        VV_CLEANUP(vv_op_done) struct vv_op op;
        vv_op_init(&op, &writer->env, VV_OP_BYTES_DEFAULT);
        seal_now(&op, writer);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

static void *commit_main(void *data)
{
    struct vv_writer *writer = data;
    pthread_mutex_lock(&writer->lock);
    while (!writer->stopping) {
        int64_t wait_us = 0;
        struct vv_writer_table *table = vv_writer_pick(writer, &wait_us);
        if (table == NULL) {
            vv_writer_wait(writer, &writer->work, wait_us);
            continue;
        }
        pthread_mutex_unlock(&writer->lock);
        vv_writer_attempt(writer, table);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

varve_status vv_writer_threads_start(struct vv_op *op, struct vv_writer *writer)
{
    for (size_t i = 0; i < VV_COUNT(writer->threads); i++) {
        int error =
            vv_thread_start(&writer->threads[i], i == 0 ? seal_main : commit_main, writer);
        if (error != 0) {
            vv_writer_threads_stop(writer);
            return vv_fail_errno(op, error, "start a thread of the writer");
        }
        writer->threads_len++;
    }
    return VARVE_OK;
}

void vv_writer_threads_stop(struct vv_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stopping = true;
    pthread_cond_broadcast(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    for (size_t i = 0; i < writer->threads_len; i++)
        pthread_join(writer->threads[i], NULL);
    writer->threads_len = 0;
}

bool vv_writer_step(struct vv_op *op, struct vv_writer *writer, int64_t *out_wait_us)
{
    pthread_mutex_lock(&writer->lock);
    int64_t now = vv_writer_clock(writer);
    struct vv_writer_table *table = vv_writer_pick(writer, out_wait_us);
    bool is_sealing = table == NULL && wants_seal(writer, now);
    if (is_sealing)
        *out_wait_us = 0;
    else if (writer->seal_failure.code != VARVE_OK && writer->next_seal_us - now < *out_wait_us)
        *out_wait_us = writer->next_seal_us - now;
    pthread_mutex_unlock(&writer->lock);
    if (is_sealing)
        seal_now(op, writer);
    else if (table != NULL)
        vv_writer_attempt(writer, table);
    return is_sealing || table != NULL;
}
