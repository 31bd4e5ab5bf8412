#include <string.h>

#include "cli/commands.h"

struct create_values {
    const char *schema;
    const char *partition_by;
    const char *key;
    const char *order_by;
    const char *zorder;
    const char *cluster_by;
    const char *history;
    const char *description;
    struct vv_list checks;
    struct vv_list properties;
};

#define AT(member) offsetof(struct create_values, member)

static const struct vv_option options[] = {
    {.name = "schema",
        .kind = VV_OPTION_TEXT,
        .value = "COLUMNS",
        .help =
            "'a timestamp not null, b string, c double': types string, int, bigint, "
            "smallint, tinyint, double, float, boolean, date, timestamp, timestamp_ntz, "
            "decimal(p,s), binary, array<T>, map<K, V>, struct<a T, b U>; behind the type: not "
            "null, default EXPRESSION, generated always as (EXPRESSION)",
        .offset = AT(schema)},
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
    {.name = "partition-by",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "columns to keep apart in folders; an empty text in one is NULL",
        .offset = AT(partition_by)},
    {.name = "zorder",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "columns by which optimize lays rows out in the files",
        .offset = AT(zorder)},
    {.name = "cluster-by",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help =
            "the same as liquid clustering, which Spark goes by too; needs a table feature: "
            "see alter cluster-by",
        .offset = AT(cluster_by)},
    {.name = "check",
        .kind = VV_OPTION_LIST,
        .value = "'NAME: E'",
        .help = "a condition that every row has to meet; may be repeated",
        .offset = AT(checks)},
    {.name = "property",
        .kind = VV_OPTION_LIST,
        .value = "K=V",
        .help = "a Delta table property; may be repeated",
        .offset = AT(properties)},
    {.name = "history",
        .kind = VV_OPTION_TEXT,
        .value = "TIME",
        .help = "how long old versions are kept: 400d (default), forever",
        .offset = AT(history)},
    {.name = "description",
        .kind = VV_OPTION_TEXT,
        .value = "TEXT",
        .help = "what the table is for",
        .offset = AT(description)},
};

static varve_status show(struct vv_cli *cli, const char *name, bool created)
{
    if (!cli->globals.json) {
        vv_say(cli, created ? "created %s" : "%s was there already and is as it was", name);
        return VARVE_OK;
    }
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line, ",\"created\":%s}\n", created ? "true" : "false");
    return vv_show_result(cli, line.ptr, line.len);
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct create_values *values = given;
    const char *name = vv_cli_argument(cli, 0);
    varve_create_options create = VARVE_CREATE_OPTIONS_INIT;
    int32_t created = 0;
    if (values->schema == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "create: --schema is missing, such as --schema 'ts timestamp not null, x double'");
    create.schema = values->schema;
    create.partition_by = values->partition_by;
    create.key = values->key;
    create.order_by = values->order_by;
    create.zorder = values->zorder;
    create.cluster_by = values->cluster_by;
    create.history = values->history;
    create.description = values->description;
    create.checks = values->checks.items;
    create.checks_len = values->checks.len;
    create.properties = values->properties.items;
    create.properties_len = values->properties.len;
    VV_TRY(vv_cli_open_lake(cli, true));
    VV_TRY(varve_lake_create_table(cli->lake, name, &create, &created, &cli->error));
    return show(cli, name, created != 0);
}

const struct vv_command vv_cmd_create = {
    .name = "create",
    .summary = "create a table of your own",
    .arguments = "TABLE",
    .examples =
        "varve create futures --key ts,contract --order-by seen_at \\\n"
        "  --schema 'ts timestamp not null, contract string not null, price double,\n"
        "            seen_at timestamp' --check 'price_positive: price > 0'\n"
        "varve create orders --key id --schema 'id bigint not null, placed timestamp,\n"
        "  state string default \"new\", made_at timestamp default current_timestamp(),\n"
        "  placed_day date generated always as (cast(placed as date))'",
    .text = "Creates a table in the lake. Its key, order column and z-order columns are table\n"
            "properties, so that the table describes itself. A row that brings no order value\n"
            "gets the clock's, of bigint the microseconds since 1970; int and smaller take no\n"
            "time, so there a new row has NULL and gives way to any that brings a value. A\n"
            "table of that name which is there already stays as it is; if it is another one,\n"
            "that is an error.",
    VV_OPTIONS(options, struct create_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "",
    .run = run,
};
