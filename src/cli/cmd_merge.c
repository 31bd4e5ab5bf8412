#include <stdlib.h>

#include "cli/commands.h"
#include "cli/edit_show.h"
#include "cli/input.h"
#include "varve/dml.h"

struct merge_values {
    struct vv_list source;
    const char *on;
    struct vv_list matched, not_matched, by_source;
    struct vv_input_values input;
    bool evolve;
    bool dry_run;
};

#define AT(member) offsetof(struct merge_values, member)

static const struct vv_option options[] = {
    {.name = "source",
        .kind = VV_OPTION_LIST,
        .value = "FILE",
        .help = "rows that say what is to change; - is stdin; may be repeated",
        .offset = AT(source)},
    {.name = "on",
        .kind = VV_OPTION_TEXT,
        .value = "SQL",
        .help = "which rows match: t is the table, s the source (t.id = s.id)",
        .offset = AT(on)},
    {.name = "when-matched",
        .kind = VV_OPTION_LIST,
        .value = "CLAUSE",
        .help = "[and SQL] update set C = SQL, ... | update * | delete; may be repeated",
        .offset = AT(matched)},
    {.name = "when-not-matched",
        .kind = VV_OPTION_LIST,
        .value = "CLAUSE",
        .help = "[and SQL] insert (C, ...) values (SQL, ...) | insert *; may be repeated",
        .offset = AT(not_matched)},
    {.name = "when-not-matched-by-source",
        .kind = VV_OPTION_LIST,
        .value = "CLAUSE",
        .help = "[and SQL] update set C = SQL, ... | delete; may be repeated",
        .offset = AT(by_source)},
    VV_INPUT_OPTIONS(struct merge_values,
        "csv, ndjson, parquet or arrow (default: by the file's name or its first bytes)",
        "with --app-version: a merge repeated under the same two changes nothing",
        "number of the merge; it must grow"),
    {.name = "evolve",
        .kind = VV_OPTION_FLAG,
        .help =
            "add the columns that a clause sets and the table lacks, by a commit of their own",
        .offset = AT(evolve)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "say what would be done, and write nothing",
        .offset = AT(dry_run)},
};

static varve_status check(struct vv_cli *cli, const struct merge_values *values,
    size_t clauses_len)
{
    const char *lacks = NULL;
    if (values->source.len == 0)
        lacks = "where do the rows come from? Give --source FILE (- for stdin)";
    else if (values->on == NULL)
        lacks = "which rows match? Give --on, as --on \"t.id = s.id\"";
    else if (clauses_len == 0)
        lacks = "what is to be done? Give --when-matched 'update *', --when-not-matched "
                "'insert *' or others";
    if (lacks != NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE, "%s", lacks);
    return vv_input_check_app(cli, values->input.app_id, &values->input.app_version);
}

static void add_clauses(const struct vv_list *texts, varve_merge_when when,
    varve_merge_clause *clauses, size_t *len)
{
    for (size_t i = 0; i < texts->len; i++)
        clauses[(*len)++] = (varve_merge_clause){when, texts->items[i]};
}

static varve_status run_with(struct vv_cli *cli, const struct merge_values *values,
    varve_input *inputs, varve_merge_clause *clauses)
{
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    varve_edit_options edit = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result = {0};
    size_t clauses_len = 0;
    vv_edit_take(&values->input, values->dry_run, &edit);
    edit.evolve = values->evolve;
    add_clauses(&values->matched, VARVE_MERGE_MATCHED, clauses, &clauses_len);
    add_clauses(&values->not_matched, VARVE_MERGE_NOT_MATCHED, clauses, &clauses_len);
    add_clauses(&values->by_source, VARVE_MERGE_NOT_MATCHED_BY_SOURCE, clauses, &clauses_len);
    VV_TRY(check(cli, values, clauses_len));
    for (size_t i = 0; i < values->source.len; i++)
        VV_TRY(vv_input_read(values->source.items[i],
            (enum vv_input_choice)values->input.input_format, &inputs[i], &cli->error));
    VV_TRY(vv_cli_open_table(cli, name, &table));
    const varve_merge merge = {inputs, values->source.len, values->on, clauses, clauses_len};
    VV_TRY(varve_table_merge(table, &merge, &edit, &result, &cli->error));
    return vv_edit_show(cli, name, values->dry_run, values->input.input_tz,
        values->input.app_id, &result);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct merge_values *values = given;
    size_t clauses_len = values->matched.len + values->not_matched.len + values->by_source.len;
    varve_input *inputs = vv_cli_alloc(values->source.len + 1, sizeof(*inputs));
    varve_merge_clause *clauses = vv_cli_alloc(clauses_len + 1, sizeof(*clauses));
    varve_status status = run_with(cli, values, inputs, clauses);
    free(clauses);
    free(inputs);
    return status;
}

const struct vv_command vv_cmd_merge = {
    .name = "merge",
    .summary = "change, remove and add rows by what a source says of them",
    .arguments = "TABLE",
    .examples = "varve merge signals --source today.csv \\\n"
                "    --on \"t.timestamp = s.timestamp AND t.strategy_id = s.strategy_id\" \\\n"
                "    --when-matched \"and s.signal_value < 0 delete\" \\\n"
                "    --when-matched \"update set signal_value = s.signal_value\" \\\n"
                "    --when-not-matched \"insert *\"\n"
                "varve merge signals --source today.csv --evolve --dry-run \\\n"
                "    --on \"t.timestamp = s.timestamp AND t.strategy_id = s.strategy_id\" \\\n"
                "    --when-matched \"update *\"",
    .text = "Rows of the table, t, and of the source, s, match where --on is true. Each\n"
            "pair, each row of the source without a partner and each row of the table\n"
            "without one goes to the first clause of its kind whose condition is true: one\n"
            "commit, or none. * is every column that the source brings and the table has;\n"
            "columns that the table lacks may be spoken of, and with --evolve are added\n"
            "where they are set. A column that an update does not set stays, but for the\n"
            "order column, which is stamped as by update. A column that a row of the source\n"
            "says nothing of, where other rows bring it, is NULL to conditions, to updates\n"
            "and in values (...); insert * gives the row its default. New rows obey the\n"
            "rules of the table as those of an upsert do. A row that several rows of the\n"
            "source would change is an error that names it, unless all of them delete it.\n"
            "Only files that can hold a match are read, unless a clause is for rows that the\n"
            "source does not match. NULL matches nothing; say IS NOT DISTINCT FROM.",
    VV_OPTIONS(options, struct merge_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "",
    .run = run,
};
