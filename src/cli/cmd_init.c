#include <string.h>

#include "cli/commands.h"
#include "cli/json_view.h"

struct init_values {
    int32_t profile;
    const char *history;
    const char *regimes;
    const char *signal_types;
    const char *symbols;
};

#define AT(member) offsetof(struct init_values, member)

static const struct vv_option options[] = {
    {.name = "profile",
        .kind = VV_OPTION_CHOICE,
        .value = "P",
        .choices = "interop|audit",
        .help = "interop (default): every Delta engine reads and writes the tables; audit: "
                "commit times inside the log, fewer engines write",
        .offset = AT(profile)},
    {.name = "history",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "how long old versions are kept: 400d (default), 2w, forever",
        .offset = AT(history)},
    {.name = "regimes",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "market regimes in place of the six default ones",
        .offset = AT(regimes)},
    {.name = "signal-types",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "signal types in place of ml_entry, rule_entry, futures_confirm",
        .offset = AT(signal_types)},
    {.name = "symbols",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "known symbols: rows of others are written, and warned of",
        .offset = AT(symbols)},
};

static void say_tables(const struct vv_cli *cli, const char *json)
{
    struct vv_node node = {0};
    if (!vv_node_read(json, strlen(json), &node))
        return;
    for (size_t i = 0; i < node.children_len; i++) {
        const struct vv_node *table = &node.children[i];
        const char *created = vv_node_chars(vv_node_get(table, "created"));
        bool is_new = strcmp(created, "true") == 0 || strcmp(created, "1") == 0;
        vv_say(cli, "%s %s (%s)", is_new ? "created" : "was there already:",
            vv_node_chars(vv_node_get(table, "table")),
            vv_node_chars(vv_node_get(table, "location")));
    }
    vv_node_done(&node);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct init_values *values = given;
    static const char *const profiles[] = {NULL, "interop", "audit"};
    varve_init_options init = VARVE_INIT_OPTIONS_INIT;
    init.profile = profiles[values->profile];
    init.history = values->history;
    init.regimes = values->regimes;
    init.signal_types = values->signal_types;
    init.symbols = values->symbols;
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_cli_open_lake(cli, true));
    VV_TRY(varve_lake_init(cli->lake, &init, &json, &cli->error));
    if (!cli->globals.json) {
        say_tables(cli, json);
        return VARVE_OK;
    }
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_addf(&line, "%s\n", json);
    return vv_show_result(cli, line.ptr, line.len);
}

const struct vv_command vv_cmd_init = {
    .name = "init",
    .summary = "create the three market tables",
    .arguments = "",
    .examples = "varve init\n"
                "varve --lake data/other init --history forever",
    .text = "Creates market_regimes, performance_metrics and signals in the lake, where they\n"
            "are not there yet. Tables that are there stay as they are: it can be repeated.\n"
            "Each is partitioned by date and has a natural key, an order column for the last\n"
            "write to win, and CHECK constraints that Spark and delta-rs enforce too. What is\n"
            "odd and may be right (a time in the future, a feed a day late) is counted\n"
            "by rules varve.warn.NAME, which reject nothing: varve help alter.",
    VV_OPTIONS(options, struct init_values),
    .arguments_most = 0,
    .sums_up = "",
    .run = run,
};
