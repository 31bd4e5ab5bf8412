#include "table/maintain/optimize_plan.h"

#include <stdlib.h>

#include "base/map.h"
#include "delta/clustering.h"
#include "table/read/candidates.h"

/* A file and what the plan needs to know of it. */
struct entry {
    const struct vv_file *file;
    struct vv_value least; /* of the sort column; NONE: unknown */
    int64_t rows;          /* that stay */
    bool is_hollow;        /* many of its rows are marked as deleted, and it may be rewritten */
    bool is_laid_out;      /* for good, whatever for */
    bool is_ours;          /* bears the tag of this very target or order */
};

struct group {
    const struct vv_value *partition;
    struct vv_str key;
    struct entry **entries;
    size_t len, capacity;
};

struct planner {
    struct vv_arena *arena;
    const struct vv_snapshot *snapshot;
    const struct vv_rules *rules;
    const struct vv_optimize_spec *spec;
    struct group **groups;
    size_t groups_len, groups_capacity;
    size_t bins_capacity;
    struct vv_optimize_plan plan;
};

static varve_status find_group(struct vv_op *op, struct planner *planner, struct vv_map *map,
    const struct vv_file *file, struct group **out)
{
    struct vv_value *partition = NULL;
    struct vv_str key = VV_STR_NONE;
    VV_TRY(vv_partition_values(op, planner->arena, planner->snapshot, planner->rules, file,
        &partition));
    VV_TRY(vv_partition_key(op, planner->arena, planner->snapshot, planner->rules, partition,
        &key));
    *out = vv_map_get(map, key);
    if (*out != NULL)
        return VARVE_OK;
    struct group *group = vv_new(planner->arena, struct group, 1);
    void *items = planner->groups;
    if (group == NULL || !vv_map_put(map, key, group, NULL) ||
        !vv_arena_grow(planner->arena, &items, planner->groups_len, &planner->groups_capacity,
            sizeof(struct group *), _Alignof(struct group *)))
        return vv_fail_memory(op);
    *group = (struct group){.partition = partition, .key = key};
    planner->groups = items;
    planner->groups[planner->groups_len++] = group;
    *out = group;
    return VARVE_OK;
}

static bool is_ours(const struct planner *planner, const struct vv_file *file)
{
    const struct vv_optimize_spec *spec = planner->spec;
    if (spec->zorder.len > 0)
        return vv_str_eq(vv_pairs_get(&file->tags, VV_STR(VV_TAG_ZORDER)), spec->zorder);
    int64_t target = 0;
    return vv_str_int64(vv_pairs_get(&file->tags, VV_STR(VV_TAG_PACKED)), &target) &&
           target == spec->target_bytes;
}

static varve_status add_entry(struct vv_op *op, struct planner *planner, struct group *group,
    const struct vv_file *file)
{
    const int32_t column = planner->spec->sort_column;
    const struct vv_stats_columns asked = {.schema = &planner->snapshot->schema,
        .metadata = planner->snapshot->metadata,
        .indexes = &column,
        .len = column >= 0};
    struct vv_file_stats stats;
    VV_PRE(group != NULL);
    struct entry *entry = vv_new(planner->arena, struct entry, 1);
    void *items = group->entries;
    if (entry == NULL || !vv_arena_grow(planner->arena, &items, group->len, &group->capacity,
                             sizeof(struct entry *), _Alignof(struct entry *)))
        return vv_fail_memory(op);
    VV_TRY(vv_stats_read(op, planner->arena, file, &asked, &stats));
    int64_t deleted = file->dv != NULL ? file->dv->cardinality : 0;
    bool is_foreign = vv_clustering_is_foreign(file);
    *entry = (struct entry){.file = file,
        .rows = stats.rows < deleted ? -1 : stats.rows - deleted,
        .is_hollow = !is_foreign && vv_tier_is_hollow(stats.rows, deleted),
        .is_laid_out = is_foreign || vv_pairs_has(&file->tags, VV_STR(VV_TAG_PACKED)) ||
                       vv_pairs_has(&file->tags, VV_STR(VV_TAG_ZORDER)),
        .is_ours = is_ours(planner, file)};
    if (column >= 0 && stats.columns != NULL)
        entry->least = stats.columns[0].min;
    group->entries = items;
    group->entries[group->len++] = entry;
    return VARVE_OK;
}

