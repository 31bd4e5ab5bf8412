/*
 * The demonstration, step by step: for each a sentence, the command that a user would type, and
 * what came of it. All on stdout, readable at 80 columns.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/demo.h"
#include "cli/json_view.h"
#include "varve/audit.h"
#include "varve/inspect.h"
#include "varve/quarantine.h"
#include "varve/report.h"

#define WIDTH 80
#define ROWS_SHOWN 6

static void print(const char *format, ...) VV_PRINTF(1, 2);
static void print(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
}

static void step(int number, const char *sentence)
{
    print("\n%d. %s\n", number, sentence);
}

/* What a user would type; `rest` follows "varve --lake FOLDER". */
static void command(const struct vv_demo *demo, const char *format, ...) VV_PRINTF(2, 3);
static void command(const struct vv_demo *demo, const char *format, ...)
{
    va_list arguments;
    print("   $ %s --lake %s ", demo->cli->program, demo->folder);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    print("\n");
}

static void print_result(const varve_upsert_result *result)
{
    print("   %" PRId64 " row%s in: %" PRId64 " inserted, %" PRId64 " updated, %" PRId64
          " unchanged, %" PRId64 " stale, %" PRId64 " doubled,\n   %" PRId64
          " rejected; %" PRId64 " written, the table is at version %" PRId64 "\n",
        result->rows_in, vv_text_plural(result->rows_in), result->inserted, result->updated,
        result->unchanged, result->stale, result->duplicates_in_batch, result->rejected,
        result->rows_written, result->version);
}

static varve_status show_as(struct vv_demo *demo, struct ArrowArrayStream *rows,
    const struct vv_show *how)
{
    struct vv_render_options options = {.format = VV_FORMAT_BOX,
        .box_columns = how->box_columns,
        .all_columns = "--format csv",
        .box_hides = how->box_hides,
        .box_keeps = how->box_keeps,
        .width = WIDTH,
        .rows_max = ROWS_SHOWN,
        .utf8 = vv_terminal_is_utf8()};
    int64_t count = 0;
    return vv_render(rows, &options, stdout, &count, &demo->cli->error);
}

