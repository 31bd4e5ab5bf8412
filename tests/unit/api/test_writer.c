/*
 * The batch writer as a program sees it, with its threads. What it does step by step is tested in
 * tests/unit/ingest.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/seam.h"
#include "harness/test.h"
#include "varve/quarantine.h"
#include "writer_fixture.h"

TEST(writer, rows_of_all_kinds_reach_their_tables)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_performance performance = VARVE_PERFORMANCE_INIT;
    varve_signal signal = VARVE_SIGNAL_INIT;
    uint64_t sequence = 0;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, &sequence));
    CHECK_INT(sequence, 1);
    performance.timestamp = T0;
    performance.strategy_id = "condor";
    performance.dte = 7;
    REQUIRE(CHECK_INT(varve_writer_put_performance(lake.writer, &performance, &sequence,
                          &lake.err),
        0));
    signal.timestamp = T0;
    signal.strategy_id = "condor";
    signal.signal_type = "ml_entry";
    REQUIRE(CHECK_INT(varve_writer_put_signal(lake.writer, &signal, &sequence, &lake.err), 0));
    REQUIRE(put_json(&lake, NULL,
        "{\"table\":\"signals\",\"timestamp\":\"2025-01-30T10:01:00Z\",\n\"strategy_id\":"
        "\"condor\",\"signal_type\":\"ml_entry\",\"acted_upon\":false}"));
    REQUIRE(put_json(&lake, "market_regimes",
        "{\"timestamp\":\"2025-01-30T10:01:00Z\",\"symbol\":\"SPY\",\"regime\":\"bullish_"
        "low\"}"));
    REQUIRE(flush(&lake));
    CHECK_INT(lake.commits, 3);
    CHECK_INT(lake.committed, 5);
    CHECK_INT(rows_of(&lake, "market_regimes"), 2);
    CHECK_INT(rows_of(&lake, "performance_metrics"), 1);
    CHECK_INT(rows_of(&lake, "signals"), 2);
    varve_writer_stats stats;
    varve_writer_get_stats(lake.writer, &stats);
    CHECK_INT(stats.rows_put, 5);
    CHECK_INT(stats.inserted, 5);
    CHECK_INT(stats.rows_waiting, 0);
    CHECK_INT(stats.segments_waiting, 0);
    CHECK_INT(stats.sequence_committed, 5);
    CHECK_INT(stats.sequence_durable, 5);
    CHECK_INT(stats.commits, 3);
}

TEST(writer, bad_rows_go_to_the_quarantine_and_the_rest_goes_on)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL) && put_regime(&lake, 0, "QQQ", 1.5, NULL));
    REQUIRE(put_json(&lake, "market_regimes",
        "{\"timestamp\":\"yesterday\",\"symbol\":\"SPY\",\"regime\":\"bullish_low\"}"));
    static const char line[] = "{\"symbol\": oops\xFF\x00}";
    REQUIRE(CHECK_INT(varve_writer_put_rejected(lake.writer, "market_regimes", line,
                          sizeof(line) - 1, "not JSON", NULL, &lake.err),
        0));
    REQUIRE(flush(&lake));
    CHECK_INT(rows_of(&lake, "market_regimes"), 1);
    CHECK_INT(lake.quarantined, 3);
    CHECK(strstr(lake.reason, "market_regimes 4 {") == lake.reason);
    CHECK(strstr(lake.reason, "\"varve.line\":\"{\\\"symbol\\\": oops\xEF\xBF\xBD\\u0000}\"} "
                              "not JSON") != NULL);
}

TEST(writer, what_is_no_row_is_refused_at_once)
{
    static const struct {
        const char *table, *json;
        varve_status status;
        const char *message;
    } cases[] = {
        {"signals", "{\"a\":", VARVE_EINVALID,
            "not JSON at byte 5 of 5: unexpected end of data"},
        {"signals", "[1]", VARVE_EINVALID, "a row has to be one JSON object"},
        {"signals", "{}", VARVE_EINVALID,
            "timestamp has no value, and it is part of the key of table signals"},
        {"signals", "{\"timestamp\":1,\"strategy_id\":null,\"signal_type\":\"a\"}",
            VARVE_EINVALID,
            "strategy_id has no value, and it is part of the key of table signals"},
        {NULL, "{\"timestamp\":1}", VARVE_EINVALID,
            "no member \"table\" says whose row this is"},
        {NULL, "{\"table\":\"../x\"}", VARVE_ENOTFOUND,
            "\"../x\" can't be the name of a table in the lake"},
        {"signals", "{\"a\":\"\xFF\"}", VARVE_EINVALID,
            "not JSON at byte 6 of 9: invalid UTF-8 encoding in string"},
    };
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    for (size_t i = 0; i < VV_COUNT(cases); i++) {
        CHECK_INT(varve_writer_put_json(lake.writer, cases[i].table, cases[i].json,
                      strlen(cases[i].json), NULL, &lake.err),
            cases[i].status);
        CHECK_STR(lake.err.message, cases[i].message);
    }
    CHECK_INT(varve_writer_put_json(lake.writer, "nothing", "{}", 2, NULL, &lake.err),
        VARVE_ENOTFOUND);
    varve_market_regime row = VARVE_MARKET_REGIME_INIT;
    row.timestamp = T0;
    CHECK_INT(varve_writer_put_market_regime(lake.writer, &row, NULL, &lake.err),
        VARVE_EINVALID);
    row.symbol = "\xFF";
    CHECK_INT(varve_writer_put_market_regime(lake.writer, &row, NULL, &lake.err),
        VARVE_EINVALID);
    CHECK_STR(lake.err.message, "symbol is not valid UTF-8");
    varve_writer_stats stats;
    varve_writer_get_stats(lake.writer, &stats);
    CHECK_INT(stats.rows_put, 0);
}

TEST(writer, rows_outlive_a_writer_that_was_abandoned)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL) && put_regime(&lake, 1, "SPY", 0.9, NULL));
    REQUIRE(CHECK_INT(varve_writer_sync(lake.writer, &lake.err), 0));
    varve_writer_abandon(lake.writer);
    CHECK_INT(rows_of(&lake, "market_regimes"), 0);
    REQUIRE(writer_open(&lake));
    REQUIRE(CHECK_INT(varve_writer_close(lake.writer, &lake.err), 0));
    lake.writer = NULL;
    CHECK_INT(rows_of(&lake, "market_regimes"), 2);
    CHECK_INT(lake.committed, 2);
}

TEST(writer, a_put_that_syncs_returns_when_its_row_is_spooled)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    for (int32_t always = 0; always <= 1; always++) {
        varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
        varve_writer_stats stats;
        uint64_t sequence = 0;
        options.sync_ms = 3600000;
        options.sync_always = always;
        REQUIRE(reopen_with(&lake, &options) && put_regime(&lake, 0, "SPY", 0.9, &sequence));
        varve_writer_get_stats(lake.writer, &stats);
        CHECK_INT(stats.sequence_accepted, sequence);
        CHECK_INT(stats.sequence_durable, sequence - (always == 0));
    }
}

TEST(writer, to_close_none_does_nothing)
{
    varve_error err;
    CHECK_INT(varve_writer_close(NULL, &err), VARVE_OK);
    varve_writer_abandon(NULL);
}

/* Where nothing can be synced, that is: a commit goes on only without. */
TEST(writer, its_commits_are_synced_unless_durability_is_off)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    for (int32_t off = 0; off <= 1; off++) {
        varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
        options.durability_off = off;
        REQUIRE(reopen_with(&lake, &options) && put_regime(&lake, off, "SPY", 0.9, NULL));
        vv_seam_set("fail=store.fsync:1+");
        varve_status status = varve_writer_flush(lake.writer, off ? 60000 : 1000, &lake.err);
        vv_seam_set(NULL);
        REQUIRE(CHECK_INT(status == VARVE_OK, off));
        REQUIRE(flush(&lake));
        CHECK_INT(rows_of(&lake, "market_regimes"), off + 1);
    }
}

