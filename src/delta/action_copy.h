/*
 * Deep copies of actions, from the arena of a parsed commit into the one of a snapshot, so that
 * a snapshot holds what is live and nothing else. All return NULL when memory is out.
 */
#ifndef VV_DELTA_ACTION_COPY_H
#define VV_DELTA_ACTION_COPY_H

#include "delta/action.h"

const struct vv_file *vv_file_copy(struct vv_arena *arena, const struct vv_file *file);
const struct vv_remove *vv_remove_copy(struct vv_arena *arena, const struct vv_remove *remove);
const struct vv_protocol *vv_protocol_copy(struct vv_arena *arena,
    const struct vv_protocol *protocol);
const struct vv_metadata *vv_metadata_copy(struct vv_arena *arena,
    const struct vv_metadata *metadata);
const struct vv_txn *vv_txn_copy(struct vv_arena *arena, const struct vv_txn *txn);
const struct vv_domain *vv_domain_copy(struct vv_arena *arena, const struct vv_domain *domain);

#endif
