#include "cli/commands.h"
#include "varve/inspect.h"

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    static const char *const columns[] = {
        "path", "rows", "bytes", "added_version", "min", "max", NULL};
    static const char *const json[] = {"partition", "min", "max", NULL};
    const struct vv_show show = {.box_columns = columns, .json_columns = json};
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct ArrowArrayStream rows = {0};
    (void)given;
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 0), &table));
    VV_TRY(varve_table_files(table, cli->globals.at, &rows, &cli->error));
    return vv_show_rows(cli, &rows, &show, NULL);
}

const struct vv_command vv_cmd_files = {
    .name = "files",
    .summary = "the data files of a table, with what the log knows of them",
    .arguments = "TABLE",
    .examples = "varve files signals\n"
                "varve files signals --at 0 --format ndjson",
    .text = "path as in the log, partition, bytes, rows (those that a deletion vector\n"
            "deletes are in `deleted`), least and greatest key as far as known, the version\n"
            "that added the file, and when. A checkpoint does not say the version: then it is\n"
            "looked for in the thousand commits before, and empty where it is older or gone;\n"
            "varve why finds the commit of a file, however old.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
