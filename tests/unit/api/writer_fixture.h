/*
 * A lake with the market tables and a batch writer on it, which counts what it is told.
 */
#ifndef VARVE_TEST_WRITER_FIXTURE_H
#define VARVE_TEST_WRITER_FIXTURE_H

#include <stdio.h>

#include "harness/test.h"
#include "varve/writer.h"

#define T0 INT64_C(1738231200000000) /* 2025-01-30T10:00:00Z */

struct lake {
    varve_lake *lake;
    varve_writer *writer;
    varve_error err;
    int commits, quarantined, retries;
    uint64_t committed, durable;
    char reason[256];
};

static inline void count_commit(void *data, const varve_writer_commit *commit)
{
    struct lake *lake = data;
    lake->commits++;
    if (commit->sequence > lake->committed)
        lake->committed = commit->sequence;
}

static inline void count_durable(void *data, uint64_t sequence)
{
    struct lake *lake = data;
    lake->durable = sequence;
}

static inline void count_quarantine(void *data, const char *table, uint64_t sequence,
    const char *row_json, const char *reason)
{
    struct lake *lake = data;
    lake->quarantined++;
    snprintf(lake->reason, sizeof(lake->reason), "%s %llu %s %s", table,
        (unsigned long long)sequence, row_json, reason);
}

static inline void count_retry(void *data, const char *table, const varve_error *error,
    int64_t retry_ms)
{
    struct lake *lake = data;
    (void)table;
    (void)error;
    (void)retry_ms;
    lake->retries++;
}

static inline bool writer_open_with(struct lake *lake, varve_writer_options options)
{
    options.interval_ms = -1;
    options.on_commit = count_commit;
    options.on_durable = count_durable;
    options.on_quarantine = count_quarantine;
    options.on_retry = count_retry;
    options.callback_data = lake;
    return CHECK_INT(varve_writer_open(lake->lake, &options, &lake->writer, &lake->err), 0) ||
           CHECK_STR(lake->err.message, "");
}

static inline bool writer_open(struct lake *lake)
{
    return writer_open_with(lake, (varve_writer_options)VARVE_WRITER_OPTIONS_INIT);
}

/* Closes the writer for one with other options. */
static inline bool reopen_with(struct lake *lake, const varve_writer_options *options)
{
    if (!CHECK_INT(varve_writer_close(lake->writer, &lake->err), 0))
        return false;
    lake->writer = NULL;
    return writer_open_with(lake, *options);
}

static inline bool lake_open(struct lake *lake)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    *lake = (struct lake){0};
    options.create = 1;
    options.threads = 1;
    return CHECK_INT(varve_lake_open(test_path("lake"), &options, &lake->lake, &lake->err),
               0) &&
           CHECK_INT(varve_lake_init(lake->lake, NULL, NULL, &lake->err), 0) &&
           writer_open(lake);
}

static inline void lake_done(struct lake *lake)
{
    varve_writer_abandon(lake->writer);
    varve_lake_close(lake->lake);
}

static inline bool put_regime(struct lake *lake, int64_t minute, const char *symbol,
    double confidence, uint64_t *out_sequence)
{
    varve_market_regime row = VARVE_MARKET_REGIME_INIT;
    row.timestamp = T0 + minute * 60000000;
    row.symbol = symbol;
    row.regime = "bullish_low";
    row.confidence = confidence;
    return CHECK_INT(varve_writer_put_market_regime(lake->writer, &row, out_sequence,
                         &lake->err),
               0) ||
           CHECK_STR(lake->err.message, "");
}

static inline bool put_json(struct lake *lake, const char *table, const char *json)
{
    return CHECK_INT(varve_writer_put_json(lake->writer, table, json, strlen(json), NULL,
                         &lake->err),
               0) ||
           CHECK_STR(lake->err.message, "");
}

static inline bool flush(struct lake *lake)
{
    return CHECK_INT(varve_writer_flush(lake->writer, 60000, &lake->err), 0) ||
           CHECK_STR(lake->err.message, "");
}

/* How many rows the lake has there; -1 after a failed check. */
static inline int64_t rows_of(struct lake *lake, const char *table)
{
    varve_table *handle = NULL;
    struct ArrowArrayStream stream = {0};
    int64_t rows = 0;
    if (!CHECK_INT(varve_table_open(lake->lake, table, &handle, &lake->err), 0) ||
        !CHECK_INT(varve_table_scan(handle, NULL, &stream, &lake->err), 0))
        return -1;
    for (;;) {
        struct ArrowArray array = {0};
        if (!CHECK_INT(stream.get_next(&stream, &array), 0) || array.release == NULL)
            break;
        rows += array.length;
        array.release(&array);
    }
    stream.release(&stream);
    varve_table_close(handle);
    return rows;
}

#endif