TEST(writer, a_scan_sees_what_waits)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL) && put_regime(&lake, 1, "SPY", 0.9, NULL));
    REQUIRE(flush(&lake));
    REQUIRE(put_regime(&lake, 1, "SPY", 0.5, NULL) && put_regime(&lake, 2, "SPY", 0.5, NULL));
    REQUIRE(put_regime(&lake, 3, "SPY", 1.5, NULL)); /* breaks a rule */
    for (int pass = 0; pass < 2; pass++) {
        varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
        struct ArrowArrayStream stream = {0};
        varve_market_regime *rows = NULL;
        size_t len = 0;
        options.where = "confidence = 0.5";
        REQUIRE(CHECK_INT(varve_writer_scan(lake.writer, "market_regimes", &options, &stream,
                              &lake.err),
            0));
        REQUIRE(CHECK_INT(varve_read_regimes(&stream, &rows, &len, &lake.err), 0));
        CHECK_INT(len, 2);
        varve_free(rows);
        CHECK_INT(rows_of(&lake, "market_regimes"), pass == 0 ? 2 : 3);
        REQUIRE(flush(&lake));
    }
    CHECK_INT(lake.quarantined, 1);
}

TEST(writer, that_tries_once_waits_for_no_success)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
    char log[300];
    char away[300];
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL));
    varve_writer_abandon(lake.writer);
    lake.writer = NULL;
    options.tries_once = 1;
    options.interval_ms = -1;
    snprintf(log, sizeof(log), "%s", test_path("lake/market_regimes/_delta_log"));
    snprintf(away, sizeof(away), "%s", test_path("lake/market_regimes/_away"));
    REQUIRE(CHECK_INT(rename(log, away), 0));
    REQUIRE(CHECK_INT(varve_writer_open(lake.lake, &options, &lake.writer, &lake.err), 0));
    CHECK_INT(varve_writer_flush(lake.writer, -1, &lake.err), VARVE_ENOTFOUND);
    CHECK(strstr(lake.err.message, "1 row waits") != NULL);
    REQUIRE(CHECK_INT(rename(away, log), 0));
    REQUIRE(flush(&lake));
    CHECK_INT(rows_of(&lake, "market_regimes"), 1);
}

