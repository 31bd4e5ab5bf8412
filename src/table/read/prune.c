#include "table/read/prune.h"

#include "base/time.h"
#include "table/read/candidates.h"

/*
 * A timestamp range on the source of a derived date partition, as a range of that partition; used
 * only for files that are known to lie under the dates of their timestamps.
 */
static bool partition_of(const struct vv_rules *rules, int32_t source, int32_t *out)
{
    for (size_t i = 0; i < rules->partition_from_len; i++)
        if (rules->partition_from[i].source == source) {
            *out = rules->partition_from[i].partition;
            return true;
        }
    return false;
}

static bool below(const struct vv_bounds *bounds, const struct vv_range *range)
{
    return range->low.kind != VV_VALUE_NONE && bounds->max.kind == range->low.kind &&
           bounds->max_holds_nan && vv_value_cmp(&bounds->max, &range->low) < 0;
}

static bool above(const struct vv_bounds *bounds, const struct vv_range *range)
{
    if (range->high.kind == VV_VALUE_NONE || bounds->min.kind != range->high.kind)
        return false;
    int order = vv_value_cmp(&bounds->min, &range->high);
    return range->high_excluded ? order >= 0 : order > 0;
}

/* Whether the date folder of a Varve file rules the whole range out. */
static bool wrong_date(const struct vv_rules *rules, const struct vv_snapshot *snapshot,
    const struct vv_file *file, const struct vv_range *range)
{
    int32_t partition = -1;
    struct vv_value date;
    if (!vv_file_is_dated(file) || !partition_of(rules, range->column, &partition))
        return false;
    const struct vv_field *field = &snapshot->schema.fields[partition];
    struct vv_str text = vv_pairs_get(&file->partition_values, field->physical_name);
    if (!vv_partition_parse(text, &field->type, &date) || date.kind != VV_VALUE_INT)
        return false;
    if (range->low.kind == VV_VALUE_INT && date.integer < vv_time_date_of(range->low.integer))
        return true;
    if (range->high.kind != VV_VALUE_INT)
        return false;
    int64_t last_us = range->high.integer - (range->high_excluded ? 1 : 0);
    return date.integer > vv_time_date_of(last_us);
}

varve_status vv_prune(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_ranges *ranges, const struct vv_file ***out_files, size_t *out_len)
{
    const struct vv_file **files =
        vv_new(arena, const struct vv_file *, snapshot->files_len + 1);
    int32_t *columns = NULL;
    size_t len = 0;
    VV_NEW(op, &columns, int32_t, ranges->len + 1);
    if (files == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < ranges->len; i++)
        columns[i] = ranges->items[i].column;
    struct vv_stats_columns asked = {
        &snapshot->schema, snapshot->metadata, columns, ranges->len};
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        struct vv_file_stats stats;
        bool out = false;
        for (size_t r = 0; r < ranges->len && !out; r++)
            out = wrong_date(rules, snapshot, file, &ranges->items[r]);
        if (!out && ranges->len > 0) {
            VV_TRY(vv_stats_read(op, &op->arena, file, &asked, &stats));
            for (size_t r = 0; r < ranges->len && !out; r++)
                out = below(&stats.columns[r], &ranges->items[r]) ||
                      above(&stats.columns[r], &ranges->items[r]);
        }
        if (!out)
            files[len++] = file;
    }
    *out_files = files;
    *out_len = len;
    return VARVE_OK;
}

varve_status vv_prune_where(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_predicate *predicate, struct vv_pruned *out)
{
    struct vv_pruned pruned = {0};
    VV_NEW(op, &pruned.files, const struct vv_file *, snapshot->files_len + 1);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        enum vv_match match = VV_MATCH_SOME;
        if (predicate != NULL)
            VV_TRY(vv_predicate_match_partition(op, predicate, file, &match));
        if (match == VV_MATCH_NONE) {
            pruned.by_partition++;
            continue;
        }
        if (predicate != NULL)
            VV_TRY(vv_predicate_match(op, predicate, file, &match));
        if (match == VV_MATCH_NONE)
            pruned.by_statistics++;
        else
            pruned.files[pruned.files_len++] = file;
    }
    *out = pruned;
    return VARVE_OK;
}
