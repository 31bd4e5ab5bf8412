/* Many callers of one spool at once, and for long. */
#include <stdlib.h>
#include <dirent.h>
#include <pthread.h>
#include <unistd.h>

#include "spool_fixture.h"

/*
 * What a process may have grown by. AddressSanitizer keeps freed memory for a while (256 MB),
 * ThreadSanitizer what each thread did last.
 */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAGES_MORE 131072
#else
#define PAGES_MORE 1024
#endif

#define PUTTERS 4
#define ROWS_EACH 3000

struct shared {
    struct spool_fixture f;
    uint8_t seen[PUTTERS * ROWS_EACH + 1]; /* by sequence: how often a reader met it */
    uint64_t failures;
};

struct putter {
    struct shared *shared;
    unsigned index;
    pthread_t thread;
};

static void *put_all(void *data)
{
    struct putter *putter = data;
    struct shared *shared = putter->shared;
    struct vv_op op;
    char table[16];
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    (void)snprintf(table, sizeof(table), "t%u", putter->index);
    for (unsigned i = 0; i < ROWS_EACH; i++) {
        struct vv_spool_record record = {.kind = VV_SPOOL_JSON,
            .is_stamped = true,
            .payload = VV_STR("some row of a table")};
        varve_status status;
        while ((status = vv_spool_append(&op, shared->f.spool, vv_str_of(table), VV_STR_NONE,
                    &record)) == VARVE_ELIMIT) {
            vv_forgive(&op);
            (void)vv_spool_wait_room(&op, shared->f.spool, -1);
        }
        if (status == VARVE_OK && i % 500 == 7)
            status = vv_spool_wait_durable(&op, shared->f.spool, record.sequence);
        if (status != VARVE_OK)
            __atomic_fetch_add(&shared->failures, 1, __ATOMIC_SEQ_CST);
        vv_forgive(&op);
    }
    vv_op_done(&op);
    return NULL;
}

static void *watch(void *data)
{
    struct shared *shared = data;
    struct vv_op op;
    vv_op_init(&op, NULL, VV_OP_BYTES_DEFAULT);
    struct vv_spool_stats stats = {0};
    while (stats.sequence_accepted < PUTTERS * ROWS_EACH) {
        struct vv_spool_reader *reader = NULL;
        struct vv_spool_record record;
        bool has_record = true;
        vv_spool_stats(shared->f.spool, &stats);
        if (stats.open_number == 0)
            continue;
        varve_status status =
            vv_spool_reader_open(&op, shared->f.spool, stats.open_number, &reader);
        while (status == VARVE_OK && has_record)
            status = vv_spool_reader_next(&op, reader, &record, &has_record);
        if (status != VARVE_OK && status != VARVE_ENOTFOUND) /* it may be gone by now */
            __atomic_fetch_add(&shared->failures, 1, __ATOMIC_SEQ_CST);
        vv_forgive(&op);
        vv_spool_reader_close(&reader);
    }
    vv_op_done(&op);
    return NULL;
}

/* Reads and removes what is sealed. The rows so far. */
static uint64_t flush(struct shared *shared)
{
    struct spool_fixture *f = &shared->f;
    uint64_t *numbers = NULL;
    uint64_t number = 0;
    size_t len = 0;
    uint64_t rows = 0;
    CHECK_OK(&f->op, vv_spool_seal(&f->op, f->spool, &number));
    CHECK_OK(&f->op, vv_spool_sealed(&f->op, f->spool, &f->op.arena, &numbers, &len));
    for (size_t i = 0; i < len; i++) {
        struct vv_spool_reader *reader = NULL;
        struct vv_spool_record record;
        bool has_record = true;
        CHECK_OK(&f->op, vv_spool_reader_open(&f->op, f->spool, numbers[i], &reader));
        while (reader != NULL &&
               CHECK_OK(&f->op, vv_spool_reader_next(&f->op, reader, &record, &has_record)) &&
               has_record) {
            if (record.sequence == 0)
                continue;
            shared->seen[record.sequence]++;
            rows++;
        }
        vv_spool_reader_close(&reader);
        CHECK_OK(&f->op, vv_spool_remove(&f->op, f->spool, numbers[i]));
    }
    return rows;
}

TEST_SECONDS(spool_threads, every_row_of_every_thread_is_there_once, 240)
{
    static struct shared shared;
    struct putter putters[PUTTERS];
    pthread_t watcher;
    spool_fixture_init(&shared.f);
    shared.f.options = (struct vv_spool_options){
        .segment_bytes = 1 << 15, .bytes_max = 1 << 18, .sync_interval_us = 2000};
    REQUIRE(spool_open(&shared.f, "spool"));
    for (unsigned i = 0; i < PUTTERS; i++) {
        putters[i] = (struct putter){.shared = &shared, .index = i};
        REQUIRE(pthread_create(&putters[i].thread, NULL, put_all, &putters[i]) == 0);
    }
    REQUIRE(pthread_create(&watcher, NULL, watch, &shared) == 0);
    uint64_t rows = 0;
    while (rows < PUTTERS * ROWS_EACH)
        rows += flush(&shared);
    for (unsigned i = 0; i < PUTTERS; i++)
        (void)pthread_join(putters[i].thread, NULL);
    (void)pthread_join(watcher, NULL);
    CHECK_INT(shared.failures, 0);
    CHECK_INT(rows, PUTTERS * ROWS_EACH);
    for (size_t i = 1; i <= PUTTERS * ROWS_EACH; i++)
        if (!CHECK_INT(shared.seen[i], 1))
            break;
    spool_fixture_done(&shared.f);
}

static unsigned open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;
    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        (void)closedir(dir);
    return count;
}

static long resident_pages(void)
{
    long size = 0;
    long resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &size, &resident) != 2)
        resident = -1;
    if (file != NULL)
        (void)fclose(file);
    return resident;
}

TEST_SECONDS(spool_threads, a_million_rows_and_a_thousand_seals_leave_nothing_behind, 240)
{
    VV_CLEANUP(spool_fixture_done) struct spool_fixture f;
    spool_fixture_init(&f);
    f.options = (struct vv_spool_options){.no_sync = true, .segment_bytes = 1 << 20};
    REQUIRE(spool_open(&f, "spool"));
    unsigned files = 0;
    long pages = 0;
    for (unsigned round = 0; round < 1000; round++) {
        uint64_t number = 0;
        for (unsigned i = 0; i < 1000; i++)
            if (!CHECK(try_put(&f, i % 2 == 0 ? "a" : "b", i) > 0))
                return;
        REQUIRE_OK(&f.op, vv_spool_seal(&f.op, f.spool, &number));
        REQUIRE_OK(&f.op, vv_spool_remove(&f.op, f.spool, number));
        vv_op_done(&f.op);
        vv_op_init(&f.op, NULL, VV_OP_BYTES_DEFAULT);
        if (round == 99) {
            files = open_files();
            pages = resident_pages();
        }
    }
    struct vv_spool_stats stats;
    vv_spool_stats(f.spool, &stats);
    CHECK_INT(stats.sequence_accepted, 1000000);
    CHECK_INT(stats.rows, 0);
    CHECK_INT(stats.bytes, 0);
    CHECK(open_files() <= files + 2); /* the spare segment may be there or not */
    /* valgrind's own memory is among them; it says itself what is lost. */
    if (getenv("VARVE_TEST_VALGRIND") == NULL)
        CHECK(resident_pages() < pages + PAGES_MORE);
}
