#include "ingest/writer.h"

#include <time.h>

#include "base/number.h"
#include "base/seam.h"
#include "base/time.h"
#include "ingest/writer_state.h"

#define INTERVAL_US (60 * VV_US_PER_S)
#define ROWS_MAX 1000000
#define BYTES_MAX (INT64_C(64) << 20)
#define SPOOL_BYTES_MAX (INT64_C(1) << 30)
#define SYNC_US (100 * VV_US_PER_MS)
/*
 * Rows go on coming until a segment that has enough is sealed. A full one would be sealed with a
 * short one behind it.
 */
#define SEGMENT_SLACK (INT64_C(1) << 20)
#define SEGMENT_SLACK_PART 8
#define SPOOL_FOLDER "_varve/spool"
/* Those who wait look up that often, since a signal can't wake them. */
#define LOOK_UP_US (50 * VV_US_PER_MS)

int64_t vv_writer_clock(const struct vv_writer *writer)
{
    struct timespec now;
    if (writer->options.is_manual)
        return writer->env.now_us(writer->env.now_data);
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (int64_t)now.tv_sec * VV_US_PER_S + (int64_t)now.tv_nsec / 1000;
}

void vv_writer_wait(struct vv_writer *writer, pthread_cond_t *condition, int64_t wait_us)
{
    struct timespec until;
    if (wait_us < 0 || wait_us > LOOK_UP_US)
        wait_us = LOOK_UP_US;
    if (clock_gettime(CLOCK_MONOTONIC, &until) != 0)
        return;
    int64_t ns = (int64_t)until.tv_nsec + wait_us * 1000;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    (void)pthread_cond_timedwait(condition, &writer->lock, &until);
}

varve_status vv_writer_check(struct vv_op *op, const struct vv_writer *writer)
{
    if (vv_fork_mark_is_ours(&writer->fork_mark))
        return VARVE_OK;
    return vv_fail(op, VARVE_EUSAGE,
        "the writer belongs to the process that opened it, and this one was forked from it: "
        "open another one, with a spool of its own");
}

struct vv_str vv_writer_spool_of(struct vv_arena *arena, const struct vv_lake *lake)
{
    return vv_arena_format(arena, "%.*s/" SPOOL_FOLDER, VV_ARG(lake->store->location));
}

static int64_t or_default(int64_t value, int64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static varve_status options_take(struct vv_op *op, struct vv_writer *writer,
    const struct vv_writer_options *given)
{
    struct vv_writer_options *options = &writer->options;
    *options = *given;
    options->interval_us = or_default(given->interval_us, INTERVAL_US);
    options->rows_max = or_default(given->rows_max, ROWS_MAX);
    options->bytes_max = or_default(given->bytes_max, BYTES_MAX);
    options->spool_bytes_max = or_default(given->spool_bytes_max, SPOOL_BYTES_MAX);
    options->sync_us = or_default(given->sync_us, SYNC_US);
    if (options->rows_max < 0 || options->bytes_max < 0 || options->spool_bytes_max < 0 ||
        options->sync_us < 0)
        return vv_fail(op, VARVE_EUSAGE, "a limit of the writer is negative");
    options->spool = given->spool.len > 0 ? vv_arena_str(&writer->arena, given->spool)
                                          : vv_writer_spool_of(&writer->arena, writer->lake);
    return options->spool.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

static varve_status spool_open(struct vv_op *op, struct vv_writer *writer)
{
    const struct vv_writer_options *options = &writer->options;
    struct vv_spool_recovery recovery = {0};
    /* No more than half the spool: so large a limit is none, and has no more added to it. */
    int64_t segment_bytes = options->spool_bytes_max / 2;
    if (options->bytes_max < segment_bytes) {
        int64_t roomy =
            options->bytes_max + options->bytes_max / SEGMENT_SLACK_PART + SEGMENT_SLACK;
        if (roomy < segment_bytes)
            segment_bytes = roomy;
    }
    const struct vv_spool_options spool = {.bytes_max = options->spool_bytes_max,
        .segment_bytes = segment_bytes,
        .sync_interval_us = options->sync_us,
        .no_sync = options->no_sync,
        .adopt = options->adopt,
        .env = &writer->env};
    VV_TRY(vv_spool_open(op, options->spool, &spool, &recovery, &writer->spool));
    if (recovery.bytes_cut > 0)
        vv_log(op, VV_LOG_WARN, "spool.cut",
            "the spool %.*s ended in a record that was never whole: %" PRId64
            " bytes are cut, with %" PRId64 " row%s behind them, never durable",
            VV_ARG(options->spool), recovery.bytes_cut, recovery.rows_cut,
            vv_plural(recovery.rows_cut));
    return VARVE_OK;
}

static void locks_init(struct vv_writer *writer)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&writer->work, &monotonic);
    pthread_cond_init(&writer->progress, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&writer->lock, NULL);
    pthread_mutex_init(&writer->callbacks, NULL);
    pthread_mutex_init(&writer->spool_use, NULL);
    pthread_mutex_init(&writer->lake_use, NULL);
    pthread_rwlock_init(&writer->tables_lock, NULL);
}

