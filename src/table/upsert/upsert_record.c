/*
 * What the history says of an upsert: Spark's MERGE, or its WRITE of an append, with Spark's names
 * and exact figures.
 */
#include "base/time.h"
#include "table/record.h"
#include "table/warnings.h"
#include "table/upsert/upsert_plan.h"

int64_t vv_upsert_files_added(const struct vv_upsert_attempt *attempt)
{
    return (int64_t)attempt->actions.adds.len - attempt->marks.added - attempt->marks.updated;
}

int64_t vv_upsert_files_removed(const struct vv_upsert_attempt *attempt)
{
    return (int64_t)attempt->actions.removes.len - attempt->marks.added -
           attempt->marks.updated;
}

static varve_status parameters(struct vv_op *op, struct vv_str released,
    struct vv_upsert_attempt *attempt, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf predicate = VV_BUF_INIT(VV_BUF_MAX);
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    for (size_t i = 0; i < attempt->rules->key_len; i++) {
        struct vv_str name = attempt->snapshot->schema.fields[attempt->rules->key[i]].name;
        vv_buf_addf(&predicate, "%starget.%.*s <=> source.%.*s", i == 0 ? "" : " AND ",
            VV_ARG(name), VV_ARG(name));
    }
    vv_jw_object(&writer);
    vv_jw_key_string(&writer, "predicate", vv_buf_str(&predicate));
    vv_jw_key_string(&writer, "matchedPredicates", VV_STR("[{\"actionType\":\"update\"}]"));
    vv_jw_key_string(&writer, "notMatchedPredicates", VV_STR("[{\"actionType\":\"insert\"}]"));
    vv_jw_key_string(&writer, "notMatchedBySourcePredicates", VV_STR("[]"));
    if (released.len > 0)
        vv_jw_key_string(&writer, "quarantine", released);
    vv_jw_end(&writer);
    return vv_record_keep(op, &attempt->arena, &json, out);
}

static varve_status metrics(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    int64_t inserted = attempt->counts[VV_OUTCOME_INSERT];
    int64_t updated = attempt->counts[VV_OUTCOME_UPDATE];
    const struct {
        const char *name;
        int64_t value;
    } values[] = {
        {"numSourceRows", call->batch.rows_in},
        {"numTargetRowsInserted", inserted},
        {"numTargetRowsUpdated", updated},
        {"numTargetRowsMatchedUpdated", updated},
        {"numTargetRowsNotMatchedBySourceUpdated", 0},
        {"numTargetRowsDeleted", attempt->repaired},
        {"numTargetRowsMatchedDeleted", attempt->repaired},
        {"numTargetRowsNotMatchedBySourceDeleted", 0},
        {"numTargetRowsCopied", attempt->rows_copied},
        {"numOutputRows", inserted + updated + attempt->rows_copied},
        {"numTargetFilesAdded", vv_upsert_files_added(attempt)},
        {"numTargetFilesRemoved", vv_upsert_files_removed(attempt)},
        {"numTargetBytesAdded", attempt->bytes_added},
        {"numTargetBytesRemoved", attempt->bytes_removed + attempt->marks.emptied_bytes},
        {"numTargetChangeFilesAdded", (int64_t)attempt->actions.cdcs.len},
        {"numTargetDeletionVectorsAdded", attempt->marks.added},
        {"numTargetDeletionVectorsRemoved",
            attempt->vectors_removed + attempt->marks.emptied_with_vector},
        {"numTargetDeletionVectorsUpdated", attempt->marks.updated},
        {"executionTimeMs", vv_ms_between(call->started_us, vv_now_us(op))},
    };
    vv_jw_object(&writer);
    for (size_t i = 0; i < VV_COUNT(values); i++)
        vv_record_metric(&writer, values[i].name, values[i].value);
    VV_TRY(vv_warned_record(op, &call->batch.warned, &writer));
    vv_jw_end(&writer);
    return vv_record_keep(op, &attempt->arena, &json, out);
}

static varve_status append_metrics(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct vv_str *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf json = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_json_writer writer = VV_JSON_WRITER_INIT(&json);
    vv_jw_object(&writer);
    vv_record_metric(&writer, "numFiles", (int64_t)attempt->actions.adds.len);
    vv_record_metric(&writer, "numOutputRows", attempt->counts[VV_OUTCOME_INSERT]);
    vv_record_metric(&writer, "numOutputBytes", attempt->bytes_added);
    VV_TRY(vv_warned_record(op, &call->batch.warned, &writer));
    vv_jw_end(&writer);
    return vv_record_keep(op, &attempt->arena, &json, out);
}

varve_status vv_upsert_record(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct vv_str *out_parameters,
    struct vv_str *out_metrics)
{
    if (call->options->append) {
        VV_TRY(vv_record_write(op, &attempt->arena, attempt->snapshot, "Append", VV_STR_NONE,
            call->options->released, out_parameters));
        return append_metrics(op, call, attempt, out_metrics);
    }
    VV_TRY(parameters(op, call->options->released, attempt, out_parameters));
    return metrics(op, call, attempt, out_metrics);
}
