#include "table/read/known_bounds.h"

#include "base/hash.h"

struct known {
    uint64_t said; /* hash of what the log says of the file */
    struct vv_file_stats stats;
};

void vv_known_bounds_init(struct vv_known_bounds *known)
{
    *known = (struct vv_known_bounds){.arena = VV_ARENA_INIT(2 * VV_KNOWN_BYTES_MAX)};
    known->by_key = VV_MAP_INIT(&known->arena);
}

void vv_known_bounds_done(struct vv_known_bounds *known)
{
    vv_arena_done(&known->arena);
}

static bool is_full(const struct vv_known_bounds *known)
{
    return known->arena.bytes > VV_KNOWN_BYTES_MAX;
}

static void add_name(struct vv_buf *text, struct vv_str name)
{
    vv_buf_addf(text, "%zu:", name.len);
    vv_buf_add(text, name);
}

varve_status vv_known_bounds_begin(struct vv_op *op, struct vv_known_bounds *known,
    const struct vv_stats_columns *columns)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf of = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_metadata *metadata = columns->metadata;
    add_name(&of, metadata->schema_json);
    for (size_t i = 0; i < metadata->partition_columns_len; i++)
        add_name(&of, metadata->partition_columns[i]);
    for (size_t i = 0; i < columns->len; i++)
        vv_buf_addf(&of, "/%" PRId32, columns->indexes[i]);
    if (!vv_buf_ok(&of))
        return vv_fail_memory(op);
    /* A full one in which little was found is full of what is gone. */
    bool is_old = is_full(known) && known->hits < known->asked / 2;
    known->asked = known->hits = 0;
    if (known->of.ptr != NULL && !is_old && vv_str_eq(known->of, vv_buf_str(&of)))
        return VARVE_OK;
    vv_known_bounds_done(known);
    vv_known_bounds_init(known);
    known->of = vv_arena_str(&known->arena, vv_buf_str(&of));
    return known->of.ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/* All of the log's words that bounds come from: those of Varve are taken as they stand. */
static uint64_t hash_said(const struct vv_file *file)
{
    uint64_t hash = vv_xxh3_seeded(file->stats, file->by_varve);
    const struct vv_pairs *values = &file->partition_values;
    hash = vv_xxh3_seeded(vv_pairs_get(&file->tags, VV_STR(VV_TAG_NO_NAN)), hash);
    for (size_t i = 0; i < values->len; i++) {
        hash = vv_xxh3_seeded(values->items[i].name, hash);
        hash =
            vv_xxh3_seeded(values->items[i].value, hash + (values->items[i].value.ptr == NULL));
    }
    return hash;
}

/* A partition value is a piece of the log, which goes with its snapshot. */
static bool own(struct vv_arena *arena, struct vv_value *value)
{
    if (value->text.ptr != NULL)
        value->text = vv_arena_str(arena, value->text);
    return value->kind != VV_VALUE_TEXT || value->text.ptr != NULL;
}

static varve_status read_own(struct vv_op *op, struct vv_arena *arena,
    const struct vv_file *file, const struct vv_stats_columns *columns,
    struct vv_file_stats *out)
{
    VV_TRY(vv_stats_read(op, arena, file, columns, out));
    for (size_t i = 0; i < columns->len; i++)
        if (!own(arena, &out->columns[i].min) || !own(arena, &out->columns[i].max))
            return vv_fail_memory(op);
    return VARVE_OK;
}

varve_status vv_known_bounds_read(struct vv_op *op, struct vv_known_bounds *known,
    const struct vv_file *file, const struct vv_stats_columns *columns,
    struct vv_file_stats *out)
{
    uint64_t said = hash_said(file);
    struct known *entry = vv_map_get(&known->by_key, file->key);
    known->asked++;
    if (entry != NULL && entry->said == said) {
        known->hits++;
        *out = entry->stats;
        return VARVE_OK;
    }
    if (is_full(known))
        return vv_stats_read(op, &op->arena, file, columns, out);
    struct known *made = vv_new(&known->arena, struct known, 1);
    struct vv_str key = entry == NULL ? vv_arena_str(&known->arena, file->key) : file->key;
    if (made == NULL || key.ptr == NULL)
        return vv_fail_memory(op);
    made->said = said;
    VV_TRY(read_own(op, &known->arena, file, columns, &made->stats));
    if (entry != NULL)
        *entry = *made;
    else if (!vv_map_put(&known->by_key, key, made, NULL))
        return vv_fail_memory(op);
    *out = made->stats;
    return VARVE_OK;
}
