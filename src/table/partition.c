#include "table/partition.h"

#include "base/map.h"
#include "delta/list.h"

varve_status vv_partition_values(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_file *file, struct vv_value **out)
{
    struct vv_value *values = vv_new(arena, struct vv_value, rules->partitions_len + 1);
    if (values == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < rules->partitions_len; i++) {
        const struct vv_field *field = &snapshot->schema.fields[rules->partitions[i]];
        struct vv_str text = vv_pairs_get(&file->partition_values, field->physical_name);
        if (!vv_partition_parse(text, &field->type, &values[i]))
            return vv_fail(op, VARVE_ECORRUPT, "partition value \"%.*s\" of file %.*s",
                VV_ARG(text), VV_ARG(file->path));
    }
    *out = values;
    return VARVE_OK;
}

varve_status vv_partition_key(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_value *values, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t i = 0; i < rules->partitions_len; i++) {
        vv_value_sql(&values[i], &snapshot->schema.fields[rules->partitions[i]].type, &text);
        vv_buf_addc(&text, '\n');
    }
    *out = vv_arena_str(arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

varve_status vv_partitions_find(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, struct vv_partitions *out)
{
    struct vv_map map = VV_MAP_INIT(arena);
    *out = (struct vv_partitions){.of_file = vv_new(arena, size_t, snapshot->files_len + 1)};
    if (out->of_file == NULL)
        return vv_fail_memory(op);
    for (size_t i = 0; i < snapshot->files_len; i++) {
        struct vv_value *values = NULL;
        struct vv_str key = VV_STR_NONE;
        VV_TRY(vv_partition_values(op, arena, snapshot, rules, snapshot->files[i], &values));
        VV_TRY(vv_partition_key(op, arena, snapshot, rules, values, &key));
        size_t *place = vv_map_get(&map, key);
        if (place == NULL) {
            place = vv_new(arena, size_t, 1);
            const struct vv_value **added = VV_LIST_NEW(arena, out);
            if (place == NULL || added == NULL || !vv_map_put(&map, key, place, NULL))
                return vv_fail_memory(op);
            *added = values;
            *place = out->len - 1;
        }
        out->of_file[i] = *place;
    }
    return VARVE_OK;
}
