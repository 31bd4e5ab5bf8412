/*
 * Keeping tables healthy. Nothing here changes a row. Conventions: varve.h.
 */
#ifndef VARVE_MAINTAIN_H
#define VARVE_MAINTAIN_H

#include "varve/varve.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct varve_optimize_options {
    uint32_t size;
    int64_t target_bytes; /* of a file; 0: delta.targetFileSize, else 100 MB */
    const char *zorder;  /* columns parted by commas: rows in z-order; NULL: files are packed */
    const char *where;   /* SQL over partition columns: which partitions; NULL: all */
    const char *message; /* for the commits; NULL: the lake's */
    int32_t dry_run; /* 1: plan alone; files_removed and bytes_removed: what it would take */
} varve_optimize_options;
#define VARVE_OPTIMIZE_OPTIONS_INIT                            \
    {                                                          \
        sizeof(varve_optimize_options), 0, NULL, NULL, NULL, 0 \
    }

typedef struct varve_optimize_result {
    int64_t version; /* of the table afterwards */
    int64_t commits;
    int64_t partitions; /* that had something to do */
    int64_t files_added;
    int64_t files_removed;
    int64_t bytes_added;
    int64_t bytes_removed;
    int64_t rows;            /* rewritten; -1: unknown */
    int64_t vectors_removed; /* deletion vectors that are gone */
    int64_t files_skipped;   /* left for the next run, since other writers were at them */
} varve_optimize_result;

/*
 * Makes many small files few, rows that are near each other in time (or in z-order) lie together,
 * and deletion vectors go. Commits group by group, so that what is done stays when it is
 * interrupted; a second run finds nothing to do. Other writers neither fail nor wait.
 * EUSAGE: a column that is not there or is a partition column; a condition on other columns.
 */
VARVE_API VARVE_MUST_CHECK varve_status varve_table_optimize(varve_table *table,
    const varve_optimize_options *options, varve_optimize_result *out, varve_error *err);

#ifdef __cplusplus
}
#endif

#endif
