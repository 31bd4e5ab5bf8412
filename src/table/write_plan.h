/*
 * The files that a change of rows leaves behind, partition by partition; upserts and edits alike.
 *
 * Copy-on-write: a file that loses rows is written again without them, and the rows that come go
 * with the rewritten ones of their partition, so that it gains no file that it need not have.
 * Files are merged up to the table's target size, and rows that come are split at it
 * (write_files.h). Merge-on-read adds no file here to be rewritten, only rows.
 */
#ifndef VV_TABLE_WRITE_PLAN_H
#define VV_TABLE_WRITE_PLAN_H

#include "base/map.h"
#include "table/partition.h"
#include "table/write_files.h"

/* One partition that is written to. */
struct vv_write_target {
    const struct vv_value *partition;
    int64_t news; /* rows that come */
    /* Where they lie one after the other: in these, from `first` on. */
    const struct vv_rowset *run; /* NULL: it is not known that they do */
    int64_t first;
    bool is_run_in_order;         /* and as they are to */
    const struct vv_file **files; /* to be rewritten */
    int64_t *indexes;             /* what `gone` calls them */
    size_t files_len, files_capacity;
};

struct vv_write_plan {
    /* Given: */
    struct vv_table *table;
    struct vv_session *session;
    struct vv_arena *arena;
    const struct vv_snapshot *snapshot;
    const struct vv_rules *rules;
    struct vv_str gone; /* "t AS g WHERE ...": rows that leave their file, g._file and g._pos */
    struct vv_str news; /* what stands for the rows that come after FROM; c0..cN */
    const char *news_tie;   /* their order where the table's says nothing: "_row"; "": none */
    bool is_news_in_order;  /* they lie in the table's order already */
    bool is_news_shared;    /* other sessions can read them too; also where there are none */
    int64_t target_bytes;   /* of a file */
    struct vv_rowset *part; /* of the session (writers.h), with a draft; NULL: none is wanted */
    struct vv_write_draft *draft;
    /* Made: */
    struct vv_write_target **items;
    size_t len, capacity;
    struct vv_map by_partition; /* VV_MAP_INIT(arena) */
    int64_t files_added, bytes_added;
    int64_t rows_copied; /* written again as they were */
};

/* The target of a partition, whose values are copied. */
varve_status vv_write_plan_target(struct vv_op *op, struct vv_write_plan *plan,
    const struct vv_value *partition, struct vv_write_target **out);
varve_status vv_write_plan_add_file(struct vv_op *op, struct vv_write_plan *plan,
    const struct vv_file *file, int64_t index);
/* How many of `news` each partition gets. */
varve_status vv_write_plan_count_news(struct vv_op *op, struct vv_write_plan *plan);
/*
 * Writes the files, by several threads where that pays, and adds them to `actions`, always in the
 * same order. Nothing is published yet.
 */
varve_status vv_write_plan_run(struct vv_op *op, struct vv_write_plan *plan,
    struct vv_written *written, struct vv_actions *actions);

#endif
