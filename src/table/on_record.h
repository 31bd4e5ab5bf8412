/*
 * Data files that something is made of are those that the log has on record.
 *
 * A row that is copied out of a file that somebody has altered gets a new file, with a SHA-256 of its
 * own, in a commit that is proven: the alteration would be the table's. So whoever writes rows again
 * holds the files that they come from against the log before that is committed.
 */
#ifndef VV_TABLE_ON_RECORD_H
#define VV_TABLE_ON_RECORD_H

#include "base/aside.h"
#include "delta/action.h"
#include "store/store.h"

/* Files that are being hashed; {0}: none are. */
struct vv_on_record {
    struct vv_on_record_file *items;
    size_t len;
    struct vv_aside *aside;
};

/* The bytes of a file that are in memory: by its SHA-256, else by its size. */
varve_status vv_on_record_bytes(struct vv_op *op, const struct vv_store *store,
    const struct vv_file *file, struct vv_str bytes);

/*
 * The sizes of files, by a look at the folder. ECORRUPT names the first that has another; what is not
 * there is left to whoever reads it.
 */
varve_status vv_on_record_sizes(struct vv_op *op, struct vv_store *store,
    const struct vv_file *const *files, size_t files_len);
/*
 * Begins to hash files of which something is made, those that have a SHA-256 on record
 * (VV_TAG_SHA256): in a thread of its own beside what the caller goes on with, or where they are few
 * bytes when it comes to the end. The files outlive `out`, which stays where it is.
 */
varve_status vv_on_record_begin(struct vv_op *op, struct vv_store *store,
    const struct vv_file *const *files, size_t files_len, struct vv_on_record *out);
/* Before the commit. ECORRUPT: as above. */
varve_status vv_on_record_end(struct vv_op *op, struct vv_on_record *record);
void vv_on_record_stop(struct vv_on_record *record); /* for VV_CLEANUP; accepts {0} */

#endif
