#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "varve/maintain.h"

struct optimize_values {
    struct vv_integer target_size;
    const char *zorder;
    const char *where;
    bool dry_run;
};

#define AT(member) offsetof(struct optimize_values, member)

static const struct vv_option options[] = {
    {.name = "target-size",
        .kind = VV_OPTION_SIZE,
        .value = "SIZE",
        .help = "size that files are to have (default: delta.targetFileSize, else 100MB)",
        .offset = AT(target_size)},
    {.name = "zorder",
        .kind = VV_OPTION_TEXT,
        .value = "A,B",
        .help = "lay rows out in z-order of these columns: a question about any of them reads "
                "few files",
        .offset = AT(zorder)},
    {.name = "where",
        .kind = VV_OPTION_TEXT,
        .value = "SQL",
        .help = "the partitions to take, by a condition on partition columns",
        .offset = AT(where)},
    {.name = "dry-run",
        .kind = VV_OPTION_FLAG,
        .help = "say what would be rewritten, and write nothing",
        .offset = AT(dry_run)},
};

static varve_status show_json(struct vv_cli *cli, const char *name,
    const varve_optimize_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    vv_text_addf(&line,
        ",\"version\":%" PRId64 ",\"commits\":%" PRId64 ",\"partitions\":%" PRId64
        ",\"files_added\":%" PRId64 ",\"files_removed\":%" PRId64 ",\"bytes_added\":%" PRId64
        ",\"bytes_removed\":%" PRId64 ",\"rows\":",
        result->version, result->commits, result->partitions, result->files_added,
        result->files_removed, result->bytes_added, result->bytes_removed);
    if (result->rows < 0)
        vv_text_adds(&line, "null");
    else
        vv_text_addf(&line, "%" PRId64, result->rows);
    vv_text_addf(&line, ",\"vectors_removed\":%" PRId64 ",\"files_skipped\":%" PRId64 "}\n",
        result->vectors_removed, result->files_skipped);
    return vv_show_result(cli, line.ptr, line.len);
}

static void say(const struct vv_cli *cli, const char *name, bool is_dry,
    const varve_optimize_result *result)
{
    const struct vv_text_size before = vv_text_size(result->bytes_removed);
    if (result->files_removed == 0)
        vv_say(cli, "%s: nothing to do; version %" PRId64, name, result->version);
    else if (is_dry)
        vv_say(cli,
            "%s: %" PRId64 " file%s (%s) in %" PRId64
            " partition%s would be rewritten (a dry run: nothing written)",
            name, result->files_removed, vv_text_plural(result->files_removed), before.chars,
            result->partitions, vv_text_plural(result->partitions));
    else
        vv_say(cli,
            "%s: %" PRId64 " file%s (%s) became %" PRId64 " (%s) in %" PRId64
            " partition%s; version %" PRId64,
            name, result->files_removed, vv_text_plural(result->files_removed), before.chars,
            result->files_added, vv_text_size(result->bytes_added).chars, result->partitions,
            vv_text_plural(result->partitions), result->version);
    if (result->vectors_removed > 0)
        vv_say(cli, "%" PRId64 " deletion vector%s %s gone", result->vectors_removed,
            vv_text_plural(result->vectors_removed),
            result->vectors_removed == 1 ? "is" : "are");
    if (result->files_skipped > 0)
        vv_say(cli, "%" PRId64 " file%s left, since other writers were at %s: run it again",
            result->files_skipped, result->files_skipped == 1 ? " was" : "s were",
            result->files_skipped == 1 ? "it" : "them");
}

static varve_status run(struct vv_cli *cli, const void *given)
{
    const struct optimize_values *values = given;
    const char *name = vv_cli_argument(cli, 0);
    varve_table *table VV_CLEANUP(vv_table_cleanup) = NULL;
    varve_optimize_options optimize = VARVE_OPTIMIZE_OPTIONS_INIT;
    varve_optimize_result result;
    if (values->target_size.given && values->target_size.value <= 0)
        return vv_error_set(&cli->error, VARVE_EUSAGE, "--target-size must be above zero");
    optimize.target_bytes = values->target_size.value;
    optimize.zorder = values->zorder;
    optimize.where = values->where;
    optimize.dry_run = values->dry_run;
    VV_TRY(vv_cli_open_table(cli, name, &table));
    VV_TRY(varve_table_optimize(table, &optimize, &result, &cli->error));
    vv_progress_clear(cli);
    if (cli->globals.json)
        return show_json(cli, name, &result);
    say(cli, name, values->dry_run, &result);
    return VARVE_OK;
}

const struct vv_command vv_cmd_optimize = {
    .name = "optimize",
    .summary = "make many small files few, in a good order",
    .arguments = "TABLE",
    .examples = "varve optimize signals\n"
                "varve optimize signals --where \"date < '2025-01-01'\" --dry-run\n"
                "varve optimize signals --zorder timestamp,strategy_id",
    .text = "Packs files that are smaller than the target size, partition by partition, and\n"
            "applies deletion vectors for good. Rows stay what they are: old versions read as\n"
            "before, and the change data of the table has nothing of it. Each group of\n"
            "partitions is a commit of its own: interrupted, it goes on from there the next\n"
            "time, and a second run finds nothing to do. Writers go on meanwhile.",
    VV_OPTIONS(options, struct optimize_values),
    .arguments_least = 1,
    .arguments_most = 1,
    .sums_up = "",
    .run = run,
};
