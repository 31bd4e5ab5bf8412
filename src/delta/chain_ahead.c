#include "delta/chain_ahead.h"

#define COMMITS_MIN 64 /* fewer are read in less time than a thread is worth */

static varve_status run(struct vv_op *op, void *data)
{
    struct vv_chain_ahead *ahead = data;
    return vv_chain_run(op, &ahead->log, &ahead->link);
}

void vv_chain_ahead_begin(const struct vv_op *op, const struct vv_log_handle *log,
    const struct vv_snapshot *snapshot, struct vv_chain_ahead *ahead)
{
    if (ahead->is_begun || snapshot->commit_has_link || snapshot->commit_sha256[0] == '\0' ||
        snapshot->version < COMMITS_MIN)
        return;
    ahead->is_begun = true;
    ahead->log = *log;
    ahead->link = (struct vv_chain_link){.version = snapshot->version};
    memcpy(ahead->link.sha256, snapshot->commit_sha256, VV_SHA256_HEX_BYTES);
    vv_aside_begin(op, run, ahead, &ahead->aside);
}

const struct vv_chain_link *vv_chain_ahead_link(struct vv_op *op, struct vv_chain_ahead *ahead,
    const struct vv_snapshot *snapshot)
{
    if (ahead->aside != NULL)
        ahead->is_known = vv_aside_wait(op, &ahead->aside);
    bool is_of_it = ahead->is_known && ahead->link.version == snapshot->version &&
                    strcmp(ahead->link.sha256, snapshot->commit_sha256) == 0;
    return is_of_it ? &ahead->link : NULL;
}

void vv_chain_ahead_done(struct vv_chain_ahead *ahead)
{
    vv_aside_stop(&ahead->aside);
}
