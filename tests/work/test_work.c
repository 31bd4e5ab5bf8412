/*
 * What an operation does, counted, on a small table and on one of ten times as many files and
 * commits: no more than is written here, and the same on both. Who finds a way to do less writes the
 * new number down; who does more has to have a reason.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "harness/test.h"
#include "varve/dml.h"
#include "varve/inspect.h"
#include "varve/varve.h"
#include "work/counted.h"

#define SMALL_DAYS 12
#define LARGE_DAYS 120
#define STRATEGIES 10
#define MINUTES 25 /* of a day: 250 rows */

/* Under a sanitizer each allocation from an arena is one of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_ARENAS false
#else
#define HAS_ARENAS true
#endif

struct bench {
    int days;
    const char *path; /* of the lake */
    varve_lake *lake;
    varve_table *table;
    varve_error err;
};

static bool ok(const struct bench *bench, varve_status status)
{
    if (!CHECK_INT(status, VARVE_OK))
        printf("# %s\n", bench->err.message);
    return status == VARVE_OK;
}

/* A day's rows of so many minutes from one on; all of them have one P&L. */
static bool put_rows(struct bench *bench, int day, int minute, int minutes, int pnl)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf rows = VV_BUF_INIT(1 << 20);
    const char *path = test_path("rows.ndjson");
    varve_upsert_result result;
    const varve_input input = {.format = VARVE_FORMAT_NDJSON, .path = path};
    for (int at = minute; at < minute + minutes; at++)
        for (int strategy = 0; strategy < STRATEGIES; strategy++)
            vv_buf_addf(&rows,
                "{\"timestamp\":\"2025-%02d-%02dT09:%02d:00Z\",\"strategy_id\":\"s%d\",\"pnl\":"
                "%d}"
                "\n",
                1 + day / 28, 1 + day % 28, at, strategy, pnl);
    return CHECK(vv_buf_ok(&rows) && test_file_write(path, vv_buf_str(&rows))) &&
           ok(bench, varve_table_upsert(bench->table, &input, 1, NULL, &result, &bench->err));
}

static bool drain(struct bench *bench, varve_status status, struct ArrowArrayStream *stream)
{
    struct ArrowArray array;
    if (!ok(bench, status))
        return false;
    while (CHECK_INT(stream->get_next(stream, &array), 0) && array.release != NULL)
        array.release(&array);
    stream->release(stream);
    return true;
}

static bool bench_open(struct bench *bench)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    options.create = 1;
    options.threads = 1;
    return ok(bench, varve_lake_open(bench->path, &options, &bench->lake, &bench->err));
}

static void bench_close(struct bench *bench)
{
    varve_table_close(bench->table);
    varve_lake_close(bench->lake);
    bench->table = NULL;
    bench->lake = NULL;
}

/* A commit and a file a day, a checkpoint of all but the last three, and nothing in memory yet. */
static bool bench_make(struct bench *bench, int days)
{
    static const char *const properties[] = {"delta.checkpointInterval=100000"};
    varve_create_options options = VARVE_CREATE_OPTIONS_INIT;
    varve_checkpoint_result checkpoint;
    int32_t created = 0;
    options.schema = "timestamp timestamp not null, date date, strategy_id string not null, "
                     "pnl double";
    options.key = "timestamp,strategy_id";
    options.partition_by = "date";
    options.properties = properties;
    options.properties_len = VV_COUNT(properties);
    *bench =
        (struct bench){.days = days, .path = test_path(days == SMALL_DAYS ? "small" : "large")};
    if (!bench_open(bench) ||
        !ok(bench,
            varve_lake_create_table(bench->lake, "t", &options, &created, &bench->err)) ||
        !ok(bench, varve_table_open(bench->lake, "t", &bench->table, &bench->err)))
        return false;
    for (int day = 0; day < days; day++) {
        if (!put_rows(bench, day, 0, MINUTES, 1))
            return false;
        if (day == days - 4 &&
            !ok(bench, varve_table_checkpoint(bench->table, &checkpoint, &bench->err)))
            return false;
    }
    bench_close(bench);
    return bench_open(bench) &&
           ok(bench, varve_table_open(bench->lake, "t", &bench->table, &bench->err));
}

/* ---- The operations, in the order in which they are run ---------------------------------------- */

static bool run_news(struct bench *bench)
{
    return put_rows(bench, bench->days - 1, MINUTES, MINUTES, 2);
}

static bool run_corrections(struct bench *bench)
{
    return put_rows(bench, bench->days - 1, MINUTES, 1, 3);
}

static bool run_newer(struct bench *bench)
{
    return put_rows(bench, bench->days - 1, 2 * MINUTES, 10, 4);
}

static bool run_latest(struct bench *bench)
{
    struct ArrowArrayStream stream;
    return drain(bench, varve_table_latest(bench->table, NULL, &stream, &bench->err), &stream);
}

static bool run_scan(struct bench *bench)
{
    struct ArrowArrayStream stream;
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.where = "date = DATE '2025-01-05' AND strategy_id = 's3'";
    return drain(bench, varve_table_scan(bench->table, &options, &stream, &bench->err),
        &stream);
}

static bool run_refresh(struct bench *bench)
{
    int64_t version = 0;
    return ok(bench, varve_table_refresh(bench->table, &version, &bench->err));
}

static bool run_open(struct bench *bench)
{
    bench_close(bench);
    return bench_open(bench) &&
           ok(bench, varve_table_open(bench->lake, "t", &bench->table, &bench->err));
}

