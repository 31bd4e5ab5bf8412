#include "table/maintain/policy.h"

#include "base/number.h"
#include "base/time.h"
#include "delta/checkpoint_write.h"
#include "delta/clustering.h"
#include "delta/features.h"
#include "table/maintain/optimize_plan.h"
#include "table/maintain/zorder.h"

#define HOUR_US (INT64_C(3600) * VV_US_PER_S)
#define FILES_MAX 1000

static struct vv_str property(const struct vv_table *table, const char *name)
{
    return vv_pairs_get(&table->snapshot->metadata->configuration, vv_str_of(name));
}

static void warn(const struct vv_op *op, struct vv_str table_name, const char *name,
    struct vv_str value)
{
    vv_log(op, VV_LOG_WARN, "maintain.property",
        "table %.*s: %s = %.*s makes no sense; the default is taken", VV_ARG(table_name), name,
        VV_ARG(value));
}

static int64_t span(const struct vv_op *op, const struct vv_table *table, const char *name,
    int64_t fallback_us)
{
    int64_t us = fallback_us;
    struct vv_str text = property(table, name);
    if (text.ptr == NULL || (vv_time_parse_duration(text, &us) && us >= 0))
        return us;
    warn(op, table->name, name, text);
    return fallback_us;
}

static uint32_t tier_files(const struct vv_op *op, const struct vv_table *table)
{
    static const char name[] = "varve.maintain.tierFiles";
    int64_t files = VV_TIER_FILES_DEFAULT;
    struct vv_str text = property(table, name);
    if (text.ptr == NULL || (vv_str_int64(text, &files) && files >= 2 && files <= FILES_MAX))
        return (uint32_t)files;
    warn(op, table->name, name, text);
    return VV_TIER_FILES_DEFAULT;
}

int64_t vv_policy_target(const struct vv_op *op, struct vv_str table_name,
    const struct vv_metadata *metadata)
{
    static const char name[] = "delta.targetFileSize";
    int64_t target = 0;
    struct vv_str text = vv_pairs_get(&metadata->configuration, vv_str_of(name));
    if (text.ptr == NULL)
        return VV_OPTIMIZE_TARGET_DEFAULT;
    if (vv_bytes_parse(text, &target) && target > 0)
        return target;
    warn(op, table_name, name, text);
    return VV_OPTIMIZE_TARGET_DEFAULT;
}

/*
 * The columns that the table is clustered by (delta/clustering.h), else those of varve.zorder; but
 * for those that no order can be made of.
 */
static varve_status read_zorder(struct vv_op *op, const struct vv_table *table,
    struct vv_policy *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_snapshot *snapshot = table->snapshot;
    struct vv_rules rules;
    struct vv_str names[VV_ZORDER_COLUMNS_MAX];
    const int32_t *columns = NULL;
    size_t columns_len = 0;
    size_t len = 0;
    VV_TRY(vv_rules_read(op, &op->arena, snapshot, false, &rules));
    VV_TRY(vv_clustering_read(op, &op->arena, snapshot, &columns, &columns_len));
    out->is_clustered = columns_len > 0;
    if (!out->is_clustered) {
        columns = rules.zorder;
        columns_len = rules.zorder_len;
    }
    for (size_t i = 0; i < columns_len && len < VV_ZORDER_COLUMNS_MAX; i++) {
        const struct vv_field *field = &snapshot->schema.fields[columns[i]];
        if (!vv_snapshot_is_partition(snapshot, columns[i]) && vv_type_is_ordered(&field->type))
            names[len++] = field->name;
    }
    vv_rules_write_names(names, len, &text);
    out->zorder = vv_arena_str(&op->arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->zorder.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/*
 * Where it goes by the size of the table maintenance is early, so that no writer has to write it
 * on the way (vv_table_checkpoint_if_due).
 */
static int64_t checkpoint_every(const struct vv_table *table)
{
    struct vv_checkpoint_interval interval = vv_checkpoint_interval(table->snapshot);
    bool is_long = !interval.is_set && interval.commits / 2 >= VV_CHECKPOINT_INTERVAL_DEFAULT;
    return is_long ? interval.commits / 2 : interval.commits;
}

varve_status vv_policy_read(struct vv_op *op, const struct vv_table *table,
    struct vv_policy *out)
{
    const struct vv_metadata *metadata = table->snapshot->metadata;
    *out = (struct vv_policy){.is_on = vv_property_bool(metadata, "varve.maintain", true),
        .compacts = vv_property_bool(metadata, "delta.autoOptimize.autoCompact", true),
        .tiers = {tier_files(op, table), vv_policy_target(op, table->name, metadata)},
        .seal_after_us = span(op, table, "varve.maintain.sealAfter", HOUR_US),
        .recluster_after_us =
            span(op, table, "varve.maintain.reclusterAfter", 7 * VV_US_PER_DAY),
        .vacuum_every_us = span(op, table, "varve.maintain.vacuumEvery", VV_US_PER_DAY),
        .checkpoint_every = checkpoint_every(table)};
    return read_zorder(op, table, out);
}
