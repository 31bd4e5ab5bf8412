#include <stdlib.h>

#include "cli/commands.h"
#include "cli/edit_show.h"
#include "cli/input.h"
#include "varve/dml.h"

#define FILES_MAX 1000

struct overwrite_values {
    const char *where;
    struct vv_input_values input;
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
    VV_INPUT_OPTIONS(struct overwrite_values,
        "csv, ndjson, parquet or arrow (default: by the file's name or its first bytes)",
        "with --app-version: rows that come again under the same two change nothing",
        "number of the batch; it must grow"),
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
    vv_edit_take(&values->input, values->dry_run, &edit);
    VV_TRY(vv_input_read_all(cli, 1, (enum vv_input_choice)values->input.input_format, inputs,
        &inputs_len));
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(may_go_on(cli, values, name, &may));
    if (!may) {
        vv_say(cli, "nothing replaced");
        return VARVE_OK;
    }
    VV_TRY(varve_table_overwrite(table, inputs, inputs_len, values->where, &edit, &result,
        &cli->error));
    return vv_edit_show(cli, name, values->dry_run, values->input.input_tz,
        values->input.app_id, &result);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct overwrite_values *values = given;
    VV_TRY(vv_input_check_app(cli, values->input.app_id, &values->input.app_version));
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
    .sums_up = "",
    .run = run,
};