static bool run_history(struct bench *bench)
{
    struct ArrowArrayStream stream;
    return drain(bench, varve_table_history(bench->table, 10, &stream, &bench->err), &stream);
}

static bool run_trace(struct bench *bench)
{
    static const char *const key[] = {"timestamp=2025-01-05T09:07:00Z", "strategy_id=s3"};
    struct ArrowArrayStream stream;
    return drain(bench,
        varve_table_trace(bench->table, key, VV_COUNT(key), &stream, &bench->err), &stream);
}

static bool run_delete(struct bench *bench)
{
    varve_edit_result result;
    return ok(bench,
        varve_table_delete(bench->table,
            "timestamp = TIMESTAMPTZ '2025-01-05 09:07:00+00' AND strategy_id = 's3'", NULL,
            &result, &bench->err));
}

/*
 * In the order of struct counted. Bytes have room of a twentieth, allocations of an eighth. One
 * allocation for each file that is judged by its bounds is what may grow; `latest` reads the columns
 * of the key in every file at first, afterwards only files that came, and `trace` the commits, since a row may have been anywhere.
 */
static const struct {
    const char *name;
    bool (*run)(struct bench *bench);
    struct counted small, large; /* at most */
} operations[] = {
    {"upsert of 250 new rows", run_news, {2, 1, 0, 2914, 2917, 4, 2, 469},
        {2, 1, 0, 2904, 2907, 4, 2, 592}},
    /* One sync: of the log, which somebody else may have written to and not synced yet. */
    {"the same again", run_news, {1, 1, 0, 2918, 0, 1, 2, 445}, {1, 1, 0, 2908, 0, 1, 2, 568}},
    {"upsert of 10 corrections", run_corrections, {5, 0, 0, 3419, 3301, 4, 4, 240},
        {5, 0, 0, 3369, 3291, 4, 4, 364}},
    {"latest", run_latest, {15, 1, 0, 16916, 0, 0, 2, 171}, {123, 1, 0, 126572, 0, 0, 2, 620}},
    {"latest again", run_latest, {0, 0, 0, 0, 0, 0, 0, 8}, {0, 0, 0, 0, 0, 0, 0, 8}},
    {"scan of a day", run_scan, {1, 0, 0, 1023, 0, 0, 5, 146}, {1, 0, 0, 1023, 0, 0, 5, 483}},
    {"refresh", run_refresh, {0, 0, 0, 0, 0, 0, 0, 6}, {0, 0, 0, 0, 0, 0, 0, 6}},
    {"open anew", run_open, {0, 8, 0, 24364, 0, 0, 0, 94}, {0, 8, 0, 31828, 0, 0, 0, 101}},
    {"history of 10", run_history, {0, 10, 0, 19306, 0, 0, 0, 61},
        {0, 10, 0, 19335, 0, 0, 0, 61}},
    {"trace of a row", run_trace, {2, 32, 2, 61536, 0, 0, 2, 205},
        {2, 248, 2, 470830, 0, 0, 2, 1185}},
    /* One open and the bytes of a file of these are its hash: what is rewritten is on record. */
    {"delete of a row", run_delete, {7, 0, 0, 3261, 2848, 6, 11, 262},
        {7, 0, 0, 3261, 2850, 6, 11, 991}},
    {"latest anew", run_latest, {15, 1, 0, 16916, 0, 0, 2, 171},
        {123, 1, 0, 126572, 0, 0, 2, 620}},
    {"upsert of 10 newer rows", run_newer, {3, 0, 0, 1633, 3180, 5, 5, 375},
        {3, 0, 0, 1633, 3180, 5, 5, 498}},
    {"latest after it", run_latest, {1, 1, 0, 3181, 0, 0, 1, 92}, {1, 1, 0, 3181, 0, 0, 1, 92}},
};

static void check_counts(const char *name, int days, const struct counted *is,
    const struct counted *most)
{
    bool good = CHECK(is->data_opens <= most->data_opens);
    good &= CHECK(is->log_opens <= most->log_opens);
    good &= CHECK(is->folder_lists <= most->folder_lists);
    good &= CHECK(is->read_bytes <= most->read_bytes);
    good &= CHECK(is->written_bytes <= most->written_bytes);
    good &= CHECK(is->syncs <= most->syncs);
    good &= CHECK(is->statements <= most->statements);
    good &= CHECK(!HAS_ARENAS || is->allocations <= most->allocations);
    printf("# %s%s, %d days: {%" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64 ", %" PRId64
           ", %" PRId64 ", %" PRId64 ", %" PRId64 "}\n",
        good ? "" : "TOO MUCH: ", name, days, is->data_opens, is->log_opens, is->folder_lists,
        is->read_bytes, is->written_bytes, is->syncs, is->statements, is->allocations);
}

static void check_work(int days)
{
    struct bench bench;
    if (!bench_make(&bench, days))
        return;
    /* Once with nothing in memory; what is counted is what each further one does. */
    REQUIRE(put_rows(&bench, days - 1, 50, 1, 1));
    for (size_t i = 0; i < VV_COUNT(operations); i++) {
        counted_start(bench.path);
        bool done = operations[i].run(&bench);
        struct counted is = counted_stop();
        if (done)
            check_counts(operations[i].name, days, &is,
                days == SMALL_DAYS ? &operations[i].small : &operations[i].large);
    }
    bench_close(&bench);
}

TEST_SECONDS(work, is_no_more_than_was_once_enough, 120)
{
    check_work(SMALL_DAYS);
}

TEST_SECONDS(work, is_no_more_on_a_larger_table, 120)
{
    check_work(LARGE_DAYS);
}
