#include <string.h>

#include "cli/commands.h"
#include "varve/audit.h"
#include "varve/doctor.h"

struct doctor_values {
    bool fix_times;
    bool keys;
};

#define AT(member) offsetof(struct doctor_values, member)

static const struct vv_option options[] = {
    {.name = "fix-times",
        .kind = VV_OPTION_FLAG,
        .help = "set commit files to the times that their commits tell, where they are wrong",
        .offset = AT(fix_times)},
    {.name = "keys",
        .kind = VV_OPTION_FLAG,
        .help = "look for keys that stand in several rows or are NULL; reads the key columns "
                "of all files",
        .offset = AT(keys)},
};

/* The reports so far, and the code of the first table that could not be looked at. */
struct round {
    struct vv_text reports;
    varve_status first;
};

static void round_done(struct round *round)
{
    vv_text_done(&round->reports);
}

static varve_status report_on(struct vv_cli *cli, const struct doctor_values *values,
    const char *name, struct vv_text *reports)
{
    char *report VV_CLEANUP(vv_chars_cleanup) = NULL;
    varve_doctor_options doctor = VARVE_DOCTOR_OPTIONS_INIT;
    varve_doctor_result result;
    doctor.fix_times = values->fix_times;
    doctor.keys = values->keys;
    doctor.as_json = cli->globals.json || vv_show_is_json(cli);
    VV_TRY(varve_lake_doctor(cli->lake, name, &doctor, &result, &report, &cli->error));
    vv_text_adds(reports, report);
    return VARVE_OK;
}

/* A table that can't be looked at is told, and keeps no other from being looked at. */
static varve_status look_at(struct vv_cli *cli, const struct doctor_values *values,
    const char *name, struct round *round)
{
    varve_status status = report_on(cli, values, name, &round->reports);
    if (status == VARVE_OK || status == VARVE_EINTERRUPTED)
        return status;
    vv_progress_clear(cli);
    vv_report_error(&cli->error);
    cli->error.code = VARVE_OK;
    if (round->first == VARVE_OK)
        round->first = status;
    return VARVE_OK;
}

static varve_status look_at_all(struct vv_cli *cli, const struct doctor_values *values,
    struct round *round)
{
    char *names VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_cli_table_names(cli, &names));
    for (char *name = names; *name != '\0';) {
        char *end = strchr(name, '\n');
        *end = '\0';
        VV_TRY(look_at(cli, values, name, round));
        name = end + 1;
    }
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct doctor_values *values = given;
    struct round round VV_CLEANUP(round_done) = {.first = VARVE_OK};
    VV_TRY(vv_show_check_words(cli));
    VV_TRY(vv_cli_open_lake(cli, false));
    for (size_t i = 0; i < cli->line.arguments_len; i++)
        VV_TRY(look_at(cli, values, vv_cli_argument(cli, i), &round));
    if (cli->line.arguments_len == 0)
        VV_TRY(look_at_all(cli, values, &round));
    vv_progress_clear(cli);
    VV_TRY(vv_show_text(cli, vv_text_chars(&round.reports), round.reports.len));
    return round.first;
}

const struct vv_command vv_cmd_doctor = {
    .name = "doctor",
    .summary = "who can read and write tables, and what ails them",
    .arguments = "[TABLE...]",
    .examples = "varve doctor\n"
                "varve doctor signals --json\n"
                "varve doctor signals --fix-times",
    .text = "Says of the tables (none named: of all) which features they have and use,\n"
            "which other software reads and writes them, and may do so while Varve\n"
            "writes, what each further feature would cost, and what ails them: missing\n"
            "files, small ones, missing statistics, an old checkpoint, wrong times of\n"
            "commit files, leftovers. What is in files, only verify --deep looks at. Exit\n"
            "status 0 whatever is found; a table that can't be looked at (its newest\n"
            "version is damaged) is told on stderr, the others are looked at, and the exit\n"
            "status is that one's. --json gives one object a table.\n"
            "\n"
            "A copy of a table (cp -r) has the time of the copy on its commit files, and\n"
            "other software takes that for the time of the versions; --fix-times gives\n"
            "them the times back that the commits themselves tell. Nothing else is ever\n"
            "written.",
    VV_OPTIONS(options, struct doctor_values),
    .arguments_least = 0,
    .arguments_most = UINT32_MAX,
    .run = run,
};
