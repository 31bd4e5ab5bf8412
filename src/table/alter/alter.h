/*
 * Alter: the rules of a table change, its rows do not. One change is one commit with an operation
 * of Spark's name; a change that is there already makes none.
 *
 * A change that needs a table feature which fewer engines have is refused, with what it would cost,
 * unless `upgrade`. Names of columns are found ignoring case.
 */
#ifndef VV_TABLE_ALTER_ALTER_H
#define VV_TABLE_ALTER_ALTER_H

#include "table/table.h"

enum vv_alter_kind {
    VV_ALTER_ADD_COLUMN,      /* text: "c double", as in a schema */
    VV_ALTER_RENAME_COLUMN,   /* name, text: the new name */
    VV_ALTER_DROP_COLUMN,     /* name */
    VV_ALTER_MOVE_COLUMN,     /* name; text: the column that it is to stand behind, "" first */
    VV_ALTER_WIDEN,           /* name, text: the type */
    VV_ALTER_DROP_NOT_NULL,   /* name */
    VV_ALTER_SET_DEFAULT,     /* name, text: the expression */
    VV_ALTER_DROP_DEFAULT,    /* name */
    VV_ALTER_CLUSTER,         /* name: columns, or "none" */
    VV_ALTER_SET,             /* pairs */
    VV_ALTER_UNSET,           /* pairs: names alone */
    VV_ALTER_ADD_CONSTRAINT,  /* name, text: the expression; all rows have to pass it */
    VV_ALTER_DROP_CONSTRAINT, /* name */
    VV_ALTER_UPGRADE          /* name: a table feature */
};

struct vv_alter_request {
    enum vv_alter_kind kind;
    struct vv_str name, text;
    struct vv_str after; /* ADD_COLUMN: stands behind this column; len 0: at the end */
    struct vv_pairs pairs;
    bool upgrade;
    bool dry_run;
    struct vv_str user_name, user_metadata;
};

struct vv_alter_result {
    int64_t version; /* after */
    bool is_changed;
    char *diff; /* lines for people, by vv_malloc: a commit is not followed by want of memory */
};
void vv_alter_result_done(struct vv_alter_result *result);

/*
 * EUSAGE: no such column, constraint or type, or a change that makes no sense (a key column that
 * may be NULL, a type that is not wider); EINVALID: rows that break a new constraint, share a new
 * key or have NULL in it, or lie under another date than is derived from now on, their number and
 * some of them named; EUNSUPPORTED: see above, or a feature that Varve does not write.
 */
varve_status vv_alter(struct vv_op *op, struct vv_table *table,
    const struct vv_alter_request *request, struct vv_alter_result *out);

#endif
