/*
 * Changes: which rows each version from A to B brought, took and replaced.
 *
 * Where the table had its change feed on (delta.enableChangeDataFeed), by the protocol: a commit
 * with change files says it itself, another added its files' rows and deleted those of the files
 * that it removed; a deletion vector deletes its rows. Where it had not, a commit that rewrites
 * files for the sake of some rows removes and adds all of them: rows that are the same on both
 * sides then cancel out, and those with one key on both sides are an update.
 * Commits that rewrite without a change (dataChange = false: optimize) are passed over.
 *
 * Rows come with the columns of version B, then
 *     _change_type       insert, delete, update_preimage, update_postimage
 *     _commit_version    BIGINT
 *     _commit_timestamp  TIMESTAMPTZ
 * in order of version. Where a column of version B was dropped in between and restored, rows of
 * the versions without it show what their files still have of it. What the rows are made of is
 * read by the engine, which spills.
 */
#ifndef VV_TABLE_AUDIT_CHANGES_H
#define VV_TABLE_AUDIT_CHANGES_H

#include "base/buf.h"
#include "table/table.h"
#include "varve/arrow.h"

/*
 * The first column of a schema that is called like one of these three, ignoring case; NONE: no one is.
 * Varve gives no column such a name. A table of others may have one: its changes are not told.
 */
struct vv_str vv_changes_taken_name(const struct vv_schema *schema);
/* EINVALID: there is such a column. */
varve_status vv_changes_check_names(struct vv_op *op, const struct vv_schema *schema);

struct vv_changes_request {
    struct vv_str from; /* version, tag, or time: the first version at or after it; included */
    /*
     * Version, tag, or time: the last version at or before it; len 0: the latest, or what was known
     * by table->known.
     */
    struct vv_str to;
    /* Counts as the latest version: whatever came later did not. NULL: the table's latest. */
    struct vv_snapshot *newest;
};

/*
 * A time after the latest version begins an empty range. EUSAGE: neither a version nor a time,
 * `from` after `to`; EUNSUPPORTED: a column has a taken name; NOT_FOUND: no such version or tag, a commit that is gone, data files that a vacuum
 * took are met while reading; ECORRUPT: a commit up to `to` is damaged (one after it does no harm).
 */
varve_status vv_table_changes(struct vv_op *op, struct vv_table *table,
    const struct vv_changes_request *request, struct ArrowArrayStream *out);
/*
 * The same as the text of a SELECT for a session of `engine`, appended to `sql`. It must be bound
 * before the operation ends, and *out_snapshot, the caller's, stay until it has been run.
 */
varve_status vv_table_changes_sql(struct vv_op *op, struct vv_table *table,
    const struct vv_changes_request *request, struct vv_engine *engine, struct vv_buf *sql,
    struct vv_snapshot **out_snapshot);

#endif
