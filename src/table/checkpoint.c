#include "table/checkpoint.h"

#include "delta/checkpoint_write.h"

varve_status vv_table_checkpoint(struct vv_op *op, struct vv_table *table, int64_t *out_version)
{
    VV_TRY(vv_table_refresh(op, table));
    if (vv_checkpoint_write(op, &table->log, table->snapshot) != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(table->name));
    *out_version = table->snapshot->version;
    return VARVE_OK;
}

void vv_table_checkpoint_if_due(struct vv_op *op, struct vv_table *table, int64_t version)
{
    int64_t written = VV_NO_VERSION;
    if (version <= 0 || version % vv_checkpoint_interval(table->snapshot->metadata) != 0)
        return;
    if (vv_table_checkpoint(op, table, &written) == VARVE_OK)
        return;
    vv_log(op, VV_LOG_WARN, "checkpoint.failed", "%s", op->error.message);
    vv_forgive(op);
}
