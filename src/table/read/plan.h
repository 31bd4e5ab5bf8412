/*
 * What a read comes to: for each table that it reads, which of its files, and how the engine goes
 * about it.
 */
#ifndef VV_TABLE_READ_PLAN_H
#define VV_TABLE_READ_PLAN_H

#include "table/read/prune.h"
#include "varve/arrow.h"

/* One table that is read; a table that is read twice is there twice. */
struct vv_table_plan {
    struct vv_str table;
    struct vv_str alias; /* ptr NULL or "": none */
    int64_t version;
    size_t files, by_partition, by_statistics, files_read;
    int64_t bytes, bytes_read;
};

void vv_table_plan_fill(struct vv_table_plan *plan, const struct vv_snapshot *snapshot,
    const struct vv_pruned *pruned);

/*
 * The rows of explain.h: table, alias, version, files, pruned_by_partition, pruned_by_statistics,
 * files_read, bytes, bytes_read.
 */
varve_status vv_table_plan_stream(struct vv_op *op, struct vv_engine *engine,
    const struct vv_table_plan *plans, size_t len, struct ArrowArrayStream *out);
/* A line each, for people. */
void vv_table_plan_text(const struct vv_table_plan *plans, size_t len, struct vv_buf *out);

/*
 * The text that the engine gives for an EXPLAIN, which `query` is. In the operation's arena.
 * *out_key (may be NULL): what it calls it, "physical_plan" or "analyzed_plan".
 */
varve_status vv_engine_plan(struct vv_op *op, struct vv_session *session,
    const struct vv_query *query, struct vv_str *out_key, struct vv_str *out);

#endif
