#include <inttypes.h>

#include "cli/commands.h"
#include "cli/span.h"
#include "varve/report.h"

struct leak_values {
    int32_t knowledge;
};

static const struct vv_option options[] = {
    VV_KNOWLEDGE_OPTION(struct leak_values, knowledge,
        "since when a row is known: from its order column (default), its commit, or its time"),
};

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct leak_values *values = given;
    struct ArrowArrayStream rows = {0};
    varve_leak_check_options leak = VARVE_LEAK_CHECK_OPTIONS_INIT;
    const char *known_at = cli->globals.known_at;
    int64_t count = 0;
    if (known_at == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "leak-check: what was known when? Say --known-at TIME");
    leak.knowledge = vv_knowledge_of(values->knowledge);
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_leak_check(cli->lake, vv_cli_argument(cli, 0), known_at, &leak, &rows,
        &cli->error));
    VV_TRY(vv_show_rows(cli, &rows, NULL, &count));
    static const char *const names[] = {"order", "commit", "event"};
    vv_say(cli,
        count == 0 ? "knowledge by %s: no row differs" : "knowledge by %s: %" PRId64 " row%s",
        names[leak.knowledge], count, count == 1 ? " differs" : "s differ");
    if (count > 0 && leak.knowledge == VARVE_KNOWLEDGE_ORDER)
        vv_say(cli,
            "then: rows of now with an order value up to then; of rows replaced or removed "
            "since, what was committed by then (--knowledge commit: all by commits)");
    return VARVE_OK;
}

const struct vv_command vv_cmd_leak_check = {
    .name = "leak-check",
    .summary = "what a query says only because of what became known later",
    .arguments = "'SQL'",
    .examples = "varve leak-check 'SELECT symbol, regime FROM market_regimes' --known-at -1h\n"
                "varve leak-check 'FROM signals' --known-at 2025-01-30 --knowledge commit",
    .text = "Runs the query over the tables as they were known at --known-at and as they\n"
            "are now, and shows the rows that differ: _known says on which side a row is.\n"
            "No rows mean that a test of the past with this query uses nothing that was not\n"
            "known. By order (default) what was known then are the rows of now with an order\n"
            "value up to then, though they were committed later; and where such a row is not\n"
            "there any more, replaced or removed since, the one of the version that was\n"
            "committed by then. A row that was committed after then and is gone again is on\n"
            "neither side, which is told with the versions between, and varve changes has it;\n"
            "so `then` need not be what any reader saw: for the tables exactly as they were\n"
            "committed by then, say --knowledge commit. By event it is the rows\n"
            "of now with a time up to then. Where a table's rows do not say when they were\n"
            "known, their commits do, and that is told.",
    VV_OPTIONS(options, struct leak_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .reads_known = true,
    .run = run,
};
