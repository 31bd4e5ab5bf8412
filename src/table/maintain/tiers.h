/*
 * Size tiers: what is compacted while a partition is still written to.
 *
 * Files of about one size lie in one tier; each tier holds files up to `files` times as long as
 * those of the tier below. So many files of one tier become one, which lies a tier higher: a row
 * is written again once a tier, whatever the size of its partition, and a partition never has
 * more than `files` - 1 files in each of its few tiers. Below VV_TIER_BYTES_LEAST there is one tier: to open such a
 * file costs more than to read it. From half the target size on a file is full, and left.
 *
 * Decisions about sizes alone, without I/O.
 */
#ifndef VV_TABLE_MAINTAIN_TIERS_H
#define VV_TABLE_MAINTAIN_TIERS_H

#include "base/common.h"

#define VV_TIER_BYTES_LEAST (INT64_C(64) << 10)
#define VV_TIER_FILES_DEFAULT 8

/* So many of a file's rows are marked as deleted that it is written anew by itself. */
#define VV_DELETED_PERCENT_MAX 30

struct vv_tier_rule {
    uint32_t files; /* of one tier that become one; at least 2 */
    int64_t target_bytes;
};

#define VV_TIER_FULL (-1)
/* 0: the lowest; VV_TIER_FULL: the file is not compacted any more. */
int vv_tier_of(const struct vv_tier_rule *rule, int64_t bytes);
/*
 * How many of the files of one tier, from the first on, become one file: as many as fit into the
 * target, if there are enough of them or they fill it; else 0.
 */
size_t vv_tier_take(const struct vv_tier_rule *rule, const int64_t *bytes, size_t len);
/* Whether a file of so many rows is worth being written anew for those that are marked. */
bool vv_tier_is_hollow(int64_t rows, int64_t deleted);

#endif
