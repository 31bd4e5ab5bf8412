/*
 * The spool alone: what one put costs until a row is accepted, and until it is spooled, beside a
 * bare fdatasync of the same disk in the same run.
 *
 *     build/bench/varve_spool FOLDER [ROWS]       a folder on the disk to be measured; made anew
 *
 * The figures are of one thread, rows of 152 bytes, as a typed signal or performance row has.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "ingest/spool.h"

#define ROWS_DEFAULT 3000000
#define PACED_ROWS 40000
#define PACED_PER_S 2000
#define ALWAYS_ROUNDS 400
#define ROW_BYTES 152

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left;
    int64_t b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

static double at_share(int64_t *samples, size_t len, double share)
{
    size_t index = (size_t)((double)(len - 1) * share);
    return (double)samples[index] / 1000;
}

static void print_samples(const char *what, int64_t *samples, size_t len)
{
    qsort(samples, len, sizeof(*samples), compare);
    (void)printf("%-44s p50 %8.2f us   p99 %8.2f us   p99.9 %8.2f us   max %9.1f us\n", what,
        at_share(samples, len, 0.5), at_share(samples, len, 0.99),
        at_share(samples, len, 0.999), at_share(samples, len, 1));
}

struct bench {
    struct vv_op op;
    struct vv_spool *spool;
    char folder[4096];
    int64_t *samples;
};

static void stop(struct bench *bench, const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, bench->op.error.message);
    exit(1);
}

static void open_spool(struct bench *bench, const char *name, int64_t sync_interval_us)
{
    char folder[4200];
    const struct vv_spool_options options = {
        .bytes_max = INT64_C(1) << 40, .sync_interval_us = sync_interval_us};
    (void)snprintf(folder, sizeof(folder), "%s/%s", bench->folder, name);
    if (vv_spool_open(&bench->op, vv_str_of(folder), &options, NULL, &bench->spool) != VARVE_OK)
        stop(bench, "open");
}

static uint64_t put(struct bench *bench, uint64_t number)
{
    static char row[ROW_BYTES];
    static const char schema[] = "timestamp,strategy_id,signal,confidence,price,acted_at";
    memcpy(row, &number, sizeof(number));
    struct vv_spool_record record = {
        .kind = VV_SPOOL_TYPED, .is_stamped = true, .payload = {row, sizeof(row)}};
    if (vv_spool_append(&bench->op, bench->spool, VV_STR("signals"),
            (struct vv_str){schema, sizeof(schema) - 1}, &record) != VARVE_OK)
        stop(bench, "append");
    return record.sequence;
}

/* Removes what is sealed, as a writer would, so that the disk holds little. */
static void drain(struct bench *bench)
{
    uint64_t *numbers;
    uint64_t number;
    size_t len = 0;
    if (vv_spool_seal(&bench->op, bench->spool, &number) != VARVE_OK ||
        vv_spool_sealed(&bench->op, bench->spool, &bench->op.arena, &numbers, &len) != VARVE_OK)
        stop(bench, "seal");
    for (size_t i = 0; i < len; i++)
        if (vv_spool_remove(&bench->op, bench->spool, numbers[i]) != VARVE_OK)
            stop(bench, "remove");
}

static void close_spool(struct bench *bench)
{
    drain(bench);
    if (vv_spool_close(&bench->op, &bench->spool) != VARVE_OK)
        stop(bench, "close");
}

static void run_rate(struct bench *bench, size_t rows)
{
    open_spool(bench, "rate", 0);
    int64_t begin = now_ns();
    for (size_t i = 0; i < rows; i++)
        (void)put(bench, i);
    double seconds = (double)(now_ns() - begin) / 1e9;
    (void)printf("%-44s %.0f rows/s (%.2f us each)\n", "put, as fast as it goes, sync=100ms",
        (double)rows / seconds, seconds * 1e6 / (double)rows);
    close_spool(bench);
}

static void run_latency(struct bench *bench, size_t rows)
{
    open_spool(bench, "latency", 0);
    for (size_t i = 0; i < rows; i++) {
        int64_t begin = now_ns();
        (void)put(bench, i);
        bench->samples[i] = now_ns() - begin;
    }
    print_samples("put, as fast as it goes, sync=100ms", bench->samples, rows);
    close_spool(bench);

    open_spool(bench, "paced", 0);
    int64_t next = now_ns();
    for (size_t i = 0; i < PACED_ROWS; i++) {
        while (now_ns() < next)
            vv_sleep_us(&bench->op, 100);
        next += INT64_C(1000000000) / PACED_PER_S;
        int64_t begin = now_ns();
        (void)put(bench, i);
        bench->samples[i] = now_ns() - begin;
    }
    print_samples("put, 2,000 rows/s, sync=100ms", bench->samples, PACED_ROWS);
    close_spool(bench);
}

/* One write and fdatasync of a file: growing, or allocated before. */
static void run_bare(struct bench *bench, const char *what, bool is_allocated)
{
    char path[4200];
    char block[192] = {1};
    (void)snprintf(path, sizeof(path), "%s/bare", bench->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || (is_allocated && posix_fallocate(fd, 0, 1 << 20) != 0) || fdatasync(fd) != 0)
        exit(1);
    for (size_t i = 0; i < ALWAYS_ROUNDS; i++) {
        int64_t begin = now_ns();
        if (pwrite(fd, block, sizeof(block), (off_t)(i * sizeof(block))) < 0 ||
            fdatasync(fd) != 0)
            exit(1);
        bench->samples[i] = now_ns() - begin;
    }
    (void)close(fd);
    (void)unlink(path);
    print_samples(what, bench->samples, ALWAYS_ROUNDS);
}

static void run_always(struct bench *bench)
{
    open_spool(bench, "always", 0);
    for (size_t i = 0; i < ALWAYS_ROUNDS; i++) {
        int64_t begin = now_ns();
        uint64_t sequence = put(bench, i);
        if (vv_spool_wait_durable(&bench->op, bench->spool, sequence) != VARVE_OK)
            stop(bench, "wait");
        bench->samples[i] = now_ns() - begin;
    }
    print_samples("put, sync=always", bench->samples, ALWAYS_ROUNDS);
    close_spool(bench);
}

int main(int argc, char **argv)
{
    size_t rows = argc > 2 ? strtoul(argv[2], NULL, 10) : ROWS_DEFAULT;
    struct bench bench = {0};
    if (argc < 2 || rows == 0) {
        (void)fprintf(stderr, "usage: varve_spool FOLDER [ROWS]\n");
        return 2;
    }
    vv_op_init(&bench.op, NULL, VV_OP_BYTES_DEFAULT);
    (void)snprintf(bench.folder, sizeof(bench.folder), "%s", argv[1]);
    bench.samples = malloc((rows > PACED_ROWS ? rows : PACED_ROWS) * sizeof(int64_t));
    if (bench.samples == NULL)
        return 1;
    run_rate(&bench, rows);
    run_latency(&bench, rows);
    for (int i = 0; i < 3; i++) {
        run_bare(&bench, "write + fdatasync, growing file", false);
        run_bare(&bench, "write + fdatasync, allocated file", true);
        run_always(&bench);
    }
    free(bench.samples);
    vv_op_done(&bench.op);
    return 0;
}
