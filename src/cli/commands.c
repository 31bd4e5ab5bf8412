#include "cli/commands.h"

#include <string.h>

const struct vv_command *const vv_commands[] = {
    &vv_cmd_demo,
    &vv_cmd_init,
    &vv_cmd_create,
    &vv_cmd_upsert,
    &vv_cmd_append,
    &vv_cmd_update,
    &vv_cmd_delete,
    &vv_cmd_merge,
    &vv_cmd_overwrite,
    &vv_cmd_quarantine,
    &vv_cmd_ingest,
    &vv_cmd_spool,
    &vv_cmd_simulate,
    &vv_cmd_query,
    &vv_cmd_shell,
    &vv_cmd_scan,
    &vv_cmd_latest,
    &vv_cmd_range,
    &vv_cmd_correlate,
    &vv_cmd_outcomes,
    &vv_cmd_transitions,
    &vv_cmd_gaps,
    &vv_cmd_signals,
    &vv_cmd_leak_check,
    &vv_cmd_history,
    &vv_cmd_changes,
    &vv_cmd_trace,
    &vv_cmd_why,
    &vv_cmd_tag,
    &vv_cmd_hold,
    &vv_cmd_verify,
    &vv_cmd_doctor,
    &vv_cmd_seal,
    &vv_cmd_keygen,
    &vv_cmd_export,
    &vv_cmd_describe,
    &vv_cmd_files,
    &vv_cmd_tables,
    &vv_cmd_adopt,
    &vv_cmd_alter,
    &vv_cmd_maintain,
    &vv_cmd_optimize,
    &vv_cmd_vacuum,
    &vv_cmd_restore,
    &vv_cmd_checkpoint,
    &vv_cmd_completion,
    &vv_cmd_version,
    &vv_cmd_help,
};
const size_t vv_commands_len = VV_COUNT(vv_commands);

const struct vv_command *vv_command_find(const char *name)
{
    for (size_t i = 0; i < vv_commands_len; i++)
        if (strcmp(vv_commands[i]->name, name) == 0)
            return vv_commands[i];
    return NULL;
}
