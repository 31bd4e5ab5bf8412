/*
 * What one statement of a user's is, reads and asks for, from DuckDB's own parse tree: nothing is
 * bound or run, so tables need not exist yet.
 *
 * A statement may read tables, functions that the lake has over its tables, and a few that make rows
 * out of their arguments. Functions
 * that read files, settings or the network, or that run SQL of their own, are refused here by name:
 * what is not known to be harmless is not there.
 */
#ifndef VV_ENGINE_SQL_TREE_H
#define VV_ENGINE_SQL_TREE_H

#include "base/json.h"
#include "engine/engine.h"

enum vv_statement_kind {
    VV_STATEMENT_SELECT,  /* VALUES, FROM, DESCRIBE and SUMMARIZE too */
    VV_STATEMENT_EXPLAIN, /* of a SELECT, with ANALYZE or without */
    VV_STATEMENT_SET      /* of a setting of the lake's (lake/query_set.c), never read here */
};

/* A place where the statement reads a table; names that WITH gives are none. */
struct vv_sql_table {
    const struct vv_json *node;
    struct vv_str catalog, schema, name; /* "" where the statement says none */
    struct vv_str alias;                 /* likewise */
    struct vv_str at_unit;               /* "VERSION", "TIMESTAMP"; ptr NULL: no AT */
    const struct vv_json *at;            /* the expression behind it */
    /*
     * Where it is a function over a table, "table_changes" and the like, which the lake has: what
     * stands in its brackets; else NULL.
     */
    const struct vv_json *arguments;
    bool is_described; /* DESCRIBE asks for its columns, and reads no row */
};

struct vv_sql_statement {
    enum vv_statement_kind kind;
    struct vv_str text;   /* as it was written */
    size_t select_offset; /* where in it the SELECT of an EXPLAIN begins; else 0 */
    const struct vv_json *root;
    struct vv_sql_table *tables;
    size_t tables_len;
    struct vv_str *params; /* names, each once */
    size_t params_len;
};

/*
 * Reads one statement; what is given out lives as long as the operation, and the text must.
 * EUSAGE: a syntax error, not one statement, neither SELECT nor EXPLAIN, or a function that is not
 * there for SQL.
 */
varve_status vv_sql_read(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_sql_statement *out);
/*
 * Adds to the recorded error where in the statement a node of its tree stands, in the form of
 * DuckDB's own errors: the line, and a mark below it. Nothing where the tree does not say, or the
 * error has such lines.
 */
void vv_sql_point(struct vv_op *op, const struct vv_sql_statement *statement,
    const struct vv_json *node);
/*
 * The failure of a statement that a user's expression was put into, told of the expression alone:
 * our statement around it is none of theirs. One of len 0: nobody knows which it is. Other codes than EUSAGE stay as they are.
 */
varve_status vv_sql_blame(struct vv_op *op, const char *what, struct vv_str expression);
/*
 * The same for one expression over the columns of a table: it reads no other table. `what` names
 * it in messages. The statement is "SELECT 1 WHERE (expression)".
 */
varve_status vv_sql_read_condition(struct vv_op *op, struct vv_session *session,
    const char *what, struct vv_str expression, struct vv_sql_statement *out);

/*
 * The text with other tables in it: `views[i]` stands for tables[i], its AT or what a function has
 * in brackets left out; ptr NULL: as it is. Views are temporary ones of the session. The rest of the
 * text is as it was written, but that each `?` and `$1` has a name (VV_SQL_NUMBERED), where
 * something was replaced.
 */
varve_status vv_sql_replace_tables(struct vv_op *op, struct vv_session *session,
    const struct vv_sql_statement *statement, const struct vv_str *views,
    struct vv_str *out_sql);

/*
 * A statement, or a condition over the columns of a table, as it was written but where the engine
 * would lose rows: IS [NOT] DISTINCT FROM beside OR. It means the same, and NULL is found by it; the
 * columns of the answer are called as before, by vv_sql_column_name. EUSAGE as above, and where no name
 * says what is compared.
 */
varve_status vv_sql_keep_nulls(struct vv_op *op, struct vv_session *session, struct vv_str sql,
    struct vv_str *out_sql);
varve_status vv_sql_keep_nulls_of(struct vv_op *op, struct vv_session *session,
    struct vv_str condition, struct vv_str *out);

/*
 * An expression of the tree as SQL, parameters replaced by their texts. EUSAGE for a parameter
 * without a value.
 */
varve_status vv_sql_expression(struct vv_op *op, struct vv_session *session,
    const struct vv_json *node, const struct vv_sql_params *params, struct vv_str *out_sql);
/*
 * What DuckDB calls the column of an expression that has no name of its own; but a cast's type (DATE,
 * "DATE") and a lambda (x -> 1, lambda x: 1) it may write in the other of its two ways.
 */
varve_status vv_sql_column_name(struct vv_op *op, struct vv_session *session,
    const struct vv_json *node, struct vv_str *out);

#endif
