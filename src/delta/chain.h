/*
 * The chain: every commit of Varve carries the SHA-256 of the stored bytes of the commit before
 * it, so that nobody can alter, drop or insert an old commit without leaving a trace in all later
 * ones. It is evidence, not prevention.
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
};

/* The link to a commit whose bytes are at hand. */
varve_status vv_chain_link_of(struct vv_op *op, int64_t version, struct vv_str bytes,
    struct vv_chain_link *out);
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
