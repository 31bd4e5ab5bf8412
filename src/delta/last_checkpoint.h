/*
 * `_last_checkpoint`: a hint where the newest checkpoint is. It may be missing, empty, stale or
 * point to a deleted file; whoever uses it must be able to do without.
 */
#ifndef VV_DELTA_LAST_CHECKPOINT_H
#define VV_DELTA_LAST_CHECKPOINT_H

#include "base/buf.h"
#include "base/json.h"
#include "base/op.h"
#include "store/store.h"

#define VV_LAST_CHECKPOINT_KEY "_delta_log/_last_checkpoint"

/*
 * The version that the hint names; VV_NO_VERSION where there is no hint or none to believe (not
 * JSON, no version, a checksum that does not hold). Fails only when memory is out or the
 * operation is cancelled.
 */
varve_status vv_last_checkpoint_read(struct vv_op *op, struct vv_store *store,
    int64_t *out_version);

/* For who judges it: ENOTFOUND where there is none, ECORRUPT where it is none to believe. */
varve_status vv_last_checkpoint_look(struct vv_op *op, struct vv_store *store,
    int64_t *out_version);

/* MD5 of the protocol's canonical form of an object, its member `checksum` left out. */
varve_status vv_last_checkpoint_checksum(struct vv_op *op, const struct vv_json *object,
    char out_hex[33]);

#endif
