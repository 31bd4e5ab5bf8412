/*
 * Keys that stand in several rows of a table, which others may have written.
 */
#ifndef VV_TABLE_AUDIT_DOUBLED_KEYS_H
#define VV_TABLE_AUDIT_DOUBLED_KEYS_H

#include "delta/log.h"
#include "table/rules.h"

/* SELECT "a=1, b=x", how many rows have that key, how many such keys there are; by key. */
varve_status vv_doubled_keys_sql(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int limit,
    struct vv_buf *sql);
/* How many such keys there are. Reads the key columns of all files. The table has a key. */
varve_status vv_doubled_keys(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, int64_t *out);

#endif