/* What has no more threads and no more spool. */
static void writer_free(struct vv_writer **writer)
{
    struct vv_writer *freed = VV_MOVE(*writer);
    if (freed == NULL)
        return;
    vv_writer_queue_free(freed);
    pthread_cond_destroy(&freed->work);
    pthread_cond_destroy(&freed->progress);
    pthread_mutex_destroy(&freed->lock);
    pthread_mutex_destroy(&freed->callbacks);
    pthread_mutex_destroy(&freed->spool_use);
    pthread_mutex_destroy(&freed->lake_use);
    pthread_rwlock_destroy(&freed->tables_lock);
    vv_fork_mark_done(&freed->fork_mark);
    vv_arena_done(&freed->arena);
    vv_free(freed);
}

static varve_status open_parts(struct vv_op *op, struct vv_writer *writer,
    const struct vv_writer_options *options)
{
    VV_TRY(options_take(op, writer, options));
    VV_TRY(vv_fork_mark_make(op, &writer->fork_mark));
    VV_TRY(spool_open(op, writer));
    struct vv_spool_stats stats;
    vv_spool_stats(writer->spool, &stats);
    writer->durable_told = stats.sequence_durable;
    writer->seals_wanted = stats.rows > 0; /* what an earlier writer left comes first */
    int64_t interval_us = writer->options.interval_us;
    writer->next_seal_us = interval_us > 0 ? vv_writer_clock(writer) + interval_us : INT64_MAX;
    if (writer->options.is_manual)
        return VARVE_OK;
    varve_status status = vv_writer_threads_start(op, writer);
    if (status == VARVE_OK)
        return VARVE_OK;
    VV_CLEANUP(vv_op_done) struct vv_op closing;
    vv_op_init(&closing, &writer->env, VV_OP_BYTES_DEFAULT);
    if (vv_spool_close(&closing, &writer->spool) != VARVE_OK)
        vv_forgive(&closing);
    return status;
}

varve_status vv_writer_open(struct vv_op *op, struct vv_lake *lake,
    const struct vv_writer_options *options, struct vv_writer **out)
{
    struct vv_writer *writer = vv_malloc_zeroed(sizeof(*writer));
    if (writer == NULL)
        return vv_fail_memory(op);
    writer->arena = VV_ARENA_INIT(VV_OP_BYTES_DEFAULT);
    writer->lake = lake;
    writer->env = *op->env;
    writer->env.cancel = &writer->cancel;
    writer->env.progress = NULL;
    writer->tables_by_name = VV_MAP_INIT(&writer->arena);
    locks_init(writer);
    varve_status status = open_parts(op, writer, options);
    if (status != VARVE_OK)
        writer_free(&writer);
    else
        *out = writer;
    return status;
}

void vv_writer_interrupt(struct vv_writer *writer)
{
    atomic_store(&writer->interrupted, true);
    atomic_store(&writer->cancel, true);
}

/* ---- Waiting ------------------------------------------------------------------------------ */

