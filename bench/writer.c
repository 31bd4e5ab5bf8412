/*
 * Times the batch writer from inside one process, as a bot would use it. Prints a line of JSON: what,
 * and the figures.
 *
 *     put_record    ns of one put, from one thread, group fsync each 100 ms
 *     put_json      likewise; the row is text of some 300 bytes
 *     flush_record, flush_json   rows a second from the spool into the table
 *     json_to_table rows a second from put to committed, put and flush at the same time
 *     batch_60s     ms to commit what a bot has in a minute: three tables with 250 rows each, warm
 *     put_always    us of one put that returns when the row is durable, beside a bare fsync
 *     sustained     rows a second in batches of 250, each flushed
 *
 * Usage: varve_writer_bench LAKE [ROWS]      LAKE: a folder that is not there yet
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "varve/writer.h"

#define T0 INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */
#define STRATEGIES 250
#define MINUTE_US INT64_C(60000000)
#define LINE_BYTES 1024

static varve_error err;

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Of all threads: on a machine that others use too, what a figure on the wall would be worth. */
static int64_t cpu_ns(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

struct span {
    int64_t wall_ns, cpu_ns;
};

static struct span begin(void)
{
    return (struct span){now_ns(), cpu_ns()};
}

static void must(varve_status status)
{
    if (status == VARVE_OK)
        return;
    fprintf(stderr, "varve_writer_bench: %s\n", err.message);
    exit(1);
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* Sorts the samples. */
static int64_t quantile(int64_t *samples, size_t len, double share)
{
    qsort(samples, len, sizeof(*samples), compare);
    size_t at = (size_t)((double)len * share);
    return samples[at < len ? at : len - 1];
}

static varve_writer *writer_open(varve_lake *lake, int32_t sync_always)
{
    varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
    varve_writer *writer = NULL;
    options.interval_ms = -1;
    options.rows_max = INT64_MAX;
    options.bytes_max = INT64_C(512) << 20;
    options.spool_bytes_max = INT64_C(4) << 30;
    options.sync_always = sync_always;
    must(varve_writer_open(lake, &options, &writer, &err));
    return writer;
}

static const char *strategy(int64_t row)
{
    static char names[STRATEGIES][16];
    char *name = names[row % STRATEGIES];
    if (name[0] == '\0')
        snprintf(name, sizeof(names[0]), "strategy_%03d", (int)(row % STRATEGIES));
    return name;
}

static varve_performance record(int64_t row)
{
    varve_performance out = VARVE_PERFORMANCE_INIT;
    double value = (double)(row % 1009) * 1.37;
    out.timestamp = T0 + row / STRATEGIES * MINUTE_US;
    out.strategy_id = strategy(row);
    out.unrealized_pnl = value;
    out.realized_pnl = -value / 3;
    out.total_pnl = value - value / 3;
    out.delta = 0.25;
    out.gamma = 0.0125;
    out.theta = -0.5;
    out.vega = 0.75;
    out.dte = (int32_t)(row % 60);
    out.entry_price = 4.5;
    out.current_price = 4.5 + value / 1000;
    out.regime_at_entry = "bullish_low";
    out.regime_current = "neutral_high";
    return out;
}

static size_t line(int64_t row, char out[LINE_BYTES])
{
    varve_performance value = record(row);
    time_t seconds = (time_t)(value.timestamp / 1000000);
    struct tm day;
    char time_text[32];
    gmtime_r(&seconds, &day);
    strftime(time_text, sizeof(time_text), "%Y-%m-%dT%H:%M:%SZ", &day);
    int len = snprintf(out, LINE_BYTES,
        "{\"timestamp\":\"%s\",\"strategy_id\":\"%s\",\"unrealized_pnl\":%.4f,"
        "\"realized_pnl\":%.4f,\"total_pnl\":%.4f,\"delta\":0.25,\"gamma\":0.0125,"
        "\"theta\":-0.5,\"vega\":0.75,\"dte\":%d,\"entry_price\":4.5,\"current_price\":%.4f,"
        "\"regime_at_entry\":\"bullish_low\",\"regime_current\":\"neutral_high\"}",
        time_text, value.strategy_id, value.unrealized_pnl, value.realized_pnl, value.total_pnl,
        (int)value.dte, value.current_price);
    return (size_t)len;
}

/* Rows of their own for each measurement: an upsert of new rows. */
static int64_t next_row;

static void put_records(varve_writer *writer, int64_t rows, int64_t *samples)
{
    for (int64_t i = 0; i < rows; i++) {
        varve_performance row = record(next_row++);
        int64_t begun = samples != NULL ? now_ns() : 0;
        must(varve_writer_put_performance(writer, &row, NULL, &err));
        if (samples != NULL)
            samples[i] = now_ns() - begun;
    }
}

static char *make_lines(int64_t rows, size_t *lens)
{
    char *lines = malloc((size_t)rows * LINE_BYTES);
    for (int64_t i = 0; i < rows && lines != NULL; i++)
        lens[i] = line(next_row++, lines + i * LINE_BYTES);
    return lines;
}

static void put_lines(varve_writer *writer, const char *lines, const size_t *lens, int64_t rows,
    int64_t *samples)
{
    for (int64_t i = 0; i < rows; i++) {
        int64_t begun = samples != NULL ? now_ns() : 0;
        must(varve_writer_put_json(writer, "performance_metrics", lines + i * LINE_BYTES,
            lens[i], NULL, &err));
        if (samples != NULL)
            samples[i] = now_ns() - begun;
    }
}

static void tell_latency(const char *what, int64_t *samples, int64_t len)
{
    size_t count = (size_t)len;
    printf("{\"what\":\"%s\",\"p50_ns\":%" PRId64 ",\"p99_ns\":%" PRId64 ",\"p999_ns\":%" PRId64
           ",\"max_ns\":%" PRId64 "}\n",
        what, quantile(samples, count, 0.5), quantile(samples, count, 0.99),
        quantile(samples, count, 0.999), quantile(samples, count, 1));
}

static void tell_rate(const char *what, int64_t rows, struct span begun)
{
    int64_t ns = now_ns() - begun.wall_ns;
    int64_t cpu = cpu_ns() - begun.cpu_ns;
    printf("{\"what\":\"%s\",\"rows\":%" PRId64
           ",\"ms\":%.1f,\"rows_per_s\":%.0f,\"cpu_us_per_row\":%.3f}\n",
        what, rows, (double)ns / 1e6, (double)rows * 1e9 / (double)ns,
        (double)cpu / 1e3 / (double)rows);
    fflush(stdout);
}

static void flush(varve_writer *writer)
{
    must(varve_writer_flush(writer, -1, &err));
}

static void bench_records(varve_lake *lake, int64_t rows, int64_t *samples)
{
    varve_writer *writer = writer_open(lake, 0);
    put_records(writer, rows, samples);
    tell_latency("put_record", samples, rows);
    flush(writer);
    struct span begun = begin();
    put_records(writer, rows, NULL);
    tell_rate("put_record", rows, begun);
    begun = begin();
    flush(writer);
    tell_rate("flush_record", rows, begun);
    must(varve_writer_close(writer, &err));
}

static void bench_lines(varve_lake *lake, int64_t rows, int64_t *samples)
{
    varve_writer *writer = writer_open(lake, 0);
    size_t *lens = malloc((size_t)rows * sizeof(*lens));
    char *lines = make_lines(rows, lens);
    put_lines(writer, lines, lens, rows, samples);
    tell_latency("put_json", samples, rows);
    flush(writer);
    free(lines);
    lines = make_lines(rows, lens);
    struct span begun = begin();
    put_lines(writer, lines, lens, rows, NULL);
    tell_rate("put_json", rows, begun);
    begun = begin();
    flush(writer);
    tell_rate("flush_json", rows, begun);
    free(lines);
    free(lens);
    must(varve_writer_close(writer, &err));
}

/* Put and flush at the same time, as `ingest` does with a stream that does not end. */
static void bench_through(varve_lake *lake, int64_t rows)
{
    varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
    varve_writer *writer = NULL;
    size_t *lens = malloc((size_t)rows * sizeof(*lens));
    char *lines = make_lines(rows, lens);
    options.rows_max = rows / 5;
    must(varve_writer_open(lake, &options, &writer, &err));
    struct span begun = begin();
    put_lines(writer, lines, lens, rows, NULL);
    flush(writer);
    tell_rate("json_to_table", rows, begun);
    free(lines);
    free(lens);
    must(varve_writer_close(writer, &err));
}

static void put_minute(varve_writer *writer, int64_t minute)
{
    for (int64_t i = 0; i < STRATEGIES; i++) {
        varve_performance performance = record(next_row++);
        varve_market_regime regime = VARVE_MARKET_REGIME_INIT;
        varve_signal signal = VARVE_SIGNAL_INIT;
        char symbol[16];
        snprintf(symbol, sizeof(symbol), "SYM%03d", (int)i);
        regime.timestamp = signal.timestamp = T0 + minute * MINUTE_US;
        regime.symbol = symbol;
        regime.regime = "bullish_low";
        regime.vix = 14.5;
        regime.confidence = 0.75;
        signal.strategy_id = strategy(i);
        signal.signal_type = "ml_entry";
        signal.signal_value = 0.5;
        must(varve_writer_put_performance(writer, &performance, NULL, &err));
        must(varve_writer_put_market_regime(writer, &regime, NULL, &err));
        must(varve_writer_put_signal(writer, &signal, NULL, &err));
    }
}

static void bench_minutes(varve_lake *lake)
{
    enum {
        warm_up = 5,
        runs = 60
    };
    int64_t samples[runs];
    int64_t cpu = 0;
    varve_writer *writer = writer_open(lake, 0);
    for (int64_t i = 0; i < warm_up + runs; i++) {
        put_minute(writer, i);
        struct span begun = begin();
        flush(writer);
        if (i < warm_up)
            continue;
        samples[i - warm_up] = now_ns() - begun.wall_ns;
        cpu += cpu_ns() - begun.cpu_ns;
    }
    must(varve_writer_close(writer, &err));
    printf("{\"what\":\"batch_60s\",\"rows\":%d,\"p50_ms\":%.1f,\"p10_ms\":%.1f,"
           "\"p99_ms\":%.1f,\"cpu_ms\":%.1f}\n",
        3 * STRATEGIES, (double)quantile(samples, runs, 0.5) / 1e6,
        (double)quantile(samples, runs, 0.1) / 1e6, (double)quantile(samples, runs, 0.99) / 1e6,
        (double)cpu / 1e6 / runs);
    fflush(stdout);
}

static void bench_sustained(varve_lake *lake)
{
    varve_writer *writer = writer_open(lake, 0);
    struct span begun = begin();
    int64_t rows = 0;
    while (now_ns() - begun.wall_ns < INT64_C(5000000000)) {
        put_records(writer, 250, NULL);
        flush(writer);
        rows += 250;
    }
    tell_rate("sustained", rows, begun);
    must(varve_writer_close(writer, &err));
}

/* A page that is there already, over and over: what the spool has to wait for, too. */
static int64_t bare_fsync(const char *folder, int64_t *samples, size_t len)
{
    char path[4096];
    char page[4096] = {1};
    snprintf(path, sizeof(path), "%s/bare_fsync", folder);
    int fd = open(path, O_CREAT | O_RDWR, 0600);
    if (fd < 0 || write(fd, page, sizeof(page)) != (ssize_t)sizeof(page) || fsync(fd) != 0)
        return -1;
    for (size_t i = 0; i < len; i++) {
        page[0] = (char)i;
        int64_t begun = now_ns();
        if (pwrite(fd, page, 512, 0) != 512 || fdatasync(fd) != 0)
            return -1;
        samples[i] = now_ns() - begun;
    }
    (void)close(fd);
    (void)unlink(path);
    return quantile(samples, len, 0.5);
}

static void bench_always(varve_lake *lake, const char *folder)
{
    enum {
        runs = 300
    };
    int64_t samples[runs];
    varve_writer *writer = writer_open(lake, 1);
    put_records(writer, 1, NULL);
    put_records(writer, runs, samples);
    int64_t put = quantile(samples, runs, 0.5);
    int64_t bare = bare_fsync(folder, samples, runs);
    printf("{\"what\":\"put_always\",\"p50_us\":%.0f,\"bare_fsync_us\":%.0f}\n",
        (double)put / 1e3, (double)bare / 1e3);
    must(varve_writer_close(writer, &err));
}

int main(int argc, char **argv)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    varve_lake *lake = NULL;
    int64_t rows = argc > 2 ? strtoll(argv[2], NULL, 10) : 500000;
    const char *only = argc > 3 ? argv[3] : "";
    if (argc < 2 || rows < 1000) {
        fprintf(stderr, "usage: varve_writer_bench LAKE [ROWS] [WHAT]\n");
        return 2;
    }
    int64_t *samples = malloc((size_t)rows * sizeof(*samples));
    options.create = 1;
    must(varve_lake_open(argv[1], &options, &lake, &err));
    must(varve_lake_init(lake, NULL, NULL, &err));
    if (*only == '\0' || strcmp(only, "minutes") == 0)
        bench_minutes(lake);
    if (*only == '\0' || strcmp(only, "sustained") == 0)
        bench_sustained(lake);
    if (*only == '\0' || strcmp(only, "always") == 0)
        bench_always(lake, argv[1]);
    if (*only == '\0' || strcmp(only, "records") == 0)
        bench_records(lake, rows, samples);
    if (*only == '\0' || strcmp(only, "lines") == 0)
        bench_lines(lake, rows, samples);
    if (*only == '\0' || strcmp(only, "through") == 0)
        bench_through(lake, rows);
    free(samples);
    varve_lake_close(lake);
    return 0;
}
