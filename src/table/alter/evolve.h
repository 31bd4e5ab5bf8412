/*
 * Columns that an input has and the table lacks: found, supposed, and added by a commit of their
 * own before that of the rows ("ADD COLUMNS"). They come nullable, at the end; no type of a column
 * that is there ever changes.
 *
 * Between the two steps the table's snapshot is a supposed one, in which the columns are there, so
 * that the rows are judged before anything is committed: a batch that is rejected adds no column,
 * and a dry run goes on without a commit. Whoever adds columns at the same time is seen by the
 * commit, and what is still missing is found anew.
 */
#ifndef VV_TABLE_ALTER_EVOLVE_H
#define VV_TABLE_ALTER_EVOLVE_H

#include "table/input/batch_input.h"
#include "table/input/guess.h"
#include "table/upsert/upsert.h"

/* A column to add. */
struct vv_addition {
    struct vv_field field;
    bool is_typed; /* by the input; else by its guess */
    bool is_nan;   /* NDJSON has NaN for it, and no value: a missing one of whatever type */
    struct vv_guess guess;
    bool has_bytes; /* of a program's rows, which are arrays of NDJSON */
};

struct vv_additions {
    struct vv_addition *items;
    size_t len, capacity;
};

/* What the inputs of a batch lack a column for, and how they are looked at. */
struct vv_addition_search {
    struct vv_session *session;
    const struct vv_table *table;
    struct vv_batch_input *inputs;
    size_t inputs_len;
    bool truncate_time;
    /* A column without a value stays, as a text; also one that NDJSON has but null and NaN for. */
    bool keeps_empty;
    bool tells_null; /* such names of NDJSON are told */
};

/*
 * evolve_find.c: types of Parquet and Arrow as they are, of text as guess.h tells. A column without
 * a value has no type: it is taken out of the input, unless `keeps_empty`. EINVALID: two inputs do not agree, or a name
 * that no column may have; EUNSUPPORTED: a type that has no place, arrays and objects of NDJSON.
 * The result lives in the operation.
 */
varve_status vv_additions_find(struct vv_op *op, const struct vv_addition_search *search,
    struct vv_additions *out);

/* A warning: the column has no value, and so no type; is_nan: but NaN. */
void vv_addition_tell_empty(struct vv_op *op, struct vv_str name, bool is_nan);

struct vv_evolution {
    struct vv_table *table;
    struct vv_snapshot *real; /* the table's own, while another is supposed; else NULL */
    struct vv_additions added;
    int64_t columns;  /* committed, in a dry run supposed */
    bool is_searched; /* at least once */
};

/*
 * Supposes the columns that are missing: `evolution->real` is NULL where none is.
 */
varve_status vv_evolution_suppose(struct vv_op *op, struct vv_evolution *evolution,
    const struct vv_addition_search *search);
/* The same of columns that are found already: evolution->added. */
varve_status vv_evolution_suppose_added(struct vv_op *op, struct vv_evolution *evolution);
/*
 * Commits what is supposed; the table's snapshot is a real one again, the latest. Where somebody
 * changed the table's metaData meanwhile nothing is committed: suppose again.
 */
varve_status vv_evolution_commit(struct vv_op *op, struct vv_evolution *evolution,
    const struct vv_upsert_options *options);
/* In a dry run, once the rows were judged: what is supposed is told. */
void vv_evolution_tell(struct vv_op *op, const struct vv_evolution *evolution);
/* The table has its own snapshot again. */
void vv_evolution_done(struct vv_evolution *evolution);

#endif
