#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/counters.h"
#include "cli/edit_show.h"
#include "cli/input.h"
#include "varve/dml.h"

#define FILES_MAX 1000

struct upsert_values {
    struct vv_input_values input;
    bool quarantine;
    bool evolve;
    bool dry_run;
    bool allow_duplicates; /* of append */
};

#define AT(member) offsetof(struct upsert_values, member)

/* The last one is that of append alone. */
static const struct vv_option options[] = {
    VV_INPUT_OPTIONS(struct upsert_values,
        "csv, ndjson, parquet or arrow (default: by the file's name, .csv .ndjson "
        ".jsonl .parquet .arrow .arrows .ipc .feather; else by its first bytes)",
        "with --app-version: a batch repeated under the same two is not applied again",
        "number of the batch; it must grow"),
    {.name = "quarantine",
        .kind = VV_OPTION_FLAG,
        .help = "set rows aside that break a rule, and go on with the rest (varve quarantine)",
        .offset = AT(quarantine)},
    {.name = "evolve",
        .kind = VV_OPTION_FLAG,
        .help = "add columns that the table lacks, by a commit before that of the rows",
        .offset = AT(evolve)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "say what would be done, and write nothing",
        .offset = AT(dry_run)},
    {.name = "allow-duplicates",
        .kind = VV_OPTION_FLAG,
        .help = "append to a table with a key too, where a key may then be stored twice",
        .offset = AT(allow_duplicates)},
};

static const struct vv_counter counters[] = {
    {"rows_in", NULL, offsetof(varve_upsert_result, rows_in)},
    {"inserted", "inserted", offsetof(varve_upsert_result, inserted)},
    {"updated", "updated", offsetof(varve_upsert_result, updated)},
    {"unchanged", "unchanged", offsetof(varve_upsert_result, unchanged)},
    {"stale", "stale", offsetof(varve_upsert_result, stale)},
    {"duplicates_in_batch", "doubled in the batch",
        offsetof(varve_upsert_result, duplicates_in_batch)},
    {"rejected", "rejected", offsetof(varve_upsert_result, rejected)},
    {"repaired", "repaired", offsetof(varve_upsert_result, repaired)},
    {"already_applied", NULL, offsetof(varve_upsert_result, already_applied)},
    {"rows_written", NULL, offsetof(varve_upsert_result, rows_written)},
    {"version", NULL, offsetof(varve_upsert_result, version)},
    {"files_added", NULL, offsetof(varve_upsert_result, files_added)},
    {"files_removed", NULL, offsetof(varve_upsert_result, files_removed)},
    {"attempts", NULL, offsetof(varve_upsert_result, attempts)},
    {"columns_added", NULL, offsetof(varve_upsert_result, columns_added)},
};

static varve_status show_json(struct vv_cli *cli, const char *name,
    const struct upsert_values *values, const varve_upsert_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    for (size_t i = 0; i < VV_COUNT(counters); i++) {
        bool is_flag = counters[i].offset == offsetof(varve_upsert_result, already_applied);
        if (counters[i].offset == offsetof(varve_upsert_result, columns_added) &&
            !values->evolve)
            continue;
        int64_t value = vv_counter_value(&counters[i], result);
        if (is_flag)
            vv_text_addf(&line, ",\"%s\":%s", counters[i].name, value ? "true" : "false");
        else
            vv_text_addf(&line, ",\"%s\":%" PRId64, counters[i].name, value);
    }
    if (values->input.input_tz != NULL)
        vv_text_addf(&line, ",\"times_ambiguous\":%" PRId64, result->times_ambiguous);
    vv_text_addf(&line, ",\"rows_warned\":%" PRId64 ",\"warnings\":%s}\n", result->rows_warned,
        result->warnings ? result->warnings : "{}");
    return vv_show_result(cli, line.ptr, line.len);
}

static void say_result(const struct vv_cli *cli, const char *name,
    const struct upsert_values *values, const varve_upsert_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    int64_t written = result->rows_written + result->repaired;
    if (result->already_applied) {
        vv_say(cli,
            "%s: batch %" PRId64 " of %s, or a later one, was applied before; nothing written",
            name, values->input.app_version.value,
            values->input.app_id ? values->input.app_id : "");
        return;
    }
    vv_counters_say(counters, VV_COUNT(counters), result, &line);
    bool is_batch = written == 0 && values->input.app_id != NULL && !values->dry_run;
    vv_say(cli, "%s: %" PRId64 " row%s in: %s%s%sversion %" PRId64 "%s", name, result->rows_in,
        vv_text_plural(result->rows_in), vv_text_chars(&line), line.len ? "; " : "",
        is_batch ? "no row written; " : "", result->version,
        values->dry_run ? " (a dry run: nothing written)"
        : is_batch      ? " records the batch"
        : written == 0  ? " (nothing written)"
                        : "");
    vv_edit_say_warned(cli, result->rows_warned, result->warnings);
    if (result->rejected > 0 && !values->dry_run)
        vv_say(cli, "rejected rows are in quarantine: varve quarantine show %s", name);
}

