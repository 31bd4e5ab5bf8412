/*
 * What the history says of a merge, with Spark's names and exact figures.
 */
#include "base/time.h"
#include "table/edit/merge_run.h"
#include "table/record.h"

/* [{"predicate":"...","actionType":"update"}, ...] as a text. */
static varve_status add_clauses(struct vv_op *op, const struct vv_merge *merge,
    enum vv_merge_when when, const char *name, struct vv_json_writer *writer)
{
    static const char *const actions[] = {[VV_MERGE_UPDATE] = "update",
        [VV_MERGE_DELETE] = "delete",
        [VV_MERGE_INSERT] = "insert"};
    VV_CLEANUP(vv_buf_done) struct vv_buf text = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer list = VV_JSON_WRITER_INIT(&text);
    vv_jw_array(&list);
    for (size_t i = 0; i < merge->request->clauses_len; i++) {
        const struct vv_merge_step *step = &merge->steps[i];
        if (step->when != when)
            continue;
        vv_jw_object(&list);
        if (step->condition.len > 0)
            vv_jw_key_string(&list, "predicate", step->condition);
        vv_jw_key_string(&list, "actionType", vv_str_of(actions[step->action]));
        vv_jw_end(&list);
    }
    vv_jw_end(&list);
    vv_jw_key_string(writer, name, vv_buf_str(&text));
    return vv_buf_ok(&text) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status parameters(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf predicate = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer list = VV_JSON_WRITER_INIT(&predicate);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_array(&list);
    vv_jw_string(&list, merge->request->on);
    vv_jw_end(&list);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "predicate", vv_buf_str(&predicate));
    VV_TRY(add_clauses(op, merge, VV_MERGE_MATCHED, "matchedPredicates", &writer));
    VV_TRY(add_clauses(op, merge, VV_MERGE_NOT_MATCHED, "notMatchedPredicates", &writer));
    VV_TRY(add_clauses(op, merge, VV_MERGE_NOT_MATCHED_BY_SOURCE,
        "notMatchedBySourcePredicates", &writer));
    vv_jw_end(&writer);
    return vv_buf_ok(&predicate) ? vv_record_keep(op, &edit->arena, &json, out)
                                 : vv_fail_memory(op);
}

static varve_status metrics(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    const enum vv_merge_when by_source = VV_MERGE_NOT_MATCHED_BY_SOURCE;
    int64_t inserted = vv_merge_count(merge, VV_MERGE_NOT_MATCHED, VV_MERGE_INSERT);
    int64_t updated = vv_merge_count(merge, VV_MERGE_MATCHED, VV_MERGE_UPDATE);
    int64_t deleted = vv_merge_count(merge, VV_MERGE_MATCHED, VV_MERGE_DELETE);
    int64_t alone_updated = vv_merge_count(merge, by_source, VV_MERGE_UPDATE);
    int64_t alone_deleted = vv_merge_count(merge, by_source, VV_MERGE_DELETE);
    const struct {
        const char *name;
        int64_t value;
    } values[] = {
        {"numSourceRows", merge->source.batch.rows_in},
        {"numTargetRowsInserted", inserted},
        {"numTargetRowsUpdated", updated + alone_updated},
        {"numTargetRowsMatchedUpdated", updated},
        {"numTargetRowsNotMatchedBySourceUpdated", alone_updated},
        {"numTargetRowsDeleted", deleted + alone_deleted},
        {"numTargetRowsMatchedDeleted", deleted},
        {"numTargetRowsNotMatchedBySourceDeleted", alone_deleted},
        {"numTargetRowsCopied", edit->rows_copied},
        {"numOutputRows", inserted + updated + alone_updated + edit->rows_copied},
        {"numTargetFilesAdded", edit->files_added},
        {"numTargetFilesRemoved", edit->files_removed + edit->marks.emptied},
        {"numTargetBytesAdded", edit->bytes_added},
        {"numTargetBytesRemoved", edit->bytes_removed + edit->marks.emptied_bytes},
        {"numTargetChangeFilesAdded", (int64_t)edit->actions.cdcs.len},
        {"numTargetDeletionVectorsAdded", edit->marks.added},
        {"numTargetDeletionVectorsRemoved",
            edit->vectors_removed + edit->marks.emptied_with_vector},
        {"numTargetDeletionVectorsUpdated", edit->marks.updated},
        {"executionTimeMs", vv_ms_between(edit->started_us, vv_now_us(op))},
        {"scanTimeMs", vv_ms_between(edit->started_us, edit->scanned_us)},
        {"rewriteTimeMs", vv_ms_between(edit->scanned_us, edit->written_us)},
    };
    vv_jw_object(&writer);
    for (size_t i = 0; i < VV_COUNT(values); i++)
        vv_record_metric(&writer, values[i].name, values[i].value);
    VV_TRY(vv_warned_record(op, &edit->warned, &writer));
    vv_jw_end(&writer);
    return vv_record_keep(op, &edit->arena, &json, out);
}

varve_status vv_merge_record(struct vv_op *op, struct vv_edit *edit, const void *data,
    struct vv_commit_request *out)
{
    const struct vv_merge *merge = data;
    VV_TRY(parameters(op, edit, merge, &out->parameters_json));
    return metrics(op, edit, merge, &out->metrics_json);
}
