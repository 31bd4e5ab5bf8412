#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "varve/maintain.h"

struct restore_values {
    const char *version;
    const char *timestamp;
    bool dry_run;
    bool yes;
};

#define AT(member) offsetof(struct restore_values, member)

static const struct vv_option options[] = {
    {.name = "version",
        .kind = VV_OPTION_TEXT,
        .value = "N",
        .help = "make the table what it was at version N",
        .offset = AT(version)},
    {.name = "timestamp",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "make the table what it was then; a tag: --at TAG",
        .offset = AT(timestamp)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "say what would be done, and write nothing",
        .offset = AT(dry_run)},
    {.name = "yes",
        .kind = VV_OPTION_FLAG,
        .help = "do not ask; needed where there is no terminal",
        .offset = AT(yes)},
};

static varve_status show(struct vv_cli *cli, const char *name, bool is_dry,
    const varve_restore_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_progress_clear(cli);
    if (cli->globals.json) {
        vv_text_adds(&line, "{\"table\":");
        vv_text_add_json(&line, name, strlen(name));
        vv_text_addf(&line,
            ",\"version\":%" PRId64 ",\"restored\":%" PRId64 ",\"changed\":%s"
            ",\"files_restored\":%" PRId64 ",\"files_removed\":%" PRId64
            ",\"bytes_restored\":%" PRId64 ",\"bytes_removed\":%" PRId64 "}\n",
            result->version, result->restored, result->changed ? "true" : "false",
            result->files_restored, result->files_removed, result->bytes_restored,
            result->bytes_removed);
        return vv_show_result(cli, line.ptr, line.len);
    }
    if (!result->changed)
        vv_say(cli, "%s is as it was at version %" PRId64 " already; nothing written", name,
            result->restored);
    else
        vv_say(cli,
            "%s: %s version %" PRId64 ": %" PRId64 " file%s back, %" PRId64 " gone; %s%" PRId64
            "%s",
            name, is_dry ? "to be as at" : "is as it was at", result->restored,
            result->files_restored, vv_text_plural(result->files_restored),
            result->files_removed, "version ", result->version,
            is_dry ? " (a dry run: nothing written)" : "");
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct restore_values *values = given;
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct vv_text question VV_CLEANUP(vv_text_done) = {0};
    varve_restore_options restore = VARVE_RESTORE_OPTIONS_INIT;
    varve_restore_result result;
    bool may = values->dry_run;
    VV_TRY(vv_cli_read_at(cli, values->version, values->timestamp, &restore.at));
    if (restore.at == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "restore: say --version N or --timestamp TIME (varve history %s lists them)", name);
    restore.dry_run = values->dry_run;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    if (!may) {
        vv_text_addf(&question, "Make %s what it was at %s?", name, restore.at);
        VV_TRY(vv_ask(cli, values->yes, "restore changes what everybody reads",
            vv_text_chars(&question), &may));
    }
    if (!may) {
        vv_say(cli, "nothing restored");
        return VARVE_OK;
    }
    VV_TRY(varve_table_restore(table, &restore, &result, &cli->error));
    return show(cli, name, values->dry_run, &result);
}

const struct vv_command vv_cmd_restore = {
    .name = "restore",
    .summary = "make a table what it was",
    .arguments = "TABLE",
    .examples = "varve restore signals --version 1 --dry-run\n"
                "varve restore signals --version 1 --yes --message 'bad feed since 10:31'",
    .text = "Rows, schema and properties become those of an earlier version, by a new commit:\n"
            "the versions in between stay readable, and a restore can be restored from.\n"
            "Batches with an --app-id that were applied since count as applied: their replay\n"
            "does not bring back what was taken back.",
    VV_OPTIONS(options, struct restore_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .sums_up = "",
    .run = run,
};
