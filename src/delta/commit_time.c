#include "delta/commit_time.h"

#include "delta/features.h"

int64_t vv_commit_time_counts_from(const struct vv_metadata *metadata)
{
    int64_t version = 0;
    if (!vv_property_bool(metadata, "delta.enableInCommitTimestamps", false))
        return INT64_MAX;
    /* Without the property they are as old as the table. */
    struct vv_str since = vv_pairs_get(&metadata->configuration,
        VV_STR("delta.inCommitTimestampEnablementVersion"));
    return vv_str_int64(since, &version) ? version : 0;
}

int64_t vv_commit_time_own_ms(const struct vv_commit_info *info, int64_t version,
    int64_t counts_from)
{
    if (info == NULL)
        return VV_NO_TIME;
    if (info->in_commit_timestamp_ms != VV_NO_TIME && version >= counts_from)
        return info->in_commit_timestamp_ms;
    return info->by_varve ? info->timestamp_ms : VV_NO_TIME;
}

varve_status vv_commit_time_ms(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_commit *commit, const struct vv_commit_info *info, int64_t counts_from,
    int64_t *out_ms)
{
    int64_t own_ms = vv_commit_time_own_ms(info, commit->version, counts_from);
    if (own_ms != VV_NO_TIME) {
        *out_ms = own_ms;
        return VARVE_OK;
    }
    if (commit->modified_us != 0) {
        *out_ms = commit->modified_us / VV_US_PER_MS;
        return VARVE_OK;
    }
    struct vv_object object = {0};
    struct vv_str key = vv_log_commit_key(&op->arena, commit->version);
    if (key.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_store_head(op, log->store, key, &object));
    *out_ms = object.modified_us / VV_US_PER_MS;
    return VARVE_OK;
}

bool vv_commit_time_is_before(const struct vv_log_commit *commit,
    const struct vv_commit_info *info, int64_t before_us)
{
    return info != NULL && info->timestamp_ms != VV_NO_TIME &&
           info->timestamp_ms < before_us / VV_US_PER_MS && commit->modified_us < before_us;
}
