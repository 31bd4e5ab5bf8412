#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "varve/alter.h"

struct alter_values {
    bool upgrade;
    bool dry_run;
};

static const struct vv_option options[] = {
    {.name = "upgrade",
        .kind = VV_OPTION_FLAG,
        .help =
            "give the table the feature that the change needs, though fewer engines have it",
        .offset = offsetof(struct alter_values, upgrade)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "say what would change, and write nothing",
        .offset = offsetof(struct alter_values, dry_run)},
};

static varve_status show_json(struct vv_cli *cli, const char *name, const char *diff,
    const varve_alter_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line, ",\"version\":%" PRId64 ",\"changed\":%s,\"diff\":[", result->version,
        result->changed ? "true" : "false");
    for (const char *from = diff; *from != '\0';) {
        size_t len = strcspn(from, "\n");
        if (from != diff)
            vv_text_addc(&line, ',');
        vv_text_add_json(&line, from, len);
        from += len + (from[len] == '\n');
    }
    vv_text_adds(&line, "]}\n");
    return vv_show_result(cli, line.ptr, line.len);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct alter_values *values = given;
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    char *diff VV_CLEANUP(vv_chars_cleanup) = NULL;
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    varve_alter_options alter = VARVE_ALTER_OPTIONS_INIT;
    varve_alter_result result;
    const varve_alter_change change = {.verb = vv_cli_argument(cli, 1),
        .words = cli->line.arguments + 2,
        .words_len = cli->line.arguments_len - 2};
    alter.upgrade = values->upgrade;
    alter.dry_run = values->dry_run;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(varve_table_alter(table, &change, &alter, &result, &diff, &cli->error));
    if (cli->globals.json)
        return show_json(cli, name, diff, &result);
    for (const char *from = diff; *from != '\0';) {
        size_t len = strcspn(from, "\n");
        vv_text_clear(&shown);
        vv_text_add_shown(&shown, from, len);
        vv_say(cli, "  %s", vv_text_chars(&shown));
        from += len + (from[len] == '\n');
    }
    vv_say(cli, "%s: %s; version %" PRId64 "%s", name,
        !result.changed   ? "it was like that already"
        : values->dry_run ? "would change"
                          : "changed",
        result.version,
        result.changed && values->dry_run ? " (a dry run: nothing written)" : "");
    return VARVE_OK;
}

const struct vv_command vv_cmd_alter = {
    .name = "alter",
    .summary = "change columns, properties and constraints of a table",
    .arguments = "TABLE VERB WORD...",
    .examples = "varve alter signals add-column 'note string after source'\n"
                "varve alter signals set delta.checkpointInterval=20\n"
                "varve alter signals add-constraint no_future \"timestamp < '2100-01-01'\"\n"
                "varve alter signals drop-constraint no_future\n"
                "varve alter signals set-default source \"'primary'\" --upgrade\n"
                "varve alter signals set 'varve.warn.weak=signal_value > 0.2'\n"
                "varve alter signals widen acted_at timestamp --dry-run",
    .text = "Each change is a commit of its own; rows and files stay as they are.\n"
            "\n"
            "  add-column 'c double [not null] [default e] [after x]'\n"
            "  rename-column OLD NEW                        set name=value ...\n"
            "  drop-column COLUMN                           unset name ...\n"
            "  move-column COLUMN [AFTER]                   add-constraint name 'expression'\n"
            "  widen COLUMN TYPE                            drop-constraint name\n"
            "  drop-not-null COLUMN                         upgrade FEATURE\n"
            "  set-default COLUMN 'expression'              drop-default COLUMN\n"
            "  cluster-by A,B | none\n"
            "\n"
            "A default is a constant or current_timestamp(), in Spark's SQL; a column that a\n"
            "write leaves out gets it, one that says NULL does not. It needs a table feature.\n"
            "Rows that are there keep what they have: NULL in a column that is new.\n"
            "\n"
            "A new constraint, varve.key or varve.partitionFrom is held against the rows that\n"
            "are there: what breaks it is named, and nothing is changed.\n"
            "\n"
            "cluster-by names up to four columns (liquid clustering) that optimize then\n"
            "orders files by. A table with partitions can't have it.\n"
            "\n"
            "Renaming and dropping need column mapping, widening needs type widening:\n"
            "features that fewer engines have. Without --upgrade the command says what it\n"
            "would cost. The verb upgrade is that word already.\n"
            "\n"
            "A property varve.warn.NAME is a rule that rejects nothing: a row for which its\n"
            "expression is not true is written and counted, in the result of the write and\n"
            "in history. Beside the columns it may name _now, when the row came, and\n"
            "_arrival, when it came to varve ingest (NULL otherwise).",
    VV_OPTIONS(options, struct alter_values),
    .arguments_least = 2,
    .arguments_most = 100,
    .sums_up = "",
    .run = run,
};
