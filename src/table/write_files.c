#include "table/write_files.h"

#include "delta/list.h"
#include "delta/stats.h"

int64_t vv_write_files_count(int64_t bytes, int64_t target_bytes)
{
    VV_PRE(target_bytes > 0);
    if (bytes <= target_bytes ||
        bytes - target_bytes <= target_bytes / 100 * VV_WRITE_LONGER_PERCENT)
        return 1;
    return bytes / target_bytes + (bytes % target_bytes > 0);
}

static varve_status write_one(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, struct vv_written *written,
    struct vv_write_files *files)
{
    struct vv_file file;
    int64_t rows = -1;
    VV_TRY(vv_write_file(op, table, request, written, &file));
    VV_TRY(vv_stats_rows(op, &file, &rows));
    if (rows == 0) {
        vv_write_discard_last(op, table, written);
        return VARVE_OK;
    }
    struct vv_file *added = VV_LIST_NEW(written->arena, files);
    if (added == NULL)
        return vv_fail_memory(op);
    *added = file;
    files->bytes += file.bytes;
    files->rows += rows;
    return VARVE_OK;
}

/* The rows in order in a temporary table, and from there file by file. */
static varve_status write_split(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, int64_t bytes, int64_t target_bytes,
    struct vv_written *written, struct vv_write_files *files)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_write_request part = *request;
    int64_t rows = 0;
    part.from_sql = VV_STR_NONE;
    part.draft = NULL;
    vv_buf_adds(&sql, "CREATE OR REPLACE TEMP TABLE written_rows AS ");
    if (request->from_sql.len > 0)
        vv_buf_addf(&sql, "FROM %.*s", VV_ARG(request->from_sql));
    else
        vv_buf_add(&sql, request->select_sql);
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, request->session, vv_buf_str(&sql), &rows));
    for (int64_t first = 0; first < rows;) {
        int64_t left = rows - first;
        double row_bytes = files->rows > 0 ? (double)files->bytes / (double)files->rows
                                           : (double)bytes / (double)rows;
        int64_t count = vv_write_files_count((int64_t)(row_bytes * (double)left), target_bytes);
        int64_t end = first + left / count + (left % count > 0);
        sql.len = 0;
        vv_buf_addf(&sql,
            "SELECT * FROM written_rows WHERE rowid >= %" PRId64 " AND rowid < %" PRId64
            " ORDER BY rowid",
            first, end);
        if (!vv_buf_ok(&sql))
            return vv_fail_memory(op);
        part.select_sql = vv_buf_str(&sql);
        VV_TRY(write_one(op, table, &part, written, files));
        first = end;
    }
    return vv_session_exec(op, request->session, VV_STR("DROP TABLE written_rows"));
}

varve_status vv_write_files(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, int64_t bytes, int64_t target_bytes,
    struct vv_written *written, struct vv_write_files *out)
{
    *out = (struct vv_write_files){0};
    if (vv_write_files_count(bytes, target_bytes) == 1) {
        VV_TRY(write_one(op, table, request, written, out));
        if (out->rows < 2 || out->bytes / VV_WRITE_TOO_LONG <= target_bytes)
            return VARVE_OK;
        /* Rows are much longer than was thought; now it is known how long they are. */
        vv_write_discard_last(op, table, written);
        bytes = out->bytes;
        *out = (struct vv_write_files){0};
    }
    return write_split(op, table, request, bytes, target_bytes, written, out);
}