TEST(writer, another_writer_on_the_spool_is_refused)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_writer *second = NULL;
    REQUIRE(lake_open(&lake));
    CHECK_INT(varve_writer_open(lake.lake, NULL, &second, &lake.err), VARVE_ECONFLICT);
    char pid[32];
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    CHECK(strstr(lake.err.message, pid) != NULL);
}

TEST(writer, a_child_of_the_process_leaves_it_alone)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL));
    pid_t child = fork();
    REQUIRE(CHECK(child >= 0));
    if (child == 0) {
        varve_market_regime row = VARVE_MARKET_REGIME_INIT;
        row.timestamp = T0;
        row.symbol = "QQQ";
        bool is_ok =
            varve_writer_put_market_regime(lake.writer, &row, NULL, NULL) == VARVE_EUSAGE &&
            varve_writer_flush(lake.writer, -1, NULL) == VARVE_EUSAGE &&
            varve_writer_sync(lake.writer, NULL) == VARVE_EUSAGE &&
            varve_writer_close(lake.writer, NULL) == VARVE_EUSAGE;
        varve_writer_abandon(lake.writer);
        _exit(is_ok ? 0 : 1);
    }
    int status = 0;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    REQUIRE(flush(&lake));
    CHECK_INT(rows_of(&lake, "market_regimes"), 1);
}

/* Threads of this process that would take a SIGTERM; -1 after a failed check. */
static int threads_with_signals(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    if (!CHECK(tasks != NULL))
        return -1;
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300];
        char line[256];
        if (task->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "r");
        while (status != NULL && fgets(line, sizeof(line), status) != NULL)
            if (strncmp(line, "SigBlk:", 7) == 0)
                count += (strtoull(line + 7, NULL, 16) >> (SIGTERM - 1) & 1) == 0;
        if (status != NULL)
            fclose(status);
    }
    closedir(tasks);
    return count;
}

