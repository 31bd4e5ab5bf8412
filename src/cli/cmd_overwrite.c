#include <stdlib.h>

#include "cli/commands.h"
#include "cli/edit_show.h"
#include "cli/input.h"
#include "varve/dml.h"

#define FILES_MAX 1000

struct overwrite_values {
    const char *where;
    int32_t input_format;
    const char *app_id;
    struct vv_integer app_version;
    const char *input_tz;
    bool truncate_time;
    bool dry_run;
    bool yes;
};

#define AT(member) offsetof(struct overwrite_values, member)

static const struct vv_option options[] = {
    {.name = "where",
        .kind = VV_OPTION_TEXT,
        .value = "SQL",
        .help = "only rows for which this is true go, and each new row must obey it",
        .offset = AT(where)},
    {.name = "input-format",
        .kind = VV_OPTION_CHOICE,
        .value = "F",
        .choices = "csv|ndjson|parquet|arrow",
        .help =
            "csv, ndjson, parquet or arrow (default: by the file's name or its first bytes)",
        .offset = AT(input_format)},
    {.name = "app-id",
        .kind = VV_OPTION_TEXT,
        .value = "A",
        .help = "with --app-version: rows that come again under the same two change nothing",
        .offset = AT(app_id)},
    {.name = "app-version",
        .kind = VV_OPTION_INTEGER,
        .value = "N",
        .help = "number of the batch; it must grow",
        .offset = AT(app_version)},
    {.name = "input-tz",
        .kind = VV_OPTION_TEXT,
        .value = "ZONE",
        .help = "zone of times that name none, such as America/New_York (default: UTC)",
        .offset = AT(input_tz)},
    {.name = "truncate-time",
        .kind = VV_OPTION_FLAG,
        .help = "cut digits below a microsecond instead of rejecting the row",
        .offset = AT(truncate_time)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "say what would be done, and write nothing",
        .offset = AT(dry_run)},
    {.name = "yes",
        .kind = VV_OPTION_FLAG,
        .help = "do not ask; needed where there is no terminal",
        .offset = AT(yes)},
};

static varve_status may_go_on(struct vv_cli *cli, const struct overwrite_values *values,
    const char *name, bool *out)
{
    struct vv_text question VV_CLEANUP(vv_text_done) = {0};
    *out = values->dry_run;
    if (*out)
        return VARVE_OK;
    vv_text_addf(&question, "Replace %s of %s%s?", values->where ? "the rows" : "all rows",
        name, values->where ? " that the condition is true for" : "");
    return vv_ask(cli, values->yes, "overwrite takes rows that are there",
        vv_text_chars(&question), out);
}

static varve_status run_with(struct vv_cli *cli, const struct overwrite_values *values,
    varve_input *inputs)
{
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    varve_edit_options edit = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result = {0};
    size_t inputs_len = 0;
    bool may = false;
    edit.app_id = values->app_id;
    edit.app_version = values->app_version.value;
    edit.input_tz = values->input_tz;
    edit.truncate_time = values->truncate_time;
    edit.dry_run = values->dry_run;
    VV_TRY(vv_input_read_all(cli, 1, (enum vv_input_choice)values->input_format, inputs,
        &inputs_len));
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(may_go_on(cli, values, name, &may));
    if (!may) {
        vv_say(cli, "nothing replaced");
        return VARVE_OK;
    }
    VV_TRY(varve_table_overwrite(table, inputs, inputs_len, values->where, &edit, &result,
        &cli->error));
    return vv_edit_show(cli, name, values->dry_run, &result);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct overwrite_values *values = given;
    if ((values->app_id != NULL) != values->app_version.given)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "--app-id and --app-version belong together");
    varve_input *inputs = vv_cli_alloc(cli->line.arguments_len, sizeof(*inputs));
    varve_status status = run_with(cli, values, inputs);
    free(inputs);
    return status;
}

const struct vv_command vv_cmd_overwrite = {
    .name = "overwrite",
    .summary = "put rows in the place of those that are there",
    .arguments = "TABLE [FILE...|-]",
    .examples = "varve overwrite signals today.csv --where \"date = '2025-01-30'\" --yes\n"
                "varve overwrite signals today.csv --dry-run",
    .text = "All rows go, or with --where those that the condition is true for, and the rows\n"
            "of the files come: one commit. New rows obey the rules of the table as those\n"
            "of an upsert do, and the condition. Nothing is compared: of rows with one key\n"
            "in the files the newest comes. Files that lose all of their rows are not read.\n"
            "Older versions have the rows until vacuum.",
    VV_OPTIONS(options, struct overwrite_values),
    .arguments_least = 1,
    .arguments_most = FILES_MAX + 1,
    .run = run,
};
