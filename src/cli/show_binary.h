/*
 * Rows in the formats that the library writes: Parquet and Arrow IPC.
 */
#ifndef VV_CLI_SHOW_BINARY_H
#define VV_CLI_SHOW_BINARY_H

#include "cli/cli.h"
#include "cli/target.h"

/* EUSAGE where people would have to look at it. The stream is released. */
varve_status vv_show_parquet(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_target *target, int64_t *out_rows);
/* A file where the name of the output says so (.arrow, .feather, .ipc), else a stream. */
varve_status vv_show_arrow(struct vv_cli *cli, struct ArrowArrayStream *stream,
    const struct vv_target *target, int64_t *out_rows);

#endif
