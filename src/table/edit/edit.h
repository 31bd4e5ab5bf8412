/*
 * Edits: changes of rows that are in a table, by an operation that says which rows go and which
 * ones come (delete, update, ...). What they have in common is here and in edit_write.c: the
 * attempts, the files that are left behind, the commit and when it may follow somebody else's.
 *
 * An attempt rests on one snapshot and leaves two temporary tables in its session:
 *     VV_EDIT_GONE  _file BIGINT (index into edit->files), _pos BIGINT (physical row); each once
 *     edit->news    c0 .. cN, the rows that come, validated; where news_len > 0
 */
#ifndef VV_TABLE_EDIT_EDIT_H
#define VV_TABLE_EDIT_EDIT_H

#include "delta/commit.h"
#include "table/upsert/key_groups.h"
#include "table/edit/marks.h"
#include "table/on_record.h"
#include "table/rules.h"
#include "table/table.h"
#include "table/warnings.h"
#include "table/write.h"

#define VV_EDIT_GONE "edit_gone"

struct vv_edit_options {
    struct vv_str app_id; /* none: no txn */
    int64_t app_version;
    uint32_t attempts_max; /* 0: 10 */
    bool dry_run;          /* all but the commit; nothing stays */
    bool evolve;           /* of a merge: columns that the table lacks are added first */
    struct vv_str user_name, user_metadata;
};

/* One attempt. */
struct vv_edit {
    struct vv_table *table;
    struct vv_work *work;       /* of all attempts */
    struct vv_session *session; /* the same one's */
    struct vv_arena arena;      /* dies with the attempt */
    const struct vv_snapshot *snapshot;
    const struct vv_rules *rules;
    /* Found by the operation: */
    const struct vv_file **files; /* that were read; _file counts them */
    size_t files_len;
    const struct vv_file **whole; /* that go unread, with all their rows */
    size_t whole_len;
    bool *asked; /* by file: rows of it that stay decide which ones come; NULL: none do */
    struct vv_str news; /* the table's name */
    int64_t news_len;
    struct vv_warned warned;         /* of the news; in op's arena */
    struct vv_key_groups key_groups; /* of the news, where their keys were checked */
    /* Made of it: */
    int64_t *gone; /* by file: rows that go */
    int64_t rows_gone, rows_copied;
    int64_t files_added, bytes_added;
    int64_t files_removed, bytes_removed; /* but for those that `marks` has emptied */
    int64_t vectors_removed;              /* likewise */
    struct vv_actions actions;
    struct vv_written written;
    struct vv_marks marks;
    struct vv_on_record on_record; /* the files that rows are taken from */
    bool is_outdated;              /* the operation has changed the table's schema: find anew */
    int64_t started_us, scanned_us, written_us; /* when */
};

/* What tells one operation from another; `data` is its own. */
struct vv_edit_kind {
    const char *name;        /* for messages: "delete" */
    struct vv_str operation; /* in the history: "DELETE" */
    /* In change files: what a row that goes is, an SQL expression over g, a row of VV_EDIT_GONE;
       and one that comes, over n, a row of the news; NULL: none comes. */
    const char *gone_type, *news_type;
    /* Reads the inputs, where they were not read yet; outside of the transaction that the others are
       in, since the engine may refuse a file of which the rest is read all the same. NULL: none. */
    varve_status (*load)(struct vv_op *op, struct vv_edit *edit, void *data);
    /* Fills files, whole, news; makes the tables. */
    varve_status (*find)(struct vv_op *op, struct vv_edit *edit, void *data);
    /* Whether what was found could be otherwise with the rows of a file that is new by now. */
    varve_status (*matters)(struct vv_op *op, const struct vv_edit *edit, const void *data,
        const struct vv_file *added, bool *out);
    /* parameters_json and metrics_json, in the attempt's arena. */
    varve_status (*record)(struct vv_op *op, struct vv_edit *edit, const void *data,
        struct vv_commit_request *out);
};

