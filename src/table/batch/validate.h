/*
 * The statements that make rows of a table from one input: convert, fill, validate. They decide
 * nothing that a row does not say; the caller counts and throws out.
 *
 * A statement is built of levels, each a SELECT from the one within:
 *     1 convert   each column of the schema from the input's, or NULL
 *     2 fill      what was lost on the way; the order column and partition columns filled in; then
 *                 generated columns, of those
 *     3 name      the columns by their names, for the expressions of CHECK constraints
 *     4 judge     one boolean a rule: TRUE where the row breaks it
 * The names of the statement's own columns begin with a prefix that no column of the table has.
 */
#ifndef VV_TABLE_BATCH_VALIDATE_H
#define VV_TABLE_BATCH_VALIDATE_H

#include "table/input/batch_input.h"
#include "table/input/convert.h"

enum vv_breach_kind {
    VV_BREACH_FAULT,     /* NDJSON: a member that is unknown, there twice, or misshapen */
    VV_BREACH_TYPE,      /* does not convert to the column's type */
    VV_BREACH_GAP,       /* a time that the zone of the batch leaves out */
    VV_BREACH_FINER,     /* digits below a microsecond */
    VV_BREACH_RANGE,     /* not in the years 0001 to 9999 */
    VV_BREACH_LATER,     /* no order value follows the stored one (batch_later.h) */
    VV_BREACH_NULL,      /* NULL in a column that is NOT NULL, or in the key */
    VV_BREACH_NULL_PART, /* NULL within a nested value where none may be */
    VV_BREACH_PARTITION, /* not the UTC date of its source */
    VV_BREACH_GENERATED, /* not what the column is generated as */
    VV_BREACH_CHECK      /* a CHECK constraint or an invariant is not TRUE */
};

/* One rule that rows of the input may break. */
struct vv_breach {
    enum vv_breach_kind kind;
    int32_t column;          /* of the schema; -1: several, or none of it */
    size_t item;             /* index in rules.partition_from or rules.checks */
    struct vv_str condition; /* SQL over level 3: TRUE where it is broken */
};

/* The default of a column, as SQL: with the clock as a number, and as clock_sql. */
struct vv_plan_default {
    struct vv_str sql, sql_kept; /* ptr NULL: there is none, or something else fills it in */
};

struct vv_plan {
    const struct vv_batch_input *input;
    const struct vv_schema *schema;
    const struct vv_rules *rules;
    const struct vv_batch_options *options;
    bool keeps_order; /* nothing fills the order column in */
    bool is_made; /* the rows come of a statement: options for what comes in change nothing */
    int64_t now_us;
    /* What rows_sql has for it, a BIGINT, so that its text comes again; none: the number. */
    struct vv_str clock_sql;
    struct vv_str prefix;
    const int32_t *from; /* by column of the schema: column of the input, -1 where absent */
    bool has_arrival;    /* the order column is filled in by when a row came */
    bool keeps_arrival;  /* that, or a warn-level rule asks for it */
    struct vv_plan_default *defaults; /* by column; NULL: no column has one */
    struct vv_conversion *conversions;
    bool *has_loss, *has_finer, *has_gap;
    bool counts_twice; /* times are in a zone: rows_sql has _twice */
    struct vv_breach *breaches;
    size_t breaches_len;
    int64_t rows_before; /* in the inputs before this one */
};

/*
 * Fills a plan whose fields down to now_us are set; it lives in op's arena. EINVALID: a column
 * that the table does not have, a key column that is absent, a type that never converts.
 */
varve_status vv_plan_make(struct vv_op *op, struct vv_plan *plan);

/* A SELECT of _row, _own, c0 .. cN, where asked for _mN, _twice and _warned, and _bad for all rows. */
void vv_plan_rows_sql(const struct vv_plan *plan, struct vv_buf *sql);
/*
 * A SELECT of the rules that rows break, one row a breach: _row (over all inputs), _breach (index
 * in plan.breaches), and as text "column" (several: parted by ", "), value and rule. `which` is
 * what SQL says of the row's number: "IN (1, 2)".
 */
void vv_plan_breaches_sql(const struct vv_plan *plan, struct vv_str which, struct vv_buf *sql);

/*
 * A SELECT of what the input has in the rows that `which` names: _row, then for each column of the
 * schema that the input has its text, or of a nested column its JSON, but of NDJSON the order value
 * alone that the row does not bring (its line has the rest): when it came, or one behind the stored
 * one; then of an input with faults the name, the value and the rule of the fault. In the order of the
 * rows.
 */
varve_status vv_plan_texts_sql(struct vv_op *op, const struct vv_plan *plan,
    struct vv_str which, struct vv_buf *sql);

/* What the input says in a column that it has: "" of CSV is a text, and NULL to other types. */
void vv_plan_given_sql(const struct vv_plan *plan, size_t column, struct vv_buf *sql);
/*
 * Whether a value of the column may be but the time at which its row came: a default, or what is
 * generated of one or of the order value. Of an upsert alone, which has to tell a repeated row.
 */
bool vv_plan_is_momentary(const struct vv_plan *plan, size_t column);
/* Whether that is since it is generated of the column `from`. */
bool vv_plan_is_of_moment(const struct vv_plan *plan, size_t column, size_t from);
/* Whether "" is NULL in the column, since a partition column cannot hold it. */
bool vv_plan_empties(const struct vv_plan *plan, size_t column);
/* Whether the column is among those that vv_plan_texts_sql selects. */
bool vv_plan_has_text(const struct vv_plan *plan, size_t column);

/* For the files validate*.c. Whether a check names the column: true, too, where memory is out. */
bool vv_plan_named(const struct vv_check *checks, size_t len, struct vv_str name);
/* The levels in parentheses, with level 4 or without. */
/* A time in microseconds, an SQL expression, as a value of the order column. */
void vv_plan_clock_sql(const struct vv_plan *plan, struct vv_str us, struct vv_buf *sql);
void vv_plan_levels_sql(const struct vv_plan *plan, bool with_conditions, struct vv_buf *sql);
/*
 * With has_later: a join, which the number of a row is to follow; and of a row with a stored value
 * that the clock is not ahead of, the one behind that. NULL: it is no such row, or the type has none.
 */
void vv_plan_later_join_sql(const struct vv_plan *plan, struct vv_buf *sql);
void vv_plan_later_sql(const struct vv_plan *plan, struct vv_buf *sql);

#endif
