#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/report_say.h"
#include "varve/report.h"

struct outcomes_values {
    const char *horizon;
    int32_t by;
    int32_t acted;
    const char *tolerance;
    const char *strategy;
    const char *symbol;
    int32_t knowledge;
    const char *last;
    const char *from;
    const char *to;
};

#define AT(member) offsetof(struct outcomes_values, member)

static const struct vv_option options[] = {
    {.name = "horizon",
        .kind = VV_OPTION_TEXT,
        .value = "SPANS",
        .help = "how long after the signal, parted by commas (default: 1h,1d)",
        .offset = AT(horizon)},
    {.name = "by",
        .kind = VV_OPTION_CHOICE,
        .value = "WHAT",
        .choices = "regime|strategy|source|type|confidence",
        .help = "a line for each regime known at the signal's time (default), each strategy, "
                "source, type, or tenth of signal_value",
        .offset = AT(by)},
    {.name = "acted",
        .kind = VV_OPTION_CHOICE,
        .value = "WHICH",
        .choices = "all|yes|no",
        .help = "all signals (default), those acted upon, or those that were not",
        .offset = AT(acted)},
    {.name = "strategy",
        .kind = VV_OPTION_TEXT,
        .value = "S",
        .help = "only this strategy",
        .offset = AT(strategy)},
    {.name = "tolerance",
        .kind = VV_OPTION_TEXT,
        .value = "SPAN",
        .help =
            "how old a total_pnl may be at the signal, and at the horizon's end (default: as "
            "old as it is)",
        .offset = AT(tolerance)},
    {.name = "symbol",
        .kind = VV_OPTION_TEXT,
        .value = "S",
        .help = "the regimes of this symbol (default: SPY, else the first)",
        .offset = AT(symbol)},
    {.name = "knowledge",
        .kind = VV_OPTION_CHOICE,
        .value = "K",
        .choices = "order|commit|event",
        .help = "since when a regime is known: from its ingested_at (default), its commit, or "
                "its timestamp",
        .offset = AT(knowledge)},
    {.name = "last",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "signals back from now: 30d (default), 12h",
        .offset = AT(last)},
    {.name = "from",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "first time, included",
        .offset = AT(from)},
    {.name = "to",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "last time, not included",
        .offset = AT(to)},
};

static void say_summary(const struct vv_cli *cli, const char *json)
{
    struct vv_text head VV_CLEANUP(vv_text_done) = {0};
    struct vv_node node = {0};
    if (!vv_node_read(json, strlen(json), &node))
        return;
    int64_t signals = vv_node_int(vv_node_get(&node, "signals"), 0);
    vv_add_regimes(&head, &node);
    vv_say(cli, "%s%" PRId64 " signals", vv_text_chars(&head), signals);
    if (signals == 0)
        vv_say_none(cli, &node, "signals");
    vv_say_regimes(cli, &node, "signals");
    vv_say_count(cli, &node, "without_pnl", "signals have no total_pnl to begin from");
    vv_say_count(cli, &node, "pending", "horizons are not over yet");
    vv_say_count(cli, &node, "unknown", "horizons have no total_pnl in them, or too old a one");
    vv_node_done(&node);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    static const int32_t acted[] = {0, 0, 1, -1};
    static const char *const hides[] = {
        "ic", "median_pnl_change", "mean_worst", "mean_best", "pending", NULL};
    const struct outcomes_values *values = given;
    varve_outcomes_options outcomes = VARVE_OUTCOMES_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    if (values->last && (values->from || values->to))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "outcomes: give --last, or --from and --to, not both");
    outcomes.by = values->by > 0 ? values->by - 1 : VARVE_OUTCOMES_REGIME;
    outcomes.knowledge = values->knowledge > 0 ? values->knowledge - 1 : VARVE_KNOWLEDGE_ORDER;
    outcomes.acted = acted[values->acted];
    outcomes.horizons = values->horizon;
    outcomes.tolerance = values->tolerance;
    outcomes.strategy = values->strategy;
    outcomes.symbol = values->symbol;
    outcomes.last = values->last;
    outcomes.from = values->from;
    outcomes.to = values->to;
    outcomes.at = cli->globals.at;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_outcomes(cli->lake, &outcomes, &rows, &json, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows,
        &(struct vv_show){.box_hides = hides, .plot_value = "mean_pnl_change"}, NULL));
    say_summary(cli, json);
    return VARVE_OK;
}

const struct vv_command vv_cmd_outcomes = {
    .name = "outcomes",
    .summary = "what signals led to, by regime as known at the time",
    .arguments = "",
    .examples = "varve outcomes --last 30d\n"
                "varve outcomes --by confidence --horizon 1h,4h,1d\n"
                "varve outcomes --by strategy --acted yes --tolerance 2h",
    .text =
        "For each signal, the change of its strategy's total_pnl from the last number at or\n"
        "before the signal to the last one within the horizon. outcomes counts those that\n"
        "are known, pending those whose horizon is not over; hit_rate is the share of\n"
        "changes above zero, mean_best and mean_worst how far total_pnl went up and down\n"
        "meanwhile, ic the rank correlation of signal_value and change.",
    VV_OPTIONS(options, struct outcomes_values),
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
