/*
 * The partition that a file lies in, as typed values: equal values may have different texts in the
 * log ("1.0", "1.00"), and files are grouped by the values.
 */
#ifndef VV_TABLE_PARTITION_H
#define VV_TABLE_PARTITION_H

#include "delta/value.h"
#include "table/rules.h"

/* rules->partitions_len values. ECORRUPT naming the file where a text is not of its type. */
varve_status vv_partition_values(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_file *file, struct vv_value **out);
/* A text that is the same for equal partitions and for no others; a key for a vv_map. */
varve_status vv_partition_key(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_value *values, struct vv_str *out);

/* The partitions of a snapshot, in the order in which its files name them. */
struct vv_partitions {
    const struct vv_value **items; /* rules->partitions_len values each */
    size_t len, capacity;
    size_t *of_file; /* by index of the snapshot's file: its partition */
};
varve_status vv_partitions_find(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    struct vv_partitions *out);

#endif
