/*
 * Which files become which: a plan, it decides and reads no data file.
 *
 * A bin is files of one partition that are rewritten together. Two ways to make them:
 *
 *   packing     Files below the target size, and files with a deletion vector whatever their size,
 *               in the order of their least sort value, next to each other up to the target. So a
 *               range of time stays in few files. A bin must be worth it: two files, or a deletion
 *               vector to get rid of. Files that an earlier run packed for this target are not
 *               packed among themselves again: a second run does nothing.
 *
 *   clustering  All files of a partition that are not clustered by these columns yet, together with
 *               those that are as long as these make less than VV_CUBE_FILES files of the target
 *               size; what was clustered beyond that stays as it is, so that a table that grows is
 *               not written anew each time. A partition that is clustered whole is left alone.
 *
 *   by tiers    Of a partition that is still written to, only files of about one size, when there
 *               are enough of them (tiers.h), and files that have lost many rows to a deletion
 *               vector. What was packed or clustered for good is left but for the latter; what
 *               another engine has clustered is left whatever it has lost.
 */
#ifndef VV_TABLE_MAINTAIN_OPTIMIZE_PLAN_H
#define VV_TABLE_MAINTAIN_OPTIMIZE_PLAN_H

#include "delta/stats.h"
#include "table/maintain/tiers.h"
#include "table/partition.h"

/* Tags of files that were made here: the target they were packed for; "timestamp,symbol". */
#define VV_TAG_PACKED "varve.packed"
#define VV_TAG_ZORDER "varve.zorder"

#define VV_OPTIMIZE_TARGET_DEFAULT (INT64_C(100) * 1000 * 1000)
#define VV_CUBE_FILES 32

struct vv_optimize_spec {
    int64_t target_bytes;
    struct vv_str zorder; /* the tag's value; len 0: packing */
    uint32_t tier_files;  /* not 0: by tiers, of so many files */
    int32_t sort_column;  /* index into the schema, for the order of files; -1: none */
    const struct vv_file *const *files; /* of the snapshot: those to be looked at */
    size_t files_len;
};

struct vv_optimize_bin {
    const struct vv_value *partition; /* rules->partitions_len */
    const struct vv_file **files;
    size_t files_len;
    int64_t bytes;
    int64_t rows;    /* that stay; -1: some file does not say */
    bool is_undated; /* some file may hold rows of another date than its partition's */
    size_t vectors;  /* deletion vectors that go */
};

struct vv_optimize_plan {
    struct vv_optimize_bin *bins; /* by partition, then in order */
    size_t bins_len;
    int64_t bytes; /* of all bins */
};

varve_status vv_optimize_plan(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_optimize_spec *spec, struct vv_optimize_plan *out);

#endif
