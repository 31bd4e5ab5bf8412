/*
 * Read-through: the rows of a table as they would be if all that waits were committed. What waits
 * is committed indeed, by the very code that will do it, but into a view of the table that lies
 * above it in memory and is gone with the rows that were read (store/overlay.c). A segment that the
 * table has committed by then is a no-op there, as anywhere.
 */
#include <string.h>

#include "base/seam.h"
#include "delta/log_name.h"
#include "delta/log.h"
#include "ingest/writer_state.h"

/* A stream and the view that it reads. */
struct view {
    struct ArrowArrayStream rows;
    struct vv_table *table;
};

static void view_free(struct view **view)
{
    struct view *freed = VV_MOVE(*view);
    if (freed == NULL)
        return;
    if (freed->rows.release != NULL)
        freed->rows.release(&freed->rows);
    vv_table_close(&freed->table);
    vv_free(freed);
}

static struct ArrowArrayStream *rows_of(struct ArrowArrayStream *stream)
{
    return &((struct view *)stream->private_data)->rows;
}

static int view_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    return rows_of(stream)->get_schema(rows_of(stream), out);
}

static int view_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    return rows_of(stream)->get_next(rows_of(stream), out);
}

static const char *view_error(struct ArrowArrayStream *stream)
{
    return rows_of(stream)->get_last_error(rows_of(stream));
}

static void view_release(struct ArrowArrayStream *stream)
{
    struct view *view = stream->private_data;
    view_free(&view);
    stream->release = NULL;
}

/* The table at its latest version, with a store that keeps changes to itself. */
static varve_status open_view(struct vv_op *op, struct vv_writer *writer, struct vv_str name,
    struct vv_table **out)
{
    pthread_mutex_lock(&writer->lake_use);
    varve_status status = vv_lake_table(op, writer->lake, name, out);
    pthread_mutex_unlock(&writer->lake_use);
    VV_TRY(status);
    struct vv_table *table = *out;
    struct vv_str newest = vv_log_commit_key(&op->arena, table->snapshot->version);
    if (newest.ptr == NULL)
        return vv_fail_memory(op);
    VV_TRY(vv_store_open_overlay(op, VV_MOVE(table->store), VV_STR(VV_LOG_FOLDER), newest,
        &table->store));
    table->log.store = table->store;
    return VARVE_OK;
}

/* The segments that are there, the open one too. */
static varve_status segments_of(struct vv_op *op, struct vv_writer *writer, uint64_t **out,
    size_t *out_len)
{
    struct vv_spool_stats stats;
    uint64_t *sealed = NULL;
    size_t len = 0;
    pthread_mutex_lock(&writer->spool_use);
    varve_status status = vv_spool_sealed(op, writer->spool, &op->arena, &sealed, &len);
    vv_spool_stats(writer->spool, &stats);
    pthread_mutex_unlock(&writer->spool_use);
    VV_TRY(status);
    VV_NEW(op, out, uint64_t, len + 1);
    if (len > 0)
        memcpy(*out, sealed, len * sizeof(**out));
    if (stats.open_number > 0)
        (*out)[len++] = stats.open_number;
    *out_len = len;
    return VARVE_OK;
}

static varve_status apply(struct vv_op *op, struct vv_writer *writer, struct view *view,
    uint64_t segment)
{
    VV_CLEANUP(vv_writer_batch_done) struct vv_writer_batch batch = {0};
    struct vv_writer_vain vain = {0};
    struct vv_upsert_result result;
    if (vv_snapshot_has_txn(view->table->snapshot, vv_spool_app_id(writer->spool),
            (int64_t)segment))
        return VARVE_OK;
    return vv_writer_upsert(op, writer, view->table, segment, &vain, &batch, &result);
}

static varve_status scan(struct vv_op *op, struct vv_writer *writer, struct vv_str name,
    const struct vv_scan_request *request, struct view *view)
{
    uint64_t *segments = NULL;
    size_t len = 0;
    /* In this order: what is committed in between is in the view before it would be applied. */
    VV_TRY(segments_of(op, writer, &segments, &len));
    VV_TRY(open_view(op, writer, name, &view->table));
    for (size_t i = 0; i < len; i++) {
        varve_status status = apply(op, writer, view, segments[i]);
        if (status == VARVE_ENOTFOUND)
            vv_forgive(op); /* removed since it was listed, so it was committed before */
        else
            VV_TRY(status);
    }
    VV_TRY(vv_table_refresh(op, view->table));
    return vv_table_scan(op, view->table, request, &view->rows);
}

varve_status vv_writer_scan(struct vv_op *op, struct vv_writer *writer, struct vv_str table,
    const struct vv_scan_request *request, struct ArrowArrayStream *out)
{
    struct vv_writer_table *known = NULL;
    VV_TRY(vv_writer_check(op, writer));
    if (request->at.ptr != NULL)
        return vv_fail(op, VARVE_EUSAGE, "what waits to be committed is of no version yet");
    VV_TRY(vv_writer_table(op, writer, table, &known));
    VV_CLEANUP(view_free) struct view *view = vv_malloc_zeroed(sizeof(*view));
    if (view == NULL)
        return vv_fail_memory(op);
    pthread_mutex_lock(&writer->lock);
    writer->scans++; /* no segment is removed while one is read */
    pthread_mutex_unlock(&writer->lock);
    varve_status status = scan(op, writer, known->name, request, view);
    pthread_mutex_lock(&writer->lock);
    writer->scans--;
    pthread_mutex_unlock(&writer->lock);
    VV_TRY(status);
    vv_writer_remove_done(op, writer);
    *out = (struct ArrowArrayStream){.get_schema = view_schema,
        .get_next = view_next,
        .get_last_error = view_error,
        .release = view_release,
        .private_data = VV_MOVE(view)};
    return VARVE_OK;
}
