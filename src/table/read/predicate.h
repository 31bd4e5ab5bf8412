/*
 * A condition of a user's over the columns of a table, and what it comes to for whole files. A
 * plan: reads no data file.
 *
 * For a file the statistics and partition values give, for each comparison of a column with a
 * constant, the outcomes (true, false, NULL) that rows may have; AND, OR and NOT put them
 * together. What is not understood may have any outcome. So NONE and ALL are proven, and SOME
 * means that the file has to be read.
 *
 * Statistics of other writers are believed where they say NONE, since readers skip by them too;
 * for ALL, by which a file may be removed unread, only partition values and Varve's own are.
 */
#ifndef VV_TABLE_READ_PREDICATE_H
#define VV_TABLE_READ_PREDICATE_H

#include "base/json.h"
#include "engine/engine.h"
#include "table/rules.h"

struct vv_predicate;

/* What the names in a condition mean. */
struct vv_predicate_scope {
    struct vv_str alias;                   /* of the table: "alias.column" */
    bool is_bare;                          /* its columns may stand without it ... */
    const struct vv_schema *const *others; /* ... unless one of these has the name too */
    size_t others_len;
    bool has_words;                     /* current_date is the date, not somebody's column */
    const struct vv_sql_params *params; /* values of $name; NULL: none is known */
};

/* Conditions that hold together. */
struct vv_predicate_part {
    const struct vv_json *node; /* of a parse tree */
    const struct vv_predicate_part *next;
};

enum vv_match {
    VV_MATCH_NONE, /* the condition is true for no row of the file */
    VV_MATCH_SOME, /* nobody knows */
    VV_MATCH_ALL   /* it is true for each */
};

/*
 * Reads a condition; it lives as long as the operation, snapshot and rules. Its constants are
 * worked out in the session: now() is that of its transaction. `what` names it in messages.
 * EUSAGE as vv_sql_read_condition; whether it can be computed for a row is not asked.
 */
varve_status vv_predicate_read(struct vv_op *op, struct vv_session *session,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules, const char *what,
    struct vv_str condition, struct vv_predicate **out);

/* The same for parts of a statement that was read before: what is not understood is not refused. */
varve_status vv_predicate_of_parts(struct vv_op *op, struct vv_session *session,
    const struct vv_snapshot *snapshot, const struct vv_rules *rules,
    const struct vv_predicate_scope *scope, const struct vv_predicate_part *parts,
    struct vv_predicate **out);
varve_status vv_predicate_match(struct vv_op *op, const struct vv_predicate *predicate,
    const struct vv_file *file, enum vv_match *out);
/* current_date and the like, written without brackets: the parse tree takes them for columns. */
bool vv_predicate_is_word(struct vv_str name);
/* From partition values alone; NONE or SOME. */
varve_status vv_predicate_match_partition(struct vv_op *op,
    const struct vv_predicate *predicate, const struct vv_file *file, enum vv_match *out);

#endif
