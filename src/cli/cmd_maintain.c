#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/notify.h"
#include "varve/maintain.h"

#define INTERVAL_MS 60000
#define LOOK_UP_MS 100 /* so often for a signal, which may come in any thread */

struct maintain_values {
    bool plan, once;
    struct vv_integer interval;
};

#define AT(member) offsetof(struct maintain_values, member)

static const struct vv_option options[] = {
    {.name = "plan",
        .kind = VV_OPTION_FLAG,
        .help = "say what is due and why, table by table, and do nothing",
        .offset = AT(plan)},
    {.name = "once",
        .kind = VV_OPTION_FLAG,
        .help = "do what is due now, and end",
        .offset = AT(once)},
    {.name = "interval",
        .kind = VV_OPTION_DURATION,
        .value = "TIME",
        .least = 1000,
        .most = 86400000,
        .help = "between two runs (default 60s)",
        .offset = AT(interval)},
};

static void add_json(struct vv_text *line, const varve_maintain_result *result)
{
    vv_text_addf(line,
        "{\"tables\":%" PRId64 ",\"tasks\":%" PRId64 ",\"left\":%" PRId64 ",\"failed\":%" PRId64
        ",\"skipped\":%" PRId64 ",\"files_added\":%" PRId64 ",\"files_removed\":%" PRId64
        ",\"bytes_added\":%" PRId64 ",\"bytes_removed\":%" PRId64 ",\"files_vacuumed\":%" PRId64
        ",\"bytes_vacuumed\":%" PRId64 ",\"checkpoints\":%" PRId64 ",\"failure\":",
        result->tables, result->tasks, result->left, result->failed, result->skipped,
        result->files_added, result->files_removed, result->bytes_added, result->bytes_removed,
        result->files_vacuumed, result->bytes_vacuumed, result->checkpoints);
    if (result->failure.code == VARVE_OK)
        vv_text_adds(line, "null");
    else
        vv_text_add_json(line, result->failure.message, strlen(result->failure.message));
    vv_text_adds(line, "}\n");
}

static void add_sentence(struct vv_text *line, const varve_maintain_result *result)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    vv_text_add_time(line, (int64_t)now.tv_sec, 0);
    vv_text_addf(line, "Z %" PRId64 " table%s: ", result->tables,
        vv_text_plural(result->tables));
    if (result->tasks + result->left + result->failed == 0)
        vv_text_adds(line, "nothing was due");
    else
        vv_text_addf(line, "%" PRId64 " task%s done", result->tasks,
            vv_text_plural(result->tasks));
    if (result->files_removed > 0)
        vv_text_addf(line, "; %" PRId64 " file%s (%s) became %" PRId64 " (%s)",
            result->files_removed, vv_text_plural(result->files_removed),
            vv_text_size(result->bytes_removed).chars, result->files_added,
            vv_text_size(result->bytes_added).chars);
    if (result->checkpoints > 0)
        vv_text_addf(line, "; %" PRId64 " checkpoint%s", result->checkpoints,
            vv_text_plural(result->checkpoints));
    if (result->files_vacuumed > 0)
        vv_text_addf(line, "; %" PRId64 " file%s (%s) that no kept version needs removed",
            result->files_vacuumed, vv_text_plural(result->files_vacuumed),
            vv_text_size(result->bytes_vacuumed).chars);
    if (result->left > 0)
        vv_text_addf(line, "; %" PRId64 " left to the next run, since others were faster",
            result->left);
    if (result->failed > 0)
        vv_text_addf(line, "; %" PRId64 " failed", result->failed);
    if (result->skipped > 0)
        vv_text_addf(line, "; %" PRId64 " skipped, see --plan", result->skipped);
}

/* One line a run. */
static varve_status show(struct vv_cli *cli, const varve_maintain_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_progress_clear(cli);
    if (cli->globals.json) {
        add_json(&line, result);
        return vv_show_result(cli, vv_text_chars(&line), line.len);
    }
    add_sentence(&line, result);
    vv_say(cli, "%s", vv_text_chars(&line));
    return VARVE_OK;
}

