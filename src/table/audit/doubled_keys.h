/*
 * Keys that stand in several rows of a table, and keys with a NULL, by which no row is told: others
 * may have written such.
 */
#ifndef VV_TABLE_AUDIT_DOUBLED_KEYS_H
#define VV_TABLE_AUDIT_DOUBLED_KEYS_H

#include "delta/log.h"
#include "table/rules.h"

/*
 * SELECT "a=1, b=x", how many rows have that key, how many such keys there are, and whether it has a
 * NULL in it; by key.
 */
varve_status vv_doubled_keys_sql(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int limit,
    struct vv_buf *sql);
/* How many such keys there are. Reads the key columns of all files. The table has a key. */
varve_status vv_doubled_keys(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int64_t *out);

struct vv_null_keys {
    int64_t rows; /* that are there */
    int64_t null; /* that have NULL in the key */
};
varve_status vv_null_keys(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, struct vv_null_keys *out);

#endif
