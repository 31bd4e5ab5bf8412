#include "cli/commands.h"
#include "cli/report_say.h"
#include "cli/span.h"

struct range_values {
    const char *symbol;
    const char *strategy;
    struct vv_span_values span;
};

#define AT(member) offsetof(struct range_values, member)

static const struct vv_option options[] = {
    {.name = "symbol",
        .kind = VV_OPTION_TEXT,
        .value = "S",
        .help = "only this symbol",
        .offset = AT(symbol)},
    VV_STRATEGY_OPTION(struct range_values, strategy),
    VV_SPAN_OPTIONS(struct range_values, span, "back from now: 7d (default), 12h, 90m"),
};

/* An empty answer says where the rows are, so that nobody takes it for an empty table. */
static void say_where_rows_are(const struct vv_cli *cli, const struct range_values *values,
    int64_t newest_us)
{
    vv_say_newest(cli,
        values->symbol     ? values->symbol
        : values->strategy ? values->strategy
                           : vv_cli_argument(cli, 0),
        newest_us);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct range_values *values = given;
    varve_range_options range = VARVE_RANGE_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    int64_t newest_us = INT64_MIN, count = -1;
    VV_TRY(vv_span_check(cli, &values->span));
    range.symbol = values->symbol;
    range.strategy = values->strategy;
    range.last = values->span.last;
    range.from = values->span.from;
    range.to = values->span.to;
    range.at = cli->globals.at;
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 0), &table));
    VV_TRY(varve_table_range(table, &range, &rows, NULL, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows,
        &(struct vv_show){.plot_line = true, .plot_value = "total_pnl|signal_value|vix"},
        &count));
    if (count != 0)
        return VARVE_OK;
    /* A hint: what keeps it from being given does not make the answer, which is out, wrong. */
    bool is_quiet = cli->globals.quiet;
    cli->globals.quiet = true; /* what it warns of was told with the answer */
    varve_status status = varve_table_range(table, &range, &rows, &newest_us, &cli->error);
    cli->globals.quiet = is_quiet;
    if (status == VARVE_EINTERRUPTED)
        return status;
    if (status != VARVE_OK) {
        cli->error.code = VARVE_OK;
        return VARVE_OK;
    }
    rows.release(&rows);
    say_where_rows_are(cli, values, newest_us);
    return VARVE_OK;
}

const struct vv_command vv_cmd_range = {
    .name = "range",
    .summary = "the rows of a time range, in order of time",
    .arguments = "TABLE",
    .examples =
        "varve range market_regimes --symbol SPY --last 7d\n"
        "varve range signals --strategy iron_condor_1 --from 2025-01-01 --to 2025-02-01",
    .text = "With --plot total_pnl, signal_value, vix or the first number over time.\n"
            "Without --symbol and --strategy the rows of all. --from is included, --to not.\n"
            "Where the key has a date and no time, a row is of its day's first instant, UTC.\n"
            "Where there are no rows in the range, it says on stderr when the newest one is.",
    VV_OPTIONS(options, struct range_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
