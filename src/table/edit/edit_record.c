/*
 * What the history says of an edit, with Spark's names and exact figures.
 */
#include "base/time.h"
#include "table/edit/edit.h"
#include "table/record.h"

void vv_edit_metrics(struct vv_op *op, const struct vv_edit *edit,
    struct vv_json_writer *writer)
{
    const struct {
        const char *name;
        int64_t value;
    } values[] = {
        {"numRemovedFiles", edit->files_removed + edit->marks.emptied},
        {"numAddedFiles", edit->files_added},
        {"numRemovedBytes", edit->bytes_removed + edit->marks.emptied_bytes},
        {"numAddedBytes", edit->bytes_added},
        {"numCopiedRows", edit->rows_copied},
        {"numAddedChangeFiles", (int64_t)edit->actions.cdcs.len},
        {"numDeletionVectorsAdded", edit->marks.added},
        {"numDeletionVectorsRemoved", edit->vectors_removed + edit->marks.emptied_with_vector},
        {"numDeletionVectorsUpdated", edit->marks.updated},
        {"executionTimeMs", vv_ms_between(edit->started_us, vv_now_us(op))},
        {"scanTimeMs", vv_ms_between(edit->started_us, edit->scanned_us)},
        {"rewriteTimeMs", vv_ms_between(edit->scanned_us, edit->written_us)},
    };
    for (size_t i = 0; i < VV_COUNT(values); i++)
        vv_record_metric(writer, values[i].name, values[i].value);
}

varve_status vv_edit_predicate(struct vv_op *op, struct vv_edit *edit, struct vv_str condition,
    struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf texts = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer list = VV_JSON_WRITER_INIT(&texts);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_array(&list);
    vv_jw_string(&list, condition);
    vv_jw_end(&list);
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "predicate", vv_buf_str(&texts));
    vv_jw_end(&writer);
    return vv_buf_ok(&texts) ? vv_record_keep(op, &edit->arena, &json, out)
                             : vv_fail_memory(op);
}
