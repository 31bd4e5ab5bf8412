/*
 * Whether rows may have come and gone between the two versions that a leak check by order reads.
 *
 * A row that one version after then brought and a later one took is in neither. The commits say
 * where none can be: no file that came was taken again by a change of rows, or only such whose
 * rows all have an order value after then. What can't be found out may be.
 */
#include "delta/log.h"
#include "delta/stats.h"
#include "lake/query_script.h"

/* Of more commits the log takes longer to read than the table. */
#define COMMITS_MAX 1000
#define LOG_BYTES_MAX ((size_t)64 << 20)

struct between {
    const struct vv_query_source *source;
    int64_t known_us;
    struct vv_arena arena;
    struct vv_map brought; /* struct vv_file by logical file */
};

static void between_done(struct between *between)
{
    vv_arena_done(&between->arena);
}

static varve_status logical_name(struct vv_op *op, struct between *between, struct vv_str key,
    struct vv_str dv_id, struct vv_str *out)
{
    *out = vv_arena_format(&between->arena, "%.*s\n%.*s", VV_ARG(key), VV_ARG(dv_id));
    return out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* Whether a row of the file may have an order value up to then. */
static varve_status may_be_known(struct vv_op *op, struct between *between,
    const struct vv_file *file, bool *out)
{
    const struct vv_snapshot *snapshot = between->source->snapshot;
    const struct vv_stats_columns columns = {
        &snapshot->schema, snapshot->metadata, &between->source->known_column, 1};
    struct vv_file_stats stats;
    VV_TRY(vv_stats_read(op, &between->arena, file, &columns, &stats));
    const struct vv_value *least = &stats.columns[0].min;
    *out = least->kind != VV_VALUE_INT || least->integer <= between->known_us;
    return VARVE_OK;
}

static varve_status look_at(struct vv_op *op, struct between *between, int64_t version,
    bool *out_may_miss)
{
    struct vv_actions actions;
    struct vv_str name;
    VV_TRY(vv_check_cancel(op));
    VV_TRY(vv_log_read_actions(op, &between->source->table->log, version, &between->arena,
        &actions, NULL));
    for (size_t i = 0; i < actions.removes.len && !*out_may_miss; i++) {
        const struct vv_remove *remove = &actions.removes.items[i];
        VV_TRY(logical_name(op, between, remove->key, remove->dv_id, &name));
        const struct vv_file *file = vv_map_get(&between->brought, name);
        if (file != NULL && remove->data_change)
            VV_TRY(may_be_known(op, between, file, out_may_miss));
    }
    for (size_t i = 0; i < actions.adds.len; i++) {
        struct vv_file *file = &actions.adds.items[i];
        VV_TRY(logical_name(op, between, file->key, file->dv_id, &name));
        if (!vv_map_put(&between->brought, name, file, NULL))
            return vv_fail_memory(op);
    }
    return VARVE_OK;
}

varve_status vv_query_may_miss(struct vv_op *op, const struct vv_query_source *source,
    int64_t known_us, int64_t first, bool *out)
{
    VV_CLEANUP(between_done)
    struct between between = {
        .source = source, .known_us = known_us, .arena = VV_ARENA_INIT(LOG_BYTES_MAX)};
    int64_t last = source->snapshot->version;
    between.brought = VV_MAP_INIT(&between.arena);
    bool may_miss = last - first >= COMMITS_MAX;
    for (int64_t version = first; version <= last && last > first && !may_miss; version++) {
        if (look_at(op, &between, version, &may_miss) == VARVE_OK)
            continue;
        if (op->error.code == VARVE_EINTERRUPTED)
            return op->error.code;
        vv_forgive(op);
        may_miss = true;
    }
    *out = may_miss;
    return VARVE_OK;
}