/* The failure of the table that holds the others up; NULL: none has failed. Under lock. */
static const struct vv_writer_table *failed_table(const struct vv_writer *writer)
{
    for (const struct vv_writer_table *table = writer->tables; table != NULL;
         table = table->next)
        if (table->first != NULL && table->failure.code != VARVE_OK)
            return table;
    return NULL;
}

/* Nothing is being done any more, and each table with rows had its attempt. Under lock. */
static bool has_tried_all(const struct vv_writer *writer)
{
    for (const struct vv_writer_table *table = writer->tables; table != NULL;
         table = table->next)
        if (table->is_busy || (table->first != NULL && !table->gave_up))
            return false;
    return true;
}

/* Asks for a seal and for attempts without delay; the ticket tells when it was sealed. */
static uint64_t ask(struct vv_writer *writer, bool tries_once)
{
    pthread_mutex_lock(&writer->lock);
    uint64_t ticket = ++writer->seals_wanted;
    for (struct vv_writer_table *table = writer->tables; table != NULL; table = table->next) {
        table->next_attempt_us = 0;
        table->gave_up = false;
    }
    writer->closing += tries_once;
    writer->next_seal_us = 0;
    writer->seal_failure.code = VARVE_OK;
    pthread_cond_broadcast(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    return ticket;
}

enum waited {
    WAITED_DONE,
    WAITED_TRIED, /* closing, and what could be tried was */
    WAITED_LATE,
    WAITED_INTERRUPTED
};

/* Under lock. */
static bool wait_is_over(const struct vv_writer *writer, uint64_t ticket, uint64_t target,
    int64_t until_us, enum waited *out)
{
    if (writer->seals_done >= ticket && vv_writer_is_done(writer, target))
        *out = WAITED_DONE;
    else if (atomic_load(&writer->interrupted))
        *out = WAITED_INTERRUPTED;
    else if (writer->seal_failure.code == VARVE_ECORRUPT) /* no other attempt will be better */
        *out = WAITED_TRIED;
    else if ((writer->closing > 0 || atomic_load(&writer->is_refused)) &&
             (writer->seal_failure.code != VARVE_OK ||
                 (writer->seals_done >= ticket && has_tried_all(writer))))
        *out = WAITED_TRIED;
    else if (vv_writer_clock(writer) >= until_us)
        *out = WAITED_LATE;
    else
        return false;
    return true;
}

static enum waited wait_for(struct vv_op *op, struct vv_writer *writer, uint64_t ticket,
    int64_t until_us)
{
    enum waited waited = WAITED_DONE;
    uint64_t target = 0;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        /* What is put while we wait is none of our business. */
        if (target == 0 && writer->seals_done >= ticket)
            target = writer->listed_number;
        if (wait_is_over(writer, ticket, target, until_us, &waited))
            break;
        if (!writer->options.is_manual) {
            vv_writer_wait(writer, &writer->progress, until_us - vv_writer_clock(writer));
            continue;
        }
        int64_t wait_us = 0;
        pthread_mutex_unlock(&writer->lock);
        if (!vv_writer_step(op, writer, &wait_us))
            vv_sleep_us(op, wait_us);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return waited;
}

/* Fails with what holds the rows up, where that is known. */
static varve_status fail_waiting(struct vv_op *op, struct vv_writer *writer,
    varve_status otherwise, const char *what)
{
    struct vv_spool_stats stats;
    varve_error *failure = NULL;
    const char *table = "";
    VV_NEW(op, &failure, varve_error, 1);
    pthread_mutex_lock(&writer->lock);
    const struct vv_writer_table *failed = failed_table(writer);
    if (writer->seal_failure.code != VARVE_OK)
        *failure = writer->seal_failure;
    else if (failed != NULL)
        *failure = failed->failure;
    if (failed != NULL)
        table = failed->name.ptr;
    pthread_mutex_unlock(&writer->lock);
    vv_spool_stats(writer->spool, &stats);
    varve_status code = otherwise != VARVE_OK ? otherwise : failure->code;
    return vv_fail(op, code != VARVE_OK ? code : VARVE_EFAILED,
        "%s; %" PRId64 " row%s in the spool %.*s%s%s%s%s", what, stats.rows,
        stats.rows == 1 ? " waits" : "s wait", VV_ARG(writer->options.spool),
        *table != '\0' ? "; table " : "", table, failure->code != VARVE_OK ? ": " : "",
        failure->message);
}

varve_status vv_writer_flush(struct vv_op *op, struct vv_writer *writer, int64_t timeout_us)
{
    VV_TRY(vv_writer_check(op, writer));
    int64_t now = vv_writer_clock(writer);
    int64_t until_us = INT64_MAX;
    if (timeout_us >= 0 && timeout_us < INT64_MAX - now)
        until_us = now + timeout_us;
    bool tries_once = writer->options.tries_once;
    uint64_t ticket = ask(writer, tries_once);
    enum waited waited = wait_for(op, writer, ticket, until_us);
    pthread_mutex_lock(&writer->lock);
    writer->closing -= tries_once;
    if (tries_once) /* who passed over what had failed looks again */
        pthread_cond_broadcast(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    switch (waited) {
    case WAITED_DONE:
        return vv_writer_refusal(op, writer);
    case WAITED_INTERRUPTED:
        return vv_fail(op, VARVE_EINTERRUPTED, "interrupted; the rows stay in the spool");
    case WAITED_TRIED:
        return fail_waiting(op, writer, VARVE_OK, "not all rows can be committed");
    case WAITED_LATE:
        break;
    }
    return fail_waiting(op, writer, VARVE_ELIMIT, "the flush takes longer than it may");
}

varve_status vv_writer_sync(struct vv_op *op, struct vv_writer *writer)
{
    struct vv_spool_stats stats;
    VV_TRY(vv_writer_check(op, writer));
    vv_spool_stats(writer->spool, &stats);
    return vv_spool_wait_durable(op, writer->spool, stats.sequence_accepted);
}

static varve_status close_spool(struct vv_op *op, struct vv_writer *writer)
{
    varve_status status = vv_spool_close(op, &writer->spool);
    return status == VARVE_OK ? VARVE_OK : vv_note(op, "close the spool");
}

varve_status vv_writer_close(struct vv_op *op, struct vv_writer **writer)
{
    struct vv_writer *closed = *writer;
    if (closed == NULL)
        return VARVE_OK;
    VV_TRY(vv_writer_check(op, closed));
    varve_status status = VARVE_OK;
    uint64_t ticket = ask(closed, true);
    switch (wait_for(op, closed, ticket, INT64_MAX)) {
    case WAITED_DONE:
        break;
    case WAITED_INTERRUPTED:
        status = vv_fail(op, VARVE_EINTERRUPTED, "interrupted; the rows stay in the spool");
        break;
    case WAITED_TRIED:
    case WAITED_LATE:
        status = fail_waiting(op, closed, VARVE_OK, "not all rows could be committed");
        break;
    }
    atomic_store(&closed->cancel, status != VARVE_OK);
    vv_writer_threads_stop(closed);
    VV_CLEANUP(vv_op_done) struct vv_op closing;
    vv_op_init(&closing, vv_env_system(), VV_OP_BYTES_DEFAULT);
    varve_status spool_status = close_spool(&closing, closed);
    writer_free(writer);
    if (status != VARVE_OK || spool_status == VARVE_OK)
        return status;
    return vv_fail(op, closing.error.code, "%s", closing.error.message);
}

void vv_writer_abandon(struct vv_writer **writer)
{
    struct vv_writer *closed = *writer;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, vv_env_system(), VV_OP_BYTES_DEFAULT);
    if (closed == NULL)
        return;
    if (vv_writer_check(&op, closed) != VARVE_OK) {
        vv_forgive(&op); /* all of it is the parent's */
        return;
    }
    atomic_store(&closed->cancel, true);
    vv_writer_threads_stop(closed);
    if (close_spool(&op, closed) != VARVE_OK) {
        vv_log(&op, VV_LOG_WARN, "writer.abandon", "%s", op.error.message);
        vv_forgive(&op);
    }
    writer_free(writer);
}
