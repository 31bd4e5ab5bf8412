/*
 * One bin becomes one file, or in z-order as many as the target size asks for. Rows of a bin lie
 * in the order of the table's z-order columns, else of its key, else as they lay.
 */
#include "delta/clustering.h"
#include "table/maintain/optimize_run.h"

/* A single file may be that much longer than the target before its bin is split. */
#define LONGER_PERCENT 10

static struct vv_scan_source source_of(const struct vv_optimize_run *run,
    const struct vv_optimize_bin *bin)
{
    return (struct vv_scan_source){.store = run->table->store,
        .engine = run->table->engine,
        .snapshot = run->snapshot,
        .files = bin->files,
        .files_len = bin->files_len,
        .names = VV_SCAN_INDEXED};
}

static varve_status bin_sql(struct vv_op *op, const struct vv_optimize_run *run,
    const struct vv_optimize_bin *bin, struct vv_buf *sql)
{
    const struct vv_rules *rules = &run->rules;
    const struct vv_scan_source source = source_of(run, bin);
    if (run->zorder.len > 0)
        return vv_zorder_sql(op, &run->zorder, &source, sql);
    vv_buf_adds(sql, "SELECT * EXCLUDE (_file, _pos) FROM (");
    VV_TRY(vv_scan_sql(op, &source, sql));
    vv_buf_adds(sql, ") AS s");
    const int32_t *columns = rules->zorder_len > 0 ? rules->zorder : rules->key;
    size_t len = rules->zorder_len > 0 ? rules->zorder_len : rules->key_len;
    for (size_t i = 0; i < len; i++)
        vv_buf_addf(sql, "%sc%d", i == 0 ? " ORDER BY " : ", ", columns[i]);
    return vv_buf_ok(sql) ? VARVE_OK : vv_fail_memory(op);
}

static varve_status write_file(struct vv_op *op, struct vv_optimize_run *run,
    struct vv_str select_sql, struct vv_optimize_done *done)
{
    struct vv_write_request request = {.snapshot = run->snapshot,
        .session = run->session,
        .select_sql = select_sql,
        .partition = done->bin->partition,
        .data_change = false,
        .is_undated = done->bin->is_undated,
        .tag = run->tag.name.len > 0 ? &run->tag : NULL};
    VV_TRY(vv_write_file(op, run->table, &request, &done->written,
        &done->adds[done->adds_len]));
    if (run->is_clustered)
        done->adds[done->adds_len].clustering_provider = VV_STR(VV_CLUSTERING_PROVIDER);
    done->adds_len++;
    return VARVE_OK;
}

/* The bin in order in a temporary table, and from there file by file. */
static varve_status write_split(struct vv_op *op, struct vv_optimize_run *run,
    struct vv_str select_sql, size_t files_len, struct vv_optimize_done *done)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    int64_t rows = 0;
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE optimized AS ");
    vv_buf_add(&sql, select_sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, run->session, vv_buf_str(&sql), &rows));
    int64_t each = rows / (int64_t)files_len + 1;
    for (int64_t first = 0; first < rows; first += each) {
        sql.len = 0;
        vv_buf_addf(&sql,
            "SELECT * FROM optimized WHERE rowid >= %" PRId64 " AND rowid < %" PRId64
            " ORDER BY rowid",
            first, first + each);
        if (!vv_buf_ok(&sql))
            return vv_fail_memory(op);
        VV_TRY(write_file(op, run, vv_buf_str(&sql), done));
    }
    return vv_session_exec(op, run->session, VV_STR("DROP TABLE optimized"));
}

varve_status vv_optimize_write(struct vv_op *op, struct vv_optimize_run *run,
    const struct vv_optimize_bin *bin, struct vv_optimize_done *done)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    int64_t target = run->spec.target_bytes;
    bool is_split = bin->bytes > target + target / 100 * LONGER_PERCENT;
    size_t files_len = is_split ? (size_t)((bin->bytes + target - 1) / target) : 1;
    done->bin = bin;
    done->adds = vv_new(done->written.arena, struct vv_file, files_len + 1);
    if (done->adds == NULL)
        return vv_fail_memory(op);
    if (bin->rows == 0)
        return VARVE_OK; /* deletion vectors took every row: nothing is left to write */
    vv_engine_expect(run->table->engine, bin->bytes);
    VV_TRY(vv_session_optimize(op, run->session, true));
    if (run->zorder.len > 0) {
        const struct vv_scan_source source = source_of(run, bin);
        VV_TRY(vv_zorder_prepare(op, run->session, &run->zorder, &source, bin->rows));
    }
    VV_TRY(bin_sql(op, run, bin, &sql));
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return is_split ? write_split(op, run, vv_buf_str(&sql), files_len, done)
                    : write_file(op, run, vv_buf_str(&sql), done);
}
