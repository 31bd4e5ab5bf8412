/*
 * A lake: a folder (or prefix) of tables, one engine over them, and who is asking.
 */
#ifndef VV_LAKE_LAKE_H
#define VV_LAKE_LAKE_H

#include "table/table.h"
#include "varve/arrow.h"

struct vv_lake {
    struct vv_arena arena;
    struct vv_store *store; /* rooted at the lake; owned */
    struct vv_store_options store_options;
    bool is_missing; /* the folder was not there when the lake was opened */
    struct vv_engine_options engine_options;
    struct vv_held *held;      /* what its engines hold of data files; NULL: nothing; a use */
    struct vv_engine *engine;  /* opened when first asked for; owned */
    struct vv_engine *sandbox; /* for users' SQL: reaches files of the lake only; likewise */
    struct vv_str user;        /* ptr NULL: the login */
    struct vv_str message;     /* ptr NULL: none */
    /* Its tables, those that are open too, are read by this where nothing else is asked for. */
    struct vv_known known;
    bool checkpoints_elsewhere; /* of its tables (table.h) */
};

/* Since when a row counts as known. */
enum vv_knowledge {
    VV_KNOWN_ORDER,  /* from its order column */
    VV_KNOWN_COMMIT, /* from the commit of the file that it lies in */
    VV_KNOWN_EVENT   /* from its own timestamp */
};

/* What --known-at and SET known_at say. EUSAGE: it is no time. */
varve_status vv_known_at_read(struct vv_op *op, struct vv_str time, int64_t *out_us);
/* The time that spans count back from: now, or when things were known. */
int64_t vv_lake_now_us(const struct vv_op *op, const struct vv_lake *lake);

struct vv_lake_options {
    struct vv_store_options store;
    struct vv_engine_options engine;
    size_t held_bytes; /* of data files that may be held in memory, decoded; 0: none */
    struct vv_str user, message;
};

/*
 * A folder that is not there is no error yet, since tables may be meant by their own paths; but
 * asking for a table by name, or for all of them, then is (NOT_FOUND).
 */
varve_status vv_lake_open(struct vv_op *op, struct vv_str location,
    const struct vv_lake_options *options, struct vv_lake **out);
void vv_lake_close(struct vv_lake **lake);
/* The same at the end of a process, as vv_engine_leave. */
void vv_lake_leave(struct vv_lake **lake);
varve_status vv_lake_engine(struct vv_op *op, struct vv_lake *lake, struct vv_engine **out);

/* Names of the tables, in byte order: folders of the lake that have a log. */
varve_status vv_lake_list(struct vv_op *op, struct vv_lake *lake, struct vv_arena *arena,
    struct vv_str **out, size_t *out_len);
/* Whether a folder of the lake has a log. */
varve_status vv_lake_has_table(struct vv_op *op, struct vv_lake *lake, struct vv_str folder,
    bool *out);
/*
 * Opens a table: a name in the lake; a path ("./t", "/data/t") or file URL of any table. NOT_FOUND
 * naming the tables that are there.
 */
varve_status vv_lake_table(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_table **out);
/* The same for reading whatever version is asked for (vv_table_open_for_any). */
varve_status vv_lake_table_for_any(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_table **out);
/*
 * The same without opening it: where its log lies. The caller closes `out->store`. For looking at
 * tables that may be damaged.
 */
varve_status vv_lake_log(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_log_handle *out);
/* Whether a table is named by a path or URL, not by its name in the lake. */
bool vv_lake_is_path(struct vv_str name);
/* The name of a table for whoever reads it in another folder: of a path, where it leads; `store` is its. */
struct vv_str vv_lake_lasting_name(struct vv_str name, const struct vv_store *store);
/* Creates a table by name (EUSAGE for a name that is no name); fills in user and message. */
varve_status vv_lake_create_table(struct vv_op *op, struct vv_lake *lake, struct vv_str name,
    struct vv_table_spec *spec, bool *out_created);
/* The rows of `tables` (varve.h). A table that can't be opened is a row with an error. */
varve_status vv_lake_tables(struct vv_op *op, struct vv_lake *lake,
    struct ArrowArrayStream *out);
/* Batches in quarantine of all tables (quarantine.h); a table that can't be opened is a row, too. */
varve_status vv_lake_quarantine(struct vv_op *op, struct vv_lake *lake,
    struct ArrowArrayStream *out, int64_t *out_damaged);

/*
 * Runs a user's statements, each SELECT, EXPLAIN or SET known_at (which goes on for later queries of
 * the lake where this one succeeds), over the tables by name. All tables are at one
 * version each, resolved before the first statement runs; the rows of the last one are given out.
 * NOT_FOUND: a table, version or tag that is not there. EUSAGE: SQL that is refused, parameters
 * that do not fit the statements.
 */
struct vv_query_request {
    struct vv_str sql;
    struct vv_str
        at; /* see vv_table_at, for tables without an AT of their own; ptr NULL: latest */
    struct vv_sql_params params;
    bool is_known_fixed; /* SET known_at is refused: the caller says what is known */
    /* Rows that were known by `known_us`, by what each says itself; else what the lake says. */
    bool is_known_by_row;
    enum vv_knowledge knowledge; /* ORDER or EVENT */
    int64_t known_us;
    struct vv_str
        *out_tables;    /* "tables a, b": those that it reads, in the arena; NULL: unasked */
    bool has_own_names; /* see struct vv_query */
};
varve_status vv_lake_query(struct vv_op *op, struct vv_lake *lake,
    const struct vv_query_request *request, struct ArrowArrayStream *out);

/*
 * How it would run the last of them: the tables that it reads, as vv_table_plan_stream, and the
 * engine's plan, in the operation's arena. Nothing runs but what EXPLAIN ANALYZE asks for.
 */
varve_status vv_lake_explain(struct vv_op *op, struct vv_lake *lake,
    const struct vv_query_request *request, struct ArrowArrayStream *out,
    struct vv_str *out_text);

#endif