static varve_status run_with(struct vv_cli *cli, const struct upsert_values *values,
    bool append, varve_input *inputs)
{
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    varve_upsert_options upsert = VARVE_UPSERT_OPTIONS_INIT;
    varve_upsert_result result = {0};
    size_t inputs_len = 0;
    upsert.app_id = values->input.app_id;
    upsert.app_version = values->input.app_version.value;
    upsert.input_tz = values->input.input_tz;
    upsert.truncate_time = values->input.truncate_time ? 1 : 0;
    upsert.quarantine = values->quarantine;
    upsert.dry_run = values->dry_run;
    upsert.evolve = values->evolve;
    upsert.allow_duplicates = values->allow_duplicates;
    VV_TRY(vv_input_read_all(cli, 1, (enum vv_input_choice)values->input.input_format, inputs,
        &inputs_len));
    VV_TRY(vv_cli_open_table(cli, name, &table));
    if (append)
        VV_TRY(varve_table_append(table, inputs, inputs_len, &upsert, &result, &cli->error));
    else
        VV_TRY(varve_table_upsert(table, inputs, inputs_len, &upsert, &result, &cli->error));
    vv_progress_clear(cli);
    vv_edit_say_twice(cli, values->input.input_tz, result.times_ambiguous);
    if (cli->globals.json)
        return show_json(cli, name, values, &result);
    say_result(cli, name, values, &result);
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const struct upsert_values *values, bool append)
{
    VV_TRY(vv_input_check_app(cli, values->input.app_id, &values->input.app_version));
    varve_input *inputs = vv_cli_alloc(cli->line.arguments_len, sizeof(*inputs));
    varve_status status = run_with(cli, values, append, inputs);
    free(inputs);
    return status;
}

static varve_status run_upsert(struct vv_cli *cli, const void *given)
{
    return run(cli, given, false);
}

static varve_status run_append(struct vv_cli *cli, const void *given)
{
    return run(cli, given, true);
}

const struct vv_command vv_cmd_upsert = {
    .name = "upsert",
    .summary = "insert rows, replace those with equal keys",
    .arguments = "TABLE [FILE...|-]",
    .examples = "varve upsert signals today.csv\n"
                "varve simulate --days 1 --table signals | varve upsert signals - --json\n"
                "varve upsert signals today.csv --quarantine\n"
                "varve upsert signals today.csv --evolve --dry-run",
    .text = "Reads CSV, NDJSON, Parquet or Arrow IPC (streams and files) and makes one\n"
            "commit of all files, or none: a row that breaks a rule of the table rejects\n"
            "the batch. Of rows with one key the one with the greatest order column wins,\n"
            "in the batch and against the table; rows that are there already change\n"
            "nothing. So a batch may be repeated at will. A row replaces the stored one\n"
            "whole: columns that the file lacks become NULL (varve update changes single\n"
            "columns). In CSV blanks belong to the values (docs/input.md).",
    .options = options,
    .options_len = VV_COUNT(options) - 1,
    .options_bytes = sizeof(struct upsert_values),
    .arguments_least = 1,
    .arguments_most = FILES_MAX + 1,
    .sums_up = "",
    .run = run_upsert,
};

const struct vv_command vv_cmd_append = {
    .name = "append",
    .summary = "add rows without looking at those that are there",
    .arguments = "TABLE [FILE...|-]",
    .examples = "varve append ticks ticks.csv\n"
                "varve append ticks ticks.csv --app-id loader --app-version 7",
    .text = "Reads CSV, NDJSON, Parquet or Arrow IPC and makes one commit of all files, or\n"
            "none, by the rules of the table. Rows are compared with nothing: repeated, a\n"
            "batch is there twice, unless it bears an --app-id. So a table with a key wants\n"
            "upsert; --allow-duplicates appends to it all the same. A key that is stored\n"
            "twice then counts twice in every sum, until an upsert of that key repairs it.",
    VV_OPTIONS(options, struct upsert_values),
    .arguments_least = 1,
    .arguments_most = FILES_MAX + 1,
    .sums_up = "",
    .run = run_append,
};
