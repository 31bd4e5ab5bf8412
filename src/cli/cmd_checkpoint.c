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
    varve_checkpoint_result result;
    (void)given;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(varve_table_checkpoint(table, &result, &cli->error));
    if (cli->globals.json) {
        vv_text_adds(&line, "{\"table\":");
        vv_text_add_json(&line, name, strlen(name));
        vv_text_addf(&line,
            ",\"version\":%lld,\"commits_cleaned\":%lld,\"commits_kept\":%lld}\n",
            (long long)result.version, (long long)result.commits_cleaned,
            (long long)result.commits_kept);
        return vv_show_result(cli, vv_text_chars(&line), line.len);
    }
    vv_say(cli, "checkpoint of %s at version %lld", name, (long long)result.version);
    if (result.commits_cleaned > 0)
        vv_say(cli,
            "%lld commits older than delta.logRetentionDuration left the log, which begins\n"
            "at version %lld; the ledger keeps their history",
            (long long)result.commits_cleaned, (long long)result.log_first_version);
    return VARVE_OK;
}

const struct vv_command vv_cmd_checkpoint = {
    .name = "checkpoint",
    .summary = "write a checkpoint of a table now",
    .arguments = "TABLE",
    .examples = "varve checkpoint signals",
    .text = "Checkpoints are written by themselves every delta.checkpointInterval versions;\n"
            "where that is not set every 10, and the more seldom the more files a table has\n"
            "(640 with a million). With one, opening a table reads it and the commits after\n"
            "it instead of the whole log.\n"
            "\n"
            "Commits older than delta.logRetentionDuration then leave the log, unless\n"
            "delta.enableExpiredLogCleanup is false. The ledger (_varve/ledger) has their\n"
            "bytes before: history and old versions stay, as long as the data files do.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "",
    .run = run,
};
