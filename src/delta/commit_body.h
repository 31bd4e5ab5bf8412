/*
 * The text of a commit: commitInfo, then the actions. It is rendered anew for each attempt, since
 * the timestamp, the chain and the version are the attempt's own.
 */
#ifndef VV_DELTA_COMMIT_BODY_H
#define VV_DELTA_COMMIT_BODY_H

#include "base/buf.h"
#include "base/uuid.h"
#include "delta/chain.h"
#include "delta/commit.h"

struct vv_commit_body {
    const struct vv_commit_request *request;
    char txn_id[VV_UUID_BYTES]; /* one for all attempts: by it we know our own commit again */
    struct vv_str user_name;
    int64_t version;
    int64_t timestamp_ms;
    bool is_above_no_time; /* the commit below has an in-commit timestamp that is no time */
    struct vv_chain_link previous;
};

varve_status vv_commit_body_write(struct vv_op *op, const struct vv_commit_body *body,
    struct vv_buf *out);

#endif
