/*
 * The inside of a merge, shared by the files merge*.c: clauses as steps, the source as a relation,
 * and what one attempt found.
 *
 * Names in a statement: t is the table, s the source; what is ours begins with `prefix`, which no
 * column of either does. Temporary tables of an attempt:
 *     VV_MERGE_PAIRS  _file, _pos, _row (of the source), _step (that the pair takes; -1: none), and
 *                     where a step needs them c0 .. cN of the table and s0 .. sM of the source: each
 *                     pair for which ON is true
 *     VV_MERGE_ALONE  _file, _pos, _step, c0 .. cN: rows of the table that no row of the source
 *                     matches, and that a step takes
 *     VV_MERGE_FRESH  _row, _step: rows of the source that match none, and that a step takes
 *     VV_MERGE_FILLED _row and those of c0 .. cN that have a default, which here they have where a
 *                     row of the source says nothing; only where `insert *` could tell
 */
#ifndef VV_TABLE_EDIT_MERGE_RUN_H
#define VV_TABLE_EDIT_MERGE_RUN_H

#include "table/alter/evolve.h"
#include "table/edit/dml.h"

#define VV_MERGE_PAIRS "merge_pairs"
#define VV_MERGE_ALONE "merge_alone"
#define VV_MERGE_FRESH "merge_fresh"
#define VV_MERGE_FILLED "merge_filled"

enum vv_merge_action {
    VV_MERGE_UPDATE,
    VV_MERGE_DELETE,
    VV_MERGE_INSERT
};

/* A clause, read. */
struct vv_merge_step {
    enum vv_merge_when when;
    enum vv_merge_action action;
    struct vv_str condition; /* none: always */
    bool is_star;            /* every column that the source brings */
    struct vv_assignment *assignments;
    size_t assignments_len;
};

/* Reads the clauses; what is given out lives as long as the operation. EUSAGE with the clause. */
varve_status vv_merge_read(struct vv_op *op, const struct vv_merge_request *request,
    struct vv_merge_step **out);

struct vv_merge_source {
    struct vv_batch_source *loaded; /* read by the first attempt */
    struct vv_batch batch;
    struct vv_schema schema;   /* the table's columns, then those that it lacks; all nullable */
    bool *is_brought;          /* by column: an input has it */
    struct vv_additions added; /* those that it lacks */
    bool is_open;              /* others may be spoken of, and are NULL: lines of NDJSON vary */
    struct vv_str prefix;
    struct vv_str sql;        /* "(SELECT ...)": <prefix>row and the columns by their names */
    struct vv_str filled_sql; /* the same for `insert *`: with defaults */
};

struct vv_merge {
    const struct vv_merge_request *request;
    const struct vv_edit_options *options;
    struct vv_evolution evolution; /* of a dry run: supposed until its end */
    struct vv_rules *supposed_rules;
    bool has_told_empty;         /* columns that are not added, since they hold no value */
    struct vv_merge_step *steps; /* one for each clause */
    struct vv_merge_source source;
    struct vv_predicate *predicate; /* of the files to read; of the attempt's snapshot */
    int64_t *counts;                /* of rows, by step */
};

/* Reads the inputs where they were not read yet; `merge` is a vv_merge. */
varve_status vv_merge_load_inputs(struct vv_op *op, struct vv_edit *edit, void *merge);
/* Makes rows of what was read, by the attempt's schema. */
varve_status vv_merge_load(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge);
/* EUSAGE: ON or a clause can't be computed, or names a column that is not there. */
varve_status vv_merge_check(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_merge *merge);
/* edit->files: those that can hold a row of which a clause may take notice; by merge->predicate. */
varve_status vv_merge_choose(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge);
/*
 * The three tables, VV_EDIT_GONE and the counts. EINVALID: several rows of the source would change
 * one row of the table, and it is not that all of them delete it.
 */
varve_status vv_merge_match(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge);
/* edit->news: what the steps make of the rows. */
varve_status vv_merge_make_news(struct vv_op *op, struct vv_edit *edit,
    const struct vv_merge *merge);
/*
 * merge_evolve.c: the columns of the source that clauses would set and that the table lacks are
 * supposed to be there; *out false: none is. The edit stands on the supposed table then.
 */
varve_status vv_merge_suppose(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge,
    bool *out);
/* Commits them, before that of the rows, which have been judged by then. */
varve_status vv_merge_evolve(struct vv_op *op, struct vv_edit *edit, struct vv_merge *merge);
varve_status vv_merge_record(struct vv_op *op, struct vv_edit *edit, const void *data,
    struct vv_commit_request *out);

/* Whether there is a clause of this kind. */
bool vv_merge_has(const struct vv_merge *merge, enum vv_merge_when when);
/* Rows that clauses of this kind gave to this action. */
int64_t vv_merge_count(const struct vv_merge *merge, enum vv_merge_when when,
    enum vv_merge_action action);
/* Whether statements may speak of a column of the source. */
bool vv_merge_knows(const struct vv_merge_source *source, size_t column);

#endif
