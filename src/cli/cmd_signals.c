#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/report_say.h"
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

static varve_status count_rows(struct vv_cli *cli, struct ArrowArrayStream *rows, int64_t *out)
{
    varve_status status = VARVE_OK;
    for (*out = 0; status == VARVE_OK;) {
        struct ArrowArray batch = {0};
        if (rows->get_next(rows, &batch) != 0) {
            const char *why = rows->get_last_error(rows);
            status = vv_error_set(&cli->error, VARVE_EIO, "signals: %s", why ? why : "unread");
            break;
        }
        if (batch.release == NULL)
            break;
        *out += batch.length;
        batch.release(&batch);
    }
    rows->release(rows);
    return status;
}

/* An empty answer says why: nobody takes it for one about a strategy that there is. */
static varve_status say_why_empty(struct vv_cli *cli, const varve_signals_options *asked)
{
    varve_signals_options signals = *asked;
    varve_range_options range = VARVE_RANGE_OPTIONS_INIT;
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct ArrowArrayStream rows = {0};
    int64_t newest_us = INT64_MIN, count = 0;
    if (asked->report == VARVE_SIGNALS_MISSED) {
        signals.report = VARVE_SIGNALS_AUDIT;
        VV_TRY(varve_lake_signals(cli->lake, &signals, &rows, &cli->error));
        VV_TRY(count_rows(cli, &rows, &count));
    }
    if (count > 0) {
        vv_say(cli,
            "none was missed: each of %" PRId64 " signal%s was acted upon or is not above "
            "the value",
            count, vv_text_plural(count));
        return VARVE_OK;
    }
    range.strategy = asked->strategy;
    range.at = asked->at;
    VV_TRY(vv_cli_open_table(cli, "signals", &table));
    VV_TRY(varve_table_range(table, &range, &rows, &newest_us, &cli->error));
    rows.release(&rows);
    vv_say_newest(cli, asked->strategy ? asked->strategy : "signals", newest_us);
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
    int64_t count = 0;
    VV_TRY(vv_show_rows(cli, &rows, &show, &count));
    return count == 0 ? say_why_empty(cli, &signals) : VARVE_OK;
}

const struct vv_command vv_cmd_signals = {
    .name = "signals",
    .summary = "signals: what was acted upon, what was missed, how long it took",
    .arguments = "audit|missed|latency",
    .examples = "varve signals audit --last 7d\n"
                "varve signals missed --min-value 0.9\n"
                "varve signals latency --strategy iron_condor_1",
    .text = "audit: every signal, with the seconds to its action and whether it was one of\n"
            "high confidence (above 0.8). missed: those above --min-value that nobody acted\n"
            "upon. latency: count, acted, median, 90th percentile and most seconds, by\n"
            "strategy and type. Where there is nothing to show, it says on stderr why.",
    VV_OPTIONS(options, struct signals_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
