/*
 * The inside of an upsert, shared by the files upsert*.c: what one attempt knows.
 *
 * An attempt compares the batch with one snapshot (upsert_compare.c), writes the files that the
 * outcome asks for (upsert_rewrite.c), describes itself for the history (upsert_record.c) and is
 * committed or thrown away (upsert.c).
 *
 * Relations of the work (table/work.h), made anew by each attempt, by upsert_compare.c and
 * upsert_rewrite.c:
 *     stored    a row for each stored row with a key of the batch: _file (index into the
 *               candidates), _pos (physical row), _row (of the batch), _o (stored order value),
 *               _same (equal in every column but the order column), _rank (1 = the one with the
 *               greatest order value), _what (a VV_OUTCOME of its batch row)
 *     news      the rows to write, c0..cN, in order of partition and sort columns; not made
 *               where these are simply the batch's
 */
#ifndef VV_TABLE_UPSERT_UPSERT_PLAN_H
#define VV_TABLE_UPSERT_UPSERT_PLAN_H

#include "table/read/candidates.h"
#include "table/edit/marks.h"
#include "table/on_record.h"
#include "table/upsert/upsert.h"
#include "table/write.h"

enum vv_outcome {
    VV_OUTCOME_INSERT = 0,
    VV_OUTCOME_UPDATE = 1,
    VV_OUTCOME_UNCHANGED = 2,
    VV_OUTCOME_STALE = 3
};

struct vv_upsert_attempt {
    struct vv_arena arena; /* dies with the attempt */
    const struct vv_snapshot *snapshot;
    const struct vv_rules *rules;
    const struct vv_key_group *groups;
    size_t groups_len;
    struct vv_candidates candidates;
    bool are_on_record; /* the candidates: their hashes were looked at when they were read */
    bool *consulted;    /* by candidate: it holds a key of the batch */
    int64_t *gone;      /* by candidate: rows that must leave it */
    int64_t counts[4];  /* batch rows by enum vv_outcome */
    int64_t repaired;
    int64_t later;       /* updates whose order value has to be a later one: batch_later.h */
    int64_t ahead;       /* stale rows that are not ahead of the clock, as what is stored is */
    int64_t ahead_until; /* the greatest such order value that is stored */
    bool is_straight;    /* the new rows are not copied before they are written */
    struct vv_str news_sql; /* what stands for them after FROM */
    int64_t rows_copied;    /* written again as they were */
    int64_t bytes_added, bytes_removed;
    int64_t vectors_removed; /* with the files that were written again */
    struct vv_actions actions;
    struct vv_written written;
    struct vv_marks marks;         /* merge-on-read; else empty */
    struct vv_on_record on_record; /* the files that rows leave */
};

/* What stays the same over all attempts of one call. */
struct vv_upsert_call {
    struct vv_table *table;
    struct vv_work *work;
    const struct vv_upsert_options *options;
    struct vv_batch_options judging; /* of the options, has_later from attempt to attempt */
    struct vv_batch batch;
    int64_t started_us;
    struct vv_turn *turn; /* kept from the first lost race to the end */
    bool has_committed;
    int later_rounds; /* in which rows got another order value, since the last attempt */
};

/* Groups, candidates, the table `stored` and the counts. */
varve_status vv_upsert_compare(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt);
/* The news, the new files, and the file actions. Nothing is published yet. */
varve_status vv_upsert_rewrite(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt);
/* Whether stored rows leave their files. */
bool vv_upsert_takes_rows(const struct vv_upsert_attempt *attempt);
/* And the change files, where the table has its feed on. */
varve_status vv_upsert_feed(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt);
/* operationParameters and operationMetrics, as JSON objects in the attempt's arena. */
varve_status vv_upsert_record(struct vv_op *op, const struct vv_upsert_call *call,
    struct vv_upsert_attempt *attempt, struct vv_str *out_parameters,
    struct vv_str *out_metrics);

/* Data files that came and went; a file that was only marked is neither. */
int64_t vv_upsert_files_added(const struct vv_upsert_attempt *attempt);
int64_t vv_upsert_files_removed(const struct vv_upsert_attempt *attempt);

/*
 * Whether a column tells an unchanged row from an update: not the key, which is equal anyway, nor
 * the order column, nor those that only tell when the batch came, or a repeated batch would change
 * every row. `moments`: of vv_batch.
 */
bool vv_upsert_is_compared(const struct vv_upsert_attempt *attempt,
    const enum vv_moment *moments, int32_t column);

/* A value of the current row as a typed one; decimals must have been selected as VARCHAR. */
varve_status vv_upsert_value(struct vv_op *op, struct vv_arena *arena,
    const struct vv_rows *rows, uint32_t column, const struct vv_type *type,
    struct vv_value *out);
/* "min(c3)" with the cast that vv_upsert_value wants. */
void vv_upsert_add_value_sql(struct vv_buf *sql, const char *before, int32_t column,
    const char *after, const struct vv_type *type);

#endif
