/*
 * The inside of adopt, shared by the files adopt*.c. adopt_draft.c says what the table is to
 * become, adopt_find.c what stands against it, adopt_time.c what naive times are, adopt.c commits.
 *
 * Temporary tables of an attempt:
 *     VV_ADOPT_FOUND  rows whose key others have too, and rows under a wrong date: _file, _pos, _rank
 *                     (1: the one that stays), _copies, _moved, and c0 .. cN as they are to be
 */
#ifndef VV_TABLE_ADOPT_ADOPT_RUN_H
#define VV_TABLE_ADOPT_ADOPT_RUN_H

#include "table/adopt/adopt.h"
#include "table/alter/draft.h"

#define VV_ADOPT_FOUND "adopt_found"

struct vv_adopt {
    struct vv_table *table;
    const struct vv_adopt_request *request;
    struct vv_draft draft;        /* of the attempt */
    struct vv_snapshot *supposed; /* with what the draft says; owned */
    struct vv_rules rules;        /* of that */
    bool *is_naive;               /* by column: times without a zone, that get one */
    bool has_naive;
    struct vv_buf report;
    struct vv_adopt_result result;
};

/* Fills draft, is_naive, supposed and rules. EUSAGE: what the request names is not there. */
varve_status vv_adopt_draft(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt *adopt);
/* partitionFrom, once no row is under another date; the draft and what comes of it anew. */
varve_status vv_adopt_derive(struct vv_op *op, struct vv_adopt *adopt);
/* The pair that partitionFrom would say; false: there is none. */
bool vv_adopt_pair(const struct vv_adopt *adopt, struct vv_partition_from *out);

/* VV_ADOPT_FOUND, the figures of the result and the lines of the report. EINVALID as in adopt.h. */
varve_status vv_adopt_find(struct vv_op *op, const struct vv_edit *edit,
    struct vv_adopt *adopt);
/* "SELECT _file, _pos, c0, .. cN FROM ...": the rows of edit->files with times that have a zone. */
varve_status vv_adopt_rows_sql(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_adopt *adopt, struct vv_buf *sql);

/* Whether every value of a column of texts is a time. */
varve_status vv_adopt_is_time(struct vv_op *op, const struct vv_edit *edit, int32_t column,
    bool *out);
/* Of s.cN: its time without a zone (NULL: it has one), and its instant. */
void vv_adopt_naive_sql(const struct vv_edit *edit, int32_t column, struct vv_buf *sql);
void vv_adopt_instant_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql);
/* Of s.cN: whether it is a text with digits below a microsecond, which its instant lacks. */
void vv_adopt_finer_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql);
/* Of s.cN: whether the zone leaves its hour out, or has it twice. */
void vv_adopt_gap_sql(const struct vv_edit *edit, const struct vv_adopt *adopt, int32_t column,
    struct vv_buf *sql);
void vv_adopt_twice_sql(const struct vv_edit *edit, const struct vv_adopt *adopt,
    int32_t column, struct vv_buf *sql);

#endif
