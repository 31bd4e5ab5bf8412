/*
 * One open table: its store, its log, the newest snapshot that was seen, and its rules.
 *
 * A handle serves one call at a time. Snapshots taken from it are immutable and may be shared.
 */
#ifndef VV_TABLE_TABLE_H
#define VV_TABLE_TABLE_H

#include "delta/log.h"
#include "delta/snapshot.h"
#include "table/rules.h"
#include "table/work.h"

struct vv_latest_kept;

/* The time of what is known; where none is set all that is there is known. */
struct vv_known {
    bool is_set;
    int64_t us;
};

/* By which columns stored rows were told from those of the last large upsert (upsert/compare.h). */
struct vv_probe {
    uint64_t schema;  /* hash of its JSON */
    uint64_t columns; /* a bit for each, by index; 0: none are known */
};

struct vv_table {
    struct vv_str name; /* for messages; in `arena` */
    struct vv_log_handle log;
    struct vv_store *store;   /* owned */
    struct vv_engine *engine; /* borrowed */
    struct vv_snapshot *
        snapshot; /* newest seen, owned; NULL before the first vv_table_refresh that succeeds */
    struct vv_work *work;          /* of the last small batch; NULL: none is kept */
    struct vv_latest_kept *latest; /* table/read/latest_kept.h; NULL: nothing is kept */
    struct vv_probe probe;
    /*
     * Where a time is set there, the table is read without an `at` as it was known then
     * (table/read/read.h). Looked at by each read; NULL: none is set. Borrowed, mostly of the lake.
     */
    const struct vv_known *known;
    bool is_order_told;  /* that times are those of the order column (table/read/read.h) */
    bool is_damage_told; /* since the last refresh: that the newest version can't be read */
    /* Somebody else writes checkpoints soon after commits: only what is long due is written. */
    bool checkpoints_elsewhere;
    struct vv_checkpoint_errand *errand; /* a checkpoint that is being written; NULL: none */
    struct vv_arena arena;
};

/* Takes `store` over, on failure too. NOT_FOUND when there is no log. Loads the latest version. */
varve_status vv_table_open(struct vv_op *op, struct vv_str name, struct vv_store *store,
    struct vv_engine *engine, struct vv_table **out);
/*
 * The same for reading whatever version is asked for: where the newest one is damaged `snapshot` is
 * NULL, and versions that need none of what is damaged can be read.
 */
varve_status vv_table_open_for_any(struct vv_op *op, struct vv_str name, struct vv_store *store,
    struct vv_engine *engine, struct vv_table **out);
/* The newest version seen; where it is damaged, the newest that has a name in the log. */
varve_status vv_table_newest(struct vv_op *op, const struct vv_table *table, int64_t *out);
/* Waits for a checkpoint that is being written. */
void vv_table_close(struct vv_table **table);
/*
 * Brings `snapshot` to the latest version. ECORRUPT: the error's detail says which version can be
 * read without the damaged commit, where the one before it can.
 */
varve_status vv_table_refresh(struct vv_op *op, struct vv_table *table);
/* Adds that to a recorded ECORRUPT; other failures stay as they are. Returns the code. */
varve_status vv_table_tell_damage(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_str table);
/*
 * vv_table_refresh for reading whatever version is asked for: damage is no failure, and leaves
 * `snapshot` NULL.
 */
varve_status vv_table_refresh_for_any(struct vv_op *op, struct vv_table *table);
/*
 * A version of the table (VV_NO_VERSION: the newest seen): the current snapshot where it is that
 * one, else loaded, with a warning in the log, once a refresh, where the newest is damaged.
 * Released by the caller.
 */
varve_status vv_table_snapshot(struct vv_op *op, struct vv_table *table, int64_t version,
    struct vv_snapshot **out);

/* What `create` makes. */
struct vv_named_expression {
    struct vv_str name, expression;
};
struct vv_table_spec {
    struct vv_schema schema;
    const struct vv_str *partition_columns;
    size_t partition_columns_len;
    const struct vv_str *key; /* column names */
    size_t key_len;
    struct vv_str order_by; /* none: the last arrival wins */
    const struct vv_str *zorder;
    size_t zorder_len;
    const struct vv_str *cluster; /* columns of its liquid clustering */
    size_t cluster_len;
    struct vv_pairs partition_from; /* date = timestamp */
    const struct vv_named_expression *checks;
    size_t checks_len;
    struct vv_pairs properties; /* further ones; "delta.feature.x" becomes protocol */
    size_t properties_unasked;  /* the first so many, which nobody asked for */
    bool keeps_rules; /* a table that is there may have other checks, order and properties */
    struct vv_str description;
    struct vv_str user_name, user_metadata;
};
/*
 * Writes version 0 ("CREATE TABLE"). The protocol is the least that holds the table: reader 1,
 * writer 2 or 3 (CHECK), (3,7) with lists where a type or property needs it. *out_created false
 * when a table is there already and has all that the spec asks for; nothing is changed. EUSAGE: it
 * lacks some of it; Parquet files without a log lie there; names, key columns that don't exist or
 * can't be ordered, a CHECK that does not translate.
 */
varve_status vv_table_create(struct vv_op *op, struct vv_store *store, struct vv_engine *engine,
    const struct vv_table_spec *spec, bool *out_created);

#endif
