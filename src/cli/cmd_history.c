#include "cli/commands.h"
#include "varve/audit.h"

static const char *const box_columns[] = {
    "version", "timestamp", "userName", "operation", "rows", "files", "userMetadata", NULL};
static const char *const hides[] = {"files", "rows", NULL};
static const char *const json_columns[] = {"operationParameters", "operationMetrics", NULL};
const struct vv_show vv_history_show = {
    .box_columns = box_columns, .box_hides = hides, .json_columns = json_columns};

struct history_values {
    struct vv_integer limit;
};

static const struct vv_option options[] = {
    {.name = "limit",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .least = 1,
        .most = INT64_MAX,
        .help = "only the newest N",
        .offset = offsetof(struct history_values, limit)},
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct history_values *values = given;
    struct ArrowArrayStream rows = {0};
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_history_at(cli->lake, vv_cli_argument(cli, 0), cli->globals.at,
        values->limit.value, &rows, &cli->error));
    return vv_show_rows(cli, &rows, &vv_history_show, NULL);
}

const struct vv_command vv_cmd_history = {
    .name = "history",
    .summary = "the operations on a table, newest first",
    .arguments = "TABLE",
    .examples = "varve history signals --limit 10\n"
                "varve history signals --at 1\n"
                "varve history signals --format ndjson",
    .text = "One row a version: when, who, what, how many rows and files, and the message\n"
            "given with it. A terminal shows the main columns; csv, json and ndjson have\n"
            "all, with the operation's parameters and metrics. --at ends it at a version, a\n"
            "time or a tag: what is damaged behind that does no harm.",
    VV_OPTIONS(options, struct history_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .run = run,
};
