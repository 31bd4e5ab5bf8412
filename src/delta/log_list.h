/*
 * A listing of `_delta_log`: commits and complete checkpoints, by version.
 */
#ifndef VV_DELTA_LOG_LIST_H
#define VV_DELTA_LOG_LIST_H

#include "base/buf.h"
#include "delta/log.h"

struct vv_log_list {
    VV_ACTION_LIST(struct vv_log_commit) commits; /* ascending */
    VV_ACTION_LIST(struct vv_checkpoint_ref)
    checkpoints; /* ascending; the best of each version */
};

/*
 * Lists what has a version of at least `from`. A folder that is not there is empty. Newest commits that are
 * there and lead to no file (store/odd_name.h) are in it: whoever reads them is told.
 */
varve_status vv_log_list_read(struct vv_op *op, const struct vv_log_handle *log, int64_t from,
    struct vv_arena *arena, struct vv_log_list *out);
/* The newest version; VV_NO_VERSION where there is none. */
int64_t vv_log_list_last(const struct vv_log_list *list);
/* The oldest version that can still be put together; VV_NO_VERSION where there is none. */
int64_t vv_log_list_first(const struct vv_log_list *list);
/*
 * Has it each commit from `version` to its last? A clean-up that a power cut ended can have left
 * older commits than some that it took: of what was removed, any part may be there again.
 */
bool vv_log_list_has_all_from(const struct vv_log_list *list, int64_t version);
/* Index of the first commit of at least `version`, or commits.len. */
size_t vv_log_list_lower(const struct vv_log_list *list, int64_t version);
/*
 * The first version that is missing between two neighbours of a listing with the ledger's commits;
 * VV_NO_VERSION where none is. Nor is one where either of the two is the ledger's: what lies beside
 * those was cleaned up by others, before the ledger had it.
 */
int64_t vv_log_list_hole(const struct vv_log_commit *before, const struct vv_log_commit *after);
/*
 * The versions of commits, for messages: "0 to 8 and 12 to 16"; of many stretches the first and the
 * last ones.
 */
void vv_log_spell(const struct vv_log_commit *commits, size_t len, struct vv_buf *out);
/* ECORRUPT, of `version`: its commit is missing, and what is told up to `last` needs it. */
varve_status vv_log_fail_hole(struct vv_op *op, int64_t version, int64_t last);
/* NOT_FOUND: where no commit is left, but perhaps checkpoints are. */
varve_status vv_log_fail_no_commit(struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_log_list *list);
/* NOT_FOUND: "not a Delta table". */
varve_status vv_log_fail_no_table(struct vv_op *op, const struct vv_log_handle *log);

#endif
