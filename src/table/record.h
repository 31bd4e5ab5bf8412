/*
 * What the history says of an operation, in the way Spark writes it down: metrics are numbers as
 * texts.
 */
#ifndef VV_TABLE_RECORD_H
#define VV_TABLE_RECORD_H

#include "base/json_write.h"
#include "base/op.h"
#include "delta/snapshot.h"

/* "name":"value" */
void vv_record_metric(struct vv_json_writer *writer, const char *name, int64_t value);
/* A copy of a finished text in an arena. */
varve_status vv_record_keep(struct vv_op *op, struct vv_arena *arena, const struct vv_buf *buf,
    struct vv_str *out);
/*
 * Parameters of Spark's WRITE; `predicate` of a replaceWhere, or none; `released`: the batch in
 * quarantine that the rows are of, or none.
 */
varve_status vv_record_write(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, const char *mode, struct vv_str predicate,
    struct vv_str released, struct vv_str *out);

#endif
