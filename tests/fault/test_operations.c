/*
 * Every public operation that reads rows or says what is there, while something fails.
 */
#include "fault/operation.h"
#include "world_dates.h"
#include "world_reports.h"

static varve_status run_open(struct world *world, varve_error *err)
{
    varve_table *table = NULL;
    int64_t version = 0;
    WORLD_TRY(varve_table_open(world->lake, "ticks", &table, err));
    varve_status status = varve_table_refresh(table, &version, err);
    varve_table_close(table);
    return status;
}

static varve_status run_open_lake(struct world *world, varve_error *err)
{
    varve_lake *lake = NULL;
    varve_table *table = NULL;
    WORLD_TRY(varve_lake_open(world->path, NULL, &lake, err));
    varve_status status = varve_table_open(lake, "signals", &table, err);
    varve_table_close(table);
    varve_lake_close(lake);
    return status;
}

static varve_status say(struct world *world, varve_status status, char *text)
{
    if (status == VARVE_OK)
        vv_buf_adds(&world->said, text);
    varve_free(status == VARVE_OK ? text : NULL);
    return status;
}

static varve_status run_describe(struct world *world, varve_error *err)
{
    char *text = NULL;
    varve_status status = varve_table_describe(world->ticks, NULL, &text, err);
    return say(world, status, text);
}

static varve_status run_tables(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_lake_tables(world->lake, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_scan(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.where = "k < 3 OR v = 'n'";
    options.columns = "v,k";
    WORLD_TRY(varve_table_scan(world->ticks, &options, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_scan_old(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    options.at = "1";
    WORLD_TRY(varve_table_scan(world->ticks, &options, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_query(struct world *world, varve_error *err)
{
    static const char *const names[] = {"k"};
    static const char *const values[] = {"1"};
    struct ArrowArrayStream stream;
    varve_query_options options = VARVE_QUERY_OPTIONS_INIT;
    options.param_names = names;
    options.param_values = values;
    options.params_len = 1;
    WORLD_TRY(varve_lake_query(world->lake,
        "WITH old AS (FROM ticks AT (VERSION => 1)) SELECT t.k, old.v FROM ticks t LEFT JOIN "
        "old USING (k) WHERE t.k >= $k; FROM signals, ticks WHERE k > $k",
        &options, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_latest(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_table *table = NULL;
    WORLD_TRY(varve_table_open(world->lake, "market_regimes", &table, err));
    varve_status status = varve_table_latest(table, NULL, &stream, err);
    if (status == VARVE_OK)
        status = world_drain(world, &stream, err);
    varve_table_close(table);
    return status;
}

static varve_status run_range(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_table *table = NULL;
    int64_t newest_us = 0;
    varve_range_options options = VARVE_RANGE_OPTIONS_INIT;
    options.symbol = "SPY";
    WORLD_TRY(varve_table_open(world->lake, "market_regimes", &table, err));
    varve_status status = varve_table_range(table, &options, &stream, &newest_us, err);
    if (status == VARVE_OK)
        status = world_drain(world, &stream, err);
    varve_table_close(table);
    return status;
}

static varve_status run_history(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_table_history(world->ticks, 0, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_files(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    WORLD_TRY(varve_table_files(world->ticks, NULL, &stream, err));
    return world_drain(world, &stream, err);
}

static varve_status run_read_records(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    varve_market_regime *rows = NULL;
    size_t len = 0;
    WORLD_TRY(varve_lake_query(world->lake, "FROM market_regimes", NULL, &stream, err));
    WORLD_TRY(varve_read_regimes(&stream, &rows, &len, err));
    vv_buf_addf(&world->said, "%zu records", len);
    varve_free(rows);
    return VARVE_OK;
}

static varve_status run_export_parquet(struct world *world, varve_error *err)
{
    struct ArrowArrayStream stream;
    int64_t rows = 0;
    WORLD_TRY(varve_lake_query(world->lake, "FROM ticks", NULL, &stream, err));
    WORLD_TRY(varve_lake_export_parquet(world->lake, &stream, test_path("out.parquet"), &rows,
        err));
    vv_buf_addf(&world->said, "%" PRId64 " exported", rows);
    return VARVE_OK;
}

static varve_status run_init(struct world *world, varve_error *err)
{
    char *text = NULL;
    varve_status status = varve_lake_init(world->lake, NULL, &text, err);
    return say(world, status, text);
}

static int count_bytes(void *data, const void *bytes, size_t len)
{
    uint64_t *sum = data;
    *sum = vv_xxh3_seeded((struct vv_str){bytes, len}, *sum);
    return 0;
}

static varve_status run_export_arrow(struct world *world, varve_error *err)
{
    for (int32_t as_file = 0; as_file < 2; as_file++) {
        struct ArrowArrayStream stream;
        uint64_t sum = 0;
        int64_t rows = 0;
        WORLD_TRY(varve_lake_query(world->lake, "FROM ticks ORDER BY k", NULL, &stream, err));
        WORLD_TRY(varve_lake_export_arrow(world->lake, &stream, as_file, count_bytes, &sum,
            &rows, err));
        vv_buf_addf(&world->said, "%" PRId64 " exported, %" PRIx64 "\n", rows, sum);
    }
    return VARVE_OK;
}

static const struct operation operations[] = {
    {.name = "open a lake", .kind = READS, .run = run_open_lake, .is_quick = true},
    {.name = "open a table", .kind = READS, .run = run_open},
    {.name = "describe", .kind = READS, .run = run_describe, .is_quick = true},
    {.name = "tables", .kind = TELLS, .run = run_tables},
    {.name = "scan", .kind = READS, .run = run_scan},
    {.name = "scan an old version", .kind = READS, .run = run_scan_old},
    {.name = "query", .kind = READS, .run = run_query},
    {.name = "latest", .kind = READS, .run = run_latest},
    {.name = "range", .kind = READS, .run = run_range},
    {.name = "history", .kind = READS, .run = run_history},
    {.name = "files", .kind = READS, .run = run_files},
    {.name = "correlate", .kind = READS, .run = world_correlate},
    {.name = "outcomes", .kind = READS, .run = world_outcomes},
    {.name = "gaps", .kind = READS, .run = world_gaps},
    {.name = "transitions", .kind = READS, .run = world_transitions},
    {.name = "signals", .kind = READS, .run = world_signals},
    {.name = "read records", .kind = READS, .run = run_read_records},
    {.name = "export as Parquet", .kind = READS, .run = run_export_parquet},
    {.name = "export as Arrow", .kind = READS, .run = run_export_arrow},
    {.name = "init again", .kind = READS, .run = run_init},
    {.name = "alter by what is there",
        .kind = READS,
        .run = world_rule,
        .prepare = world_put_undated},
};

OPERATION_TESTS(operations, operations)
