#include "cli/commands.h"
#include "varve/inspect.h"

static const char *const json_columns[] = {"before", "after", NULL};
/* The version says when; what it was before follows from the line above. */
static const char *const hides[] = {"timestamp", NULL};
static const char *const keeps[] = {
    "version", "change", "operation", "userName", "userMetadata", "after", "before", NULL};
const struct vv_show vv_trace_show = {
    .box_hides = hides, .box_keeps = keeps, .json_columns = json_columns};

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct ArrowArrayStream rows = {0};
    int64_t count = 0;
    (void)given;
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 0), &table));
    VV_TRY(varve_table_trace_at(table, cli->globals.at, cli->line.arguments + 1,
        cli->line.arguments_len - 1, &rows, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows, &vv_trace_show, &count));
    if (count == 0)
        vv_say(cli,
            "%s: no version that can be told brought, changed or took such a row; whether the "
            "table has it, varve scan %s --where tells",
            vv_cli_argument(cli, 0), vv_cli_argument(cli, 0));
    return VARVE_OK;
}

const struct vv_command vv_cmd_trace = {
    .name = "trace",
    .summary = "the history of one row: before and after, who, when, why",
    .arguments = "TABLE COLUMN=VALUE...",
    .examples = "varve trace market_regimes timestamp=2025-01-30T10:00:00Z symbol=SPY\n"
                "varve trace market_regimes timestamp=2025-01-30T10:00:00Z symbol=SPY --at 1",
    .text = "A value for each column of the key. One line a version that changed the row:\n"
            "insert, update or delete, by whom, when, by which operation and with which\n"
            "message; of an update, before and after of the columns that changed.\n"
            "Compaction is no change.\n"
            "\n"
            "Columns are those of the latest version. --at ends it at a version, a time or\n"
            "a tag: what is damaged behind that does no harm. Only files that may hold the\n"
            "row are read, those of old versions too. What a vacuum took can't be told; then\n"
            "a warning says of which versions.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = UINT32_MAX,
    .reads_at = true,
    .run = run,
};