static varve_status plan(struct vv_cli *cli, varve_maintain_options *maintain)
{
    static const char *const box_columns[] = {"table", "duty", "partition", "reason", NULL};
    const struct vv_show show = {.box_columns = box_columns};
    struct ArrowArrayStream rows = {0};
    varve_maintain_result result;
    maintain->plan = 1;
    VV_TRY(varve_lake_maintain(cli->lake, maintain, &result, &rows, &cli->error));
    vv_progress_clear(cli);
    VV_TRY(vv_show_rows(cli, &rows, &show, NULL));
    if (result.failure.code == VARVE_OK)
        return VARVE_OK;
    cli->error = result.failure;
    return result.failure.code;
}

static varve_status once(struct vv_cli *cli, const varve_maintain_options *maintain)
{
    varve_maintain_result result;
    VV_TRY(varve_lake_maintain(cli->lake, maintain, &result, NULL, &cli->error));
    VV_TRY(show(cli, &result));
    if (result.failure.code == VARVE_OK)
        return VARVE_OK;
    cli->error = result.failure;
    return result.failure.code;
}

static void wait_ms(int64_t ms)
{
    const struct timespec pause = {.tv_nsec = LOOK_UP_MS * 1000000L};
    int64_t until_ms = vv_now_ms() + ms;
    while (vv_interrupt_signal() == 0 && vv_now_ms() < until_ms)
        (void)nanosleep(&pause, NULL);
}

/* What fails for a table is said and tried again; a lake that is gone ends it. */
static varve_status run_for_ever(struct vv_cli *cli, const varve_maintain_options *maintain,
    int64_t interval_ms)
{
    vv_notify("READY=1");
    while (vv_interrupt_signal() == 0) {
        varve_maintain_result result;
        int64_t begun_ms = vv_now_ms();
        varve_status status =
            varve_lake_maintain(cli->lake, maintain, &result, NULL, &cli->error);
        if (status == VARVE_EINTERRUPTED)
            break;
        VV_TRY(status);
        VV_TRY(show(cli, &result));
        if (result.failure.code != VARVE_OK)
            vv_report_error(&result.failure);
        wait_ms(begun_ms + interval_ms - vv_now_ms());
    }
    vv_notify("STOPPING=1");
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct maintain_values *values = given;
    varve_maintain_options maintain = VARVE_MAINTAIN_OPTIONS_INIT;
    maintain.table = vv_cli_argument(cli, 0);
    if (values->plan && (values->once || values->interval.given))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "--plan does nothing: give it without --once and --interval");
    if (values->once && values->interval.given)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "--once runs once: give it without --interval");
    char *names VV_CLEANUP(vv_chars_cleanup) = NULL;
    if (!values->plan)
        VV_TRY(vv_show_sum_up(cli));
    VV_TRY(vv_cli_open_lake(cli, false));
    if (maintain.table == NULL)
        VV_TRY(vv_cli_table_names(cli, &names));
    if (values->plan)
        return plan(cli, &maintain);
    if (values->once)
        return once(cli, &maintain);
    return run_for_ever(cli, &maintain,
        values->interval.given ? values->interval.value : INTERVAL_MS);
}

const struct vv_command vv_cmd_maintain = {
    .name = "maintain",
    .summary = "keep all tables in good order, by themselves",
    .arguments = "[TABLE]",
    .examples = "varve maintain --plan\n"
                "varve maintain --once\n"
                "varve maintain signals --once --json",
    .text = "Does what is due: partitions that are written to are compacted by size tiers,\n"
            "days that are over are laid out for good, what changed there since is worked in\n"
            "once a week, checkpoints are written, the ledger gets the commits, old ones\n"
            "leave the log, and files that no version within the retention needs are\n"
            "removed. Versions that the tables promise to keep, tags and holds stay\n"
            "readable; writers neither fail nor wait. Without --once it goes on, a run each\n"
            "--interval, until SIGTERM or SIGINT; two at the same time share the tables. A\n"
            "table that fails does not keep the others from being looked after. Properties\n"
            "of a table (varve.maintain..., by varve alter ... set) say otherwise for it;\n"
            "docs/maintenance.md has them all, and a systemd unit.",
    VV_OPTIONS(options, struct maintain_values),
    .arguments_most = 1,
    .run = run,
};
