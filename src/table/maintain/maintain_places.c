/*
 * A snapshot's partitions, as the plan wants them described.
 */
#include "base/time.h"
#include "delta/clustering.h"
#include "table/maintain/maintain_run.h"
#include "table/partition.h"

/* The first partition column that is a date says which day's the partition is. */
static void find_day(const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_value *values, struct vv_place *out)
{
    for (size_t i = 0; i < rules->partitions_len && !out->has_day; i++) {
        if (snapshot->schema.fields[rules->partitions[i]].type.kind != VV_TYPE_DATE ||
            values[i].kind != VV_VALUE_INT)
            continue;
        out->has_day = true;
        out->day = (int32_t)values[i].integer;
    }
}

static varve_status name_place(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_value *values, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    for (size_t i = 0; i < rules->partitions_len; i++) {
        const struct vv_field *field = &snapshot->schema.fields[rules->partitions[i]];
        vv_buf_addf(&text, "%s%.*s=", i == 0 ? "" : ", ", VV_ARG(field->name));
        if (values[i].kind == VV_VALUE_NULL)
            vv_buf_adds(&text, "NULL");
        else
            vv_partition_format(&values[i], &field->type, &text);
    }
    *out = vv_arena_str(arena, vv_buf_str(&text));
    return vv_buf_ok(&text) && out->ptr != NULL ? VARVE_OK : vv_fail_memory(op);
}

/*
 * What a table with z-order columns was packed to is not laid out for good: somebody has only
 * asked for fewer files. What another engine has clustered is.
 */
static bool is_laid_out(const struct vv_policy *policy, const struct vv_file *file)
{
    return vv_clustering_is_foreign(file) || vv_pairs_has(&file->tags, VV_STR(VV_TAG_ZORDER)) ||
           (policy->zorder.len == 0 && vv_pairs_has(&file->tags, VV_STR(VV_TAG_PACKED)));
}

static int64_t modified_us(const struct vv_file *file)
{
    int64_t ms = file->modified_ms < 0 ? 0 : file->modified_ms;
    return ms > INT64_MAX / VV_US_PER_MS ? INT64_MAX : ms * VV_US_PER_MS;
}

/* The files of the snapshot, those of each partition next to each other. */
static varve_status describe_files(struct vv_op *op, const struct vv_maintain_choice *choice,
    const struct vv_snapshot *snapshot, const struct vv_partitions *partitions,
    struct vv_place *places)
{
    struct vv_place_file *files = NULL;
    size_t *used = NULL;
    VV_NEW(op, &files, struct vv_place_file, snapshot->files_len + 1);
    VV_NEW(op, &used, size_t, partitions->len + 1);
    for (size_t i = 0; i < snapshot->files_len; i++)
        places[partitions->of_file[i]].files_len++;
    for (size_t p = 0, first = 0; p < partitions->len; first += places[p++].files_len)
        used[p] = first;
    for (size_t p = 0; p < partitions->len; p++)
        places[p].files = files + used[p];
    for (size_t i = 0; i < snapshot->files_len; i++) {
        const struct vv_file *file = snapshot->files[i];
        files[used[partitions->of_file[i]]++] = (struct vv_place_file){.bytes = file->bytes,
            .modified_us = modified_us(file),
            .is_laid_out = is_laid_out(&choice->run->policy, file),
            .has_vector = file->dv != NULL};
    }
    return VARVE_OK;
}

static varve_status judge_all(struct vv_op *op, struct vv_maintain_choice *choice,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_partitions *partitions)
{
    struct vv_arena *arena = choice->run->report->arena;
    struct vv_maintain_place *found =
        vv_new(arena, struct vv_maintain_place, partitions->len + 1);
    struct vv_place *places = NULL;
    if (found == NULL)
        return vv_fail_memory(op);
    VV_NEW(op, &places, struct vv_place, partitions->len + 1);
    VV_TRY(describe_files(op, choice, snapshot, partitions, places));
    for (size_t p = 0; p < partitions->len; p++) {
        const struct vv_value *values = partitions->items[p];
        find_day(snapshot, rules, values, &places[p]);
        VV_TRY(name_place(op, arena, snapshot, rules, values, &found[p].name));
        VV_TRY(vv_partition_key(op, arena, snapshot, rules, values, &found[p].key));
        vv_place_judge(&choice->run->policy, choice->run->now_us, &places[p],
            &found[p].verdict);
    }
    choice->places = found;
    choice->places_len = partitions->len;
    return VARVE_OK;
}

varve_status vv_maintain_choose(struct vv_op *op, void *data,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    struct vv_optimize_spec *spec)
{
    struct vv_maintain_choice *choice = data;
    struct vv_partitions partitions;
    const struct vv_file **files = NULL;
    size_t len = 0;
    VV_TRY(vv_partitions_find(op, &op->arena, snapshot, rules, &partitions));
    VV_TRY(judge_all(op, choice, snapshot, rules, &partitions));
    VV_NEW(op, &files, const struct vv_file *, snapshot->files_len + 1);
    for (size_t i = 0; i < snapshot->files_len; i++)
        if (choice->wanted[choice->places[partitions.of_file[i]].verdict.state])
            files[len++] = snapshot->files[i];
    spec->files = files;
    spec->files_len = len;
    return VARVE_OK;
}
