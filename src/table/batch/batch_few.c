#include "table/batch/batch_few.h"

#include "base/map.h"
#include "table/batch/tuple.h"

static bool is_decimal(const struct vv_schema *schema, const int32_t *columns, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (schema->fields[columns[i]].type.kind == VV_TYPE_DECIMAL)
            return true;
    return false;
}

bool vv_few_can_count(const struct vv_schema *schema, const struct vv_rules *rules)
{
    return !is_decimal(schema, rules->key, rules->key_len) &&
           !is_decimal(schema, rules->partitions, rules->partitions_len);
}

/* Whether the bytes are new to the map; they are then in it, with the value. */
static varve_status map_add(struct vv_op *op, struct vv_map *map, const struct vv_buf *text,
    void *value)
{
    struct vv_str own = vv_arena_str(map->arena, vv_buf_str(text));
    return own.ptr != NULL && vv_map_put(map, own, value, NULL) ? VARVE_OK : vv_fail_memory(op);
}

/* In the order of the engine; a NULL is behind nothing. */
static bool is_behind(const struct vv_value *key, const struct vv_value *before, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (key[i].kind != before[i].kind || key[i].kind == VV_VALUE_NULL)
            return false;
        int order = vv_value_cmp(&key[i], &before[i]);
        if (order != 0)
            return order > 0;
    }
    return false;
}

static void count_warned(int64_t bits, size_t rules_len, struct vv_batch_counts *counts)
{
    counts->warned += bits != 0;
    for (size_t i = 0; i < rules_len && bits != 0; i++)
        counts->by_warning[i] += bits >> i & 1;
}

/* What is known of a row but its key. False: it is a bad one. */
static bool count_row(const struct vv_plan *plan, const struct vv_rows *rows,
    struct vv_batch_counts *counts)
{
    uint32_t bad_column = vv_rows_columns(rows) - 1;
    size_t warnings_len = plan->rules->warnings_len;
    if (vv_rows_bool(rows, bad_column)) {
        counts->bad++;
        return false;
    }
    if (plan->counts_twice)
        counts->twice += vv_rows_bool(rows, bad_column - 1 - (warnings_len > 0));
    if (warnings_len > 0)
        count_warned(vv_rows_int64(rows, bad_column - 1), warnings_len, counts);
    return true;
}

/* Those that are not bad are in the order of the key, as a feed leaves them: no key comes twice. */
static varve_status ascends(struct vv_op *op, const struct vv_rowset *batch,
    const struct vv_tuple *key, bool *out)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    struct vv_value *before = NULL;
    bool is_first = true;
    *out = false;
    VV_NEW(op, &before, struct vv_value, key->len + 1);
    VV_TRY(vv_rowset_read(op, batch, &rows));
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        if (vv_rows_bool(rows, vv_rows_columns(rows) - 1))
            continue;
        VV_TRY(vv_tuple_values(op, key, rows));
        if (!is_first && !is_behind(key->values, before, key->len))
            return VARVE_OK;
        is_first = false;
        for (size_t i = 0; i < key->len; i++)
            before[i] = key->values[i];
    }
    *out = true;
    return VARVE_OK;
}

/* Counts the key of a row that no row before it had. */
static varve_status count_key(struct vv_op *op, const struct vv_tuple *key,
    const struct vv_rows *rows, struct vv_map *seen, struct vv_buf *text, int64_t *keys)
{
    VV_TRY(vv_tuple_read(op, key, rows, text));
    if (!vv_buf_ok(text))
        return vv_fail_memory(op);
    if (vv_map_has(seen, vv_buf_str(text)))
        return VARVE_OK;
    ++*keys;
    return map_add(op, seen, text, key->values);
}

varve_status vv_few_count(struct vv_op *op, const struct vv_rowset *batch,
    const struct vv_plan *plan, bool dedupe, struct vv_batch_counts *counts)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_arena_done) struct vv_arena arena = VV_ARENA_INIT(op->arena.bytes_max);
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_rules *rules = plan->rules;
    struct vv_map seen = VV_MAP_INIT(&arena);
    struct vv_tuple key = {
        .arena = &arena, .schema = plan->schema, .columns = rules->key, .len = rules->key_len};
    bool is_ascending = false;
    VV_TRY(vv_tuple_make(op, &key));
    if (dedupe)
        VV_TRY(ascends(op, batch, &key, &is_ascending));
    VV_TRY(vv_rowset_read(op, batch, &rows));
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            return VARVE_OK;
        if (!count_row(plan, rows, counts))
            continue;
        if (dedupe && !is_ascending)
            VV_TRY(count_key(op, &key, rows, &seen, &text, &counts->keys));
        else
            counts->keys++;
    }
}

static varve_status group_new(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rules *rules, const struct vv_value *partition, struct vv_key_group *group)
{
    *group = (struct vv_key_group){
        .partition = vv_new(arena, struct vv_value, rules->partitions_len + 1),
        .min = vv_new(arena, struct vv_value, rules->key_len + 1),
        .max = vv_new(arena, struct vv_value, rules->key_len + 1),
        .has_null = vv_new(arena, bool, rules->key_len + 1)};
    if (group->partition == NULL || group->min == NULL || group->max == NULL ||
        group->has_null == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < rules->partitions_len; i++)
        group->partition[i] = partition[i];
    for (size_t i = 0; i < rules->key_len; i++)
        group->min[i].kind = group->max[i].kind = VV_VALUE_NULL;
    return VARVE_OK;
}

