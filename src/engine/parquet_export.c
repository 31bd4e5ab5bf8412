#include "engine/arrow_scan.h"
#include "engine/parquet.h"
#include "engine/sql.h"

/*
 * From the stream into the file, by one thread, so that the rows need neither a place in between
 * nor a sort to be in the stream's order again. Besides a row group nothing of them is in memory:
 * the engine that the rows come from may have all that is allowed, as one that sorts does.
 */
varve_status vv_parquet_export(struct vv_op *op, struct vv_session *session,
    struct ArrowArrayStream *stream, struct vv_str path, int64_t *out_rows)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_arrow_scan *scan = NULL;
    struct vv_parquet_written written;
    VV_TRY(vv_arrow_scan_open(op, session, stream, &scan));
    vv_buf_adds(&sql, "SELECT * FROM " VV_ARROW_SCAN_FUNCTION "(");
    vv_sql_int(&sql, vv_arrow_scan_id(scan));
    vv_buf_addc(&sql, ')');
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    const struct vv_parquet_write write = {.select_sql = vv_buf_str(&sql), .path = path};
    VV_TRY(vv_arrow_scan_end(op, scan,
        vv_parquet_write(op, session, &write, &op->arena, &written)));
    if (out_rows != NULL)
        *out_rows = written.rows;
    return VARVE_OK;
}
