#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/json_view.h"
#include "cli/query_run.h"
#include "cli/span.h"
#include "varve/export.h"

struct export_values {
    struct vv_span_values span;
    const char *key;
    const char *seals;
    bool no_sources;
    bool no_changes;
};

#define AT(member) offsetof(struct export_values, member)

static const struct vv_option options[] = {
    VV_SPAN_OPTIONS(struct export_values, span,
        "rows of event times back from now: 30d (default: all)"),
    {.name = "key",
        .kind = VV_OPTION_TEXT,
        .value = "FILE",
        .help = "sign the heads and the list of hashes with this key (varve keygen)",
        .offset = AT(key)},
    {.name = "seals",
        .kind = VV_OPTION_TEXT,
        .value = "FILE",
        .help = "what varve seal printed earlier: it must fit, and goes along",
        .offset = AT(seals)},
    {.name = "no-sources",
        .kind = VV_OPTION_FLAG,
        .help = "leave out the data files that the rows were read from",
        .offset = AT(no_sources)},
    {.name = "no-changes",
        .kind = VV_OPTION_FLAG,
        .help = "leave out what the versions did to the rows",
        .offset = AT(no_changes)},
};

/* "export-20250130T100000Z" */
static void name_folder(struct vv_text *out)
{
    char name[64];
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc) != NULL &&
        strftime(name, sizeof(name), "export-%Y%m%dT%H%M%SZ", &utc) > 0)
        vv_text_adds(out, name);
    else
        vv_text_adds(out, "export");
}

/* A folder's name says nothing of a format; the summary is what goes to stdout. */
static const char *take_folder(struct vv_cli *cli, struct vv_text *chosen)
{
    const char *folder = cli->globals.output;
    cli->globals.output = NULL;
    if (folder != NULL)
        return folder;
    name_folder(chosen);
    return vv_text_chars(chosen);
}

static void add_member(struct vv_text *text, const char *label, const char *value)
{
    if (*value)
        vv_text_addf(text, "%s %s\n", label, value);
}

/* "12 rows", by a member of the answer. */
static void add_count(struct vv_text *text, const struct vv_node *node, const char *name,
    const char *what)
{
    int64_t count = vv_node_int(vv_node_get(node, name), 0);
    vv_text_addf(text, "%" PRId64 " %s%s", count, what, vv_text_plural(count));
}

static varve_status show(struct vv_cli *cli, const char *json)
{
    struct vv_text text VV_CLEANUP(vv_text_done) = {0};
    struct vv_text folder VV_CLEANUP(vv_text_done) = {0};
    struct vv_node node = {0};
    if (cli->globals.json || !vv_node_read(json, strlen(json), &node))
        return vv_show_result(cli, json, strlen(json));
    const char *path = vv_node_chars(vv_node_get(&node, "folder"));
    vv_text_add_shown(&folder, path, strlen(path));
    vv_text_adds(&text, "exported ");
    add_count(&text, &node, "rows", "row");
    if (vv_node_get(&node, "changes")->kind != VV_NODE_NONE) {
        vv_text_adds(&text, " and ");
        add_count(&text, &node, "changes", "row change");
    }
    vv_text_adds(&text, " of ");
    add_count(&text, &node, "tables", "table");
    vv_text_addf(&text, " to %s (", vv_text_chars(&folder));
    add_count(&text, &node, "files", "file");
    vv_text_adds(&text, ", ");
    add_count(&text, &node, "bytes", "byte");
    vv_text_adds(&text, ")\n");
    add_member(&text, "SHA256SUMS has the SHA-256",
        vv_node_chars(vv_node_get(&node, "sha256")));
    add_member(&text, "signed:", vv_node_chars(vv_node_get(&node, "signature")));
    vv_node_done(&node);
    varve_status status = vv_show_text(cli, vv_text_chars(&text), text.len);
    if (status == VARVE_OK)
        vv_say(cli,
            "tell the auditor that hash by another way than with the folder; index.html "
            "in it says how to check it");
    return status;
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct export_values *values = given;
    varve_audit_export_options export = VARVE_AUDIT_EXPORT_OPTIONS_INIT;
    struct vv_text chosen VV_CLEANUP(vv_text_done) = {0};
    struct vv_text seals VV_CLEANUP(vv_text_done) = {0};
    char *json VV_CLEANUP(vv_chars_cleanup) = NULL;
    VV_TRY(vv_span_check(cli, &values->span));
    if (values->seals != NULL)
        VV_TRY(vv_read_file(cli, "option --seals", values->seals, &seals));
    const char *folder = take_folder(cli, &chosen);
    export.tables = cli->line.arguments_len > 0 ? cli->line.arguments : NULL;
    export.tables_len = cli->line.arguments_len;
    export.last = values->span.last;
    export.from = values->span.from;
    export.to = values->span.to;
    export.at = cli->globals.at;
    export.key_file = values->key;
    export.seals = values->seals != NULL ? vv_text_chars(&seals) : NULL;
    export.without_sources = values->no_sources;
    export.without_changes = values->no_changes;
    VV_TRY(vv_cli_open_lake(cli, false));
    VV_TRY(varve_lake_export(cli->lake, folder, &export, &json, &cli->error));
    vv_progress_clear(cli);
    return show(cli, json);
}

const struct vv_command vv_cmd_export = {
    .name = "export",
    .summary = "rows for an auditor, with what proves them",
    .arguments = "[TABLE...]",
    .examples = "varve export -o audit-2025\n"
                "varve export signals --from 2025-01-01 --to 2025-02-01 -o january\n"
                "varve keygen audit.key && varve export signals --key audit.key -o signed\n"
                "varve export signals --no-changes --no-sources -o rows-only",
    .text = "Makes a new folder (-o FOLDER; else export-TIME) with the rows as CSV and\n"
            "Parquet, each of them that a version inserted, replaced or deleted (as varve\n"
            "changes tells it), the commits and data files that prove them, a list of\n"
            "SHA-256 hashes, a manifest, and index.html, which says what it is and how to\n"
            "check it with sha256sum and openssl alone. The folder appears when it is whole.\n"
            "--from and --to are event times, the first included, the last not; without them\n"
            "all rows. Versions whose changes can't be told, since a vacuum took their files,\n"
            "are named in index.html and manifest.json.\n"
            "--at and --known-at choose the version that is exported. Where the chain, a data\n"
            "file or a seal does not fit nothing is exported: see varve verify.",
    VV_OPTIONS(options, struct export_values),
    .arguments_least = 0,
    .arguments_most = UINT32_MAX,
    .reads_at = true,
    .reads_known = true,
    .run = run,
};
