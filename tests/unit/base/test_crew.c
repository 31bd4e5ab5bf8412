#include "base/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "harness/clock_fake.h"
#include "harness/test.h"

#define PIECES 200

/* What the pieces of a case do, and what was seen of them. */
struct work {
    size_t threads;
    atomic_uint times[PIECES];        /* each piece was run */
    atomic_uint at_once[VV_CREW_MAX]; /* runs of one thread */
    atomic_uint overlaps;
    size_t fail_at;           /* this piece fails; PIECES: none */
    bool others_wait;         /* the others run until they are cancelled */
    atomic_bool *cancel_with; /* the piece `fail_at` sets it instead of failing */
};

static varve_status wait_for_cancel(struct vv_op *op)
{
    for (;;) {
        VV_TRY(vv_check_cancel(op));
        vv_sleep_us(op, 100);
    }
}

static varve_status run(struct vv_op *op, void *data, size_t thread, size_t piece)
{
    struct work *work = data;
    if (atomic_fetch_add(&work->at_once[thread], 1) > 0)
        atomic_fetch_add(&work->overlaps, 1);
    atomic_fetch_add(&work->times[piece], 1);
    void *memory = vv_new(&op->arena, int64_t, 100);
    varve_status status = memory != NULL ? VARVE_OK : vv_fail_memory(op);
    if (piece == work->fail_at && work->cancel_with != NULL)
        atomic_store(work->cancel_with, true);
    else if (piece == work->fail_at)
        status = vv_fail(op, VARVE_ECORRUPT, "piece %zu is broken", piece);
    else if (work->others_wait)
        status = wait_for_cancel(op);
    atomic_fetch_sub(&work->at_once[thread], 1);
    return status;
}

static varve_status run_work(struct vv_op *op, struct work *work, size_t len)
{
    const struct vv_crew_work crew = {.len = len, .phase = "test", .run = run, .data = work};
    return vv_crew_run(op, work->threads, &crew);
}

static unsigned runs(struct work *work)
{
    unsigned sum = 0;
    for (size_t i = 0; i < PIECES; i++)
        sum += atomic_load(&work->times[i]);
    return sum;
}

TEST(crew, does_each_piece_once)
{
    static const size_t threads[] = {0, 1, 2, 4, VV_CREW_MAX, 1000};
    static const size_t lens[] = {0, 1, 3, PIECES};
    for (size_t i = 0; i < VV_COUNT(threads) * VV_COUNT(lens); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        size_t len = lens[i % VV_COUNT(lens)];
        struct work work = {.threads = threads[i / VV_COUNT(lens)], .fail_at = PIECES};
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_OK(&op, run_work(&op, &work, len));
        CHECK_INT(runs(&work), len);
        for (size_t piece = 0; piece < len; piece++)
            CHECK_INT(atomic_load(&work.times[piece]), 1);
        CHECK_INT(atomic_load(&work.overlaps), 0);
    }
}

TEST(crew, tells_the_first_failure_and_stops_the_others)
{
    static const size_t threads[] = {1, 2, 4};
    for (size_t i = 0; i < VV_COUNT(threads); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct work work = {.threads = threads[i], .fail_at = 0, .others_wait = true};
        vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
        CHECK_INT(run_work(&op, &work, PIECES), VARVE_ECORRUPT);
        CHECK_STR(op.error.message, "piece 0 is broken");
        CHECK_INT(op.error.code, VARVE_ECORRUPT);
        CHECK(runs(&work) <= threads[i]);
        vv_forgive(&op);
    }
}

TEST(crew, stops_when_the_operation_is_cancelled)
{
    struct test_clock clock;
    test_clock_init(&clock, 0);
    clock.env.sleep_us = vv_env_system()->sleep_us;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct work work = {
        .threads = 3, .fail_at = 1, .others_wait = true, .cancel_with = &clock.cancel};
    vv_op_init(&op, &clock.env, VV_OP_BYTES_DEFAULT);
    CHECK_INT(run_work(&op, &work, PIECES), VARVE_EINTERRUPTED);
    CHECK(runs(&work) < PIECES);
    vv_forgive(&op);
}

struct progress {
    uint64_t last, calls;
    bool goes_back;
};

static bool count_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
    struct progress *progress = data;
    CHECK_STR(phase, "test");
    CHECK_INT(total, PIECES);
    progress->goes_back = progress->goes_back || done < progress->last;
    progress->last = done;
    progress->calls++;
    return true;
}

static bool refuse_progress(void *data, const char *phase, uint64_t done, uint64_t total)
{
    (void)data;
    (void)phase;
    (void)done;
    (void)total;
    return false;
}

TEST(crew, tells_progress_in_the_calling_thread)
{
    static const size_t threads[] = {1, 3};
    for (size_t i = 0; i < VV_COUNT(threads); i++) {
        VV_CLEANUP(vv_op_done) struct vv_op op;
        struct progress progress = {0}; /* not atomic: TSan would see another thread */
        struct vv_env env = *vv_env_system();
        struct work work = {.threads = threads[i], .fail_at = PIECES};
        env.progress = count_progress;
        env.progress_data = &progress;
        vv_op_init(&op, &env, VV_OP_BYTES_DEFAULT);
        CHECK_OK(&op, run_work(&op, &work, PIECES));
        CHECK_INT(progress.last, PIECES);
        CHECK(progress.calls > 0 && !progress.goes_back);
    }
}

TEST(crew, stops_when_the_progress_says_so)
{
    VV_CLEANUP(vv_op_done) struct vv_op op;
    struct vv_env env = *vv_env_system();
    struct work work = {.threads = 2, .fail_at = PIECES, .others_wait = true};
    env.progress = refuse_progress;
    vv_op_init(&op, &env, VV_OP_BYTES_DEFAULT);
    CHECK_INT(run_work(&op, &work, PIECES), VARVE_EINTERRUPTED);
    CHECK(runs(&work) <= 2); /* the second thread may not have begun */
    vv_forgive(&op);
}

struct told {
    pthread_t caller;
    unsigned of_pieces, elsewhere;
};

static void count_event(void *data, int level, const char *event, const char *fields)
{
    struct told *told = data;
    told->elsewhere += !pthread_equal(pthread_self(), told->caller);
    told->of_pieces += level == VV_LOG_WARN && strcmp(event, "test.piece") == 0 &&
                       strstr(fields, "left behind") != NULL;
}

static varve_status run_logged(struct vv_op *op, void *data, size_t thread, size_t piece)
{
    (void)data;
    (void)thread;
    vv_log(op, VV_LOG_WARN, "test.piece", "left behind, piece %zu", piece);
    return VARVE_OK;
}

TEST(crew, logs_in_the_calling_thread_what_the_pieces_log)
{
    struct told told = {.caller = pthread_self()};
    struct vv_env env = *vv_env_system();
    env.log = count_event;
    env.log_data = &told;
    VV_CLEANUP(vv_op_done) struct vv_op op;
    vv_op_init(&op, &env, VV_OP_BYTES_DEFAULT);
    const struct vv_crew_work work = {.len = PIECES, .phase = "test", .run = run_logged};
    CHECK_OK(&op, vv_crew_run(&op, 3, &work));
    CHECK_INT(told.of_pieces, PIECES);
    CHECK_INT(told.elsewhere, 0);
}
