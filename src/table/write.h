/*
 * New data files: rows of a query become Parquet files of the table, one at a time, with their
 * `add`: unique name in the Hive-style folder, statistics, SHA-256, no-NaN mark.
 */
#ifndef VV_TABLE_WRITE_H
#define VV_TABLE_WRITE_H

#include "engine/engine.h"
#include "table/rules.h"
#include "table/table.h"
#include "table/write_draft.h"

#define VV_FEED_TYPE "_change_type" /* the last column of change files */

/* Files written by an operation and not yet committed. */
struct vv_written {
    struct vv_arena *arena;
    struct vv_str *keys;
    size_t keys_len;
    size_t keys_capacity;
};

/* A key that lives as long as `written` does. False: memory is out, or was for the key. */
bool vv_written_add(struct vv_written *written, struct vv_str key);

struct vv_write_request {
    const struct vv_snapshot *snapshot;
    struct vv_session *session;
    /*
     * A SELECT whose columns are c0..cN of the schema by index, in their types and in file order;
     * partition columns may be left out.
     */
    struct vv_str select_sql;
    /*
     * In its place: what has such columns, and may have others, after FROM, in file order. With a
     * draft, of the session: the same words will come again there.
     */
    struct vv_str from_sql;
    struct vv_write_draft *draft;
    const struct vv_value *partition; /* of each partition column, in metaData's order */
    bool data_change;
    bool is_undated;           /* the file gets VV_TAG_UNDATED (candidates.h) */
    const struct vv_pair *tag; /* one more for the file; NULL: none */
    bool is_feed;           /* a change file: the last column is _change_type (feed_write.h) */
    int64_t row_group_rows; /* as in engine/parquet.h */
    bool is_dense;          /* the same */
};

/*
 * Writes one file (staged, not yet published) and fills `out_add`. Partition columns are left out
 * of the file.
 */
varve_status vv_write_file(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, struct vv_written *written,
    struct vv_file *out_add);
/* The same for a change file. */
varve_status vv_write_feed_file(struct vv_op *op, struct vv_table *table,
    const struct vv_write_request *request, struct vv_written *written, struct vv_cdc *out);
/* Makes all of them durable. Before the commit. */
varve_status vv_write_publish(struct vv_op *op, struct vv_table *table,
    const struct vv_written *written);
/* Removes files that are known not to be referenced; failures only go to the log. */
void vv_write_discard(struct vv_op *op, struct vv_table *table,
    const struct vv_written *written);
/* Removes the file that was written last, and forgets it. */
void vv_write_discard_last(struct vv_op *op, struct vv_table *table,
    struct vv_written *written);
/* The same for one file. */
void vv_write_discard_one(struct vv_op *op, struct vv_table *table, struct vv_str key);

#endif
