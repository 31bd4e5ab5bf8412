#include "table/batch/batch_later.h"

varve_status vv_batch_later_add(struct vv_op *op, struct vv_work *work, struct vv_str select,
    bool replace)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    vv_buf_adds(&sql, replace ? "CREATE OR REPLACE TEMP TABLE batch_later AS "
                              : "INSERT INTO " VV_BATCH_LATER " ");
    vv_buf_add(&sql, select);
    work->has_tables = true;
    return vv_buf_ok(&sql) ? vv_session_exec(op, work->session, vv_buf_str(&sql))
                           : vv_fail_memory(op);
}

varve_status vv_batch_later_spread(struct vv_op *op, struct vv_work *work,
    const struct vv_rules *rules, bool *out_has_more)
{
    VV_CLEANUP(vv_buf_done) struct vv_buf sql = VV_BUF_INIT(VV_BUF_MAX);
    int64_t rows = 0;
    vv_buf_addf(&sql,
        "INSERT INTO " VV_BATCH_LATER " SELECT b._row, max(l._o) FROM " VV_BATCH_LATER
        " AS l JOIN %.*s AS k ON k._row = l._row JOIN %.*s AS b ON true",
        VV_ARG(work->batch.sql), VV_ARG(work->batch.sql));
    for (size_t i = 0; i < rules->key_len; i++)
        vv_buf_addf(&sql, " AND b.c%d = k.c%d", rules->key[i], rules->key[i]);
    vv_buf_adds(&sql,
        " WHERE NOT b._own AND NOT b._bad AND b._row NOT IN (SELECT _row FROM " VV_BATCH_LATER
        ") GROUP BY b._row");
    if (!vv_buf_ok(&sql))
        return vv_fail_memory(op);
    VV_TRY(vv_session_int64(op, work->session, vv_buf_str(&sql), &rows));
    *out_has_more = rows > 0;
    return VARVE_OK;
}
