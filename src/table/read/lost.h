/*
 * Data files that older versions need and that are gone: what took them, and what is left.
 *
 * Looked for only where a read has failed: no read pays for it.
 */
#ifndef VV_TABLE_READ_LOST_H
#define VV_TABLE_READ_LOST_H

#include "table/table.h"

/*
 * Called with the failure of a read of some files of a snapshot recorded. Where it is for a file
 * that a later commit took from the table, and that is not there any more, the failure becomes
 * NOT_FOUND: it names the vacuum (or says that the history has none that took it), and which
 * versions can be read. A file that the latest version needs, too, and any other failure stay what
 * they are. Returns the recorded code.
 */
varve_status vv_lost_version(struct vv_op *op, struct vv_table *table,
    const struct vv_snapshot *snapshot, const struct vv_file *const *files, size_t files_len);

/* The same for files that say what the versions from `from` on changed, change files too. */
varve_status vv_lost_changes(struct vv_op *op, struct vv_table *table, int64_t from,
    const struct vv_file *const *files, size_t files_len);

/*
 * Who took `key`, a file that says what the commits from `version` on changed, for a warning: "the
 * vacuum of version 7 (..., by ...) took data files that are needed, such as ...".
 */
varve_status vv_lost_taker(struct vv_op *op, struct vv_table *table, int64_t version,
    struct vv_str key, struct vv_buf *text);

#endif
