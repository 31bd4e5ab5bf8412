#include "table/read/candidates.h"

#include "base/map.h"
#include "base/time.h"
#include "delta/decimal.h"
#include "table/read/known_bounds.h"

/*
 * What the rule needs to know of the table, found once: the columns whose bounds are asked for,
 * and whether partition values may prune at all.
 */
struct rule {
    const struct vv_snapshot *snapshot;
    const struct vv_rules *rules;
    int32_t *columns; /* the key columns, then the sources of derived partition columns */
    size_t columns_len;
    bool
        partitions_prune; /* each partition column is in the key or derived from a key column */
};

/* The key column that a partition column is derived from; -1 where it is not. */
static int32_t source_of(const struct vv_rules *rules, int32_t partition)
{
    for (size_t i = 0; i < rules->partition_from_len; i++)
        if (rules->partition_from[i].partition == partition &&
            vv_rules_is_key(rules, rules->partition_from[i].source))
            return rules->partition_from[i].source;
    return -1;
}

static varve_status make_rule(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_rules *rules, struct rule *out)
{
    *out = (struct rule){.snapshot = snapshot, .rules = rules};
    out->partitions_prune = rules->partitions_len > 0;
    VV_NEW(op, &out->columns, int32_t, rules->key_len + rules->partitions_len + 1);
    for (size_t i = 0; i < rules->key_len; i++)
        out->columns[out->columns_len++] = rules->key[i];
    for (size_t i = 0; i < rules->partitions_len; i++) {
        int32_t source = source_of(rules, rules->partitions[i]);
        out->columns[out->columns_len++] = source >= 0 ? source : rules->partitions[i];
        if (source < 0 && !vv_rules_is_key(rules, rules->partitions[i]))
            out->partitions_prune = false;
    }
    return VARVE_OK;
}

static const struct vv_field *partition_field(const struct rule *rule, size_t i)
{
    return &rule->snapshot->schema.fields[rule->rules->partitions[i]];
}

static struct vv_str stored_text(const struct rule *rule, const struct vv_file *file, size_t i)
{
    return vv_pairs_get(&file->partition_values, partition_field(rule, i)->physical_name);
}

bool vv_file_is_dated(const struct vv_file *file)
{
    return file->by_varve && !vv_pairs_has(&file->tags, VV_STR(VV_TAG_UNDATED));
}

bool vv_bounds_lie_under(const struct vv_bounds *bounds, const struct vv_value *date)
{
    if (bounds->min.kind != VV_VALUE_INT || bounds->max.kind != VV_VALUE_INT ||
        bounds->null_count != 0 || date->kind != VV_VALUE_INT)
        return false;
    int64_t day_us = date->integer * VV_US_PER_DAY;
    return bounds->min.integer >= day_us && bounds->max.integer < day_us + VV_US_PER_DAY;
}

/*
 * Whether the file's rows are known to lie under the date that their timestamps say: they are
 * Varve's own, or the bounds of the file's timestamps lie within that one UTC date.
 */
static bool obeys(const struct rule *rule, const struct vv_file *file,
    const struct vv_value *partition, const struct vv_file_stats *stats)
{
    if (vv_file_is_dated(file))
        return true;
    for (size_t i = 0; i < rule->rules->partitions_len; i++) {
        if (source_of(rule->rules, rule->rules->partitions[i]) < 0)
            continue;
        if (!vv_bounds_lie_under(&stats->columns[rule->rules->key_len + i], &partition[i]))
            return false;
    }
    return true;
}

static bool overlaps(const struct vv_bounds *bounds, const struct vv_key_group *group,
    size_t key)
{
    if (group->has_null[key] && bounds->null_count != 0)
        return true;
    if (group->min[key].kind == VV_VALUE_NULL)
        return false; /* only NULLs here, and the file has none */
    if (bounds->min.kind == group->max[key].kind &&
        vv_value_cmp(&bounds->min, &group->max[key]) > 0)
        return false;
    /* A maximum that leaves NaN out excludes nothing: the group's least value may be NaN too. */
    if (bounds->max.kind == group->min[key].kind && bounds->max_holds_nan &&
        vv_value_cmp(&bounds->max, &group->min[key]) < 0)
        return false;
    return true;
}