static void group_widen(struct vv_key_group *group, const struct vv_value *key, size_t len)
{
    group->rows++;
    for (size_t i = 0; i < len; i++) {
        if (key[i].kind == VV_VALUE_NULL)
            continue;
        if (group->min[i].kind == VV_VALUE_NULL || vv_value_cmp(&key[i], &group->min[i]) < 0)
            group->min[i] = key[i];
        if (group->max[i].kind == VV_VALUE_NULL || vv_value_cmp(&key[i], &group->max[i]) > 0)
            group->max[i] = key[i];
    }
}

/* What is at hand while rows are put into their groups. */
struct grouping {
    struct vv_arena *arena; /* of the groups */
    const struct vv_rules *rules;
    struct vv_map by_partition;     /* to the index of the group, a size_t */
    struct vv_tuple partition, key; /* of the current row */
    struct vv_value *before;        /* the key of the row before it */
    size_t index_before;            /* and its group */
    int64_t row;                    /* the index of the current one */
    struct vv_buf text;
    struct vv_key_group *groups;
    size_t len, capacity;
};

static void grouping_done(struct grouping *g)
{
    vv_buf_done(&g->text);
}

static bool is_of_group(const struct grouping *g, const struct vv_key_group *group)
{
    for (size_t i = 0; i < g->partition.len; i++)
        if (!vv_value_eq(&g->partition.values[i], &group->partition[i]))
            return false;
    return true;
}

static varve_status group_of(struct vv_op *op, struct grouping *g, const struct vv_rows *rows,
    size_t *out)
{
    VV_TRY(vv_tuple_read(op, &g->partition, rows, &g->text));
    if (!vv_buf_ok(&g->text))
        return vv_fail_memory(op);
    size_t *index = vv_map_get(&g->by_partition, vv_buf_str(&g->text));
    if (index != NULL) {
        *out = *index;
        return VARVE_OK;
    }
    void *groups = g->groups;
    if (!vv_arena_grow(g->arena, &groups, g->len, &g->capacity, sizeof(*g->groups),
            _Alignof(struct vv_key_group)))
        return vv_fail_memory(op);
    g->groups = groups;
    VV_TRY(group_new(op, g->arena, g->rules, g->partition.values, &g->groups[g->len]));
    index = vv_new(g->by_partition.arena, size_t, 1);
    if (index == NULL)
        return vv_fail_memory(op);
    *out = *index = g->len++;
    return map_add(op, &g->by_partition, &g->text, index);
}

static varve_status group_row(struct vv_op *op, struct grouping *g, const struct vv_rows *rows)
{
    size_t index = g->index_before;
    VV_TRY(vv_tuple_values(op, &g->key, rows));
    VV_TRY(vv_tuple_values(op, &g->partition, rows));
    if (g->row == 0 || !is_of_group(g, &g->groups[index]))
        VV_TRY(group_of(op, g, rows, &index));
    struct vv_key_group *group = &g->groups[index];
    if (group->rows == 0) {
        group->first = g->row;
        group->is_run = group->ascends = true;
    } else {
        group->is_run = group->is_run && index == g->index_before;
        group->ascends =
            group->ascends && group->is_run && is_behind(g->key.values, g->before, g->key.len);
    }
    group_widen(group, g->key.values, g->key.len);
    for (size_t i = 0; i < g->key.len; i++)
        g->before[i] = g->key.values[i];
    g->index_before = index;
    g->row++;
    return VARVE_OK;
}

varve_status vv_few_groups(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rowset *batch, const struct vv_schema *schema, const struct vv_rules *rules,
    struct vv_key_group **out, size_t *out_len)
{
    VV_CLEANUP(vv_rows_close) struct vv_rows *rows = NULL;
    VV_CLEANUP(vv_arena_done) struct vv_arena scratch = VV_ARENA_INIT(op->arena.bytes_max);
    VV_CLEANUP(grouping_done)
    struct grouping g = {.arena = arena,
        .rules = rules,
        .by_partition = VV_MAP_INIT(&scratch),
        .partition = {.arena = arena,
            .schema = schema,
            .columns = rules->partitions,
            .len = rules->partitions_len},
        .key = {.arena = arena, .schema = schema, .columns = rules->key, .len = rules->key_len},
        .text = VV_BUF_INIT(VV_BUF_MAX)};
    VV_TRY(vv_tuple_make(op, &g.partition));
    VV_TRY(vv_tuple_make(op, &g.key));
    VV_NEW(op, &g.before, struct vv_value, rules->key_len + 1);
    VV_TRY(vv_rowset_read(op, batch, &rows));
    for (bool has_row = true;;) {
        VV_TRY(vv_rows_next(op, rows, &has_row));
        if (!has_row)
            break;
        VV_TRY(group_row(op, &g, rows));
    }
    *out = g.groups;
    *out_len = g.len;
    return VARVE_OK;
}
