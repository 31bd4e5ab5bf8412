#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/report_say.h"
#include "cli/span.h"
#include "varve/report.h"

struct gaps_values {
    const char *every;
    const char *by;
    const char *calendar;
    int32_t show;
    bool strict;
    struct vv_span_values span;
};

#define AT(member) offsetof(struct gaps_values, member)

enum {
    SHOW_MISSING = 1,
    SHOW_COVERAGE,
    SHOW_LATENESS
};

static const struct vv_option options[] = {
    {.name = "every",
        .kind = VV_OPTION_TEXT,
        .value = "SPAN",
        .help = "how often a row is expected: 1m, 5s, at most 1d",
        .offset = AT(every)},
    {.name = "by",
        .kind = VV_OPTION_TEXT,
        .value = "COLUMNS",
        .help = "each symbol, strategy_id, ... by itself",
        .offset = AT(by)},
    {.name = "calendar",
        .kind = VV_OPTION_TEXT,
        .value = "C",
        .help = "when: 24x7 (default), XNYS (New York Stock Exchange) or a file",
        .offset = AT(calendar)},
    {.name = "show",
        .kind = VV_OPTION_CHOICE,
        .value = "WHAT",
        .choices = "missing|coverage|lateness",
        .help = "missing: a line a gap (default); coverage: a line for each of --by; lateness: "
                "how long after their time rows came",
        .offset = AT(show)},
    {.name = "strict",
        .kind = VV_OPTION_FLAG,
        .help = "fail (exit status 10) where an interval is missing, or no row says what to "
                "expect; with --last or --to",
        .offset = AT(strict)},
    VV_SPAN_OPTIONS(struct gaps_values, span,
        "back from now, until now: 30d, 12h (default: from the first row to the newest)"),
};

/* The range ends with the newest row: nobody is to take that for now. */
static bool is_open(const struct gaps_values *values)
{
    return values->span.last == NULL && values->span.to == NULL;
}

/* What is expected goes by rows where the range, or the groups, do. */
static void say_nothing_expected(const struct vv_cli *cli, const struct vv_node *node,
    const char *table, const struct gaps_values *values)
{
    const char *calendar = vv_node_chars(vv_node_get(node, "calendar"));
    if (vv_node_int(vv_node_get(node, "groups"), 0) == 0)
        vv_say(cli, "calendar %s: nothing says what to expect: %s has no row%s", calendar,
            table, is_open(values) ? "" : " before the end of that time");
    else if (is_open(values) && vv_node_int(vv_node_get(node, "rows"), 0) == 0)
        vv_say(cli,
            "calendar %s: no row was expected: without --last or --to that time ends with the "
            "newest row, and none is in it",
            calendar);
    else
        vv_say(cli,
            "calendar %s: no row was expected: it has no whole interval of %s in that time "
            "that is over",
            calendar, values->every);
}

static void say_summary(const struct vv_cli *cli, const struct vv_node *node, const char *table,
    const struct gaps_values *values)
{
    int64_t expected = vv_node_int(vv_node_get(node, "expected"), 0);
    int64_t missing = vv_node_int(vv_node_get(node, "missing"), 0);
    const char *newest = is_open(values) ? vv_node_chars(vv_node_get(node, "newest")) : "";
    if (expected > 0)
        vv_say(cli,
            "calendar %s: %" PRId64 " of %" PRId64 " interval%s missing, coverage %.2f %%%s%s",
            vv_node_chars(vv_node_get(node, "calendar")), missing, expected,
            vv_text_plural(expected), 100.0 * (double)(expected - missing) / (double)expected,
            *newest ? ", up to the newest row, " : "", newest);
    else
        say_nothing_expected(cli, node, table, values);
    if (vv_node_int(vv_node_get(node, "rows"), 0) == 0 &&
        vv_node_int(vv_node_get(node, "groups"), 0) > 0)
        vv_say_none(cli, node, table);
    vv_say_count(cli, node, "outside", "row is of a time when the calendar is closed",
        "rows are of times when the calendar is closed");
}

