/*
 * Maintenance of one table by its policy (policy.h): what is due is found (maintain_plan.h) and
 * done, each duty by the operation that people have for it, so that whatever holds for those holds
 * here: rows stay, writers go on, and what a version within the retention, a tag or a hold needs
 * is kept.
 *
 * A duty that fails does not keep the others from being done. Two that run at the same time do not
 * do the work twice: the second one leaves the table to the first. When the log and the folder were
 * last looked after is remembered in `_varve/maintain/state.json`; without it they are looked after
 * again, which does no harm.
 */
#ifndef VV_TABLE_MAINTAIN_MAINTAIN_H
#define VV_TABLE_MAINTAIN_MAINTAIN_H

#include "table/table.h"

enum vv_duty {
    VV_DUTY_NONE, /* nothing is due, and why */
    VV_DUTY_COMPACT,
    VV_DUTY_SEAL,
    VV_DUTY_RECLUSTER,
    VV_DUTY_CHECKPOINT,
    VV_DUTY_LOG,
    VV_DUTY_VACUUM,
    VV_DUTIES
};

enum vv_task_outcome {
    VV_TASK_PLANNED, /* of a plan; also: not tried */
    VV_TASK_DONE,
    VV_TASK_LEFT, /* to the next run, since others were faster */
    VV_TASK_FAILED,
    VV_TASK_SKIPPED, /* the table needs what Varve doesn't write: nothing to be tried again */
    VV_TASK_OUTCOMES
};

struct vv_maintain_task {
    enum vv_duty duty;
    struct vv_str place;  /* "date=2025-01-30"; len 0: the table */
    int64_t files, bytes; /* that it takes */
    struct vv_str reason; /* a sentence */
    enum vv_task_outcome outcome;
    varve_status code;  /* of a failure, or of what was skipped */
    struct vv_str note; /* what came of it, where that is more than the outcome; else len 0 */
};

struct vv_maintain_report {
    struct vv_arena *arena; /* of the texts */
    struct vv_maintain_task *items;
    size_t len, capacity;
    int64_t files_added, files_removed; /* by compaction and layout */
    int64_t bytes_added, bytes_removed;
    int64_t files_vacuumed, bytes_vacuumed;
    int64_t checkpoints;
};

struct vv_maintain_request {
    bool is_plan; /* write nothing */
    struct vv_str user_name, user_metadata;
};

const char *vv_duty_name(enum vv_duty duty);
const char *vv_task_outcome_name(enum vv_task_outcome outcome);

/*
 * Appends to the report. Fails where the table can't be read or may not be written at all, and
 * EINTERRUPTED; what fails later is a task's outcome.
 */
varve_status vv_table_maintain(struct vv_op *op, struct vv_table *table,
    const struct vv_maintain_request *request, struct vv_maintain_report *report);

#endif
