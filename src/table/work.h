/*
 * Where an upsert works: a session of the engine, and the relations that its steps leave for each
 * other.
 *
 * Few rows stay in memory (engine/rowset.h), many go to temporary tables. An open table keeps its
 * work from one small batch to the next, and with it the statements that stay prepared; that is
 * most of what a small batch costs. What a large one leaves behind is given back with the session.
 */
#ifndef VV_TABLE_WORK_H
#define VV_TABLE_WORK_H

#include "engine/rowset.h"
#include "table/read/known_bounds.h"
#include "table/write_draft.h"

/* Up to here rows stay in memory, and to plan well would take longer than to work on them. */
#define VV_WORK_ROWS_MAX 20000

#define VV_WORK_NAME_BYTES 48

/*
 * Rows by a name of their own. Where they follow from rows in memory by a SELECT that costs less
 * than to keep what it yields, that SELECT in brackets is their name.
 */
struct vv_relation {
    struct vv_str table;      /* where they are many: "temp.batch" */
    bool is_shared;           /* that table is no temporary one: other sessions can read it */
    struct vv_rowset *rowset; /* where they are few; NULL: never */
    struct vv_str sql;        /* what stands for them after FROM; none: nothing was made */
    bool in_memory;           /* they are the rowset */
    bool is_view;             /* they are that SELECT */
};

/* Columns of an input that brings its types, by index. */
struct vv_work_columns {
    uint64_t shapes; /* of the rowset that they were read from; 0: of none */
    struct vv_str *names, *sql, *types;
    size_t len;
    struct vv_str arrival_sql; /* as in vv_batch_input */
    bool has_faults;           /* likewise */
};

struct vv_work {
    struct vv_engine *engine; /* of the session */
    struct vv_session *session;
    bool is_small;           /* this batch: few rows of one input */
    bool is_single;          /* it has one input, which may have `input` for itself */
    bool has_tables;         /* there are temporary tables: not to be kept */
    bool has_shared;         /* a shared table as well */
    int64_t many_bytes_max;  /* of a batch of many rows in memory; 0: they are in a table */
    struct vv_rowset *input; /* rows of that input */
    struct vv_work_columns columns; /* of `input` */
    struct vv_arena arena;          /* of `columns` */
    struct vv_relation batch;       /* table/batch/batch.h; shared */
    struct vv_relation batch_kept;  /* its rows that stay, where some are left out */
    struct vv_rowset *part;         /* with the next: for the files of news (table/writers.h) */
    struct vv_write_draft draft;
    struct vv_rowset *near;       /* rows of small files that may have keys of the batch */
    struct vv_known_bounds known; /* of files that were asked for keys; stays with the work */
    struct vv_relation stored, news; /* table/upsert/upsert_plan.h; the news are shared */
    struct vv_relation pairs;        /* what `stored` was at first, where it is made twice */
    /* Names of this work alone, since others see them. */
    char batch_table[VV_WORK_NAME_BYTES], news_table[VV_WORK_NAME_BYTES];
};

varve_status vv_work_open(struct vv_op *op, struct vv_engine *engine, struct vv_work **out);
void vv_work_close(struct vv_work **work); /* accepts a pointer to NULL */
/* After a batch: the memory of its rows goes. False: the work is of no further use. */
bool vv_work_clear(struct vv_work *work);

/*
 * Makes a relation of the rows of a query, in place of what was there: in memory where the batch
 * is small. (query->is_kept and its parameters count there alone.)
 */
varve_status vv_work_make(struct vv_op *op, struct vv_work *work, struct vv_relation *relation,
    const struct vv_query *query, int64_t *out_rows);
/*
 * The same of many rows: in memory where they take no more than work->many_bytes_max. With several
 * `parts` they are made by as many threads: queries that give the same rows one after the other, and
 * name nothing that belongs to the session.
 */
varve_status vv_work_make_many(struct vv_op *op, struct vv_work *work,
    struct vv_relation *relation, const struct vv_query *query, const struct vv_query *parts,
    size_t parts_len, int64_t *out_rows);
/* Rows in memory go to the table of the relation. */
varve_status vv_work_spill(struct vv_op *op, struct vv_work *work,
    struct vv_relation *relation);

#endif
