/*
 * delete and update: changes of rows that are there, by SQL expressions.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/edit_show.h"
#include "cli/input.h"
#include "varve/dml.h"

struct edit_values {
    const char *where;
    struct vv_list set;
    const char *app_id;
    struct vv_integer app_version;
    bool dry_run;
};

#define AT(member) offsetof(struct edit_values, member)

#define WHERE_OPTION(words)                                                     \
    {                                                                           \
        .name = "where", .kind = VV_OPTION_TEXT, .value = "SQL", .help = words, \
        .offset = AT(where)                                                     \
    }
#define COMMON_OPTIONS                                                                     \
    {.name = "app-id",                                                                     \
        .kind = VV_OPTION_TEXT,                                                            \
        .value = "A",                                                                      \
        .help = "with --app-version: a change repeated under the same two is not applied " \
                "again",                                                                   \
        .offset = AT(app_id)},                                                             \
        {.name = "app-version",                                                            \
            .kind = VV_OPTION_INTEGER,                                                     \
            .value = "N",                                                                  \
            .help = "number of the change; it must grow",                                  \
            .offset = AT(app_version)},                                                    \
    {                                                                                      \
        .name = "dry-run", .kind = VV_OPTION_FLAG,                                         \
        .help = "say what would be done, and write nothing", .offset = AT(dry_run)         \
    }

static const struct vv_option delete_options[] = {
    WHERE_OPTION("the rows for which this is true (true: all)"), COMMON_OPTIONS};

static const struct vv_option update_options[] = {
    {.name = "set",
        .kind = VV_OPTION_LIST,
        .value = "C=SQL",
        .help = "column C becomes this, worked out from the row as it was; may be repeated",
        .offset = AT(set)},
    WHERE_OPTION("only rows for which this is true (true: all)"), COMMON_OPTIONS};

/* "price = price * 2": the name up to the first '=', in quotes or without. */
static varve_status read_assignment(struct vv_cli *cli, char *text, varve_assignment *out)
{
    char *equals = strchr(text, '=');
    if (equals == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE, "--set %s: say COLUMN=VALUE", text);
    char *end = equals;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    while (text < end && (*text == ' ' || *text == '\t'))
        text++;
    bool is_quoted = end - text >= 2 && (*text == '"' || *text == '`') && end[-1] == *text;
    text += is_quoted ? 1 : 0;
    end -= is_quoted ? 1 : 0;
    *end = '\0';
    *out = (varve_assignment){text, equals + 1};
    return VARVE_OK;
}

static varve_status run_update_with(struct vv_cli *cli, const struct edit_values *values,
    varve_table *table, const varve_edit_options *options, varve_edit_result *result)
{
    varve_assignment *assignments = vv_cli_alloc(values->set.len, sizeof(*assignments));
    char **texts = vv_cli_alloc(values->set.len, sizeof(*texts));
    varve_status status = VARVE_OK;
    for (size_t i = 0; i < values->set.len && status == VARVE_OK; i++) {
        size_t bytes = strlen(values->set.items[i]) + 1;
        texts[i] = vv_cli_alloc(bytes, 1);
        memcpy(texts[i], values->set.items[i], bytes);
        status = read_assignment(cli, texts[i], &assignments[i]);
    }
    if (status == VARVE_OK)
        status = varve_table_update(table, assignments, values->set.len, values->where, options,
            result, &cli->error);
    for (size_t i = 0; i < values->set.len; i++)
        free(texts[i]);
    free(texts);
    free(assignments);
    return status;
}

static varve_status run(struct vv_cli *cli, const struct edit_values *values, bool is_update)
{
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    varve_edit_options options = VARVE_EDIT_OPTIONS_INIT;
    varve_edit_result result = {0};
    VV_TRY(vv_input_check_app(cli, values->app_id, &values->app_version));
    if (values->where == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "which rows? Give --where (--where true: all of them)");
    if (is_update && values->set.len == 0)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "nothing to set: give --set COLUMN=VALUE");
    options.app_id = values->app_id;
    options.app_version = values->app_version.value;
    options.dry_run = values->dry_run;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    if (is_update)
        VV_TRY(run_update_with(cli, values, table, &options, &result));
    else
        VV_TRY(varve_table_delete(table, values->where, &options, &result, &cli->error));
    return vv_edit_show(cli, name, values->dry_run, NULL, values->app_id, &result);
}

static varve_status run_delete(struct vv_cli *cli, const void *given)
{
    return run(cli, given, false);
}

static varve_status run_update(struct vv_cli *cli, const void *given)
{
    return run(cli, given, true);
}

const struct vv_command vv_cmd_delete = {
    .name = "delete",
    .summary = "remove rows",
    .arguments = "TABLE",
    .examples =
        "varve delete signals --where \"source = 'test'\"\n"
        "varve delete signals --where \"timestamp < now() - INTERVAL 2 YEAR\" --dry-run",
    .text = "One commit, or none where no row is meant. Only files that can hold such a row\n"
            "are read, and written again without it; in a table with the property\n"
            "delta.enableDeletionVectors = true they stay, and the row is marked. Older\n"
            "versions have the rows until vacuum.",
    VV_OPTIONS(delete_options, struct edit_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "",
    .run = run_delete,
};

const struct vv_command vv_cmd_update = {
    .name = "update",
    .summary = "change columns of rows",
    .arguments = "TABLE",
    .examples =
        "varve update signals --set acted_upon=true --where \"signal_value > 0.9\"\n"
        "varve update market_regimes --set \"vix = round(vix, 1)\" --where true --dry-run",
    .text = "One commit, or none where no row is meant. Values are SQL over the columns of\n"
            "the row as it was, and must fit their column exactly. New rows obey the rules\n"
            "of the table as those of an upsert do; a row never gets a key that is there.\n"
            "The order column, where it is not set, is stamped: a timestamp with now, or a\n"
            "microsecond after the stored one if that is later, an integer with one more.",
    VV_OPTIONS(update_options, struct edit_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "",
    .run = run_update,
};
