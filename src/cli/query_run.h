/*
 * Statements, run and shown: what `query` and `shell` have in common.
 */
#ifndef VV_CLI_QUERY_RUN_H
#define VV_CLI_QUERY_RUN_H

#include "cli/cli.h"

/* A whole file ("-": stdin) as text. `option` names what asked for it, in errors. */
varve_status vv_read_file(struct vv_cli *cli, const char *option, const char *path,
    struct vv_text *out);

struct vv_query_run {
    const char *const *params; /* "NAME=VALUE" */
    size_t params_len;
    bool explain;      /* tell how the last statement would be run */
    int64_t *out_rows; /* shown; may be NULL */
};

/* Whether the last statement is a SET or RESET: it has no rows to be shown. */
bool vv_query_is_setting(const char *sql);

/*
 * Runs SQL at globals.at and shows the rows of the last statement; of an EXPLAIN in a box, what
 * `explain` shows.
 */
varve_status vv_query_show(struct vv_cli *cli, const char *sql, const struct vv_query_run *run);

#endif
