#include "cli/commands.h"
#include "varve/explain.h"

struct scan_values {
    const char *columns;
    const char *where;
    const char *version;
    const char *timestamp;
    struct vv_integer limit;
    bool explain;
};

#define AT(member) offsetof(struct scan_values, member)

static const struct vv_option options[] = {
    {.name = "columns",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "only these columns",
        .offset = AT(columns)},
    {.name = "where",
        .kind = VV_OPTION_TEXT,
        .value = "SQL",
        .help = "only rows for which this is true",
        .offset = AT(where)},
    {.name = "version",
        .kind = VV_OPTION_TEXT,
        .value = "N",
        .help = "the table at version N",
        .offset = AT(version)},
    {.name = "timestamp",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "the table as it was then",
        .offset = AT(timestamp)},
    {.name = "limit",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .least = 1,
        .most = INT64_MAX,
        .help = "at most N rows",
        .offset = AT(limit)},
    {.name = "explain",
        .kind = VV_OPTION_FLAG,
        .help = "tell which files it would read and how, instead of reading them",
        .offset = AT(explain)},
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct scan_values *values = given;
    varve_scan_options scan = VARVE_SCAN_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    scan.columns = values->columns;
    scan.where = values->where;
    scan.limit = values->limit.value;
    VV_TRY(vv_cli_read_at(cli, values->version, values->timestamp, &scan.at));
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 0), &table));
    if (values->explain) {
        char *plan = NULL;
        VV_TRY(varve_table_explain_scan(table, &scan, &rows, &plan, &cli->error));
        return vv_show_plan(cli, &rows, plan, NULL);
    }
    VV_TRY(varve_table_scan(table, &scan, &rows, &cli->error));
    return vv_show_rows(cli, &rows, NULL, NULL);
}

const struct vv_command vv_cmd_scan = {
    .name = "scan",
    .summary = "rows of a table, now or as it was",
    .arguments = "TABLE",
    .examples = "varve scan signals --where \"signal_value > 0.8\" --limit 20\n"
                "varve scan market_regimes --version 3 --format ndjson -o regimes.ndjson\n"
                "varve scan signals --where \"date > '2025-01-30'\" --explain",
    .text = "TABLE is a name in the lake, or the path of any Delta table. Rows come in no\n"
            "particular order; varve query sorts. Files that can't hold a row for which\n"
            "--where is true are not read; --explain counts them.",
    VV_OPTIONS(options, struct scan_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
