/*
 * Which features a table has, and which of them it really uses: most are only listed.
 */
#ifndef VV_DELTA_FEATURE_USE_H
#define VV_DELTA_FEATURE_USE_H

#include "delta/snapshot.h"

enum vv_feature_use {
    VV_FEATURE_LISTED, /* and not in use: nothing in the table needs it yet */
    VV_FEATURE_IN_USE,
    VV_FEATURE_UNKNOWN /* Varve can't tell */
};

struct vv_feature_state {
    struct vv_str name;
    bool is_reader; /* readers need it as well */
    enum vv_feature_use use;
};

/*
 * The features of a table, listed or implied by its legacy versions, in the order of the list. The
 * schema of the snapshot may be empty (a table that Varve can't read): what depends on it is
 * UNKNOWN then.
 */
varve_status vv_feature_states(struct vv_op *op, struct vv_arena *arena,
    const struct vv_snapshot *snapshot, struct vv_feature_state **out, size_t *out_len);

#endif
