/*
 * Change files (_change_data): what a commit does to rows, one by one, where the table has its
 * change feed on. Readers of a commit that has any look at nothing else in it, so they hold all of
 * its changes. A commit that only brings files, or takes whole ones, says as much without them.
 */
#ifndef VV_TABLE_EDIT_FEED_WRITE_H
#define VV_TABLE_EDIT_FEED_WRITE_H

#include "table/write.h"

struct vv_feed {
    struct vv_table *table;
    struct vv_session *session;
    const struct vv_snapshot *snapshot;
    const struct vv_rules *rules;
    struct vv_arena *arena; /* of the actions */
    struct vv_written *written;
    struct vv_actions *actions;
};

/* Rows that leave their files. */
struct vv_feed_gone {
    const struct vv_file *const *files;
    size_t files_len;
    const int64_t *rows;    /* by file; of one with 0 none goes */
    struct vv_str relation; /* of _file (index into files) and _pos, called g */
    const char *type;       /* of the change, an SQL expression over g */
    const char *where;      /* which rows of the relation; NULL: all */
};

bool vv_feed_wanted(const struct vv_snapshot *snapshot);

/*
 * For the statement of vv_feed_write: appends SELECTs of c0 .. cN and _change_type; of a whole file
 * all rows are deletes.
 */
varve_status vv_feed_gone_sql(struct vv_op *op, const struct vv_feed *feed,
    const struct vv_feed_gone *gone, struct vv_buf *sql);
varve_status vv_feed_whole_sql(struct vv_op *op, const struct vv_feed *feed,
    const struct vv_file *const *files, size_t files_len, struct vv_buf *sql);
void vv_feed_news_sql(const struct vv_feed *feed, struct vv_str relation, const char *type,
    struct vv_buf *sql);

/*
 * Writes the changes that a statement yields, a file for each partition, and their `cdc` actions.
 * Makes a temporary table. EUNSUPPORTED: the table has a column that is called _change_type.
 */
varve_status vv_feed_write(struct vv_op *op, const struct vv_feed *feed, struct vv_str sql);

#endif
