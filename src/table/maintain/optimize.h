/*
 * Optimize: many small files become few of a good size, rows near each other in time or in z-order
 * lie together, deletion vectors are gone. The rows stay what they are, so it is no change of data.
 *
 * Bins (optimize_plan.h) are rewritten and committed in groups: what is committed stays when the
 * operation is interrupted, and the next one goes on from there. Writers are never made to fail or
 * wait: a bin of which somebody removed a file meanwhile is thrown away and planned anew, at most
 * PASSES_MAX times, and then left for the next run and counted as skipped.
 */
#ifndef VV_TABLE_MAINTAIN_OPTIMIZE_H
#define VV_TABLE_MAINTAIN_OPTIMIZE_H

#include "table/table.h"

struct vv_optimize_spec;

/* Which files, decided anew for each snapshot that is planned for: spec->files and files_len. */
struct vv_optimize_choice {
    varve_status (*choose)(struct vv_op *op, void *data, const struct vv_snapshot *snapshot,
        const struct vv_rules *rules, struct vv_optimize_spec *spec);
    void *data;
};

struct vv_optimize_request {
    int64_t target_bytes; /* 0: delta.targetFileSize, else 100 MB */
    struct vv_str zorder; /* names parted by commas; len 0: packing */
    struct vv_str where;  /* SQL over partition columns: which of them; len 0: all */
    uint32_t tier_files;  /* not 0: by tiers (optimize_plan.h), without zorder */
    bool is_auto;         /* by the policy: the history says so */
    struct vv_optimize_choice choice; /* choose NULL: none */
    bool dry_run; /* plan alone: files_removed and bytes_removed say what it would take */
    struct vv_str user_name, user_metadata;
};

struct vv_optimize_result {
    int64_t version; /* after */
    int64_t commits;
    int64_t files_added, files_removed;
    int64_t bytes_added, bytes_removed;
    int64_t rows; /* rewritten; -1: not known */
    int64_t vectors_removed;
    int64_t partitions;    /* that were rewritten */
    int64_t files_skipped; /* since other writers were at them */
};

/*
 * EUSAGE: a column that is not there, is a partition column or has no order; more than
 * VV_ZORDER_COLUMNS_MAX; a condition on other than partition columns.
 */
varve_status vv_optimize(struct vv_op *op, struct vv_table *table,
    const struct vv_optimize_request *request, struct vv_optimize_result *out);

/*
 * What it would do, bin by bin, in `arena`. The bins are of table->snapshot's files, and good as
 * long as the table is not refreshed.
 */
struct vv_optimize_plan;
varve_status vv_optimize_preview(struct vv_op *op, struct vv_table *table,
    const struct vv_optimize_request *request, struct vv_arena *arena,
    struct vv_optimize_plan *out);

#endif
