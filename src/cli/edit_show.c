#include "cli/edit_show.h"

#include <inttypes.h>
#include <string.h>

#include "cli/counters.h"
#include "cli/json_view.h"

static const struct vv_counter counters[] = {
    {"rows_in", NULL, offsetof(varve_edit_result, rows_in)},
    {"inserted", "inserted", offsetof(varve_edit_result, inserted)},
    {"updated", "updated", offsetof(varve_edit_result, updated)},
    {"deleted", "deleted", offsetof(varve_edit_result, deleted)},
    {"copied", "copied", offsetof(varve_edit_result, copied)},
    {"files_added", NULL, offsetof(varve_edit_result, files_added)},
    {"files_removed", NULL, offsetof(varve_edit_result, files_removed)},
    {"vectors_added", NULL, offsetof(varve_edit_result, vectors_added)},
    {"vectors_updated", NULL, offsetof(varve_edit_result, vectors_updated)},
    {"vectors_removed", NULL, offsetof(varve_edit_result, vectors_removed)},
    {"version", NULL, offsetof(varve_edit_result, version)},
    {"attempts", NULL, offsetof(varve_edit_result, attempts)},
    {"columns_added", "columns added", offsetof(varve_edit_result, columns_added)},
};

static varve_status show_json(struct vv_cli *cli, const char *name, const char *zone,
    const varve_edit_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    vv_text_adds(&line, "{\"table\":");
    vv_text_add_json(&line, name, strlen(name));
    for (size_t i = 0; i < VV_COUNT(counters); i++)
        vv_text_addf(&line, ",\"%s\":%" PRId64, counters[i].name,
            vv_counter_value(&counters[i], result));
    if (zone != NULL)
        vv_text_addf(&line, ",\"times_ambiguous\":%" PRId64, result->times_ambiguous);
    vv_text_addf(&line,
        ",\"already_applied\":%s,\"rows_warned\":%" PRId64 ",\"warnings\":%s}\n",
        result->already_applied ? "true" : "false", result->rows_warned,
        result->warnings ? result->warnings : "{}");
    return vv_show_result(cli, line.ptr, line.len);
}

static void say(const struct vv_cli *cli, const char *name, bool is_dry, const char *app_id,
    const varve_edit_result *result)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    int64_t changed = result->inserted + result->updated + result->deleted;
    if (result->already_applied) {
        vv_say(cli, "%s: this change was applied before; nothing written", name);
        return;
    }
    vv_counters_say(counters, VV_COUNT(counters), result, &line);
    vv_say(cli, "%s: %s; version %" PRId64 "%s", name,
        line.len ? vv_text_chars(&line) : "no such rows", result->version,
        is_dry                           ? " (a dry run: nothing written)"
        : changed == 0 && app_id != NULL ? " records the batch"
        : changed == 0                   ? " (nothing written)"
                                         : "");
    vv_edit_say_warned(cli, result->rows_warned, result->warnings);
}

void vv_edit_say_twice(const struct vv_cli *cli, const char *zone, int64_t rows)
{
    if (rows > 0 && zone != NULL)
        vv_say(cli,
            "%" PRId64 " row%s hold%s a time that %s had twice, clocks were put back: the "
            "earlier one is taken",
            rows, vv_text_plural(rows), rows == 1 ? "s" : "", zone);
}

void vv_edit_say_warned(const struct vv_cli *cli, int64_t rows, const char *warnings)
{
    struct vv_text line VV_CLEANUP(vv_text_done) = {0};
    struct vv_node node = {0};
    if (rows == 0 || warnings == NULL || !vv_node_read(warnings, strlen(warnings), &node))
        return;
    for (size_t i = 0; i < node.children_len; i++) {
        struct vv_node *rule = &node.children[i];
        vv_text_addf(&line, "%s%s %s", i > 0 ? ", " : "", vv_text_chars(&rule->name),
            vv_node_chars(rule));
    }
    vv_say(cli, "%" PRId64 " row%s warned: %s", rows, vv_text_plural(rows),
        vv_text_chars(&line));
    vv_node_done(&node);
}

varve_status vv_edit_show(struct vv_cli *cli, const char *name, bool is_dry, const char *zone,
    const char *app_id, const varve_edit_result *result)
{
    vv_progress_clear(cli);
    vv_edit_say_twice(cli, zone, result->times_ambiguous);
    if (cli->globals.json)
        return show_json(cli, name, zone, result);
    say(cli, name, is_dry, app_id, result);
    return VARVE_OK;
}

void vv_edit_take(const struct vv_input_values *input, bool dry_run, varve_edit_options *out)
{
    out->app_id = input->app_id;
    out->app_version = input->app_version.value;
    out->input_tz = input->input_tz;
    out->truncate_time = input->truncate_time;
    out->dry_run = dry_run;
}
