/*
 * The commands, each in a file of its own, and what helps them to describe themselves.
 */
#ifndef VV_CLI_COMMANDS_H
#define VV_CLI_COMMANDS_H

#include "cli/cli.h"

extern const struct vv_command vv_cmd_init;
extern const struct vv_command vv_cmd_checkpoint;
extern const struct vv_command vv_cmd_adopt;
extern const struct vv_command vv_cmd_alter;
extern const struct vv_command vv_cmd_maintain;
extern const struct vv_command vv_cmd_optimize;
extern const struct vv_command vv_cmd_vacuum;
extern const struct vv_command vv_cmd_restore;
extern const struct vv_command vv_cmd_create;
extern const struct vv_command vv_cmd_upsert;
extern const struct vv_command vv_cmd_append;
extern const struct vv_command vv_cmd_update;
extern const struct vv_command vv_cmd_delete;
extern const struct vv_command vv_cmd_merge;
extern const struct vv_command vv_cmd_overwrite;
extern const struct vv_command vv_cmd_quarantine;
extern const struct vv_command vv_cmd_scan;
extern const struct vv_command vv_cmd_query;
extern const struct vv_command vv_cmd_latest;
extern const struct vv_command vv_cmd_range;
extern const struct vv_command vv_cmd_correlate;
extern const struct vv_command vv_cmd_outcomes;
extern const struct vv_command vv_cmd_transitions;
extern const struct vv_command vv_cmd_gaps;
extern const struct vv_command vv_cmd_signals;
extern const struct vv_command vv_cmd_history;
extern const struct vv_command vv_cmd_changes;
extern const struct vv_command vv_cmd_leak_check;
extern const struct vv_command vv_cmd_why;
extern const struct vv_command vv_cmd_tag;
extern const struct vv_command vv_cmd_hold;
extern const struct vv_command vv_cmd_trace;
extern const struct vv_command vv_cmd_verify;
extern const struct vv_command vv_cmd_doctor;
extern const struct vv_command vv_cmd_seal;
extern const struct vv_command vv_cmd_keygen;
extern const struct vv_command vv_cmd_export;
extern const struct vv_command vv_cmd_describe;
extern const struct vv_command vv_cmd_files;
extern const struct vv_command vv_cmd_tables;
extern const struct vv_command vv_cmd_simulate;
extern const struct vv_command vv_cmd_ingest;
extern const struct vv_command vv_cmd_spool;
extern const struct vv_command vv_cmd_demo;
extern const struct vv_command vv_cmd_version;
extern const struct vv_command vv_cmd_shell;
extern const struct vv_command vv_cmd_completion;
extern const struct vv_command vv_cmd_help;

/* The options of a command and the struct that they are written to. */
#define VV_OPTIONS(table, type) \
    .options = (table), .options_len = VV_COUNT(table), .options_bytes = sizeof(type)

/* How the history of a table and that of a row are shown, by the demonstration too. */
extern const struct vv_show vv_history_show;
extern const struct vv_show vv_trace_show;

/* The demonstration, by itself: demo.c. `folder` is the lake that it makes anew. */
varve_status vv_demo_run(struct vv_cli *cli, const char *folder);

#endif
