/*
 * The inside of a query, shared by the files query*.c: its statements, and the tables that they
 * read, each fixed at one version.
 *
 * query.c reads the statements and runs them, query_place.c finds the tables and makes the views
 * that stand for them, query_function.c those for functions over a table, query_known.c finds the
 * rows that were known at a time, query_set.c changes what the statements behind it are asked for,
 * query_between.c what it can't find,
 * query_where.c finds what has to be true of a table's rows, query_guard.c keeps NULL from ASOF joins,
 * query_step.c finds which of them are lookups.
 */
#ifndef VV_LAKE_QUERY_SCRIPT_H
#define VV_LAKE_QUERY_SCRIPT_H

#include "base/map.h"
#include "engine/sql_tree.h"
#include "lake/lake.h"
#include "table/read/plan.h"

/* A table at a version. Several places may read it. */
struct vv_query_source {
    struct vv_table *table;       /* owned */
    struct vv_known known;        /* by which the table is read */
    struct vv_snapshot *snapshot; /* the script's `pinned` has it */
    struct vv_rules rules;
    bool is_apart;      /* as it was known then, by SET: its view has a name of its own */
    struct vv_str view; /* of all its files; ptr NULL: there is none so far */
    size_t places;      /* that read it */
    /* Where request->is_known_by_row: */
    int32_t known_column;     /* since when a row is known; -1: since its commit */
    struct vv_snapshot *then; /* the version of then; NULL: none */
    bool is_known_by_row;     /* the view shows a part of the rows */
};

/* A place of a statement that reads a table of the lake. */
struct vv_query_place {
    const struct vv_sql_table *table; /* NULL: it is the engine's, or a function */
    struct vv_query_source *source;
    struct vv_str view;             /* that stands for a function; ptr NULL: it is none */
    struct vv_predicate *predicate; /* NULL: nothing is known of its rows */
    struct vv_pruned pruned;
};

/* What a stream keeps until it is released: the snapshots that its views are made of. */
struct vv_query_pinned {
    struct vv_snapshot **snapshots;
    size_t len;
};

/* The statements of one query, and the tables found for them so far. */
struct vv_query_script {
    struct vv_lake *lake;
    struct vv_session *session;
    const struct vv_query_request *request;
    struct vv_sql_statement *statements;
    struct vv_query_place **places; /* of each statement */
    struct vv_query *runs;          /* as they are run, likewise */
    size_t len;                     /* of all three */
    /* What SET made of the lake's; for the statement whose places are looked for. */
    struct vv_known known;
    bool is_by_commit;    /* of the source that is looked for only commits count as known */
    bool has_set;         /* some statement has changed it */
    struct vv_map by_key; /* table, and what its AT says, to its struct vv_query_source */
    struct vv_query_source **sources;
    size_t sources_len;
    size_t
        views; /* made of some files of a table, or for a function: a number for their names */
    struct vv_query_pinned *pinned;
};

/* What the lake knows by one name, at one AT, is one table. */
varve_status vv_query_key(struct vv_op *op, const struct vv_sql_table *place,
    struct vv_str *out);
/*
 * Names with a schema ("information_schema.tables") and the engine's own ("pg_class") are its matter,
 * the latter where the lake has no such table.
 */
varve_status vv_query_is_engines(struct vv_op *op, const struct vv_query_script *script,
    const struct vv_sql_table *table, bool *out);

/* What the engine makes of an expression before anything runs: $since, now() - INTERVAL 1 DAY. */
struct vv_query_value {
    struct vv_str text; /* a time as 2025-01-30T10:00:00.000000Z; ptr NULL: NULL */
    bool is_text;       /* of type VARCHAR */
};
/* `what` names it in messages. */
varve_status vv_query_value(struct vv_op *op, struct vv_query_script *script,
    struct vv_str what, const struct vv_json *expression, struct vv_query_value *out);

/* "SET known_at = ..." and "RESET known_at"; *out_is_set false: it is another statement. */
varve_status vv_query_set_read(struct vv_op *op, struct vv_query_script *script,
    struct vv_str text, bool *out_is_set, struct vv_sql_statement *out);
/* Does it for the places behind it; its text is then a SELECT of the time. */
varve_status vv_query_set_apply(struct vv_op *op, struct vv_query_script *script,
    struct vv_sql_statement *statement);

/* The table of a place, opened, at its version; one that was found before is found again. */
varve_status vv_query_source_find(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *place, struct vv_query_source **out);

/* query_known.c: the version that is read where a row says itself when it was known. */
varve_status vv_query_known_open(struct vv_op *op, struct vv_query_script *script,
    struct vv_query_source *source);
/* Its rows that were known, as a SELECT. */
varve_status vv_query_known_sql(struct vv_op *op, const struct vv_query_script *script,
    const struct vv_query_source *source, struct vv_buf *sql);
/*
 * query_between.c: whether a version from `first` on brought a row that may have been known at that
 * time, and a later one took it. True also where that can't be found out.
 */
varve_status vv_query_may_miss(struct vv_op *op, const struct vv_query_source *source,
    int64_t known_us, int64_t first, bool *out);

/* The table that a function is over, as a place that reads it. */
varve_status vv_query_function_table(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *function, struct vv_sql_table *out);
/* Makes the view that stands for a function. */
varve_status vv_query_function(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_table *function, struct vv_str *out_view);

/* All places of a statement, their tables opened, each at its version. In the operation's arena. */
varve_status vv_query_places(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place **out);
/*
 * Makes the views that the places read, of the files that may matter, and gives the statement's
 * text with them in it.
 */
varve_status vv_query_views(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place *places,
    struct vv_str *out_sql);

/*
 * Fills in the predicates: what is true of each row of a place that can make a difference to the
 * statement's answer. Such a row has passed the WHERE of its SELECT, and the ON of its joins.
 */
varve_status vv_query_where(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, struct vv_query_place *places);

/*
 * The text that vv_query_views has given, with NULL kept from meeting anything in an ASOF join that
 * compares more than a time. EUSAGE: that can't be done there.
 */
varve_status vv_query_guard(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, const struct vv_query_place *places,
    struct vv_str sql, struct vv_str *out_sql);

/*
 * The text that vv_query_guard has given, with ASOF joins with few rows written as lookups. ptr NULL:
 * there is none that can be.
 */
varve_status vv_query_steps(struct vv_op *op, struct vv_query_script *script,
    const struct vv_sql_statement *statement, const struct vv_query_place *places,
    struct vv_str sql, struct vv_str *out_sql);

/* Whether the rows of these files are few enough to be looked up in a list. */
varve_status vv_query_has_few_rows(struct vv_op *op, const struct vv_file *const *files,
    size_t files_len, bool *out);

#endif
