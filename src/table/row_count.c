#include "table/row_count.h"

#include "delta/stats.h"
#include "engine/sql.h"
#include "table/file_keys.h"

varve_status vv_row_count(struct vv_op *op, struct vv_session *session, struct vv_store *store,
    const struct vv_file *file, int64_t *out)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    struct vv_str path = file->key;
    if (!file->absolute)
        VV_TRY(vv_file_fetch(op, store, file->key, &path));
    vv_buf_adds(&sql, "SELECT count(*) FROM read_parquet(");
    vv_sql_file(&sql, path);
    vv_buf_adds(&sql, ", hive_partitioning=false)");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    return vv_session_int64(op, session, vv_buf_str(&sql), out);
}

varve_status vv_row_count_is_emptied(struct vv_op *op, struct vv_session *session,
    struct vv_store *store, const struct vv_file *file, int64_t gone, bool *out)
{
    int64_t rows = -1;
    VV_TRY(vv_file_live_rows(op, file, &rows));
    *out = rows >= 0 && rows == gone;
    if (!*out || file->by_varve)
        return VARVE_OK;
    VV_TRY(vv_row_count(op, session, store, file, &rows));
    *out = rows - (file->dv != NULL ? file->dv->cardinality : 0) == gone;
    return VARVE_OK;
}
