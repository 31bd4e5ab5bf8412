/*
 * A checkpoint that a thread writes while its table is used on: that of a large table takes longer
 * than the commit that it is due at, and nobody needs it at once.
 *
 * The thread has a snapshot, an operation and a session of its own; of the table it uses the store
 * and the engine, as several threads may. It tells nobody anything: what it did, and what it had to
 * say meanwhile, is logged by whoever settles it, in the thread that uses the table: the table's
 * next commit after it has ended, or its close. It ends before the table is closed.
 */
#ifndef VV_TABLE_MAINTAIN_CHECKPOINT_ERRAND_H
#define VV_TABLE_MAINTAIN_CHECKPOINT_ERRAND_H

#include "delta/log_clean.h"
#include "table/table.h"

/* What a checkpoint that is due consists of, whoever writes it. */
struct vv_checkpoint_work {
    struct vv_log_handle log;
    const struct vv_snapshot *snapshot;
    bool cleans; /* the log, too */
};
varve_status vv_checkpoint_work_do(struct vv_op *op, const struct vv_checkpoint_work *work,
    struct vv_log_cleaned *out);
/* What became of it, for the log. The failure that is recorded in `op` is forgiven. */
void vv_checkpoint_work_tell(struct vv_op *op, struct vv_str table, varve_status status,
    const struct vv_log_cleaned *cleaned);

/*
 * Begins to write that of table->snapshot. False where no thread could be had: nothing has begun
 * then. There must be none at work (vv_checkpoint_errand_is_at_work).
 */
bool vv_checkpoint_errand_begin(const struct vv_op *op, struct vv_table *table, bool cleans);
/* One that has ended is settled. */
bool vv_checkpoint_errand_is_at_work(struct vv_table *table);
/* Waits for the one that is at work, if any. */
void vv_checkpoint_errand_end(struct vv_table *table);

#endif
