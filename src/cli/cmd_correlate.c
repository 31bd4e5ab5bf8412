#include "cli/commands.h"
#include "cli/report_say.h"
#include "cli/span.h"
#include "varve/report.h"

struct correlate_values {
    struct vv_span_values span;
    const char *symbol;
    int32_t by;
    int32_t knowledge;
};

static const struct vv_option options[] = {
    VV_SPAN_OPTIONS(struct correlate_values, span, "back from now: 30d (default), 12h"),
    VV_SYMBOL_OPTION(struct correlate_values, symbol),
    VV_BY_SYMBOL_OPTION(struct correlate_values, by),
    VV_KNOWLEDGE_OPTION(struct correlate_values, knowledge, VV_KNOWLEDGE_OF_REGIMES),
};

static const char *const counts[][3] = {
    {"rows_without_pnl", "row has no number as total_pnl", "rows have no number as total_pnl"},
    {NULL, NULL, NULL},
};
static const struct vv_answer_words words = {
    "rows", "performance row", "row", "performance_metrics", counts};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct correlate_values *values = given;
    varve_correlate_options correlate = VARVE_CORRELATE_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_span_check(cli, &values->span));
    correlate.knowledge = vv_knowledge_of(values->knowledge);
    correlate.by_symbol = values->by == VV_BY_SYMBOL;
    correlate.symbol = values->symbol;
    correlate.last = values->span.last;
    correlate.from = values->span.from;
    correlate.to = values->span.to;
    correlate.at = cli->globals.at;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_correlate(cli->lake, &correlate, &rows, &json, &cli->error));
    static const char *const hides[] = {"strategies", "rows", "share_of_time", NULL};
    VV_TRY(vv_show_rows(cli, &rows,
        &(struct vv_show){.box_hides = hides, .plot_value = "pnl_change"}, NULL));
    vv_say_answer(cli, json, &words);
    return VARVE_OK;
}

const struct vv_command vv_cmd_correlate = {
    .name = "correlate",
    .summary = "performance by market regime, as known at the time",
    .arguments = "",
    .examples = "varve correlate --last 30d\n"
                "varve correlate --by symbol --from 2025-01-01 --to 2025-02-01\n"
                "varve correlate --knowledge event",
    .text = "Each row of performance_metrics gets the regime in force at its timestamp: the\n"
            "latest one at or before it that was known by then. pnl_change sums the changes\n"
            "of total_pnl from a strategy's previous row, hit_rate is the share of changes\n"
            "above zero. Rows that no regime was known for stand in a line without one.",
    VV_OPTIONS(options, struct correlate_values),
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
