#include "cli/commands.h"

struct latest_values {
    const char *by;
    const char *until;
};

#define AT(member) offsetof(struct latest_values, member)

static const struct vv_option options[] = {
    {.name = "by",
        .kind = VV_OPTION_TEXT,
        .value = "COLUMN",
        .help = "one row for each of its values (default: the key without its time)",
        .offset = AT(by)},
    {.name = "until",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "only rows up to that time, included",
        .offset = AT(until)},
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct latest_values *values = given;
    varve_latest_options latest = VARVE_LATEST_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    latest.by = values->by;
    latest.until = values->until;
    latest.at = cli->globals.at;
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 0), &table));
    VV_TRY(varve_table_latest(table, &latest, &rows, &cli->error));
    return vv_show_rows(cli, &rows, NULL, NULL);
}

const struct vv_command vv_cmd_latest = {
    .name = "latest",
    .summary = "the newest row of each symbol or strategy",
    .arguments = "TABLE",
    .examples = "varve latest market_regimes\n"
                "varve latest performance_metrics --until 2025-01-30T15:00:00Z",
    .text = "The newest row by event time for each symbol, strategy or whatever else the\n"
            "table's key holds beside the time. Where there is no time, a date in the key\n"
            "counts as its first instant, UTC. --at reads the table as it was then.",
    VV_OPTIONS(options, struct latest_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