static bool group_overlaps(const struct rule *rule, const struct vv_file_stats *stats,
    const struct vv_key_group *group)
{
    for (size_t key = 0; key < rule->rules->key_len; key++)
        if (!overlaps(&stats->columns[key], group, key))
            return false;
    return true;
}

/* Equal values have equal texts: one zero, and decimals with the digits of their type. */
static void add_value_text(const struct vv_value *value, const struct vv_type *type,
    struct vv_buf *out)
{
    struct vv_value zero = {.kind = VV_VALUE_DOUBLE};
    struct vv_decimal decimal;
    if (value->kind == VV_VALUE_DOUBLE && value->number == 0.0) {
        vv_value_sql(&zero, type, out);
    } else if (value->kind == VV_VALUE_DECIMAL && vv_decimal_parse(value->text, &decimal)) {
        decimal.negative = decimal.negative && decimal.len > 0;
        vv_decimal_write_plain(&decimal, type->scale, out);
    } else {
        vv_value_sql(value, type, out);
    }
    vv_buf_addc(out, '\n');
}

/* Groups by their partition values, as one text, so that a file finds its own without a search. */
static varve_status partition_text(struct vv_op *op, const struct rule *rule,
    const struct vv_value *partition, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t i = 0; i < rule->rules->partitions_len; i++) {
        add_value_text(&partition[i], &partition_field(rule, i)->type, &text);
    }
    *out = vv_arena_str(&op->arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* What the partition values of a file say, as they are written in the log. */
struct place {
    struct vv_value *values;
    bool readable;                  /* each is a value of its type */
    const struct vv_key_group *own; /* the group of those values; NULL: no key lies there */
};

struct search {
    struct rule rule;
    struct vv_stats_columns asked;
    struct vv_known_bounds *known; /* NULL: nothing is kept */
    const struct vv_key_group *groups;
    size_t groups_len;
    struct vv_map
        by_partition;     /* partition text -> group; empty where partitions don't prune */
    struct vv_map places; /* by the texts of the log: there are fewer places than files */
    struct vv_buf texts;
};

static void search_done(struct search *search)
{
    vv_buf_done(&search->texts);
}

static varve_status start_search(struct vv_op *op, const struct vv_snapshot *snapshot,
    const struct vv_rules *rules, const struct vv_key_group *groups, size_t groups_len,
    struct search *out)
{
    *out = (struct search){.groups = groups, .groups_len = groups_len};
    out->by_partition = VV_MAP_INIT(&op->arena);
    out->places = VV_MAP_INIT(&op->arena);
    out->texts = VV_BUF_INIT(VV_BUF_MAX);
    VV_TRY(make_rule(op, snapshot, rules, &out->rule));
    out->asked = (struct vv_stats_columns){
        &snapshot->schema, snapshot->metadata, out->rule.columns, out->rule.columns_len};
    for (size_t i = 0; out->rule.partitions_prune && i < groups_len; i++) {
        struct vv_str text;
        union {
            const struct vv_key_group *in;
            void *out;
        } group = {.in = &groups[i]};
        VV_TRY(partition_text(op, &out->rule, groups[i].partition, &text));
        if (!vv_map_put(&out->by_partition, text, group.out, NULL))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

static varve_status read_stats(struct vv_op *op, const struct search *search,
    const struct vv_file *file, struct vv_file_stats *out)
{
    return search->known != NULL
               ? vv_known_bounds_read(op, search->known, file, &search->asked, out)
               : vv_stats_read(op, &op->arena, file, &search->asked, out);
}

static varve_status make_place(struct vv_op *op, const struct search *search,
    const struct vv_file *file, struct place *out)
{
    const struct rule *rule = &search->rule;
    struct vv_str text;
    *out = (struct place){.readable = true};
    VV_NEW(op, &out->values, struct vv_value, rule->rules->partitions_len);
    for (size_t i = 0; i < rule->rules->partitions_len; i++)
        if (!vv_partition_parse(stored_text(rule, file, i), &partition_field(rule, i)->type,
                &out->values[i]))
            out->readable = false;
    if (!out->readable)
        return VARVE_OK;
    VV_TRY(partition_text(op, rule, out->values, &text));
    out->own = vv_map_get(&search->by_partition, text);
    return VARVE_OK;
}

/* The place of a file: made once for all that lie there, which may be most of a million. */
static varve_status place_of(struct vv_op *op, struct search *search,
    const struct vv_file *file, struct place *out)
{
    vv_buf_clear(&search->texts);
    for (size_t i = 0; i < search->rule.rules->partitions_len; i++) {
        struct vv_str text = stored_text(&search->rule, file, i);
        vv_buf_add(&search->texts, (struct vv_str){(const char *)&text.len, sizeof(text.len)});
        vv_buf_add(&search->texts, text);
    }
    struct vv_str texts = vv_buf_str(&search->texts);
    if (!vv_buf_ok(&search->texts))
        return vv_fail_memory(op);
    struct place *place = vv_map_get(&search->places, texts);
    if (place != NULL) {
        *out = *place;
        return VARVE_OK;
    }
    VV_NEW(op, &place, struct place, 1);
    VV_TRY(make_place(op, search, file, place));
    struct vv_str key = vv_arena_str(&op->arena, texts);
    if (key.ptr == NULL || !vv_map_put(&search->places, key, place, NULL))
        return vv_fail_memory(op);
    *out = *place;
    return VARVE_OK;
}

static varve_status can_hold(struct vv_op *op, struct search *search,
    const struct vv_file *file, bool *out)
{
    const struct rule *rule = &search->rule;
    struct vv_file_stats stats = {0};
    bool prunes = rule->partitions_prune;
    struct place place = {.readable = false};
    *out = false;
    if (prunes) {
        VV_TRY(place_of(op, search, file, &place));
        prunes = place.readable;
        if (prunes && place.own == NULL && vv_file_is_dated(file))
            return VARVE_OK; /* no need to read its statistics */
    }
    VV_TRY(read_stats(op, search, file, &stats));
    if (prunes && obeys(rule, file, place.values, &stats)) {
        *out = place.own != NULL && group_overlaps(rule, &stats, place.own);
        return VARVE_OK;
    }
    for (size_t i = 0; i < search->groups_len && !*out; i++)
        *out = group_overlaps(rule, &stats, &search->groups[i]);
    return VARVE_OK;
}

varve_status vv_candidates_find_known(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_key_groups *groups, struct vv_known_bounds *known,
    struct vv_candidates *out)
{
    VV_CLEANUP(search_done) struct search search;
    struct vv_candidates found = {0};
    VV_TRY(start_search(op, snapshot, rules, groups->items, groups->len, &search));
    search.known = known;
    if (known != NULL)
        VV_TRY(vv_known_bounds_begin(op, known, &search.asked));
    found.files = vv_new(arena, const struct vv_file *, snapshot->files_len + 1);
    if (found.files == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        bool hit = false;
        VV_TRY(can_hold(op, &search, snapshot->files[i], &hit));
        if (hit)
            found.files[found.files_len++] = snapshot->files[i];
    }
    *out = found;
    return VARVE_OK;
}

varve_status vv_candidates_find(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_key_group *groups, size_t groups_len, struct vv_candidates *out)
{
    const struct vv_key_groups all = {groups, groups_len};
    return vv_candidates_find_known(op, arena, snapshot, rules, &all, NULL, out);
}

varve_status vv_candidates_can_hold(struct vv_op *op, const struct vv_file *file,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_key_group *groups, size_t groups_len, bool *out)
{
    VV_CLEANUP(search_done) struct search search;
    VV_TRY(start_search(op, snapshot, rules, groups, groups_len, &search));
    return can_hold(op, &search, file, out);
}
