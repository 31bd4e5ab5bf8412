/*
 * A bot that writes each row when it has it, and never waits for the table.
 *
 *     cc writer_bot.c $(pkg-config --cflags --libs varve) -o writer_bot && ./writer_bot my-lake
 *
 * A row that varve_writer_put_... has taken is on disk: it survives the death of the program, and
 * is committed by the next one that opens the writer, exactly once. Try it: kill -9 it half way.
 */
#include <stdio.h>
#include <varve/writer.h>

#define OPENING_US INT64_C(1738247400000000) /* 2025-01-30T14:30:00Z */
#define SECOND_US INT64_C(1000000)
#define ROWS 1000

static void on_commit(void *data, const varve_writer_commit *commit)
{
    (void)data;
    printf("%s: %lld rows committed in version %lld\n", commit->table,
        (long long)commit->result->rows_in, (long long)commit->result->version);
}

/* Rows that break a rule of their table do not stop the others. */
static void on_quarantine(void *data, const char *table, uint64_t sequence,
    const char *row_json, const char *reason)
{
    (void)data;
    (void)row_json;
    printf("%s: row %llu is in quarantine: %s\n", table, (unsigned long long)sequence, reason);
}

/* What a strategy would say, once a second. */
static varve_signal next_signal(int i)
{
    varve_signal signal = VARVE_SIGNAL_INIT;
    signal.timestamp = OPENING_US + i * SECOND_US;
    signal.strategy_id = "iron_condor_1";
    signal.signal_type = "ml_entry";
    signal.signal_value = i == 500 ? 1.5 : 0.5; /* from 0 to 1: one of them is wrong */
    signal.ingested_at = signal.timestamp + SECOND_US;
    return signal;
}

static varve_status put_all(varve_writer *writer, varve_error *error)
{
    for (int i = 0; i < ROWS; i++) {
        const varve_signal signal = next_signal(i);
        varve_status status = varve_writer_put_signal(writer, &signal, NULL, error);
        if (status != VARVE_OK)
            return status;
    }
    /* From here on they survive a power cut too. A bot that can't wait for that leaves it to the
       writer, which does it every 100 ms. */
    return varve_writer_sync(writer, error);
}

static varve_status run(varve_lake *lake, varve_error *error)
{
    varve_writer_options options = VARVE_WRITER_OPTIONS_INIT;
    varve_writer *writer = NULL;
    varve_writer_stats stats;
    options.interval_ms = 60000; /* rows of a minute are one commit */
    options.on_commit = on_commit;
    options.on_quarantine = on_quarantine;
    varve_status status = varve_lake_init(lake, NULL, NULL, error);
    if (status == VARVE_OK)
        status = varve_writer_open(lake, &options, &writer, error);
    if (status != VARVE_OK)
        return status;
    status = put_all(writer, error);
    varve_writer_get_stats(writer, &stats);
    printf("%lld rows put\n", (long long)stats.rows_put);
    if (status == VARVE_OK)
        return varve_writer_close(writer, error); /* flushes first */
    varve_writer_abandon(writer);
    return status;
}

int main(int argc, char **argv)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    varve_lake *lake = NULL;
    varve_error error;
    options.create = 1;
    options.user = "writer_bot";
    varve_status status = varve_lake_open(argc > 1 ? argv[1] : "lake", &options, &lake, &error);
    if (status == VARVE_OK)
        status = run(lake, &error);
    if (status != VARVE_OK)
        fprintf(stderr, "writer_bot: %s\n", error.message);
    varve_lake_close(lake);
    return (int)status;
}
