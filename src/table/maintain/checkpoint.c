#include "table/maintain/checkpoint.h"

#include "base/time.h"
#include "delta/checkpoint_write.h"
#include "delta/features.h"
#include "delta/last_checkpoint.h"
#include "table/maintain/checkpoint_errand.h"

#define ELSEWHERE_INTERVALS 10
/* Of fewer rows it is written before a thread for it would have begun. */
#define ERRAND_ROWS_MIN 1000
#define ERRAND_ROW_BYTES 1024 /* about, until it is written */

/*
 * What a feature keeps in the log is not in a checkpoint of a writer that does not know it, and is
 * gone with the commits that the checkpoint stands for.
 */
static varve_status check_write(struct vv_op *op, const struct vv_table *table)
{
    const struct vv_snapshot *snapshot = table->snapshot;
    return vv_features_check_write(op, snapshot->protocol, snapshot->metadata,
        &snapshot->schema);
}

varve_status vv_table_checkpoint(struct vv_op *op, struct vv_table *table, int64_t *out_version,
    struct vv_log_cleaned *out_cleaned)
{
    struct vv_log_cleaned cleaned = {.first_version = VV_NO_VERSION};
    vv_checkpoint_errand_end(table);
    VV_TRY(vv_table_refresh(op, table));
    VV_TRY(check_write(op, table));
    if (vv_checkpoint_write(op, &table->log, table->snapshot) != VARVE_OK)
        return vv_note(op, "table %.*s", VV_ARG(table->name));
    if (vv_log_clean(op, &table->log, table->snapshot, &cleaned) != VARVE_OK)
        return vv_note(op, "table %.*s: the checkpoint is there, the log is not cleaned up",
            VV_ARG(table->name));
    vv_checkpoint_work_tell(op, table->name, VARVE_OK, &cleaned);
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

/* Whether maintenance, say, has written one in the second half of the interval. */
static bool is_done_lately(struct vv_op *op, const struct vv_table *table, int64_t version,
    int64_t interval)
{
    int64_t newest = VV_NO_VERSION;
    if (vv_last_checkpoint_read(op, table->log.store, &newest) != VARVE_OK) {
        vv_forgive(op);
        return false;
    }
    return newest >= 0 && newest <= version && version - newest < interval / 2;
}

static bool is_due(struct vv_op *op, const struct vv_table *table, int64_t version)
{
    struct vv_checkpoint_interval interval = vv_checkpoint_interval(table->snapshot);
    if (table->checkpoints_elsewhere && interval.commits <= INT64_MAX / ELSEWHERE_INTERVALS)
        interval.commits *= ELSEWHERE_INTERVALS; /* whoever was to do it does not keep up */
    if (version <= 0 || version % interval.commits != 0)
        return false;
    return interval.is_set || interval.commits == VV_CHECKPOINT_INTERVAL_DEFAULT ||
           !is_done_lately(op, table, version, interval.commits);
}

/*
 * Whether it is written while the caller goes on: one of many rows, of which as much lies in memory
 * once more, beside what the caller does, as long as that is not much.
 */
static bool is_for_errand(const struct vv_table *table)
{
    size_t rows = table->snapshot->files_len + table->snapshot->tombstones_len;
    return rows >= ERRAND_ROWS_MIN &&
           (int64_t)rows <= vv_engine_spare_bytes(table->engine) / ERRAND_ROW_BYTES;
}

void vv_table_checkpoint_if_due(struct vv_op *op, struct vv_table *table, int64_t version)
{
    struct vv_log_cleaned cleaned = {.first_version = VV_NO_VERSION};
    bool is_at_work = vv_checkpoint_errand_is_at_work(table); /* tells of one that has ended */
    if (is_at_work || !is_due(op, table, version))
        return;
    bool is_first = !is_of_today(op, table);
    varve_status status = vv_table_refresh(op, table);
    if (status == VARVE_OK)
        status = check_write(op, table); /* somebody else's commit may be the newest by now */
    if (status == VARVE_OK && is_for_errand(table) &&
        vv_checkpoint_errand_begin(op, table, is_first))
        return;
    const struct vv_checkpoint_work work = {table->log, table->snapshot, is_first};
    if (status == VARVE_OK)
        status = vv_checkpoint_work_do(op, &work, &cleaned);
    vv_checkpoint_work_tell(op, table->name, status, &cleaned);
}
