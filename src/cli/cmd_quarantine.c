#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "varve/quarantine.h"

#define ARGUMENTS_MAX 1000

struct quarantine_values {
    bool yes;
    bool dry_run;
};

static const struct vv_option options[] = {
    {.name = "yes",
        .kind = VV_OPTION_FLAG,
        .help = "drop: don't ask",
        .offset = offsetof(struct quarantine_values, yes)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "release: say what it would do, each batch by itself, and change nothing",
        .offset = offsetof(struct quarantine_values, dry_run)},
};

struct batches {
    const char *const *ids; /* len 0: all */
    size_t len;
};

static varve_status show_list(struct vv_cli *cli, varve_table *table,
    const struct batches *batches)
{
    static const char *const columns[] = {"id", "arrival", "rows", "source", "reason", NULL};
    const struct vv_show show = {.box_columns = columns};
    struct ArrowArrayStream rows = {0};
    int64_t count = 0;
    int64_t damaged = 0;
    if (batches->len > 0)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "quarantine list names all batches; the rows of one: quarantine show %s %s",
            vv_cli_argument(cli, 1), batches->ids[0]);
    VV_TRY(varve_table_quarantine_list(table, &rows, &damaged, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows, &show, &count));
    if (count == 0)
        vv_say(cli, "%s has nothing in quarantine", vv_cli_argument(cli, 1));
    if (damaged == 0)
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_ECORRUPT,
        "%" PRId64 " of %" PRId64
        " batch%s in quarantine of %s can't be read, see the reason there: "
        "restore the file, or quarantine drop %s ID",
        damaged, count, count == 1 ? "" : "es", vv_cli_argument(cli, 1),
        vv_cli_argument(cli, 1));
}

static varve_status show_all(struct vv_cli *cli)
{
    static const char *const columns[] = {
        "table", "id", "arrival", "rows", "source", "reason", NULL};
    const struct vv_show show = {.box_columns = columns};
    struct ArrowArrayStream rows = {0};
    int64_t count = 0;
    int64_t damaged = 0;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_quarantine_list(cli->lake, &rows, &damaged, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows, &show, &count));
    if (count == 0)
        vv_say(cli, "no table of the lake has anything in quarantine");
    if (damaged == 0)
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_ECORRUPT,
        "%" PRId64 " of these can't be read, see the reason there", damaged);
}

static varve_status show_rows(struct vv_cli *cli, varve_table *table,
    const struct batches *batches)
{
    static const char *const columns[] = {
        "row", "line", "source", "column", "value", "rule", "values", NULL};
    static const char *const json[] = {"values", NULL};
    const struct vv_show show = {.box_columns = columns, .json_columns = json};
    struct ArrowArrayStream rows = {0};
    if (batches->len > 1)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "quarantine show: one ID, or none for all");
    VV_TRY(varve_table_quarantine_show(table, batches->len > 0 ? batches->ids[0] : NULL, &rows,
        &cli->error));
    return vv_show_rows(cli, &rows, &show, NULL);
}

static void say_released(const struct vv_cli *cli, const varve_upsert_result *result,
    bool is_dry)
{
    const char *name = vv_cli_argument(cli, 1);
    vv_say(cli,
        "%s: %" PRId64 " of %" PRId64 " row%s %sreleased: %" PRId64 " inserted, %" PRId64
        " updated, %" PRId64 " unchanged, %" PRId64 " stale; %" PRId64
        " still break a rule and stay; version %" PRId64 "%s",
        name, result->rows_in - result->rejected, result->rows_in,
        vv_text_plural(result->rows_in), is_dry ? "would be " : "", result->inserted,
        result->updated, result->unchanged, result->stale, result->rejected, result->version,
        is_dry ? " (a dry run: nothing written)" : "");
    if (result->rejected > 0 && !is_dry)
        vv_say(cli, "the rules that they break now: varve quarantine show %s", name);
}

static varve_status show_released(struct vv_cli *cli, const varve_release_result *released)
{
    const varve_upsert_result *result = &released->upsert;
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    const char *name = vv_cli_argument(cli, 1);
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line,
        ",\"rows_in\":%" PRId64 ",\"inserted\":%" PRId64 ",\"updated\":%" PRId64
        ",\"unchanged\":%" PRId64 ",\"stale\":%" PRId64 ",\"rejected\":%" PRId64
        ",\"batches_released\":%" PRId64 ",\"batches_damaged\":%" PRId64 ",\"version\":%" PRId64
        "}\n",
        result->rows_in, result->inserted, result->updated, result->unchanged, result->stale,
        result->rejected, released->batches, released->damaged, result->version);
    return vv_show_result(cli, line.ptr, line.len);
}

