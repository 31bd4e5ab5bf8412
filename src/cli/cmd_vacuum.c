#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "varve/maintain.h"

struct vacuum_values {
    const char *retain;
    bool dry_run;
    bool yes;
    bool lite;
    bool unsafe;
};

#define AT(member) offsetof(struct vacuum_values, member)

static const struct vv_option options[] = {
    {.name = "retain",
        .kind = VV_OPTION_TEXT,
        .value = "SPAN",
        .help = "keep what was removed from the table since, such as 168h or 30d (default: "
                "delta.deletedFileRetentionDuration)",
        .offset = AT(retain)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "say what would go, and remove nothing: what happens without --yes",
        .offset = AT(dry_run)},
    {.name = "yes", .kind = VV_OPTION_FLAG, .help = "remove", .offset = AT(yes)},
    {.name = "lite",
        .kind = VV_OPTION_FLAG,
        .help = "look only for files that the log names, without listing the folder",
        .offset = AT(lite)},
    {.name = "unsafe",
        .kind = VV_OPTION_FLAG,
        .help = "let --retain go below what the table promises",
        .offset = AT(unsafe)},
};

static varve_status show_json(struct vv_cli *cli, const char *name, bool removed,
    const varve_vacuum_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line,
        ",\"version\":%" PRId64 ",\"removed\":%s,\"files\":%" PRId64 ",\"bytes\":%" PRId64
        ",\"readable_version\":",
        result->version, removed ? "true" : "false", result->files, result->bytes);
    if (result->readable_version < 0)
        vv_text_adds(&line, "null}\n");
    else
        vv_text_addf(&line, "%" PRId64 "}\n", result->readable_version);
    return vv_show_result(cli, line.ptr, line.len);
}

static void say(const struct vv_cli *cli, const char *name, bool removed,
    const varve_vacuum_result *result)
{
    vv_say(cli, "%s: %" PRId64 " file%s (%s) %s", name, result->files,
        vv_text_plural(result->files), vv_text_size(result->bytes).chars,
        removed ? "removed" : "would go; nothing was removed");
    if (result->readable_version >= 0)
        vv_say(cli, "all versions from %" PRId64 " on can %sbe read; of those before, not all",
            result->readable_version, removed ? "" : "then ");
    if (!removed && result->files > 0)
        vv_say(cli, "to remove them: varve vacuum %s --yes, with the same options", name);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct vacuum_values *values = given;
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    varve_vacuum_options vacuum = VARVE_VACUUM_OPTIONS_INIT;
    varve_vacuum_result result;
    struct ArrowArrayStream files = {0};
    bool removes = values->yes && !values->dry_run;
    vacuum.retain = values->retain;
    vacuum.remove = removes;
    vacuum.lite = values->lite;
    vacuum.unsafe = values->unsafe;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(varve_table_vacuum(table, &vacuum, &result, cli->globals.json ? NULL : &files,
        &cli->error));
    vv_progress_clear(cli);
    if (cli->globals.json)
        return show_json(cli, name, removes, &result);
    VV_TRY(vv_show_rows(cli, &files, NULL, NULL));
    say(cli, name, removes, &result);
    return VARVE_OK;
}

const struct vv_command vv_cmd_vacuum = {
    .name = "vacuum",
    .summary = "remove files that no kept version needs",
    .arguments = "TABLE",
    .examples = "varve vacuum signals\n"
                "varve vacuum signals --retain 500d --yes\n"
                "varve vacuum signals --lite --json",
    .text = "Without --yes it only lists what would go, and says from which version on all\n"
            "could then be read. What goes: files that were removed from the table longer\n"
            "ago than the retention, and leftovers of writers that died, when they are as\n"
            "old. Varve's tables promise 400 days where init was not told otherwise.",
    VV_OPTIONS(options, struct vacuum_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .run = run,
};
