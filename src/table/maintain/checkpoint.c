#include "table/maintain/checkpoint.h"

#include "base/time.h"
#include "delta/checkpoint_write.h"
#include "delta/last_checkpoint.h"

#define ELSEWHERE_INTERVALS 10

static varve_status clean(struct vv_op *op, struct vv_table *table,
    struct vv_log_cleaned *cleaned)
{
    VV_TRY(vv_log_clean(op, &table->log, table->snapshot, cleaned));
    if (cleaned->commits > 0)
        vv_log(op, VV_LOG_INFO, "log.cleaned",
            "table %.*s: %zu commits left the log, %zu of them new in the ledger; the log "
            "begins"
            " at version %" PRId64,
            VV_ARG(table->name), cleaned->commits, cleaned->kept_in_ledger,
            cleaned->first_version);
    return VARVE_OK;
}

varve_status vv_table_checkpoint(struct vv_op *op, struct vv_table *table, int64_t *out_version,
    struct vv_log_cleaned *out_cleaned)
{
    struct vv_log_cleaned cleaned = {.first_version = VV_NO_VERSION};
    VV_TRY(vv_table_refresh(op, table));
    if (vv_checkpoint_write(op, &table->log, table->snapshot) != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(table->name));
    if (clean(op, table, &cleaned) != VARVE_OK)
        return vv_note(op, "table %.*s: the checkpoint is there, the log is not cleaned up",
            VV_ARG(table->name));
    *out_version = table->snapshot->version;
    *out_cleaned = cleaned;
    return VARVE_OK;
}

/* Whether a checkpoint was written today already. */
static bool is_of_today(struct vv_op *op, const struct vv_table *table)
{
    struct vv_object hint = {0};
    if (vv_store_head(op, table->log.store, VV_STR(VV_LAST_CHECKPOINT_KEY), &hint) !=
        VARVE_OK) {
        vv_forgive(op);
        return false;
    }
    return hint.modified_us / VV_US_PER_DAY == vv_now_us(op) / VV_US_PER_DAY;
}

static varve_status write_due(struct vv_op *op, struct vv_table *table)
{
    struct vv_log_cleaned cleaned = {.first_version = VV_NO_VERSION};
    bool is_first = !is_of_today(op, table);
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(vv_checkpoint_write(op, &table->log, table->snapshot));
    return is_first ? clean(op, table, &cleaned) : VARVE_OK;
}

void vv_table_checkpoint_if_due(struct vv_op *op, struct vv_table *table, int64_t version)
{
    int64_t interval = vv_checkpoint_interval(table->snapshot->metadata);
    if (table->checkpoints_elsewhere && interval <= INT64_MAX / ELSEWHERE_INTERVALS)
        interval *= ELSEWHERE_INTERVALS; /* whoever was to do it does not keep up, or is gone */
    if (version <= 0 || version % interval != 0)
        return;
    if (write_due(op, table) == VARVE_OK)
        return;
    vv_log(op, VV_LOG_WARN, "checkpoint.failed", "table %.*s: %s", VV_ARG(table->name),
        op->error.message);
    vv_forgive(op);
}
