#include <string.h>

#include "cli/commands.h"
#include "varve/report.h"

struct transitions_values {
    const char *symbol;
    int32_t by;
    bool changes_only;
    const char *last;
    const char *from;
    const char *to;
};

#define AT(member) offsetof(struct transitions_values, member)
#define BY_SYMBOL 2

static const struct vv_option options[] = {
    {.name = "symbol",
        .kind = VV_OPTION_TEXT,
        .value = "S",
        .help = "the regimes of this symbol (default: SPY, else the first)",
        .offset = AT(symbol)},
    {.name = "by",
        .kind = VV_OPTION_CHOICE,
        .value = "WHAT",
        .choices = "regime|symbol",
        .help = "symbol: the answer for each symbol (default: regime)",
        .offset = AT(by)},
    {.name = "changes-only",
        .kind = VV_OPTION_FLAG,
        .help = "leave out rows in which the regime stays",
        .offset = AT(changes_only)},
    {.name = "last",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "back from now: 30d, 12h (default: all)",
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

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct transitions_values *values = given;
    varve_transitions_options transitions = VARVE_TRANSITIONS_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    char *symbol VV_CLEANUP(vv_chars_cleanup) = NULL;
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    if (values->last && (values->from || values->to))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "transitions: give --last, or --from and --to, not both");
    transitions.by_symbol = values->by == BY_SYMBOL;
    transitions.changes_only = values->changes_only;
    transitions.symbol = values->symbol;
    transitions.last = values->last;
    transitions.from = values->from;
    transitions.to = values->to;
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
