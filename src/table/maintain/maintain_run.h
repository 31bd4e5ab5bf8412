/*
 * The inside of maintenance, shared by the files maintain*.c.
 *
 * maintain_plan.c judges, maintain_places.c describes a snapshot's partitions to it, maintain_say.c
 * says why, maintain_state.c remembers, maintain.c does.
 */
#ifndef VV_TABLE_MAINTAIN_MAINTAIN_RUN_H
#define VV_TABLE_MAINTAIN_MAINTAIN_RUN_H

#include "table/maintain/maintain.h"
#include "table/maintain/maintain_plan.h"
#include "table/maintain/optimize.h"
#include "table/maintain/optimize_plan.h"

#define VV_MAINTAIN_FOLDER "_varve/maintain"

/* When something was last done; 0: never. */
struct vv_maintain_state {
    int64_t log_us;
    int64_t vacuum_us;
};

struct vv_maintain_run {
    struct vv_table *table;
    const struct vv_maintain_request *request;
    struct vv_maintain_report *report;
    struct vv_policy policy;
    struct vv_maintain_state state;
    int64_t now_us; /* of the plan: one moment for all decisions */
};

/* maintain_places.c */

/* A partition and what was found about it. */
struct vv_maintain_place {
    struct vv_str key;  /* vv_partition_key */
    struct vv_str name; /* "date=2025-01-30"; "": the table */
    struct vv_place_verdict verdict;
};
/* The files of the partitions in one of some states, for vv_optimize_choice. */
struct vv_maintain_choice {
    const struct vv_maintain_run *run;
    bool wanted[VV_PLACE_STATES];
    /* Of the last time that it was asked: */
    const struct vv_maintain_place *places;
    size_t places_len;
};
varve_status vv_maintain_choose(struct vv_op *op, void *data,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    struct vv_optimize_spec *spec);

/* maintain_say.c */

/* Sentences in the report's arena; ptr NULL: memory is out. */
struct vv_str vv_maintain_say_place(const struct vv_maintain_run *run, enum vv_duty duty,
    const struct vv_maintain_place *place, const struct vv_maintain_task *task, size_t bins);
struct vv_str vv_maintain_say_none(const struct vv_maintain_run *run,
    const struct vv_maintain_place *places, size_t len);
struct vv_str vv_maintain_say_span(struct vv_arena *arena, int64_t us); /* "7 days" */

/* maintain_state.c */

/* What is not there or not to be understood is no error. */
varve_status vv_maintain_state_read(struct vv_op *op, const struct vv_table *table,
    struct vv_maintain_state *out);
varve_status vv_maintain_state_write(struct vv_op *op, const struct vv_table *table,
    const struct vv_maintain_state *state);

#endif