static varve_status release(struct vv_cli *cli, varve_table *table,
    const struct batches *batches, bool dry_run)
{
    varve_release_options release = VARVE_RELEASE_OPTIONS_INIT;
    varve_release_result result = {0};
    release.dry_run = dry_run;
    VV_TRY(varve_table_quarantine_release(table, batches->ids, batches->len, &release, &result,
        &cli->error));
    vv_progress_clear(cli);
    if (cli->globals.json)
        VV_TRY(show_released(cli, &result));
    else
        say_released(cli, &result.upsert, dry_run);
    if (result.damaged == 0)
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_ECORRUPT,
        "%" PRId64 " batch%s in quarantine of %s can't be read and %s not among these: see "
        "varve quarantine list %s",
        result.damaged, result.damaged == 1 ? "" : "es", vv_cli_argument(cli, 1),
        result.damaged == 1 ? "is" : "are", vv_cli_argument(cli, 1));
}

static varve_status show_dropped(struct vv_cli *cli, int64_t rows)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    const char *name = vv_cli_argument(cli, 1);
    if (!cli->globals.json) {
        vv_say(cli, "%s: %" PRId64 " row%s dropped from quarantine", name, rows,
            vv_text_plural(rows));
        return VARVE_OK;
    }
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line, ",\"rows_dropped\":%" PRId64 "}\n", rows);
    return vv_show_result(cli, line.ptr, line.len);
}

static varve_status drop(struct vv_cli *cli, varve_table *table, const struct batches *batches,
    bool yes)
{
    int64_t rows = 0;
    bool may = false;
    struct vv_text question VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&question, "Remove these rows of %s for good?", vv_cli_argument(cli, 1));
    if (cli->said.message != NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "quarantine drop keeps no --message: what is dropped leaves no record");
    VV_TRY(vv_ask(cli, yes, "quarantine drop removes rows for good", vv_text_chars(&question),
        &may));
    if (!may) {
        vv_say(cli, "nothing dropped");
        return VARVE_OK;
    }
    VV_TRY(varve_table_quarantine_drop(table, batches->ids, batches->len, &rows, &cli->error));
    return show_dropped(cli, rows);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct quarantine_values *values = given;
    const char *verb = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct batches batches = {0};
    bool known = strcmp(verb, "list") == 0 || strcmp(verb, "show") == 0 ||
                 strcmp(verb, "release") == 0 || strcmp(verb, "drop") == 0;
    if (!known)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "quarantine: '%s' is not one of list|show|release|drop", verb);
    if (values->dry_run && strcmp(verb, "release") != 0)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "quarantine %s has no --dry-run, release has", verb);
    if (cli->line.arguments_len == 1 && strcmp(verb, "list") == 0)
        return show_all(cli);
    if (cli->line.arguments_len == 1)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "quarantine %s: of which table? quarantine list has those of all", verb);
    batches = (struct batches){cli->line.arguments + 2, cli->line.arguments_len - 2};
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 1), &table));
    if (strcmp(verb, "list") == 0)
        return show_list(cli, table, &batches);
    if (strcmp(verb, "show") == 0)
        return show_rows(cli, table, &batches);
    if (strcmp(verb, "release") == 0)
        return release(cli, table, &batches, values->dry_run);
    return drop(cli, table, &batches, values->yes);
}

const struct vv_command vv_cmd_quarantine = {
    .name = "quarantine",
    .summary = "rows that were set aside since they break a rule",
    .arguments = "list|show|release|drop [TABLE [ID...]]",
    .examples = "varve quarantine list\n"
                "varve quarantine list signals\n"
                "varve quarantine show signals\n"
                "varve quarantine release signals --dry-run\n"
                "varve quarantine drop signals --yes",
    .text = "upsert --quarantine sets bad rows aside instead of rejecting the batch. list\n"
            "names the batches, without a TABLE those of all tables; show their rows with the\n"
            "rules they break. release upserts them again, say after a rule was changed, as\n"
            "of the time of their arrival: what was corrected since stays, and rows that\n"
            "still break a rule stay in quarantine. Into a table without a key they are\n"
            "appended, once. In the history its commits have the ID as `quarantine` among the\n"
            "operationParameters. drop removes rows for good. Without an ID all batches of\n"
            "the table are meant; one that can't be read holds up no other (of show it does).",
    VV_OPTIONS(options, struct quarantine_values),
    .arguments_least = 1,
    .arguments_most = ARGUMENTS_MAX,
    .sums_up = "release|drop",
    .run = run,
};
