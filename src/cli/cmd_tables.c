#include "cli/commands.h"

struct no_values {
    char nothing;
};

static const char *const box_columns[] = {"table", "rows", "version", "last_commit", "files",
    "bytes", "key", "location", "error", NULL};

static varve_status run(struct vv_cli *cli, const void *given)
{
    struct ArrowArrayStream rows = {0};
    struct vv_show show = {.box_columns = box_columns};
    (void)given;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_tables(cli->lake, &rows, &cli->error));
    return vv_show_rows(cli, &rows, &show, NULL);
}

const struct vv_command vv_cmd_tables = {
    .name = "tables",
    .summary = "the tables of the lake",
    .arguments = "",
    .examples = "varve tables\n"
                "varve --lake data/demo tables --json",
    .text = "One row a table: version, files, rows, bytes, last commit, key, location, and of\n"
            "one that cannot be read the error.",
    .options_bytes = sizeof(struct no_values),
    .run = run,
};
