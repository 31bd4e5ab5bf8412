/*
 * Restore: the table becomes what it was at an earlier version, by a new commit. History is kept,
 * the versions in between stay readable, and the protocol never goes back: it gains what that
 * version has and was dropped since. What is written with a txn stays applied: a restore is meant to
 * take it back, a replay must not bring it again.
 */
#ifndef VV_TABLE_MAINTAIN_RESTORE_H
#define VV_TABLE_MAINTAIN_RESTORE_H

#include "table/table.h"

struct vv_restore_request {
    struct vv_str at; /* version, time or tag, as of vv_table_at */
    bool dry_run;
    struct vv_str user_name, user_metadata;
};

struct vv_restore_result {
    int64_t version;  /* after */
    int64_t restored; /* the version that the table is like now */
    int64_t files_restored, files_removed;
    int64_t bytes_restored, bytes_removed;
    bool is_changed; /* false: it was like that already; nothing was written */
};

/*
 * NOT_FOUND: no such version, or data files or deletion vectors of it are gone, one of them named.
 * EUSAGE: the table is append-only. EUNSUPPORTED: that version has a feature which the table has no
 * more, and which Varve gives to none.
 * ECONFLICT: other writers won every attempt, or a vacuum is under way that may remove what would come
 * back.
 */
varve_status vv_restore(struct vv_op *op, struct vv_table *table,
    const struct vv_restore_request *request, struct vv_restore_result *out);

#endif
