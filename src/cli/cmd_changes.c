#include <string.h>

#include "cli/commands.h"
#include "cli/json_view.h"
#include "varve/inspect.h"

struct changes_values {
    const char *from;
    const char *to;
};

#define AT(member) offsetof(struct changes_values, member)

static const struct vv_option options[] = {
    {.name = "from",
        .kind = VV_OPTION_TEXT,
        .value = "V|TIME|TAG",
        .help = "first version, or the first at or after a time",
        .offset = AT(from)},
    {.name = "to",
        .kind = VV_OPTION_TEXT,
        .value = "V|TIME|TAG",
        .help = "last version, or the last at or before a time (default: the latest)",
        .offset = AT(to)},
};

#define KEY_MAX 16 /* columns of a key that are kept on the screen */

/*
 * What a narrow box keeps: what happened to which row, in which version, when. A table whose newest
 * version can't be read has no key here: the changes of earlier ones are told all the same.
 */
static varve_status show(struct vv_cli *cli, varve_table *table, struct ArrowArrayStream *rows)
{
    const char *keeps[KEY_MAX + 4] = {"_change_type"};
    size_t len = 1;
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    struct vv_node description = {0};
    varve_error unread;
    if (varve_table_describe(table, NULL, &json, &unread) == VARVE_OK &&
        vv_node_read(json, strlen(json), &description)) {
        const struct vv_node *key = vv_node_get(&description, "key");
        for (size_t i = 0; i < key->children_len && i < KEY_MAX; i++)
            keeps[len++] = vv_node_chars(&key->children[i]);
    }
    keeps[len++] = "_commit_version";
    keeps[len] = "_commit_timestamp";
    varve_status status = vv_show_rows(cli, rows, &(struct vv_show){.box_keeps = keeps}, NULL);
    vv_node_done(&description);
    return status;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct changes_values *values = given;
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    struct ArrowArrayStream rows = {0};
    if (values->from == NULL)
        return vv_error_set(&cli->error, VARVE_EUSAGE,
            "changes: say --from VERSION or --from TIME (varve history %s lists them)",
            vv_cli_argument(cli, 0));
    VV_TRY(vv_cli_open_table(cli, vv_cli_argument(cli, 0), &table));
    VV_TRY(varve_table_changes(table, values->from, values->to, &rows, &cli->error));
    return show(cli, table, &rows);
}

const struct vv_command vv_cmd_changes = {
    .name = "changes",
    .summary = "the rows that each version brought, took and replaced",
    .arguments = "TABLE",
    .examples = "varve changes signals --from 1\n"
                "varve changes signals --from 1 --to 1 --format ndjson\n"
                "varve changes signals --from -7d",
    .text = "Both ends are included; --to a version before a damaged one needs nothing of it.\n"
            "Behind the table's columns stand _change_type (insert, delete, update_preimage,\n"
            "update_postimage), _commit_version and _commit_timestamp. A table needs no\n"
            "change feed for that; where one is on, it is what is read.",
    VV_OPTIONS(options, struct changes_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .run = run,
};
