/*
 * The chain: every commit of Varve carries the SHA-256 of the stored bytes of the commit before
 * it, so that nobody can alter, drop or insert an old commit without leaving a trace in all later
 * ones. It is evidence, not prevention.
 *
 * A commit of other software carries nothing. So that a run of them is covered too, each commit
 * has a chain hash: that of one with a link is the SHA-256 of its bytes, which hold the link; that
 * of another is the SHA-256 of the chain hash before it and of the SHA-256 of its own bytes, both
 * in hexadecimal, one behind the other. The first commit of Varve behind such a run carries the
 * run's last chain hash, and the version that the run is counted from.
 */
#ifndef VV_DELTA_CHAIN_H
#define VV_DELTA_CHAIN_H

#include "base/hash.h"
#include "base/json_write.h"
#include "delta/log.h"

/* What a commit says of the one before it: `commitInfo.varve`. */
struct vv_chain_link {
    int64_t version;                  /* of the commit before; VV_NO_VERSION for version 0 */
    char sha256[VV_SHA256_HEX_BYTES]; /* "": its bytes are gone (or version 0) */
    bool from_ledger;                 /* the log has it no more, the ledger does */
    /* Behind commits without a link: the chain hash of `version`. "": it is not needed. */
    char chain[VV_SHA256_HEX_BYTES];
    int64_t chain_from; /* the commit whose chain hash is that of its bytes alone */
};

/* The link to a commit whose bytes are at hand. */
varve_status vv_chain_link_of(struct vv_op *op, int64_t version, struct vv_str bytes,
    struct vv_chain_link *out);
/*
 * To the next commit, of bytes at hand: from the link to the one before it. `has_link`: the commit
 * has a link of its own, so that nothing is to be carried on.
 */
varve_status vv_chain_link_next(struct vv_op *op, const struct vv_chain_link *before,
    int64_t version, struct vv_str bytes, bool has_link, struct vv_chain_link *out);
/* `chain`: the chain hash so far, then with one more commit without a link. */
varve_status vv_chain_fold(struct vv_op *op, char chain[VV_SHA256_HEX_BYTES],
    const char *sha256);
/*
 * Completes the link to a commit that has no link of its own, by reading those before it in the
 * log, until one has. What is gone, or further away than any run should be, is not covered.
 */
varve_status vv_chain_run(struct vv_op *op, const struct vv_log_handle *log,
    struct vv_chain_link *link);
/* The member `varve` of commitInfo. */
void vv_chain_write(const struct vv_chain_link *link, struct vv_json_writer *writer);

enum vv_chain_verdict {
    VV_CHAIN_FOREIGN, /* the commit carries no link: it is covered by a later one, if at all */
    VV_CHAIN_HOLDS,
    VV_CHAIN_UNPROVEN, /* one of the two sides is not there to compare */
    VV_CHAIN_BROKEN
};
/*
 * What the link in the commit `version` is worth, given the hash of the commit before it
 * (VV_STR_NONE: gone, or version 0).
 */
enum vv_chain_verdict vv_chain_check(int64_t version, const struct vv_commit_info *info,
    struct vv_str previous_sha256);

#endif
