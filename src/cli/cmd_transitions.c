#include <string.h>

#include "cli/commands.h"
#include "cli/span.h"
#include "varve/report.h"

struct transitions_values {
    const char *symbol;
    int32_t by;
    bool changes_only;
    struct vv_span_values span;
};

#define AT(member) offsetof(struct transitions_values, member)

static const struct vv_option options[] = {
    VV_SYMBOL_OPTION(struct transitions_values, symbol),
    VV_BY_SYMBOL_OPTION(struct transitions_values, by),
    {.name = "changes-only",
        .kind = VV_OPTION_FLAG,
        .help = "leave out rows in which the regime stays",
        .offset = AT(changes_only)},
    VV_SPAN_OPTIONS(struct transitions_values, span, "back from now: 30d, 12h (default: all)"),
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct transitions_values *values = given;
    varve_transitions_options transitions = VARVE_TRANSITIONS_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    char *symbol VV_CLEANUP(vv_chars_cleanup) = NULL;
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    VV_TRY(vv_span_check(cli, &values->span));
    transitions.by_symbol = values->by == VV_BY_SYMBOL;
    transitions.changes_only = values->changes_only;
    transitions.symbol = values->symbol;
    transitions.last = values->span.last;
    transitions.from = values->span.from;
    transitions.to = values->span.to;
    transitions.at = cli->globals.at;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_transitions(cli->lake, &transitions, &rows, &symbol, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows, &(struct vv_show){.plot_value = "probability"}, NULL));
    vv_text_add_shown(&shown, symbol, strlen(symbol));
    if (*symbol)
        vv_say(cli, "regimes of %s", vv_text_chars(&shown));
    return VARVE_OK;
}

const struct vv_command vv_cmd_transitions = {
    .name = "transitions",
    .summary = "how market regimes follow each other",
    .arguments = "",
    .examples = "varve transitions --symbol SPY\n"
                "varve transitions --by symbol --changes-only --last 90d",
    .text = "For each row of market_regimes, the regime of the symbol's next one: how often\n"
            "each followed each, and with which probability. mean_stay_seconds is how long,\n"
            "on the mean, a regime had lasted when it gave way to the other.",
    VV_OPTIONS(options, struct transitions_values),
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
