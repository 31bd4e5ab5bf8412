#include <string.h>

#include "cli/commands.h"
#include "cli/span.h"
#include "varve/report.h"

struct signals_values {
    const char *strategy;
    struct vv_real min_value;
    struct vv_span_values span;
};

#define AT(member) offsetof(struct signals_values, member)

static const struct vv_option options[] = {
    VV_STRATEGY_OPTION(struct signals_values, strategy),
    {.name = "min-value",
        .kind = VV_OPTION_REAL,
        .value = "X",
        .help = "missed: signals above this value (default: 0.8)",
        .offset = AT(min_value)},
    VV_SPAN_OPTIONS(struct signals_values, span, "back from now: 7d, 12h (default: all)"),
};

static varve_status read_report(struct vv_cli *cli, const char *name, int32_t *out)
{
    if (strcmp(name, "audit") == 0)
        *out = VARVE_SIGNALS_AUDIT;
    else if (strcmp(name, "missed") == 0)
        *out = VARVE_SIGNALS_MISSED;
    else if (strcmp(name, "latency") == 0)
        *out = VARVE_SIGNALS_LATENCY;
    else
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "signals: '%s' is not one of audit|missed|latency", name);
    return VARVE_OK;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct signals_values *values = given;
    varve_signals_options signals = VARVE_SIGNALS_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    VV_TRY(read_report(cli, vv_cli_argument(cli, 0), &signals.report));
    VV_TRY(vv_span_check(cli, &values->span));
    if (values->min_value.given && signals.report != VARVE_SIGNALS_MISSED)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "signals: --min-value means something to missed only");
    signals.strategy = values->strategy;
    signals.min_value = values->min_value.value;
    signals.min_value_set = values->min_value.given;
    signals.last = values->span.last;
    signals.from = values->span.from;
    signals.to = values->span.to;
    signals.at = cli->globals.at;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_signals(cli->lake, &signals, &rows, &cli->error));
    /* In a box what was done stands before what is known anyway, so that a narrow one has it. */
    static const char *const columns[] = {"timestamp", "strategy_id", "signal_type",
        "signal_value", "seconds_to_action", "acted_upon", "acted_at", "high_confidence",
        "regime", "source", NULL};
    bool is_latency = signals.report == VARVE_SIGNALS_LATENCY;
    const struct vv_show show = {.box_columns = is_latency ? NULL : columns,
        .plot_value = is_latency ? "p50_seconds" : "signal_value"};
    return vv_show_rows(cli, &rows, &show, NULL);
}

const struct vv_command vv_cmd_signals = {
    .name = "signals",
    .summary = "signals: what was acted upon, what was missed, how long it took",
    .arguments = "audit|missed|latency",
    .examples = "varve signals audit --last 7d\n"
                "varve signals missed --min-value 0.9\n"
                "varve signals latency --strategy iron_condor_1",
    .text =
        "audit: every signal, with the seconds to its action and whether it was one of high\n"
        "confidence (above 0.8). missed: those above --min-value that nobody acted upon.\n"
        "latency: count, acted, median, 90th percentile and most seconds, by strategy\n"
        "and type.",
    VV_OPTIONS(options, struct signals_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
