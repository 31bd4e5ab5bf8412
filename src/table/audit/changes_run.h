/*
 * The inside of changes, shared by the files changes*.c: what the commits of a range come to.
 *
 * changes_read.c sorts the files of the commits by what their rows mean, changes_sql.c makes a
 * statement of that, changes.c finds the range and runs it. A trace, and the export of a lake, run
 * it with a filter (changes_pick.h).
 */
#ifndef VV_TABLE_AUDIT_CHANGES_RUN_H
#define VV_TABLE_AUDIT_CHANGES_RUN_H

#include "delta/list.h"
#include "engine/engine.h"
#include "table/audit/changes.h"

/* A file and the commit that it is of. */
struct vv_change_file {
    const struct vv_file *file;
    int64_t version;
    int64_t timestamp_us;
};

/* What the rows of a file mean. */
enum vv_change_kind {
    VV_CHANGE_INSERTS,
    VV_CHANGE_DELETES,
    VV_CHANGE_FEED,     /* a change file: its rows say it */
    VV_CHANGE_PAIR_OLD, /* one file with two deletion vectors: rows that only the old one shows */
    VV_CHANGE_PAIR_NEW, /* were deleted, those that only the new one shows came back */
    VV_CHANGE_KINDS
};

struct vv_change_files {
    VV_ACTION_LIST(struct vv_change_file) list;
};

/*
 * For the history of a row: only files that may hold it, and of these only that row.
 */
struct vv_changes_filter {
    /* Shown each commit before its files are sorted; *out_skip: its files are left out. */
    varve_status (*look)(struct vv_op *op, void *data, const struct vv_actions *actions,
        bool *out_skip);
    bool (*keeps)(const void *data, struct vv_str key);
    void *data;
    struct vv_str where; /* over s.c0.. */
};

/* Whether the table had its change feed on. */
enum vv_changes_feed {
    VV_CHANGES_FEED_UNKNOWN,
    VV_CHANGES_FEED_OFF,
    VV_CHANGES_FEED_ON
};

struct vv_changes_run {
    struct vv_table *table;
    struct vv_engine *engine;     /* that runs the statement */
    struct vv_snapshot *snapshot; /* of the last version: its columns */
    /* The same with the widest types that the columns had. NULL: theirs are. */
    const struct vv_snapshot *wide;
    struct vv_rules rules;
    int64_t from, to;
    const struct vv_changes_filter *filter; /* NULL: everything */
    /* Of the versions, newest first, one each; none: they are read. */
    const struct vv_history_entry *entries;
    size_t entries_len;
    /* Before the first version (unknown: looked up); then, after the last. */
    enum vv_changes_feed feed;
    bool *had_column; /* by column of the snapshot: the version that was read last has it */
    /* By kind; [1]: of commits whose sides are to be netted, since no change feed was on. */
    struct vv_change_files files[VV_CHANGE_KINDS][2];
};

/* With the columns as they are read: `schema` of this, not of the last version. */
static inline const struct vv_snapshot *vv_changes_view(const struct vv_changes_run *run)
{
    return run->wide != NULL ? run->wide : run->snapshot;
}

/* The commits of the range, where they were not given. */
varve_status vv_changes_entries(struct vv_op *op, struct vv_changes_run *run);
/*
 * Gives the columns of `schema` types that hold the values of those of `other`, too: lives as long as
 * `op` and both. `*out_unfit`: a column of which no type does; ptr NULL: there is none.
 */
varve_status vv_changes_widen_schema(struct vv_op *op, const struct vv_schema *other,
    struct vv_schema *schema, struct vv_str *out_unfit);
/* Columns may have been wider than they are: a feature that was there once stays over a restore. */
bool vv_changes_may_widen(const struct vv_snapshot *snapshot);
/* Finds `wide`, in the memory of `op`. EUNSUPPORTED: no type holds all values of a column. */
varve_status vv_changes_widen(struct vv_op *op, struct vv_changes_run *run);
varve_status vv_changes_read(struct vv_op *op, struct vv_changes_run *run);

/* A file whose rows a commit added or removed, and that can't be read with the columns of the snapshot. */
struct vv_unclear {
    struct vv_str path;
    /* Goes behind the path; of two with one reason the same pointer. NULL: there is none. */
    const char *why;
};

/*
 * The first of a commit: a remove without partition values, as old writers leave them, or a file of a
 * time when the table had other partition columns, which lie in no file.
 */
struct vv_unclear vv_changes_unclear(const struct vv_snapshot *snapshot,
    const struct vv_rules *rules, const struct vv_actions *actions);
/* SELECT c0.., _what (insert, delete, update_preimage, update_postimage), _version, _time. */
varve_status vv_changes_rows_sql(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql);
/* Of these rows, as r: the columns by their names, and _change_type, _commit_version, _commit_timestamp. */
void vv_changes_columns_sql(const struct vv_schema *schema, struct vv_buf *sql);
/* The same with the names of columns, in order of version. */
varve_status vv_changes_sql(struct vv_op *op, const struct vv_changes_run *run,
    struct vv_buf *sql);

/* What can be told though a commit is damaged: up to the version that `option` is to name. */
varve_status vv_changes_tell_damage(struct vv_op *op, const char *option);

#endif
