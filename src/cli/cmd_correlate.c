#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/report_say.h"
#include "varve/report.h"

struct correlate_values {
    const char *last;
    const char *from;
    const char *to;
    const char *symbol;
    int32_t by;
    int32_t knowledge;
};

#define AT(member) offsetof(struct correlate_values, member)
#define BY_SYMBOL 2

static const struct vv_option options[] = {
    {.name = "last",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "back from now: 30d (default), 12h",
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
    {.name = "knowledge",
        .kind = VV_OPTION_CHOICE,
        .value = "K",
        .choices = "order|commit|event",
        .help = "since when a regime is known: from its ingested_at (default), its commit, or "
                "its timestamp",
        .offset = AT(knowledge)},
};

static void say_summary(const struct vv_cli *cli, const char *json)
{
    struct vv_text head VV_CLEANUP(vv_text_done) = {0};
    struct vv_node node = {0};
    if (!vv_node_read(json, strlen(json), &node))
        return;
    int64_t rows = vv_node_int(vv_node_get(&node, "rows"), 0);
    vv_add_regimes(&head, &node);
    vv_say(cli, "%s%" PRId64 " performance rows", vv_text_chars(&head), rows);
    if (rows == 0)
        vv_say_none(cli, &node, "performance_metrics");
    vv_say_regimes(cli, &node, "rows");
    vv_say_count(cli, &node, "rows_without_pnl", "rows have no number as total_pnl");
    vv_node_done(&node);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct correlate_values *values = given;
    varve_correlate_options correlate = VARVE_CORRELATE_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    if (values->last && (values->from || values->to))
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "correlate: give --last, or --from and --to, not both");
    correlate.knowledge = values->knowledge > 0 ? values->knowledge - 1 : VARVE_KNOWLEDGE_ORDER;
    correlate.by_symbol = values->by == BY_SYMBOL;
    correlate.symbol = values->symbol;
    correlate.last = values->last;
    correlate.from = values->from;
    correlate.to = values->to;
    correlate.at = cli->globals.at;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_correlate(cli->lake, &correlate, &rows, &json, &cli->error));
    static const char *const hides[] = {"strategies", "rows", "share_of_time", NULL};
    VV_TRY(vv_show_rows(cli, &rows,
        &(struct vv_show){.box_hides = hides, .plot_value = "pnl_change"}, NULL));
    say_summary(cli, json);
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