static bool is_known(const struct vv_value *value)
{
    return value->kind != VV_VALUE_NONE && value->kind != VV_VALUE_NULL;
}

/* By least value, unknown ones first; the path makes the order a total one. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *one = *(struct entry *const *)a;
    const struct entry *other = *(struct entry *const *)b;
    bool one_known = is_known(&one->least);
    bool other_known = is_known(&other->least);
    int order = (int)one_known - (int)other_known;
    if (one_known && other_known)
        order = vv_value_cmp(&one->least, &other->least);
    return order != 0 ? order : vv_str_cmp(one->file->path, other->file->path);
}

static int compare_groups(const void *a, const void *b)
{
    return vv_str_cmp((*(struct group *const *)a)->key, (*(struct group *const *)b)->key);
}

static varve_status add_bin(struct vv_op *op, struct planner *planner,
    const struct group *group, struct entry *const *entries, size_t len)
{
    void *items = planner->plan.bins;
    const struct vv_file **files = vv_new(planner->arena, const struct vv_file *, len);
    if (files == NULL ||
        !vv_arena_grow(planner->arena, &items, planner->plan.bins_len, &planner->bins_capacity,
            sizeof(struct vv_optimize_bin), _Alignof(struct vv_optimize_bin)))
        return vv_fail_memory(op);
    planner->plan.bins = items;
    struct vv_optimize_bin *bin = &planner->plan.bins[planner->plan.bins_len++];
    *bin = (struct vv_optimize_bin){
        .partition = group->partition, .files = files, .files_len = len};
    for (size_t i = 0; i < len; i++) {
        const struct entry *entry = entries[i];
        files[i] = entry->file;
        bin->bytes += entry->file->bytes;
        bin->rows = entry->rows < 0 || bin->rows < 0 ? -1 : bin->rows + entry->rows;
        bin->vectors += entry->file->dv != NULL;
        bin->is_undated = bin->is_undated || (planner->rules->partition_from_len > 0 &&
                                                 !vv_file_is_dated(entry->file));
    }
    planner->plan.bytes += bin->bytes;
    return VARVE_OK;
}

/* Two files at least of which one is new to this target, or a deletion vector. */
static bool is_worth_it(struct entry *const *entries, size_t len)
{
    bool has_new = false;
    for (size_t i = 0; i < len; i++) {
        if (entries[i]->file->dv != NULL)
            return true;
        has_new = has_new || !entries[i]->is_ours;
    }
    return len > 1 && has_new;
}

static varve_status pack_group(struct vv_op *op, struct planner *planner, struct group *group)
{
    int64_t target = planner->spec->target_bytes;
    struct entry **bin = NULL;
    size_t len = 0;
    int64_t bytes = 0;
    VV_NEW(op, &bin, struct entry *, group->len + 1);
    for (size_t i = 0; i < group->len; i++) {
        struct entry *entry = group->entries[i];
        if (entry->file->bytes >= target && entry->file->dv == NULL)
            continue;
        if (len > 0 && bytes + entry->file->bytes > target) {
            if (is_worth_it(bin, len))
                VV_TRY(add_bin(op, planner, group, bin, len));
            len = 0;
            bytes = 0;
        }
        bin[len++] = entry;
        bytes += entry->file->bytes;
    }
    return is_worth_it(bin, len) ? add_bin(op, planner, group, bin, len) : VARVE_OK;
}