struct vv_edit_result {
    int64_t rows_in; /* of a source */
    int64_t inserted, updated, deleted;
    int64_t rows_gone, rows_come, rows_copied;
    int64_t files_added, files_removed;
    int64_t vectors_added, vectors_updated, vectors_removed;
    int64_t columns_added;
    int64_t times_ambiguous; /* as in vv_upsert_result */
    struct vv_warned warned; /* likewise */
    bool already_applied;
    int64_t version; /* after; unchanged where nothing was written */
    uint32_t attempts;
};

/*
 * Runs an operation to its commit, or to none where it changes nothing (but for its txn).
 * EUSAGE: the table is append-only; ECONFLICT, EUNKNOWN: vv_commit.
 */
varve_status vv_edit_run(struct vv_op *op, struct vv_table *table,
    const struct vv_edit_kind *kind, void *data, const struct vv_edit_options *options,
    struct vv_edit_result *out);

/*
 * What a statement over the table's rows is written around: "(SELECT ...) AS t" with the columns
 * by their names and before them <prefix>file and <prefix>pos, for a user's expressions. Of no
 * file: the columns without rows.
 */
varve_status vv_edit_rows_sql(struct vv_op *op, const struct vv_edit *edit,
    const struct vv_file *const *files, size_t files_len, struct vv_str prefix,
    struct vv_buf *sql);
/* EUSAGE where the engine can't compute a user's expression over the table's columns. */
varve_status vv_edit_check_sql(struct vv_op *op, const struct vv_edit *edit, const char *what,
    struct vv_str expression);

/* A user's expression as the value of a column; DEFAULT is what the column has without one. */
varve_status vv_edit_value_sql(struct vv_op *op, const struct vv_edit *edit, int32_t column,
    struct vv_str expression, struct vv_buf *sql);
bool vv_edit_is_default(struct vv_str expression);
/*
 * What a column of t is that no assignment sets: itself, or of the order column what makes the row
 * newer than what it replaces.
 */
void vv_edit_kept_sql(const struct vv_edit *edit, int32_t column, struct vv_buf *sql);
/* Whether rows get another key by an assignment to the column. */
bool vv_edit_sets_key(const struct vv_rules *rules, int32_t column);
/* A column that follows others: a partition column that derives from one, a generated one. */
bool vv_edit_is_derived(const struct vv_rules *rules, int32_t column);

/* A condition over the table's columns, for files and for the engine. EUSAGE as above. */
struct vv_predicate;
varve_status vv_edit_read_condition(struct vv_op *op, const struct vv_edit *edit,
    struct vv_str condition, struct vv_predicate **out);
/* Makes VV_EDIT_GONE of the rows of edit->files for which the condition is true. */
varve_status vv_edit_read_gone(struct vv_op *op, struct vv_edit *edit, struct vv_str where);

/*
 * The files that a condition leaves: in edit->files those to be read, in edit->whole, where
 * `with_whole`, those whose rows all go.
 */
varve_status vv_edit_choose(struct vv_op *op, struct vv_edit *edit,
    const struct vv_predicate *predicate, bool with_whole);

/* For edit.c: the new files and the file actions. Data files are not published yet. */
varve_status vv_edit_write(struct vv_op *op, struct vv_edit *edit);
/* And the change files, where the table has its feed on and the file actions don't say it all. */
varve_status vv_edit_feed(struct vv_op *op, struct vv_edit *edit,
    const struct vv_edit_kind *kind);

/* For records (record.h): the metrics that all edits have in common. */
struct vv_json_writer;
void vv_edit_metrics(struct vv_op *op, const struct vv_edit *edit,
    struct vv_json_writer *writer);
/* Spark's operationParameters of one condition. */
varve_status vv_edit_predicate(struct vv_op *op, struct vv_edit *edit, struct vv_str condition,
    struct vv_str *out);

#endif
