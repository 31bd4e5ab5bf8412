/*
 * One bin becomes one file, or in z-order as many as the target size asks for. Rows of a bin lie
 * in the order of the table's z-order columns, else of its key, else as they lay.
 */
#include "delta/clustering.h"
#include "delta/stats.h"
#include "table/maintain/optimize_run.h"
#include "table/on_record.h"
#include "table/read/small_scan.h"
#include "table/row_count.h"
#include "table/write_files.h"

#define ROWS_OF_HALVES_MIN 81920
#define ROWS_OF_HALVES_MAX 122880 /* of a row group, unless something else is said */
#define ROWS_STEP 2048            /* of one of the engine's vectors */

static struct vv_scan_source source_of(const struct vv_optimize_run *run,
    const struct vv_optimize_bin *bin, const struct vv_small_scan *small)
{
    return (struct vv_scan_source){.store = run->table->store,
        .engine = run->table->engine,
        .snapshot = run->snapshot,
        .files = bin->files,
        .files_len = bin->files_len,
        .names = VV_SCAN_INDEXED,
        .small = small};
}

static varve_status bin_sql(struct vv_op *op, const struct vv_optimize_run *run,
    const struct vv_scan_source *source, struct vv_buf *sql)
{
    const struct vv_rules *rules = &run->rules;
    if (run->zorder.len > 0)
        return vv_zorder_sql(op, &run->zorder, source, sql);
    vv_buf_adds(sql, "SELECT * EXCLUDE (_file, _pos) FROM (");
    VV_TRY(vv_scan_sql(op, source, sql));
    vv_buf_adds(sql, ") AS s");
    const int32_t *columns = rules->zorder_len > 0 ? rules->zorder : rules->key;
    size_t len = rules->zorder_len > 0 ? rules->zorder_len : rules->key_len;
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? " ORDER BY " : ", ", columns[i]);
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

/*
 * A file that would just be one row group gets two halves: what looks for equal values while one
 * is encoded stays in the processor's cache, and two threads read it afterwards. That it is denser
 * makes up for dictionaries that are written twice.
 */
static int64_t row_group_rows(int64_t rows)
{
    if (rows < ROWS_OF_HALVES_MIN || rows > ROWS_OF_HALVES_MAX)
        return 0;
    int64_t half = rows / 2;
    return half + ROWS_STEP - half % ROWS_STEP;
}

/* Small ones that are read by ourselves are held against their hash there, if they have one. */
static varve_status begin_check(struct vv_op *op, const struct vv_optimize_run *run,
    const struct vv_optimize_bin *bin, const bool *is_small, struct vv_on_record *out)
{
    const struct vv_file **files = NULL;
    size_t len = 0;
    VV_NEW(op, &files, const struct vv_file *, bin->files_len);
    for (size_t i = 0; i < bin->files_len; i++)
        if (is_small == NULL || !is_small[i] ||
            !vv_pairs_has(&bin->files[i]->tags, VV_STR(VV_TAG_SHA256)))
            files[len++] = bin->files[i];
    VV_TRY(vv_on_record_sizes(op, run->table->store, files, len));
    return vv_on_record_begin(op, run->table->store, files, len, out);
}

static varve_status has_no_row(struct vv_op *op, const struct vv_optimize_run *run,
    struct vv_session *session, const struct vv_optimize_bin *bin, bool *out)
{
    *out = bin->rows == 0;
    for (size_t i = 0; i < bin->files_len && *out; i++)
        VV_TRY(vv_row_count_is_emptied(op, session, run->table->store, bin->files[i], 0, out));
    return VARVE_OK;
}

varve_status vv_optimize_write(struct vv_op *op, const struct vv_optimize_run *run,
    struct vv_session *session, struct vv_optimize_done *done)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    const struct vv_optimize_bin *bin = done->bin;
    struct vv_write_files files;
    /* In z-order equal values lie apart: it pays less there, and takes longer. */
    const bool is_packed = run->zorder.len == 0;
    bool is_empty = false;
    VV_TRY(has_no_row(op, run, session, bin, &is_empty));
    if (is_empty)
        return VARVE_OK; /* deletion vectors took every row: nothing is left to write */
    VV_TRY(vv_session_optimize(op, session, true));
    const struct vv_scan_source all = source_of(run, bin, NULL);
    VV_CLEANUP(vv_small_scan_done) struct vv_small_scan small = {.files = NULL};
    VV_TRY(vv_small_scan_open_ahead(op, &all, run->readers, &small));
    VV_CLEANUP(vv_on_record_stop) struct vv_on_record record = {.len = 0};
    VV_TRY(begin_check(op, run, bin, small.is_small, &record));
    /* What follows keeps one thread busy for the most part. Bins that are written at once: begun. */
    if (run->readers > 1)
        vv_chain_ahead_begin(op, &run->table->log, run->snapshot, run->chain);
    const struct vv_scan_source source = source_of(run, bin, &small);
    if (run->zorder.len > 0)
        VV_TRY(vv_zorder_prepare(op, session, &run->zorder, &source, bin->rows));
    VV_TRY(bin_sql(op, run, &source, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_write_request request = {.snapshot = run->snapshot,
        .session = session,
        .select_sql = vv_buf_str(&sql),
        .partition = bin->partition,
        .data_change = false,
        .is_undated = bin->is_undated,
        .row_group_rows = is_packed ? row_group_rows(bin->rows) : 0,
        .is_dense = is_packed,
        .tag = run->tag.name.len > 0 ? &run->tag : NULL};
    VV_TRY(vv_write_files(op, run->table, &request, bin->bytes, run->spec.target_bytes,
        &done->written, &files));
    VV_TRY(vv_on_record_end(op, &record));
    done->adds = files.items;
    done->adds_len = files.len;
    for (size_t i = 0; i < files.len && run->is_clustered; i++)
        files.items[i].clustering_provider = VV_STR(VV_CLUSTERING_PROVIDER);
    return VARVE_OK;
}