TEST(writer, its_threads_take_no_signals)
{
    VV_CLEANUP(lake_done) struct lake lake;
    varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
    struct ArrowArrayStream stream = {0};
    REQUIRE(lake_open(&lake));
    varve_writer_abandon(lake.writer);
    lake.writer = NULL;
    options.maintain_ms = 3600000;
    REQUIRE(CHECK_INT(varve_writer_open(lake.lake, &options, &lake.writer, &lake.err), 0));
    REQUIRE(put_regime(&lake, 0, "SPY", 0.9, NULL) && flush(&lake));
    REQUIRE(CHECK_INT(varve_writer_scan(lake.writer, "market_regimes", NULL, &stream,
                          &lake.err),
        0));
    CHECK_INT(threads_with_signals(), 1);
    stream.release(&stream);
}

/* ---- Threads ------------------------------------------------------------------------------ */

#define PUTTERS 3
#define ROWS_EACH 300

struct crew {
    struct lake *lake;
    atomic_int next, done;
    atomic_int failures;
};

static void *put_many(void *data)
{
    struct crew *crew = data;
    int number = atomic_fetch_add(&crew->next, 1);
    for (int i = 0; i < ROWS_EACH; i++) {
        varve_market_regime regime = VARVE_MARKET_REGIME_INIT;
        char symbol[16];
        char json[256];
        uint64_t sequence = 0;
        snprintf(symbol, sizeof(symbol), "S%d", number);
        regime.timestamp = T0 + i;
        regime.symbol = symbol;
        regime.regime = "bullish_low";
        int len = snprintf(json, sizeof(json),
            "{\"table\":\"signals\",\"timestamp\":\"2025-01-30T10:00:00.%06dZ\","
            "\"strategy_id\":\"%s\",\"signal_type\":\"ml_entry\",\"acted_upon\":false}",
            i, symbol);
        if (varve_writer_put_market_regime(crew->lake->writer, &regime, &sequence, NULL) != 0 ||
            varve_writer_put_json(crew->lake->writer, NULL, json, (size_t)len, &sequence,
                NULL) != 0)
            atomic_fetch_add(&crew->failures, 1);
    }
    atomic_fetch_add(&crew->done, 1);
    return NULL;
}

/* What others do meanwhile. */
static void *look_on(void *data)
{
    struct crew *crew = data;
    while (atomic_load(&crew->done) < PUTTERS) {
        struct ArrowArrayStream stream = {0};
        varve_writer_stats stats;
        char *json = NULL;
        varve_writer_get_stats(crew->lake->writer, &stats);
        bool is_fine =
            stats.sequence_committed <= stats.sequence_accepted &&
            varve_writer_metrics(crew->lake->writer, &json, NULL) == 0 &&
            varve_writer_sync(crew->lake->writer, NULL) == 0 &&
            varve_writer_flush(crew->lake->writer, -1, NULL) == 0 &&
            varve_writer_scan(crew->lake->writer, "signals", NULL, &stream, NULL) == 0;
        varve_free(json);
        if (stream.release != NULL)
            stream.release(&stream);
        if (!is_fine)
            atomic_fetch_add(&crew->failures, 1);
    }
    return NULL;
}

TEST_SECONDS(writer, many_threads_put_and_each_row_is_there_once, 300)
{
    VV_CLEANUP(lake_done) struct lake lake;
    REQUIRE(lake_open(&lake));
    struct crew crew = {.lake = &lake};
    pthread_t threads[PUTTERS + 1];
    for (size_t i = 0; i < VV_COUNT(threads); i++)
        REQUIRE(CHECK_INT(pthread_create(&threads[i], NULL, i < PUTTERS ? put_many : look_on,
                              &crew),
            0));
    for (size_t i = 0; i < VV_COUNT(threads); i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK_INT(atomic_load(&crew.failures), 0);
    REQUIRE(CHECK_INT(varve_writer_close(lake.writer, &lake.err), 0));
    lake.writer = NULL;
    CHECK_INT(rows_of(&lake, "market_regimes"), PUTTERS * ROWS_EACH);
    CHECK_INT(rows_of(&lake, "signals"), PUTTERS * ROWS_EACH);
    CHECK_INT(lake.committed, 2 * PUTTERS * ROWS_EACH);
    CHECK_INT(lake.durable > 0, 1);
}
