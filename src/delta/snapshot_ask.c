/*
 * What is asked of a snapshot, however it was made.
 */
#include "base/time.h"
#include "delta/snapshot.h"

#define TOMBSTONE_RETENTION_US (7 * VV_US_PER_DAY)

int64_t vv_snapshot_tombstones_from(const struct vv_op *op, const struct vv_metadata *metadata)
{
    int64_t retention_us = TOMBSTONE_RETENTION_US;
    struct vv_str text =
        vv_pairs_get(&metadata->configuration, VV_STR("delta.deletedFileRetentionDuration"));
    if (text.ptr != NULL && !vv_time_parse_duration(text, &retention_us))
        retention_us = TOMBSTONE_RETENTION_US;
    int64_t now_us = vv_now_us(op);
    return retention_us < now_us ? (now_us - retention_us) / VV_US_PER_MS : 0;
}

int64_t vv_snapshot_txn(const struct vv_snapshot *snapshot, struct vv_str app_id)
{
    for (size_t i = 0; i < snapshot->txns_len; i++)
        if (vv_str_eq(snapshot->txns[i]->app_id, app_id))
            return snapshot->txns[i]->version;
    return -1;
}

bool vv_snapshot_has_txn(const struct vv_snapshot *snapshot, struct vv_str app_id,
    int64_t version)
{
    return app_id.len > 0 && vv_snapshot_txn(snapshot, app_id) >= version;
}

bool vv_snapshot_is_partition(const struct vv_snapshot *snapshot, int32_t column)
{
    if (column < 0 || (size_t)column >= snapshot->schema.fields_len)
        return false;
    struct vv_str name = snapshot->schema.fields[column].name;
    for (size_t i = 0; i < snapshot->metadata->partition_columns_len; i++)
        if (vv_str_eq_nocase(snapshot->metadata->partition_columns[i], name))
            return true;
    return false;
}
