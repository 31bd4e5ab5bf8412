#include "cli/commands.h"
#include "cli/report_say.h"
#include "cli/span.h"
#include "varve/report.h"

struct outcomes_values {
    const char *horizon;
    int32_t by;
    int32_t acted;
    const char *tolerance;
    const char *strategy;
    const char *symbol;
    int32_t knowledge;
    struct vv_span_values span;
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
    VV_STRATEGY_OPTION(struct outcomes_values, strategy),
    {.name = "tolerance",
        .kind = VV_OPTION_TEXT,
        .value = "SPAN",
        .help =
            "how old a total_pnl may be at the signal, and at the horizon's end (default: as "
            "old as it is)",
        .offset = AT(tolerance)},
    VV_SYMBOL_OPTION(struct outcomes_values, symbol),
    VV_KNOWLEDGE_OPTION(struct outcomes_values, knowledge, VV_KNOWLEDGE_OF_REGIMES),
    VV_SPAN_OPTIONS(struct outcomes_values, span, "signals back from now: 30d (default), 12h"),
};

static const char *const counts[][3] = {
    {"without_pnl", "signal has no total_pnl to begin from",
        "signals have no total_pnl to begin from"},
    {"pending", "horizon is not over yet", "horizons are not over yet"},
    {"unknown", "horizon has no total_pnl in it, or too old a one",
        "horizons have no total_pnl in them, or too old a one"},
    {NULL, NULL, NULL},
};
static const struct vv_answer_words words = {"signals", "signal", "signal", "signals", counts};

static varve_status run(struct vv_cli *cli, const void *given)
{
    static const int32_t acted[] = {0, 0, 1, -1};
    static const char *const hides[] = {
        "ic", "median_pnl_change", "mean_worst", "mean_best", "pending", NULL};
    const struct outcomes_values *values = given;
    varve_outcomes_options outcomes = VARVE_OUTCOMES_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_span_check(cli, &values->span));
    outcomes.by = values->by > 0 ? values->by - 1 : VARVE_OUTCOMES_REGIME;
    outcomes.knowledge = vv_knowledge_of(values->knowledge);
    outcomes.acted = acted[values->acted];
    outcomes.horizons = values->horizon;
    outcomes.tolerance = values->tolerance;
    outcomes.strategy = values->strategy;
    outcomes.symbol = values->symbol;
    outcomes.last = values->span.last;
    outcomes.from = values->span.from;
    outcomes.to = values->span.to;
    outcomes.at = cli->globals.at;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_outcomes(cli->lake, &outcomes, &rows, &json, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows,
        &(struct vv_show){.box_hides = hides, .plot_value = "mean_pnl_change"}, NULL));
    vv_say_answer(cli, json, &words);
    return VARVE_OK;
}

const struct vv_command vv_cmd_outcomes = {
    .name = "outcomes",
    .summary = "what signals led to, by regime as known at the time",
    .arguments = "",
    .examples = "varve outcomes --last 30d\n"
                "varve outcomes --by confidence --horizon 1h,4h,1d\n"
                "varve outcomes --by strategy --acted yes --tolerance 2h",
    .text = "For each signal, the change of its strategy's total_pnl from the last number at\n"
            "or before the signal to the last one within the horizon. outcomes counts those\n"
            "that are known, pending those whose horizon is not over; hit_rate is the share\n"
            "of changes above zero, mean_best and mean_worst how far total_pnl went up and\n"
            "down meanwhile, ic the rank correlation of signal_value and change.",
    VV_OPTIONS(options, struct outcomes_values),
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
