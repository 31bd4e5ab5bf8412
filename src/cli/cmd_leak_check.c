#include "cli/commands.h"

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    struct ArrowArrayStream rows = {0};
    const char *known_at = cli->globals.known_at;
    (void)given;
    if (known_at == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "leak-check: what was known when? Say --known-at TIME");
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_leak_check(cli->lake, vv_cli_argument(cli, 0), known_at, &rows,
        &cli->error));
    return vv_show_rows(cli, &rows, NULL, NULL);
}

const struct vv_command vv_cmd_leak_check = {
    .name = "leak-check",
    .summary = "what a query says only because of what became known later",
    .arguments = "'SQL'",
    .examples = "varve leak-check 'SELECT symbol, regime FROM market_regimes' --known-at -1h",
    .text = "Runs the query over the tables as they were known at --known-at and as they\n"
            "are now, and shows the rows that differ: _known says on which side a row is.\n"
            "No rows mean that a test of the past with this query sees nothing that was\n"
            "not known.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_known = true,
    .run = run,
};
