/*
 * What the history says of an optimize: Spark's OPTIMIZE, with Spark's names and exact figures.
 */
#include <stdlib.h>

#include "table/maintain/optimize_run.h"
#include "table/record.h"

/* Spark keeps lists as JSON in a text. */
static varve_status parameters(struct vv_op *op, const struct vv_optimize_run *run,
    struct vv_arena *arena, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf predicate = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf order = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer list = VV_JSON_WRITER_INIT(&predicate);
    vv_jw_array(&list);
    if (run->request->where.len > 0)
        vv_jw_string(&list, run->request->where);
    vv_jw_end(&list);
    const struct vv_str none = VV_STR("[]");
    list = VV_JSON_WRITER_INIT(&order);
    vv_jw_array(&list);
    for (size_t i = 0; i < run->zorder.len; i++)
        vv_jw_string(&list, run->snapshot->schema.fields[run->zorder.columns[i]].name);
    vv_jw_end(&list);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "predicate", vv_buf_str(&predicate));
    vv_jw_key_string(&writer, "zOrderBy", run->is_clustered ? none : vv_buf_str(&order));
    vv_jw_key_string(&writer, "clusterBy", run->is_clustered ? vv_buf_str(&order) : none);
    vv_jw_key_string(&writer, "auto", run->request->is_auto ? VV_STR("true") : VV_STR("false"));
    vv_jw_key_string(&writer, "targetSize",
        vv_arena_format(arena, "%" PRId64, run->spec.target_bytes));
    vv_jw_end(&writer);
    if (!vv_buf_ok(&predicate) || !vv_buf_ok(&order))
        return vv_fail_memory(op);
    return vv_record_keep(op, arena, &json, out);
}

struct sums {
    int64_t files_added, files_removed, bytes_added, bytes_removed, vectors;
    int64_t *sizes; /* of the files added, ascending */
};

static int compare_sizes(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a;
    int64_t other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static varve_status sum_up(struct vv_op *op, const struct vv_optimize_done *done,
    size_t done_len, struct sums *out)
{
    size_t files = 0;
    for (size_t i = 0; i < done_len; i++)
        files += done[i].adds_len;
    VV_NEW(op, &out->sizes, int64_t, files + 1);
    for (size_t i = 0; i < done_len; i++) {
        if (done[i].is_lost)
            continue;
        for (size_t j = 0; j < done[i].adds_len; j++) {
            out->sizes[out->files_added++] = done[i].adds[j].bytes;
            out->bytes_added += done[i].adds[j].bytes;
        }
        out->files_removed += (int64_t)done[i].bin->files_len;
        out->bytes_removed += done[i].bin->bytes;
        out->vectors += (int64_t)done[i].bin->vectors;
    }
    qsort(out->sizes, (size_t)out->files_added, sizeof(int64_t), compare_sizes);
    return VARVE_OK;
}

static int64_t percentile(const struct sums *sums, int64_t percent)
{
    if (sums->files_added == 0)
        return 0;
    return sums->sizes[(sums->files_added - 1) * percent / 100];
}

static varve_status metrics(struct vv_op *op, const struct vv_optimize_done *done,
    size_t done_len, struct vv_arena *arena, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    struct sums sums = {0};
    VV_TRY(sum_up(op, done, done_len, &sums));
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numAddedFiles", sums.files_added);
    vv_record_metric(&writer, "numRemovedFiles", sums.files_removed);
    vv_record_metric(&writer, "numAddedBytes", sums.bytes_added);
    vv_record_metric(&writer, "numRemovedBytes", sums.bytes_removed);
    vv_record_metric(&writer, "numDeletionVectorsRemoved", sums.vectors);
    vv_record_metric(&writer, "minFileSize", percentile(&sums, 0));
    vv_record_metric(&writer, "p25FileSize", percentile(&sums, 25));
    vv_record_metric(&writer, "p50FileSize", percentile(&sums, 50));
    vv_record_metric(&writer, "p75FileSize", percentile(&sums, 75));
    vv_record_metric(&writer, "maxFileSize", percentile(&sums, 100));
    vv_jw_end(&writer);
    return vv_record_keep(op, arena, &json, out);
}

varve_status vv_optimize_record(struct vv_op *op, const struct vv_optimize_run *run,
    const struct vv_optimize_done *done, size_t done_len, struct vv_arena *arena,
    struct vv_commit_request *request)
{
    VV_TRY(parameters(op, run, arena, &request->parameters_json));
    return metrics(op, done, done_len, arena, &request->metrics_json);
}