static varve_status show(struct vv_demo *demo, struct ArrowArrayStream *rows,
    const char *const *columns)
{
    return show_as(demo, rows, &(struct vv_show){.box_columns = columns});
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static varve_status make_lake(struct vv_demo *demo)
{
    struct vv_cli *cli = demo->cli;
    step(1, "A fresh lake with the three market tables: keys, order column, constraints.");
    command(demo, "init");
    VV_TRY(vv_cli_open_lake(cli, true));
    VV_TRY(varve_lake_init(cli->lake, NULL, NULL, &cli->error));
    for (size_t i = 0; i < VV_DEMO_TABLES; i++) {
        VV_TRY(varve_table_open(cli->lake, vv_demo_names[i], &demo->tables[i], &cli->error));
        print("   created %s\n", vv_demo_names[i]);
    }
    return VARVE_OK;
}

static varve_status load_days(struct vv_demo *demo)
{
    struct timespec start;
    step(2, "Thirty simulated trading days come in, a batch a day and table. As in real\n"
            "   feeds rows come late, twice, or are corrected: of one key the newest stays.");
    print("   $ %s simulate --days %d --seed %d --table signals |\n"
          "       %s --lake %s upsert signals -\n",
        demo->cli->program, VV_DEMO_DAYS, VV_DEMO_SEED, demo->cli->program, demo->folder);
    (void)fflush(stdout);
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    VV_TRY(vv_demo_load(demo));
    print("   %-20s %8s %9s %8s %10s %6s %8s\n", "table", "rows in", "inserted", "updated",
        "unchanged", "stale", "doubled");
    for (size_t i = 0; i < VV_DEMO_TABLES; i++) {
        const varve_upsert_result *total = &demo->totals[i];
        print("   %-20s %8" PRId64 " %9" PRId64 " %8" PRId64 " %10" PRId64 " %6" PRId64
              " %8" PRId64 "\n",
            vv_demo_names[i], total->rows_in, total->inserted, total->updated, total->unchanged,
            total->stale, total->duplicates_in_batch);
    }
    print("   %" PRId64 " commits in %.1f s, every one synced to the disk; %s to %s\n",
        demo->commits, seconds_since(&start), demo->first_day, demo->last_day);
    return VARVE_OK;
}

static varve_status repeat_batch(struct vv_demo *demo)
{
    varve_upsert_result result = {0};
    step(3, "The last day's batch once more, as after a crash: nothing is written.");
    command(demo, "upsert market_regimes \\\n       %s/market_regimes.ndjson", demo->files.ptr);
    VV_TRY(vv_demo_upsert(demo, VV_DEMO_REGIMES, "market_regimes.ndjson", "the batch again",
        &result));
    print_result(&result);
    return VARVE_OK;
}

/* The row that was kept from the feed, with another vix and with no ingested_at of its own. */
static varve_status write_correction(struct vv_demo *demo, const struct vv_node *row)
{
    static const char *const names[] = {"timestamp", "symbol", "regime", "vix",
        "put_call_ratio", "futures_trend", "confidence", "model_version", "source"};
    struct vv_text head VV_CLEANUP(vv_text_done) = {0};
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    for (size_t i = 0; i < VV_COUNT(names); i++) {
        bool is_vix = strcmp(names[i], "vix") == 0;
        const char *value = is_vix ? "31.5" : vv_node_chars(vv_node_get(row, names[i]));
        vv_text_addf(&head, "%s%s", i > 0 ? "," : "", names[i]);
        vv_text_adds(&line, i > 0 ? "," : "");
        vv_csv_add_field(&line, value, strlen(value));
    }
    vv_text_addf(&head, "\n%s\n", vv_text_chars(&line));
    return vv_demo_write(demo, "correction.csv", vv_text_chars(&head));
}

static varve_status correct_row(struct vv_demo *demo, const struct vv_node *row,
    int64_t *out_version)
{
    varve_upsert_result result = {0};
    step(4, "The exchange corrects one value: the row with that key is replaced.");
    command(demo, "upsert market_regimes \\\n       %s/correction.csv --message 'vix revised'",
        demo->files.ptr);
    VV_TRY(write_correction(demo, row));
    VV_TRY(vv_demo_upsert(demo, VV_DEMO_REGIMES, "correction.csv", "vix revised", &result));
    print_result(&result);
    *out_version = result.version;
    return VARVE_OK;
}

static varve_status older_row(struct vv_demo *demo)
{
    varve_upsert_result result = {0};
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    step(5, "The old row is delivered again, after its correction: it is stale, skipped.");
    command(demo, "upsert market_regimes %s/older.ndjson", demo->files.ptr);
    vv_text_addf(&line, "%s\n", vv_text_chars(&demo->line));
    VV_TRY(vv_demo_write(demo, "older.ndjson", vv_text_chars(&line)));
    VV_TRY(vv_demo_upsert(demo, VV_DEMO_REGIMES, "older.ndjson", "an older row", &result));
    print_result(&result);
    return VARVE_OK;
}

static varve_status late_row(struct vv_demo *demo)
{
    varve_upsert_result result = {0};
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    step(6, "A row of the first day arrives now, weeks late: it goes into its own day.");
    command(demo, "upsert signals %s/late.csv", demo->files.ptr);
    vv_text_addf(&line,
        "timestamp,strategy_id,signal_type,signal_value,acted_upon,regime\n"
        "%sT22:00:00Z,iron_condor_1,ml_entry,0.97,false,bullish_low\n",
        demo->first_day);
    VV_TRY(vv_demo_write(demo, "late.csv", vv_text_chars(&line)));
    VV_TRY(vv_demo_upsert(demo, VV_DEMO_SIGNALS, "late.csv", "a late row", &result));
    print_result(&result);
    print("   files: %" PRId64 " added, %" PRId64 " removed\n", result.files_added,
        result.files_removed);
    return VARVE_OK;
}

static varve_status bad_rows(struct vv_demo *demo)
{
    static const char *const columns[] = {"line", "column", "value", "values", NULL};
    varve_upsert_options options = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result = {0};
    struct ArrowArrayStream rows = {0};
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    varve_table *signals = demo->tables[VV_DEMO_SIGNALS];
    step(7, "Two of three rows break a rule of the table. They are set aside with their\n"
            "   reasons; the good one goes on.");
    command(demo, "upsert signals %s/bad.csv --quarantine", demo->files.ptr);
    vv_text_addf(&line,
        "timestamp,strategy_id,signal_type,signal_value,acted_upon\n"
        "%sT22:01:00Z,iron_condor_1,ml_entry,0.5,false\n"
        "%sT22:02:00Z,iron_condor_1,ml_entry,high,false\n"
        "%sT22:03:00Z,iron_condor_1,gut_feeling,0.5,false\n",
        demo->first_day, demo->first_day, demo->first_day);
    VV_TRY(vv_demo_write(demo, "bad.csv", vv_text_chars(&line)));
    options.quarantine = 1;
    VV_TRY(vv_demo_upsert_with(demo, VV_DEMO_SIGNALS, "bad.csv", &options, &result));
    print_result(&result);
    command(demo, "quarantine show signals");
    VV_TRY(varve_table_quarantine_show(signals, NULL, &rows, &demo->cli->error));
    return show(demo, &rows, columns);
}

static varve_status report(struct vv_demo *demo)
{
    static const char *const regimes[] = {
        "regime", "rows", "strategies", "pnl_change", "hit_rate", NULL};
    static const char *const signals[] = {
        "timestamp", "strategy_id", "signal_type", "signal_value", "regime", NULL};
    struct ArrowArrayStream rows = {0};
    varve_correlate_options correlate = VARVE_CORRELATE_OPTIONS_INIT;
    varve_signals_options missed = VARVE_SIGNALS_OPTIONS_INIT;
    step(10, "P&L by market regime: each row with the regime that was known at its time.");
    command(demo, "correlate --last 60d");
    correlate.last = "60d";
    VV_TRY(varve_lake_correlate(demo->cli->lake, &correlate, &rows, NULL, &demo->cli->error));
    VV_TRY(show(demo, &rows, regimes));
    step(11, "Strong signals that nobody acted upon.");
    command(demo, "signals missed --min-value 0.9");
    missed.report = VARVE_SIGNALS_MISSED;
    missed.min_value = 0.9;
    missed.min_value_set = 1;
    VV_TRY(varve_lake_signals(demo->cli->lake, &missed, &rows, &demo->cli->error));
    return show(demo, &rows, signals);
}

static varve_status ask(struct vv_demo *demo)
{
    struct vv_cli *cli = demo->cli;
    struct ArrowArrayStream rows = {0};
    varve_range_options range = VARVE_RANGE_OPTIONS_INIT;
    step(8, "The latest state of each symbol.");
    command(demo, "latest market_regimes");
    VV_TRY(varve_table_latest(demo->tables[VV_DEMO_REGIMES], NULL, &rows, &cli->error));
    VV_TRY(show(demo, &rows, NULL));
    step(9, "The last week of SPY.");
    command(demo, "range market_regimes --symbol SPY --last 7d");
    range.symbol = "SPY";
    range.last = "7d";
    VV_TRY(varve_table_range(demo->tables[VV_DEMO_REGIMES], &range, &rows, NULL, &cli->error));
    return show(demo, &rows, NULL);
}

/* What a correction changed: two versions of one table in one statement. */
static varve_status travel_by_sql(struct vv_demo *demo, int64_t version)
{
    struct vv_text sql VV_CLEANUP(vv_text_done) = {0};
    struct ArrowArrayStream rows = {0};
    step(13, "The same question in SQL: what did that correction change?");
    vv_text_addf(&sql,
        "SELECT timestamp, symbol, o.vix AS before, n.vix AS after\n"
        "       FROM market_regimes AS n AT (VERSION => %" PRId64 ")\n"
        "       JOIN market_regimes AS o AT (VERSION => %" PRId64 ")\n"
        "       USING (timestamp, symbol) WHERE n.vix <> o.vix",
        version, version - 1);
    command(demo, "query \\\n      \"%s\"", vv_text_chars(&sql));
    VV_TRY(varve_lake_query(demo->cli->lake, vv_text_chars(&sql), NULL, &rows,
        &demo->cli->error));
    return show(demo, &rows, NULL);
}

static varve_status travel(struct vv_demo *demo, const struct vv_node *row, int64_t version)
{
    static const char columns[] = "timestamp,symbol,vix,ingested_at";
    const char *timestamp = vv_node_chars(vv_node_get(row, "timestamp"));
    struct ArrowArrayStream rows = {0};
    varve_scan_options scan = VARVE_SCAN_OPTIONS_INIT;
    struct vv_text where VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&where, "symbol = 'SPY' AND timestamp = '%s'", timestamp);
    scan.columns = columns;
    scan.where = vv_text_chars(&where);
    step(12, "Time travel: the corrected row as it was before, and as it is now.");
    for (int64_t at = version - 1; at <= version; at++) {
        char number[24];
        (void)snprintf(number, sizeof(number), "%" PRId64, at);
        scan.at = number;
        command(demo,
            "scan market_regimes --version %s \\\n       --columns %s \\\n"
            "       --where \"%s\"",
            number, columns, scan.where);
        VV_TRY(varve_table_scan(demo->tables[VV_DEMO_REGIMES], &scan, &rows,
            &demo->cli->error));
        VV_TRY(show(demo, &rows, NULL));
    }
    return VARVE_OK;
}

