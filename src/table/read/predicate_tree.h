/*
 * The inside of a predicate, shared by the files predicate*.c.
 */
#ifndef VV_TABLE_READ_PREDICATE_TREE_H
#define VV_TABLE_READ_PREDICATE_TREE_H

#include "base/json.h"
#include "delta/value.h"
#include "table/read/predicate.h"

/* Outcomes that a row may have. */
#define VV_OUTCOME_TRUE 1u
#define VV_OUTCOME_FALSE 2u
#define VV_OUTCOME_NULL 4u
#define VV_OUTCOME_ANY 7u

enum vv_predicate_kind {
    VV_PREDICATE_ANY,     /* not understood */
    VV_PREDICATE_FIXED,   /* a constant condition; value BOOL or NULL */
    VV_PREDICATE_AND,     /* of the children */
    VV_PREDICATE_OR,      /* likewise */
    VV_PREDICATE_NOT,     /* of the one child */
    VV_PREDICATE_COMPARE, /* column `compare` value */
    VV_PREDICATE_SAME,    /* column IS NOT DISTINCT FROM value */
    VV_PREDICATE_IS_NULL  /* of the column */
};

enum vv_predicate_compare {
    VV_COMPARE_EQ,
    VV_COMPARE_LT,
    VV_COMPARE_LE,
    VV_COMPARE_GT,
    VV_COMPARE_GE
};

struct vv_predicate_node {
    enum vv_predicate_kind kind;
    enum vv_predicate_compare compare;
    int32_t column;        /* of the schema */
    size_t asked;          /* its place in predicate->columns */
    struct vv_value value; /* kind NONE: it could not be worked out */
    struct vv_predicate_node *first, *next;
};

struct vv_predicate {
    const struct vv_snapshot *snapshot;
    const struct vv_rules *rules;
    struct vv_predicate_node *root;
    int32_t *columns; /* whose statistics are asked for */
    size_t columns_len;
};

/* Of a constant's type, as far as it says in which type it is compared. */
enum vv_constant_class {
    VV_CONSTANT_UNKNOWN, /* or one that no order of the column's values answers for */
    VV_CONSTANT_UNTYPED, /* NULL as it stands */
    VV_CONSTANT_TEXT,
    VV_CONSTANT_DOUBLE,
    VV_CONSTANT_SAME, /* a time, as the column has them */
    VV_CONSTANT_OTHER
};

/*
 * The operands of one IN or BETWEEN. The engine compares all of them in one type, which holds them
 * all: s IN ('10', 1) compares numbers, so that nothing is known from '10' alone.
 */
struct vv_predicate_group {
    const struct vv_type *type; /* of its columns; NULL: there was none so far */
    unsigned classes;           /* of its constants, a bit each */
    bool is_turned;             /* the first operand is no column: 5 BETWEEN a AND b */
    bool is_mixed; /* the type may be another than that of a column beside one constant */
};

/* A constant of the condition; `out` is in a node. */
struct vv_predicate_constant {
    const struct vv_json *node;
    const struct vv_type *type; /* of the column that it is compared with; NULL: a condition */
    struct vv_predicate_group *group; /* NULL: it is compared with that column alone */
    enum vv_constant_class class;
    struct vv_value *out;
    struct vv_predicate_constant *next;
};

/* Where the names of an expression are looked up. */
struct vv_predicate_names {
    const struct vv_schema *schema;
    const struct vv_predicate_scope *scope;
};

/* A column of the table, or of one beside it. */
bool vv_predicate_has(const struct vv_predicate_names *names, struct vv_str name);
/* Whether an expression is the same for every row, and at any time of one transaction. */
bool vv_predicate_is_constant(const struct vv_json *node,
    const struct vv_predicate_names *names);
/* Works out all of the list; what can't be is of kind NONE afterwards. */
varve_status vv_predicate_constants(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_params *params, struct vv_predicate_constant *first);

#endif
