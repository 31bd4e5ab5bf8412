/*
 * A correction, and the row as it was known before: time travel by version and by SQL.
 *
 *     cc correction.c $(pkg-config --cflags --libs varve) -o correction && ./correction my-lake
 */
#include <stdio.h>
#include <varve/market.h>

#define CLOSE_US INT64_C(1738270800000000) /* 2025-01-30T21:00:00Z */

static varve_status write_pnl(varve_table *table, double pnl, const char *why,
    varve_upsert_result *result, varve_error *error)
{
    varve_performance row = VARVE_PERFORMANCE_INIT;
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    row.timestamp = CLOSE_US;
    row.strategy_id = "iron_condor_1";
    row.total_pnl = pnl;
    options.message = why;
    return varve_table_upsert_performance(table, &row, 1, &options, result, error);
}

/* The P&L as of a version, or the latest where `at` is NULL. */
static varve_status show_pnl(varve_table *table, const char *at, varve_error *error)
{
    varve_scan_options options = VARVE_SCAN_OPTIONS_INIT;
    struct ArrowArrayStream stream;
    varve_performance *rows = NULL;
    size_t len = 0;
    options.at = at;
    varve_status status = varve_table_scan(table, &options, &stream, error);
    if (status == VARVE_OK)
        status = varve_read_performance(&stream, &rows, &len, error);
    for (size_t i = 0; status == VARVE_OK && i < len; i++)
        printf("%s: %s %.2f\n", at ? at : "now", rows[i].strategy_id, rows[i].total_pnl);
    varve_free(rows);
    return status;
}

/* The same by SQL: both versions in one statement. */
static varve_status show_difference(varve_lake *lake, varve_error *error)
{
    static const char sql[] =
        "SELECT now.strategy_id, now.total_pnl - was.total_pnl AS total_pnl "
        "FROM performance_metrics AS now "
        "JOIN performance_metrics AS was AT (VERSION => 1) USING (timestamp, strategy_id)";
    struct ArrowArrayStream stream;
    varve_performance *rows = NULL;
    size_t len = 0;
    varve_status status = varve_lake_query(lake, sql, NULL, &stream, error);
    if (status == VARVE_OK)
        status = varve_read_performance(&stream, &rows, &len, error);
    for (size_t i = 0; status == VARVE_OK && i < len; i++)
        printf("corrected by %.2f\n", rows[i].total_pnl);
    varve_free(rows);
    return status;
}

static varve_status run(varve_lake *lake, varve_table **table, varve_error *error)
{
    varve_upsert_result first;
    varve_upsert_result second;
    varve_status status = varve_lake_init(lake, NULL, NULL, error);
    if (status == VARVE_OK)
        status = varve_table_open(lake, "performance_metrics", table, error);
    if (status == VARVE_OK)
        status = write_pnl(*table, 120.5, "end of day", &first, error);
    if (status == VARVE_OK)
        status = write_pnl(*table, 118.25, "late fill", &second, error);
    if (status != VARVE_OK)
        return status;
    printf("version %lld inserted, version %lld updated\n", (long long)first.version,
        (long long)second.version);
    status = show_pnl(*table, "1", error);
    if (status == VARVE_OK)
        status = show_pnl(*table, NULL, error);
    return status == VARVE_OK ? show_difference(lake, error) : status;
}

int main(int argc, char **argv)
{
    varve_lake_options options = VARVE_LAKE_OPTIONS_INIT;
    varve_lake *lake = NULL;
    varve_table *table = NULL;
    varve_error error;
    options.create = 1;
    varve_status status = varve_lake_open(argc > 1 ? argv[1] : "lake", &options, &lake, &error);
    if (status == VARVE_OK)
        status = run(lake, &table, &error);
    if (status != VARVE_OK)
        fprintf(stderr, "correction: %s\n", error.message);
    varve_table_close(table);
    varve_lake_close(lake);
    return (int)status;
}