static varve_status history(struct vv_demo *demo)
{
    struct ArrowArrayStream rows = {0};
    step(14, "Who changed what, and when.");
    command(demo, "history market_regimes --limit 5");
    VV_TRY(varve_table_history(demo->tables[VV_DEMO_REGIMES], 5, &rows, &demo->cli->error));
    return show_as(demo, &rows, &vv_history_show);
}

static varve_status row_history(struct vv_demo *demo, const struct vv_node *row)
{
    const char *timestamp = vv_node_chars(vv_node_get(row, "timestamp"));
    struct vv_text at VV_CLEANUP(vv_text_done) = {0};
    struct ArrowArrayStream rows = {0};
    vv_text_addf(&at, "timestamp=%s", timestamp);
    const char *const key[] = {vv_text_chars(&at), "symbol=SPY"};
    step(15, "The history of the corrected row alone: before and after, who and why.");
    command(demo, "trace market_regimes \\\n       %s %s", key[0], key[1]);
    VV_TRY(varve_table_trace(demo->tables[VV_DEMO_REGIMES], key, 2, &rows, &demo->cli->error));
    return show_as(demo, &rows, &vv_trace_show);
}

/* A lake that is not whole would be a defect: its report is shown all the same. */
static varve_status prove(struct vv_demo *demo)
{
    char *report VV_CLEANUP(vv_chars_cleanup) = NULL;
    varve_verify_options verify = VARVE_VERIFY_OPTIONS_INIT;
    varve_verify_result result;
    verify.deep = 1;
    step(16, "Has anybody altered a commit or a data file since?");
    command(demo, "verify market_regimes --deep");
    VV_TRY(varve_lake_verify(demo->cli->lake, "market_regimes", &verify, &result, &report,
        &demo->cli->error));
    vv_progress_clear(demo->cli);
    print("%s", report);
    return result.whole ? VARVE_OK
                        : vv_error_set(&demo->cli->error, VARVE_EVERIFY,
                              "the lake of the demonstration is not whole");
}