static varve_status cluster_group(struct vv_op *op, struct planner *planner,
    struct group *group)
{
    int64_t ours_bytes = 0;
    struct entry **bin = NULL;
    size_t len = 0;
    bool is_due = false;
    for (size_t i = 0; i < group->len; i++) {
        const struct entry *entry = group->entries[i];
        is_due = is_due || !entry->is_ours || entry->file->dv != NULL;
        ours_bytes += entry->is_ours ? entry->file->bytes : 0;
    }
    if (!is_due)
        return VARVE_OK;
    bool with_ours = ours_bytes / VV_CUBE_FILES < planner->spec->target_bytes;
    VV_NEW(op, &bin, struct entry *, group->len + 1);
    for (size_t i = 0; i < group->len; i++) {
        struct entry *entry = group->entries[i];
        if (with_ours || !entry->is_ours || entry->file->dv != NULL)
            bin[len++] = entry;
    }
    return add_bin(op, planner, group, bin, len);
}

/* The loose files of one tier, in their order; *out_top: the highest tier that has any. */
static size_t pick_tier(const struct vv_tier_rule *rule, const struct group *group, int tier,
    struct entry **picked, int *out_top)
{
    size_t len = 0;
    for (size_t i = 0; i < group->len; i++) {
        struct entry *entry = group->entries[i];
        int own = entry->is_laid_out ? VV_TIER_FULL : vv_tier_of(rule, entry->file->bytes);
        if (own == tier)
            picked[len++] = entry;
        *out_top = own > *out_top ? own : *out_top;
    }
    return len;
}

static varve_status tier_group(struct vv_op *op, struct planner *planner, struct group *group)
{
    const struct vv_tier_rule rule = {planner->spec->tier_files, planner->spec->target_bytes};
    struct entry **picked = NULL;
    int64_t *bytes = NULL;
    int top = 0;
    VV_NEW(op, &picked, struct entry *, group->len + 1);
    VV_NEW(op, &bytes, int64_t, group->len + 1);
    for (int tier = 0; tier <= top; tier++) {
        size_t len = pick_tier(&rule, group, tier, picked, &top);
        for (size_t i = 0; i < len; i++)
            bytes[i] = picked[i]->file->bytes;
        for (size_t first = 0, taken = 0; first < len; first += taken) {
            taken = vv_tier_take(&rule, bytes + first, len - first);
            if (taken == 0)
                break;
            VV_TRY(add_bin(op, planner, group, picked + first, taken));
            for (size_t i = first; i < first + taken; i++)
                picked[i]->is_hollow = false; /* it is taken already */
        }
    }
    for (size_t i = 0; i < group->len; i++)
        if (group->entries[i]->is_hollow)
            VV_TRY(add_bin(op, planner, group, &group->entries[i], 1));
    return VARVE_OK;
}

static varve_status plan_group(struct vv_op *op, struct planner *planner, struct group *group)
{
    if (planner->spec->tier_files > 0)
        return tier_group(op, planner, group);
    return planner->spec->zorder.len > 0 ? cluster_group(op, planner, group)
                                         : pack_group(op, planner, group);
}

varve_status vv_optimize_plan(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_optimize_spec *spec, struct vv_optimize_plan *out)
{
    struct planner planner = {
        .arena = arena, .snapshot = snapshot, .rules = rules, .spec = spec};
    struct vv_map map = VV_MAP_INIT(arena);
    for (size_t i = 0; i < spec->files_len; i++) {
        struct group *group = NULL;
        VV_TRY(find_group(op, &planner, &map, spec->files[i], &group));
        VV_TRY(add_entry(op, &planner, group, spec->files[i]));
    }
    if (planner.groups_len > 1)
        qsort(planner.groups, planner.groups_len, sizeof(struct group *), compare_groups);
    for (size_t i = 0; i < planner.groups_len; i++) {
        struct group *group = planner.groups[i];
        qsort(group->entries, group->len, sizeof(struct entry *), compare_entries);
        VV_TRY(plan_group(op, &planner, group));
    }
    *out = planner.plan;
    return VARVE_OK;
}
