#include <inttypes.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/counters.h"
#include "varve/adopt.h"

struct adopt_values {
    const char *key;
    const char *order_by;
    const char *zorder;
    const char *assume_tz;
    bool dedupe;
    bool plan;
};

#define AT(member) offsetof(struct adopt_values, member)

static const struct vv_option options[] = {
    {.name = "key",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "columns that identify a row",
        .offset = AT(key)},
    {.name = "order-by",
        .kind = VV_OPTION_TEXT,
        .value = "COLUMN",
        .help = "a timestamp or integer: the row with the greatest wins; without it the last "
                "arrival wins",
        .offset = AT(order_by)},
    {.name = "zorder",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "columns to cluster files by",
        .offset = AT(zorder)},
    {.name = "dedupe",
        .kind = VV_OPTION_FLAG,
        .help = "leave one row of each key, and move rows to the date that they belong to",
        .offset = AT(dedupe)},
    {.name = "assume-tz",
        .kind = VV_OPTION_TEXT,
        .value = "ZONE",
        .help = "times without a zone are of this one, such as America/New_York, and become "
                "timestamps",
        .offset = AT(assume_tz)},
    {.name = "plan",
        .kind = VV_OPTION_FLAG,
        .help = "say what would be done, and write nothing",
        .offset = AT(plan)},
};

static const struct vv_counter counters[] = {
    {"version", NULL, offsetof(varve_adopt_result, version)},
    {"rows", NULL, offsetof(varve_adopt_result, rows)},
    {"keys_doubled", NULL, offsetof(varve_adopt_result, keys_doubled)},
    {"rows_removed", NULL, offsetof(varve_adopt_result, rows_removed)},
    {"rows_misdated", NULL, offsetof(varve_adopt_result, rows_misdated)},
    {"rows_redated", NULL, offsetof(varve_adopt_result, rows_redated)},
    {"times_ambiguous", NULL, offsetof(varve_adopt_result, times_ambiguous)},
};

static varve_status show_json(struct vv_cli *cli, const char *name,
    const varve_adopt_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line, ",\"changed\":%s", result->changed ? "true" : "false");
    for (size_t i = 0; i < VV_COUNT(counters); i++)
        vv_text_addf(&line, ",\"%s\":%" PRId64, counters[i].name,
            vv_counter_value(&counters[i], result));
    vv_text_adds(&line, "}\n");
    return vv_show_result(cli, line.ptr, line.len);
}

static void say(const struct vv_cli *cli, const char *name, bool is_plan, const char *report,
    const varve_adopt_result *result)
{
    struct vv_text shown VV_CLEANUP(vv_text_done) = {0};
    for (const char *from = report; *from != '\0';) {
        size_t len = strcspn(from, "\n");
        vv_text_clear(&shown);
        vv_text_add_shown(&shown, from, len);
        vv_say(cli, "  %s", vv_text_chars(&shown));
        from += len + (from[len] == '\n');
    }
    vv_text_clear(&shown);
    if (result->rows_removed > 0)
        vv_text_addf(&shown, ", %" PRId64 " removed", result->rows_removed);
    vv_say(cli, "%s: %s; %" PRId64 " row%s%s, version %" PRId64 "%s", name,
        !result->changed ? "it was like that already"
        : is_plan        ? "would be adopted"
                         : "adopted",
        result->rows - result->rows_removed,
        vv_text_plural(result->rows - result->rows_removed), vv_text_chars(&shown),
        result->version, is_plan ? " (a plan: nothing written)" : "");
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct adopt_values *values = given;
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    char *report VV_CLEANUP(vv_chars_cleanup) = NULL;
    varve_adopt_options adopt = VARVE_ADOPT_OPTIONS_INIT;
    varve_adopt_result result;
    adopt.key = values->key;
    adopt.order_by = values->order_by;
    adopt.zorder = values->zorder;
    adopt.assume_tz = values->assume_tz;
    adopt.dedupe = values->dedupe;
    adopt.dry_run = values->plan;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(varve_table_adopt(table, &adopt, &result, &report, &cli->error));
    vv_progress_clear(cli);
    say(cli, name, values->plan, report, &result);
    return cli->globals.json ? show_json(cli, name, &result) : VARVE_OK;
}

const struct vv_command vv_cmd_adopt = {
    .name = "adopt",
    .summary = "take over a table that other software made, and repair its keys and times",
    .arguments = "TABLE",
    .examples = "varve adopt signals --key timestamp,strategy_id,signal_type \\\n"
                "    --order-by ingested_at --dedupe --plan\n"
                "varve adopt signals --key timestamp,strategy_id,signal_type --dedupe",
    .text = "Declares the key of a table, its order column and z-order, after a look at all\n"
            "rows. What stands against it is told: keys that several rows have (writes that\n"
            "were repeated), rows under another date than the UTC date of their timestamp,\n"
            "times without a zone. --dedupe repairs the first two: of several rows the one\n"
            "with the greatest order value stays, of these the one that was written last.\n"
            "--assume-tz makes timestamps of naive times: columns of timestamp_ntz, and key\n"
            "and order columns of texts that are times. A time that the zone left out is an\n"
            "error that names it, and so is a text with digits below a microsecond; of a\n"
            "time that the zone had twice the earlier is taken, and it is told.\n"
            "\n"
            "All of it is one commit, or none where the table is like that already; older\n"
            "versions stay as they were, for as long as the table's properties say, which is\n"
            "told (alter set delta.deletedFileRetentionDuration=400d keeps more). --plan\n"
            "shows what would be done, and which row of each key would stay.",
    VV_OPTIONS(options, struct adopt_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "",
    .run = run,
};
