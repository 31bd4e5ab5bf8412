/*
 * The inside of optimize, shared by the files optimize*.c: what one run knows.
 *
 * optimize_where.c chooses files, optimize_plan.c makes bins of them, optimize_write.c writes a
 * bin, optimize_record.c describes a group of bins for the history, optimize.c commits it.
 */
#ifndef VV_TABLE_MAINTAIN_OPTIMIZE_RUN_H
#define VV_TABLE_MAINTAIN_OPTIMIZE_RUN_H

#include "delta/chain_ahead.h"
#include "delta/commit.h"
#include "table/maintain/optimize.h"
#include "table/maintain/optimize_plan.h"
#include "table/write.h"
#include "table/maintain/zorder.h"

struct vv_optimize_run {
    struct vv_table *table;
    const struct vv_optimize_request *request;
    struct vv_session *session;
    struct vv_snapshot *snapshot; /* that the plan rests on; retained */
    struct vv_rules rules;
    struct vv_optimize_spec spec;
    struct vv_zorder zorder;
    bool is_clustered;   /* zorder is what the table says it is clustered by */
    bool leaves_foreign; /* it is clustered, and nobody asked for another order */
    struct vv_pair tag;  /* of the new files */
    /* Nobody else has committed since the plan: its files need not be looked for again. */
    bool is_alone;
    int64_t own_version;          /* our newest commit, or that of the plan */
    struct vv_chain_ahead *chain; /* begun when it is in nobody's way */
    size_t readers;  /* threads that look into the small files of a bin; at least 1 */
    bool reads_once; /* the engine was told so (vv_engine_read_once) */
};

/* A bin that is written. */
struct vv_optimize_done {
    const struct vv_optimize_bin *bin;
    struct vv_written written; /* keys in the group's arena, once it is written */
    struct vv_file *adds;
    size_t adds_len;
    bool is_lost; /* a file of the bin is gone: its new files are not to be committed */
};

/* spec.files: the snapshot's, in the partitions that request->where is true for. */
varve_status vv_optimize_choose(struct vv_op *op, struct vv_optimize_run *run);

/* Rewrites done->bin in `session`; `done->written.arena` is set. Not published yet. */
varve_status vv_optimize_write(struct vv_op *op, const struct vv_optimize_run *run,
    struct vv_session *session, struct vv_optimize_done *done);

/* operationParameters and operationMetrics of the bins that are not lost, in `arena`. */
varve_status vv_optimize_record(struct vv_op *op, const struct vv_optimize_run *run,
    const struct vv_optimize_done *done, size_t done_len, struct vv_arena *arena,
    struct vv_commit_request *request);

#endif
