/*
 * Rows in memory that SQL reads by name: `vv_rows(7)`.
 *
 * Of the few hundred rows of a small batch a temporary table costs more than all work on them: it
 * is made in the catalogue, and afterwards no statement that was prepared before is good any more.
 * A rowset keeps its name whatever rows are put into it, so that a statement over it is prepared
 * once (vv_query.is_kept) and run again and again.
 *
 * The rows are not counted against the engine's memory limit and are never spilled: what may grow
 * belongs in a table. A rowset belongs to a session, and is to be closed before it; statements of
 * other sessions of the engine may read it while it does not change.
 */
#ifndef VV_ENGINE_ROWSET_H
#define VV_ENGINE_ROWSET_H

#include "base/buf.h"
#include "engine/engine.h"

struct vv_rowset;

varve_status vv_rowset_open(struct vv_op *op, struct vv_session *session,
    struct vv_rowset **out);
void vv_rowset_close(struct vv_rowset **rowset); /* accepts a pointer to NULL */

/* What stands for the rows after FROM; lives as long as the rowset. */
struct vv_str vv_rowset_sql(const struct vv_rowset *rowset);
int64_t vv_rowset_rows(const struct vv_rowset *rowset);
/* About what the rows take in memory; what lies in nested columns is not counted. */
int64_t vv_rowset_bytes(const struct vv_rowset *rowset);

/* Puts the rows of a query in the place of those that are there. On failure there are none. */
varve_status vv_rowset_fill(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_query *query);
/*
 * The same of rows that may be many: they come while they are read, and only one copy of them is
 * made. *out_fits false: they take more than about so many bytes, and none are there.
 */
varve_status vv_rowset_fill_many(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_query *query, int64_t bytes_max, bool *out_fits);
/*
 * The same of the rows of several queries, at most VV_CREW_MAX, one after the other: each is run by
 * a thread and in a session of its own, so that they may name nothing that belongs to this one's.
 * *out_fits is false as well where the rows of one query take more than its share.
 */
varve_status vv_rowset_fill_parts(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_query *queries, size_t len, int64_t bytes_max, bool *out_fits);
/*
 * Lets it stand for so many rows of another one from `first` on, in the place of those that are
 * there; nothing is copied. The other may be of another session of the engine; it must neither
 * change nor be closed before this one is cleared or gets other rows. Such rows are read by SQL
 * alone.
 */
varve_status vv_rowset_show(struct vv_op *op, struct vv_rowset *rowset,
    const struct vv_rowset *from, int64_t first, int64_t rows);
/* Gives the memory of the rows back. Names and types of the columns stay. */
void vv_rowset_clear(struct vv_rowset *rowset);

/* Counts up when the names or types of its columns change: what was learned of them is void. */
uint64_t vv_rowset_shapes(const struct vv_rowset *rowset);
/* Columns; there are none before the first rows. The texts live until rows come anew. */
uint32_t vv_rowset_columns(const struct vv_rowset *rowset);
struct vv_str vv_rowset_name(const struct vv_rowset *rowset, uint32_t column);

/*
 * Of a BOOLEAN column without NULLs, of rows that vv_cell_appender has put there: all values, and
 * that of one row by its index. Nobody may read them meanwhile.
 */
void vv_rowset_fill_bool(struct vv_rowset *rowset, uint32_t column, bool value);
void vv_rowset_put_bool(struct vv_rowset *rowset, uint32_t column, int64_t row, bool value);

/* Some of the columns of a rowset. */
struct vv_rowset_part {
    const uint32_t *columns;
    size_t len;
};
/* How rows lie, one after the other, by a key and by other columns that part them. */
struct vv_rowset_order {
    bool is_known; /* false: a column is of a type that only the engine compares, or NULL */
    bool ascends;  /* each row has a greater key than the one before it, as the engine has it */
    bool is_numbered; /* the first column, a BIGINT, counts them from 1 */
    int64_t runs;     /* of rows that are equal in the columns that part them */
    int64_t run_max;  /* rows of the longest */
};
varve_status vv_rowset_order(struct vv_op *op, const struct vv_rowset *rowset,
    const struct vv_rowset_part *key, const struct vv_rowset_part *parts,
    struct vv_rowset_order *out);

/*
 * A number beside the rows, which a statement over them, or over others, reads as a BIGINT. It is
 * how a kept statement is told what is another from run to run: one that has parameters is planned
 * anew by each run, prepared or not.
 */
void vv_rowset_set_number(struct vv_rowset *rowset, int64_t number);
/* What stands for the number; the same as long as the rowset lives. */
void vv_rowset_number_sql(const struct vv_rowset *rowset, struct vv_buf *sql);

/* Reads the rows one by one, in their order. They must not change meanwhile. */
varve_status vv_rowset_read(struct vv_op *op, const struct vv_rowset *rowset,
    struct vv_rows **out);

/*
 * The first columns of its rows, by other names, as a stream of record batches: without a statement,
 * which takes longer to plan than a few hundred rows to copy. They are copied, so that the stream
 * outlives the rowset and its session.
 */
varve_status vv_rowset_stream(struct vv_op *op, const struct vv_rowset *rowset,
    const struct vv_str *names, uint32_t columns_len, struct ArrowArrayStream *out);

#endif
