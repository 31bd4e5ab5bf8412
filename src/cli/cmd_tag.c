/* tag and hold: two names for pins of two kinds. */
#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "varve/pin.h"

struct no_values {
    char nothing;
};

struct words {
    int32_t kind;
    const char *command, *make, *drop;
};

static const struct words tag_words = {VARVE_PIN_TAG, "tag", "create", "drop"};
static const struct words hold_words = {VARVE_PIN_HOLD, "hold", "add", "release"};

static varve_status show_done(struct vv_cli *cli, const char *name, const char *done,
    int64_t tables)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    if (!cli->globals.json) {
        vv_say(cli, "%s: %s in %" PRId64 " table%s", name, done, tables,
            vv_text_plural(tables));
        return VARVE_OK;
    }
    vv_text_adds(&line, "{\"name\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line, ",\"tables\":%" PRId64 "}\n", tables);
    return vv_show_result(cli, line.ptr, line.len);
}

static varve_status make(struct vv_cli *cli, const struct words *words)
{
    const char *name = vv_cli_argument(cli, 1);
    varve_pin_options options = VARVE_PIN_OPTIONS_INIT;
    int64_t tables = 0;
    if (name == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE, "%s %s: under which name?",
            words->command, words->make);
    options.kind = words->kind;
    options.at = cli->globals.at;
    options.tables = cli->line.arguments + 2;
    options.tables_len = cli->line.arguments_len - 2;
    VV_TRY(varve_lake_pin(cli->lake, name, &options, &tables, &cli->error));
    return show_done(cli, name, words->kind == VARVE_PIN_TAG ? "tagged" : "held", tables);
}

static varve_status drop(struct vv_cli *cli, const struct words *words)
{
    const char *name = vv_cli_argument(cli, 1);
    int64_t tables = 0;
    if (name == NULL || cli->line.arguments_len > 2)
        return vv_error_set(&cli->error, VARVE_EUSAGE, "%s %s: one name", words->command,
            words->drop);
    if (cli->said.message != NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "%s %s keeps no --message: what is given free leaves no record", words->command,
            words->drop);
    VV_TRY(varve_lake_unpin(cli->lake, name, words->kind, &tables, &cli->error));
    return show_done(cli, name, "given free", tables);
}

static varve_status list(struct vv_cli *cli, const struct words *words)
{
    struct ArrowArrayStream rows = {0};
    if (cli->line.arguments_len > 1)
        return vv_error_set(&cli->error, VARVE_EUSAGE, "%s list takes no name", words->command);
    VV_TRY(varve_lake_pins(cli->lake, words->kind, &rows, &cli->error));
    return vv_show_rows(cli, &rows, NULL, NULL);
}

static varve_status run(struct vv_cli *cli, const struct words *words)
{
    const char *verb = vv_cli_argument(cli, 0);
    VV_TRY(vv_cli_open_lake(cli, false));
    if (strcmp(verb, words->make) == 0)
        return make(cli, words);
    if (strcmp(verb, words->drop) == 0)
        return drop(cli, words);
    if (strcmp(verb, "list") == 0)
        return list(cli, words);
    return vv_error_set(&cli->error, VARVE_EUSAGE, "%s %s: say %s, list or %s", words->command,
        verb, words->make, words->drop);
}

static varve_status run_tag(struct vv_cli *cli, const void *given)
{
    (void)given;
    return run(cli, &tag_words);
}

static varve_status run_hold(struct vv_cli *cli, const void *given)
{
    (void)given;
    return run(cli, &hold_words);
}

const struct vv_command vv_cmd_tag = {
    .name = "tag",
    .summary = "pin a version of all tables under a name",
    .arguments = "create|list|drop [NAME [TABLE...]]",
    .examples = "varve tag create q3 --message 'model of the third quarter'\n"
                "varve tag list\n"
                "varve tag drop q3",
    .text = "A tag keeps one version of each table readable: the latest, or that of --at.\n"
            "vacuum and the clean-up of the log leave what it needs. --at NAME and, in\n"
            "SQL, AT (VERSION => 'NAME') read it. Names begin with a letter. Other\n"
            "software does not know tags: its vacuum takes what is older than the table's\n"
            "retention.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = UINT32_MAX,
    .reads_at = true,
    .sums_up = "create|drop",
    .run = run_tag,
};

const struct vv_command vv_cmd_hold = {
    .name = "hold",
    .summary = "keep all versions from one on, until it is released",
    .arguments = "add|list|release [NAME [TABLE...]]",
    .examples = "varve hold add audit-2025 --message 'request of the auditor'\n"
                "varve hold list\n"
                "varve hold release audit-2025",
    .text = "A hold keeps every version of each table readable from the latest on, or\n"
            "from that of --at: whatever the retention, vacuum and the clean-up of the\n"
            "log leave what they need. Other software does not know holds.",
    .options_bytes = sizeof(struct no_values),
    .arguments_least = 1,
    .arguments_most = UINT32_MAX,
    .reads_at = true,
    .sums_up = "add|release",
    .run = run_hold,
};
