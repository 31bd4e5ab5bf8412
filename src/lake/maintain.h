/*
 * Maintenance of the tables of a lake, one after the other. A table that can't be maintained does
 * not keep the others from being. One of the lake that Varve can't read or may not write, for a
 * feature that it lacks, is skipped, which is no failure; EUNSUPPORTED where it was asked for by name.
 */
#ifndef VV_LAKE_MAINTAIN_H
#define VV_LAKE_MAINTAIN_H

#include "lake/lake.h"
#include "table/maintain/maintain.h"

struct vv_lake_maintain_request {
    struct vv_str table;   /* len 0: all of the lake */
    struct vv_str message; /* of the commits; len 0: the lake's */
    bool is_plan;
};

struct vv_lake_maintained {
    int64_t tables;
    int64_t tasks; /* done, or planned */
    int64_t left;  /* to the next run */
    int64_t failed;
    int64_t
        skipped; /* tables that Varve may not write, and tasks that need what it doesn't do */
    int64_t files_added, files_removed;
    int64_t bytes_added, bytes_removed;
    int64_t files_vacuumed, bytes_vacuumed;
    int64_t checkpoints;
    varve_error failure; /* the first one; code OK: none */
};

/*
 * `out_rows` (may be NULL): table, duty, partition, files, bytes, reason, outcome, note; by table,
 * in the order in which they are done. ENOTFOUND: there is no such table, or no lake.
 */
varve_status vv_lake_maintain(struct vv_op *op, struct vv_lake *lake,
    const struct vv_lake_maintain_request *request, struct vv_lake_maintained *out,
    struct ArrowArrayStream *out_rows);

#endif
