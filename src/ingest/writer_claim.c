/*
 * Whether the spool still speaks for its id alone. Numbers of segments are given out once, so a
 * table can have recorded none that this process began, but for those it has committed itself. One
 * that has was written to by another state of the same spool: the file system was rolled back, or
 * the machine was cloned, which the spool's own files can't show. To go on as if the txn were ours
 * would drop rows without a word. So nothing more is taken, nothing of the table is committed, and
 * the spool remembers that until it is adopted under a new id; what was in the tables already then
 * comes out as unchanged.
 *
 * Segments that were found when the spool was opened are another matter: that they are recorded is
 * what a crash between the commit and their removal leaves.
 */
#include "ingest/spool_state.h"
#include "ingest/writer_state.h"

varve_status vv_writer_refusal(struct vv_op *op, struct vv_writer *writer)
{
    if (!atomic_load(&writer->is_refused))
        return VARVE_OK;
    pthread_mutex_lock(&writer->lock);
    varve_error refusal = writer->refusal;
    pthread_mutex_unlock(&writer->lock);
    return vv_spool_fail_as(op, &refusal);
}

static varve_status refuse(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    int64_t recorded)
{
    VV_CLEANUP(vv_op_done) struct vv_op marking;
    vv_op_init(&marking, &writer->env, VV_OP_BYTES_DEFAULT);
    (void)vv_fail(op, VARVE_ECONFLICT,
        "table %.*s has segment %" PRId64
        " of the spool %.*s committed, and it was not this one "
        "that did it: the spool was rolled back, or another with its id is in use. Its rows "
        "are "
        "kept, none is taken. Stop the other one; then take this one over under a new id: "
        "--adopt with `varve spool flush` or `varve ingest`",
        VV_ARG(table), recorded, VV_ARG(writer->options.spool));
    op->error.retryable = 0; /* unlike a conflict that was lost */
    vv_error_table(op, table);
    pthread_mutex_lock(&writer->spool_use);
    if (vv_spool_disown(&marking, writer->spool) != VARVE_OK) {
        vv_log(&marking, VV_LOG_ERROR, "writer.disown", "%s", marking.error.message);
        vv_forgive(&marking); /* the next attempt tries it again */
    }
    pthread_mutex_unlock(&writer->spool_use);
    pthread_mutex_lock(&writer->lock);
    writer->refusal = op->error;
    pthread_mutex_unlock(&writer->lock);
    atomic_store(&writer->is_refused, true);
    return op->error.code;
}

varve_status vv_writer_claim(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    const struct vv_snapshot *snapshot)
{
    int64_t recorded = vv_snapshot_txn(snapshot, vv_spool_app_id(writer->spool));
    if (recorded < 0 || (uint64_t)recorded < vv_spool_first_number(writer->spool))
        return VARVE_OK;
    return refuse(op, writer, table, recorded);
}

varve_status vv_writer_judge_applied(struct vv_op *op, struct vv_writer *writer,
    const struct vv_writer_table *table, uint64_t segment)
{
    int64_t recorded = vv_snapshot_txn(table->handle->snapshot, vv_spool_app_id(writer->spool));
    bool is_found = segment < vv_spool_first_number(writer->spool);
    bool is_ours = table->doubtful_segment == segment && recorded == (int64_t)segment;
    if (is_found || is_ours)
        return VARVE_OK;
    return refuse(op, writer, table->name, recorded);
}
