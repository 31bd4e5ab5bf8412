/*
 * The demonstration: what is shared by its folder, its feed and its steps.
 */
#ifndef VV_CLI_DEMO_H
#define VV_CLI_DEMO_H

#include "cli/cli.h"

#define VV_DEMO_DAYS 30
#define VV_DEMO_SEED 7

enum vv_demo_table {
    VV_DEMO_REGIMES,
    VV_DEMO_METRICS,
    VV_DEMO_SIGNALS,
    VV_DEMO_TABLES
};
extern const char *const vv_demo_names[VV_DEMO_TABLES];

struct vv_demo {
    struct vv_cli *cli;
    const char *folder;
    struct vv_text files; /* the folder of its input files, inside the lake */
    varve_table *tables[VV_DEMO_TABLES];
    varve_upsert_result totals[VV_DEMO_TABLES];
    int64_t commits;
    char first_day[11], last_day[11];
    struct vv_text line; /* a row of SPY on the last day, as it was delivered */
};

/*
 * Makes an empty demo lake out of `folder`: a new folder, an empty one, or one that a
 * demonstration made before (its marker file says so). EUSAGE for any other: nothing in it is
 * touched.
 */
varve_status vv_demo_folder_prepare(const char *folder, varve_error *err);

/* Path of one of its input files; released by the caller. */
struct vv_text vv_demo_path(const struct vv_demo *demo, const char *name);
/* Writes an input file anew. */
varve_status vv_demo_write(struct vv_demo *demo, const char *name, const char *content);
/* Upserts one of its input files. */
varve_status vv_demo_upsert(struct vv_demo *demo, enum vv_demo_table table, const char *name,
    const char *message, varve_upsert_result *out);

varve_status vv_demo_upsert_with(struct vv_demo *demo, enum vv_demo_table table,
    const char *name, const varve_upsert_options *options, varve_upsert_result *out);

/* The simulated days, a batch a day and table; the input files of the last day stay. */
varve_status vv_demo_load(struct vv_demo *demo);

#endif