static void what_next(const struct vv_demo *demo)
{
    print("\nThe lake stays in %s, readable by any Delta engine. Try next:\n\n", demo->folder);
    command(demo, "tables");
    command(demo, "describe signals");
    command(demo, "latest performance_metrics --format json");
    command(demo,
        "query \\\n      \"SELECT strategy_id, max(total_pnl) FROM performance_metrics "
        "GROUP BY 1\"");
    command(demo, "history signals --format ndjson");
    print("   $ %s help\n", demo->cli->program);
}

static varve_status run_steps(struct vv_demo *demo)
{
    struct vv_node row = {0};
    int64_t version = 0;
    VV_TRY(make_lake(demo));
    VV_TRY(load_days(demo));
    VV_TRY(repeat_batch(demo));
    if (!vv_node_read(demo->line.ptr, demo->line.len, &row))
        return vv_error_set(&demo->cli->error, VARVE_EFAILED, "the feed gave no row of SPY");
    varve_status status = correct_row(demo, &row, &version);
    if (status == VARVE_OK)
        status = older_row(demo);
    if (status == VARVE_OK)
        status = late_row(demo);
    if (status == VARVE_OK)
        status = bad_rows(demo);
    if (status == VARVE_OK)
        status = ask(demo);
    if (status == VARVE_OK)
        status = report(demo);
    if (status == VARVE_OK)
        status = travel(demo, &row, version);
    if (status == VARVE_OK)
        status = travel_by_sql(demo, version);
    if (status == VARVE_OK)
        status = history(demo);
    if (status == VARVE_OK)
        status = row_history(demo, &row);
    if (status == VARVE_OK)
        status = prove(demo);
    vv_node_done(&row);
    if (status == VARVE_OK)
        what_next(demo);
    return status;
}

varve_status vv_demo_run(struct vv_cli *cli, const char *folder)
{
    struct vv_demo demo = {.cli = cli, .folder = folder};
    VV_TRY(vv_demo_folder_prepare(folder, &cli->error));
    cli->globals.lake = folder;
    vv_text_addf(&demo.files, "%s/_demo", folder);
    (void)vv_text_chars(&demo.files);
    print("Varve %s: a demonstration in %s\n", varve_version(), folder);
    varve_status status = run_steps(&demo);
    for (size_t i = 0; i < VV_DEMO_TABLES; i++)
        varve_table_close(demo.tables[i]);
    vv_text_done(&demo.files);
    vv_text_done(&demo.line);
    if (status != VARVE_OK)
        return status;
    return vv_show_text(cli, "", 0);
}
