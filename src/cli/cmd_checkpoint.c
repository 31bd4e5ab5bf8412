#include <string.h>

#include "cli/commands.h"

struct no_values {
    char nothing;
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    const char *name = vv_cli_argument(cli, 0);
    int64_t version = 0;
    (void)given;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(varve_table_checkpoint(table, &version, &cli->error));
    if (cli->globals.json) {
        vv_text_adds(&line, "{\"table\":");
        vv_text_add_json(&line, name, strlen(name));
        vv_text_addf(&line, ",\"version\":%lld}\n", (long long)version);
    } else {
        vv_text_addf(&line, "checkpoint of %s at version %lld\n", name, (long long)version);
    }
    return vv_show_text(cli, vv_text_chars(&line), line.len);
}

const struct vv_command vv_cmd_checkpoint = {
    .name = "checkpoint",
    .summary = "write a checkpoint of a table now",
    .arguments = "TABLE",
    .examples = "varve checkpoint signals",
    .text =
        "Checkpoints are written by themselves every delta.checkpointInterval versions (10\n"
        "where the property is not set): with one, opening a table reads it and the commits\n"
        "after it instead of the whole log.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .run = run,
};
