/*
 * Statements, run and shown: what `query` and `shell` have in common.
 */
#ifndef VV_CLI_QUERY_RUN_H
#define VV_CLI_QUERY_RUN_H

#include "cli/cli.h"

/* A whole file ("-": stdin) as text. `option` names what asked for it, in errors. */
varve_status vv_read_file(struct vv_cli *cli, const char *option, const char *path,
    struct vv_text *out);

/* Runs SQL at globals.at, with parameters "NAME=VALUE", and shows the rows of the last statement. */
varve_status vv_query_show(struct vv_cli *cli, const char *sql, const char *const *params,
    size_t params_len);

#endif