/* Of --strict. */
static varve_status judge(struct vv_cli *cli, const struct vv_node *node, const char *table)
{
    int64_t missing = vv_node_int(vv_node_get(node, "missing"), 0);
    if (vv_node_int(vv_node_get(node, "groups"), 0) == 0)
        return vv_error_set(&cli->error, VARVE_EVERIFY, "table %s: no row says what to expect",
            table);
    if (missing == 0)
        return VARVE_OK;
    return vv_error_set(&cli->error, VARVE_EVERIFY, "table %s: %" PRId64 " interval%s missing",
        table, missing, vv_text_plural(missing));
}

static varve_status tell(struct vv_cli *cli, const char *json, const char *table,
    const struct gaps_values *values)
{
    struct vv_text name VV_CLEANUP(vv_text_done) = {0};
    struct vv_node node = {0};
    if (!vv_node_read(json, strlen(json), &node))
        return vv_error_set(&cli->error, VARVE_ELIMIT, "gaps: out of memory");
    vv_text_add_shown(&name, table, strlen(table));
    say_summary(cli, &node, vv_text_chars(&name), values);
    varve_status status = values->strict ? judge(cli, &node, vv_text_chars(&name)) : VARVE_OK;
    vv_node_done(&node);
    return status;
}

static varve_status run_lateness(struct vv_cli *cli, const struct gaps_values *values,
    const char *table)
{
    varve_lateness_options lateness = VARVE_LATENESS_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    if (values->every || values->calendar || values->strict)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "gaps: lateness is of rows that are there: --every, --calendar and --strict mean "
            "nothing");
    lateness.by = values->by;
    lateness.last = values->span.last;
    lateness.from = values->span.from;
    lateness.to = values->span.to;
    lateness.at = cli->globals.at;
    VV_TRY(varve_lake_lateness(cli->lake, table, &lateness, &rows, &cli->error));
    static const char *const hides[] = {"from_seconds", "to_seconds", NULL};
    return vv_show_rows(cli, &rows, &(struct vv_show){.box_hides = hides, .plot_value = "rows"},
        NULL);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct gaps_values *values = given;
    const char *table = vv_cli_argument(cli, 0);
    varve_gaps_options gaps = VARVE_GAPS_OPTIONS_INIT;
    struct ArrowArrayStream rows = {0};
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_span_check(cli, &values->span));
    if (values->strict && is_open(values) && values->show != SHOW_LATENESS)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "gaps: --strict of a time that ends with the newest row never sees that rows no "
            "longer come: add --last of at least two times --every, or --to now");
    VV_TRY(vv_cli_open_lake(cli, false));
    if (values->show == SHOW_LATENESS)
        return run_lateness(cli, values, table);
    gaps.coverage = values->show == SHOW_COVERAGE;
    gaps.every = values->every;
    gaps.calendar = values->calendar;
    gaps.by = values->by;
    gaps.last = values->span.last;
    gaps.from = values->span.from;
    gaps.to = values->span.to;
    gaps.at = cli->globals.at;
    const struct vv_show show = {.plot_value = gaps.coverage ? "coverage" : "missing"};
    VV_TRY(varve_lake_gaps(cli->lake, table, &gaps, &rows, &json, &cli->error));
    VV_TRY(vv_show_rows(cli, &rows, &show, NULL));
    return tell(cli, json, table, values);
}

const struct vv_command vv_cmd_gaps = {
    .name = "gaps",
    .summary = "what is missing: by calendar, coverage, lateness",
    .arguments = "TABLE",
    .examples = "varve gaps market_regimes --every 1m --by symbol --calendar XNYS --last 30d\n"
                "varve gaps market_regimes --every 5m --by symbol --show coverage\n"
                "varve gaps market_regimes --by symbol --show lateness",
    .text = "Cuts the sessions of the calendar into intervals of --every and shows those\n"
            "without a row, neighbours as one. A row at the close is in the last interval;\n"
            "with --every 1d any row of the day counts, and daily bars that are all stamped\n"
            "at midnight UTC are of that date (each of --by is judged by its own rows).\n"
            "With --last the range ends now, or at the time of --at: a feed that has died is\n"
            "missing since then, and a market that is closed by its calendar is not. Without\n"
            "--last and --to it ends with the newest row. What is not over yet is not\n"
            "missing. For a monitor: varve gaps TABLE --every 1m --last 1h --strict.\n"
            "Of a table whose key has a date and no time the intervals are days: --every 1d.\n"
            "A calendar of your own is a file of a few lines: docs/format-calendar.md.",
    VV_OPTIONS(options, struct gaps_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
